// A map read by parameter tables: aliases, unknown keys, defaults, what is required.
#include "common/config/context.h"

#include "common/config/scalar.h"

#include <stdio.h>

enum { TABLES = 3 };

size_t
mst_cfg_rows(const mst_param_t *table)
{
    size_t n = 0;
    while (table != NULL && table[n].name != NULL)
        n++;
    return n;
}

static bool
names_row(const mst_param_t *row, mst_str_t key)
{
    return mst_str_eq_c(key, row->name) || mst_cfg_in_list(row->alias, key);
}

static const mst_param_t *
row_of(const mst_param_t *table, mst_str_t key)
{
    for (const mst_param_t *row = table; row != NULL && row->name != NULL; row++)
        if (names_row(row, key))
            return row;
    return NULL;
}

static bool
is_left(const char *const *also, mst_str_t key)
{
    for (; also != NULL && *also != NULL; also++)
        if (mst_str_eq_c(key, *also))
            return true;
    return false;
}

const mst_ynode_t *
mst_cfg_find(const mst_ynode_t *map, const mst_param_t *row)
{
    for (size_t i = 0; map->kind == MST_Y_MAP && i < map->count; i++)
        if (names_row(row, map->keys[i]->text) && !mst_yaml_is_null(map->items[i]))
            return map->items[i];
    return NULL;
}

static void
near_rows(mst_cfg_near_t *near, const mst_param_t *table)
{
    for (const mst_param_t *row = table; row != NULL && row->name != NULL; row++) {
        mst_cfg_near(near, row->name);
        mst_cfg_near_list(near, row->alias);
    }
}

// ", known keys: a, b, c" when no name is near.
static void
list_rows(const mst_param_t *table, char *out, size_t cap)
{
    size_t n = strlen(out);
    for (const mst_param_t *row = table; row != NULL && row->name != NULL; row++) {
        if (n + strlen(row->name) + 4 >= cap)
            return;
        n += (size_t)snprintf(out + n, cap - n, "%s%s", n == 0 ? "; known are " : ", ", row->name);
    }
}

static mst_rc
unknown_key(const mst_cfg_ctx_t *c, const mst_cfg_tables_t *t, const mst_ynode_t *key)
{
    char shown[MST_CFG_SHOW_MAX], hint[MST_CFG_SHOW_MAX + 24], known[240] = "";
    mst_cfg_near_t near = {.wanted = key->text};
    near_rows(&near, t->own);
    near_rows(&near, t->kind);
    near_rows(&near, t->common);
    for (const char *const *a = t->also; a != NULL && *a != NULL; a++)
        mst_cfg_near(&near, *a);
    if (near.best.n == 0) {
        list_rows(t->kind, known, sizeof known);
        list_rows(t->own, known, sizeof known);
        list_rows(t->common, known, sizeof known);
    }
    return mst_cfg_fail(c, MST_INVAL, key, "unknown key \"%s\"%s%s%s%s", mst_cfg_show(key->text, shown),
                        c->section != NULL ? " in " : "", c->section != NULL ? c->section : "",
                        mst_cfg_hint(&near, hint), known);
}

static mst_rc
given_twice(const mst_cfg_ctx_t *c, const mst_param_t *row, const mst_ynode_t *map, const mst_ynode_t *key)
{
    char one[MST_CFG_SHOW_MAX], two[MST_CFG_SHOW_MAX];
    const mst_ynode_t *other = key;
    for (size_t i = map->count; i-- > 0;)
        if (map->keys[i] != key && names_row(row, map->keys[i]->text))
            other = map->keys[i];
    return mst_cfg_fail(c, MST_INVAL, key, "\"%s\" and \"%s\" are two names of one setting; give one of them",
                        mst_cfg_show(other->text, one), mst_cfg_show(key->text, two));
}

static mst_rc
read_pair(mst_cfg_ctx_t *c, const mst_cfg_tables_t *t, const mst_ynode_t *map, size_t i,
          mst_param_value_t *const values[TABLES])
{
    const mst_ynode_t *key = map->keys[i];
    if (is_left(t->also, key->text))
        return MST_OK;
    const mst_param_t *const tables[TABLES] = {t->own, t->kind, t->common};
    const mst_param_t *row = NULL;
    size_t at = 0;
    for (; at < TABLES && (row = row_of(tables[at], key->text)) == NULL; at++)
        continue;
    if (row == NULL)
        return unknown_key(c, t, key);
    mst_param_value_t *v = &values[at][row - tables[at]];
    if (v->given)
        return given_twice(c, row, map, key);
    if (mst_yaml_is_null(map->items[i])) // `key:` and `key: null` mean: not given
        return MST_OK;
    v->given = true;
    return mst_cfg_value(c, row, map->items[i], v);
}

// Defaults are text in the table's own form: a list or tree is written in YAML's flow style.
static mst_rc
read_default(mst_cfg_ctx_t *c, const mst_param_t *row, mst_param_value_t *out)
{
    mst_ynode_t scalar = {.kind = MST_Y_SCALAR, .line = 1, .column = 1, .plain = true, .text = mst_str_c(row->dflt)};
    const mst_ynode_t *n = &scalar;
    mst_cfg_ctx_t plain = {.file = row->name, .arena = c->arena, .err = c->err};
    if (row->type == MST_P_STRLIST || row->type == MST_P_JSON) {
        mst_rc rc = mst_yaml_parse(scalar.text, row->name, c->arena, &n, c->err);
        if (rc != MST_OK)
            return rc;
    }
    return mst_cfg_value(&plain, row, n, out);
}

static mst_rc
complete(mst_cfg_ctx_t *c, const mst_cfg_tables_t *t, const mst_param_t *table, const mst_ynode_t *map,
         mst_param_value_t *values)
{
    for (size_t i = 0; i < mst_cfg_rows(table); i++) {
        const mst_param_t *row = &table[i];
        if (values[i].set || is_left(t->also, mst_str_c(row->name)))
            continue;
        if (row->required)
            return mst_cfg_fail(c, MST_INVAL, map, "\"%s\" is missing%s%s", row->name, c->section != NULL ? " in " : "",
                                c->section != NULL ? c->section : "");
        mst_rc rc = row->dflt != NULL ? read_default(c, row, &values[i]) : MST_OK;
        if (rc == MST_LIMIT) // the default is sound, the memory is short
            return mst_cfg_nomem(c);
        if (rc != MST_OK)
            return rc;
    }
    return MST_OK;
}

mst_rc
mst_cfg_params(mst_cfg_ctx_t *c, const mst_cfg_tables_t *t, const mst_ynode_t *map, mst_params_t *out_own,
               mst_params_t *out_kind)
{
    char shown[MST_CFG_SHOW_MAX];
    if (map->kind != MST_Y_MAP)
        return mst_cfg_fail(c, MST_INVAL, map, "%s must be a map of settings, not %s",
                            c->section != NULL ? c->section : "the configuration", mst_cfg_what(map, shown));
    const mst_param_t *const tables[TABLES] = {t->own, t->kind, t->common};
    mst_param_value_t *values[TABLES];
    for (size_t i = 0; i < TABLES; i++) {
        values[i] = MST_ARENA_ARRAY(c->arena, mst_param_value_t, mst_cfg_rows(tables[i]));
        if (values[i] == NULL)
            return mst_cfg_nomem(c);
    }
    mst_rc rc = MST_OK;
    for (size_t i = 0; i < map->count && rc == MST_OK; i++)
        rc = read_pair(c, t, map, i, values);
    for (size_t i = 0; i < TABLES && rc == MST_OK; i++)
        rc = complete(c, t, tables[i], map, values[i]);
    *out_own = (mst_params_t){t->own, values[0]};
    if (t->out_common != NULL)
        *t->out_common = (mst_params_t){t->common, values[2]};
    if (out_kind != NULL)
        *out_kind = (mst_params_t){t->kind, values[1]};
    return rc;
}

mst_rc
mst_params_parse(const mst_param_t *table, const mst_ynode_t *map, const char *file, const char *const *also,
                 mst_arena_t *arena, mst_params_t *out, mst_err_t *err)
{
    mst_cfg_ctx_t c = {.file = file, .arena = arena, .err = err};
    return mst_cfg_params(&c, &(mst_cfg_tables_t){.own = table, .also = also}, map, out, NULL);
}
