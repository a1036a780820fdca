// Names of other tools for a scorer. The entry is written anew as Muster's own scorer reads it: the name resolved,
// `value` and `threshold` under the names that they have here, presets filled in. Nodes keep their places, so errors
// still point into the file.
#include "common/config/context.h"

#include "common/config/scalar.h"

#include <stdio.h>

static const mst_scorer_alias_t *
find_alias(const mst_scorer_alias_t *a, mst_str_t name)
{
    for (; a != NULL && a->name != NULL; a++)
        if (mst_str_eq_c(name, a->name))
            return a;
    return NULL;
}

static mst_ynode_t *
text_node(mst_cfg_ctx_t *c, const mst_ynode_t *at, const char *text)
{
    mst_ynode_t *n = MST_ARENA_NEW(c->arena, mst_ynode_t);
    if (n != NULL)
        *n = (mst_ynode_t){.kind = MST_Y_SCALAR, .line = at->line, .column = at->column, .text = mst_str_c(text)};
    return n;
}

static mst_rc
check_value(mst_cfg_ctx_t *c, const mst_scorer_alias_t *a, const mst_ynode_t *map)
{
    char shown[MST_CFG_SHOW_MAX];
    const mst_ynode_t *v = mst_yaml_get(map, "value");
    if (a->list && v != NULL && v->kind != MST_Y_SEQ && !mst_yaml_is_null(v))
        return mst_cfg_fail(c, MST_INVAL, v, "\"value\" of \"%s\" must be a list of texts, not %s", a->name,
                            mst_cfg_what(v, shown));
    return MST_OK;
}

// Where a key of the entry goes: its name in Muster, or NULL to leave it as it is.
static const char *
renamed(const mst_scorer_alias_t *a, mst_str_t key)
{
    if (a->value != NULL && mst_str_eq_c(key, "value"))
        return a->value;
    if (a->threshold != NULL && mst_str_eq_c(key, "threshold"))
        return a->threshold;
    return mst_str_eq_c(key, "metric") ? "label" : NULL;
}

static bool
has(const mst_ynode_t *map, mst_str_t key)
{
    for (size_t i = 0; i < map->count; i++)
        if (mst_str_eq(map->keys[i]->text, key))
            return !mst_yaml_is_null(map->items[i]);
    return false;
}

static void
add_pair(mst_ynode_t *to, const mst_ynode_t *key, const mst_ynode_t *value)
{
    to->keys[to->count] = key;
    to->items[to->count++] = value;
}

static mst_rc
rewrite(mst_cfg_ctx_t *c, const mst_scorer_alias_t *a, const mst_ynode_t *map, const mst_ynode_t *presets,
        const mst_ynode_t **out)
{
    size_t extra = presets != NULL ? presets->count : 0;
    mst_ynode_t *to = MST_ARENA_NEW(c->arena, mst_ynode_t);
    if (to == NULL)
        return mst_cfg_nomem(c);
    *to = *map;
    to->count = 0;
    to->keys = MST_ARENA_ARRAY(c->arena, const mst_ynode_t *, map->count + extra);
    to->items = MST_ARENA_ARRAY(c->arena, const mst_ynode_t *, map->count + extra);
    if (to->keys == NULL || to->items == NULL)
        return mst_cfg_nomem(c);
    for (size_t i = 0; i < map->count; i++) {
        const mst_ynode_t *key = map->keys[i];
        const char *name = renamed(a, key->text);
        if (name != NULL && (key = text_node(c, key, name)) == NULL)
            return mst_cfg_nomem(c);
        add_pair(to, key, map->items[i]);
    }
    for (size_t i = 0; i < extra; i++) {
        if (!has(to, presets->keys[i]->text))
            add_pair(to, presets->keys[i], presets->items[i]);
    }
    *out = to;
    return MST_OK;
}

static mst_rc
apply(mst_cfg_ctx_t *c, const mst_scorer_alias_t *a, mst_cfg_entry_t *out)
{
    const mst_ynode_t *presets = NULL, *value = mst_yaml_get(out->map, "value");
    mst_rc rc = check_value(c, a, out->map);
    if (rc == MST_OK && a->preset != NULL)
        rc = mst_yaml_parse(mst_str_c(a->preset), a->name, c->arena, &presets, c->err);
    if (rc != MST_OK)
        return rc;
    bool bare = a->bare != NULL && (value == NULL || mst_yaml_is_null(value));
    out->kind = mst_cfg_find_kind(c->env->scorers, mst_str_c(bare ? a->bare : a->scorer));
    return rewrite(c, a, out->map, presets, &out->map);
}

mst_rc
mst_cfg_entry(mst_cfg_ctx_t *c, const mst_ynode_t *map, mst_cfg_entry_t *out)
{
    const mst_kind_t *const *kinds = c->env != NULL ? c->env->scorers : NULL;
    const mst_ynode_t *at = NULL;
    mst_str_t name = MST_STR_NULL;
    *out = (mst_cfg_entry_t){.map = map};
    mst_rc rc = mst_cfg_kind_name(c, "scorer", map, &mst_scorer_cfg_table[0], &at, &name);
    if (rc != MST_OK)
        return rc;
    out->kind = mst_cfg_find_kind(kinds, name);
    if (out->kind != NULL)
        return MST_OK;
    mst_str_t plain = name;
    if (mst_str_starts(name, MST_STR("not-"))) {
        plain = mst_str(name.p + 4, name.n - 4);
        out->negate = true;
        out->kind = mst_cfg_find_kind(kinds, plain);
    }
    const mst_scorer_alias_t *a = find_alias(c->env != NULL ? c->env->aliases : NULL, plain);
    if (out->kind == NULL && a != NULL && a->scorer == NULL)
        return mst_cfg_fail(c, MST_UNSUPPORTED, at, "scorer \"%s\" is not taken over from promptfoo: %s", a->name,
                            a->why);
    if (out->kind == NULL && a != NULL)
        rc = apply(c, a, out);
    if (rc == MST_OK && out->kind == NULL)
        return mst_cfg_unknown_kind(c, kinds, "scorer", at);
    return rc;
}
