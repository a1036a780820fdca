// The sections scorers and provider: which kind it is, then its own table.
#include "common/config/context.h"

#include "common/base/limits.h"
#include "common/config/scalar.h"

#include <stdio.h>

const mst_param_t mst_scorer_cfg_table[] = {
    {.name = "scorer_name", .alias = "name|type", .type = MST_P_STR, .required = true,
     .help = "which scorer (muster list-scorers)"},
    {.name = "tier", .type = MST_P_ENUM, .choices = "L1|L2|L3|L4|RAG", .help = "its tier; may be left out"},
    {.name = "threshold", .type = MST_P_NUM, .min = 0, .max = 1,
     .help = "a score of at least this passes; the scorer's own when not given"},
    {.name = "on_missing", .type = MST_P_ENUM, .dflt = "pass", .choices = "pass|skip|fail",
     .help = "what a case counts as when the scorer has nothing to measure; always shown as not measured"},
    {.name = "label", .type = MST_P_STR, .help = "its name in reports; the scorer's name when not given"},
    {.name = "reduce", .type = MST_P_STRLIST,
     .help = "how its repeats become one number; the run's `reduce` when not given"},
    {.name = NULL},
};

enum { ROW_NAME, ROW_TIER, ROW_THRESHOLD, ROW_MISSING, ROW_LABEL, ROW_REDUCE };

static const mst_param_t provider_table[] = {
    {.name = "provider_type", .alias = "type|name", .type = MST_P_STR, .required = true},
    {.name = NULL},
};

static const char *const missing_names[] = {"pass", "skip", "fail"};

const char *
mst_cfg_on_missing_name(mst_on_missing_t v)
{
    return missing_names[v];
}

static const mst_kind_t *
find_kind(const mst_kind_t *const *kinds, mst_str_t name)
{
    for (; kinds != NULL && *kinds != NULL; kinds++)
        if (mst_str_eq_c(name, (*kinds)->name) || mst_cfg_in_list((*kinds)->aliases, name))
            return *kinds;
    return NULL;
}

static mst_rc
unknown_kind(mst_cfg_ctx_t *c, const mst_kind_t *const *kinds, const char *noun, const mst_ynode_t *n)
{
    char shown[MST_CFG_SHOW_MAX], hint[MST_CFG_SHOW_MAX + 24], known[240] = "";
    size_t used = 0;
    mst_cfg_near_t near = {.wanted = n->text};
    for (const mst_kind_t *const *k = kinds; k != NULL && *k != NULL; k++) {
        mst_cfg_near(&near, (*k)->name);
        mst_cfg_near_list(&near, (*k)->aliases);
        if (used + strlen((*k)->name) + 20 < sizeof known)
            used += (size_t)snprintf(known + used, sizeof known - used, "%s%s", used == 0 ? "; known are " : ", ",
                                     (*k)->name);
    }
    return mst_cfg_fail(c, MST_INVAL, n, "unknown %s \"%s\"%s%s", noun, mst_cfg_show(n->text, shown),
                        mst_cfg_hint(&near, hint), near.best.n > 0 ? "" : known);
}

// Reads which kind a map is of.
static mst_rc
read_kind(mst_cfg_ctx_t *c, const mst_kind_t *const *kinds, const char *noun, const mst_ynode_t *map,
          const mst_param_t *row, const mst_kind_t **out)
{
    char shown[MST_CFG_SHOW_MAX];
    if (map->kind != MST_Y_MAP)
        return mst_cfg_fail(c, MST_INVAL, map, "a %s must be a map of settings, not %s; write {%s: ...}", noun,
                            mst_cfg_what(map, shown), row->name);
    const mst_ynode_t *n = mst_cfg_find(map, row);
    if (n == NULL)
        return mst_cfg_fail(c, MST_INVAL, map, "\"%s\" is missing: which %s is it", row->name, noun);
    mst_param_value_t v = {0};
    mst_rc rc = mst_cfg_value(c, row, n, &v);
    if (rc != MST_OK)
        return rc;
    *out = find_kind(kinds, v.u.s);
    return *out != NULL ? MST_OK : unknown_kind(c, kinds, noun, n);
}

static bool
printable(mst_str_t s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
            return false;
    return s.n > 0 && s.n <= 200;
}

static mst_rc
read_scorer(mst_cfg_ctx_t *c, const mst_ynode_t *map, mst_scorer_cfg_t *out)
{
    mst_rc rc = read_kind(c, c->env != NULL ? c->env->scorers : NULL, "scorer", map,
                          &mst_scorer_cfg_table[ROW_NAME], &out->kind);
    if (rc != MST_OK)
        return rc;
    char section[128];
    snprintf(section, sizeof section, "scorer \"%s\"", out->kind->name);
    c->section = section;
    mst_params_t own;
    rc = mst_cfg_params(c, &(mst_cfg_tables_t){.own = mst_scorer_cfg_table, .kind = out->kind->params}, map, &own,
                        &out->params);
    c->section = NULL;
    if (rc != MST_OK)
        return rc;
    const mst_param_value_t *v = own.values;
    if (v[ROW_TIER].set && out->kind->tier != NULL && !mst_str_eq_c(v[ROW_TIER].u.s, out->kind->tier))
        return mst_cfg_fail(c, MST_INVAL, mst_cfg_find(map, &mst_scorer_cfg_table[ROW_TIER]),
                            "scorer \"%s\" is of tier %s, not %.*s", out->kind->name, out->kind->tier,
                            MST_FMT(v[ROW_TIER].u.s));
    out->threshold = v[ROW_THRESHOLD].set ? v[ROW_THRESHOLD].u.d : out->kind->threshold;
    for (size_t i = 0; i < sizeof missing_names / sizeof missing_names[0]; i++)
        if (mst_str_eq_c(v[ROW_MISSING].u.s, missing_names[i]))
            out->on_missing = (mst_on_missing_t)i;
    out->label = v[ROW_LABEL].u.s;
    if (v[ROW_LABEL].set && !printable(out->label))
        return mst_cfg_fail(c, MST_INVAL, mst_cfg_find(map, &mst_scorer_cfg_table[ROW_LABEL]),
                            "\"label\" must be a line of 1 to 200 bytes without control characters");
    return mst_cfg_reduce(c, mst_cfg_find(map, &mst_scorer_cfg_table[ROW_REDUCE]), &v[ROW_REDUCE], &out->reduce,
                          &out->reduce_count);
}

static bool
label_taken(const mst_scorer_cfg_t *scorers, size_t count, const mst_scorer_cfg_t *self, mst_str_t label)
{
    for (size_t i = 0; i < count; i++)
        if (&scorers[i] != self && mst_str_eq(scorers[i].label, label))
            return true;
    return false;
}

mst_rc
mst_cfg_label(mst_cfg_ctx_t *c, mst_scorer_cfg_t *scorers, size_t count, size_t i)
{
    char label[256];
    bool ok;
    snprintf(label, sizeof label, "%s", scorers[i].kind->name);
    for (unsigned k = 2; label_taken(scorers, count, &scorers[i], mst_str_c(label)); k++)
        snprintf(label, sizeof label, "%s#%u", scorers[i].kind->name, k);
    scorers[i].label = mst_arena_dup(c->arena, mst_str_c(label), &ok);
    return ok ? MST_OK : mst_cfg_nomem(c);
}

// Reports go by label, so each is used once: "length", "length#2", ...
static mst_rc
label_scorers(mst_cfg_ctx_t *c, const mst_ynode_t *n, mst_scorer_cfg_t *scorers)
{
    char shown[MST_CFG_SHOW_MAX];
    for (size_t i = 0; i < n->count; i++)
        if (scorers[i].label.n > 0 && label_taken(scorers, i, NULL, scorers[i].label))
            return mst_cfg_fail(c, MST_INVAL, mst_cfg_find(n->items[i], &mst_scorer_cfg_table[ROW_LABEL]),
                                "label \"%s\" is used by an earlier scorer", mst_cfg_show(scorers[i].label, shown));
    mst_rc rc = MST_OK;
    for (size_t i = 0; i < n->count && rc == MST_OK; i++)
        if (scorers[i].label.n == 0)
            rc = mst_cfg_label(c, scorers, n->count, i);
    return rc;
}

mst_rc
mst_cfg_scorers(mst_cfg_ctx_t *c, const mst_ynode_t *n, mst_run_cfg_t *out)
{
    char shown[MST_CFG_SHOW_MAX];
    if (n->kind != MST_Y_SEQ || n->count == 0)
        return mst_cfg_fail(c, MST_INVAL, n, "\"scorers\" must be a list of at least one scorer, not %s",
                            n->kind == MST_Y_SEQ ? "an empty list" : mst_cfg_what(n, shown));
    if (n->count > MST_SCORERS_MAX)
        return mst_cfg_fail(c, MST_LIMIT, n->items[MST_SCORERS_MAX], "more than %d scorers", MST_SCORERS_MAX);
    mst_scorer_cfg_t *scorers = MST_ARENA_ARRAY(c->arena, mst_scorer_cfg_t, n->count);
    if (scorers == NULL)
        return mst_cfg_nomem(c);
    for (size_t i = 0; i < n->count; i++) {
        mst_rc rc = read_scorer(c, n->items[i], &scorers[i]);
        if (rc != MST_OK)
            return rc;
    }
    out->scorers = scorers;
    out->scorer_count = n->count;
    return label_scorers(c, n, scorers);
}

mst_rc
mst_cfg_provider(mst_cfg_ctx_t *c, const mst_ynode_t *n, mst_provider_cfg_t *out)
{
    *out = (mst_provider_cfg_t){0};
    if (n == NULL)
        return MST_OK;
    mst_rc rc = read_kind(c, c->env != NULL ? c->env->providers : NULL, "provider", n, &provider_table[0], &out->kind);
    if (rc != MST_OK)
        return rc;
    char section[128];
    snprintf(section, sizeof section, "provider \"%s\"", out->kind->name);
    c->section = section;
    mst_params_t own;
    rc = mst_cfg_params(c, &(mst_cfg_tables_t){.own = provider_table, .kind = out->kind->params}, n, &own,
                        &out->params);
    c->section = NULL;
    return rc;
}
