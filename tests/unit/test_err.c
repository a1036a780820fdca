// common/base/err.h
#include "common/base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void
test_err_set_fills_the_record(void **state)
{
    (void)state;
    mst_err_t err = {.retry = MST_RETRY_NOW, .retry_after_ms = 7};
    mst_rc rc = MST_ERR_SUB(&err, MST_IO, 2, "could not open dataset \"%s\": no such file", "x.jsonl");
    assert_int_equal(rc, MST_IO);
    assert_int_equal(err.rc, MST_IO);
    assert_int_equal(err.sub, 2);
    assert_int_equal(err.retry, MST_RETRY_NEVER);
    assert_int_equal(err.retry_after_ms, 0);
    assert_string_equal(err.message, "could not open dataset \"x.jsonl\": no such file");
    assert_non_null(strstr(err.file, "test_err.c"));
    assert_true(err.line > 0);
}

static void
test_err_takes_null(void **state)
{
    (void)state;
    assert_int_equal(MST_ERR(NULL, MST_LIMIT, "n %d", 1), MST_LIMIT);
    mst_err_prefix(NULL, "x");
}

static void
test_err_cuts_long_text_at_a_character(void **state)
{
    (void)state;
    char text[1400];
    for (size_t i = 0; i + 2 < sizeof text; i += 2)
        memcpy(text + i, "\xC3\xA9", 3);
    for (int shift = 0; shift < 2; shift++) {
        mst_err_t err = {0};
        (void)MST_ERR(&err, MST_PROTO, "%s%s", shift ? "x" : "", text);
        size_t n = strlen(err.message);
        assert_true(n < MST_ERR_MESSAGE_MAX && n >= MST_ERR_MESSAGE_MAX - 4);
        assert_string_equal(err.message + n - 3, "...");
        assert_int_equal((unsigned char)err.message[n - 4], 0xA9);
    }
}

static void
test_err_message_may_be_its_own_argument(void **state)
{
    (void)state;
    mst_err_t err = {0};
    (void)MST_ERR(&err, MST_PROTO, "inner");
    (void)MST_ERR(&err, err.rc, "outer: %s", err.message);
    assert_string_equal(err.message, "outer: inner");
}

static void
test_err_prefix_keeps_the_rest(void **state)
{
    (void)state;
    mst_err_t err = {0};
    (void)MST_ERR_SUB(&err, MST_TIMEOUT, 5, "late");
    err.retry = MST_RETRY_LATER;
    mst_err_prefix(&err, "row %d", 3);
    assert_string_equal(err.message, "row 3: late");
    assert_int_equal(err.rc, MST_TIMEOUT);
    assert_int_equal(err.sub, 5);
    assert_int_equal(err.retry, MST_RETRY_LATER);
    for (int i = 0; i < 100; i++)
        mst_err_prefix(&err, "a long prefix, again and again");
    size_t n = strlen(err.message);
    assert_int_equal(n, MST_ERR_MESSAGE_MAX - 1);
    assert_string_equal(err.message + n - 3, "...");
}

static void
test_err_every_code_has_a_name_of_its_own(void **state)
{
    (void)state;
    for (int i = MST_OK; i <= MST_INTERNAL; i++) {
        assert_non_null(mst_rc_name((mst_rc)i));
        assert_string_not_equal(mst_rc_name((mst_rc)i), "unknown error");
        for (int j = MST_OK; j < i; j++)
            assert_string_not_equal(mst_rc_name((mst_rc)i), mst_rc_name((mst_rc)j));
    }
    assert_string_equal(mst_rc_name((mst_rc)999), "unknown error");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_err_set_fills_the_record),
        cmocka_unit_test(test_err_takes_null),
        cmocka_unit_test(test_err_cuts_long_text_at_a_character),
        cmocka_unit_test(test_err_message_may_be_its_own_argument),
        cmocka_unit_test(test_err_prefix_keeps_the_rest),
        cmocka_unit_test(test_err_every_code_has_a_name_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
