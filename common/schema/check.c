#include "common/schema/check.h"

#include <stdlib.h>

// A node's keywords are held in a fixed order: type, values, the rules of the value's type, further schemas at the same
// place, unevaluated* last. The first violation ends it.
//
// Recursion follows the schema and the value together. It is bounded by FRAMES_MAX; a chain of schemas at one place
// that is longer than the program has nodes has come back to itself.

struct mst_check *
mst_check_new(void)
{
    check_t *v = MST_NEW(check_t);
    mst_buf_init(&v->path, 64 * MST_KIB);
    mst_buf_init(&v->message, 64 * MST_KIB);
    return v;
}

void
mst_check_free(struct mst_check *v)
{
    if (v == NULL)
        return;
    mst_buf_deinit(&v->path);
    mst_buf_deinit(&v->message);
    free(v->marks);
    free(v->slots);
    free(v->hashes);
    free(v);
}

bool
mst_check_give_up(check_t *v, mst_rc rc, const char *why)
{
    if (v->rc == MST_OK)
        v->rc = MST_ERR(v->err, rc, "%s", why);
    return false;
}

bool
mst_check_spend(check_t *v, uint64_t steps)
{
    if (v->steps > steps) {
        v->steps -= steps;
        return true;
    }
    v->steps = 0;
    return mst_check_give_up(v, MST_LIMIT,
                             "holding the value against its schema was given up after 50000000 steps: the value is too "
                             "large for it, or the schema branches too much");
}

static bool
push_marks(check_t *v, uint32_t count, marks_t *out)
{
    *out = (marks_t){.at = v->mark_count, .words = ((size_t)count + 63) / 64};
    size_t need = v->mark_count + out->words;
    if (need > MARK_WORDS_MAX)
        return mst_check_give_up(v, MST_LIMIT, "unevaluated* asks about too many places of the value at once");
    if (need > v->mark_cap) {
        v->mark_cap = need * 2;
        v->marks = mst_xrealloc(v->marks, v->mark_cap * sizeof *v->marks);
    }
    if (out->words > 0)
        memset(v->marks + out->at, 0, out->words * sizeof *v->marks);
    v->mark_count = need;
    return mst_check_spend(v, 1 + out->words / 8);
}

void
mst_check_mark(check_t *v, const marks_t *m, uint32_t i)
{
    if (m != NULL)
        v->marks[m->at + i / 64] |= (uint64_t)1 << (i % 64);
}

void
mst_check_mark_all(check_t *v, const marks_t *m)
{
    if (m != NULL && m->words > 0)
        memset(v->marks + m->at, 0xFF, m->words * sizeof *v->marks);
}

static bool
is_marked(const check_t *v, const marks_t *m, uint32_t i)
{
    return (v->marks[m->at + i / 64] >> (i % 64) & 1) != 0;
}

static void
merge_marks(check_t *v, const marks_t *to, const marks_t *from)
{
    for (size_t i = 0; i < to->words; i++)
        v->marks[to->at + i] |= v->marks[from->at + i];
}

bool
mst_check_attempt(check_t *v, uint32_t node, const spot_t *spot, uint32_t same, const marks_t *marks)
{
    size_t floor = v->mark_count;
    marks_t own;
    if (marks != NULL && !push_marks(v, spot->value->count, &own))
        return false;
    v->quiet++;
    bool ok = mst_check_node(v, node, spot, same, marks != NULL ? &own : NULL);
    v->quiet--;
    if (ok && marks != NULL)
        merge_marks(v, marks, &own);
    v->mark_count = floor;
    return ok;
}

// The first resource, from the outermost on, that has the dynamic anchor; else where the reference leads plainly.
static uint32_t
dynamic_target(const check_t *v, const apply_t *a)
{
    const mst_schema_t *s = v->schema;
    for (size_t i = 0; i < v->scope_count; i++) {
        uint32_t node = s->dynamic[a->b * s->resource_count + v->scope[i]];
        if (node != NO_NODE)
            return node;
    }
    return a->a;
}

static void
begin_attempts(check_t *v, const spot_t *spot)
{
    if (v->quiet > 0)
        return;
    v->near_depth = spot->depth;
    v->near_keyword = NULL;
}

static bool
any_of(check_t *v, const apply_t *a, const spot_t *spot, uint32_t same, const marks_t *marks)
{
    if (a->count == 1)
        return mst_check_node(v, a->list[0], spot, same, marks);
    bool any = false;
    begin_attempts(v, spot);
    for (uint32_t i = 0; i < a->count; i++) {
        any = mst_check_attempt(v, a->list[i], spot, same, marks) || any;
        if (v->rc != MST_OK || (any && marks == NULL))
            break;
    }
    return any || mst_check_fail_near(v, spot, a->keyword, a->count);
}

static bool
one_of(check_t *v, const apply_t *a, const spot_t *spot, uint32_t same, const marks_t *marks)
{
    uint32_t first = 0, count = 0, i = 0;
    if (a->count == 1)
        return mst_check_node(v, a->list[0], spot, same, marks);
    begin_attempts(v, spot);
    for (; i < a->count && count < 2 && v->rc == MST_OK; i++) {
        if (!mst_check_attempt(v, a->list[i], spot, same, marks))
            continue;
        first = count++ == 0 ? i : first;
    }
    if (count == 0)
        return mst_check_fail_near(v, spot, a->keyword, a->count);
    return count == 1 ||
           mst_check_fail(v, spot, a->keyword, "fits schemas %u and %u, one alone is wanted", first, i - 1);
}

static bool
apply(check_t *v, const apply_t *a, const spot_t *spot, uint32_t same, const marks_t *marks)
{
    switch (a->kind) {
    case APPLY_REF:
        return mst_check_node(v, a->a, spot, same, marks);
    case APPLY_DYNAMIC:
        return mst_check_spend(v, v->scope_count) && mst_check_node(v, dynamic_target(v, a), spot, same, marks);
    case APPLY_ALL_OF:
        for (uint32_t i = 0; i < a->count; i++) {
            if (!mst_check_node(v, a->list[i], spot, same, marks))
                return false;
        }
        return true;
    case APPLY_ANY_OF:
        return any_of(v, a, spot, same, marks);
    case APPLY_ONE_OF:
        return one_of(v, a, spot, same, marks);
    case APPLY_NOT:
        begin_attempts(v, spot);
        return !mst_check_attempt(v, a->a, spot, same, NULL) ||
               mst_check_fail(v, spot, a->keyword, "fits the schema that it must not fit");
    case APPLY_IF: {
        begin_attempts(v, spot);
        uint32_t next = mst_check_attempt(v, a->a, spot, same, marks) ? a->b : a->c;
        return next == NO_NODE || mst_check_node(v, next, spot, same, marks);
    }
    }
    return true;
}

static bool
is_never(const check_t *v, uint32_t node)
{
    return v->schema->nodes[node].kind == NODE_NEVER;
}

static bool
unevaluated_items(check_t *v, uint32_t node, const spot_t *spot, const marks_t *marks)
{
    const mst_json_t *value = spot->value;
    for (uint32_t i = 0; i < value->count; i++) {
        if (is_marked(v, marks, i))
            continue;
        if (is_never(v, node))
            return mst_check_fail(v, spot, "unevaluatedItems", "item %u is not allowed", i);
        spot_t at = {.up = spot, .value = &value->u.items[i], .index = i, .depth = spot->depth + 1};
        if (!mst_check_node(v, node, &at, 0, NULL))
            return false;
    }
    mst_check_mark_all(v, marks);
    return mst_check_spend(v, 1 + value->count / 8);
}

static bool
unevaluated_properties(check_t *v, uint32_t node, const spot_t *spot, const marks_t *marks)
{
    const mst_json_t *value = spot->value;
    for (uint32_t i = 0; i < value->count; i++) {
        const mst_json_member_t *m = &value->u.members[i];
        char shown[MST_SHOW_BYTES];
        if (is_marked(v, marks, i))
            continue;
        if (is_never(v, node))
            return mst_check_fail(v, spot, "unevaluatedProperties", "property %s is not allowed",
                                  mst_check_show_str(m->key, shown));
        spot_t at = {.up = spot, .value = &m->value, .key = m->key, .depth = spot->depth + 1};
        if (!mst_check_node(v, node, &at, 0, NULL))
            return false;
    }
    mst_check_mark_all(v, marks);
    return mst_check_spend(v, 1 + value->count / 8);
}

static bool
rules_of_type(check_t *v, const node_t *n, const spot_t *spot, uint32_t same, const marks_t *marks)
{
    switch (spot->value->type) {
    case MST_JSON_INT:
    case MST_JSON_DOUBLE:
        return n->number == NULL || mst_check_number(v, n->number, spot);
    case MST_JSON_STR:
        return n->string == NULL || mst_check_string(v, n->string, spot);
    case MST_JSON_ARR:
        return n->array == NULL || mst_check_array(v, n->array, spot, marks);
    case MST_JSON_OBJ:
        return n->object == NULL || mst_check_object(v, n->object, spot, same, marks);
    case MST_JSON_NULL:
    case MST_JSON_BOOL:
        break;
    }
    return true;
}

static bool
run(check_t *v, const node_t *n, const spot_t *spot, uint32_t same, const marks_t *marks)
{
    if ((n->types != T_ANY || n->value != NULL) && !mst_check_value(v, n, spot))
        return false;
    if (!rules_of_type(v, n, spot, same, marks))
        return false;
    for (uint32_t i = 0; i < n->apply_count; i++) {
        if (!apply(v, &n->applies[i], spot, same + 1, marks))
            return false;
    }
    if (n->unevaluated_items != NO_NODE && spot->value->type == MST_JSON_ARR)
        return unevaluated_items(v, n->unevaluated_items, spot, marks);
    if (n->unevaluated_properties != NO_NODE && spot->value->type == MST_JSON_OBJ)
        return unevaluated_properties(v, n->unevaluated_properties, spot, marks);
    return true;
}

static bool
too_deep(check_t *v, uint32_t same)
{
    if (same > v->schema->node_count)
        return mst_check_give_up(v, MST_INVAL,
                                 "the schema leads back to itself without going down in the value: a reference must "
                                 "not reach its own schema by references, allOf, anyOf, oneOf, not or if alone");
    return mst_check_give_up(v, MST_LIMIT, "more than 1000 schemas are nested for one value");
}

bool
mst_check_node(check_t *v, uint32_t node, const spot_t *spot, uint32_t same, const marks_t *marks)
{
    const node_t *n = &v->schema->nodes[node];
    if (v->rc != MST_OK || !mst_check_spend(v, 1))
        return false;
    if (n->kind == NODE_ALWAYS)
        return true;
    if (n->kind == NODE_NEVER)
        return mst_check_fail(v, spot, "false", "no value is allowed here");
    if (v->frames == FRAMES_MAX || same > v->schema->node_count)
        return too_deep(v, same);
    bool entered = v->scope_count == 0 || v->scope[v->scope_count - 1] != n->resource;
    if (entered)
        v->scope[v->scope_count++] = n->resource;
    v->frames++;
    mst_json_type_t type = spot->value->type;
    bool asks = (n->unevaluated_items != NO_NODE && type == MST_JSON_ARR) ||
                (n->unevaluated_properties != NO_NODE && type == MST_JSON_OBJ);
    size_t floor = v->mark_count;
    marks_t own;
    bool ok = !asks || push_marks(v, spot->value->count, &own);
    ok = ok && run(v, n, spot, same, asks ? &own : marks);
    if (ok && asks && marks != NULL)
        merge_marks(v, marks, &own);
    v->mark_count = floor;
    v->frames--;
    v->scope_count -= entered;
    return ok;
}

mst_rc
mst_schema_check(mst_schema_t *schema, const mst_json_t *value, mst_schema_verdict_t *out, mst_err_t *err)
{
    check_t *v = schema->check;
    v->schema = schema;
    v->rc = MST_OK;
    v->err = err;
    v->steps = STEPS_MAX;
    v->frames = v->quiet = 0;
    v->scope_count = v->mark_count = 0;
    v->failed = false;
    v->keyword = NULL;
    mst_buf_reset(&v->path);
    mst_buf_reset(&v->message);
    spot_t root = {.value = value};
    bool ok = mst_check_node(v, schema->root, &root, 0, NULL);
    *out = (mst_schema_verdict_t){.valid = ok};
    if (v->rc != MST_OK || ok)
        return v->rc;
    out->path = mst_buf_view(&v->path);
    out->keyword = v->keyword;
    out->message = mst_buf_view(&v->message);
    return MST_OK;
}
