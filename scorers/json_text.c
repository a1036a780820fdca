#include "scorers/json_text.h"

#include "common/base/utf8.h"

#include <math.h>

// Trees come from the readers of common/json, nested at most MST_JSON_DEPTH_MAX deep: that bounds all recursion here.

mst_extract_t
mst_extract_of(mst_str_t choice)
{
    if (mst_str_eq_c(choice, "any"))
        return MST_EXTRACT_ANY;
    return mst_str_eq_c(choice, "fenced") ? MST_EXTRACT_FENCED : MST_EXTRACT_NONE;
}

// What stands between the first ``` (and "json" behind it) and the next one. False: there is no such block.
static bool
fenced(mst_str_t text, mst_str_t *out)
{
    int64_t open = mst_str_find(text, MST_STR("```"), 0);
    if (open < 0)
        return false;
    size_t from = (size_t)open + 3;
    if (mst_str_starts(mst_str(text.p + from, text.n - from), MST_STR("json")))
        from += 4;
    int64_t close = mst_str_find(text, MST_STR("```"), from);
    if (close < 0)
        return false;
    *out = mst_utf8_trim(mst_str(text.p + from, (size_t)close - from));
    return true;
}

// From the first `open` to the last `close`.
static bool
between(mst_str_t text, char open, char close, mst_str_t *out)
{
    const char *first = text.n > 0 ? memchr(text.p, open, text.n) : NULL;
    const char *last = text.n > 0 ? memrchr(text.p, close, text.n) : NULL;
    if (first == NULL || last == NULL || last < first)
        return false;
    *out = mst_str(first, (size_t)(last - first) + 1);
    return true;
}

static mst_rc
read_json(mst_json_parser_t *parser, mst_str_t text, mst_arena_t *arena, const mst_json_t **out, mst_err_t *err)
{
    bool lenient;
    mst_rc rc = mst_json_parse(parser, text, arena, out, &lenient, err);
    if (rc == MST_OK && lenient && !mst_json_valid(text, true))
        return MST_ERR(err, MST_PROTO, "line 1 column 1: a byte order mark, or a spelling that JSON does not know");
    if (rc == MST_LIMIT && !mst_json_valid(text, true))
        return MST_ERR(err, MST_PROTO, "deep or long text that is not JSON");
    return rc;
}

size_t
mst_json_parts(mst_extract_t how, mst_str_t answer, mst_str_t parts[MST_JSON_PARTS_MAX])
{
    size_t n = 0;
    if (how == MST_EXTRACT_NONE) {
        parts[0] = answer;
        return 1;
    }
    n += fenced(answer, &parts[n]);
    parts[n++] = mst_utf8_trim(answer);
    if (how == MST_EXTRACT_ANY) {
        n += between(answer, '{', '}', &parts[n]);
        n += between(answer, '[', ']', &parts[n]);
    }
    return n;
}

mst_rc
mst_json_extract(mst_extract_t how, mst_json_parser_t *parser, mst_str_t answer, mst_arena_t *arena,
                 const mst_json_t **out, mst_err_t *err)
{
    mst_str_t parts[MST_JSON_PARTS_MAX];
    size_t count = mst_json_parts(how, answer, parts);
    mst_rc rc = read_json(parser, parts[0], arena, out, err);
    for (size_t i = 1; i < count && rc == MST_PROTO; i++) {
        mst_err_t later;
        rc = read_json(parser, parts[i], arena, out, &later);
        if (rc != MST_PROTO && err != NULL)
            *err = later;
    }
    return rc;
}

static bool
spend(uint64_t *steps)
{
    *steps -= *steps > 0;
    return *steps > 0;
}

static bool
is_number(const mst_json_t *v)
{
    return v->type == MST_JSON_INT || v->type == MST_JSON_DOUBLE || v->type == MST_JSON_BOOL;
}

static bool
equal_numbers(const mst_json_t *a, const mst_json_t *b)
{
    int64_t x = 0, y = 0;
    bool xi = a->type == MST_JSON_BOOL || mst_json_i64(a, &x), yi = b->type == MST_JSON_BOOL || mst_json_i64(b, &y);
    if (!xi || !yi)
        return a->type == MST_JSON_DOUBLE && b->type == MST_JSON_DOUBLE && a->u.d == b->u.d;
    x = a->type == MST_JSON_BOOL ? a->u.b : x;
    y = b->type == MST_JSON_BOOL ? b->u.b : y;
    return x == y;
}

static bool
is_leaf(const mst_json_t *v)
{
    return (v->type != MST_JSON_ARR && v->type != MST_JSON_OBJ) || v->count == 0;
}

static bool
equal_leaves(const mst_json_t *a, const mst_json_t *b, bool trim)
{
    if (is_number(a) && is_number(b))
        return equal_numbers(a, b);
    if (a->type != b->type)
        return false;
    if (a->type != MST_JSON_STR)
        return true; // null, or an empty container
    return trim ? mst_str_eq(mst_utf8_trim(a->u.s), mst_utf8_trim(b->u.s)) : mst_str_eq(a->u.s, b->u.s);
}

// The member of obj with that key, looked for from place `from` on: objects mostly keep one order.
static const mst_json_t *
find_from(const mst_json_t *obj, mst_str_t key, uint32_t from, uint64_t *steps)
{
    for (uint32_t k = 0; k < obj->count && spend(steps); k++) {
        uint32_t i = (uint32_t)(((uint64_t)from + k) % obj->count);
        if (mst_str_eq(obj->u.members[i].key, key))
            return &obj->u.members[i].value;
    }
    return NULL;
}

bool
mst_json_python_equal(const mst_json_t *a, const mst_json_t *b, uint64_t *steps)
{
    if (!spend(steps))
        return false;
    if (is_leaf(a) || is_leaf(b))
        return is_leaf(a) && is_leaf(b) && equal_leaves(a, b, false);
    if (a->type != b->type || a->count != b->count)
        return false;
    for (uint32_t i = 0; i < a->count; i++) {
        bool array = a->type == MST_JSON_ARR;
        const mst_json_t *x = array ? &a->u.items[i] : &a->u.members[i].value;
        const mst_json_t *y = array ? &b->u.items[i] : find_from(b, a->u.members[i].key, i, steps);
        if (y == NULL || !mst_json_python_equal(x, y, steps))
            return false;
    }
    return true;
}

static uint64_t
count_leaves(const mst_json_t *v)
{
    if (is_leaf(v))
        return 1;
    uint64_t n = 0;
    for (uint32_t i = 0; i < v->count; i++)
        n += count_leaves(v->type == MST_JSON_ARR ? &v->u.items[i] : &v->u.members[i].value);
    return n;
}

static uint64_t
count_right(const mst_json_t *a, const mst_json_t *b, uint64_t *steps)
{
    if (!spend(steps) || is_leaf(a) || is_leaf(b))
        return is_leaf(a) && is_leaf(b) && equal_leaves(a, b, true);
    uint64_t n = 0;
    for (uint32_t i = 0; a->type == b->type && i < a->count; i++) {
        bool array = a->type == MST_JSON_ARR;
        const mst_json_t *x = array ? &a->u.items[i] : &a->u.members[i].value;
        const mst_json_t *y = array ? mst_json_at(b, i) : find_from(b, a->u.members[i].key, i, steps);
        n += y != NULL ? count_right(x, y, steps) : 0;
    }
    return n;
}

void
mst_json_count_leaves(const mst_json_t *expected, const mst_json_t *found, mst_json_leaves_t *out, uint64_t *steps)
{
    out->expected = count_leaves(expected);
    out->found = found != NULL ? count_leaves(found) : 0;
    out->right = found != NULL ? count_right(expected, found, steps) : 0;
}
