// common/json/json.h: writing
#include "common/base/limits.h"
#include "common/base/prng.h"
#include "common/json/json.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void
check_text(mst_buf_t *b, const char *want)
{
    assert_false(b->failed);
    (void)mst_buf_add_byte(b, '\0');
    assert_string_equal(b->p, want);
    mst_buf_reset(b);
}

static void
test_jw_commas_and_nesting(void **state)
{
    (void)state;
    mst_buf_t b;
    mst_jw_t w;
    mst_buf_init(&b, MST_MIB);
    mst_jw_init(&w, &b);
    mst_jw_obj(&w);
    mst_jw_key(&w, "a");
    mst_jw_arr(&w);
    mst_jw_i64(&w, INT64_MIN);
    mst_jw_u64(&w, UINT64_MAX);
    mst_jw_arr(&w);
    mst_jw_arr_end(&w);
    mst_jw_obj(&w);
    mst_jw_obj_end(&w);
    mst_jw_bool(&w, true);
    mst_jw_bool(&w, false);
    mst_jw_null(&w);
    mst_jw_raw(&w, MST_STR("{\"raw\":1}"));
    mst_jw_str(&w, MST_STR_NULL);
    mst_jw_arr_end(&w);
    mst_jw_key_str(&w, MST_STR("b\"\n"));
    mst_jw_i64(&w, 0);
    mst_jw_obj_end(&w);
    check_text(&b, "{\"a\":[-9223372036854775808,18446744073709551615,[],{},true,false,null,{\"raw\":1},\"\"],"
                   "\"b\\\"\\n\":0}");
    assert_int_equal(w.depth, 0);
    mst_buf_deinit(&b);
}

static void
check_str(mst_str_t s, const char *want)
{
    mst_buf_t b;
    mst_jw_t w;
    mst_buf_init(&b, MST_MIB);
    mst_jw_init(&w, &b);
    mst_jw_str(&w, s);
    check_text(&b, want);
    mst_buf_deinit(&b);
}

static void
test_jw_strings_are_valid_whatever_comes(void **state)
{
    (void)state;
    check_str(MST_STR("plain text, long enough for the quick way"), "\"plain text, long enough for the quick way\"");
    check_str(MST_STR("\"\\/\b\f\n\r\t"), "\"\\\"\\\\/\\b\\f\\n\\r\\t\"");
    check_str(mst_str("\0\x01\x1f\x7f", 4), "\"\\u0000\\u0001\\u001f\x7f\"");
    check_str(MST_STR("caf\xC3\xA9 \xF0\x9F\x98\x80"), "\"caf\xC3\xA9 \xF0\x9F\x98\x80\"");
    check_str(MST_STR("a\xFF"
                      "b"),
              "\"a\xEF\xBF\xBD"
              "b\"");
    check_str(MST_STR("\xE2\x82"), "\"\xEF\xBF\xBD\xEF\xBF\xBD\"");
    check_str(MST_STR("\xED\xA0\xBD"), "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"");
}

// One special character at every place of texts of every length up to 40: the quick way must not jump over it.
static void
test_jw_special_character_anywhere(void **state)
{
    (void)state;

    const struct {
        const char *in, *out;
    } special[] = {{"\"", "\\\""},
                   {"\\", "\\\\"},
                   {"\x1f", "\\u001f"},
                   {"\n", "\\n"},
                   {"\xFF", "\xEF\xBF\xBD"},
                   {"\x80", "\xEF\xBF\xBD"},
                   {"\xC3\xA9", "\xC3\xA9"},
                   {"!", "!"},
                   {"#", "#"},
                   {"[", "["},
                   {" ", " "}};

    for (size_t c = 0; c < sizeof special / sizeof special[0]; c++) {
        for (size_t n = 0; n < 40; n++) {
            for (size_t at = 0; at <= n; at++) {
                char in[64], want[64];
                size_t in_n = strlen(special[c].in), out_n = strlen(special[c].out);
                memset(in, 'a', n);
                memset(want, 'a', sizeof want);
                memcpy(in + at, special[c].in, in_n);
                memset(in + at + in_n, 'a', n - at);
                want[0] = '"';
                memcpy(want + 1 + at, special[c].out, out_n);
                memcpy(want + 1 + n + out_n, "\"", 2);
                check_str(mst_str(in, n + in_n), want);
            }
        }
    }
}

static void
check_f64(double v, const char *want)
{
    mst_buf_t b;
    mst_jw_t w;
    mst_buf_init(&b, MST_MIB);
    mst_jw_init(&w, &b);
    mst_jw_f64(&w, v);
    check_text(&b, want);
    mst_buf_deinit(&b);
}

static void
test_jw_doubles(void **state)
{
    (void)state;
    check_f64(0, "0.0");
    check_f64(-0.0, "-0.0");
    check_f64(1, "1.0");
    check_f64(-12, "-12.0");
    check_f64(0.1, "0.1");
    check_f64(-2.5, "-2.5");
    check_f64(123.456, "123.456");
    check_f64(0.0001, "0.0001");
    check_f64(0.00001, "1e-05");
    check_f64(1.25e-7, "1.25e-07");
    check_f64(999999999999999, "999999999999999.0");
    check_f64(1e15, "1000000000000000.0");
    check_f64(1234567890123456.5, "1234567890123456.5");
    check_f64(9007199254740992, "9007199254740992.0");
    check_f64(1e16, "1e+16");
    check_f64(1.5e300, "1.5e+300");
    check_f64(1e23, "1e+23");
    check_f64(5e-324, "5e-324");
    check_f64(1.7976931348623157e308, "1.7976931348623157e+308");
    check_f64(2.2250738585072014e-308, "2.2250738585072014e-308");
    check_f64((double)NAN, "\"NaN\"");
    check_f64((double)INFINITY, "\"Infinity\"");
    check_f64(-(double)INFINITY, "\"-Infinity\"");
}

// Any bit pattern reads back as itself, by both readers.
static void
test_jw_doubles_read_back(void **state)
{
    (void)state;
    mst_prng_t r;
    mst_prng_seed(&r, 9);
    mst_json_parser_t *parser = mst_json_parser_new();
    mst_arena_t *arena = mst_arena_new(MST_MIB);
    mst_buf_t b;
    mst_buf_init(&b, MST_MIB);
    for (int i = 0; i < 50000; i++) {
        uint64_t bits = mst_prng_u64(&r);
        double v, back = 0;
        memcpy(&v, &bits, sizeof v);
        if (i % 2 == 0)
            v = (double)(int64_t)mst_prng_below(&r, 1000000000) / 1000.0;
        if (!isfinite(v))
            continue;
        mst_arena_reset(arena);
        mst_buf_reset(&b);
        mst_jw_t w;
        mst_jw_init(&w, &b);
        mst_jw_f64(&w, v);
        const mst_json_t *tree;
        bool lenient = true;
        assert_int_equal(mst_json_parse(parser, mst_buf_view(&b), arena, &tree, &lenient, NULL), MST_OK);
        assert_false(lenient);
        assert_int_equal(tree->type, MST_JSON_DOUBLE);
        assert_memory_equal(&tree->u.d, &v, sizeof v);
        assert_int_equal(mst_json_parse_lenient(mst_buf_view(&b), arena, &tree, NULL), MST_OK);
        assert_true(mst_json_f64(tree, &back));
        assert_memory_equal(&back, &v, sizeof v);
    }
    mst_buf_deinit(&b);
    mst_arena_free(&arena);
    mst_json_parser_free(&parser);
}

static void
check_rewrite(const char *in, const char *as_is, const char *canonical)
{
    mst_json_parser_t *parser = mst_json_parser_new();
    mst_arena_t *arena = mst_arena_new(MST_MIB);
    const mst_json_t *v;
    mst_buf_t b;
    mst_jw_t w;
    mst_buf_init(&b, MST_MIB);
    assert_int_equal(mst_json_parse(parser, mst_str_c(in), arena, &v, NULL, NULL), MST_OK);
    mst_jw_init(&w, &b);
    mst_jw_value(&w, v);
    check_text(&b, as_is);
    mst_jw_init(&w, &b);
    mst_jw_canonical(&w, v);
    check_text(&b, canonical);
    mst_buf_deinit(&b);
    mst_arena_free(&arena);
    mst_json_parser_free(&parser);
}

static void
test_jw_trees(void **state)
{
    (void)state;
    check_rewrite(" [ ] ", "[]", "[]");
    check_rewrite("7", "7", "7");
    check_rewrite("[[1],[2,{}],{\"a\":{\"b\":1},\"c\":{\"d\":2}}]", "[[1],[2,{}],{\"a\":{\"b\":1},\"c\":{\"d\":2}}]",
                  "[[1],[2,{}],{\"a\":{\"b\":1},\"c\":{\"d\":2}}]");
    check_rewrite(
        "{\"b\": 1, \"a\": {\"z\": [ {\"q\": 1.50, \"p\": \"\\u0041\"} ], \"y\": {}}, \"aa\": null, \"\": NaN, "
        "\"B\": true, \"\xC3\xA9\": [], \"abcdefgh2\": 1, \"abcdefgh10\": 2, \"abcdefgh\": 3}",
        "{\"b\":1,\"a\":{\"z\":[{\"q\":1.5,\"p\":\"A\"}],\"y\":{}},\"aa\":null,\"\":\"NaN\",\"B\":true,"
        "\"\xC3\xA9\":[],\"abcdefgh2\":1,\"abcdefgh10\":2,\"abcdefgh\":3}",
        "{\"\":\"NaN\",\"B\":true,\"a\":{\"y\":{},\"z\":[{\"p\":\"A\",\"q\":1.5}]},\"aa\":null,\"abcdefgh\":3,"
        "\"abcdefgh10\":2,\"abcdefgh2\":1,\"b\":1,\"\xC3\xA9\":[]}");
}

// Objects of every size have their members in bytewise order, whatever the order of the text; a NUL in a key counts.
static void
test_jw_canonical_sorts_any_count(void **state)
{
    (void)state;
    mst_prng_t r;
    mst_prng_seed(&r, 4);
    mst_buf_t b;
    mst_buf_init(&b, MST_MIB);
    for (size_t n = 0; n < 120; n++) {
        char keys[120][12];
        mst_json_member_t members[120];
        for (size_t i = 0; i < n; i++) {
            size_t bytes = mst_prng_below(&r, 12);
            for (size_t c = 0; c < bytes; c++)
                keys[i][c] = (char)mst_prng_below(&r, 3);
            members[i] = (mst_json_member_t){.key = mst_str(keys[i], bytes), .value = {.type = MST_JSON_NULL}};
        }
        mst_json_t v = {.type = MST_JSON_OBJ, .count = (uint32_t)n, .u.members = members};
        mst_jw_t w;
        mst_buf_reset(&b);
        mst_jw_init(&w, &b);
        mst_jw_canonical(&w, &v);
        assert_false(b.failed);
        for (size_t i = 1; i < n; i++) { // a plain sort
            mst_json_member_t m = members[i];
            size_t at = i;
            for (; at > 0 && mst_str_cmp(members[at - 1].key, m.key) > 0; at--)
                members[at] = members[at - 1];
            members[at] = m;
        }
        mst_buf_t want;
        mst_buf_init(&want, MST_MIB);
        mst_jw_init(&w, &want);
        mst_jw_value(&w, &v);
        assert_true(mst_str_eq(mst_buf_view(&b), mst_buf_view(&want)));
        mst_buf_deinit(&want);
    }
    mst_buf_deinit(&b);
}

static void
test_jw_limits_only_set_failed(void **state)
{
    (void)state;
    mst_buf_t b;
    mst_jw_t w;
    mst_buf_init(&b, MST_MIB);
    mst_jw_init(&w, &b);
    for (int i = 0; i < MST_JSON_DEPTH_MAX; i++)
        mst_jw_arr(&w);
    assert_false(b.failed);
    mst_jw_arr(&w);
    assert_true(b.failed);
    for (int i = 0; i < 200; i++)
        mst_jw_arr_end(&w); // no harm once it has failed
    // a tree that is nested too deeply, made by hand
    mst_json_t nested[100];
    nested[0] = (mst_json_t){.type = MST_JSON_NULL};
    for (size_t i = 1; i < 100; i++)
        nested[i] = (mst_json_t){.type = MST_JSON_ARR, .count = 1, .u.items = &nested[i - 1]};
    for (size_t i = 60; i < 70; i++) {
        mst_buf_reset(&b);
        mst_jw_init(&w, &b);
        mst_jw_value(&w, &nested[i]);
        assert_int_equal(b.failed, i > MST_JSON_DEPTH_MAX);
    }
    mst_buf_deinit(&b);
    for (size_t max = 0; max < 24; max++) { // full at every place
        const mst_json_member_t m = {.key = MST_STR("key"), .value = {.type = MST_JSON_STR, .u.s = MST_STR("a\nb")}};
        const mst_json_t v = {.type = MST_JSON_OBJ, .count = 1, .u.members = &m};
        mst_buf_init(&b, max);
        mst_jw_init(&w, &b);
        mst_jw_canonical(&w, &v);
        assert_int_equal(b.failed, max < sizeof "{\"key\":\"a\\nb\"}" - 1);
        mst_buf_deinit(&b);
    }
    mst_buf_init(&b, 100);
    mst_jw_init(&w, &b);
    mst_jw_value(&w, NULL);
    check_text(&b, "null");
    mst_buf_deinit(&b);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_jw_commas_and_nesting),
        cmocka_unit_test(test_jw_strings_are_valid_whatever_comes),
        cmocka_unit_test(test_jw_special_character_anywhere),
        cmocka_unit_test(test_jw_doubles),
        cmocka_unit_test(test_jw_doubles_read_back),
        cmocka_unit_test(test_jw_trees),
        cmocka_unit_test(test_jw_canonical_sorts_any_count),
        cmocka_unit_test(test_jw_limits_only_set_failed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
