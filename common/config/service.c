// Services by name. `provider_type: sarmalink` is read as the provider whose dialect the service speaks, with the
// service's address and a reference to its key, where the configuration gives none itself. So the spec of a run names
// the provider, the address and the variable, and no worker needs to know the service.
#include "common/config/context.h"

#include <stdio.h>

const mst_service_t *
mst_cfg_service(const mst_kind_t *const *kinds, mst_str_t name, const mst_kind_t **out_kind)
{
    for (; kinds != NULL && *kinds != NULL; kinds++) {
        for (const mst_service_t *s = (*kinds)->services; s != NULL && s->name != NULL; s++) {
            if (!mst_str_eq_c(name, s->name))
                continue;
            *out_kind = *kinds;
            return s;
        }
    }
    return NULL;
}

static mst_rc
fill(mst_cfg_ctx_t *c, const mst_ynode_t *at, const mst_param_t *row, const char *text, mst_param_value_t *v)
{
    bool ok = true;
    mst_ynode_t node = {.kind = MST_Y_SCALAR, .line = at->line, .column = at->column};
    mst_cfg_ctx_t plain = *c;
    node.text = mst_arena_dup(c->arena, mst_str_c(text), &ok);
    if (!ok)
        return mst_cfg_nomem(c);
    plain.env = NULL; // what a variable held is not expanded again
    mst_rc rc = mst_cfg_value(&plain, row, &node, v);
    v->given = rc == MST_OK;
    return rc;
}

mst_rc
mst_cfg_apply_service(mst_cfg_ctx_t *c, const mst_ynode_t *at, const mst_service_t *s, mst_params_t *params)
{
    size_t rows = mst_cfg_rows(params->table);
    mst_param_value_t *values = MST_ARENA_ARRAY(c->arena, mst_param_value_t, rows);
    if (values == NULL)
        return mst_cfg_nomem(c);
    memcpy(values, params->values, rows * sizeof *values);
    mst_rc rc = MST_OK;
    for (size_t i = 0; i < rows && rc == MST_OK; i++) {
        const mst_param_t *row = &params->table[i];
        const char *moved = NULL;
        if (values[i].given)
            continue;
        if (strcmp(row->name, "api_key") == 0 && s->key_env != NULL) {
            char ref[128];
            (void)snprintf(ref, sizeof ref, "env:%s", s->key_env);
            rc = fill(c, at, row, ref, &values[i]);
        } else if (strcmp(row->name, "base_url") == 0) {
            if (s->base_env != NULL && c->env != NULL && c->env->getenv_fn != NULL)
                moved = c->env->getenv_fn(c->env->ud, s->base_env);
            if (moved != NULL && moved[0] == '\0')
                moved = NULL;
            rc = fill(c, at, row, moved != NULL ? moved : s->base_url, &values[i]);
            if (rc != MST_OK && moved != NULL)
                mst_err_prefix(c->err, "environment variable %s", s->base_env);
        }
    }
    params->values = values;
    return rc;
}
