// What the workers say about a run under way, added up: for the budget that they share, and for people. A worker holds
// itself to what is left of the budget; what several of them spend at one time is seen here, and ends the run as soon
// as it is too much.
#include "coordinator/coordinator_internal.h"

#include <stdlib.h>

#include "common/base/log.h"

void
mst_note_before(mst_coordinator_t *c, const Muster__RunNote *spent)
{
    if (spent == NULL)
        return;
    c->run.before.requests = spent->requests;
    c->run.before.tokens = spent->tokens;
    c->run.before.money = spent->money;
}

void
mst_note_deinit(mst_crun_t *r)
{
    free(r->notes);
    r->notes = NULL;
    r->note_count = 0;
}

mst_crun_note_t
mst_note_sum(const mst_crun_t *r)
{
    mst_crun_note_t sum = r->before;
    for (size_t i = 0; i < r->note_count; i++) {
        const mst_crun_note_t *n = &r->notes[i];
        sum.requests += n->requests;
        sum.tokens += n->tokens;
        sum.money += n->money;
        sum.retries += n->retries;
        sum.raises += n->raises;
        sum.cuts += n->cuts;
        sum.places += n->places;
        sum.lowest = sum.lowest == 0 || (n->lowest > 0 && n->lowest < sum.lowest) ? n->lowest : sum.lowest;
    }
    return sum;
}

static mst_crun_note_t *
note_of(mst_crun_t *r, uint64_t session)
{
    for (size_t i = 0; i < r->note_count; i++)
        if (r->notes[i].session == session)
            return &r->notes[i];
    if (r->note_count == MST_COORD_SESSIONS_MAX)
        return NULL;
    r->notes = mst_xrealloc(r->notes, (r->note_count + 1) * sizeof *r->notes);
    r->notes[r->note_count] = (mst_crun_note_t){.session = session};
    return &r->notes[r->note_count++];
}

static void
check_budget(mst_coordinator_t *c)
{
    mst_crun_note_t sum = mst_note_sum(&c->run);
    const mst_budget_cfg_t *b = &c->run.cfg.budget;
    bool over = (b->requests > 0 && sum.requests > (uint64_t)b->requests) ||
                (b->tokens > 0 && sum.tokens > (uint64_t)b->tokens) ||
                (b->money > 0.0 && sum.money > b->money * (1.0 + 1e-9));
    if (!over || c->run.error.rc != MST_OK)
        return;
    (void)MST_ERR(&c->run.error, MST_LIMIT, "the budget is spent: %llu requests, %llu tokens, %.6g money",
                  (unsigned long long)sum.requests, (unsigned long long)sum.tokens, sum.money);
    mst_coord_event_t ev = {.kind = MST_CE_BUDGET};
    mst_coordinator_step(c, &ev);
}

void
mst_note_take(mst_coordinator_t *c, uint64_t session, const Muster__RunNote *m)
{
    if (!mst_crun_active(c) || m->run_no != c->run.run_no)
        return;
    mst_crun_note_t *n = note_of(&c->run, session);
    if (n == NULL)
        return;
    n->requests = m->requests;
    n->tokens = m->tokens;
    n->money = m->money;
    n->retries = m->retries;
    n->places = m->places;
    n->lowest = m->lowest;
    n->raises = m->raises;
    n->cuts = m->cuts;
    check_budget(c);
}
