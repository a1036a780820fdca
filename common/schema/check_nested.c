// Rules of arrays and objects.
#include "common/schema/check.h"

static spot_t
item_of(const spot_t *spot, uint32_t i)
{
    return (spot_t){.up = spot, .value = &spot->value->u.items[i], .index = i, .depth = spot->depth + 1};
}

static spot_t
member_of(const spot_t *spot, const mst_json_member_t *m)
{
    return (spot_t){.up = spot, .value = &m->value, .key = m->key, .depth = spot->depth + 1};
}

static bool
is_kind(const check_t *v, uint32_t node, node_kind_t kind)
{
    return v->schema->nodes[node].kind == kind;
}

static bool
check_count(check_t *v, const spot_t *spot, uint64_t min, uint64_t max, bool items)
{
    unsigned n = spot->value->count;
    const char *what = items ? "items" : "properties";
    if (min != NO_COUNT && n < min)
        return mst_check_fail(v, spot, items ? "minItems" : "minProperties", "%u %s, at least %llu wanted", n, what,
                              (unsigned long long)min);
    if (n > max)
        return mst_check_fail(v, spot, items ? "maxItems" : "maxProperties", "%u %s, at most %llu wanted", n, what,
                              (unsigned long long)max);
    return true;
}

static bool
check_items(check_t *v, const array_rules_t *r, const spot_t *spot, const marks_t *marks)
{
    uint32_t count = spot->value->count, prefix = r->prefix_count < count ? r->prefix_count : count;
    for (uint32_t i = 0; i < prefix; i++) {
        spot_t at = item_of(spot, i);
        if (!mst_check_node(v, r->prefix[i], &at, 0, NULL))
            return false;
        mst_check_mark(v, marks, i);
    }
    if (r->rest == NO_NODE)
        return true;
    if (prefix < count && is_kind(v, r->rest, NODE_NEVER))
        return mst_check_fail(v, spot, r->rest_keyword, "item %u is not allowed", prefix);
    for (uint32_t i = prefix; i < count && !is_kind(v, r->rest, NODE_ALWAYS); i++) {
        spot_t at = item_of(spot, i);
        if (!mst_check_node(v, r->rest, &at, 0, NULL))
            return false;
    }
    mst_check_mark_all(v, marks);
    return true;
}

static bool
check_contains(check_t *v, const array_rules_t *r, const spot_t *spot, const marks_t *marks)
{
    uint64_t found = 0;
    const marks_t *to = r->contains_marks ? marks : NULL;
    for (uint32_t i = 0; i < spot->value->count; i++) {
        spot_t at = item_of(spot, i);
        if (!mst_check_attempt(v, r->contains, &at, 0, NULL))
            continue;
        found++;
        mst_check_mark(v, to, i);
        if (to == NULL && found >= r->min_contains && r->max_contains == NO_COUNT)
            break;
    }
    if (v->rc != MST_OK)
        return false;
    if (found < r->min_contains)
        return mst_check_fail(v, spot, r->min_contains == 1 ? "contains" : "minContains",
                              "%llu items fit, at least %llu wanted", (unsigned long long)found,
                              (unsigned long long)r->min_contains);
    if (found > r->max_contains)
        return mst_check_fail(v, spot, "maxContains", "%llu items fit, at most %llu wanted", (unsigned long long)found,
                              (unsigned long long)r->max_contains);
    return true;
}

bool
mst_check_array(check_t *v, const array_rules_t *r, const spot_t *spot, const marks_t *marks)
{
    if (!check_count(v, spot, r->min, r->max, true))
        return false;
    if (!check_items(v, r, spot, marks))
        return false;
    if (r->contains != NO_NODE && !check_contains(v, r, spot, marks))
        return false;
    return !r->unique || mst_check_unique(v, spot);
}

static const property_t *
find_property(const object_rules_t *r, mst_str_t key)
{
    uint32_t low = 0, high = r->property_count;
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        int o = mst_schema_name_order(r->properties[mid].name, key);
        if (o == 0)
            return &r->properties[mid];
        if (o < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return NULL;
}

// propertyNames: the name as a value, at the place of its member.
static bool
check_name(check_t *v, uint32_t node, const spot_t *spot, const mst_json_member_t *m)
{
    const mst_json_t name = {.type = MST_JSON_STR, .u.s = m->key};
    spot_t at = member_of(spot, m);
    at.value = &name;
    if (v->quiet == 0 && is_kind(v, node, NODE_NEVER))
        return mst_check_fail(v, spot, "propertyNames", "no property is allowed");
    return mst_check_node(v, node, &at, 0, NULL);
}

static bool
not_allowed(check_t *v, const spot_t *spot, const char *keyword, mst_str_t key)
{
    char shown[MST_SHOW_BYTES];
    return mst_check_fail(v, spot, keyword, "property %s is not allowed", mst_check_show_str(key, shown));
}

static bool
check_member(check_t *v, const object_rules_t *r, const spot_t *spot, uint32_t i, const marks_t *marks, uint32_t *found)
{
    const mst_json_member_t *m = &spot->value->u.members[i];
    const property_t *p = r->property_count > 0 ? find_property(r, m->key) : NULL;
    spot_t at = member_of(spot, m);
    bool known = p != NULL && p->node != NO_NODE;
    *found += p != NULL && p->required;
    if (r->names != NO_NODE && !check_name(v, r->names, spot, m))
        return false;
    if (known && v->quiet == 0 && is_kind(v, p->node, NODE_NEVER))
        return not_allowed(v, spot, "properties", m->key);
    if (known && !mst_check_node(v, p->node, &at, 0, NULL))
        return false;
    for (uint32_t k = 0; k < r->pattern_count; k++) {
        if (!mst_check_pattern(v, r->patterns[k].pattern, m->key))
            continue;
        known = true;
        if (!mst_check_node(v, r->patterns[k].node, &at, 0, NULL))
            return false;
    }
    if (!known && r->additional != NO_NODE) {
        known = true;
        if (is_kind(v, r->additional, NODE_NEVER))
            return not_allowed(v, spot, "additionalProperties", m->key);
        if (!mst_check_node(v, r->additional, &at, 0, NULL))
            return false;
    }
    if (known)
        mst_check_mark(v, marks, i);
    return mst_check_spend(v, 1);
}

static bool
check_required(check_t *v, const object_rules_t *r, const spot_t *spot)
{
    for (uint32_t i = 0; v->quiet == 0 && i < r->property_count; i++) {
        char shown[MST_SHOW_BYTES];
        if (r->properties[i].required && mst_json_get_str(spot->value, r->properties[i].name) == NULL)
            return mst_check_fail(v, spot, "required", "%s is missing",
                                  mst_check_show_str(r->properties[i].name, shown));
    }
    return mst_check_miss(v, spot, "required");
}

static bool
check_dependent(check_t *v, const dependent_t *d, const spot_t *spot, const marks_t *marks, uint32_t same)
{
    char a[MST_SHOW_BYTES], b[MST_SHOW_BYTES];
    if (!mst_check_spend(v, 1 + spot->value->count) || mst_json_get_str(spot->value, d->name) == NULL)
        return v->rc == MST_OK;
    for (uint32_t i = 0; d->wanted != NULL && i < d->wanted->count; i++) {
        mst_str_t name = d->wanted->u.items[i].u.s;
        if (!mst_check_spend(v, 1 + spot->value->count))
            return false;
        if (mst_json_get_str(spot->value, name) == NULL)
            return mst_check_fail(v, spot, d->keyword, "%s is missing, which %s asks for", mst_check_show_str(name, a),
                                  mst_check_show_str(d->name, b));
    }
    return d->node == NO_NODE || mst_check_node(v, d->node, spot, same, marks);
}

bool
mst_check_object(check_t *v, const object_rules_t *r, const spot_t *spot, uint32_t same, const marks_t *marks)
{
    uint32_t found = 0;
    if (!check_count(v, spot, r->min, r->max, false))
        return false;
    bool look = r->property_count > 0 || r->pattern_count > 0 || r->additional != NO_NODE || r->names != NO_NODE;
    for (uint32_t i = 0; look && i < spot->value->count; i++) {
        if (!check_member(v, r, spot, i, marks, &found))
            return false;
    }
    if (found < r->required_count && !check_required(v, r, spot))
        return false;
    for (uint32_t i = 0; i < r->dependent_count; i++) {
        if (!check_dependent(v, &r->dependents[i], spot, marks, same + 1))
            return false;
    }
    return true;
}
