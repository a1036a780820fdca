// Models by a name of one's own: sections `models` and `models_file`. Where a backend is described without
// `provider_type`, its `model` (or the text that stands for it) names one of them: the entry's settings are the
// target's, but for those that the target gives itself.
#include "common/config/context.h"

#include "common/base/limits.h"
#include "common/config/scalar.h"

#include <stdio.h>

static bool
is_key(const mst_ynode_t *key, const char *names)
{
    return mst_cfg_in_list(names, key->text);
}

#define TYPE_KEYS  "provider_type|type|provider|name"
#define MODEL_KEYS "model|model_name"

static const mst_ynode_t *
value_of(const mst_ynode_t *map, const char *names)
{
    for (size_t i = 0; map->kind == MST_Y_MAP && i < map->count; i++)
        if (is_key(map->keys[i], names) && !mst_yaml_is_null(map->items[i]))
            return map->items[i];
    return NULL;
}

static mst_rc
check_models(mst_cfg_ctx_t *c, const mst_ynode_t *models)
{
    char shown[MST_CFG_SHOW_MAX], name[MST_CFG_SHOW_MAX];
    if (models->kind != MST_Y_MAP)
        return mst_cfg_fail(c, MST_INVAL, models, "\"models\" must be a map of name: settings, not %s",
                            mst_cfg_what(models, shown));
    if (models->count > MST_MODELS_MAX)
        return mst_cfg_fail(c, MST_LIMIT, models->keys[MST_MODELS_MAX], "more than %d models", MST_MODELS_MAX);
    for (size_t i = 0; i < models->count; i++) {
        if (models->items[i]->kind != MST_Y_MAP)
            return mst_cfg_fail(c, MST_INVAL, models->items[i], "model \"%s\" must be a map of settings, not %s",
                                mst_cfg_show(models->keys[i]->text, name), mst_cfg_what(models->items[i], shown));
        if (value_of(models->items[i], TYPE_KEYS) == NULL)
            return mst_cfg_fail(c, MST_INVAL, models->items[i], "model \"%s\" says no provider_type",
                                mst_cfg_show(models->keys[i]->text, name));
    }
    return MST_OK;
}

static mst_rc
read_models_file(mst_cfg_ctx_t *c, const mst_ynode_t *at, const mst_ynode_t **out)
{
    mst_str_t path, text;
    bool ok;
    mst_rc rc = mst_cfg_text(c, at, &path, NULL);
    if (rc != MST_OK)
        return rc;
    if (c->env == NULL || c->env->read_fn == NULL)
        return mst_cfg_fail(c, MST_UNSUPPORTED, at,
                            "\"models_file\" cannot be read here; write the models in the file");
    mst_str_t name = mst_arena_dup(c->arena, path, &ok);
    if (!ok)
        return mst_cfg_nomem(c);
    rc = c->env->read_fn(c->env->ud, name.p, MST_YAML_BYTES_MAX, c->arena, &text, c->err);
    if (rc == MST_OK)
        rc = mst_yaml_parse(text, name.p, c->arena, out, c->err);
    if (rc != MST_OK)
        return rc;
    const mst_ynode_t *inner = mst_yaml_get(*out, "models");
    *out = inner != NULL ? inner : *out; // the word above it may be left out
    return MST_OK;
}

mst_rc
mst_cfg_models(mst_cfg_ctx_t *c, const mst_ynode_t *models, const mst_ynode_t *file)
{
    mst_rc rc = MST_OK;
    if (models != NULL) {
        rc = check_models(c, models);
        c->models[0] = models;
    }
    if (rc == MST_OK && file != NULL) {
        rc = read_models_file(c, file, &c->models[1]);
        if (rc == MST_OK)
            rc = check_models(c, c->models[1]);
    }
    return rc;
}

static const mst_ynode_t *
find_model(const mst_cfg_ctx_t *c, mst_str_t name)
{
    for (size_t m = 0; m < 2; m++)
        for (size_t i = 0; c->models[m] != NULL && i < c->models[m]->count; i++)
            if (mst_str_eq(c->models[m]->keys[i]->text, name))
                return c->models[m]->items[i];
    return NULL;
}

static mst_rc
unknown_model(mst_cfg_ctx_t *c, const mst_ynode_t *at, mst_str_t name)
{
    char shown[MST_CFG_SHOW_MAX], key[MST_CFG_SHOW_MAX], hint[MST_CFG_SHOW_MAX + 24], known[240] = "";
    size_t used = 0;
    mst_cfg_near_t near = {.wanted = name};
    for (size_t m = 0; m < 2; m++)
        for (size_t i = 0; c->models[m] != NULL && i < c->models[m]->count; i++) {
            mst_str_t text = mst_str_cut(c->models[m]->keys[i]->text, sizeof key - 1);
            bool ok;
            mst_str_t z = mst_arena_dup(c->arena, text, &ok);
            if (!ok)
                return mst_cfg_nomem(c);
            mst_cfg_near(&near, z.p);
            if (used + text.n + 20 < sizeof known)
                used += (size_t)snprintf(known + used, sizeof known - used, "%s%s", used == 0 ? "; known are " : ", ",
                                         mst_cfg_show(text, key));
        }
    return mst_cfg_fail(c, MST_INVAL, at, "unknown model \"%s\" (without \"provider_type\" it names one of models)%s%s",
                        mst_cfg_show(name, shown), mst_cfg_hint(&near, hint), near.best.n > 0 ? "" : known);
}

static const mst_ynode_t *
text_node(mst_cfg_ctx_t *c, const mst_ynode_t *at, mst_str_t text)
{
    mst_ynode_t *n = MST_ARENA_NEW(c->arena, mst_ynode_t);
    if (n != NULL)
        *n =
            (mst_ynode_t){.kind = MST_Y_SCALAR, .line = at->line, .column = at->column, .file = at->file, .text = text};
    return n;
}

static void
add_pair(mst_ynode_t *to, const mst_ynode_t *key, const mst_ynode_t *value)
{
    to->keys[to->count] = key;
    to->items[to->count++] = value;
}

// Also with no value: that takes a setting of the model away.
static bool
has_key(const mst_ynode_t *map, mst_str_t key)
{
    for (size_t i = 0; map != NULL && i < map->count; i++)
        if (mst_str_eq(map->keys[i]->text, key))
            return true;
    return false;
}

// The model's own settings first; those of own (NULL: none) stand in their place. at: who asked for it.
static mst_rc
merge(mst_cfg_ctx_t *c, const mst_ynode_t *model, const mst_ynode_t *own, const mst_ynode_t *at, mst_str_t name,
      const mst_ynode_t **out)
{
    size_t extra = own != NULL ? own->count : 0;
    mst_ynode_t *to = MST_ARENA_NEW(c->arena, mst_ynode_t);
    if (to == NULL)
        return mst_cfg_nomem(c);
    *to = (mst_ynode_t){.kind = MST_Y_MAP, .line = at->line, .column = at->column, .file = at->file};
    to->keys = MST_ARENA_ARRAY(c->arena, const mst_ynode_t *, model->count + extra + 1);
    to->items = MST_ARENA_ARRAY(c->arena, const mst_ynode_t *, model->count + extra + 1);
    const mst_ynode_t *type = text_node(c, at, MST_STR("provider_type")), *id = text_node(c, at, MST_STR("model"));
    const mst_ynode_t *named = text_node(c, at, name);
    if (to->keys == NULL || to->items == NULL || type == NULL || id == NULL || named == NULL)
        return mst_cfg_nomem(c);
    for (size_t i = 0; i < model->count; i++) {
        const mst_ynode_t *key = model->keys[i];
        bool names = is_key(key, TYPE_KEYS) || is_key(key, MODEL_KEYS);
        if (!names && has_key(own, key->text))
            continue;
        add_pair(to, is_key(key, "provider") ? type : key, model->items[i]);
    }
    if (value_of(model, MODEL_KEYS) == NULL) // its name is what the backend calls it
        add_pair(to, id, named);
    for (size_t i = 0; i < extra; i++)
        if (!is_key(own->keys[i], MODEL_KEYS))
            add_pair(to, own->keys[i], own->items[i]);
    *out = to;
    return MST_OK;
}

mst_rc
mst_cfg_model(mst_cfg_ctx_t *c, const mst_ynode_t **node, mst_str_t *out_name)
{
    const mst_ynode_t *n = *node, *at = n->kind == MST_Y_SCALAR ? n : NULL;
    *out_name = MST_STR_NULL;
    if (c->models[0] == NULL && c->models[1] == NULL)
        return MST_OK;
    if (n->kind == MST_Y_MAP && value_of(n, "provider_type|type|name") == NULL)
        at = value_of(n, MODEL_KEYS);
    if (at == NULL || at->kind != MST_Y_SCALAR || mst_yaml_is_null(at))
        return MST_OK; // described in full, or wrongly: the reader of providers says so
    mst_rc rc = mst_cfg_text(c, at, out_name, NULL);
    if (rc != MST_OK)
        return rc;
    const mst_ynode_t *model = find_model(c, *out_name);
    if (model == NULL)
        return unknown_model(c, at, *out_name);
    return merge(c, model, n->kind == MST_Y_MAP ? n : NULL, n, *out_name, node);
}
