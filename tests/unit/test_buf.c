// common/base/buf.h
#include "common/base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void
test_buf_appends(void **state)
{
    (void)state;
    mst_buf_t b;
    mst_buf_init(&b, 10000);
    assert_int_equal(mst_buf_add(&b, "ab", 2), MST_OK);
    assert_int_equal(mst_buf_add_c(&b, "cd"), MST_OK);
    assert_int_equal(mst_buf_add_str(&b, MST_STR_NULL), MST_OK);
    assert_int_equal(mst_buf_add_str(&b, mst_str("e\0", 2)), MST_OK);
    assert_int_equal(mst_buf_add_byte(&b, 'f'), MST_OK);
    assert_int_equal(mst_buf_addf(&b, "%d-%s", 42, "x"), MST_OK);
    assert_true(mst_str_eq(mst_buf_view(&b), mst_str("abcde\0f42-x", 11)));
    mst_buf_reset(&b);
    assert_int_equal(mst_buf_view(&b).n, 0);
    char long_text[3000];
    memset(long_text, 'y', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = '\0';
    assert_int_equal(mst_buf_addf(&b, "[%s]", long_text), MST_OK);
    assert_int_equal(b.n, 3001);
    assert_int_equal(b.p[3000], ']');
    mst_buf_deinit(&b);
    assert_null(b.p);
    mst_buf_deinit(&b);
}

static void
test_buf_maximum_is_exact_and_sticky(void **state)
{
    (void)state;
    mst_buf_t b;
    mst_buf_init(&b, 10);
    assert_int_equal(mst_buf_add(&b, "0123456789", 10), MST_OK);
    assert_false(b.failed);
    assert_int_equal(mst_buf_add_byte(&b, 'x'), MST_LIMIT);
    assert_true(b.failed);
    mst_buf_consume(&b, 5);
    assert_int_equal(mst_buf_add_byte(&b, 'x'), MST_LIMIT); // although there is room now
    assert_null(mst_buf_reserve(&b, 1));
    assert_int_equal(mst_buf_addf(&b, "%d", 1), MST_LIMIT);
    assert_true(mst_str_eq_c(mst_buf_view(&b), "56789"));
    mst_buf_reset(&b);
    assert_false(b.failed);
    assert_int_equal(mst_buf_addf(&b, "%s", "0123456789"), MST_OK); // a NUL needs no room
    assert_true(mst_str_eq_c(mst_buf_view(&b), "0123456789"));
    mst_buf_reset(&b);
    assert_int_equal(mst_buf_add(&b, "0123456789a", 11), MST_LIMIT);
    assert_int_equal(b.n, 0);
    mst_buf_reset(&b);
    assert_null(mst_buf_reserve(&b, SIZE_MAX));
    mst_buf_deinit(&b);
    mst_buf_init(&b, 0);
    assert_int_equal(mst_buf_add_byte(&b, 'x'), MST_LIMIT);
    mst_buf_deinit(&b);
}

static void
test_buf_reserve_then_count(void **state)
{
    (void)state;
    mst_buf_t b;
    mst_buf_init(&b, 1 << 20);
    for (size_t i = 0; i < 1000; i++) {
        char *to = mst_buf_reserve(&b, 100);
        assert_non_null(to);
        memset(to, (int)('a' + i % 26), 100);
        b.n += 100;
    }
    for (size_t i = 0; i < b.n; i++)
        assert_int_equal(b.p[i], 'a' + i / 100 % 26);
    mst_buf_deinit(&b);
}

static void
test_buf_consume(void **state)
{
    (void)state;
    mst_buf_t b;
    mst_buf_init(&b, 100);
    (void)mst_buf_add_c(&b, "hello world");
    mst_buf_consume(&b, 6);
    assert_true(mst_str_eq_c(mst_buf_view(&b), "world"));
    mst_buf_consume(&b, 0);
    assert_true(mst_str_eq_c(mst_buf_view(&b), "world"));
    mst_buf_consume(&b, 99);
    assert_int_equal(b.n, 0);
    mst_buf_deinit(&b);
}

static void
test_buf_take(void **state)
{
    (void)state;
    mst_buf_t b;
    mst_buf_init(&b, 100);
    size_t n = 9;
    assert_null(mst_buf_take(&b, &n));
    assert_int_equal(n, 0);
    (void)mst_buf_add_c(&b, "abc");
    char *p = mst_buf_take(&b, &n);
    assert_int_equal(n, 3);
    assert_memory_equal(p, "abc", 3);
    free(p);
    assert_int_equal(mst_buf_add_c(&b, "again"), MST_OK);
    assert_true(mst_str_eq_c(mst_buf_view(&b), "again"));
    mst_buf_deinit(&b);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_buf_appends),
        cmocka_unit_test(test_buf_maximum_is_exact_and_sticky),
        cmocka_unit_test(test_buf_reserve_then_count),
        cmocka_unit_test(test_buf_consume),
        cmocka_unit_test(test_buf_take),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
