// The scorers of one run. What holds for every scorer is here, so that no scorer file repeats it: thresholds,
// finite values, on_missing, the score's own time, and one failing scorer leaving the others alone.
#include "scorers/scorer.h"

#include "common/base/limits.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

typedef struct {
    const mst_scorer_cfg_t *cfg;
    const mst_scorer_t *scorer;
    void *state;
    size_t index; // in the run's list
} entry_t;

typedef struct {
    entry_t *items;
    size_t count;
} entries_t;

struct mst_scorer_set {
    entries_t by_scope[2];
};

// The scorer that a configured kind belongs to.
static const mst_scorer_t *
scorer_of(const mst_kind_t *kind)
{
    const mst_scorer_t *const *all = mst_scorers_all();
    for (size_t i = 0; all[i] != NULL; i++) {
        if (&all[i]->kind == kind)
            return all[i];
    }
    return NULL;
}

mst_rc
mst_scorer_set_new(const mst_run_cfg_t *cfg, mst_scorer_set_t **out, mst_err_t *err)
{
    mst_rc rc = MST_OK;
    mst_scorer_set_t *set = MST_NEW(mst_scorer_set_t);
    for (size_t scope = 0; scope < 2; scope++)
        set->by_scope[scope].items = MST_NEW_ARRAY(entry_t, cfg->scorer_count + 1);
    for (size_t i = 0; i < cfg->scorer_count && rc == MST_OK; i++) {
        const mst_scorer_cfg_t *c = &cfg->scorers[i];
        const mst_scorer_t *scorer = scorer_of(c->kind);
        if (scorer == NULL) {
            rc = MST_ERR(err, MST_NOTFOUND, "scorer \"%.*s\" is not known here", MST_FMT(c->label));
            break;
        }
        entries_t *list = &set->by_scope[scorer->scope];
        entry_t *e = &list->items[list->count];
        *e = (entry_t){.cfg = c, .scorer = scorer, .index = i};
        rc = scorer->compile != NULL ? scorer->compile(c, &e->state, err) : MST_OK;
        if (rc == MST_OK)
            list->count++;
        else
            mst_err_prefix(err, "scorer \"%.*s\"", MST_FMT(c->label));
    }
    if (rc != MST_OK)
        mst_scorer_set_free(&set);
    *out = set;
    return rc;
}

void
mst_scorer_set_free(mst_scorer_set_t **set)
{
    if (set == NULL || *set == NULL)
        return;
    for (size_t scope = 0; scope < 2; scope++) {
        entries_t *list = &(*set)->by_scope[scope];
        for (size_t i = 0; i < list->count; i++) {
            if (list->items[i].scorer->destroy != NULL)
                list->items[i].scorer->destroy(list->items[i].state);
        }
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

static mst_str_t
cut_reason(mst_str_t reason, mst_arena_t *arena)
{
    if (reason.n <= MST_REASON_MAX)
        return reason;
    mst_str_t head = mst_str_cut(reason, MST_REASON_MAX - 3);
    char *p = mst_arena_alloc_raw(arena, head.n + 3);
    if (p == NULL)
        return head;
    memcpy(p, head.p, head.n);
    memcpy(p + head.n, "...", 3);
    return mst_str(p, head.n + 3);
}

static void
set_missing(const entry_t *e, mst_score_t *s)
{
    s->passed = e->cfg->on_missing == MST_MISSING_PASS;
    s->value = s->passed ? 1.0 : 0.0;
    if (e->cfg->on_missing == MST_MISSING_SKIP)
        s->state = MST_SCORE_SKIPPED;
}

static void
set_failed(mst_score_t *s, mst_err_t *err, mst_arena_t *arena)
{
    *s = (mst_score_t){.state = MST_SCORE_ERROR};
    s->reason = mst_arena_dup(arena, mst_str_c(err->message), NULL);
}

// What every score goes through after its scorer has spoken.
static mst_rc
settle(const entry_t *e, mst_rc rc, mst_score_t *s, mst_arena_t *arena, mst_err_t *err)
{
    if (s->state == 0)
        s->state = MST_SCORE_OK;
    if (rc == MST_OK && s->state == MST_SCORE_OK && isnan(s->value))
        rc = MST_ERR(err, MST_INTERNAL, "the score is not a number");
    if (rc == MST_OK && s->state == MST_SCORE_ERROR)
        rc = MST_ERR(err, MST_INTERNAL, "%.*s", MST_FMT(s->reason));
    if (rc != MST_OK) {
        mst_err_prefix(err, "scorer \"%.*s\"", MST_FMT(e->cfg->label));
        set_failed(s, err, arena);
    } else if (s->state == MST_SCORE_NOT_MEASURED) {
        set_missing(e, s);
    } else if (s->state == MST_SCORE_OK) {
        s->value = fmin(fmax(s->value, -DBL_MAX), DBL_MAX);
        s->passed = s->value >= e->cfg->threshold && !s->veto;
    }
    s->reason = cut_reason(s->reason, arena);
    return rc;
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
        const entry_t *e = &list->items[i];
        mst_score_t *s = &scores[i];
        mst_err_t own;
        own.message[0] = '\0';
        *s = (mst_score_t){0};
        mst_rc rc = e->scorer->score(e->state, in, s, &own);
        rc = settle(e, rc, s, in->arena, &own);
        if (rc != MST_OK && *out_failed < 0) {
            *out_failed = (int)i;
            if (err != NULL)
                *err = own;
        }
        if (s->state != MST_SCORE_SKIPPED && !s->passed)
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
        const entry_t *e = &list->items[i];
        mst_err_t own;
        own.message[0] = '\0';
        scores[i] = (mst_score_t){0};
        mst_rc rc = e->scorer->run(e->state, numbers, arena, &scores[i], &own);
        (void)settle(e, rc, &scores[i], arena, &own);
        int64_t after = now_ns();
        scores[i].time_ns = after - before;
        before = after;
    }
}
