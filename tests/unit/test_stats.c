// Moments, histogram, percentiles, intervals: against numpy's numbers where the shared data is there.
#include "common/json/json.h"
#include "common/stats/stats.h"

#include "common/base/limits.h"
#include "common/base/prng.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define assert_close(a, b, eps) assert_true(fabs((a) - (b)) <= (eps)*fmax(1.0, fabs(b)))

static void
test_stats_moments_empty(void **state)
{
    (void)state;
    mst_moments_t m = {0};
    assert_true(isnan(mst_moments_mean(&m)));
    assert_true(isnan(mst_moments_sd(&m)));
    mst_moments_add(&m, 2.5, true);
    assert_true(mst_moments_mean(&m) == 2.5);
    assert_true(isnan(mst_moments_sd(&m)));
    assert_int_equal(m.n_pass, 1);
}

// Large mean, small spread: plain sums of squares would give 0 or worse.
static void
test_stats_moments_large_mean(void **state)
{
    (void)state;
    mst_moments_t m = {0};
    for (int i = 0; i < 1000; i++)
        mst_moments_add(&m, 1e9 + (i % 2), false);
    assert_close(mst_moments_mean(&m), 1e9 + 0.5, 1e-15);
    assert_close(mst_moments_sd(&m), sqrt(250.0 / 999.0), 1e-9);
}

static void
test_stats_moments_order_does_not_show(void **state)
{
    (void)state;
    mst_prng_t r;
    mst_prng_seed(&r, 7);
    double v[3000];
    mst_moments_t all = {0}, back = {0}, parts[3] = {{0}}, merged = {0};
    for (int i = 0; i < 3000; i++) {
        v[i] = mst_prng_normal(&r) * pow(10, (double)mst_prng_below(&r, 12));
        mst_moments_add(&all, v[i], i % 3 == 0);
        mst_moments_add(&parts[i % 3], v[i], i % 3 == 0);
    }
    for (int i = 2999; i >= 0; i--)
        mst_moments_add(&back, v[i], false);
    for (int i = 0; i < 3; i++)
        mst_moments_merge(&merged, &parts[2 - i]);
    assert_int_equal(merged.n, 3000);
    assert_int_equal(merged.n_pass, 1000);
    assert_close(mst_moments_mean(&back), mst_moments_mean(&all), 1e-15);
    assert_close(mst_moments_mean(&merged), mst_moments_mean(&all), 1e-15);
    assert_close(mst_moments_sd(&merged), mst_moments_sd(&all), 1e-13);
    assert_true(merged.min == all.min && merged.max == all.max);
}

static void
test_stats_moments_saturate(void **state)
{
    (void)state;
    mst_moments_t m = {0};
    for (int i = 0; i < 5; i++)
        mst_moments_add(&m, 1e308, true);
    mst_moments_add(&m, -1e308, true);
    assert_true(isfinite(m.sum) && isfinite(m.sum_c) && isfinite(m.sumsq) && isfinite(m.sumsq_c));
    assert_true(mst_moments_mean(&m) <= 1e308);
}

static void
test_stats_hist_brackets_every_value(void **state)
{
    (void)state;
    mst_prng_t r;
    mst_prng_seed(&r, 1);
    uint64_t edges[] = {0, 1, 127, 128, 129, 255, 256, 257, 1ULL << 62, UINT64_MAX - 1, UINT64_MAX};
    for (int i = 0; i < 4000; i++) {
        uint64_t v = i < 11 ? edges[i] : mst_prng_u64(&r) >> mst_prng_below(&r, 64);
        mst_hist_t *h = mst_hist_new();
        mst_hist_add(h, v);
        mst_bucket_t b;
        assert_true(mst_hist_rank(h, 0, &b));
        assert_true(b.lo <= v && (v < b.hi || b.hi == UINT64_MAX));
        assert_true((double)(b.hi - b.lo) <= fmax(1.0, (double)b.lo / 127));
        assert_true(b.below == 0 && b.count == 1);
        assert_false(mst_hist_rank(h, 1, &b));
        mst_hist_free(&h);
        assert_null(h);
    }
}

static void
test_stats_hist_quantile_is_near(void **state)
{
    (void)state;
    mst_hist_t *h = mst_hist_new();
    assert_int_equal(mst_hist_quantile(h, 0.5), 0);
    for (uint64_t v = 1; v <= 100000; v++)
        mst_hist_add(h, v * 1000);
    double qs[] = {0, 0.01, 0.5, 0.9, 0.99, 1};
    for (size_t i = 0; i < 6; i++) {
        double exact = fmax(1, ceil(qs[i] * 100000)) * 1000;
        assert_close((double)mst_hist_quantile(h, qs[i]), exact, 0.008);
    }
    mst_hist_free(&h);
}

static void
test_stats_hist_pack_and_merge(void **state)
{
    (void)state;
    mst_prng_t r;
    mst_prng_seed(&r, 3);
    mst_hist_t *a = mst_hist_new(), *b = mst_hist_new(), *all = mst_hist_new();
    for (int i = 0; i < 5000; i++) {
        uint64_t v = mst_prng_u64(&r) >> mst_prng_below(&r, 64);
        mst_hist_add(i % 2 ? a : b, v);
        mst_hist_add(all, v);
    }
    mst_hist_add(a, 0);
    mst_hist_add(all, 0);
    mst_hist_merge(a, b);
    mst_buf_t pa, pall;
    mst_buf_init(&pa, MST_MIB);
    mst_buf_init(&pall, MST_MIB);
    mst_hist_pack(a, &pa);
    mst_hist_pack(all, &pall);
    assert_true(mst_str_eq(mst_buf_view(&pa), mst_buf_view(&pall)));
    mst_hist_t *back = mst_hist_new();
    assert_int_equal(mst_hist_unpack(back, mst_buf_view(&pa), NULL), MST_OK);
    assert_int_equal(mst_hist_count(back), 5001);
    mst_buf_reset(&pall);
    mst_hist_pack(back, &pall);
    assert_true(mst_str_eq(mst_buf_view(&pa), mst_buf_view(&pall)));
    // every cut is refused or is a shorter histogram; nothing reads past the end
    for (size_t n = 0; n < pa.n; n++) {
        mst_hist_t *cut = mst_hist_new();
        mst_rc rc = mst_hist_unpack(cut, mst_str(pa.p, n), NULL);
        assert_true(rc == MST_OK || rc == MST_PROTO);
        assert_true(mst_hist_count(cut) < 5001);
        mst_hist_free(&cut);
    }
    mst_hist_free(&a);
    mst_hist_free(&b);
    mst_hist_free(&all);
    mst_hist_free(&back);
    mst_buf_deinit(&pa);
    mst_buf_deinit(&pall);
}

static void
test_stats_hist_hostile(void **state)
{
    (void)state;

    static const struct {
        const char *p;
        size_t n;
    } bad[] = {
        {"", 0},
        {"\x02\x01\x01", 3},                                              // unknown version
        {"\x01\xff\xff\xff\x0f\x01", 6},                                  // bucket out of range
        {"\x01\x05\x00", 3},                                              // count of 0
        {"\x01\x05\x01\x00\x01", 5},                                      // the same bucket twice
        {"\x01\x05", 2},                                                  // no count
        {"\x01\x05\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 12},         // over 64 bits
        {"\x01\x05\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x01\x02", 14}, // total over 64 bits
    };

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        mst_hist_t *h = mst_hist_new();
        mst_err_t err = {0};
        assert_int_equal(mst_hist_unpack(h, mst_str(bad[i].p, bad[i].n), &err), MST_PROTO);
        assert_true(strlen(err.message) > 10);
        mst_hist_free(&h);
    }
}

static void
test_stats_percentile(void **state)
{
    (void)state;
    double v[] = {1, 2, 3, 4};
    assert_true(isnan(mst_percentile_sorted(v, 0, 0.5)));
    assert_true(mst_percentile_sorted(v, 1, 0.99) == 1);
    assert_true(mst_percentile_sorted(v, 4, 0) == 1);
    assert_true(mst_percentile_sorted(v, 4, 1) == 4);
    assert_close(mst_percentile_sorted(v, 4, 0.5), 2.5, 1e-15);
    assert_close(mst_percentile_sorted(v, 4, 0.9), 3.7, 1e-15);
}

static void
test_stats_wilson(void **state)
{
    (void)state;
    double lo, hi;
    mst_wilson(0, 0, &lo, &hi);
    assert_true(lo == 0 && hi == 1);
    mst_wilson(0, 10, &lo, &hi); // published values: 0 of 10 is [0, 0.2775]
    assert_true(lo == 0);
    assert_close(hi, 0.277532799862889, 1e-9);
    mst_wilson(50, 100, &lo, &hi); // [0.40383, 0.59617]
    assert_close(lo, 0.403831530365956, 1e-9);
    assert_close(hi, 0.596168469634044, 1e-9);
    mst_wilson(10, 10, &lo, &hi);
    assert_true(hi == 1);
    assert_close(lo, 1 - 0.277532799862889, 1e-9);
}

static int
compare_doubles(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static void
check_fixture_row(const mst_json_t *row)
{
    const mst_json_t *values = mst_json_get(row, "values");
    double q = 0, linear = 0, mean = 0, sd = 0;
    assert_true(mst_json_f64(mst_json_get(row, "q"), &q) && mst_json_f64(mst_json_get(row, "linear"), &linear));
    assert_true(mst_json_f64(mst_json_get(row, "mean"), &mean));
    assert_true(mst_json_f64(mst_json_get(row, "std_sample"), &sd));
    double *v = MST_NEW_ARRAY(double, values->count);
    mst_moments_t m = {0};
    for (uint32_t i = 0; i < values->count; i++) {
        assert_true(mst_json_f64(mst_json_at(values, i), &v[i]));
        mst_moments_add(&m, v[i], false);
    }
    qsort(v, values->count, sizeof *v, compare_doubles);
    // the fixture rounds its percentile to six digits behind the point
    assert_true(fabs(mst_percentile_sorted(v, values->count, q / 100) - linear) <= 5.1e-7);
    assert_close(mst_moments_mean(&m), mean, 1e-13);
    assert_close(mst_moments_sd(&m), sd, 1e-12);
    free(v);
}

static void
test_stats_agree_with_numpy(void **state)
{
    (void)state;
    const char *data = getenv("MUSTER_TEST_DATA");
    char path[4096];
    snprintf(path, sizeof path, "%s/fixtures/statistics.jsonl", data ? data : MST_SOURCE_DIR "/../shared/data");
    FILE *f = fopen(path, "r");
    if (!f) {
        print_message("no %s: skipped\n", path);
        skip();
    }
    mst_arena_t *arena = mst_arena_new(64 * MST_MIB);
    mst_json_parser_t *parser = mst_json_parser_new();
    char *line = NULL;
    size_t cap = 0;
    ssize_t n;
    int rows = 0;
    while ((n = getline(&line, &cap, f)) > 0) {
        const mst_json_t *row = NULL;
        mst_err_t err = {0};
        assert_int_equal(mst_json_parse(parser, mst_str(line, (size_t)n), arena, &row, NULL, &err), MST_OK);
        check_fixture_row(row);
        mst_arena_reset(arena);
        rows++;
    }
    assert_true(rows >= 50);
    free(line);
    fclose(f);
    mst_json_parser_free(&parser);
    mst_arena_free(&arena);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stats_moments_empty),
        cmocka_unit_test(test_stats_moments_large_mean),
        cmocka_unit_test(test_stats_moments_order_does_not_show),
        cmocka_unit_test(test_stats_moments_saturate),
        cmocka_unit_test(test_stats_hist_brackets_every_value),
        cmocka_unit_test(test_stats_hist_quantile_is_near),
        cmocka_unit_test(test_stats_hist_pack_and_merge),
        cmocka_unit_test(test_stats_hist_hostile),
        cmocka_unit_test(test_stats_percentile),
        cmocka_unit_test(test_stats_wilson),
        cmocka_unit_test(test_stats_agree_with_numpy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
