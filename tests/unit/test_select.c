// Exact order statistics: against sorting, at every size at which the way of finding them changes.
#include "common/stats/select.h"

#include "common/base/mem.h"
#include "common/base/prng.h"
#include "common/stats/stats.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static int
compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static const double qs[] = {0, 0.25, 0.5, 0.9, 0.99, 1};

enum { QS = sizeof qs / sizeof qs[0] };

// values[i] with weights[i]; returns the readings that it took.
static int
check(const double *values, const uint32_t *weights, size_t n)
{
    mst_select_t *s = mst_select_new();
    size_t expanded = 0;
    for (size_t i = 0; i < n; i++)
        expanded += weights ? weights[i] : 1;
    double *sorted = MST_NEW_ARRAY(double, expanded);
    for (size_t i = 0, at = 0; i < n; i++)
        for (uint32_t k = 0; k < (weights ? weights[i] : 1); k++)
            sorted[at++] = values[i];
    qsort(sorted, expanded, sizeof *sorted, compare);
    for (size_t i = 0; i < QS; i++)
        assert_int_equal(mst_select_want(s, MST_RANK_LINEAR, qs[i]), i);
    size_t cdf = mst_select_want(s, MST_RANK_CDF, 0.9), low = mst_select_want(s, MST_RANK_FLOOR, 0.9);
    int readings = 0;
    do {
        for (size_t i = 0; i < n; i++)
            mst_select_add(s, values[i], weights ? weights[i] : 1);
        readings++;
    } while (mst_select_next(s));
    for (size_t i = 0; i < QS; i++)
        assert_true(mst_select_value(s, i) == mst_percentile_sorted(sorted, expanded, qs[i]));
    assert_true(mst_select_value(s, cdf) == sorted[(size_t)(ceil(0.9 * (double)expanded - 1e-9)) - 1]);
    assert_true(mst_select_value(s, low) == sorted[(size_t)((double)expanded * 0.9)]);
    mst_select_sums_t sums = mst_select_sums(s);
    mst_spread_t spread = mst_spread(sorted, expanded);
    assert_int_equal(sums.weight, expanded);
    assert_true(fabs(sums.mean - spread.mean) <= 1e-12 * fabs(spread.mean));
    assert_true(fabs(sums.sd_population - spread.sd) <= 1e-9 * spread.sd + 1e-12);
    assert_true(sums.min == sorted[0] && sums.max == sorted[expanded - 1]);
    free(sorted);
    mst_select_free(&s);
    return readings;
}

static void
test_few(void **state)
{
    (void)state;
    const double one[] = {3.5};
    const double three[] = {2, 0, 7.25};
    const uint32_t weights[] = {1, 5, 4};
    assert_int_equal(check(one, NULL, 1), 1);
    assert_int_equal(check(three, NULL, 3), 1);
    assert_int_equal(check(three, weights, 3), 1);
}

static void
test_none(void **state)
{
    (void)state;
    mst_select_t *s = mst_select_new();
    size_t p50 = mst_select_want(s, MST_RANK_LINEAR, 0.5);
    mst_select_add(s, -1, 1);
    mst_select_add(s, (double)NAN, 1);
    mst_select_add(s, (double)INFINITY, 1);
    mst_select_add(s, 1, 0);
    assert_false(mst_select_next(s));
    assert_true(isnan(mst_select_value(s, p50)));
    assert_int_equal(mst_select_sums(s).n, 0);
    assert_true(isnan(mst_select_sums(s).mean));
    mst_select_free(&s);
}

static void
test_many(void **state)
{
    (void)state;

    enum { N = 700000 };

    mst_prng_t rng;
    mst_prng_seed(&rng, 7);
    double *values = MST_NEW_ARRAY(double, N);
    uint32_t *weights = MST_NEW_ARRAY(uint32_t, N);
    for (size_t i = 0; i < N; i++) {
        values[i] = exp(20 * mst_prng_unit(&rng)); // wide: the second reading keeps
        weights[i] = (uint32_t)(mst_prng_u64(&rng) % 5);
    }
    assert_int_equal(check(values, NULL, 65536), 1);
    assert_int_equal(check(values, NULL, 65537), 2);
    assert_int_equal(check(values, weights, 100000), 2);
    for (size_t i = 0; i < N; i++)
        values[i] = 20e6 + floor(1000 * mst_prng_unit(&rng)); // narrow: it takes all readings
    assert_int_equal(check(values, NULL, N), 3);
    for (size_t i = 0; i < N; i++)
        values[i] = 20e6;
    assert_int_equal(check(values, NULL, N), 4);
    free(values);
    free(weights);
}

// The numbers that MLPerf's early stopping names: 64 samples for the 90th, 662 for the 99th percentile.
static void
test_bound(void **state)
{
    (void)state;
    assert_int_equal(mst_bound_discard(0, 0.99), 0);
    assert_int_equal(mst_bound_discard(63, 0.9), 0);
    assert_int_equal(mst_bound_discard(64, 0.9), 1);
    assert_int_equal(mst_bound_discard(661, 0.99), 0);
    assert_int_equal(mst_bound_discard(662, 0.99), 1);
    assert_int_equal(mst_bound_discard(662, 1), 0);
    // a million samples: 10,000 lie above the quantile, give or take 2.33 deviations of 99.5
    assert_in_range(mst_bound_discard(1000000, 0.99), 9765, 9772);
    mst_select_t *s = mst_select_new();
    size_t upper = mst_select_want(s, MST_RANK_UPPER, 0.9), none = mst_select_want(s, MST_RANK_UPPER, 0.99);
    for (int i = 1; i <= 200; i++)
        mst_select_add(s, i, 1);
    assert_false(mst_select_next(s));
    assert_true(mst_select_value(s, upper) == 200 - (double)mst_bound_discard(200, 0.9) + 1);
    assert_true(isnan(mst_select_value(s, none)));
    mst_select_free(&s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_few),
        cmocka_unit_test(test_none),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
