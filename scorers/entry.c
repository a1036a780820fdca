// What holds for every scorer is here, so that no scorer file repeats it: thresholds, finite values, negation,
// on_missing, and an error that names the scorer.
#include "scorers/entry.h"

#include "common/base/limits.h"

#include <float.h>
#include <math.h>

const mst_scorer_t *
mst_scorer_of(const mst_kind_t *kind)
{
    const mst_scorer_t *const *all = mst_scorers_all();
    for (size_t i = 0; all[i] != NULL; i++) {
        if (&all[i]->kind == kind)
            return all[i];
    }
    return NULL;
}

static mst_rc
compile(mst_entry_t *e, mst_err_t *err)
{
    const mst_scorer_t *s = e->scorer;
    if (s->outside)
        return e->outside != NULL ? e->outside->open(e->outside->ud, e->cfg, &e->state, err) : MST_OK;
    return s->compile != NULL ? s->compile(e->cfg, &e->state, err) : MST_OK;
}

mst_rc
mst_entry_init(mst_entry_t *e, const mst_scorer_cfg_t *cfg, const mst_scorer_outside_t *outside, mst_err_t *err)
{
    *e = (mst_entry_t){.cfg = cfg, .outside = outside};
    mst_rc rc;
    if (cfg->mode != MST_SET_NONE) {
        rc = mst_group_new(cfg, outside, &e->group, err);
    } else {
        e->scorer = mst_scorer_of(cfg->kind);
        if (e->scorer == NULL)
            return MST_ERR(err, MST_NOTFOUND, "scorer \"%.*s\" is not known here", MST_FMT(cfg->label));
        rc = compile(e, err);
    }
    if (rc != MST_OK) {
        e->scorer = NULL;
        mst_err_prefix(err, "scorer \"%.*s\"", MST_FMT(cfg->label));
    }
    return rc;
}

mst_rc
mst_entry_number(mst_entry_t *e, mst_callers_t *callers, mst_err_t *err)
{
    if (e->group != NULL)
        return mst_group_number(e->group, callers, err);
    if (e->scorer->outside || e->scorer->kind.calls == 0 || e->cfg->endpoint.kind == NULL)
        return MST_OK;
    if (callers->count == MST_CALLERS_MAX)
        return MST_ERR(err, MST_LIMIT, "more than %d scorers ask an endpoint of their own", MST_CALLERS_MAX);
    callers->items[callers->count++] = e->cfg;
    e->caller = callers->count;
    return MST_OK;
}

void
mst_entry_deinit(mst_entry_t *e)
{
    mst_group_free(&e->group);
    if (e->scorer == NULL)
        return;
    if (e->scorer->outside && e->outside != NULL)
        e->outside->close(e->state);
    else if (e->scorer->destroy != NULL)
        e->scorer->destroy(e->state);
    e->scorer = NULL;
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
set_missing(const mst_entry_t *e, mst_score_t *s)
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

// The verdict of a measured score. Members of a set have decided already, unless the set has a threshold of its own.
static void
judge(const mst_entry_t *e, mst_score_t *s, mst_arena_t *arena)
{
    s->value = fmin(fmax(s->value, -DBL_MAX), DBL_MAX);
    if (!isnan(e->cfg->threshold))
        s->passed = s->value >= e->cfg->threshold && !s->veto;
    if (!e->cfg->negate)
        return;
    static const mst_str_t head = {"negated: ", 9};
    s->passed = !s->passed;
    s->value = 1.0 - s->value;
    char *p = mst_arena_alloc_raw(arena, head.n + s->reason.n);
    if (p == NULL)
        return;
    memcpy(p, head.p, head.n);
    if (s->reason.n > 0)
        memcpy(p + head.n, s->reason.p, s->reason.n);
    s->reason = mst_str(p, head.n + s->reason.n);
}

static mst_rc
settle(const mst_entry_t *e, mst_rc rc, mst_score_t *s, mst_arena_t *arena, mst_err_t *err)
{
    if (rc == MST_OK && s->state == MST_SCORE_NEED_CALL && e->caller == 0 && e->group == NULL)
        rc = MST_ERR(err, MST_UNSUPPORTED, "it needs an answer from its endpoint, which nobody asks here");
    if (rc == MST_OK && s->state == MST_SCORE_NEED_CALL)
        return rc;
    if (s->state == 0)
        s->state = MST_SCORE_OK;
    if (rc == MST_OK && s->state == MST_SCORE_OK && isnan(s->value))
        rc = MST_ERR(err, MST_INTERNAL, "the score is not a number");
    if (rc == MST_OK && s->state == MST_SCORE_ERROR)
        rc = MST_ERR(err, MST_INTERNAL, "%.*s", MST_FMT(s->reason));
    if (rc != MST_OK) {
        mst_err_prefix(err, "scorer \"%.*s\"", MST_FMT(e->cfg->label));
        set_failed(s, err, arena);
    } else if (s->state == MST_SCORE_NOT_MEASURED && e->group == NULL) {
        set_missing(e, s);
    } else if (s->state == MST_SCORE_OK) {
        judge(e, s, arena);
    }
    s->reason = cut_reason(s->reason, arena);
    return rc;
}

// A scorer with an endpoint of its own: its replies so far go in, its next ask comes out.
static mst_rc
ask_with_call(const mst_entry_t *e, const mst_score_in_t *in, mst_score_t *s, mst_err_t *err)
{
    mst_score_call_t *call = &in->calls[e->caller - 1];
    mst_score_in_t own = *in;
    own.call = call;
    call->wanted = false;
    if (call->error.rc != MST_OK) {
        *err = call->error;
        return err->rc;
    }
    call->ask = (mst_ask_t){.c = in->c};
    mst_rc rc = e->scorer->score(e->state, &own, s, err);
    if (rc != MST_OK || s->state != MST_SCORE_NEED_CALL)
        return rc;
    if (call->reply_count >= MST_SCORE_CALLS_MAX)
        return MST_ERR(err, MST_LIMIT, "more than %d calls about one case", MST_SCORE_CALLS_MAX);
    call->wanted = true;
    return MST_OK;
}

static mst_rc
ask(const mst_entry_t *e, const mst_score_in_t *in, mst_score_t *s, mst_err_t *err)
{
    if (e->group != NULL)
        return mst_group_score(e->group, in, s, err);
    if (e->caller > 0 && in->calls != NULL)
        return ask_with_call(e, in, s, err);
    if (!e->scorer->outside)
        return e->scorer->score(e->state, in, s, err);
    if (e->outside == NULL)
        return MST_ERR(err, MST_UNSUPPORTED, "scorers of type %s are not run here", e->cfg->kind->name);
    return e->outside->score(e->state, in, s, err);
}

mst_rc
mst_entry_score(const mst_entry_t *e, const mst_score_in_t *in, mst_score_t *s, mst_err_t *err)
{
    err->message[0] = '\0';
    *s = (mst_score_t){0};
    return settle(e, ask(e, in, s, err), s, in->arena, err);
}

mst_rc
mst_entry_run(const mst_entry_t *e, const mst_run_numbers_t *numbers, mst_arena_t *arena, mst_score_t *s,
              mst_err_t *err)
{
    err->message[0] = '\0';
    *s = (mst_score_t){0};
    return settle(e, e->scorer->run(e->state, numbers, arena, s, err), s, arena, err);
}
