// common/base/utf8.h
#include "common/base/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

// Every code point survives put and next; surrogates do not exist in UTF-8.
static void
test_utf8_every_code_point(void **state)
{
    (void)state;
    for (uint32_t cp = 0; cp <= 0x10FFFF; cp++) {
        char bytes[4];
        size_t n = mst_utf8_put(cp, bytes);
        uint32_t back = 0;
        size_t taken = mst_utf8_next(mst_str(bytes, n), &back);
        bool surrogate = cp >= 0xD800 && cp <= 0xDFFF;
        bool good = surrogate ? taken == 1 && back == 0xFFFD && !mst_utf8_valid(mst_str(bytes, n))
                              : taken == n && back == cp && mst_utf8_valid(mst_str(bytes, n)) &&
                                    mst_utf8_count(mst_str(bytes, n)) == 1;
        if (!good)
            fail_msg("U+%04X", cp);
        for (size_t cut = 1; cut < n; cut++) { // a part of a character is invalid
            if (mst_utf8_valid(mst_str(bytes, cut)) || mst_utf8_next(mst_str(bytes, cut), &back) != 1)
                fail_msg("U+%04X cut after %zu", cp, cut);
        }
    }
}

static void
test_utf8_refuses_what_the_standard_refuses(void **state)
{
    (void)state;
    const mst_str_t bad[] = {
        MST_STR("\x80"),
        MST_STR("\xC0\x80"),
        MST_STR("\xC1\xBF"),
        MST_STR("\xE0\x9F\xBF"),
        MST_STR("\xF0\x8F\xBF\xBF"),
        MST_STR("\xF4\x90\x80\x80"),
        MST_STR("\xF5\x80\x80\x80"),
        MST_STR("\xED\xA0\x80"),
        MST_STR("\xFE"),
        MST_STR("\xFF"),
        MST_STR("\xC3("),
        MST_STR("\xE2\x82("),
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(mst_utf8_valid(bad[i]));
        assert_int_equal(mst_utf8_valid_bytes(bad[i]), 0);
        uint32_t cp = 0;
        assert_int_equal(mst_utf8_next(bad[i], &cp), 1);
        assert_int_equal(cp, 0xFFFD);
    }
    assert_int_equal(mst_utf8_valid_bytes(MST_STR("0123456789\xC3\xA9\xFFz")), 12);
    assert_true(mst_utf8_valid(MST_STR_NULL));
}

static void
test_utf8_count(void **state)
{
    (void)state;
    assert_int_equal(mst_utf8_count(MST_STR_NULL), 0);
    assert_int_equal(mst_utf8_count(MST_STR("0123456789abcdef")), 16);
    assert_int_equal(mst_utf8_count(MST_STR("a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80")), 4);
    assert_int_equal(mst_utf8_count(MST_STR("\xFF\xFE"
                                            "a\xE2\x82")),
                     5);
}

static void
check_repair(mst_str_t in, const char *want)
{
    mst_buf_t b;
    mst_buf_init(&b, 1000);
    assert_int_equal(mst_utf8_repair(in, &b), MST_OK);
    (void)mst_buf_add_byte(&b, '\0');
    assert_string_equal(b.p, want);
    mst_buf_deinit(&b);
}

static void
test_utf8_repair(void **state)
{
    (void)state;
    check_repair(MST_STR(""), "");
    check_repair(MST_STR("caf\xC3\xA9"), "caf\xC3\xA9");
    check_repair(MST_STR("a\xFF"
                         "b"),
                 "a\xEF\xBF\xBD"
                 "b");
    check_repair(MST_STR("\xED\xA0\x80"), "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");
    check_repair(MST_STR("ok\xE2\x82"), "ok\xEF\xBF\xBD\xEF\xBF\xBD");
    mst_buf_t small;
    mst_buf_init(&small, 4);
    assert_int_equal(mst_utf8_repair(MST_STR("a\xFF"
                                             "b"),
                                     &small),
                     MST_LIMIT);
    mst_buf_deinit(&small);
}

static void
check_lower(mst_str_t in, const char *want)
{
    mst_buf_t b;
    mst_buf_init(&b, 10000);
    assert_int_equal(mst_utf8_lower(in, &b), MST_OK);
    (void)mst_buf_add_byte(&b, '\0');
    assert_string_equal(b.p, want);
    mst_buf_deinit(&b);
}

#define SIGMA_CAP   "\xCE\xA3"
#define SIGMA       "\xCF\x83"
#define SIGMA_FINAL "\xCF\x82"

static void
test_utf8_lower_as_python_does(void **state)
{
    (void)state;
    check_lower(MST_STR("Hello WORLD @[`{ 123"), "hello world @[`{ 123");
    check_lower(MST_STR("\xC3\x84\xC3\x96\xC3\x9C\xE1\xBA\x9E"), "\xC3\xA4\xC3\xB6\xC3\xBC\xC3\x9F"); // A O U umlaut
    check_lower(MST_STR("\xC4\xB0I"), "i\xCC\x87"
                                      "i");                       // U+0130 gives two code points
    check_lower(MST_STR("\xF0\x90\x90\x80"), "\xF0\x90\x90\xA8"); // outside the first plane
    check_lower(MST_STR("\xFF"
                        "A\xE2\x82"),
                "\xFF"
                "a\xE2\x82");                             // invalid bytes stay
    check_lower(MST_STR("\xEF\xBF\xBD"), "\xEF\xBF\xBD"); // a real U+FFFD stays
}

static void
test_utf8_lower_final_sigma(void **state)
{
    (void)state;
    check_lower(MST_STR(SIGMA_CAP), SIGMA); // alone: not the end of a word
    check_lower(MST_STR("A" SIGMA_CAP), "a" SIGMA_FINAL);
    check_lower(MST_STR("A" SIGMA_CAP "B"), "a" SIGMA "b");
    check_lower(MST_STR("A" SIGMA_CAP " B"), "a" SIGMA_FINAL " b");
    check_lower(MST_STR("A'" SIGMA_CAP), "a'" SIGMA_FINAL); // an apostrophe is looked through
    check_lower(MST_STR("A" SIGMA_CAP "'B"), "a" SIGMA "'b");
    check_lower(MST_STR("A\xCC\x81" SIGMA_CAP "\xCC\x81"), "a\xCC\x81" SIGMA_FINAL "\xCC\x81");
    check_lower(MST_STR("1" SIGMA_CAP), "1" SIGMA);
    check_lower(MST_STR("A1" SIGMA_CAP), "a1" SIGMA);
    check_lower(MST_STR("A" SIGMA_CAP SIGMA_CAP), "a" SIGMA SIGMA_FINAL);
    check_lower(MST_STR("\xC2\xAA" SIGMA_CAP), "\xC2\xAA" SIGMA_FINAL); // ordinal indicator has case
    char text[1000];                                                    // across the pieces of an ASCII run
    memset(text, '.', sizeof text);
    text[0] = 'A';
    memcpy(text + 600, SIGMA_CAP, 2);
    char want[1000];
    memcpy(want, text, sizeof text);
    want[0] = 'a';
    memcpy(want + 600, SIGMA_FINAL, 2);
    want[602] = '\0';
    check_lower(mst_str(text, 602), want);
}

static void
test_utf8_white_space_is_pythons(void **state)
{
    (void)state;
    const uint32_t spaces[] = {0x09,   0x0A,   0x0B,   0x0C,   0x0D,   0x1C,   0x1D,   0x1E,   0x1F,   0x20,
                               0x85,   0xA0,   0x1680, 0x2000, 0x2001, 0x2002, 0x2003, 0x2004, 0x2005, 0x2006,
                               0x2007, 0x2008, 0x2009, 0x200A, 0x2028, 0x2029, 0x202F, 0x205F, 0x3000};
    size_t at = 0;
    for (uint32_t cp = 0; cp <= 0x10FFFF; cp++) {
        bool want = at < sizeof spaces / sizeof spaces[0] && spaces[at] == cp;
        at += want;
        if (mst_utf8_is_space(cp) != want)
            fail_msg("U+%04X", cp);
    }
}

static void
test_utf8_trim(void **state)
{
    (void)state;
    assert_true(mst_str_eq_c(mst_utf8_trim(MST_STR("\xE3\x80\x80\x1f a b\xC2\xA0\xE2\x80\xA9\n")), "a b"));
    assert_int_equal(mst_utf8_trim(MST_STR(" \xE3\x80\x80 ")).n, 0);
    assert_int_equal(mst_utf8_trim(MST_STR_NULL).n, 0);
    assert_true(mst_str_eq_c(mst_utf8_trim(MST_STR(" \x80\x80 ")), "\x80\x80"));
    assert_true(mst_str_eq_c(mst_utf8_trim(MST_STR("\x80\x80\x80\x80\x80")), "\x80\x80\x80\x80\x80"));
    assert_true(mst_str_eq_c(mst_utf8_trim(MST_STR("x\xE3\x80 ")), "x\xE3\x80"));
    assert_true(mst_str_eq_c(mst_utf8_trim(MST_STR("\xE2\x80\x8B")), "\xE2\x80\x8B")); // zero width space is none
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_utf8_every_code_point),
        cmocka_unit_test(test_utf8_refuses_what_the_standard_refuses),
        cmocka_unit_test(test_utf8_count),
        cmocka_unit_test(test_utf8_repair),
        cmocka_unit_test(test_utf8_lower_as_python_does),
        cmocka_unit_test(test_utf8_lower_final_sigma),
        cmocka_unit_test(test_utf8_white_space_is_pythons),
        cmocka_unit_test(test_utf8_trim),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
