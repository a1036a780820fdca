// common/base/str.h
#include "common/base/str.h"

#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static void
test_str_equality_takes_null_and_nul(void **state)
{
    (void)state;
    assert_true(mst_str_eq(MST_STR_NULL, MST_STR("")));
    assert_true(mst_str_eq(mst_str("a\0b", 3), mst_str("a\0b", 3)));
    assert_false(mst_str_eq(mst_str("a\0b", 3), mst_str("a\0c", 3)));
    assert_false(mst_str_eq_c(mst_str("a\0b", 3), "a"));
    assert_true(mst_str_eq_c(MST_STR("abc"), "abc"));
    assert_true(mst_str_eq_c(MST_STR_NULL, NULL));
}

static void
test_str_prefix_suffix(void **state)
{
    (void)state;
    assert_true(mst_str_starts(MST_STR("abc"), MST_STR("ab")));
    assert_true(mst_str_starts(MST_STR("abc"), MST_STR_NULL));
    assert_false(mst_str_starts(MST_STR("ab"), MST_STR("abc")));
    assert_true(mst_str_ends(MST_STR("abc"), MST_STR("bc")));
    assert_false(mst_str_ends(MST_STR("abc"), MST_STR("ab")));
    assert_true(mst_str_ends(MST_STR_NULL, MST_STR("")));
    assert_false(mst_str_ends(MST_STR("c"), MST_STR("bc")));
}

static void
test_str_order_is_bytewise(void **state)
{
    (void)state;
    assert_true(mst_str_cmp(MST_STR("a"), MST_STR("b")) < 0);
    assert_true(mst_str_cmp(MST_STR("a"), MST_STR("aa")) < 0);
    assert_true(mst_str_cmp(MST_STR("b"), MST_STR("aa")) > 0);
    assert_true(mst_str_cmp(MST_STR("\xff"), MST_STR("a")) > 0);
    assert_int_equal(mst_str_cmp(MST_STR(""), MST_STR_NULL), 0);
}

static void
test_str_find(void **state)
{
    (void)state;
    mst_str_t s = MST_STR("one two one");
    assert_int_equal(mst_str_find(s, MST_STR("one"), 0), 0);
    assert_int_equal(mst_str_find(s, MST_STR("one"), 1), 8);
    assert_int_equal(mst_str_find(s, MST_STR("one"), 9), -1);
    assert_int_equal(mst_str_find(s, MST_STR("three"), 0), -1);
    assert_int_equal(mst_str_find(s, MST_STR(""), 11), 11);
    assert_int_equal(mst_str_find(s, MST_STR(""), 12), -1);
    assert_int_equal(mst_str_find(MST_STR_NULL, MST_STR("a"), 0), -1);
    assert_int_equal(mst_str_find(MST_STR_NULL, MST_STR_NULL, 0), 0);
}

static void
test_str_trim(void **state)
{
    (void)state;
    assert_true(mst_str_eq_c(mst_str_trim(MST_STR(" \t\n\v\f\ra b \r\n")), "a b"));
    assert_int_equal(mst_str_trim(MST_STR(" \n ")).n, 0);
    assert_int_equal(mst_str_trim(MST_STR_NULL).n, 0);
    assert_int_equal(mst_str_trim(MST_STR("\xC2\xA0")).n, 2); // no-break space is not ASCII
}

static void
test_str_cut_keeps_characters_whole(void **state)
{
    (void)state;
    mst_str_t s = MST_STR("a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80");
    const size_t want[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 10};
    for (size_t n = 0; n < sizeof want / sizeof want[0]; n++)
        assert_int_equal(mst_str_cut(s, n).n, want[n]);
    assert_int_equal(mst_str_cut(MST_STR("\x80\x80\x80\x80\x80\x80"), 5).n, 5); // no UTF-8 at all
}

static void
check_i64(const char *text, bool ok, int64_t want)
{
    int64_t v = 77;
    assert_int_equal(mst_str_to_i64(mst_str_c(text), &v), ok);
    assert_int_equal(v, ok ? want : 77);
}

static void
test_str_integers(void **state)
{
    (void)state;
    check_i64("0", true, 0);
    check_i64("-0", true, 0);
    check_i64("+12", true, 12);
    check_i64("007", true, 7);
    check_i64("9223372036854775807", true, INT64_MAX);
    check_i64("9223372036854775808", false, 0);
    check_i64("-9223372036854775808", true, INT64_MIN);
    check_i64("-9223372036854775809", false, 0);
    check_i64("", false, 0);
    check_i64("-", false, 0);
    check_i64("--1", false, 0);
    check_i64(" 1", false, 0);
    check_i64("1 ", false, 0);
    check_i64("1.0", false, 0);
    check_i64("0x10", false, 0);
    uint64_t u = 0;
    assert_true(mst_str_to_u64(MST_STR("18446744073709551615"), &u));
    assert_true(u == UINT64_MAX);
    assert_false(mst_str_to_u64(MST_STR("18446744073709551616"), &u));
    assert_false(mst_str_to_u64(MST_STR("99999999999999999999"), &u));
    assert_false(mst_str_to_u64(MST_STR("+1"), &u));
    assert_false(mst_str_to_u64(mst_str("1\0", 2), &u));
}

static void
check_f64(const char *text, bool ok, double want)
{
    double v = 77;
    bool got = mst_str_to_f64(mst_str_c(text), false, &v);
    if (got != ok || (ok && (v != want || signbit(v) != signbit(want))))
        fail_msg("\"%s\" gave %d, %.17g", text, got, v);
}

static void
test_str_doubles(void **state)
{
    (void)state;
    check_f64("0", true, 0);
    check_f64("-0", true, -0.0);
    check_f64("1.5", true, 1.5);
    check_f64("+1.5e3", true, 1500);
    check_f64(".5", true, 0.5);
    check_f64("5.", true, 5);
    check_f64("1E-2", true, 0.01);
    check_f64("0.1", true, 0.1);
    check_f64("1e-400", true, 0);
    check_f64("4.9e-324", true, 4.9e-324);
    check_f64("1.7976931348623157e308", true, 1.7976931348623157e308);
    check_f64("00012", true, 12);
    const char *bad[] = {"",   "-",   ".",     "e5",  "1e",  "1e+",   "1.5x", "0x10",     " 1",
                         "1 ", "1,5", "1e400", "inf", "nan", "1e5.0", "--1",  "infinity", "1_0"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        check_f64(bad[i], false, 0);
    double v = 0;
    assert_true(mst_str_to_f64(MST_STR("1e400"), true, &v) && isinf(v) && v > 0);
    assert_true(mst_str_to_f64(MST_STR("-Infinity"), true, &v) && isinf(v) && v < 0);
    assert_true(mst_str_to_f64(MST_STR("inf"), true, &v) && isinf(v));
    assert_true(mst_str_to_f64(MST_STR("NaN"), true, &v) && isnan(v));
    assert_false(mst_str_to_f64(MST_STR("nano"), true, &v));
    assert_false(mst_str_to_f64(mst_str("1\0", 2), true, &v));
}

// Texts longer than any double needs give what strtod gives for them.
static void
test_str_long_doubles_round_correctly(void **state)
{
    (void)state;
    static char text[5000];
    // halfway between two doubles, then a digit that decides far behind it
    for (int last = 0; last < 2; last++) {
        int n = snprintf(text, sizeof text, "9007199254740993.");
        memset(text + n, '0', 3000);
        text[n + 3000] = last ? '1' : '0';
        text[n + 3001] = '\0';
        check_f64(text, true, last ? 9007199254740994.0 : 9007199254740992.0);
    }
    memset(text, '9', 2000);
    memcpy(text + 2000, "e-1990", 7);
    check_f64(text, true, 1e10);
    memcpy(text, "0.", 2);
    memset(text + 2, '0', 1500);
    memcpy(text + 1502, "125e1501", 9);
    check_f64(text, true, 1.25);
    check_f64("1e99999999999999999999", false, 0);
    check_f64("1e-99999999999999999999", true, 0);
    check_f64("0e99999999999999999999", true, 0);
}

static void
test_str_doubles_ignore_the_locale(void **state)
{
    (void)state;
    const char *names[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "de_DE", "C.UTF-8"};
    for (size_t i = 0; i < sizeof names / sizeof names[0] && setlocale(LC_ALL, names[i]) == NULL; i++)
        continue;
    check_f64("1.5", true, 1.5);
    check_f64("1,5", false, 0);
    setlocale(LC_ALL, "C");
}

static void
test_str_distance(void **state)
{
    (void)state;
    assert_int_equal(mst_str_distance(MST_STR(""), MST_STR("")), 0);
    assert_int_equal(mst_str_distance(MST_STR("abc"), MST_STR("")), 3);
    assert_int_equal(mst_str_distance(MST_STR(""), MST_STR("abc")), 3);
    assert_int_equal(mst_str_distance(MST_STR("concurency"), MST_STR("concurrency")), 1);
    assert_int_equal(mst_str_distance(MST_STR("provdier"), MST_STR("provider")), 1); // a swap is one step
    assert_int_equal(mst_str_distance(MST_STR("kitten"), MST_STR("sitting")), 3);
    assert_int_equal(mst_str_distance(MST_STR("ca"), MST_STR("abc")), 3); // but not with a change inside
    char a[200], b[200];
    memset(a, 'a', sizeof a);
    memset(b, 'b', sizeof b);
    assert_int_equal(mst_str_distance(mst_str(a, 200), mst_str(b, 200)), 64);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_str_equality_takes_null_and_nul),
        cmocka_unit_test(test_str_prefix_suffix),
        cmocka_unit_test(test_str_order_is_bytewise),
        cmocka_unit_test(test_str_find),
        cmocka_unit_test(test_str_trim),
        cmocka_unit_test(test_str_cut_keeps_characters_whole),
        cmocka_unit_test(test_str_integers),
        cmocka_unit_test(test_str_doubles),
        cmocka_unit_test(test_str_long_doubles_round_correctly),
        cmocka_unit_test(test_str_doubles_ignore_the_locale),
        cmocka_unit_test(test_str_distance),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
