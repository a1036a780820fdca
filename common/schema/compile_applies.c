// Keywords that apply further schemas to the same value: references, combinations, conditions, and unevaluated*.
#include "common/schema/compile.h"

#define APPLIES_MAX 8

typedef struct {
    apply_t items[APPLIES_MAX];
    uint32_t count;
} applies_t;

static mst_rc
resolve(const at_t *at, const mst_json_t *ref, const char *keyword, target_t *target)
{
    compile_t *c = at->c;
    if (ref->type != MST_JSON_STR)
        return mst_compile_wrong(at, keyword, "a string");
    mst_rc rc = mst_library_resolve(&c->lib, at->resource, ref->u.s, target);
    if (rc != MST_OK) {
        char path[160];
        mst_library_path(&c->lib, at->place, path, sizeof path);
        mst_err_prefix(c->err, "schema at \"%s\": \"%s\" \"%.*s\"", path, keyword, MST_FMT(ref->u.s));
    }
    return rc;
}

static mst_rc
add_ref(const at_t *at, applies_t *list)
{
    const mst_json_t *ref = mst_json_get(at->json, "$ref");
    if (ref == NULL)
        return MST_OK;
    target_t target;
    apply_t *a = &list->items[list->count++];
    *a = (apply_t){.kind = APPLY_REF, .keyword = "$ref"};
    mst_rc rc = resolve(at, ref, "$ref", &target);
    return rc == MST_OK ? mst_compile_node_of(at->c, target.place, &a->a) : rc;
}

// $dynamicRef looks for its anchor again while a value is held against the schema, but only when the reference, read
// plainly, led to a dynamic anchor.
static mst_rc
add_dynamic_ref(const at_t *at, applies_t *list)
{
    const mst_json_t *ref = at->dialect.draft == MST_SCHEMA_2020_12 ? mst_json_get(at->json, "$dynamicRef") : NULL;
    if (ref == NULL)
        return MST_OK;
    target_t target;
    apply_t *a = &list->items[list->count++];
    *a = (apply_t){.kind = APPLY_REF, .keyword = "$dynamicRef"};
    mst_rc rc = resolve(at, ref, "$dynamicRef", &target);
    if (rc == MST_OK && target.dynamic) {
        a->kind = APPLY_DYNAMIC;
        rc = mst_compile_dynamic(at->c, target.name, &a->b);
    }
    return rc == MST_OK ? mst_compile_node_of(at->c, target.place, &a->a) : rc;
}

// 2019-09: always "#", looked for again when that resource has $recursiveAnchor.
static mst_rc
add_recursive_ref(const at_t *at, applies_t *list)
{
    const mst_json_t *ref = at->dialect.draft == MST_SCHEMA_2019_09 ? mst_json_get(at->json, "$recursiveRef") : NULL;
    if (ref == NULL)
        return MST_OK;
    target_t target;
    apply_t *a = &list->items[list->count++];
    *a = (apply_t){.kind = APPLY_REF, .keyword = "$recursiveRef"};
    mst_rc rc = resolve(at, ref, "$recursiveRef", &target);
    if (rc != MST_OK)
        return rc;
    bool recursive = false;
    (void)mst_json_bool(mst_json_get(at->c->lib.places[target.place].json, "$recursiveAnchor"), &recursive);
    if (recursive) {
        a->kind = APPLY_DYNAMIC;
        rc = mst_compile_dynamic(at->c, MST_STR(""), &a->b);
    }
    return rc == MST_OK ? mst_compile_node_of(at->c, target.place, &a->a) : rc;
}

static mst_rc
add_list(const at_t *at, applies_t *list, apply_kind_t kind, const char *keyword)
{
    const mst_json_t *v = mst_compile_get(at, VOCAB_APPLICATOR, keyword);
    if (v == NULL)
        return MST_OK;
    apply_t *a = &list->items[list->count++];
    *a = (apply_t){.kind = kind, .keyword = keyword};
    return mst_compile_list(at, v, keyword, &a->list, &a->count);
}

static mst_rc
add_not(const at_t *at, applies_t *list)
{
    const mst_json_t *v = mst_compile_get(at, VOCAB_APPLICATOR, "not");
    if (v == NULL)
        return MST_OK;
    apply_t *a = &list->items[list->count++];
    *a = (apply_t){.kind = APPLY_NOT, .keyword = "not"};
    return mst_compile_child(at, v, "not", &a->a);
}

static mst_rc
add_if(const at_t *at, applies_t *list)
{
    bool known = at->dialect.draft <= MST_SCHEMA_DRAFT_7;
    const mst_json_t *test = known ? mst_compile_get(at, VOCAB_APPLICATOR, "if") : NULL;
    if (test == NULL)
        return MST_OK;
    const mst_json_t *then = mst_json_get(at->json, "then"), *otherwise = mst_json_get(at->json, "else");
    apply_t *a = &list->items[list->count++];
    *a = (apply_t){.kind = APPLY_IF, .b = NO_NODE, .c = NO_NODE, .keyword = "if"};
    mst_rc rc = mst_compile_child(at, test, "if", &a->a);
    if (rc == MST_OK && then != NULL)
        rc = mst_compile_child(at, then, "then", &a->b);
    if (rc == MST_OK && otherwise != NULL)
        rc = mst_compile_child(at, otherwise, "else", &a->c);
    return rc;
}

static mst_rc
add_unevaluated(const at_t *at)
{
    if (at->dialect.draft > MST_SCHEMA_2019_09)
        return MST_OK;
    const mst_json_t *items = mst_compile_get(at, VOCAB_UNEVALUATED, "unevaluatedItems");
    const mst_json_t *properties = mst_compile_get(at, VOCAB_UNEVALUATED, "unevaluatedProperties");
    mst_rc rc = MST_OK;
    if (items != NULL)
        rc = mst_compile_child(at, items, "unevaluatedItems", &at->node->unevaluated_items);
    if (rc == MST_OK && properties != NULL)
        rc = mst_compile_child(at, properties, "unevaluatedProperties", &at->node->unevaluated_properties);
    return rc;
}

mst_rc
mst_compile_applies(const at_t *at)
{
    applies_t list = {.count = 0};
    bool alone = at->dialect.draft >= MST_SCHEMA_DRAFT_7 && mst_json_get(at->json, "$ref") != NULL;
    mst_rc rc = add_ref(at, &list);
    if (rc == MST_OK && !alone) {
        rc = add_dynamic_ref(at, &list);
        if (rc == MST_OK)
            rc = add_recursive_ref(at, &list);
        if (rc == MST_OK)
            rc = add_list(at, &list, APPLY_ALL_OF, "allOf");
        if (rc == MST_OK)
            rc = add_list(at, &list, APPLY_ANY_OF, "anyOf");
        if (rc == MST_OK)
            rc = add_list(at, &list, APPLY_ONE_OF, "oneOf");
        if (rc == MST_OK)
            rc = add_not(at, &list);
        if (rc == MST_OK)
            rc = add_if(at, &list);
        if (rc == MST_OK)
            rc = add_unevaluated(at);
    }
    if (rc != MST_OK || list.count == 0)
        return rc;
    apply_t *kept = MST_ARENA_ARRAY(at->c->schema->arena, apply_t, list.count);
    if (kept == NULL)
        return mst_compile_full(at);
    memcpy(kept, list.items, list.count * sizeof *kept);
    at->node->applies = kept;
    at->node->apply_count = list.count;
    return MST_OK;
}
