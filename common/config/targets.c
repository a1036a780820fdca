// The backends of a run: the section `targets`, and its short form `provider` for one. Each is a map of what every
// target has and of its provider's own parameters.
#include "common/config/context.h"

#include "common/base/limits.h"

#include <stdio.h>

const mst_param_t mst_target_cfg_table[] = {
    {.name = "provider_type",
     .alias = "type|name",
     .type = MST_P_STR,
     .required = true,
     .help = "which provider (muster list-providers)"},
    {.name = "label",
     .type = MST_P_STR,
     .help = "its name in reports; the model, else the provider's name, when not given"},
    {.name = "concurrency",
     .type = MST_P_INT,
     .min = 1,
     .max = MST_CONCURRENCY_MAX,
     .help = "requests in flight to this backend; the run's `concurrency` when not given"},
    {.name = "simulate",
     .type = MST_P_JSON,
     .help = "options of a simulated backend that stands in for it; the run's `simulate` when not given"},
    {.name = NULL},
};

enum { ROW_TYPE, ROW_LABEL, ROW_CONCURRENCY, ROW_SIMULATE };

bool
mst_cfg_is_label(mst_str_t s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
            return false;
    return s.n > 0 && s.n <= 200;
}

mst_rc
mst_cfg_simulate(mst_cfg_ctx_t *c, const mst_ynode_t *n, const mst_json_t **out)
{
    char shown[MST_CFG_SHOW_MAX];
    if (n == NULL)
        return MST_OK;
    if (n->kind != MST_Y_MAP)
        return mst_cfg_fail(c, MST_INVAL, n, "\"simulate\" must be a map of settings, not %s", mst_cfg_what(n, shown));
    return mst_cfg_json(c, n, out);
}

// A map of a provider's own parameters and of `own`, whose first row names the provider.
static mst_rc
read_provider(mst_cfg_ctx_t *c, const mst_ynode_t *map, const mst_cfg_tables_t *own, mst_params_t *out_own,
              mst_provider_cfg_t *out)
{
    const mst_kind_t *const *kinds = c->env != NULL ? c->env->providers : NULL;
    const mst_ynode_t *at = NULL;
    mst_str_t name = MST_STR_NULL;
    mst_rc rc = mst_cfg_kind_name(c, "provider", map, &own->own[ROW_TYPE], &at, &name);
    if (rc != MST_OK)
        return rc;
    const mst_service_t *service = NULL;
    out->kind = mst_cfg_find_kind(kinds, name);
    if (out->kind == NULL)
        service = mst_cfg_service(kinds, name, &out->kind);
    if (out->kind == NULL)
        return mst_cfg_unknown_kind(c, kinds, "provider", at);
    char section[128];
    snprintf(section, sizeof section, "provider \"%s\"", out->kind->name);
    c->section = section;
    mst_cfg_tables_t tables = {.own = own->own,
                               .kind = out->kind->params,
                               .also = own->also,
                               .common = mst_provider_cfg_table,
                               .out_common = &out->common};
    rc = mst_cfg_params(c, &tables, map, out_own, &out->params);
    c->section = NULL;
    if (rc == MST_OK && service != NULL)
        rc = mst_cfg_apply_service(c, at, service, &out->params);
    return rc == MST_OK ? mst_cfg_provider_common(c, map, out) : rc;
}

mst_rc
mst_cfg_provider(mst_cfg_ctx_t *c, const mst_ynode_t *n, mst_provider_cfg_t *out)
{
    static const mst_param_t type_only[] = {
        {.name = "provider_type", .alias = "type|name", .type = MST_P_STR, .required = true},
        {.name = NULL},
    };
    static const char *const left[] = {"launch", NULL};
    mst_params_t own;
    *out = (mst_provider_cfg_t){0};
    mst_str_t name;
    if (n == NULL)
        return MST_OK;
    mst_rc rc = mst_cfg_model(c, &n, &name);
    if (rc == MST_OK)
        rc = read_provider(c, n, &(mst_cfg_tables_t){.own = type_only, .also = left}, &own, out);
    if (rc == MST_OK && out->launch.table != NULL)
        rc = mst_cfg_fail(c, MST_INVAL, n, "\"launch\" belongs to a backend of the run; a scorer asks a server that "
                                           "is there");
    return rc;
}

static mst_rc
read_target(mst_cfg_ctx_t *c, const mst_ynode_t *map, mst_target_cfg_t *out, mst_str_t *out_name)
{
    static const char *const left[] = {"simulate", "launch", NULL};
    mst_params_t own;
    mst_rc rc = mst_cfg_model(c, &map, out_name);
    if (rc == MST_OK)
        rc =
            read_provider(c, map, &(mst_cfg_tables_t){.own = mst_target_cfg_table, .also = left}, &own, &out->provider);
    if (rc != MST_OK)
        return rc;
    const mst_param_value_t *v = own.values;
    out->label = v[ROW_LABEL].u.s;
    out->concurrency = v[ROW_CONCURRENCY].u.i;
    if (v[ROW_LABEL].set && !mst_cfg_is_label(out->label))
        return mst_cfg_fail(c, MST_INVAL, mst_cfg_find(map, &mst_target_cfg_table[ROW_LABEL]),
                            "\"label\" must be a line of 1 to 200 bytes without control characters");
    return mst_cfg_simulate(c, mst_cfg_find(map, &mst_target_cfg_table[ROW_SIMULATE]), &out->simulate);
}

static bool
label_taken(const mst_target_cfg_t *targets, size_t count, const mst_target_cfg_t *self, mst_str_t label)
{
    for (size_t i = 0; i < count; i++)
        if (&targets[i] != self && mst_str_eq(targets[i].label, label))
            return true;
    return false;
}

// The name that it was asked for by, or its model, says most about a backend; two of one are told apart by a number.
static mst_rc
give_label(mst_cfg_ctx_t *c, mst_target_cfg_t *targets, size_t count, size_t i, mst_str_t name)
{
    const mst_provider_cfg_t *p = &targets[i].provider;
    for (const mst_param_t *row = p->params.table; row != NULL && row->name != NULL && name.n == 0; row++)
        if (strcmp(row->name, "model") == 0 && row->type == MST_P_STR)
            name = mst_params_str(&p->params, "model");
    mst_str_t base = mst_str_cut(name, 180);
    if (!mst_cfg_is_label(base))
        base = mst_str_c(p->kind->name);
    char label[256];
    bool ok;
    snprintf(label, sizeof label, "%.*s", MST_FMT(base));
    for (unsigned k = 2; label_taken(targets, count, &targets[i], mst_str_c(label)); k++)
        snprintf(label, sizeof label, "%.*s#%u", MST_FMT(base), k);
    targets[i].label = mst_arena_dup(c->arena, mst_str_c(label), &ok);
    return ok ? MST_OK : mst_cfg_nomem(c);
}

static mst_rc
label_targets(mst_cfg_ctx_t *c, const mst_ynode_t *const *nodes, const mst_str_t *names, mst_target_cfg_t *targets,
              size_t count)
{
    char shown[MST_CFG_SHOW_MAX];
    for (size_t i = 0; i < count; i++) {
        const mst_ynode_t *at = mst_cfg_find(nodes[i], &mst_target_cfg_table[ROW_LABEL]);
        if (targets[i].label.n > 0 && label_taken(targets, i, NULL, targets[i].label))
            return mst_cfg_fail(c, MST_INVAL, at != NULL ? at : nodes[i], "label \"%s\" is used by an earlier target",
                                mst_cfg_show(targets[i].label, shown));
    }
    mst_rc rc = MST_OK;
    for (size_t i = 0; i < count && rc == MST_OK; i++)
        if (targets[i].label.n == 0)
            rc = give_label(c, targets, count, i, names[i]);
    return rc;
}

static mst_rc
read_targets(mst_cfg_ctx_t *c, const mst_ynode_t *const *nodes, size_t count, mst_run_cfg_t *out)
{
    mst_target_cfg_t *targets = MST_ARENA_ARRAY(c->arena, mst_target_cfg_t, count);
    mst_str_t *names = MST_ARENA_ARRAY(c->arena, mst_str_t, count);
    if (targets == NULL || names == NULL)
        return mst_cfg_nomem(c);
    mst_rc rc = MST_OK;
    for (size_t i = 0; i < count && rc == MST_OK; i++)
        rc = read_target(c, nodes[i], &targets[i], &names[i]);
    out->targets = targets;
    out->target_count = count;
    return rc == MST_OK ? label_targets(c, nodes, names, targets, count) : rc;
}

mst_rc
mst_cfg_targets(mst_cfg_ctx_t *c, const mst_ynode_t *provider, const mst_ynode_t *list, mst_run_cfg_t *out)
{
    char shown[MST_CFG_SHOW_MAX];
    if (provider != NULL && list != NULL)
        return mst_cfg_fail(c, MST_INVAL, list,
                            "\"provider\" is the short form of \"targets\" with one of them; give "
                            "one of the two");
    if (provider != NULL)
        return read_targets(c, &provider, 1, out);
    if (list == NULL)
        return MST_OK;
    if (list->kind != MST_Y_SEQ || list->count == 0)
        return mst_cfg_fail(c, MST_INVAL, list, "\"targets\" must be a list of at least one backend, not %s",
                            list->kind == MST_Y_SEQ ? "an empty list" : mst_cfg_what(list, shown));
    if (list->count > MST_TARGETS_MAX)
        return mst_cfg_fail(c, MST_LIMIT, list->items[MST_TARGETS_MAX], "more than %d targets", MST_TARGETS_MAX);
    return read_targets(c, list->items, list->count, out);
}

const mst_target_cfg_t *
mst_run_cfg_target(const mst_run_cfg_t *cfg, size_t target_no)
{
    return target_no < cfg->target_count ? &cfg->targets[target_no] : NULL;
}

uint32_t
mst_run_cfg_key_targets(const mst_run_cfg_t *cfg)
{
    return cfg->placement == MST_PLACE_SHARE || cfg->target_count == 0 ? 1 : (uint32_t)cfg->target_count;
}

int64_t
mst_run_cfg_concurrency(const mst_run_cfg_t *cfg, const mst_target_cfg_t *target)
{
    return target->concurrency > 0 ? target->concurrency : cfg->concurrency;
}

const mst_json_t *
mst_run_cfg_simulate(const mst_run_cfg_t *cfg, const mst_target_cfg_t *target)
{
    return target->simulate != NULL ? target->simulate : cfg->simulate;
}
