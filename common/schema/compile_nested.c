// Keywords that look inside arrays and objects.
#include "common/schema/compile.h"

#include <stdlib.h>

static mst_rc
child_if(const at_t *at, const char *keyword, uint32_t *out)
{
    const mst_json_t *v = mst_compile_get(at, VOCAB_APPLICATOR, keyword);
    *out = NO_NODE;
    return v != NULL ? mst_compile_child(at, v, keyword, out) : MST_OK;
}

// Positions and the rest: prefixItems and items, or an array of items and additionalItems before 2020-12.
static mst_rc
compile_items(const at_t *at, array_rules_t *r)
{
    bool newest = at->dialect.draft == MST_SCHEMA_2020_12;
    const mst_json_t *items = mst_compile_get(at, VOCAB_APPLICATOR, "items");
    const mst_json_t *prefix = newest ? mst_compile_get(at, VOCAB_APPLICATOR, "prefixItems") : NULL;
    bool list = !newest && items != NULL && items->type == MST_JSON_ARR;
    if (newest && items != NULL && items->type == MST_JSON_ARR)
        return mst_compile_wrong(at, "items", "a schema in draft 2020-12 (an array of them is \"prefixItems\" there)");
    prefix = list ? items : prefix;
    mst_rc rc = MST_OK;
    if (prefix != NULL)
        rc = mst_compile_list(at, prefix, list ? "items" : "prefixItems", &r->prefix, &r->prefix_count);
    r->rest_keyword = list ? "additionalItems" : "items";
    return rc == MST_OK ? child_if(at, r->rest_keyword, &r->rest) : rc;
}

static mst_rc
compile_contains(const at_t *at, array_rules_t *r)
{
    mst_rc rc = child_if(at, "contains", &r->contains);
    r->min_contains = r->max_contains = NO_COUNT;
    r->contains_marks = at->dialect.draft == MST_SCHEMA_2020_12;
    if (rc != MST_OK || r->contains == NO_NODE)
        return rc;
    if (at->dialect.draft <= MST_SCHEMA_2019_09) {
        rc = mst_compile_count(at, "minContains", &r->min_contains);
        if (rc == MST_OK)
            rc = mst_compile_count(at, "maxContains", &r->max_contains);
    }
    if (r->min_contains == NO_COUNT)
        r->min_contains = 1;
    return rc;
}

mst_rc
mst_compile_arrays(const at_t *at)
{
    array_rules_t r = {.rest = NO_NODE};
    const mst_json_t *unique = mst_compile_get(at, VOCAB_VALIDATION, "uniqueItems");
    mst_rc rc = mst_compile_count(at, "minItems", &r.min);
    if (rc == MST_OK)
        rc = mst_compile_count(at, "maxItems", &r.max);
    if (rc == MST_OK && unique != NULL && !mst_json_bool(unique, &r.unique))
        rc = mst_compile_wrong(at, "uniqueItems", "true or false");
    if (rc == MST_OK)
        rc = compile_items(at, &r);
    if (rc == MST_OK)
        rc = compile_contains(at, &r);
    bool any = r.min != NO_COUNT || r.max != NO_COUNT || r.unique || r.prefix_count > 0 || r.rest != NO_NODE ||
               r.contains != NO_NODE;
    if (rc != MST_OK || !any)
        return rc;
    array_rules_t *kept = MST_ARENA_NEW(at->c->schema->arena, array_rules_t);
    if (kept == NULL)
        return mst_compile_full(at);
    *kept = r;
    at->node->array = kept;
    return MST_OK;
}

static mst_rc
check_names(const at_t *at, const mst_json_t *v, const char *keyword)
{
    bool ok = v->type == MST_JSON_ARR;
    for (uint32_t i = 0; ok && i < v->count; i++)
        ok = v->u.items[i].type == MST_JSON_STR;
    return ok ? MST_OK : mst_compile_wrong(at, keyword, "an array of names, or hold such arrays");
}

static mst_rc
check_object(const at_t *at, const mst_json_t *v, const char *keyword)
{
    return v == NULL || v->type == MST_JSON_OBJ ? MST_OK : mst_compile_wrong(at, keyword, "an object");
}

static int
order_properties(const void *a, const void *b)
{
    return mst_schema_name_order(((const property_t *)a)->name, ((const property_t *)b)->name);
}

// One table of the names of properties and required.
static mst_rc
compile_properties(const at_t *at, object_rules_t *r)
{
    const mst_json_t *properties = mst_compile_get(at, VOCAB_APPLICATOR, "properties");
    const mst_json_t *required = mst_compile_get(at, VOCAB_VALIDATION, "required");
    mst_rc rc = check_object(at, properties, "properties");
    if (rc == MST_OK && required != NULL)
        rc = check_names(at, required, "required");
    size_t most = (properties != NULL ? properties->count : 0) + (size_t)(required != NULL ? required->count : 0);
    if (rc != MST_OK || most == 0)
        return rc;
    property_t *table = MST_ARENA_ARRAY(at->c->schema->arena, property_t, most);
    if (table == NULL)
        return mst_compile_full(at);
    size_t n = 0, kept = 0;
    for (uint32_t i = 0; properties != NULL && i < properties->count; i++) {
        const mst_json_member_t *m = &properties->u.members[i];
        table[n].name = m->key;
        rc = mst_compile_child(at, &m->value, "properties", &table[n++].node);
        if (rc != MST_OK)
            return rc;
    }
    for (uint32_t i = 0; required != NULL && i < required->count; i++)
        table[n++] = (property_t){.name = required->u.items[i].u.s, .node = NO_NODE, .required = true};
    qsort(table, n, sizeof *table, order_properties);
    for (size_t i = 0; i < n; i++) {
        if (kept > 0 && mst_str_eq(table[kept - 1].name, table[i].name)) {
            property_t *p = &table[kept - 1];
            p->required = p->required || table[i].required;
            p->node = p->node == NO_NODE ? table[i].node : p->node;
        } else {
            table[kept++] = table[i];
        }
    }
    for (size_t i = 0; i < kept; i++)
        r->required_count += table[i].required;
    r->properties = table;
    r->property_count = (uint32_t)kept;
    return MST_OK;
}

static mst_rc
compile_patterns(const at_t *at, object_rules_t *r)
{
    const mst_json_t *v = mst_compile_get(at, VOCAB_APPLICATOR, "patternProperties");
    mst_rc rc = check_object(at, v, "patternProperties");
    if (rc != MST_OK || v == NULL || v->count == 0)
        return rc;
    pattern_rule_t *rules = MST_ARENA_ARRAY(at->c->schema->arena, pattern_rule_t, v->count);
    if (rules == NULL)
        return mst_compile_full(at);
    for (uint32_t i = 0; rc == MST_OK && i < v->count; i++) {
        rc = mst_compile_pattern(at, v->u.members[i].key, "patternProperties", &rules[i].pattern);
        if (rc == MST_OK)
            rc = mst_compile_child(at, &v->u.members[i].value, "patternProperties", &rules[i].node);
    }
    r->patterns = rules;
    r->pattern_count = v->count;
    return rc;
}

static mst_rc
add_dependents(const at_t *at, const mst_json_t *v, const char *keyword, bool names, bool schemas, dependent_t *to)
{
    for (uint32_t i = 0; i < v->count; i++) {
        const mst_json_member_t *m = &v->u.members[i];
        dependent_t *d = &to[i];
        *d = (dependent_t){.name = m->key, .node = NO_NODE, .keyword = keyword};
        bool list = names && (m->value.type == MST_JSON_ARR || !schemas);
        mst_rc rc = list ? check_names(at, &m->value, keyword) : mst_compile_child(at, &m->value, keyword, &d->node);
        if (rc != MST_OK)
            return rc;
        d->wanted = list ? &m->value : NULL;
    }
    return MST_OK;
}

static mst_rc
compile_dependents(const at_t *at, object_rules_t *r)
{
    bool new = at->dialect.draft <= MST_SCHEMA_2019_09;
    const mst_json_t *both = mst_compile_get(at, VOCAB_APPLICATOR, "dependencies");
    const mst_json_t *names = new ? mst_compile_get(at, VOCAB_VALIDATION, "dependentRequired") : NULL;
    const mst_json_t *schemas = new ? mst_compile_get(at, VOCAB_APPLICATOR, "dependentSchemas") : NULL;
    mst_rc rc = check_object(at, both, "dependencies");
    if (rc == MST_OK)
        rc = check_object(at, names, "dependentRequired");
    if (rc == MST_OK)
        rc = check_object(at, schemas, "dependentSchemas");
    if (rc != MST_OK)
        return rc;
    uint32_t counts[] = {both != NULL ? both->count : 0, names != NULL ? names->count : 0,
                         schemas != NULL ? schemas->count : 0};
    dependent_t *to = MST_ARENA_ARRAY(at->c->schema->arena, dependent_t, (size_t)counts[0] + counts[1] + counts[2]);
    if (to == NULL)
        return mst_compile_full(at);
    r->dependents = to;
    r->dependent_count = counts[0] + counts[1] + counts[2];
    if (both != NULL)
        rc = add_dependents(at, both, "dependencies", true, true, to);
    if (rc == MST_OK && names != NULL)
        rc = add_dependents(at, names, "dependentRequired", true, false, to + counts[0]);
    if (rc == MST_OK && schemas != NULL)
        rc = add_dependents(at, schemas, "dependentSchemas", false, true, to + counts[0] + counts[1]);
    return rc;
}

mst_rc
mst_compile_objects(const at_t *at)
{
    object_rules_t r = {.additional = NO_NODE, .names = NO_NODE};
    mst_rc rc = mst_compile_count(at, "minProperties", &r.min);
    if (rc == MST_OK)
        rc = mst_compile_count(at, "maxProperties", &r.max);
    if (rc == MST_OK)
        rc = compile_properties(at, &r);
    if (rc == MST_OK)
        rc = compile_patterns(at, &r);
    if (rc == MST_OK)
        rc = child_if(at, "additionalProperties", &r.additional);
    if (rc == MST_OK)
        rc = child_if(at, "propertyNames", &r.names);
    if (rc == MST_OK)
        rc = compile_dependents(at, &r);
    bool any = r.min != NO_COUNT || r.max != NO_COUNT || r.property_count > 0 || r.pattern_count > 0 ||
               r.additional != NO_NODE || r.names != NO_NODE || r.dependent_count > 0;
    if (rc != MST_OK || !any)
        return rc;
    object_rules_t *kept = MST_ARENA_NEW(at->c->schema->arena, object_rules_t);
    if (kept == NULL)
        return mst_compile_full(at);
    *kept = r;
    at->node->object = kept;
    return MST_OK;
}
