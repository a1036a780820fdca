// Shifts between two arms over the same cases, against published and worked values.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/base/prng.h"
#include "common/stats/paired.h"

#include <math.h>

static void
near(double got, double want, double within)
{
    if (!(fabs(got - want) <= within))
        fail_msg("%.12g, expected %.12g", got, want);
}

// a, b, c, d of Newcombe: both, the first alone, the second alone, neither; the first arm is B here.
static void
test_paired_share(void **state)
{
    (void)state;
    static const struct {
        uint64_t a, b, c, d;
        double shift, lo, hi;
    } rows[] = {
        {1, 1, 7, 12, -0.285714285714, -0.506920226686, -0.025559124165},
        {80, 5, 12, 3, -0.07, -0.156662846948, 0.014083512046},
        {90, 0, 0, 10, 0, -0.035295709147, 0.035295709147},
        {100, 0, 0, 0, 0, -0.036993498207, 0.036993498207},
        {900, 30, 45, 25, -0.015, -0.032538566378, 0.002167755245},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        mst_shift_t s = mst_shift_share(rows[i].a, rows[i].c, rows[i].b, rows[i].d);
        near(s.shift, rows[i].shift, 1e-11);
        near(s.lo, rows[i].lo, 1e-11);
        near(s.hi, rows[i].hi, 1e-11);
    }
    assert_true(isnan(mst_shift_share(0, 0, 0, 0).shift));
}

// Ranks of the interval of a median, as tables of the sign test have them.
static void
test_paired_median_ranks(void **state)
{
    (void)state;
    static const struct {
        size_t n;
        double lo, hi;
    } rows[] = {{6, 1, 6}, {10, 2, 9}, {20, 6, 15}, {100, 40, 61}};
    double d[100];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (size_t k = 0; k < rows[i].n; k++)
            d[k] = (double)(rows[i].n - k); // n ... 1: sorting is the callee's
        mst_shift_t s = mst_shift_median(d, rows[i].n);
        near(s.shift, ((double)rows[i].n + 1) / 2, 1e-12);
        near(s.lo, rows[i].lo, 0);
        near(s.hi, rows[i].hi, 0);
    }
    mst_shift_t few = mst_shift_median(d, 5);
    assert_true(isfinite(few.shift) && isnan(few.lo) && isnan(few.hi));
    assert_true(isnan(mst_shift_median(d, 0).shift));
}

static void
test_paired_mean(void **state)
{
    (void)state;
    static const double d[] = {.1, .2, -.05, .3, .15, 0, -.1, .25};
    mst_shift_t s = mst_shift_mean(d, 8);
    near(s.shift, 0.10625, 1e-12);
    near(s.hi - s.shift, 0.12122816854, 1e-9); // sd 0.145006157505, t(7) 2.364624
    near(s.shift - s.lo, s.hi - s.shift, 1e-12);
    assert_true(isnan(mst_shift_mean(d, 1).lo));
    double many[32]; // sd 1: half of the interval is t(31) / sqrt(32)
    for (size_t i = 0; i < 32; i++)
        many[i] = (i % 2 == 0 ? 1 : -1) * sqrt(31.0 / 32.0);
    s = mst_shift_mean(many, 32);
    near(s.hi, 2.039513 / sqrt(32.0), 1e-5);
}

// 95 % of such intervals hold the truth: 4 standard deviations of a binomial around it.
static void
test_paired_coverage(void **state)
{
    (void)state;
    mst_prng_t rng;
    mst_prng_seed(&rng, 7);
    enum { TIMES = 2000, N = 40 };
    unsigned median = 0, mean = 0;
    for (int i = 0; i < TIMES; i++) {
        double d[N];
        for (int k = 0; k < N; k++)
            d[k] = mst_prng_unit(&rng) - 0.5;
        mst_shift_t s = mst_shift_mean(d, N);
        mean += s.lo <= 0 && s.hi >= 0;
        s = mst_shift_median(d, N);
        median += s.lo <= 0 && s.hi >= 0;
    }
    assert_in_range(mean, 1861, 1939);
    assert_in_range(median, 1861, 1975); // order statistics: at least 95 %
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paired_share),
        cmocka_unit_test(test_paired_median_ranks),
        cmocka_unit_test(test_paired_mean),
        cmocka_unit_test(test_paired_coverage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
