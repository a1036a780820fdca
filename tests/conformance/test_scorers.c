// Every scorer of the registry, found by itself: the rows of tests/fixtures/scorers/NAME.jsonl, then answers that no
// one should have to be afraid of (empty, NUL bytes, invalid UTF-8, 10 MB, endless digits), with the parameters of each
// row. A verdict is finite, the same when asked twice, and a failure has a sentence.
//
// A row: output, expected?, metadata? or latencies_ms (scope run), params?, threshold?, on_missing?; score, passed,
// tolerance? (default 1e-9), state? (default ok; "error": the scorer fails; "refused": the parameters are), reason?.
#include "conformance/scoring.h"
#include "conformance/tiny_models.h"

#include <math.h>

#define BIG_MAX (10u << 20)

typedef struct {
    mst_json_parser_t *parser;
    mst_arena_t *arena;
    size_t rows, bad, hostile;
    tst_models_t models;
    size_t big; // bytes of the long answers: 10 MB, with MUSTER_QUICK 1 MB
} run_t;

typedef struct {
    double sorted[256];
    size_t n;
} times_t;

static uint64_t
times_count(void *ud, const char *metric)
{
    return strcmp(metric, "e2e") == 0 ? ((times_t *)ud)->n : 0;
}

// Type 7 over rows that are written in order.
static double
times_percentile(void *ud, const char *metric, double q)
{
    const times_t *t = ud;
    if (strcmp(metric, "e2e") != 0 || t->n == 0)
        return (double)NAN;
    double h = q * (double)(t->n - 1);
    size_t i = (size_t)h;
    double next = i + 1 < t->n ? t->sorted[i + 1] : t->sorted[i];
    return t->sorted[i] + (h - (double)i) * (next - t->sorted[i]);
}

static mst_on_missing_t
on_missing(const mst_json_t *row)
{
    mst_str_t s = tst_str(row, "on_missing");
    return mst_str_eq_c(s, "skip") ? MST_MISSING_SKIP : mst_str_eq_c(s, "fail") ? MST_MISSING_FAIL : MST_MISSING_PASS;
}

static mst_score_t
score_run(const mst_scorer_t *scorer, const mst_json_t *row, mst_arena_t *arena)
{
    double threshold = tst_num(row, "threshold");
    mst_scorer_cfg_t cfg = {.kind = &scorer->kind,
                            .label = mst_str_c(scorer->kind.name),
                            .threshold = isnan(threshold) ? scorer->kind.threshold : threshold,
                            .on_missing = on_missing(row),
                            .params = tst_params(scorer->kind.params, mst_json_get(row, "params"), arena)};
    mst_run_cfg_t run = {.scorers = &cfg, .scorer_count = 1};
    const mst_json_t *list = mst_json_get(row, "latencies_ms");
    times_t times = {.n = list->count};
    for (size_t i = 0; i < times.n; i++) {
        (void)mst_json_f64(mst_json_at(list, i), &times.sorted[i]);
        times.sorted[i] *= 1e6;
    }
    mst_run_numbers_t numbers = {.count = times_count, .percentile = times_percentile, .ud = &times};
    mst_scorer_set_t *set = NULL;
    mst_err_t err;
    mst_score_t score = {.state = MST_SCORE_ERROR};
    if (mst_scorer_set_new(&run, &set, &err) == MST_OK && mst_scorer_set_count(set, MST_SCOPE_RUN) == 1)
        mst_scorer_set_run(set, &numbers, arena, mst_mono_ns, &score);
    mst_scorer_set_free(&set);
    return score;
}

static tst_ask_t
ask_of(const run_t *t, const mst_scorer_t *scorer, const mst_json_t *row, mst_buf_t *meta)
{
    double threshold = tst_num(row, "threshold");
    tst_ask_t ask = {.scorer = scorer->kind.name,
                     .params = mst_json_get(row, "params"),
                     .threshold = isnan(threshold) ? -1.0 : threshold,
                     .on_missing = on_missing(row),
                     .models = &t->models.view};
    ask.c.actual = tst_str(row, "output");
    ask.c.has_expected = mst_json_get(row, "expected") != NULL;
    ask.c.expected = tst_str(row, "expected");
    if (mst_json_get(row, "metadata") != NULL) {
        mst_jw_t w;
        mst_jw_init(&w, meta);
        mst_jw_value(&w, mst_json_get(row, "metadata"));
        ask.c.metadata = mst_buf_view(meta);
    }
    return ask;
}

static bool
right(const mst_json_t *row, const tst_got_t *got)
{
    mst_str_t state = tst_str(row, "state"), reason = tst_str(row, "reason");
    double near = mst_json_get(row, "tolerance") != NULL ? tst_num(row, "tolerance") : 1e-9;
    if (mst_str_eq_c(state, "refused"))
        return got->rc != MST_OK && got->err.message[0] != '\0';
    if (mst_str_eq_c(state, "error"))
        return got->failed == 0 && got->score.state == MST_SCORE_ERROR && got->err.message[0] != '\0' && !got->passed;
    const char *want = state.n > 0 ? mst_score_state_name(got->score.state) : "";
    return got->rc == MST_OK && got->failed < 0 && mst_str_eq_c(state, want) &&
           (state.n > 0 || got->score.state == MST_SCORE_OK) &&
           fabs(got->score.value - tst_num(row, "score")) <= near && got->score.passed == tst_bool(row, "passed") &&
           (reason.n == 0 || mst_str_eq(reason, got->score.reason));
}

static void
check_row(run_t *t, const mst_scorer_t *scorer, const mst_json_t *row, size_t line)
{
    tst_got_t got = {.failed = -1};
    mst_buf_t meta;
    mst_buf_init(&meta, 1u << 20);
    mst_arena_reset(t->arena);
    if (scorer->scope == MST_SCOPE_RUN) {
        got.score = score_run(scorer, row, t->arena);
    } else {
        tst_ask_t ask = ask_of(t, scorer, row, &meta);
        got = tst_score(&ask, t->parser, t->arena);
    }
    t->rows++;
    if (!right(row, &got)) {
        t->bad++;
        printf("%s.jsonl:%zu: state %s, value %.12g, passed %d, reason \"%.*s\" %s\n", scorer->kind.name, line,
               got.score.state != 0 ? mst_score_state_name(got.score.state) : "none", got.score.value, got.score.passed,
               MST_FMT(got.score.reason), got.rc != MST_OK || got.failed >= 0 ? got.err.message : "");
    }
    mst_buf_deinit(&meta);
}

static void
check_hostile(run_t *t, const mst_scorer_t *scorer, const mst_json_t *row, size_t line, mst_str_t text)
{
    mst_buf_t meta;
    mst_buf_init(&meta, 1u << 20);
    tst_ask_t ask = ask_of(t, scorer, row, &meta);
    ask.c.actual = text;
    for (int raw = 0; raw < 2; raw++) {
        mst_arena_reset(t->arena);
        ask.raw = raw != 0;
        tst_got_t one = tst_score(&ask, t->parser, t->arena);
        tst_got_t two = tst_score(&ask, t->parser, t->arena);
        bool fine = one.rc != MST_OK || isfinite(one.score.value);
        fine = fine && one.rc == two.rc && one.failed == two.failed && one.passed == two.passed;
        fine = fine && mst_str_eq(one.score.reason, two.score.reason) && one.score.reason.n <= 1024;
        fine = fine && (one.failed < 0 || (one.err.message[0] != '\0' && one.score.state == MST_SCORE_ERROR));
        t->hostile++;
        t->bad += !fine;
        if (!fine)
            printf("%s.jsonl:%zu: a hostile text of %zu bytes gave \"%.*s\"\n", scorer->kind.name, line, text.n,
                   MST_FMT(one.score.reason));
    }
    mst_buf_deinit(&meta);
}

static void
check_all_hostile(run_t *t, const mst_scorer_t *scorer, const mst_json_t *row, size_t line, char *big)
{
    static const char nul[] = "\0\0a\0\n\0";
    static const char bad[] = "\xff\xfe\xc3(\xe2\x82\xf0\x9f\x98 5 \xed\xa0\x80\xc0\xaf #### \x80";
    check_hostile(t, scorer, row, line, MST_STR_NULL);
    check_hostile(t, scorer, row, line, mst_str(nul, sizeof nul - 1));
    check_hostile(t, scorer, row, line, mst_str(bad, sizeof bad - 1));
    memset(big, 'a', t->big);
    check_hostile(t, scorer, row, line, mst_str(big, t->big));
    memset(big, '9', t->big);
    check_hostile(t, scorer, row, line, mst_str(big, t->big));
    for (size_t i = 0; i < t->big; i++)
        big[i] = (char)"\xc3\x89\n "[i % 4];
    check_hostile(t, scorer, row, line, mst_str(big, t->big));
}

static void
check_scorer(run_t *t, const mst_scorer_t *scorer, char *big)
{
    char name[256];
    snprintf(name, sizeof name, "%s.jsonl", scorer->kind.name);
    tst_file_t *f = tst_open(MST_SOURCE_DIR "/tests/fixtures/scorers", name);
    if (f == NULL) {
        printf("%s: has no fixtures\n", name);
        t->bad++;
        return;
    }
    size_t before = t->rows;
    for (const mst_json_t *row; (row = tst_row(f)) != NULL;) {
        check_row(t, scorer, row, f->line);
        if (scorer->scope == MST_SCOPE_CASE && f->line % 8 == 1)
            check_all_hostile(t, scorer, row, f->line, big);
    }
    t->bad += t->rows - before < 5;
    tst_close(f);
}

static size_t
check_table(void)
{
    const mst_scorer_t *const *all = mst_scorers_all();
    size_t bad = 0;
    for (size_t i = 0; all[i] != NULL; i++) {
        const mst_kind_t *k = &all[i]->kind;
        bad += i > 0 && strcmp(all[i - 1]->kind.name, k->name) >= 0;
        bad += mst_scorers_kinds()[i] != k || mst_scorer_find(mst_str_c(k->name)) != all[i];
        bad += k->tier == NULL || k->help == NULL || k->params == NULL || !(k->threshold > 0.0);
        bad += (all[i]->scope == MST_SCOPE_CASE && !all[i]->outside) != (all[i]->score != NULL);
        bad += (all[i]->scope == MST_SCOPE_RUN) != (all[i]->run != NULL);
        for (const mst_param_t *p = k->params; p->name != NULL; p++)
            bad += p->help == NULL || (p->type == MST_P_ENUM && p->choices == NULL);
    }
    if (bad > 0)
        printf("the table of scorers has %zu faults\n", bad);
    return bad;
}

int
main(void)
{
    run_t t = {.parser = mst_json_parser_new(), .arena = mst_arena_new(512u << 20)};
    tst_models_init(&t.models);
    t.big = getenv("MUSTER_QUICK") != NULL ? 1u << 20 : BIG_MAX;
    char *big = malloc(BIG_MAX);
    t.bad = check_table();
    for (size_t i = 0; mst_scorers_all()[i] != NULL; i++)
        check_scorer(&t, mst_scorers_all()[i], big);
    free(big);
    tst_models_deinit(&t.models);
    mst_json_parser_free(&t.parser);
    mst_arena_free(&t.arena);
    printf("scorers: %zu rows and %zu hostile answers, %zu faults\n", t.rows, t.hostile, t.bad);
    return t.bad == 0 ? 0 : 1;
}
