// ttft, throughput, latency_p99, numerical_stability and logit_drift (both under profile aeroeval) against the
// reference's table. Our stamps are whole nanoseconds, the table's times have fractions of them: a score may differ
// from the table's by what half a nanosecond is worth, over 1e-9.
#include "common/stats/stats.h"
#include "conformance/scoring.h"
#include "scorers/say.h"

#include <math.h>

typedef struct {
    double *sorted;
    size_t n;
} times_t;

static uint64_t
count(void *ud, const char *metric)
{
    return strcmp(metric, "e2e") == 0 ? ((times_t *)ud)->n : 0;
}

static double
percentile(void *ud, const char *metric, double q)
{
    const times_t *t = ud;
    return strcmp(metric, "e2e") == 0 ? mst_percentile_sorted(t->sorted, t->n, q) : (double)NAN;
}

static int
by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static mst_score_t
run_scope(const mst_json_t *row, mst_arena_t *arena)
{
    const mst_scorer_t *scorer = mst_scorer_find(MST_STR("latency_p99"));
    const mst_json_t *config = mst_json_get(row, "config");
    const mst_json_t *list = mst_json_get(mst_json_get(row, "input"), "total_latency_ms_sequence");
    mst_scorer_cfg_t cfg = {.kind = &scorer->kind,
                            .label = MST_STR("latency_p99"),
                            .threshold = tst_num(config, "threshold"),
                            .params = tst_params(scorer->kind.params, config, arena)};
    mst_run_cfg_t run = {.scorers = &cfg, .scorer_count = 1};
    times_t times = {.sorted = MST_ARENA_ARRAY(arena, double, list->count + 1), .n = list->count};
    for (size_t i = 0; i < times.n; i++) {
        (void)mst_json_f64(mst_json_at(list, i), &times.sorted[i]);
        times.sorted[i] *= 1e6;
    }
    qsort(times.sorted, times.n, sizeof(double), by_value);
    mst_run_numbers_t numbers = {.count = count, .percentile = percentile, .ud = &times};
    mst_scorer_set_t *set = NULL;
    mst_err_t err;
    mst_score_t score = {0};
    if (mst_scorer_set_new(&run, &set, &err) == MST_OK && mst_scorer_set_count(set, MST_SCOPE_RUN) == 1)
        mst_scorer_set_run(set, &numbers, arena, mst_mono_ns, &score);
    mst_scorer_set_free(&set);
    return score;
}

static bool
is_guard(const char *name)
{
    return strcmp(name, "numerical_stability") == 0 || strcmp(name, "logit_drift") == 0;
}

// The row's settings, its baseline and the profile as one object.
static const mst_json_t *
aeroeval(const mst_json_t *row, mst_json_parser_t *parser, mst_arena_t *arena)
{
    const mst_json_t *config = mst_json_get(row, "config"), *out = NULL;
    const mst_json_t *baseline = mst_json_get(mst_json_get(row, "input"), "baseline");
    mst_buf_t text;
    mst_jw_t w;
    mst_err_t err;
    mst_buf_init(&text, 1u << 20);
    mst_jw_init(&w, &text);
    mst_jw_obj(&w);
    for (uint32_t i = 0; i < config->count; i++) {
        mst_jw_key_str(&w, config->u.members[i].key);
        mst_jw_value(&w, &config->u.members[i].value);
    }
    if (baseline != NULL) {
        mst_jw_key(&w, "baseline");
        mst_jw_value(&w, baseline);
    }
    mst_jw_key(&w, "profile");
    mst_jw_str(&w, MST_STR("aeroeval"));
    mst_jw_obj_end(&w);
    if (mst_json_parse(parser, mst_buf_view(&text), arena, &out, NULL, &err) != MST_OK)
        abort();
    mst_buf_deinit(&text);
    return out;
}

static mst_score_t
case_scope(const mst_json_t *row, const char *name, mst_json_parser_t *parser, mst_arena_t *arena)
{
    mst_buf_t meta;
    mst_jw_t w;
    mst_buf_init(&meta, 1u << 20);
    mst_jw_init(&w, &meta);
    mst_jw_value(&w, mst_json_get(row, "input"));
    tst_ask_t ask = {.scorer = name,
                     .params = is_guard(name) ? aeroeval(row, parser, arena) : mst_json_get(row, "config"),
                     .threshold = tst_num(mst_json_get(row, "config"), "threshold")};
    ask.c.metadata = mst_buf_view(&meta);
    tst_got_t got = tst_score(&ask, parser, arena);
    mst_buf_deinit(&meta);
    return got.failed < 0 ? got.score : (mst_score_t){.state = MST_SCORE_ERROR};
}

// The table's own numbers have to come back in the breakdown, and the formula has to hold without any rounding.
static bool
details(const mst_json_t *row, const char *name, const mst_score_t *s, mst_json_parser_t *parser, mst_arena_t *arena)
{
    const mst_json_t *want = mst_json_get(row, "breakdown"), *got = NULL;
    mst_err_t err;
    bool guard = is_guard(name); // its breakdown has members of its own beside the table's
    if (want->count == 0)
        return guard || (s->state == MST_SCORE_NOT_MEASURED && s->breakdown.n == 0);
    if (mst_json_parse(parser, s->breakdown, arena, &got, NULL, &err) != MST_OK)
        return false;
    if (!guard && got->count != want->count)
        return false;
    for (size_t i = 0; i < want->count; i++) {
        double a = 0.0, b = 0.0;
        const mst_json_member_t *m = &want->u.members[i];
        if (!mst_json_f64(&m->value, &a) || !mst_json_f64(mst_json_get_str(got, m->key), &b))
            return false;
        if (fabs(a - b) > (guard ? 1e-9 : 1e-5) * fmax(fabs(a), 1.0))
            return false;
    }
    if (strcmp(name, "ttft") != 0)
        return true;
    double exact = mst_score_decay(tst_num(want, "ttft_ms"), tst_num(want, "threshold_ms"));
    return fabs(exact - tst_num(row, "score")) <= 1e-9;
}

static bool
agrees(const mst_json_t *row, const char *name, mst_json_parser_t *parser, mst_arena_t *arena)
{
    bool is_run = strcmp(name, "latency_p99") == 0;
    mst_score_t s = is_run ? run_scope(row, arena) : case_scope(row, name, parser, arena);
    double limit_ms = tst_num(mst_json_get(row, "config"), "ttft_threshold_ms");
    double slack = 1e-9 + (isnan(limit_ms) ? 0.0 : 0.5e-6 / limit_ms);
    bool same = fabs(s.value - tst_num(row, "score")) <= slack && s.passed == tst_bool(row, "passed") &&
                details(row, name, &s, parser, arena);
    if (!same)
        printf("%.*s: %s gave %.12g, expected %.12g: %.*s %.*s\n", MST_FMT(tst_str(row, "id")), name, s.value,
               tst_num(row, "score"), MST_FMT(s.reason), MST_FMT(s.breakdown));
    return same;
}

int
main(void)
{
    static const char *const names[] = {"ttft", "throughput", "latency_p99", "numerical_stability", "logit_drift"};
    tst_file_t *f = tst_open_data("fixtures/system_numeric_scorers.jsonl");
    if (f == NULL)
        return 77;
    mst_arena_t *arena = mst_arena_new(64u << 20);
    mst_json_parser_t *parser = mst_json_parser_new();
    size_t rows = 0, agreed = 0;
    for (const mst_json_t *row; (row = tst_row(f)) != NULL;) {
        for (size_t i = 0; i < 5; i++) {
            if (!mst_str_eq_c(tst_str(row, "scorer"), names[i]))
                continue;
            mst_arena_reset(arena);
            rows++;
            agreed += agrees(row, names[i], parser, arena);
        }
    }
    mst_json_parser_free(&parser);
    mst_arena_free(&arena);
    tst_close(f);
    return tst_agreed("system scorers", agreed, rows);
}
