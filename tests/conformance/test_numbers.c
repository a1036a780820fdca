// Percentiles, means, deviations and standard errors against numpy's, pass@k against the reference estimator.
#include "common/stats/reduce.h"
#include "common/stats/stats.h"
#include "conformance/scoring.h"

#include <math.h>

static int
by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static bool
near(const mst_json_t *row, const char *key, double got)
{
    double want = tst_num(row, key);
    bool same = (isnan(want) && isnan(got)) || fabs(got - want) <= 1e-9 * fmax(1.0, fabs(want));
    if (!same)
        printf("%s: %.17g, expected %.17g\n", key, got, want);
    return same;
}

static bool
statistics_row(const mst_json_t *row, mst_arena_t *arena)
{
    const mst_json_t *list = mst_json_get(row, "values");
    size_t n = list->count;
    double *x = MST_ARENA_ARRAY(arena, double, n + 1);
    for (size_t i = 0; i < n; i++)
        (void)mst_json_f64(mst_json_at(list, i), &x[i]);
    mst_spread_t s = mst_spread(x, n);
    bool same = near(row, "mean", s.mean) && near(row, "std_pop", s.sd) &&
                near(row, "std_sample", mst_spread_sample_sd(&s)) && near(row, "mean_stderr", mst_spread_stderr(&s));
    qsort(x, n, sizeof *x, by_value);
    return same && near(row, "linear", mst_percentile_sorted(x, n, tst_num(row, "q") / 100.0)) &&
           near(row, "median_upper_lm_eval", mst_median_upper_sorted(x, n));
}

static bool
pass_row(const mst_json_t *row, mst_arena_t *arena)
{
    (void)arena;
    double n = tst_num(row, "n"), c = tst_num(row, "c"), k = tst_num(row, "k");
    return near(row, "pass_at_k", mst_pass_at((uint64_t)n, (uint64_t)c, (uint64_t)k));
}

static int
table(const char *name, bool (*check)(const mst_json_t *row, mst_arena_t *arena))
{
    tst_file_t *f = tst_open_data(name);
    if (f == NULL)
        return 77;
    mst_arena_t *arena = mst_arena_new(64u << 20);
    size_t rows = 0, agreed = 0;
    for (const mst_json_t *row; (row = tst_row(f)) != NULL;) {
        mst_arena_reset(arena);
        bool same = check(row, arena);
        if (!same)
            printf("%s:%zu differs\n", name, f->line);
        rows++;
        agreed += same;
    }
    mst_arena_free(&arena);
    tst_close(f);
    return tst_agreed(name, agreed, rows);
}

int
main(void)
{
    int a = table("fixtures/statistics.jsonl", statistics_row);
    int b = table("fixtures/pass_at_k.jsonl", pass_row);
    return a != 0 ? a : b;
}
