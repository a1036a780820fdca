// common/json/json.h: reading
#include "common/base/limits.h"
#include "common/json/json.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

typedef struct {
    mst_json_parser_t *parser;
    mst_arena_t *arena;
    mst_err_t err;
} kit_t;

static int
setup(void **state)
{
    kit_t *k = MST_NEW(kit_t);
    k->parser = mst_json_parser_new();
    k->arena = mst_arena_new(64 * MST_MIB);
    *state = k;
    return 0;
}

static int
teardown(void **state)
{
    kit_t *k = *state;
    mst_arena_free(&k->arena);
    mst_json_parser_free(&k->parser);
    assert_null(k->parser);
    mst_json_parser_free(&k->parser);
    free(k);
    return 0;
}

// Reads text by both ways; says whether the lenient one was needed.
static const mst_json_t *
read_text(kit_t *k, mst_str_t text, bool want_lenient)
{
    const mst_json_t *v = NULL, *l = NULL;
    bool lenient = !want_lenient;
    mst_rc rc = mst_json_parse(k->parser, text, k->arena, &v, &lenient, &k->err);
    if (rc != MST_OK)
        fail_msg("refused: %s", k->err.message);
    assert_int_equal(lenient, want_lenient);
    assert_int_equal(mst_json_parse_lenient(text, k->arena, &l, &k->err), MST_OK);
    mst_buf_t a, b;
    mst_buf_init(&a, 64 * MST_MIB);
    mst_buf_init(&b, 64 * MST_MIB);
    mst_jw_t w;
    mst_jw_init(&w, &a);
    mst_jw_value(&w, v);
    mst_jw_init(&w, &b);
    mst_jw_value(&w, l);
    assert_false(a.failed);
    assert_true(mst_str_eq(mst_buf_view(&a), mst_buf_view(&b)));
    mst_buf_deinit(&b);
    mst_buf_deinit(&a);
    return v;
}

static const mst_json_t *
read_c(kit_t *k, const char *text, bool want_lenient)
{
    return read_text(k, mst_str_c(text), want_lenient);
}

static void
refuse(kit_t *k, mst_str_t text, const char *message)
{
    const mst_json_t *v = NULL;
    bool lenient = true;
    mst_rc rc = mst_json_parse(k->parser, text, k->arena, &v, &lenient, &k->err);
    assert_int_equal(rc, MST_PROTO);
    assert_null(v);
    assert_false(lenient);
    if (strstr(k->err.message, message) == NULL)
        fail_msg("\"%s\" is not in \"%s\"", message, k->err.message);
    assert_int_equal(mst_json_parse_lenient(text, k->arena, &v, &k->err), MST_PROTO);
}

static void
test_json_types(void **state)
{
    kit_t *k = *state;
    const mst_json_t *v = read_c(k,
                                 " {\"n\": null, \"t\": true, \"f\": false, \"i\": -12, \"d\": 1.5, \"s\": \"x\", "
                                 "\"a\": [1, [], {}], \"o\": {\"k\": \"v\"}} ",
                                 false);
    assert_int_equal(v->type, MST_JSON_OBJ);
    assert_int_equal(v->count, 8);
    assert_true(mst_str_eq_c(v->u.members[3].key, "i")); // in the order of the text
    assert_true(mst_json_is(mst_json_get(v, "n"), MST_JSON_NULL));
    bool b = false;
    assert_true(mst_json_bool(mst_json_get(v, "t"), &b) && b);
    assert_true(mst_json_bool(mst_json_get(v, "f"), &b) && !b);
    int64_t i = 0;
    assert_true(mst_json_i64(mst_json_get(v, "i"), &i) && i == -12);
    double d = 0;
    assert_true(mst_json_f64(mst_json_get(v, "d"), &d) && d == 1.5);
    mst_str_t s;
    assert_true(mst_json_str(mst_json_get(v, "s"), &s) && mst_str_eq_c(s, "x"));
    assert_int_equal(s.p[1], '\0');
    const mst_json_t *a = mst_json_get(v, "a");
    assert_int_equal(a->count, 3);
    assert_true(mst_json_is(mst_json_at(a, 1), MST_JSON_ARR) && mst_json_at(a, 1)->count == 0);
    assert_true(mst_json_is(mst_json_at(a, 2), MST_JSON_OBJ) && mst_json_at(a, 2)->count == 0);
    assert_null(mst_json_at(a, 3));
    assert_int_equal(read_c(k, "\"alone\"", false)->type, MST_JSON_STR);
    assert_int_equal(read_c(k, "7", false)->u.i, 7);
}

static void
test_json_lookups_take_anything(void **state)
{
    kit_t *k = *state;
    const mst_json_t *v =
        read_c(k, "[\"x\", 1e300, 2.0, -9.3e18, 0.5, \"NaN\", \"Infinity\", \"-Infinity\", \"nan\"]", false);
    int64_t i = 77;
    double d = 77;
    bool b = true;
    mst_str_t s = MST_STR("keep");
    const mst_json_t *wrong[] = {NULL, v, mst_json_at(v, 0)};
    for (size_t n = 0; n < 3; n++) {
        assert_false(mst_json_i64(wrong[n], &i));
        assert_false(mst_json_f64(wrong[n], &d));
        assert_false(mst_json_bool(wrong[n], &b));
        assert_null(mst_json_get(wrong[n], "a"));
        if (n != 1)
            assert_null(mst_json_at(wrong[n], 0));
    }
    assert_false(mst_json_str(NULL, &s));
    assert_false(mst_json_str(v, &s));
    assert_false(mst_json_is(NULL, MST_JSON_NULL));
    assert_false(mst_json_i64(mst_json_at(v, 1), &i));
    assert_false(mst_json_i64(mst_json_at(v, 3), &i));
    assert_false(mst_json_i64(mst_json_at(v, 4), &i));
    assert_int_equal(i, 77);
    assert_true(d == 77 && b && mst_str_eq_c(s, "keep"));
    assert_true(mst_json_i64(mst_json_at(v, 2), &i) && i == 2);
    assert_true(mst_json_f64(mst_json_at(v, 5), &d) && isnan(d));
    assert_true(mst_json_f64(mst_json_at(v, 6), &d) && isinf(d) && d > 0);
    assert_true(mst_json_f64(mst_json_at(v, 7), &d) && isinf(d) && d < 0);
    assert_false(mst_json_f64(mst_json_at(v, 8), &d));
}

static void
check_path(const mst_json_t *v, const char *path, int64_t want)
{
    int64_t i = -1;
    (void)mst_json_i64(mst_json_path(v, mst_str_c(path)), &i);
    if (i != want)
        fail_msg("%s gave %lld", path, (long long)i);
}

static void
test_json_path(void **state)
{
    kit_t *k = *state;
    const mst_json_t *v = read_c(k,
                                 "{\"a\": {\"b\": [10, {\"c\": 11}], \"x.y\": 12, \"x\": {\"y\": 13, \"z\": 14}}, "
                                 "\"a.b\": 15, \"0\": 16, \"\": {\"\": 17}}",
                                 false);
    check_path(v, "a.b.0", 10);
    check_path(v, "a.b.1.c", 11);
    check_path(v, "a.x.y", 12); // the key with the whole rest wins
    check_path(v, "a.x.z", 14);
    check_path(v, "a.b", 15);
    check_path(v, "0", 16);
    check_path(v, ".", 17);
    const char *absent[] = {
        "b", "a.b.2", "a.b.-1", "a.b.c", "a.b.0.x", "a.", "", "a.x.y.", "a.b.99999999999999999999999"};
    for (size_t i = 0; i < sizeof absent / sizeof absent[0]; i++)
        check_path(v, absent[i], -1);
    assert_null(mst_json_path(NULL, MST_STR("a")));
    assert_null(mst_json_path(v, MST_STR("a.b.9")));
}

static void
test_json_numbers(void **state)
{
    kit_t *k = *state;
    const mst_json_t *v = read_c(k,
                                 "[9223372036854775807, -9223372036854775808, 9223372036854775808, "
                                 "18446744073709551615, -0, -0.0, 1e2, 123456789012345680, 0.1]",
                                 false);
    assert_true(mst_json_at(v, 0)->type == MST_JSON_INT && mst_json_at(v, 0)->u.i == INT64_MAX);
    assert_true(mst_json_at(v, 1)->type == MST_JSON_INT && mst_json_at(v, 1)->u.i == INT64_MIN);
    assert_true(mst_json_at(v, 2)->type == MST_JSON_DOUBLE && mst_json_at(v, 2)->u.d == 0x1p63);
    assert_true(mst_json_at(v, 3)->type == MST_JSON_DOUBLE && mst_json_at(v, 3)->u.d == 0x1p64);
    assert_true(mst_json_at(v, 4)->type == MST_JSON_INT && mst_json_at(v, 4)->u.i == 0);
    assert_true(mst_json_at(v, 5)->type == MST_JSON_DOUBLE && signbit(mst_json_at(v, 5)->u.d));
    assert_true(mst_json_at(v, 6)->type == MST_JSON_DOUBLE && mst_json_at(v, 6)->u.d == 100);
    assert_true(mst_json_at(v, 8)->u.d == 0.1);
}

static void
test_json_lenient_numbers(void **state)
{
    kit_t *k = *state;
    const mst_json_t *v = read_c(k,
                                 "{\"logprob\": NaN, \"a\": [Infinity, -Infinity, 1e400, -1e400, "
                                 "18446744073709551616, -9223372036854775809, nan, -inf, -NaN]}",
                                 true);
    assert_true(isnan(mst_json_get(v, "logprob")->u.d));
    const mst_json_t *a = mst_json_get(v, "a");
    const double want[] = {(double)INFINITY, -(double)INFINITY, (double)INFINITY, -(double)INFINITY, 0x1p64, -0x1p63};
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(mst_json_at(a, i)->type, MST_JSON_DOUBLE);
        assert_true(mst_json_at(a, i)->u.d == want[i]);
    }
    assert_true(isnan(mst_json_at(a, 6)->u.d));
    assert_true(mst_json_at(a, 7)->u.d == want[1]);
    assert_true(isnan(mst_json_at(a, 8)->u.d));
}

static void
check_string(kit_t *k, mst_str_t text, bool lenient, mst_str_t want)
{
    const mst_json_t *v = read_text(k, text, lenient);
    mst_str_t s;
    assert_true(mst_json_str(v, &s));
    assert_int_equal(s.n, want.n);
    assert_memory_equal(s.p, want.p, want.n);
}

static void
test_json_strings(void **state)
{
    kit_t *k = *state;
    check_string(k, MST_STR("\"\""), false, MST_STR(""));
    check_string(k, MST_STR("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""), false, MST_STR("\"\\/\b\f\n\r\t"));
    check_string(k, MST_STR("\"a\\u0000b\""), false, mst_str("a\0b", 3));
    check_string(k, MST_STR("\"\\u00e9\\u20AC\\ud83d\\ude00\""), false,
                 MST_STR("\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80"));
    // lone surrogates: three bytes each; what stands behind them is read for itself
    check_string(k, MST_STR("\"\\ud83d\""), true, MST_STR("\xED\xA0\xBD"));
    check_string(k, MST_STR("\"\\ude00x\""), true, MST_STR("\xED\xB8\x80x"));
    check_string(k, MST_STR("\"\\ud83d\\u0041\""), true,
                 MST_STR("\xED\xA0\xBD"
                         "A"));
    check_string(k, MST_STR("\"\\ud83d\\ud83d\\ude00\""), true, MST_STR("\xED\xA0\xBD\xF0\x9F\x98\x80"));
    check_string(k, MST_STR("\"\\ud83d\\n\""), true, MST_STR("\xED\xA0\xBD\n"));
    // bad bytes stay as they came
    check_string(k, MST_STR("\"\xFF\xC0\x80\xED\xA0\x80\""), true, MST_STR("\xFF\xC0\x80\xED\xA0\x80"));
    // a byte order mark
    check_string(k, MST_STR("\xEF\xBB\xBF\"x\""), true, MST_STR("x"));
    check_string(k, MST_STR("\"\xEF\xBB\xBFx\""), false, MST_STR("\xEF\xBB\xBFx"));
}

static void
test_json_refuses(void **state)
{
    kit_t *k = *state;
    refuse(k, MST_STR_NULL, "line 1 column 1: expected a value, found the end of the text");
    refuse(k, MST_STR("  "), "line 1 column 3: expected a value, found the end");
    refuse(k, MST_STR("[1, 2, ]"), "line 1 column 8: expected a value, found ']'");
    refuse(k, MST_STR("{\"a\": 1,}"), "line 1 column 9: expected a key in double quotes, found '}'");
    refuse(k, MST_STR("[1 2]"), "line 1 column 4: expected ',' or ']' in an array, found '2'");
    refuse(k, MST_STR("{\"a\" 1}"), "expected ':' behind a key, found '1'");
    refuse(k, MST_STR("{\"a\": 1]"), "expected ',' or '}' in an object, found ']'");
    refuse(k, MST_STR("{'a': 1}"), "expected a key in double quotes, found '''");
    refuse(k, MST_STR("['a']"), "expected a value, found '''");
    refuse(k, MST_STR("[1] // no"), "line 1 column 5: expected nothing behind the value, found '/'");
    refuse(k, MST_STR("{} {}"), "expected nothing behind the value");
    refuse(k, MST_STR("[01]"), "a number must not begin with zero");
    refuse(k, MST_STR("[-]"), "expected a digit behind '-', found ']'");
    refuse(k, MST_STR("[1.]"), "expected a digit behind '.'");
    refuse(k, MST_STR("[.5]"), "expected a value, found '.'");
    refuse(k, MST_STR("[+1]"), "expected a value, found '+'");
    refuse(k, MST_STR("[1e]"), "expected a digit in the exponent");
    refuse(k, MST_STR("[0x10]"), "expected ',' or ']'");
    refuse(k, MST_STR("[tru]"), "expected a value, found 't'");
    refuse(k, MST_STR("[nulll]"), "expected ',' or ']' in an array, found 'l'");
    refuse(k, MST_STR("[True]"), "expected a value, found 'T'");
    refuse(k, MST_STR("\"abc"), "the string is not closed");
    refuse(k, MST_STR("\"abc\\"), "behind a backslash, found the end of the text");
    refuse(k, MST_STR("\"abc\\\""), "the string is not closed");
    refuse(k, MST_STR("\"\\x41\""), "behind a backslash, found 'x'");
    refuse(k, MST_STR("\"\\u12g4\""), "four hexadecimal digits");
    refuse(k, MST_STR("\"\\u12"), "four hexadecimal digits");
    refuse(k, MST_STR("\"a\tb\""), "no control character in a string (write it as \\u00XX), found byte 0x09");
    refuse(k, MST_STR("[1,"), "expected a value, found the end of the text");
    refuse(k, MST_STR("{\"a\": {"), "expected a key in double quotes, found the end of the text");
    refuse(k, MST_STR("\xEF\xBB\xBF\xEF\xBB\xBF 1"), "expected a value, found byte 0xef");
    refuse(k, MST_STR("{\n  \"\xC3\xA9\": 1,\n  \"\xC3\xA9\xC3\xA9\" 2\n}"), "line 3 column 8: expected ':'");
}

static void
test_json_nul_bytes(void **state)
{
    kit_t *k = *state;
    refuse(k, mst_str("\"a\0b\"", 5), "no control character in a string");
    refuse(k, mst_str("[1,\0 2]", 7), "expected a value, found byte 0x00");
    refuse(k, mst_str("[1]\0", 4), "expected nothing behind the value, found byte 0x00");
    refuse(k, mst_str("\0", 1), "expected a value, found byte 0x00");
    refuse(k, mst_str("{\"a\"\0: 1}", 9), "expected ':' behind a key, found byte 0x00");
    refuse(k, mst_str("\"\\\0\"", 4), "behind a backslash, found byte 0x00");
}

static void
test_json_depth(void **state)
{
    kit_t *k = *state;
    char text[400];
    for (size_t depth = 60; depth <= 70; depth++) {
        for (int object = 0; object < 2; object++) {
            size_t n = 0;
            for (size_t i = 0; i < depth; i++)
                n += (size_t)snprintf(text + n, sizeof text - n, object ? "{\"\":" : "[");
            if (object)
                text[n++] = '1';
            memset(text + n, object ? '}' : ']', depth);
            n += depth;
            if (depth <= MST_JSON_DEPTH_MAX) {
                read_text(k, mst_str(text, n), false);
                continue;
            }
            const mst_json_t *v;
            assert_int_equal(mst_json_parse(k->parser, mst_str(text, n), k->arena, &v, NULL, &k->err), MST_LIMIT);
            assert_non_null(strstr(k->err.message, "nested more than 64 deep"));
            assert_int_equal(mst_json_parse_lenient(mst_str(text, n), k->arena, &v, &k->err), MST_LIMIT);
        }
    }
    // a long run of brackets neither recurses nor takes memory
    char *many = mst_xalloc(1 << 20);
    memset(many, '[', 1 << 20);
    const mst_json_t *v;
    assert_int_equal(mst_json_parse(k->parser, mst_str(many, 1 << 20), k->arena, &v, NULL, &k->err), MST_LIMIT);
    free(many);
}

static void
test_json_duplicate_keys(void **state)
{
    kit_t *k = *state;
    const mst_json_t *v = read_c(k, "{\"a\": 1, \"b\": 2, \"a\": {\"c\": 3, \"c\": 4}, \"\": 5, \"\": 6}", false);
    assert_int_equal(v->count, 3);
    assert_true(mst_str_eq_c(v->u.members[0].key, "a")); // the first one's place
    check_path(v, "a.c", 4);
    check_path(v, "b", 2);
    assert_int_equal(mst_json_get_str(v, MST_STR(""))->u.i, 6);
    v = read_c(k, "{\"a\": 1, \"\\u0061\": 2}", false); // the same key spelt in two ways
    assert_int_equal(v->count, 1);
    check_path(v, "a", 2);
}

static void
test_json_many_keys(void **state)
{
    kit_t *k = *state;
    mst_buf_t b;
    mst_buf_init(&b, 64 * MST_MIB);
    // 200,000 different keys, then all of them again with other values: pairwise comparison would take hours
    const int64_t n = 200000;
    (void)mst_buf_add_byte(&b, '{');
    for (int64_t i = 0; i < 2 * n; i++)
        (void)mst_buf_addf(&b, "%s\"key%lld\":%lld", i > 0 ? "," : "", (long long)(i % n), (long long)i);
    (void)mst_buf_add_byte(&b, '}');
    const mst_json_t *v = read_text(k, mst_buf_view(&b), false);
    assert_int_equal(v->count, n);
    for (int64_t i = 0; i < n; i += 999)
        assert_int_equal(v->u.members[i].value.u.i, n + i);
    mst_buf_deinit(&b);
}

static void
test_json_caps(void **state)
{
    kit_t *k = *state;
    const mst_json_t *v;
    mst_arena_t *small = mst_arena_new(4 * MST_KIB);
    mst_buf_t b;
    mst_buf_init(&b, MST_MIB);
    (void)mst_buf_add_c(&b, "[1");
    for (int i = 0; i < 1000; i++)
        (void)mst_buf_add_c(&b, ",1");
    (void)mst_buf_add_byte(&b, ']');
    assert_int_equal(mst_json_parse(k->parser, mst_buf_view(&b), small, &v, NULL, &k->err), MST_LIMIT);
    assert_non_null(strstr(k->err.message, "2003 bytes"));
    mst_arena_reset(small);
    assert_int_equal(mst_json_parse_lenient(mst_buf_view(&b), small, &v, &k->err), MST_LIMIT);
    mst_arena_reset(small);
    assert_int_equal(mst_json_parse(k->parser, MST_STR("[1]"), small, &v, NULL, &k->err), MST_OK);
    mst_buf_deinit(&b);
    mst_arena_free(&small);
    char *large = mst_xalloc(MST_JSON_BYTES_MAX + 1);
    memset(large, ' ', MST_JSON_BYTES_MAX + 1);
    mst_str_t text = mst_str(large, MST_JSON_BYTES_MAX + 1);
    assert_int_equal(mst_json_parse(k->parser, text, k->arena, &v, NULL, &k->err), MST_LIMIT);
    assert_non_null(strstr(k->err.message, "33554433 bytes"));
    free(large);
}

// As many elements as a text can have: the tape's counter just holds them.
static void
test_json_very_long_array(void **state)
{
    kit_t *k = *state;
    size_t n = (MST_JSON_BYTES_MAX - 1) / 2, bytes = 2 * n + 1;
    char *text = mst_xalloc(bytes);
    for (size_t i = 0; i < n; i++)
        memcpy(text + 2 * i, ",1", 2);
    text[0] = '[';
    text[bytes - 1] = ']';
    mst_arena_t *arena = mst_arena_new(512 * MST_MIB);
    const mst_json_t *v;
    assert_true(bytes <= MST_JSON_BYTES_MAX);
    assert_int_equal(mst_json_parse(k->parser, mst_str(text, bytes), arena, &v, NULL, &k->err), MST_OK);
    assert_int_equal(v->count, n);
    assert_int_equal(v->u.items[n - 1].u.i, 1);
    mst_arena_free(&arena);
    free(text);
    read_c(k, "[1]", false); // and small ones after it
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_json_types, setup, teardown),
        cmocka_unit_test_setup_teardown(test_json_lookups_take_anything, setup, teardown),
        cmocka_unit_test_setup_teardown(test_json_path, setup, teardown),
        cmocka_unit_test_setup_teardown(test_json_numbers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_json_lenient_numbers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_json_strings, setup, teardown),
        cmocka_unit_test_setup_teardown(test_json_refuses, setup, teardown),
        cmocka_unit_test_setup_teardown(test_json_nul_bytes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_json_depth, setup, teardown),
        cmocka_unit_test_setup_teardown(test_json_duplicate_keys, setup, teardown),
        cmocka_unit_test_setup_teardown(test_json_many_keys, setup, teardown),
        cmocka_unit_test_setup_teardown(test_json_caps, setup, teardown),
        cmocka_unit_test_setup_teardown(test_json_very_long_array, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
