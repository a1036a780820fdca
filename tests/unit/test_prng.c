// common/base/prng.h
#include "common/base/prng.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

// The state 1, 2, 3, 4 is the one for which other implementations publish their numbers.
static void
test_prng_known_answers(void **state)
{
    (void)state;
    mst_prng_t r = {.s = {1, 2, 3, 4}};
    const uint64_t want[] = {11520, 0, 1509978240, 1215971899390074240ULL};
    for (size_t i = 0; i < sizeof want / sizeof want[0]; i++)
        assert_true(mst_prng_u64(&r) == want[i]);
    mst_prng_seed(&r, 0); // splitmix64 from 0
    assert_true(r.s[0] == 0xE220A8397B1DCDAFULL);
    assert_true(r.s[1] == 0x6E789E6AA1B965F4ULL);
}

static void
test_prng_same_seed_same_numbers(void **state)
{
    (void)state;
    mst_prng_t a, b, c;
    mst_prng_seed(&a, 42);
    mst_prng_seed(&b, 42);
    mst_prng_seed(&c, 43);
    int same = 0;
    for (int i = 0; i < 100; i++) {
        uint64_t x = mst_prng_u64(&a);
        assert_true(x == mst_prng_u64(&b));
        same += x == mst_prng_u64(&c);
    }
    assert_int_equal(same, 0);
}

static void
test_prng_below_is_uniform(void **state)
{
    (void)state;
    mst_prng_t r;
    mst_prng_seed(&r, 7);
    int seen[6] = {0};
    for (int i = 0; i < 60000; i++) {
        uint64_t v = mst_prng_below(&r, 6);
        assert_true(v < 6);
        seen[v]++;
    }
    double chi = 0;
    for (int i = 0; i < 6; i++)
        chi += (seen[i] - 10000.0) * (seen[i] - 10000.0) / 10000.0;
    assert_true(chi < 25); // 5 degrees of freedom: p = 0.0001; the seed is fixed
    assert_int_equal(mst_prng_below(&r, 1), 0);
    int third = 0; // without drawing again, every third number below 3 * 2^62 would come twice as often
    for (int i = 0; i < 30000; i++)
        third += mst_prng_below(&r, 3ULL << 62) % 3 == 0;
    assert_true(third > 9500 && third < 10500);
}

static void
test_prng_distributions(void **state)
{
    (void)state;
    mst_prng_t r;
    mst_prng_seed(&r, 11);
    const int n = 200000;
    double unit = 0, ex = 0, no = 0, no2 = 0;
    for (int i = 0; i < n; i++) {
        double u = mst_prng_unit(&r), e = mst_prng_exp(&r), z = mst_prng_normal(&r);
        assert_true(u >= 0 && u < 1);
        assert_true(e >= 0 && isfinite(e));
        assert_true(isfinite(z));
        unit += u;
        ex += e;
        no += z;
        no2 += z * z;
    }
    assert_true(fabs(unit / n - 0.5) < 0.005);
    assert_true(fabs(ex / n - 1) < 0.02);
    assert_true(fabs(no / n) < 0.02);
    assert_true(fabs(no2 / n - 1) < 0.03);
    assert_true(mst_entropy_u64() != mst_entropy_u64());
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_prng_known_answers),
        cmocka_unit_test(test_prng_same_seed_same_numbers),
        cmocka_unit_test(test_prng_below_is_uniform),
        cmocka_unit_test(test_prng_distributions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
