// loglik_choice against the reference's predictions (all three lengths) and TruthfulQA's two measures.
#include "conformance/scoring.h"

#include <math.h>

typedef struct {
    mst_json_parser_t *parser;
    mst_arena_t *arena;
} run_t;

static tst_got_t
ask(run_t *t, const mst_json_t *row, const char *metric)
{
    mst_json_member_t member = {MST_STR("metric"), {.type = MST_JSON_STR, .u.s = mst_str_c(metric)}};
    mst_json_t params = {.type = MST_JSON_OBJ, .count = 1, .u.members = &member};
    mst_buf_t meta;
    mst_jw_t w;
    mst_buf_init(&meta, 1u << 20);
    mst_jw_init(&w, &meta);
    mst_jw_value(&w, row);
    tst_ask_t a = {.scorer = "loglik_choice", .params = &params, .threshold = -1.0};
    a.c.metadata = mst_arena_dup(t->arena, mst_buf_view(&meta), NULL);
    mst_buf_deinit(&meta);
    return tst_score(&a, t->parser, t->arena);
}

static bool
same(const mst_json_t *row, const tst_got_t *got, const char *key, size_t line)
{
    double want = tst_num(row, key);
    bool fine = got->rc == MST_OK && got->failed < 0 && got->score.state == MST_SCORE_OK &&
                fabs(got->score.value - want) <= 1e-9;
    if (!fine)
        printf("row %zu, %s: %.12g, expected %.12g (%s %.*s)\n", line, key, got->score.value, want, got->err.message,
               MST_FMT(got->score.reason));
    return fine;
}

// The predicted choice of each length stands in the breakdown.
static bool
predictions(run_t *t, const mst_json_t *row, const tst_got_t *got)
{
    static const char *const keys[] = {"pred", "pred_norm", "pred_bytes", "gold"};
    const mst_json_t *b = NULL;
    mst_err_t err;
    if (mst_json_parse(t->parser, got->score.breakdown, t->arena, &b, NULL, &err) != MST_OK)
        return false;
    for (size_t i = 0; i < 4; i++)
        if (!(fabs(tst_num(b, keys[i]) - tst_num(row, keys[i])) < 0.5))
            return false;
    return true;
}

static int
table(run_t *t, const char *name, const char *const *metrics, size_t count)
{
    tst_file_t *f = tst_open_data(name);
    if (f == NULL)
        return 77;
    size_t rows = 0, agreed = 0;
    for (const mst_json_t *row; (row = tst_row(f)) != NULL;) {
        mst_arena_reset(t->arena);
        bool fine = true;
        for (size_t i = 0; i < count; i++) {
            tst_got_t got = ask(t, row, metrics[i]);
            fine = same(row, &got, metrics[i], f->line) && fine;
            fine = (metrics[i][0] == 'm' || predictions(t, row, &got)) && fine;
        }
        rows++;
        agreed += fine;
    }
    tst_close(f);
    return tst_agreed(name, agreed, rows);
}

int
main(void)
{
    static const char *const choice[] = {"acc", "acc_norm", "acc_bytes"}, *const truth[] = {"mc1", "mc2"};
    run_t t = {.parser = mst_json_parser_new(), .arena = mst_arena_new(64u << 20)};
    int a = table(&t, "fixtures/multiple_choice_loglik.jsonl", choice, 3);
    int b = table(&t, "fixtures/truthfulqa_mc.jsonl", truth, 2);
    mst_json_parser_free(&t.parser);
    mst_arena_free(&t.arena);
    return a != 0 ? a : b;
}
