// Sets of scorers: any (the largest score, passes when one member passes) and all (the smallest, passes when every
// member does). One level, so nothing here recurses.
//
// What was not measured: a member that counts as passed for want of anything to measure proves nothing, so it is left
// out as long as another one was measured; one that counts as failed is a failed member. A set of which nothing was
// measured is not measured itself. A member that failed to score makes the set fail to score: its verdict might have
// been the deciding one.
#include "scorers/entry.h"

#include "common/base/limits.h"
#include "scorers/say.h"

#include <math.h>
#include <stdlib.h>

#define BREAKDOWN_MAX (64 * MST_KIB)

struct mst_group {
    const mst_scorer_cfg_t *cfg;
    mst_entry_t *members;
    size_t count; // of those compiled
    mst_buf_t text;
    mst_score_t *scores;
};

mst_rc
mst_group_new(const mst_scorer_cfg_t *cfg, const mst_scorer_outside_t *outside, mst_group_t **out, mst_err_t *err)
{
    mst_rc rc = MST_OK;
    mst_group_t *g = MST_NEW(mst_group_t);
    g->cfg = cfg;
    g->members = MST_NEW_ARRAY(mst_entry_t, cfg->member_count + 1);
    g->scores = MST_NEW_ARRAY(mst_score_t, cfg->member_count + 1);
    mst_buf_init(&g->text, BREAKDOWN_MAX);
    for (size_t i = 0; i < cfg->member_count && rc == MST_OK; i++) {
        const mst_scorer_cfg_t *m = &cfg->members[i];
        mst_entry_t *e = &g->members[g->count];
        MST_ASSERT(m->mode == MST_SET_NONE);
        rc = mst_entry_init(e, m, outside, err);
        if (rc != MST_OK)
            break;
        g->count++;
        if (e->scorer->scope == MST_SCOPE_RUN)
            rc = MST_ERR(err, MST_INVAL, "%s judges the whole run and cannot be part of a set: list it by itself",
                         m->kind->name);
    }
    if (rc != MST_OK)
        mst_group_free(&g);
    *out = g;
    return rc;
}

mst_rc
mst_group_number(mst_group_t *g, mst_callers_t *callers, mst_err_t *err)
{
    mst_rc rc = MST_OK;
    for (size_t i = 0; i < g->count && rc == MST_OK; i++)
        rc = mst_entry_number(&g->members[i], callers, err);
    return rc;
}

void
mst_group_free(mst_group_t **group)
{
    mst_group_t *g = group != NULL ? *group : NULL;
    if (g == NULL)
        return;
    for (size_t i = 0; i < g->count; i++)
        mst_entry_deinit(&g->members[i]);
    mst_buf_deinit(&g->text);
    free(g->members);
    free(g->scores);
    free(g);
    *group = NULL;
}

static void
write_member(mst_jw_t *w, const mst_scorer_cfg_t *cfg, const mst_score_t *s)
{
    mst_jw_obj(w);
    mst_jw_key(w, "scorer");
    mst_jw_str(w, cfg->label);
    mst_jw_key(w, "state");
    mst_jw_str(w, mst_str_c(mst_score_state_name(s->state)));
    if (s->state == MST_SCORE_OK) {
        mst_jw_key(w, "score");
        mst_jw_f64(w, s->value);
    }
    mst_jw_key(w, "passed");
    mst_jw_bool(w, s->passed);
    mst_jw_key(w, "reason");
    mst_jw_str(w, s->reason);
    if (s->breakdown.n > 0 && s->breakdown.n <= BREAKDOWN_MAX / MST_SCORERS_MAX / 2) {
        mst_jw_key(w, "breakdown");
        mst_jw_raw(w, s->breakdown);
    }
    mst_jw_obj_end(w);
}

// The members one by one; a set whose members say too much keeps its verdict and loses this.
static mst_str_t
breakdown(mst_group_t *g, mst_arena_t *arena)
{
    mst_jw_t w;
    mst_buf_reset(&g->text);
    mst_jw_init(&w, &g->text);
    mst_jw_obj(&w);
    mst_jw_key(&w, "members");
    mst_jw_arr(&w);
    for (size_t i = 0; i < g->count; i++)
        write_member(&w, g->members[i].cfg, &g->scores[i]);
    mst_jw_arr_end(&w);
    mst_jw_obj_end(&w);
    return g->text.failed ? MST_STR_NULL : mst_arena_dup(arena, mst_buf_view(&g->text), NULL);
}

// Does a score take part in the verdict? Not: skipped, or passed for want of a measurement.
static bool
decides(const mst_score_t *s)
{
    return s->state == MST_SCORE_OK || (s->state == MST_SCORE_NOT_MEASURED && !s->passed);
}

static void
conclude(mst_group_t *g, const mst_score_in_t *in, mst_score_t *s)
{
    bool any = g->cfg->mode == MST_SET_ANY;
    size_t deciding = 0, measured = 0, skipped = 0, passed = 0;
    const mst_score_t *best = NULL;
    size_t which = 0;
    for (size_t i = 0; i < g->count; i++) {
        const mst_score_t *m = &g->scores[i];
        measured += m->state == MST_SCORE_OK;
        skipped += m->state == MST_SCORE_SKIPPED;
        if (!decides(m))
            continue;
        deciding++;
        passed += m->passed;
        if (best == NULL || (any ? m->value > best->value : m->value < best->value)) {
            best = m;
            which = i;
        }
    }
    s->breakdown = breakdown(g, in->arena);
    s->passed = any ? passed > 0 || deciding == 0 : passed == deciding;
    s->value = best != NULL ? best->value : 1.0;
    s->state = measured > 0 ? MST_SCORE_OK : skipped == g->count ? MST_SCORE_SKIPPED : MST_SCORE_NOT_MEASURED;
    if (measured == 0)
        s->reason = MST_SAY(in->arena, MST_T("none of "), MST_I(g->count), MST_T(" scorers had anything to measure"));
    else
        s->reason = MST_SAY(in->arena, MST_I(passed), MST_T(" of "), MST_I(deciding), MST_T(" passed; "),
                            MST_TS(g->members[which].cfg->label), best->reason.n > 0 ? MST_T(": ") : MST_T(""),
                            MST_TS(best->reason));
}

mst_rc
mst_group_score(mst_group_t *g, const mst_score_in_t *in, mst_score_t *s, mst_err_t *err)
{
    mst_rc rc = MST_OK;
    mst_err_t own;
    bool waits = false;
    for (size_t i = 0; i < g->count; i++) {
        mst_rc one = mst_entry_score(&g->members[i], in, &g->scores[i], &own);
        waits = waits || g->scores[i].state == MST_SCORE_NEED_CALL;
        if (one != MST_OK && rc == MST_OK) {
            rc = one;
            *err = own;
        }
    }
    if (waits) { // the others speak again when the answer is there
        s->state = MST_SCORE_NEED_CALL;
        return MST_OK;
    }
    if (rc == MST_OK)
        conclude(g, in, s);
    return rc;
}
