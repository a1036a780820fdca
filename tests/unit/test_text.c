// common/text: the regular expressions' meaning and bounds, number extraction against its regular expressions, and
// the small normalising steps.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/base/mem.h"
#include "common/base/prng.h"
#include "common/text/normalise.h"
#include "common/text/number.h"
#include "common/text/pattern.h"
#include "common/text/regex.h"

static mst_regex_t *
regex(const char *pattern, int flags)
{
    mst_regex_t *re = NULL;
    mst_err_t err;
    if (mst_regex_new(mst_str_c(pattern), flags, &re, &err) != MST_OK)
        fail_msg("%s", err.message);
    return re;
}

static void
translates(const char *from, const char *to)
{
    mst_buf_t out;
    mst_buf_init(&out, 4096);
    mst_pattern_translate(mst_str_c(from), true, &out);
    assert_int_equal(out.n, strlen(to));
    if (out.n > 0)
        assert_memory_equal(out.p, to, out.n);
    mst_buf_deinit(&out);
}

static void
test_pattern_translates_pythons_dialect(void **state)
{
    (void)state;
    translates("a\\Z", "a\\z");
    translates("\\\\Z", "\\\\Z");
    translates("\\v[\\v]", "\\x0b[\\x0b]");
    translates("\\u00e9\\U0001F600", "\\x{00e9}\\x{0001F600}");
    translates("\\u00g9", "\\u00g9");
    translates("\\s[^\\sx]\\S", "[\\s\\x1c-\\x1f][^\\s\\x1c-\\x1fx][^\\s\\x1c-\\x1f]");
    translates("a{,3}b{2,}c{,}d{x}", "a{0,3}b{2,}c{0,}d{x}");
    translates("[]a[:b]c[^]]", "[]a\\[:b]c[^]]");
    translates("(?u)a(?iu:b)(?P<u>c)(?#[u)", "(?)a(?i:b)(?P<u>c)(?#[u)");
    translates("\\", "\\");
    translates("[\\", "[\\");
    translates("(?", "(?");
    translates("{,", "{,");
    translates("", "");
}

static void
test_regex_finds_groups(void **state)
{
    (void)state;
    mst_regex_t *re = regex("(?P<a>x)|(y)(z)?", MST_REGEX_UCP);
    mst_str_t g[6], text = MST_STR("..y..x");
    mst_err_t err;
    assert_int_equal(mst_regex_groups(re), 3);
    assert_int_equal(mst_regex_find(re, text, 0, g, 6, &err), MST_OK);
    assert_ptr_equal(g[0].p, text.p + 2);
    assert_null(g[1].p);
    assert_int_equal(g[2].n, 1);
    assert_null(g[3].p);
    assert_null(g[5].p);
    assert_int_equal(mst_regex_find(re, text, 3, g, 1, &err), MST_OK);
    assert_ptr_equal(g[0].p, text.p + 5);
    assert_int_equal(mst_regex_find(re, text, 6, g, 1, &err), MST_NOTFOUND);
    assert_int_equal(mst_regex_find(re, text, 7, g, 1, &err), MST_NOTFOUND);
    assert_int_equal(mst_regex_find(re, MST_STR_NULL, 0, NULL, 0, &err), MST_NOTFOUND);
    mst_regex_free(&re);
    assert_null(re);
    mst_regex_free(&re);
}

static void
test_regex_names_what_it_cannot_compile(void **state)
{
    (void)state;
    mst_regex_t *re = NULL;
    mst_err_t err;
    assert_int_equal(mst_regex_new(MST_STR("a(b"), 0, &re, &err), MST_INVAL);
    assert_non_null(strstr(err.message, "could not compile pattern \"a(b\": "));
    assert_null(re);
    assert_int_equal(mst_regex_new(MST_STR("\xff"), 0, &re, &err), MST_INVAL);
    size_t n = MST_REGEX_PATTERN_MAX + 1;
    char *big = malloc(n);
    memset(big, 'a', n);
    assert_int_equal(mst_regex_new(mst_str(big, n), 0, &re, &err), MST_LIMIT);
    for (size_t i = 0; i < 202; i++)
        big[i] = i % 2 == 0 ? '(' : ')';
    assert_int_equal(mst_regex_new(mst_str(big, 202), 0, &re, &err), MST_LIMIT);
    memset(big, '(', n);
    assert_int_equal(mst_regex_new(mst_str(big, 5000), 0, &re, &err), MST_INVAL);
    free(big);
}

static void
gives_up(const char *pattern, char fill, size_t n, char last)
{
    mst_regex_t *re = regex(pattern, MST_REGEX_UCP);
    mst_err_t err;
    char *text = malloc(n);
    memset(text, fill, n);
    text[n - 1] = last;
    assert_int_equal(mst_regex_find(re, mst_str(text, n), 0, NULL, 0, &err), MST_LIMIT);
    assert_non_null(strstr(err.message, "backtracks too much"));
    // and it is as good as new
    assert_int_equal(mst_regex_find(re, MST_STR("-"), 0, NULL, 0, &err), MST_NOTFOUND);
    free(text);
    mst_regex_free(&re);
}

static void
test_regex_gives_up_in_bounded_work(void **state)
{
    (void)state;
    gives_up("^(a+)+$", 'a', 60, '!');
    if (getenv("MUSTER_QUICK") != NULL)
        return; // each of these takes a second or two with sanitizers
    gives_up("^(a+)+$", 'a', 100000, '!');
    gives_up("(\\w*\\w*)*@[a-z]", 'a', 5000, '@');
    gives_up("\\w+@", 'a', 4u << 20, '!');
    gives_up("\\w+\\w+\\w+@[a-z]", 'a', 2000, '@');
}

static void
test_regex_goes_through_long_texts(void **state)
{
    (void)state;
    size_t n = 8u << 20;
    mst_err_t err;
    mst_str_t g[1];
    char *text = malloc(n);
    memset(text, 'a', n);
    memcpy(text + n - 8, "-needle-", 8);
    for (size_t i = 0; i + 8 < n; i += 60)
        text[i] = ' ';
    static const char *const found[] = {"needle", "\\bneedle\\b", "(n|x)eedle", "(?s)^.*needle", "\\w+-$"};
    for (size_t i = 0; i < sizeof found / sizeof found[0]; i++) {
        mst_regex_t *re = regex(found[i], MST_REGEX_UCP);
        mst_rc rc = mst_regex_find(re, mst_str(text, n), 0, g, 1, &err);
        if (rc != MST_OK)
            fail_msg("%s: %s", found[i], err.message);
        mst_regex_free(&re);
    }
    free(text);
}

static void
test_regex_takes_invalid_text(void **state)
{
    (void)state;
    mst_regex_t *re = regex("b.d", MST_REGEX_UCP);
    mst_err_t err;
    assert_int_equal(mst_regex_find(re,
                                    MST_STR("\xff\xfe"
                                            "bcd"
                                            "\xc3"),
                                    0, NULL, 0, &err),
                     MST_OK);
    assert_int_equal(mst_regex_find(re,
                                    MST_STR("b\xff"
                                            "d"),
                                    0, NULL, 0, &err),
                     MST_NOTFOUND);
    assert_int_equal(mst_regex_find(re, MST_STR("b\0d"), 0, NULL, 0, &err), MST_OK);
    mst_regex_free(&re);
}

static void
deletes(const char *pattern, const char *from, const char *to)
{
    mst_regex_t *re = regex(pattern, MST_REGEX_UCP);
    mst_buf_t out;
    mst_err_t err;
    mst_buf_init(&out, 4096);
    assert_int_equal(mst_regex_delete(re, mst_str_c(from), &out, &err), MST_OK);
    assert_int_equal(out.n, strlen(to));
    if (out.n > 0)
        assert_memory_equal(out.p, to, out.n);
    mst_buf_deinit(&out);
    mst_regex_free(&re);
}

static void
test_regex_deletes_as_python_sub(void **state)
{
    (void)state;
    deletes(",", "1,000,000", "1000000");
    deletes("a*", "baac", "bc");
    deletes("|a", "aba", "b");
    deletes("x*", "é日x", "é日");
    deletes("^", "abc", "abc");
    deletes("(?s).*#### ", "a #### b\n#### c", "c");
    deletes("\\.$", "5.\n", "5\n");
    deletes("\\b", "a b", "a b");
    deletes("a\\K", "aaa", "aaa");
    deletes(".", "", "");
    mst_regex_t *re = regex("q", 0);
    mst_buf_t tiny;
    mst_err_t err;
    mst_buf_init(&tiny, 2);
    assert_int_equal(mst_regex_delete(re, MST_STR("abc"), &tiny, &err), MST_LIMIT);
    mst_buf_deinit(&tiny);
    mst_regex_free(&re);
}

// What Python's findall gives for a filter: the first or last match, first group that is not empty.
static bool
by_regex(mst_regex_t *re, bool last, mst_str_t text, mst_str_t *out)
{
    mst_str_t g[3];
    mst_err_t err;
    bool found = false;
    for (size_t from = 0; mst_regex_find(re, text, from, g, 3, &err) == MST_OK;) {
        *out = g[1].n > 0 ? g[1] : g[2];
        found = true;
        if (!last)
            break;
        from = (size_t)(g[0].p - text.p) + g[0].n;
    }
    return found;
}

static void
test_number_agrees_with_its_patterns(void **state)
{
    (void)state;
    static const char *const pieces[] = {"-", "$",  "5", "12", ".",    ",",  "#### ", "The answer is ",
                                         " ", "\n", "x", "é",  "####", "--", "0"};
    mst_regex_t *re[3] = {regex("#### (\\-?[0-9\\.\\,]+)", MST_REGEX_UCP),
                          regex("(-?[$0-9.,]{2,})|(-?[0-9]+)", MST_REGEX_UCP),
                          regex("The answer is (\\-?[0-9\\.\\,]+).", MST_REGEX_UCP)};
    mst_prng_t r;
    size_t found = 0;
    mst_prng_seed(&r, 20);
    for (int round = 0; round < 60000; round++) {
        char text[512];
        size_t n = 0;
        for (uint64_t k = mst_prng_below(&r, 12); k > 0; k--) {
            const char *piece = pieces[mst_prng_below(&r, sizeof pieces / sizeof pieces[0])];
            memcpy(text + n, piece, strlen(piece));
            n += strlen(piece);
        }
        for (int f = 0; f < 3; f++) {
            mst_str_t got = MST_STR_NULL, want = MST_STR_NULL;
            bool has = by_regex(re[f], f == 1, mst_str(text, n), &want);
            bool mine = mst_number_extract((mst_number_filter_t)f, mst_str(text, n), &got);
            if (has != mine || (has && !mst_str_eq(got, want)))
                fail_msg("filter %d on \"%.*s\": \"%.*s\" instead of \"%.*s\"", f, (int)n, text, MST_FMT(got),
                         MST_FMT(want));
            found += has;
        }
    }
    assert_true(found > 10000);
    for (int f = 0; f < 3; f++)
        mst_regex_free(&re[f]);
}

static void
test_number_harness_form_agrees_with_its_patterns(void **state)
{
    (void)state;
    static const char *const steps[] = {",", "\\$", "(?s).*#### ", "\\.$"};
    static const char pieces[] = ",$#. \n5A-";
    mst_regex_t *re[4];
    mst_buf_t buf[2];
    mst_err_t err;
    mst_prng_t r;
    mst_prng_seed(&r, 21);
    for (int i = 0; i < 4; i++)
        re[i] = regex(steps[i], MST_REGEX_UCP);
    mst_buf_init(&buf[0], 4096);
    mst_buf_init(&buf[1], 4096);
    for (int round = 0; round < 40000; round++) {
        char text[64], room[64];
        size_t n = mst_prng_below(&r, 24);
        for (size_t i = 0; i < n; i++)
            text[i] = pieces[mst_prng_below(&r, sizeof pieces - 1)];
        if (n > 12 && round % 2 == 0)
            memcpy(text + mst_prng_below(&r, 8), "#### ", 5);
        mst_str_t want = mst_str(text, n), got;
        for (int i = 0; i < 4; i++) {
            mst_buf_reset(&buf[i % 2]);
            assert_int_equal(mst_regex_delete(re[i], want, &buf[i % 2], &err), MST_OK);
            want = mst_buf_view(&buf[i % 2]);
        }
        assert_int_equal(mst_text_lower(want, &buf[0], &want), MST_OK);
        got = mst_number_harness_form(mst_str(text, n), room);
        if (!mst_str_eq(got, want))
            fail_msg("\"%.*s\": \"%.*s\" instead of \"%.*s\"", (int)n, text, MST_FMT(got), MST_FMT(want));
    }
    for (int i = 0; i < 4; i++)
        mst_regex_free(&re[i]);
    mst_buf_deinit(&buf[0]);
    mst_buf_deinit(&buf[1]);
}

static void
test_number_compares_by_value(void **state)
{
    (void)state;
    static const char *const same[][2] = {
        {"18", "18.00"},
        {"18.", "18"},
        {"1,000", "$1000"},
        {"-0", "0.0"},
        {".5", "0.50"},
        {"007", "7"},
        {" 5 ", "5"},
        {"-$3", "$-3"},
        {"+4", "4"},
        {"0.0", "."
                "0"},
        {"10", "10.0"},
        {"1,0.5", "10.5"},
        {"00.10", ".1"},
    };
    static const char *const other[][2] = {
        {"18", "18.01"}, {"1", "10"},  {"-1", "1"},     {"", ""},     {".", "."},      {"1.2.3", "1.2.3"},
        {"a", "a"},      {"0.1", "1"}, {"1e3", "1000"}, {"100", "1"}, {"0.01", "0.1"}, {"5", "5.5"},
    };
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
        if (!mst_number_value_eq(mst_str_c(same[i][0]), mst_str_c(same[i][1])) ||
            !mst_number_value_eq(mst_str_c(same[i][1]), mst_str_c(same[i][0])))
            fail_msg("%s and %s", same[i][0], same[i][1]);
    }
    for (size_t i = 0; i < sizeof other / sizeof other[0]; i++) {
        if (mst_number_value_eq(mst_str_c(other[i][0]), mst_str_c(other[i][1])) ||
            mst_number_value_eq(mst_str_c(other[i][1]), mst_str_c(other[i][0])))
            fail_msg("%s and %s", other[i][0], other[i][1]);
    }
}

static void
test_text_excerpt_is_one_clean_line(void **state)
{
    (void)state;
    char out[32];
    size_t n = mst_text_excerpt(MST_STR("a\nb\tc\x7f"), 20, out);
    assert_int_equal(n, 6);
    assert_memory_equal(out, "a b c ", 6);
    n = mst_text_excerpt(MST_STR("日本語"), 7, out);
    assert_int_equal(n, 9);
    assert_memory_equal(out, "日本...", 9);
    n = mst_text_excerpt(MST_STR("x\xff\xc2\x85y"), 20, out);
    assert_int_equal(n, 5);
    assert_memory_equal(out, "x   y", 5);
    assert_int_equal(mst_text_excerpt(MST_STR_NULL, 20, out), 0);
}

static void
test_text_lower_and_marks(void **state)
{
    (void)state;
    mst_buf_t b;
    mst_str_t out;
    mst_buf_init(&b, 64);
    char all_ascii[128], want[128];
    for (int i = 0; i < 128; i++) {
        all_ascii[i] = (char)i;
        want[i] = (char)(i >= 'A' && i <= 'Z' ? i + 32 : i);
    }
    mst_buf_deinit(&b);
    mst_buf_init(&b, 4096);
    for (size_t from = 0; from < 16; from++) {
        assert_int_equal(mst_text_lower(mst_str(all_ascii + from, 128 - from), &b, &out), MST_OK);
        assert_int_equal(out.n, 128 - from);
        assert_memory_equal(out.p, want + from, out.n);
    }
    assert_int_equal(mst_text_lower(MST_STR("AbZ[@`{"), &b, &out), MST_OK);
    assert_true(mst_str_eq(out, MST_STR("abz[@`{")));
    assert_int_equal(mst_text_lower(MST_STR("ΑΣ ÀÉ"), &b, &out), MST_OK);
    assert_true(mst_str_eq(out, MST_STR("ας àé")));
    mst_buf_deinit(&b);
    mst_buf_init(&b, 4);
    assert_int_equal(mst_text_lower(MST_STR("TOO LONG"), &b, &out), MST_LIMIT);
    mst_buf_deinit(&b);
    char all[128];
    for (size_t i = 0; i < 128; i++)
        all[i] = (char)i;
    assert_int_equal(mst_text_delete_marks(all, 128, true, true), 128 - 32 - 10);
    assert_true(mst_text_is_ascii(MST_STR("0123456789abcdef")));
    assert_false(mst_text_is_ascii(MST_STR("0123456789abcd\xc3\xa9")));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pattern_translates_pythons_dialect),
        cmocka_unit_test(test_regex_finds_groups),
        cmocka_unit_test(test_regex_names_what_it_cannot_compile),
        cmocka_unit_test(test_regex_gives_up_in_bounded_work),
        cmocka_unit_test(test_regex_goes_through_long_texts),
        cmocka_unit_test(test_regex_takes_invalid_text),
        cmocka_unit_test(test_regex_deletes_as_python_sub),
        cmocka_unit_test(test_number_agrees_with_its_patterns),
        cmocka_unit_test(test_number_harness_form_agrees_with_its_patterns),
        cmocka_unit_test(test_number_compares_by_value),
        cmocka_unit_test(test_text_excerpt_is_one_clean_line),
        cmocka_unit_test(test_text_lower_and_marks),
    };
    return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
