#include "common/config/yaml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/limits.h"

static mst_arena_t *arena;
static mst_err_t err;

static int
setup(void **state)
{
    (void)state;
    arena = mst_arena_new(64 * MST_MIB);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    mst_arena_free(&arena);
    return 0;
}

static const mst_ynode_t *
parse_n(const char *p, size_t n)
{
    const mst_ynode_t *root = NULL;
    err = (mst_err_t){0};
    mst_rc rc = mst_yaml_parse(mst_str(p, n), "t.yaml", arena, &root, &err);
    assert_true((rc == MST_OK) == (root != NULL));
    assert_int_equal(err.rc, rc);
    return root;
}

static const mst_ynode_t *
parse(const char *text)
{
    return parse_n(text, strlen(text));
}

static void
refused(const char *text, const char *message)
{
    assert_null(parse(text));
    assert_string_equal(err.message, message);
}

static const char *
json(const char *text)
{
    static char out[4096];
    const mst_ynode_t *root = parse(text);
    if (root == NULL)
        fail_msg("%s", err.message);
    const mst_json_t *v;
    assert_int_equal(mst_yaml_to_json(root, arena, &v, &err), MST_OK);
    mst_buf_t b;
    mst_buf_init(&b, sizeof out - 1);
    mst_jw_t w;
    mst_jw_init(&w, &b);
    mst_jw_value(&w, v);
    assert_false(b.failed);
    memcpy(out, b.p, b.n);
    out[b.n] = '\0';
    mst_buf_deinit(&b);
    return out;
}

static void
test_yaml_tree_and_places(void **state)
{
    (void)state;
    const mst_ynode_t *root = parse("name: x\nlist:\n  - 1\n  - \"two\"\nmap: {a: b}\n");
    assert_non_null(root);
    assert_int_equal(root->kind, MST_Y_MAP);
    assert_int_equal(root->count, 3);
    const mst_ynode_t *list = mst_yaml_get(root, "list");
    assert_int_equal(list->kind, MST_Y_SEQ);
    assert_int_equal(list->count, 2);
    assert_int_equal(list->items[1]->line, 4);
    assert_int_equal(list->items[1]->column, 5);
    assert_false(list->items[1]->plain);
    assert_true(list->items[0]->plain);
    assert_int_equal(root->keys[2]->line, 5);
    assert_null(mst_yaml_get(root, "absent"));
    assert_null(mst_yaml_get(list, "name"));
    assert_null(mst_yaml_get(NULL, "name"));
}

static void
test_yaml_scalars(void **state)
{
    (void)state;
    assert_string_equal(json("[null, Null, NULL, ~, ]"), "[null,null,null,null]");
    assert_string_equal(json("a:\nb: ''"), "{\"a\":null,\"b\":\"\"}");
    assert_string_equal(json("[true, True, FALSE, yes, no, on, tRUE]"),
                        "[true,true,false,\"yes\",\"no\",\"on\",\"tRUE\"]");
    assert_string_equal(json("[0, -1, +7, 007, 0x1F, 0o17, 9223372036854775807, -9223372036854775808]"),
                        "[0,-1,7,7,31,15,9223372036854775807,-9223372036854775808]");
    assert_string_equal(json("[1.5, .5, 5., 1e3, -2.5E-1]"), "[1.5,0.5,5.0,1000.0,-0.25]");
    assert_string_equal(json("['1', \"true\", 1.2.3, 1e, 0x, 0o8, '-', +, ., 0xffffffffffffffffff]"),
                        "[\"1\",\"true\",\"1.2.3\",\"1e\",\"0x\",\"0o8\",\"-\",\"+\",\".\",\"0xffffffffffffffffff\"]");
    assert_string_equal(json("[.inf, -.INF, .nan]"), "[\"Infinity\",\"-Infinity\",\"NaN\"]");
    assert_string_equal(json("99999999999999999999"), "1e+20");
    assert_string_equal(json("a: |\n  one\n  two\nb: >\n  one\n  two\n"),
                        "{\"a\":\"one\\ntwo\\n\",\"b\":\"one two\\n\"}");
}

static void
test_yaml_reads_json(void **state)
{
    (void)state;
    const char *text = "{\"a\":[1,-2,2.5e-7,true,null,\"x\\ny\\t\\\"\\\\ \\u00e9\\/\"],\"b\":{\"\":{}},\"c\":[]}";
    assert_string_equal(json(text),
                        "{\"a\":[1,-2,2.5e-07,true,null,\"x\\ny\\t\\\"\\\\ \xc3\xa9/\"],\"b\":{\"\":{}},\"c\":[]}");
}

static void
test_yaml_refuses_constructs(void **state)
{
    (void)state;
    refused("a: &x 1", "t.yaml:1:4: anchors are not allowed; repeat the value");
    refused("a: &x [1]", "t.yaml:1:4: anchors are not allowed; repeat the value");
    refused("a: &x {b: 1}", "t.yaml:1:4: anchors are not allowed; repeat the value");
    refused("a: 1\nb: *a", "t.yaml:2:4: aliases are not allowed; repeat the value");
    refused("a: !!int 1", "t.yaml:1:4: tags are not allowed; quote the value if it is a string");
    refused("a: !x [1]", "t.yaml:1:4: tags are not allowed");
    refused("%TAG ! tag:x,2000:\n---\na: 1", "t.yaml:1:1: tag directives are not allowed");
    refused("a: 1\n---\nb: 2\n", "t.yaml:2:1: a second document begins here; one file holds one configuration");
    refused("a: 1\nb: 2\na: 3\n", "t.yaml:3:1: key \"a\" is given twice, first in line 1");
    refused("{a: 1, b: 2, \"a\": 3}", "t.yaml:1:14: key \"a\" is given twice, first in line 1");
    refused("[a, b]: 1", "t.yaml:1:1: a key must be a word or a quoted string, not a list or a map");
    refused("? {a: 1}\n: 1", "t.yaml:1:3: a key must be a word or a quoted string, not a list or a map");
    refused("", "t.yaml:1:1: the text is empty");
    refused("# nothing\n", "t.yaml:1:1: the text is empty");
}

static void
test_yaml_syntax_errors_have_places(void **state)
{
    (void)state;
    assert_null(parse("a: 1\nb: [1, 2\nc: 3\n"));
    assert_int_equal(err.rc, MST_INVAL);
    assert_ptr_equal(strstr(err.message, "t.yaml:3:"), err.message);
    assert_null(parse("a: b: c\n"));
    assert_ptr_equal(strstr(err.message, "t.yaml:1:5: mapping values are not allowed"), err.message);
    assert_null(parse("a:\n\t- 1\n"));
    assert_ptr_equal(strstr(err.message, "t.yaml:2:1: "), err.message);
}

static void
test_yaml_bad_bytes(void **state)
{
    (void)state;
    refused("a: 1\nb: \x07\n",
            "t.yaml:2:4: character U+0007 is not allowed as it is; write it as an escape in a quoted string");
    refused("a: 1\nb: \"\xc3\xa9\xff\"\n", "t.yaml:2:6: the text is not valid UTF-8");
    assert_null(parse_n("a: \0", 4));
    assert_string_equal(
        err.message, "t.yaml:1:4: character U+0000 is not allowed as it is; write it as an escape in a quoted string");
    assert_null(parse_n("\xff\xfe"
                        "a\0",
                        4)); // no UTF-16 by surprise
    assert_string_equal(err.message, "t.yaml:1:1: the text is not valid UTF-8");
    assert_string_equal(json("\xef\xbb\xbf"
                             "a: 1"),
                        "{\"a\":1}");
}

static void
test_yaml_caps(void **state)
{
    (void)state;
    char deep[200];
    memset(deep, '[', 100);
    memset(deep + 100, ']', 100);
    assert_null(parse_n(deep, 200));
    assert_int_equal(err.rc, MST_LIMIT);
    assert_string_equal(err.message, "t.yaml:1:65: nested deeper than 64 levels");
    assert_non_null(parse_n(deep + 36, 128));

    size_t n = MST_YAML_BYTES_MAX + 1;
    char *big = malloc(n);
    memset(big, ' ', n);
    assert_null(parse_n(big, n));
    assert_int_equal(err.rc, MST_LIMIT);
    big[0] = '[';
    for (size_t i = 1; i + 1 < n; i += 2)
        memcpy(big + i, "a,", 2);
    assert_null(parse_n(big, n - 1));
    assert_int_equal(err.rc, MST_LIMIT);
    assert_non_null(strstr(err.message, "more than 100000 nodes"));
    free(big);

    char key[600] = "? ";
    memset(key + 2, 'k', 501);
    memcpy(key + 503, "\n: 1", 5);
    assert_null(parse(key));
    assert_int_equal(err.rc, MST_LIMIT);
    assert_string_equal(err.message, "t.yaml:1:3: a key is longer than 500 bytes");
}

// Quadratic look-ups would take minutes here.
static void
test_yaml_many_keys(void **state)
{
    (void)state;
    size_t n = 0, cap = MST_YAML_BYTES_MAX;
    char *text = malloc(cap);
    for (int i = 0; i < 40000; i++)
        n += (size_t)snprintf(text + n, cap - n, "k%d: 1\n", i);
    const mst_ynode_t *root = parse_n(text, n);
    assert_non_null(root);
    assert_int_equal(root->count, 40000);
    n += (size_t)snprintf(text + n, cap - n, "k7: 1\n");
    assert_null(parse_n(text, n));
    assert_string_equal(err.message, "t.yaml:40001:1: key \"k7\" is given twice, first in line 8");
    free(text);
}

static void
test_yaml_small_arena(void **state)
{
    (void)state;
    mst_arena_t *small = mst_arena_new(1024);
    const mst_ynode_t *root;
    const char *text = "[a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r]";
    assert_int_equal(mst_yaml_parse(mst_str_c(text), "t.yaml", small, &root, &err), MST_LIMIT);
    mst_arena_free(&small);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_yaml_tree_and_places, setup, teardown),
        cmocka_unit_test_setup_teardown(test_yaml_scalars, setup, teardown),
        cmocka_unit_test_setup_teardown(test_yaml_reads_json, setup, teardown),
        cmocka_unit_test_setup_teardown(test_yaml_refuses_constructs, setup, teardown),
        cmocka_unit_test_setup_teardown(test_yaml_syntax_errors_have_places, setup, teardown),
        cmocka_unit_test_setup_teardown(test_yaml_bad_bytes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_yaml_caps, setup, teardown),
        cmocka_unit_test_setup_teardown(test_yaml_many_keys, setup, teardown),
        cmocka_unit_test_setup_teardown(test_yaml_small_arena, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
