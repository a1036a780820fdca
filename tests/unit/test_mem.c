// common/base/mem.h
#include "common/base/limits.h"
#include "common/base/mem.h"
#include "common/base/prng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void
test_mem_small_allocations(void **state)
{
    (void)state;
    uint64_t *numbers = MST_NEW_ARRAY(uint64_t, 100);
    for (size_t i = 0; i < 100; i++)
        assert_int_equal(numbers[i], 0);
    numbers = mst_xrealloc(numbers, 200 * sizeof *numbers);
    free(numbers);
    char *copy = mst_xstrdup("abc"), *part = mst_xstrndup("abc", 2), *none = mst_xstrndup(NULL, 0);
    assert_string_equal(copy, "abc");
    assert_string_equal(part, "ab");
    assert_string_equal(none, "");
    free(none);
    free(part);
    free(copy);
    free(mst_xalloc(0));
}

static void
test_arena_zeroed_and_aligned(void **state)
{
    (void)state;
    mst_arena_t *a = mst_arena_new(4 * MST_MIB);
    for (int round = 0; round < 3; round++) {
        for (size_t n = 0; n < 3000; n += 7) {
            unsigned char *p = mst_arena_alloc(a, n);
            assert_non_null(p);
            assert_int_equal((uintptr_t)p % 16, 0);
            for (size_t i = 0; i < n; i++)
                assert_int_equal(p[i], 0);
            if (n > 0)
                memset(p, 0xAA, n);
        }
        mst_arena_reset(a);
        assert_int_equal(mst_arena_used(a), 0);
    }
    mst_arena_free(&a);
    assert_null(a);
    mst_arena_free(&a);
    mst_arena_free(NULL);
}

static void
test_arena_cap_holds(void **state)
{
    (void)state;
    mst_arena_t *a = mst_arena_new(64 * MST_KIB);
    size_t got = 0;
    while (mst_arena_alloc(a, 100) != NULL)
        got += 100;
    assert_true(got > 40 * MST_KIB && got <= 64 * MST_KIB);
    assert_null(mst_arena_alloc(a, 64 * MST_KIB));
    for (int round = 0; round < 20; round++) { // a reset loses nothing
        mst_arena_reset(a);
        size_t again = 0;
        while (mst_arena_alloc(a, 100) != NULL)
            again += 100;
        assert_true(again >= got);
        got = again;
    }
    mst_arena_reset(a);
    assert_non_null(mst_arena_alloc(a, 100));
    assert_null(mst_arena_alloc(a, SIZE_MAX));
    assert_null(mst_arena_alloc_raw(a, SIZE_MAX - 8));
    assert_null(mst_arena_alloc(a, 64 * MST_KIB + 1));
    mst_arena_free(&a);
    mst_arena_t *one = mst_arena_new(4 * MST_KIB); // a single block, used to the last byte every time
    for (int round = 0; round < 3; round++) {
        for (size_t n = 0; n < (4 * MST_KIB - 32) / 16; n++)
            assert_non_null(mst_arena_alloc(one, 16));
        assert_null(mst_arena_alloc(one, 1));
        mst_arena_reset(one);
    }
    mst_arena_free(&one);
    mst_arena_t *none = mst_arena_new(0);
    assert_null(mst_arena_alloc(none, 1));
    mst_arena_free(&none);
}

// Every allocation keeps its bytes while others come, large and small ones mixed.
static void
test_arena_allocations_do_not_overlap(void **state)
{
    (void)state;
    mst_arena_t *a = mst_arena_new(64 * MST_MIB);
    mst_prng_t r;
    mst_prng_seed(&r, 1);
    for (int round = 0; round < 5; round++) {
        struct {
            unsigned char *p;
            size_t n;
        } got[300];

        for (size_t i = 0; i < 300; i++) {
            got[i].n = mst_prng_below(&r, i % 10 == 0 ? 200000 : 2000);
            got[i].p = mst_arena_alloc_raw(a, got[i].n);
            assert_non_null(got[i].p);
            if (got[i].n > 0)
                memset(got[i].p, (int)(i & 0xFF), got[i].n);
        }
        for (size_t i = 0; i < 300; i++) {
            for (size_t k = 0; k < got[i].n; k++)
                assert_int_equal(got[i].p[k], i & 0xFF);
        }
        mst_arena_reset(a);
    }
    mst_arena_free(&a);
}

static void
test_arena_dup(void **state)
{
    (void)state;
    mst_arena_t *a = mst_arena_new(8 * MST_KIB);
    bool ok = false;
    mst_str_t s = mst_arena_dup(a, MST_STR("abc"), &ok);
    assert_true(ok);
    assert_int_equal(s.n, 3);
    assert_string_equal(s.p, "abc");
    s = mst_arena_dup(a, MST_STR_NULL, NULL);
    assert_non_null(s.p);
    assert_int_equal(s.n, 0);
    char big[9000] = {0};
    s = mst_arena_dup(a, mst_str(big, sizeof big), &ok);
    assert_false(ok);
    assert_null(s.p);
    assert_int_equal(s.n, 0);
    mst_arena_free(&a);
}

static void
test_arena_left_is_an_upper_bound(void **state)
{
    (void)state;
    mst_arena_t *a = mst_arena_new(100 * MST_KIB);
    while (mst_arena_alloc(a, 1000) != NULL)
        assert_true(mst_arena_left(a) <= 100 * MST_KIB - mst_arena_used(a));
    assert_true(mst_arena_left(a) < 1008 + 32);
    assert_null(mst_arena_alloc(a, mst_arena_left(a) + 1));
    mst_arena_free(&a);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mem_small_allocations),
        cmocka_unit_test(test_arena_zeroed_and_aligned),
        cmocka_unit_test(test_arena_cap_holds),
        cmocka_unit_test(test_arena_allocations_do_not_overlap),
        cmocka_unit_test(test_arena_dup),
        cmocka_unit_test(test_arena_left_is_an_upper_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
