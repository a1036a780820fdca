// The scorers of one run, by scope. One failing scorer leaves the others alone; each score takes its own time.
#include "scorers/entry.h"

#include <stdlib.h>

typedef struct {
    mst_entry_t *items;
    size_t count;
} entries_t;

struct mst_scorer_set {
    entries_t by_scope[2];
    mst_scorer_outside_t outside;
    mst_callers_t callers;
};

static mst_scope_t
scope_of(const mst_entry_t *e)
{
    return e->scorer != NULL ? e->scorer->scope : MST_SCOPE_CASE;
}

// A gate has no part in the mean over cases.
static mst_rc
check_weight(const mst_entry_t *e, mst_err_t *err)
{
    if (scope_of(e) == MST_SCOPE_CASE || !e->cfg->weighted || e->cfg->weight <= 0.0)
        return MST_OK;
    return MST_ERR(err, MST_INVAL, "scorer \"%.*s\" judges the whole run and has no part in the weighted mean: leave "
                   "out weight, or set it to 0 to only look at it", MST_FMT(e->cfg->label));
}

static void
needs_of(const mst_scorer_cfg_t *cfg, mst_scorer_need_fn *fn, void *ud)
{
    const mst_scorer_t *scorer = mst_scorer_of(cfg->kind);
    if (scorer != NULL && scorer->needs != NULL)
        scorer->needs(cfg, fn, ud);
}

void
mst_scorers_needs(const mst_run_cfg_t *cfg, mst_scorer_need_fn *fn, void *ud)
{
    for (size_t i = 0; i < cfg->scorer_count; i++) {
        needs_of(&cfg->scorers[i], fn, ud);
        for (size_t k = 0; k < cfg->scorers[i].member_count; k++)
            needs_of(&cfg->scorers[i].members[k], fn, ud);
    }
}

mst_rc
mst_scorer_set_new_with(const mst_run_cfg_t *cfg, const mst_scorer_outside_t *outside, mst_scorer_set_t **out,
                        mst_err_t *err)
{
    mst_rc rc = MST_OK;
    mst_scorer_set_t *set = MST_NEW(mst_scorer_set_t);
    if (outside != NULL)
        set->outside = *outside;
    for (size_t scope = 0; scope < 2; scope++)
        set->by_scope[scope].items = MST_NEW_ARRAY(mst_entry_t, cfg->scorer_count + 1);
    for (size_t i = 0; i < cfg->scorer_count && rc == MST_OK; i++) {
        mst_entry_t e;
        rc = mst_entry_init(&e, &cfg->scorers[i], outside != NULL ? &set->outside : NULL, err);
        if (rc != MST_OK)
            break;
        e.index = i;
        entries_t *list = &set->by_scope[scope_of(&e)];
        list->items[list->count++] = e;
        rc = check_weight(&e, err);
        if (rc == MST_OK)
            rc = mst_entry_number(&list->items[list->count - 1], &set->callers, err);
    }
    if (rc != MST_OK)
        mst_scorer_set_free(&set);
    *out = set;
    return rc;
}

mst_rc
mst_scorer_set_new(const mst_run_cfg_t *cfg, mst_scorer_set_t **out, mst_err_t *err)
{
    return mst_scorer_set_new_with(cfg, NULL, out, err);
}

void
mst_scorer_set_free(mst_scorer_set_t **set)
{
    if (set == NULL || *set == NULL)
        return;
    for (size_t scope = 0; scope < 2; scope++) {
        entries_t *list = &(*set)->by_scope[scope];
        for (size_t i = 0; i < list->count; i++)
            mst_entry_deinit(&list->items[i]);
        free(list->items);
    }
    free(*set);
    *set = NULL;
}

size_t
mst_scorer_set_count(const mst_scorer_set_t *set, mst_scope_t scope)
{
    return set->by_scope[scope].count;
}

size_t
mst_scorer_set_index(const mst_scorer_set_t *set, mst_scope_t scope, size_t i)
{
    MST_ASSERT(i < set->by_scope[scope].count);
    return set->by_scope[scope].items[i].index;
}

size_t
mst_scorer_set_callers(const mst_scorer_set_t *set)
{
    return set->callers.count;
}

const mst_scorer_cfg_t *
mst_scorer_set_caller(const mst_scorer_set_t *set, size_t i)
{
    MST_ASSERT(i < set->callers.count);
    return set->callers.items[i];
}

// Weight 0: shown, decides nothing.
static bool
decides(const mst_scorer_cfg_t *cfg)
{
    return !cfg->weighted || cfg->weight > 0.0;
}

void
mst_scorer_set_score(mst_scorer_set_t *set, const mst_score_in_t *in, int64_t (*now_ns)(void), mst_score_t *scores,
                     bool *out_passed, int *out_failed, mst_err_t *err)
{
    const entries_t *list = &set->by_scope[MST_SCOPE_CASE];
    int64_t before = now_ns();
    *out_passed = true;
    *out_failed = -1;
    for (size_t i = 0; i < list->count; i++) {
        const mst_entry_t *e = &list->items[i];
        mst_score_t *s = &scores[i];
        mst_err_t own;
        mst_rc rc = mst_entry_score(e, in, s, &own);
        if (rc != MST_OK && *out_failed < 0 && decides(e->cfg)) {
            *out_failed = (int)i;
            if (err != NULL)
                *err = own;
        }
        if (s->state != MST_SCORE_SKIPPED && !s->passed && decides(e->cfg))
            *out_passed = false;
        int64_t after = now_ns();
        s->time_ns = after - before;
        before = after;
    }
}

void
mst_scorer_set_run(mst_scorer_set_t *set, const mst_run_numbers_t *numbers, mst_arena_t *arena, int64_t (*now_ns)(void),
                   mst_score_t *scores)
{
    const entries_t *list = &set->by_scope[MST_SCOPE_RUN];
    int64_t before = now_ns();
    for (size_t i = 0; i < list->count; i++) {
        mst_err_t own;
        (void)mst_entry_run(&list->items[i], numbers, arena, &scores[i], &own);
        int64_t after = now_ns();
        scores[i].time_ns = after - before;
        before = after;
    }
}
