// choice on BIG-Bench Hard's recorded chains of thought: extract: answer_is reaches the published accuracies, and a
// pattern with extract: regex gives what lm-evaluation-harness's gives.
#include "conformance/scoring.h"

#include <math.h>

typedef struct {
    mst_json_parser_t *parser;
    mst_arena_t *arena, *outputs; // one file of recorded outputs
    char task[64];
    const mst_json_t *list;
    mst_json_parser_t *file_parser;
    size_t rows, agreed, tasks, accuracies;
    char *text;
} run_t;

static const mst_json_t *
read_json(run_t *t, const char *path, mst_arena_t *arena)
{
    mst_err_t err;
    const mst_json_t *out = NULL;
    FILE *f = fopen(path, "rb");
    if (f == NULL)
        return NULL;
    fseek(f, 0, SEEK_END);
    size_t n = (size_t)ftell(f);
    rewind(f);
    free(t->text);
    t->text = mst_xalloc(n + 1);
    n = fread(t->text, 1, n, f);
    fclose(f);
    return mst_json_parse(t->file_parser, mst_str(t->text, n), arena, &out, NULL, &err) == MST_OK ? out : NULL;
}

static const mst_json_t *
params(run_t *t, const char *json)
{
    mst_err_t err;
    const mst_json_t *out = NULL;
    return mst_json_parse(t->parser, mst_str_c(json), t->arena, &out, NULL, &err) == MST_OK ? out : NULL;
}

// Does the scorer take `answer` out of the text, and judge it as `correct`?
static bool
agrees(run_t *t, const char *json, const mst_json_t *row, mst_str_t text, const char *answer, const char *correct)
{
    mst_err_t err;
    const mst_json_t *out = NULL;
    tst_ask_t ask = {.scorer = "choice", .threshold = -1.0, .params = params(t, json), .c = {.actual = text}};
    ask.c.has_expected = true;
    ask.c.expected = tst_str(row, "target");
    tst_got_t got = tst_score(&ask, t->parser, t->arena);
    if (got.rc != MST_OK || got.failed >= 0 ||
        mst_json_parse(t->parser, got.score.breakdown, t->arena, &out, NULL, &err) != MST_OK)
        return false;
    mst_str_t have = tst_str(out, "extracted"), want = tst_str(row, answer);
    bool same = mst_str_eq(have, want) && (got.score.value > 0.5) == tst_bool(row, correct);
    if (!same)
        printf("%s %g: \"%.*s\", expected \"%.*s\"\n", t->task, tst_num(row, "index"), MST_FMT(mst_str_cut(have, 80)),
               MST_FMT(mst_str_cut(want, 80)));
    return same;
}

static bool
open_task(run_t *t, mst_str_t task)
{
    char path[4096];
    const char *folder = getenv("MUSTER_TEST_DATA");
    if (mst_str_eq_c(task, t->task))
        return true;
    snprintf(t->task, sizeof t->task, "%.*s", MST_FMT(task));
    snprintf(path, sizeof path, "%s/bbh/code-davinci-002-cot/%s_few_shot_template_0-255000.json",
             folder != NULL ? folder : MST_SOURCE_DIR "/../shared/data", t->task);
    mst_arena_reset(t->outputs);
    t->list = mst_json_get(read_json(t, path, t->outputs), "outputs");
    if (t->list == NULL)
        printf("no recorded outputs in %s\n", path);
    return t->list != NULL;
}

static void
check_row(run_t *t, const mst_json_t *row)
{
    static const char harness[] = "{\"extract\": \"regex\", \"pattern\": \"(?<=the answer is )(.*)(?=.)\"}";
    mst_arena_reset(t->arena);
    t->rows++;
    if (!open_task(t, tst_str(row, "task")))
        return;
    mst_str_t text = tst_str(mst_json_at(t->list, (size_t)tst_num(row, "index")), "prediction");
    bool one = agrees(t, "{\"extract\": \"answer_is\"}", row, text, "answer_strip_period", "correct_strip_period");
    bool two = agrees(t, harness, row, text, "answer_lookahead_regex", "correct_lookahead_regex");
    t->agreed += one && two;
}

// The accuracy of a whole task.
static bool
accuracy(run_t *t, const mst_json_t *row)
{
    size_t right = 0;
    if (!open_task(t, tst_str(row, "task")))
        return false;
    tst_file_t *f = tst_open_data("fixtures/bbh_cot_answers.jsonl");
    for (const mst_json_t *a; (a = tst_row(f)) != NULL;) {
        if (!mst_str_eq_c(tst_str(a, "task"), t->task))
            continue;
        mst_arena_reset(t->arena);
        tst_ask_t ask = {.scorer = "choice", .threshold = -1.0, .params = params(t, "{\"extract\": \"answer_is\"}")};
        ask.c.actual = tst_str(mst_json_at(t->list, (size_t)tst_num(a, "index")), "prediction");
        ask.c.has_expected = true;
        ask.c.expected = tst_str(a, "target");
        right += tst_score(&ask, t->parser, t->arena).score.value > 0.5;
    }
    tst_close(f);
    double got = 100.0 * (double)right / tst_num(row, "rows"), want = tst_num(row, "published_accuracy");
    if (fabs(got - want) <= 1e-9)
        return true;
    printf("%s: accuracy %.12g, published %.12g\n", t->task, got, want);
    return false;
}

int
main(void)
{
    tst_file_t *f = tst_open_data("fixtures/bbh_cot_answers.jsonl");
    if (f == NULL)
        return 77;
    run_t t = {.parser = mst_json_parser_new(), .file_parser = mst_json_parser_new()};
    t.arena = mst_arena_new(64u << 20);
    t.outputs = mst_arena_new(256u << 20);
    for (const mst_json_t *row; (row = tst_row(f)) != NULL;)
        check_row(&t, row);
    tst_close(f);
    f = tst_open_data("fixtures/bbh_cot_accuracy.jsonl");
    for (const mst_json_t *row; f != NULL && (row = tst_row(f)) != NULL; t.tasks++)
        t.accuracies += accuracy(&t, row);
    if (f != NULL)
        tst_close(f);
    mst_json_parser_free(&t.parser);
    mst_json_parser_free(&t.file_parser);
    mst_arena_free(&t.arena);
    mst_arena_free(&t.outputs);
    free(t.text);
    int one = tst_agreed("answers", t.agreed, t.rows), two = tst_agreed("published accuracies", t.accuracies, t.tasks);
    return one != 0 ? one : two;
}
