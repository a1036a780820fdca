// The section scorers: each entry by the table that all scorers share and its scorer's own, sets of entries, labels.
#include "common/config/context.h"

#include "common/base/limits.h"
#include "common/config/scalar.h"

#include <math.h>
#include <stdio.h>

#define NEGATE                                                                                                         \
    {                                                                                                                  \
        .name = "negate", .type = MST_P_BOOL, .dflt = "false",                                                         \
        .help = "passes when the scorer does not; the score becomes 1 less the scorer's (also: `not-` before the "     \
                "scorer's name)"                                                                                       \
    }
#define WEIGHT                                                                                                         \
    {                                                                                                                  \
        .name = "weight", .type = MST_P_NUM, .min = 0, .max = 1e6,                                                     \
        .help = "share in the weighted mean, which is shown when any scorer has a weight (1 when not given); 0: "      \
                "measured and shown, but decides nothing"                                                              \
    }

#define REDUCE                                                                                                         \
    {                                                                                                                  \
        .name = "reduce", .type = MST_P_STRLIST,                                                                       \
        .help = "how its repeats become one number; the run's `reduce` when not given"                                 \
    }

const mst_param_t mst_scorer_cfg_table[] = {
    {.name = "scorer_name", .alias = "name|type", .type = MST_P_STR, .required = true,
     .help = "which scorer (muster list-scorers)"},
    {.name = "tier", .type = MST_P_ENUM, .choices = "L1|L2|L3|L4|RAG", .help = "its tier; may be left out"},
    {.name = "threshold", .type = MST_P_NUM, .min = 0, .max = 1,
     .help = "a score of at least this passes; the scorer's own when not given"},
    {.name = "on_missing", .type = MST_P_ENUM, .dflt = "pass", .choices = "pass|skip|fail",
     .help = "what a case counts as when the scorer has nothing to measure; always shown as not measured"},
    {.name = "label", .type = MST_P_STR, .help = "its name in reports; the scorer's name when not given"},
    REDUCE,
    NEGATE,
    WEIGHT,
    {.name = NULL},
};

enum { ROW_NAME, ROW_TIER, ROW_THRESHOLD, ROW_MISSING, ROW_LABEL, ROW_REDUCE, ROW_NEGATE, ROW_WEIGHT };

const mst_param_t mst_set_cfg_table[] = {
    {.name = "any", .type = MST_P_JSON,
     .help = "list of scorers: passes when one of them passes; the score is the largest of theirs"},
    {.name = "all", .type = MST_P_JSON,
     .help = "list of scorers: passes when all of them pass; the score is the smallest of theirs"},
    {.name = "threshold", .type = MST_P_NUM, .min = 0, .max = 1,
     .help = "a score of at least this passes; when not given, the members' verdicts decide"},
    {.name = "label", .type = MST_P_STR, .help = "its name in reports; any or all when not given"},
    REDUCE,
    NEGATE,
    WEIGHT,
    {.name = NULL},
};

enum { SET_ANY, SET_ALL, SET_THRESHOLD, SET_LABEL, SET_REDUCE, SET_NEGATE, SET_WEIGHT };

static const char *const missing_names[] = {"pass", "skip", "fail"};

const char *
mst_cfg_on_missing_name(mst_on_missing_t v)
{
    return missing_names[v];
}

// label, reduce, negate and weight, which scorers and sets have in common.
static mst_rc
read_common(mst_cfg_ctx_t *c, const mst_ynode_t *map, const mst_params_t *own, mst_scorer_cfg_t *out)
{
    const mst_param_value_t *weight = mst_params_get(own, "weight");
    out->negate = mst_params_bool(own, "negate");
    out->weighted = weight->set;
    out->weight = weight->set ? weight->u.d : 1.0;
    out->label = mst_params_str(own, "label");
    if (mst_params_set(own, "label") && !mst_cfg_is_label(out->label))
        return mst_cfg_fail(c, MST_INVAL, mst_cfg_find(map, &mst_scorer_cfg_table[ROW_LABEL]),
                            "\"label\" must be a line of 1 to 200 bytes without control characters");
    return mst_cfg_reduce(c, mst_cfg_find(map, &mst_scorer_cfg_table[ROW_REDUCE]), mst_params_get(own, "reduce"),
                          &out->reduce, &out->reduce_count);
}

// Whom a scorer asks: one section, read like the run's provider.
static mst_rc
read_endpoint(mst_cfg_ctx_t *c, const mst_ynode_t *map, mst_scorer_cfg_t *out)
{
    const mst_ynode_t *provider = mst_yaml_get(map, "provider"), *embeddings = mst_yaml_get(map, "embeddings");
    if (out->kind->calls == 0)
        return MST_OK;
    if (provider != NULL && embeddings != NULL)
        return mst_cfg_fail(c, MST_INVAL, embeddings, "\"provider\" and \"embeddings\" say the same; give one of them");
    return mst_cfg_provider(c, provider != NULL ? provider : embeddings, &out->endpoint);
}

static mst_rc
read_scorer(mst_cfg_ctx_t *c, const mst_ynode_t *node, mst_scorer_cfg_t *out)
{
    static const char *const endpoints[] = {"provider", "embeddings", NULL};
    mst_cfg_entry_t entry;
    mst_rc rc = mst_cfg_entry(c, node, &entry);
    if (rc != MST_OK)
        return rc;
    const mst_ynode_t *map = entry.map;
    char section[128];
    out->kind = entry.kind;
    snprintf(section, sizeof section, "scorer \"%s\"", out->kind->name);
    c->section = section;
    mst_params_t own;
    const mst_cfg_tables_t tables = {.own = mst_scorer_cfg_table,
                                     .kind = out->kind->params,
                                     .also = out->kind->calls != 0 ? endpoints : NULL};
    rc = mst_cfg_params(c, &tables, map, &own, &out->params);
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
    rc = read_common(c, map, &own, out);
    if (rc == MST_OK && entry.negate && v[ROW_NEGATE].given)
        return mst_cfg_fail(c, MST_INVAL, mst_cfg_find(map, &mst_scorer_cfg_table[ROW_NEGATE]),
                            "\"not-\" before the scorer's name and \"negate\" say the same; give one of them");
    out->negate = out->negate || entry.negate;
    return rc == MST_OK ? read_endpoint(c, map, out) : rc;
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
    char base[240], label[256];
    bool ok;
    snprintf(base, sizeof base, "%s%.200s", scorers[i].negate ? "not-" : "", scorers[i].kind->name);
    snprintf(label, sizeof label, "%s", base);
    for (unsigned k = 2; label_taken(scorers, count, &scorers[i], mst_str_c(label)); k++)
        snprintf(label, sizeof label, "%s#%u", base, k);
    scorers[i].label = mst_arena_dup(c->arena, mst_str_c(label), &ok);
    return ok ? MST_OK : mst_cfg_nomem(c);
}

// Reports go by label, so each is used once: "length", "length#2", "not-length", ...
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

static bool
is_set(const mst_ynode_t *n)
{
    return n->kind == MST_Y_MAP && (mst_yaml_get(n, "any") != NULL || mst_yaml_get(n, "all") != NULL);
}

// The members of a set: scorers, no sets, without a weight of their own.
static mst_rc
read_members(mst_cfg_ctx_t *c, const char *name, const mst_ynode_t *n, mst_scorer_cfg_t **out)
{
    char shown[MST_CFG_SHOW_MAX];
    if (n->kind != MST_Y_SEQ || n->count == 0)
        return mst_cfg_fail(c, MST_INVAL, n, "\"%s\" must be a list of at least one scorer, not %s", name,
                            n->kind == MST_Y_SEQ ? "an empty list" : mst_cfg_what(n, shown));
    if (n->count > MST_SCORERS_MAX)
        return mst_cfg_fail(c, MST_LIMIT, n->items[MST_SCORERS_MAX], "more than %d scorers in one set",
                            MST_SCORERS_MAX);
    mst_scorer_cfg_t *members = MST_ARENA_ARRAY(c->arena, mst_scorer_cfg_t, n->count);
    if (members == NULL)
        return mst_cfg_nomem(c);
    for (size_t i = 0; i < n->count; i++) {
        if (is_set(n->items[i]))
            return mst_cfg_fail(c, MST_UNSUPPORTED, n->items[i],
                                "a set inside \"%s\"; sets have one level: list its scorers here", name);
        mst_rc rc = read_scorer(c, n->items[i], &members[i]);
        if (rc != MST_OK)
            return rc;
        if (members[i].weighted)
            return mst_cfg_fail(c, MST_INVAL, mst_cfg_find(n->items[i], &mst_scorer_cfg_table[ROW_WEIGHT]),
                                "a scorer of a set has no \"weight\"; give it to the set");
    }
    *out = members;
    return label_scorers(c, n, members);
}

// A kind for reports: the members' tier, or "mixed".
static const mst_kind_t *
set_kind(mst_cfg_ctx_t *c, const mst_scorer_cfg_t *set)
{
    mst_kind_t *kind = MST_ARENA_NEW(c->arena, mst_kind_t);
    if (kind == NULL)
        return NULL;
    kind->name = set->mode == MST_SET_ANY ? "any" : "all";
    kind->help = set->mode == MST_SET_ANY ? "the largest score of several scorers; passes when one of them passes"
                                          : "the smallest score of several scorers; passes when all of them pass";
    kind->threshold = (double)NAN;
    kind->tier = set->members[0].kind->tier;
    for (size_t i = 1; i < set->member_count; i++)
        if (kind->tier != NULL && strcmp(kind->tier, set->members[i].kind->tier) != 0)
            kind->tier = "mixed";
    return kind;
}

static mst_rc
read_set(mst_cfg_ctx_t *c, const mst_ynode_t *map, mst_scorer_cfg_t *out)
{
    static const char *const lists[] = {"any", "all", NULL};
    const mst_ynode_t *any = mst_yaml_get(map, "any"), *all = mst_yaml_get(map, "all");
    if (any != NULL && all != NULL)
        return mst_cfg_fail(c, MST_INVAL, map, "\"any\" and \"all\" in one entry; make two entries of it");
    mst_params_t own;
    c->section = "a set of scorers";
    mst_rc rc = mst_cfg_params(c, &(mst_cfg_tables_t){.own = mst_set_cfg_table, .also = lists}, map, &own, NULL);
    c->section = NULL;
    if (rc == MST_OK)
        rc = read_common(c, map, &own, out);
    if (rc != MST_OK)
        return rc;
    const mst_ynode_t *list = any != NULL ? any : all;
    out->mode = any != NULL ? MST_SET_ANY : MST_SET_ALL;
    out->threshold = mst_params_num(&own, "threshold", (double)NAN);
    mst_scorer_cfg_t *members = NULL;
    rc = read_members(c, any != NULL ? "any" : "all", list, &members);
    if (rc != MST_OK)
        return rc;
    out->members = members;
    out->member_count = list->count;
    out->kind = set_kind(c, out);
    return out->kind != NULL ? MST_OK : mst_cfg_nomem(c);
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
        const mst_ynode_t *entry = n->items[i];
        mst_rc rc = is_set(entry) ? read_set(c, entry, &scorers[i]) : read_scorer(c, entry, &scorers[i]);
        if (rc != MST_OK)
            return rc;
    }
    out->scorers = scorers;
    out->scorer_count = n->count;
    return label_scorers(c, n, scorers);
}
