// Keywords that look at one type of value: type, enum, const, numbers, strings.
#include "common/schema/compile.h"

#include <stdlib.h>

int
mst_schema_name_order(mst_str_t a, mst_str_t b)
{
    if (a.n != b.n)
        return a.n < b.n ? -1 : 1;
    return a.n > 0 ? memcmp(a.p, b.p, a.n) : 0;
}

static int
order_strings(const void *a, const void *b)
{
    return mst_schema_name_order(*(const mst_str_t *)a, *(const mst_str_t *)b);
}

static uint32_t
type_bit(const mst_json_t *name)
{
    static const char *const names[] = {"null", "boolean", "integer", "number", "string", "array", "object"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (name->type == MST_JSON_STR && mst_str_eq_c(name->u.s, names[i]))
            return 1u << i;
    }
    return 0;
}

static mst_rc
compile_type(const at_t *at)
{
    const mst_json_t *v = mst_compile_get(at, VOCAB_VALIDATION, "type");
    const char *what = "null, boolean, integer, number, string, array or object, or an array of them";
    if (v == NULL)
        return MST_OK;
    bool list = v->type == MST_JSON_ARR;
    at->node->types = list ? 0 : type_bit(v);
    for (uint32_t i = 0; list && i < v->count; i++) {
        uint32_t bit = type_bit(&v->u.items[i]);
        if (bit == 0)
            return mst_compile_wrong(at, "type", what);
        at->node->types |= bit;
    }
    return at->node->types != 0 ? MST_OK : mst_compile_wrong(at, "type", what);
}

static mst_rc
compile_enum(const at_t *at, value_rules_t *r)
{
    r->list = mst_compile_get(at, VOCAB_VALIDATION, "enum");
    if (r->list == NULL)
        return MST_OK;
    if (r->list->type != MST_JSON_ARR)
        return mst_compile_wrong(at, "enum", "an array");
    mst_str_t *strings = MST_ARENA_ARRAY(at->c->schema->arena, mst_str_t, r->list->count);
    if (strings == NULL)
        return mst_compile_full(at);
    for (uint32_t i = 0; i < r->list->count; i++) {
        if (mst_json_str(&r->list->u.items[i], &strings[r->string_count]))
            r->string_count++;
    }
    if (r->string_count > 1)
        qsort(strings, r->string_count, sizeof *strings, order_strings);
    r->strings = strings;
    r->only_strings = r->string_count == r->list->count;
    return MST_OK;
}

mst_rc
mst_compile_values(const at_t *at)
{
    mst_rc rc = compile_type(at);
    value_rules_t r = {.constant = mst_compile_get(at, VOCAB_VALIDATION, "const")};
    if (rc == MST_OK)
        rc = compile_enum(at, &r);
    if (rc != MST_OK || (r.constant == NULL && r.list == NULL))
        return rc;
    value_rules_t *kept = MST_ARENA_NEW(at->c->schema->arena, value_rules_t);
    if (kept == NULL)
        return mst_compile_full(at);
    *kept = r;
    at->node->value = kept;
    return MST_OK;
}

static mst_rc
get_number(const at_t *at, const char *keyword, const mst_json_t **out)
{
    *out = mst_compile_get(at, VOCAB_VALIDATION, keyword);
    if (*out != NULL && (mst_value_type(*out) & T_NUM) == 0)
        return mst_compile_wrong(at, keyword, "a number");
    return MST_OK;
}

mst_rc
mst_compile_numbers(const at_t *at)
{
    number_rules_t r = {.min = NULL};

    const struct {
        const char *keyword;
        const mst_json_t **place;
    } bounds[] = {{"minimum", &r.min},
                  {"maximum", &r.max},
                  {"exclusiveMinimum", &r.above},
                  {"exclusiveMaximum", &r.below},
                  {"multipleOf", &r.multiple_of}};

    bool any = false;
    for (size_t i = 0; i < sizeof bounds / sizeof bounds[0]; i++) {
        mst_rc rc = get_number(at, bounds[i].keyword, bounds[i].place);
        if (rc != MST_OK)
            return rc;
        any = any || *bounds[i].place != NULL;
    }
    if (r.multiple_of != NULL) {
        const mst_json_t zero = {.type = MST_JSON_INT};
        r.has_multiple = true;
        if (mst_value_order(r.multiple_of, &zero) != 1 || !mst_decimal_of(r.multiple_of, &r.multiple))
            return mst_compile_wrong(at, "multipleOf", "a number over 0");
    }
    if (!any)
        return MST_OK;
    number_rules_t *kept = MST_ARENA_NEW(at->c->schema->arena, number_rules_t);
    if (kept == NULL)
        return mst_compile_full(at);
    *kept = r;
    at->node->number = kept;
    return MST_OK;
}

// format, and in draft 7 the content keywords, as far as they are asserted.
static mst_rc
compile_format(const at_t *at, string_rules_t *r)
{
    bool assert_format = at->c->assert_format || (at->dialect.vocab & VOCAB_FORMAT_ASSERTION) != 0;
    const mst_json_t *v = mst_json_get(at->json, "format");
    if (v != NULL && v->type != MST_JSON_STR)
        return mst_compile_wrong(at, "format", "a string");
    if (v != NULL && assert_format) {
        r->format = mst_format_find(v->u.s);
        r->format_name = v->u.s;
    }
    mst_str_t s = MST_STR_NULL;
    if (!assert_format || at->dialect.draft != MST_SCHEMA_DRAFT_7)
        return MST_OK;
    (void)mst_json_str(mst_json_get(at->json, "contentEncoding"), &s);
    r->base64 = mst_str_eq_c(s, "base64");
    s = MST_STR_NULL;
    (void)mst_json_str(mst_json_get(at->json, "contentMediaType"), &s);
    r->json = mst_str_eq_c(s, "application/json");
    return MST_OK;
}

mst_rc
mst_compile_strings(const at_t *at)
{
    string_rules_t r = {.pattern = NULL};
    const mst_json_t *pattern = mst_compile_get(at, VOCAB_VALIDATION, "pattern");
    mst_rc rc = mst_compile_count(at, "minLength", &r.min);
    if (rc == MST_OK)
        rc = mst_compile_count(at, "maxLength", &r.max);
    if (rc == MST_OK && pattern != NULL && pattern->type != MST_JSON_STR)
        rc = mst_compile_wrong(at, "pattern", "a string");
    if (rc == MST_OK && pattern != NULL) {
        r.pattern_text = pattern->u.s;
        rc = mst_compile_pattern(at, pattern->u.s, "pattern", &r.pattern);
    }
    if (rc == MST_OK)
        rc = compile_format(at, &r);
    bool any = r.min != NO_COUNT || r.max != NO_COUNT || r.pattern != NULL || r.format != NULL || r.base64 || r.json;
    if (rc != MST_OK || !any)
        return rc;
    string_rules_t *kept = MST_ARENA_NEW(at->c->schema->arena, string_rules_t);
    if (kept == NULL)
        return mst_compile_full(at);
    *kept = r;
    at->node->string = kept;
    return MST_OK;
}
