// What sections say to each other. `numerical_guard` gives the scorer numerical_stability its settings, and adds the
// scorer where none is listed. Scorers that read log-probabilities switch them on in the provider. Both show in the
// spec, so that a stored run says what really ran, and both leave alone what the configuration says itself.
#include "common/config/context.h"

#include "common/base/limits.h"

#include <stdio.h>

#define GUARDED "numerical_stability"

// A copy of values that may be changed; NULL without room.
static mst_param_value_t *
copy_values(mst_cfg_ctx_t *c, const mst_params_t *p)
{
    size_t rows = mst_cfg_rows(p->table);
    mst_param_value_t *values = MST_ARENA_ARRAY(c->arena, mst_param_value_t, rows + 1);
    if (values != NULL && rows > 0)
        memcpy(values, p->values, rows * sizeof *values);
    return values;
}

static size_t
row_named(const mst_param_t *table, const char *name, mst_param_type_t type)
{
    size_t rows = mst_cfg_rows(table);
    for (size_t i = 0; i < rows; i++)
        if (strcmp(table[i].name, name) == 0 && table[i].type == type)
            return i;
    return SIZE_MAX;
}

// Every setting of the guard that the scorer has and was not given itself.
static mst_rc
settle(mst_cfg_ctx_t *c, const mst_params_t *guard, mst_params_t *p)
{
    mst_param_value_t *values = copy_values(c, p);
    if (values == NULL)
        return mst_cfg_nomem(c);
    for (size_t i = 0; i < mst_cfg_rows(guard->table); i++) {
        size_t at = row_named(p->table, guard->table[i].name, guard->table[i].type);
        if (at != SIZE_MAX && guard->values[i].set && !values[at].given)
            values[at] = guard->values[i];
    }
    p->values = values;
    return MST_OK;
}

static const mst_kind_t *
guarded_kind(const mst_cfg_ctx_t *c)
{
    const mst_kind_t *const *k = c->env != NULL ? c->env->scorers : NULL;
    for (; k != NULL && *k != NULL; k++)
        if (strcmp((*k)->name, GUARDED) == 0)
            return *k;
    return NULL;
}

static mst_rc
append(mst_cfg_ctx_t *c, const mst_kind_t *kind, const mst_ynode_t *at, mst_scorer_cfg_t *to)
{
    mst_ynode_t none = {.kind = MST_Y_MAP, .line = at->line, .column = at->column};
    mst_params_t own;
    mst_rc rc = mst_cfg_params(c, &(mst_cfg_tables_t){.own = kind->params}, &none, &own, NULL);
    *to = (mst_scorer_cfg_t){
        .kind = kind, .threshold = kind->threshold, .on_missing = MST_MISSING_PASS, .weight = 1.0, .params = own};
    return rc;
}

// Members of a set as well; adds to *found.
static mst_rc
settle_entry(mst_cfg_ctx_t *c, const mst_kind_t *kind, const mst_params_t *guard, mst_scorer_cfg_t *s, size_t *found)
{
    mst_rc rc = MST_OK;
    if (s->kind == kind) {
        ++*found;
        return settle(c, guard, &s->params);
    }
    if (s->member_count == 0)
        return MST_OK;
    mst_scorer_cfg_t *members = MST_ARENA_ARRAY(c->arena, mst_scorer_cfg_t, s->member_count);
    if (members == NULL)
        return mst_cfg_nomem(c);
    memcpy(members, s->members, s->member_count * sizeof *members);
    for (size_t i = 0; i < s->member_count && rc == MST_OK; i++)
        if (members[i].kind == kind) {
            ++*found;
            rc = settle(c, guard, &members[i].params);
        }
    s->members = members;
    return rc;
}

// at: where the section stands.
mst_rc
mst_cfg_apply_guard(mst_cfg_ctx_t *c, const mst_params_t *guard, const mst_ynode_t *at, mst_run_cfg_t *out)
{
    const mst_kind_t *kind = guarded_kind(c);
    if (kind == NULL || !mst_params_bool(guard, "enabled"))
        return MST_OK;
    mst_scorer_cfg_t *scorers = MST_ARENA_ARRAY(c->arena, mst_scorer_cfg_t, out->scorer_count + 1);
    if (scorers == NULL)
        return mst_cfg_nomem(c);
    size_t n = out->scorer_count, found = 0;
    mst_rc rc = MST_OK;
    memcpy(scorers, out->scorers, n * sizeof *scorers);
    for (size_t i = 0; i < n && rc == MST_OK; i++)
        rc = settle_entry(c, kind, guard, &scorers[i], &found);
    if (rc == MST_OK && found == 0) {
        if (n == MST_SCORERS_MAX)
            return mst_cfg_fail(c, MST_LIMIT, at, "\"numerical_guard\" adds a scorer, but there are %d already",
                                MST_SCORERS_MAX);
        rc = append(c, kind, at, &scorers[n]);
        if (rc == MST_OK)
            rc = settle(c, guard, &scorers[n].params);
        if (rc == MST_OK)
            rc = mst_cfg_label(c, scorers, n + 1, n);
        n++;
    }
    out->scorers = scorers;
    out->scorer_count = n;
    return rc;
}

static bool
reads_logprobs(const mst_scorer_cfg_t *s)
{
    bool any = s->kind->logprobs;
    for (size_t i = 0; i < s->member_count; i++)
        any = any || s->members[i].kind->logprobs;
    return any;
}

static mst_rc
switch_on(mst_cfg_ctx_t *c, mst_params_t *p)
{
    size_t at = row_named(p->table, "logprobs", MST_P_BOOL);
    if (at == SIZE_MAX || p->values[at].given)
        return MST_OK;
    mst_param_value_t *values = copy_values(c, p);
    if (values == NULL)
        return mst_cfg_nomem(c);
    values[at].set = true;
    values[at].u.b = true;
    p->values = values;
    return MST_OK;
}

mst_rc
mst_cfg_apply_logprobs(mst_cfg_ctx_t *c, mst_run_cfg_t *out)
{
    bool wanted = false;
    for (size_t i = 0; i < out->scorer_count; i++)
        wanted = wanted || reads_logprobs(&out->scorers[i]);
    if (!wanted || out->target_count == 0)
        return MST_OK;
    mst_target_cfg_t *targets = MST_ARENA_ARRAY(c->arena, mst_target_cfg_t, out->target_count);
    if (targets == NULL)
        return mst_cfg_nomem(c);
    memcpy(targets, out->targets, out->target_count * sizeof *targets);
    out->targets = targets;
    mst_rc rc = MST_OK;
    for (size_t i = 0; i < out->target_count && rc == MST_OK; i++)
        rc = switch_on(c, &targets[i].provider.params);
    return rc;
}
