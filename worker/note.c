#include "worker/note.h"

#include "common/base/log.h"
#include "worker/io.h"

static mst_run_note_t
note_of(const mst_io_run_t *run)
{
    mst_run_note_t n = {.spent = run->spent};
    for (size_t i = 0; i < run->target_count; i++) {
        const mst_throttle_t *p = mst_flow_throttle(run->targets[i].flow);
        n.retries += mst_flow_retries(run->targets[i].flow);
        n.raises += p->raises;
        n.cuts += p->cuts;
        n.places += mst_throttle_places(p);
        n.lowest = n.lowest == 0 || p->lowest < n.lowest ? p->lowest : n.lowest;
    }
    return n;
}

static bool
same(const mst_run_note_t *a, const mst_run_note_t *b)
{
    return a->spent.requests == b->spent.requests && a->spent.tokens == b->spent.tokens && a->retries == b->retries &&
           a->raises == b->raises && a->cuts == b->cuts && a->places == b->places;
}

void
mst_note_tell(mst_io_t *io, mst_io_run_t *run, bool adaptive_only)
{
    if (!run->used || !run->run || run->run->target_count == 0)
        return;
    mst_run_note_t n = note_of(run);
    bool moved = n.raises != run->told.raises || n.cuts != run->told.cuts;
    if (adaptive_only ? !moved : same(&n, &run->told))
        return;
    if (moved)
        mst_info("places at the backend run=%u from=%u to=%u raises=%llu cuts=%llu", run->run_no, run->told.places,
                 n.places, (unsigned long long)n.raises, (unsigned long long)n.cuts);
    Muster__RunNote m = MUSTER__RUN_NOTE__INIT;
    m.run_no = run->run_no;
    m.has_requests = m.has_tokens = m.has_money = m.has_retries = true;
    m.has_places = m.has_lowest = m.has_raises = m.has_cuts = true;
    m.requests = n.spent.requests;
    m.tokens = n.spent.tokens;
    m.money = n.spent.money;
    m.retries = n.retries;
    m.places = n.places;
    m.lowest = n.lowest;
    m.raises = n.raises;
    m.cuts = n.cuts;
    mst_session_try(&io->control, MUSTER__ENVELOPE__BODY_RUN_NOTE, &m);
    run->told = n;
}
