// The schema validator where the official suite does not look: sentences, errors of schemas, limits, values that are
// hostile, metaschemas, single formats; and ECMA-262's patterns.
#include "common/schema/schema.h"
#include "common/text/ecma.h"
#include "common/text/regex.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

typedef struct {
    mst_json_parser_t *parser;
    mst_arena_t *arena;
    mst_schema_t *schema;
    mst_schema_verdict_t verdict;
    mst_err_t err;
} rig_t;

static int
set_up(void **state)
{
    rig_t *r = MST_NEW(rig_t);
    r->parser = mst_json_parser_new();
    r->arena = mst_arena_new(512u << 20);
    *state = r;
    return 0;
}

static int
tear_down(void **state)
{
    rig_t *r = *state;
    mst_schema_free(&r->schema);
    mst_json_parser_free(&r->parser);
    mst_arena_free(&r->arena);
    free(r);
    return 0;
}

static const mst_json_t *
json(rig_t *r, mst_str_t text)
{
    const mst_json_t *v = NULL;
    mst_err_t err;
    if (mst_json_parse(r->parser, text, r->arena, &v, NULL, &err) != MST_OK)
        fail_msg("%s", err.message);
    return v;
}

static mst_rc
compile(rig_t *r, const char *schema, const mst_schema_opts_t *opts)
{
    mst_schema_free(&r->schema);
    r->err.message[0] = '\0';
    return mst_schema_new(json(r, mst_str_c(schema)), opts, &r->schema, &r->err);
}

static mst_rc
check(rig_t *r, const char *value)
{
    return mst_schema_check(r->schema, json(r, mst_str_c(value)), &r->verdict, &r->err);
}

typedef struct {
    const char *schema, *value, *message; // NULL: valid
} sentence_t;

static const sentence_t sentences[] = {
    {"{\"type\":\"integer\"}", "1.0", NULL},
    {"{\"type\":\"integer\"}", "1.5", "at the root: type: integer wanted, found number"},
    {"{\"type\":[\"null\",\"array\"]}", "{}", "at the root: type: null or array wanted, found object"},
    {"{\"enum\":[\"a\",1]}", "2", "at the root: enum: 2 is none of the 2 allowed values"},
    {"{\"const\":{\"a\":1}}", "{\"a\":1.0}", NULL},
    {"{\"const\":false}", "0", "at the root: const: 0 is not false"},
    {"{\"maximum\":9007199254740993}", "9007199254740993", NULL},
    {"{\"maximum\":9007199254740992}", "9007199254740993",
     "at the root: maximum: 9007199254740993 is more than 9007199254740992"},
    {"{\"exclusiveMinimum\":0}", "0", "at the root: exclusiveMinimum: 0 is not more than 0"},
    {"{\"exclusiveMaximum\":0.5}", "0.5", "at the root: exclusiveMaximum: 0.5 is not less than 0.5"},
    {"{\"multipleOf\":0.0001}", "0.0075", NULL},
    {"{\"multipleOf\":0.1}", "1.11", "at the root: multipleOf: 1.11 is no multiple of 0.1"},
    {"{\"multipleOf\":3}", "-9223372036854775808", "at the root: multipleOf: -9223372036854775808 is no multiple of 3"},
    {"{\"multipleOf\":1e-300}", "1e300", NULL},
    {"{\"minLength\":2}", "\"\\ud83d\\ude00\"", "at the root: minLength: 1 characters, at least 2 wanted"},
    {"{\"maxLength\":1}", "\"\\ud83d\\ude00\"", NULL},
    {"{\"maxLength\":1}", "\"ab\"", "at the root: maxLength: 2 characters, at most 1 wanted"},
    {"{\"pattern\":\"^\\\\p{Lu}\"}", "\"ada\"", "at the root: pattern: \"ada\" does not match \"^\\p{Lu}\""},
    {"{\"items\":{\"minItems\":1}}", "[[1],[]]", "at \"/1\": minItems: 0 items, at least 1 wanted"},
    {"{\"maxItems\":0}", "[1]", "at the root: maxItems: 1 items, at most 0 wanted"},
    {"{\"prefixItems\":[true],\"items\":false}", "[1,2]", "at the root: items: item 1 is not allowed"},
    {"{\"contains\":{\"const\":1}}", "[2]", "at the root: contains: 0 items fit, at least 1 wanted"},
    {"{\"contains\":{\"const\":1},\"maxContains\":1}", "[1,1]",
     "at the root: maxContains: 2 items fit, at most 1 wanted"},
    {"{\"uniqueItems\":true}", "[1,true,1.0]", "at the root: uniqueItems: items 0 and 2 are equal"},
    {"{\"uniqueItems\":true}", "[0,1,2,3,4,5,6,7,8,{\"a\":1,\"b\":2},{\"b\":2.0,\"a\":1}]",
     "at the root: uniqueItems: items 9 and 10 are equal"},
    {"{\"minProperties\":2}", "{\"a\":1}", "at the root: minProperties: 1 properties, at least 2 wanted"},
    {"{\"properties\":{\"a\":false}}", "{\"a\":1}", "at the root: properties: property \"a\" is not allowed"},
    {"{\"patternProperties\":{\"^x\":{\"type\":\"null\"}}}", "{\"xy\":1}",
     "at \"/xy\": type: null wanted, found integer"},
    {"{\"propertyNames\":{\"maxLength\":1}}", "{\"ab\":1}", "at \"/ab\": maxLength: 2 characters, at most 1 wanted"},
    {"{\"dependentRequired\":{\"a\":[\"b\"]}}", "{\"a\":1}",
     "at the root: dependentRequired: \"b\" is missing, which \"a\" asks for"},
    {"{\"not\":{\"type\":\"integer\"}}", "1", "at the root: not: fits the schema that it must not fit"},
    {"{\"oneOf\":[{},{\"type\":\"string\"},true]}", "1",
     "at the root: oneOf: fits schemas 0 and 2, one alone is wanted"},
    {"{\"if\":{\"type\":\"integer\"},\"then\":{\"minimum\":5}}", "1", "at the root: minimum: 1 is less than 5"},
    {"{\"anyOf\":[{\"required\":[\"a\"]},{\"properties\":{\"b\":{\"items\":{\"type\":\"null\"}}}}]}",
     "{\"b\":[null,0]}", "at the root: anyOf: fits none of 2 schemas, nearest: \"/b/1\" fails type"},
    {"{\"prefixItems\":[true],\"unevaluatedItems\":false}", "[1,2]",
     "at the root: unevaluatedItems: item 1 is not allowed"},
    {"{\"properties\":{\"a/b\":{\"properties\":{\"c~d\":{\"type\":\"null\"}}}}}", "{\"a/b\":{\"c~d\":1}}",
     "at \"/a~1b/c~0d\": type: null wanted, found integer"},
    {"false", "1", "at the root: false: no value is allowed here"},
    {"{\"minimum\":1}", "NaN", NULL},
    {"{\"type\":\"number\"}", "NaN", NULL},
    {"{\"type\":\"integer\"}", "Infinity", "at the root: type: integer wanted, found number"},
    {"{\"multipleOf\":2}", "Infinity", "at the root: multipleOf: \"Infinity\" is no multiple of 2"},
};

static void
test_schema_says_what_is_wrong(void **state)
{
    rig_t *r = *state;
    for (size_t i = 0; i < sizeof sentences / sizeof sentences[0]; i++) {
        const sentence_t *s = &sentences[i];
        if (compile(r, s->schema, NULL) != MST_OK)
            fail_msg("%s: %s", s->schema, r->err.message);
        assert_int_equal(check(r, s->value), MST_OK);
        if (r->verdict.valid != (s->message == NULL))
            fail_msg("%s of %s: valid %d", s->schema, s->value, r->verdict.valid);
        if (s->message != NULL && !mst_str_eq_c(r->verdict.message, s->message))
            fail_msg("%s of %s: %.*s", s->schema, s->value, MST_FMT(r->verdict.message));
        assert_true(s->message == NULL || r->verdict.keyword != NULL);
    }
}

typedef struct {
    const char *schema;
    mst_rc rc;
    const char *message;
} refusal_t;

static const refusal_t refusals[] = {
    {"1", MST_INVAL, "a schema must be an object, true or false"},
    {"{\"type\":\"strnig\"}", MST_INVAL,
     "schema at \"#\": \"type\" must be null, boolean, integer, number, string, array or object, or an array of them"},
    {"{\"properties\":{\"a\":{\"minLength\":-1}}}", MST_INVAL,
     "schema at \"#/properties/a\": \"minLength\" must be a whole number from 0 on"},
    {"{\"properties\":{\"a\":{\"items\":{\"minimum\":\"1\"}}}}", MST_INVAL,
     "schema at \"#/properties/a/items\": \"minimum\" must be a number"},
    {"{\"multipleOf\":0}", MST_INVAL, "schema at \"#\": \"multipleOf\" must be a number over 0"},
    {"{\"items\":[{}]}", MST_INVAL,
     "schema at \"#\": \"items\" must be a schema in draft 2020-12 (an array of them is \"prefixItems\" there)"},
    {"{\"allOf\":[{},{\"not\":3}]}", MST_INVAL,
     "schema at \"#/allOf/1\": \"not\" must be a schema, or hold schemas: objects, true or false"},
    {"{\"anyOf\":{}}", MST_INVAL, "schema at \"#\": \"anyOf\" must be an array of schemas"},
    {"{\"required\":[1]}", MST_INVAL, "schema at \"#\": \"required\" must be an array of names, or hold such arrays"},
    {"{\"properties\":[]}", MST_INVAL, "schema at \"#\": \"properties\" must be an object"},
    {"{\"uniqueItems\":1}", MST_INVAL, "schema at \"#\": \"uniqueItems\" must be true or false"},
    {"{\"$ref\":\"#/$defs/a\"}", MST_INVAL,
     "schema at \"#\": \"$ref\" \"#/$defs/a\": there is no schema at \"#/$defs/a\""},
    {"{\"$ref\":\"#a\"}", MST_INVAL, "schema at \"#\": \"$ref\" \"#a\": there is no anchor \"a\" in \"\""},
    {"{\"$ref\":\"http://example.org/a\"}", MST_INVAL,
     "schema at \"#\": \"$ref\" \"http://example.org/a\": no document \"http://example.org/a\" is known: give it among "
     "the documents"},
    {"{\"$schema\":\"http://json-schema.org/draft-04/schema#\"}", MST_UNSUPPORTED,
     "\"$schema\" \"http://json-schema.org/draft-04/schema#\" is not known: use draft 2020-12, 2019-09, 7 or 6, or "
     "give "
     "the document of that metaschema"},
    {"{\"pattern\":\"(\"}", MST_INVAL,
     "schema at \"#\": \"pattern\": could not compile pattern \"(\": a group that is not closed, at offset 1"},
    {"{\"patternProperties\":{\"a\\\\Z\":true}}", MST_INVAL,
     "schema at \"#\": \"patternProperties\": could not compile pattern \"a\\Z\": an escape that ECMA-262 does not "
     "know, "
     "at offset 2"},
};

static void
test_schema_refuses_wrong_schemas(void **state)
{
    rig_t *r = *state;
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        assert_int_equal(compile(r, refusals[i].schema, NULL), refusals[i].rc);
        assert_string_equal(r->err.message, refusals[i].message);
        assert_null(r->schema);
    }
    // what is not reached is not looked at
    assert_int_equal(compile(r, "{\"$defs\":{\"a\":{\"type\":\"strnig\"}}}", NULL), MST_OK);
}

static void
test_schema_gives_up_where_it_must(void **state)
{
    rig_t *r = *state;
    // straight back to itself
    assert_int_equal(compile(r, "{\"$ref\":\"#\"}", NULL), MST_OK);
    assert_int_equal(check(r, "1"), MST_INVAL);
    assert_int_equal(compile(r,
                             "{\"$defs\":{\"a\":{\"allOf\":[{\"$ref\":\"#/$defs/b\"}]},\"b\":{\"not\":{\"$ref\":"
                             "\"#/$defs/a\"}}},\"$ref\":\"#/$defs/a\"}",
                             NULL),
                     MST_OK);
    assert_int_equal(check(r, "{}"), MST_INVAL);
    // two ways at each of sixty levels
    assert_int_equal(compile(r,
                             "{\"anyOf\":[{\"items\":{\"$ref\":\"#\"},\"minItems\":1,\"type\":\"array\"},"
                             "{\"items\":{\"$ref\":\"#\"},\"maxItems\":1,\"type\":\"array\"}]}",
                             NULL),
                     MST_OK);
    char deep[128];
    memset(deep, '[', 60);
    deep[60] = '1';
    memset(deep + 61, ']', 60);
    deep[121] = '\0';
    assert_int_equal(check(r, deep), MST_LIMIT);
    // the same schema still works
    assert_int_equal(check(r, "[]"), MST_OK);
    assert_true(r->verdict.valid);
    // a pattern that backtracks without end
    assert_int_equal(compile(r, "{\"items\":{\"pattern\":\"^(a|a)*$\"}}", NULL), MST_OK);
    assert_int_equal(check(r, "[\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!\"]"), MST_LIMIT);
}

static void
test_schema_follows_recursion_as_the_value_does(void **state)
{
    rig_t *r = *state;
    const char *tree = "{\"type\":\"object\",\"properties\":{\"next\":{\"$ref\":\"#\"}},\"required\":[\"v\"]}";
    assert_int_equal(compile(r, tree, NULL), MST_OK);
    mst_buf_t text;
    mst_buf_init(&text, 1 << 16);
    for (int i = 0; i < 60; i++)
        (void)mst_buf_add_c(&text, "{\"v\":1,\"next\":");
    (void)mst_buf_add_c(&text, "{\"v\":1}");
    for (int i = 0; i < 60; i++)
        (void)mst_buf_add_c(&text, "}");
    (void)mst_buf_add_byte(&text, '\0');
    assert_int_equal(check(r, text.p), MST_OK);
    assert_true(r->verdict.valid);
    mst_buf_deinit(&text);
    assert_int_equal(mst_schema_nodes(r->schema), 2); // the whole, and the reference
}

// An array of 200,000 different numbers, then one of them again: linear, not quadratic.
static void
test_schema_tells_unique_items_in_large_arrays(void **state)
{
    rig_t *r = *state;
    mst_buf_t text;
    mst_buf_init(&text, 8 << 20);
    (void)mst_buf_add_byte(&text, '[');
    for (int i = 0; i < 200000; i++)
        (void)mst_buf_addf(&text, "%d,", i);
    size_t n = text.n;
    (void)mst_buf_add_c(&text, "\"0\"]");
    assert_int_equal(compile(r, "{\"uniqueItems\":true}", NULL), MST_OK);
    const mst_json_t *v = json(r, mst_buf_view(&text));
    assert_int_equal(mst_schema_check(r->schema, v, &r->verdict, &r->err), MST_OK);
    assert_true(r->verdict.valid);
    text.n = n;
    (void)mst_buf_add_c(&text, "77777.0]");
    v = json(r, mst_buf_view(&text));
    assert_int_equal(mst_schema_check(r->schema, v, &r->verdict, &r->err), MST_OK);
    assert_false(r->verdict.valid);
    assert_true(mst_str_eq_c(r->verdict.message, "at the root: uniqueItems: items 77777 and 200000 are equal"));
    mst_buf_deinit(&text);
}

// An object of `count` members, k0 on or the other way round.
static const mst_json_t *
wide_object(rig_t *r, int count, bool backwards)
{
    mst_buf_t text;
    mst_buf_init(&text, 8 << 20);
    for (int i = 0; i < count; i++)
        (void)mst_buf_addf(&text, "%c\"k%d\":0", i == 0 ? '{' : ',', backwards ? count - 1 - i : i);
    (void)mst_buf_add_byte(&text, '}');
    const mst_json_t *v = json(r, mst_buf_view(&text));
    mst_buf_deinit(&text);
    return v;
}

// Comparing objects in the same order is linear; in another order it is given up, which is no verdict.
static void
test_schema_compares_wide_objects_within_its_steps(void **state)
{
    rig_t *r = *state;
    mst_json_member_t member = {.key = MST_STR("const"), .value = *wide_object(r, 20000, false)};
    const mst_json_t schema = {.type = MST_JSON_OBJ, .count = 1, .u.members = &member};
    assert_int_equal(mst_schema_new(&schema, NULL, &r->schema, &r->err), MST_OK);
    assert_int_equal(mst_schema_check(r->schema, wide_object(r, 20000, false), &r->verdict, &r->err), MST_OK);
    assert_true(r->verdict.valid);
    assert_int_equal(mst_schema_check(r->schema, wide_object(r, 19999, false), &r->verdict, &r->err), MST_OK);
    assert_false(r->verdict.valid);
    assert_int_equal(mst_schema_check(r->schema, wide_object(r, 20000, true), &r->verdict, &r->err), MST_LIMIT);
}

static void
test_schema_reads_documents_of_its_caller(void **state)
{
    rig_t *r = *state;
    const mst_schema_doc_t docs[] = {
        {MST_STR("http://example.org/a.json"), json(r, MST_STR("{\"$anchor\":\"x\",\"type\":\"integer\"}"))},
        {MST_STR("local"), json(r, MST_STR("{\"$id\":\"http://example.org/named\",\"$ref\":\"a.json#x\"}"))},
        {MST_STR("old"), json(r, MST_STR("{\"$schema\":\"http://json-schema.org/draft-07/schema#\",\"definitions\":{"
                                         "\"n\":{\"$id\":\"#n\",\"items\":[{\"type\":\"null\"}]}}}"))},
        {MST_STR("meta"),
         json(r, MST_STR("{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\",\"$vocabulary\":"
                         "{\"http://example.org/mine\":true}}"))},
    };
    mst_schema_opts_t opts = {.docs = docs, .doc_count = 4};
    assert_int_equal(compile(r, "{\"$ref\":\"http://example.org/named\"}", &opts), MST_OK);
    assert_int_equal(check(r, "\"a\""), MST_OK);
    assert_false(r->verdict.valid);
    assert_int_equal(compile(r, "{\"$ref\":\"old#n\"}", &opts), MST_OK);
    assert_int_equal(check(r, "[1]"), MST_OK);
    assert_true(mst_str_eq_c(r->verdict.path, "/0"));
    assert_int_equal(compile(r, "{\"$schema\":\"meta\"}", &opts), MST_UNSUPPORTED);
    assert_string_equal(r->err.message,
                        "vocabulary \"http://example.org/mine\" is required by the metaschema and not known");
    opts.uri = MST_STR("http://example.org/dir/main.json");
    assert_int_equal(compile(r, "{\"$ref\":\"../a.json\"}", &opts), MST_OK);
}

static void
test_schema_asserts_content_of_draft_7_alone(void **state)
{
    rig_t *r = *state;
    const char *schema = "{\"contentEncoding\":\"base64\",\"contentMediaType\":\"application/json\"}";
    mst_schema_opts_t opts = {.draft = MST_SCHEMA_DRAFT_7, .assert_format = true};
    assert_int_equal(compile(r, schema, &opts), MST_OK);
    assert_int_equal(check(r, "\"eyJmb28iOiAiYmFyIn0K\""), MST_OK);
    assert_true(r->verdict.valid);
    assert_int_equal(check(r, "\"ezp9Cg==\""), MST_OK);
    assert_true(mst_str_eq_c(r->verdict.message, "at the root: contentMediaType: not JSON"));
    assert_int_equal(check(r, "\"{}\""), MST_OK);
    assert_true(mst_str_eq_c(r->verdict.message, "at the root: contentEncoding: not base64"));
    opts.draft = MST_SCHEMA_2020_12;
    assert_int_equal(compile(r, schema, &opts), MST_OK);
    assert_int_equal(check(r, "\"{\""), MST_OK);
    assert_true(r->verdict.valid);
}

// The metaschemas describe themselves, and know a schema from what is none.
static void
test_schema_metaschemas_hold_themselves(void **state)
{
    rig_t *r = *state;
    const char *const refs[] = {"{\"$ref\":\"https://json-schema.org/draft/2020-12/schema\"}",
                                "{\"$ref\":\"http://json-schema.org/draft-07/schema#\"}"};
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(compile(r, refs[i], NULL), MST_OK);
        assert_int_equal(check(r, "{\"properties\":{\"a\":{\"type\":\"string\",\"minLength\":2}},\"if\":true}"),
                         MST_OK);
        assert_true(r->verdict.valid);
        assert_int_equal(check(r, "{\"properties\":{\"a\":{\"minLength\":-2}}}"), MST_OK);
        assert_false(r->verdict.valid);
        assert_true(mst_str_eq_c(r->verdict.path, "/properties/a/minLength"));
        assert_int_equal(check(r, "{\"allOf\":[]}"), MST_OK);
        assert_false(r->verdict.valid);
    }
}

typedef struct {
    const char *format, *text;
    bool ok;
} format_row_t;

static const format_row_t format_rows[] = {
    {"date", "2024-02-29", true},
    {"date", "2023-02-29", false},
    {"date", "2100-02-29", false},
    {"date-time", "1990-12-31T23:59:60Z", true},
    {"date-time", "1990-12-31t15:59:60-08:00", true},
    {"date-time", "1990-12-31T15:59:60-08:30", false},
    {"date-time", "1990-12-31 15:59:50Z", false},
    {"duration", "P1Y2M3DT4H5M6S", true},
    {"duration", "P1Y3D", false},
    {"duration", "PT1H1S", false},
    {"duration", "P2W", true},
    {"duration", "P2W1D", false},
    {"duration", "P", false},
    {"duration", "PT", false},
    {"duration", "P1DT", false},
    {"duration", "PT0S", true},
    {"duration", "P1", false},
    {"duration", "1D", false},
    {"duration", "P1D2H", false},
    {"ipv4", "255.0.10.1", true},
    {"ipv4", "256.0.0.1", false},
    {"ipv4", "1.2.3", false},
    {"ipv4", "1.2.3.4.5", false},
    {"ipv4", "01.2.3.4", false},
    {"ipv6", "::", true},
    {"ipv6", "1:2:3:4:5:6:7:8", true},
    {"ipv6", "1:2:3:4:5:6:7::", true},
    {"ipv6", "::2:3:4:5:6:7:8", true},
    {"ipv6", "1::2:3:4:5:6:7:8", false},
    {"ipv6", "1:2:3:4:5:6:1.2.3.4", true},
    {"ipv6", "1:2:3:4:5:6:7:1.2.3.4", false},
    {"ipv6", "::1::", false},
    {"ipv6", "1:2:3:4:5:6:7", false},
    {"ipv6", ":1:2:3:4:5:6:7:8", false},
    {"ipv6", "fe80::1%eth0", false},
    {"ipv6", "12345::", false},
    {"hostname", "xn--ls8h", false}, // a symbol
    {"idn-hostname", "\xC3\xBC.example", true},
    {"idn-hostname", "\xC3\x9C.example", false}, // upper case
    {"email", "a@b", true},
    {"email", "\"a\\\"b\"@c.d", true},
    {"email", "\"a\"b\"@c.d", false},
    {"email", "a@-b.c", false},
    {"email", "a@b..c", false},
    {"uri", "urn:a:b", true},
    {"uri", "http://[v1.x]/", true},
    {"uri", "http://[::1", false},
    {"uri", "http://a:99/%C3%BC?q#f", true},
    {"uri", "http://a#b#c", false},
    {"uri-reference", "a:b/c", true},
    {"uri-reference", "1a:b/c", false},
    {"uri-reference", "./1a:b/c", true},
    {"uri-reference", "", true},
    {"iri", "http://\xC3\xA9.example/\xEF\xBF\xBF", false},
    {"json-pointer", "/a~0~1", true},
    {"json-pointer", "/a~2", false},
    {"relative-json-pointer", "1/a", true},
    {"uuid", "2EB8AA08-AA98-11EA-B4AA-73B441D16380", true},
    {"uuid", "2EB8AA08AA9811EAB4AA73B441D16380", false},
    {"regex", "a{2,1}", false},
    {"regex", "^\\S(|(.|\\n)*\\S)\\Z", false},
    {"no-such-format", "anything", true},
};

static void
test_schema_formats(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof format_rows / sizeof format_rows[0]; i++) {
        const format_row_t *f = &format_rows[i];
        if (mst_schema_format_ok(mst_str_c(f->format), mst_str_c(f->text)) != f->ok)
            fail_msg("%s: \"%s\"", f->format, f->text);
    }
}

typedef struct {
    const char *pattern;
    bool strict; // is it ECMA-262 in Unicode mode?
    bool usable; // may it be a pattern?
    const char *yes, *no;
} ecma_t;

static const ecma_t ecma_rows[] = {
    {"^[0-9]{2,}$", true, true, "12", "1"},
    {"^a$", true, true, "a", "a\n"},
    {"^.$", true, true, "\xF0\x9F\x98\x80", "\xE2\x80\xA8"},
    {"^\\w$", true, true, "a", "\xC3\xA9"},
    {"^\\W$", true, true, "\xC3\xA9", "a"},
    {"^\\D$", true, true, "\xDF\x80", "0"},
    {"^\\s$", true, true, "\xEF\xBB\xBF", "\xE2\x80\x8B"},
    {"^[\\S]$", true, true, "\xC3\xA9", "\xC2\xA0"},
    {"^[^\\S]$", true, true, "\xC2\xA0", "x"},
    {"^[\\W\\d]+$", true, true, "1\xC3\xA9", "a"},
    {"[]", true, true, NULL, "a"},
    {"^[^]$", true, true, "\n", ""},
    {"^[a[]$", true, true, "[", "b"},
    {"^[\\]\\-^]$", true, true, "-", "a"},
    {"^[--0]$", true, true, ".", "1"},
    {"^\\u0061\\x62\\u{63}$", true, true, "abc", "abd"},
    {"^\\ud83d\\ude00$", true, true, "\xF0\x9F\x98\x80", "a"},
    {"^[\\u{1F600}-\\u{1F64F}]$", true, true, "\xF0\x9F\x98\x80", "a"},
    {"^\\cA\\0$", true, true, NULL, "A0"},
    {"^\\p{Letter}\\P{Decimal_Number}$", true, true, "\xC3\xA9z", "a1"},
    {"^\\p{Script=Greek}\\p{sc=Latin}\\p{General_Category=Nd}$", true, true, "\xCE\xB1z1", "aa1"},
    {"^\\p{Assigned}\\p{ASCII}$", true, true, "aa", "a\xC3\xA9"},
    {"^(?<word\xC3\xA9>a|b)\\k<word\xC3\xA9>$", true, true, "aa", "ab"},
    {"^\\k<x>(?<x>a)$", true, true, "a", "b"},
    {"^(a)\\1(?:b)(?=c)(?!d)c$", true, true, "aabc", "abc"},
    {"(?<=\\$)\\d+(?<!0)$", true, true, "$12", "12"},
    {"^(?i:a)b$", true, true, "Ab", "AB"},
    {"^[\\b]$", true, true, "\b", "b"},
    {"a*?b+?c??d{1,2}?", true, true, "bd", "b"},
    {"(?<=a+)b", true, false, NULL, NULL}, // PCRE2 wants a fixed length
    {"[\\ud800]", true, false, NULL, NULL},
    {"^(?i)ab$", false, true, "AB", "A"},
    {"^[\\w-.]+$", false, true, "a-.", "+"},
    {"^\\-\\@\\ $", false, true, "-@ ", "-@"},
    {"^{a}]$", false, true, "{a}]", "a"},
    {"^(?=a)*a$", false, true, "a", "b"},
    {"a**", false, false, NULL, NULL},
    {"*a", false, false, NULL, NULL},
    {"(*UTF)a", false, false, NULL, NULL},
    {"a++", false, false, NULL, NULL},
    {"(?>a)", false, false, NULL, NULL},
    {"(?#a)", false, false, NULL, NULL},
    {"(?P<n>a)", false, false, NULL, NULL},
    {"(?<n>a)(?<n>b)", false, false, NULL, NULL},
    {"(?(1)a)", false, false, NULL, NULL},
    {"\\1", false, false, NULL, NULL},
    {"\\k<n>", false, false, NULL, NULL},
    {"(a", false, false, NULL, NULL},
    {"a)", false, false, NULL, NULL},
    {"[a", false, false, NULL, NULL},
    {"[z-a]", false, false, NULL, NULL},
    {"a{2,1}", false, false, NULL, NULL},
    {"\\", false, false, NULL, NULL},
    {"\\Qa\\E", false, false, NULL, NULL},
    {"\\h", false, false, NULL, NULL},
    {"\\u{110000}", false, false, NULL, NULL},
    {"\\u12", false, false, NULL, NULL},
    {"\\x1", false, false, NULL, NULL},
    {"\\p{}", false, false, NULL, NULL},
    {"\\pL", false, false, NULL, NULL},
    {"\\01", false, false, NULL, NULL},
};

static void
test_ecma_patterns(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof ecma_rows / sizeof ecma_rows[0]; i++) {
        const ecma_t *e = &ecma_rows[i];
        mst_regex_t *re = NULL;
        mst_err_t err;
        if (mst_ecma_valid(mst_str_c(e->pattern)) != e->strict)
            fail_msg("%s: strictly %s", e->pattern, e->strict ? "refused" : "taken");
        mst_rc rc = mst_regex_new(mst_str_c(e->pattern), MST_REGEX_ECMA, &re, &err);
        if ((rc == MST_OK) != e->usable)
            fail_msg("%s: %s", e->pattern, rc == MST_OK ? "taken" : err.message);
        if (rc == MST_OK && e->yes != NULL && mst_regex_find(re, mst_str_c(e->yes), 0, NULL, 0, &err) != MST_OK)
            fail_msg("%s does not match \"%s\"", e->pattern, e->yes);
        if (rc == MST_OK && mst_regex_find(re, mst_str_c(e->no), 0, NULL, 0, &err) != MST_NOTFOUND)
            fail_msg("%s matches \"%s\"", e->pattern, e->no);
        mst_regex_free(&re);
    }
}

static void
test_ecma_nests_no_deeper_than_it_may(void **state)
{
    (void)state;
    char text[1024];
    memset(text, '(', 500);
    memset(text + 500, ')', 500);
    assert_false(mst_ecma_valid(mst_str(text, 1000)));
    memset(text, '(', 250);
    memset(text + 250, ')', 250);
    assert_true(mst_ecma_valid(mst_str(text, 500)));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_schema_says_what_is_wrong, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_schema_refuses_wrong_schemas, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_schema_gives_up_where_it_must, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_schema_follows_recursion_as_the_value_does, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_schema_tells_unique_items_in_large_arrays, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_schema_compares_wide_objects_within_its_steps, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_schema_reads_documents_of_its_caller, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_schema_asserts_content_of_draft_7_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_schema_metaschemas_hold_themselves, set_up, tear_down),
        cmocka_unit_test(test_schema_formats),
        cmocka_unit_test(test_ecma_patterns),
        cmocka_unit_test(test_ecma_nests_no_deeper_than_it_may),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
