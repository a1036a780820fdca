// One step: dispatch, then see whether a commit is due.
#include "aggregator/core/core_internal.h"

#include "common/base/mem.h"

#include <stdlib.h>

mst_aggr_t *
mst_aggr_new(size_t memory_max)
{
    mst_aggr_t *a = MST_NEW(mst_aggr_t);
    a->memory_max = memory_max;
    a->queue_end = &a->queue;
    a->feed_end = &a->feed;
    a->next_session = 1;
    a->feed_seq = 1;
    return a;
}

static void
free_batches(mst_aggr_t *a, mst_aggr_batch_t *b, mst_aggr_back_fn *release, void *ud)
{
    while (b) {
        mst_aggr_batch_t *next = b->next;
        mst_aggr_peer_done(a, b);
        if (b->payload && release)
            release(ud, b->payload);
        mst_buf_deinit(&b->large);
        free(b);
        b = next;
    }
}

void
mst_aggr_free(mst_aggr_t **at, mst_aggr_back_fn *release, mst_aggr_back_fn *forget, void *ud)
{
    if (!at || !*at)
        return;
    mst_aggr_t *a = *at;
    mst_aggr_spend(a);
    a->effect_count = 0;
    free_batches(a, a->queue, release, ud);
    free_batches(a, a->group, release, ud);
    for (size_t i = 0; i < a->effect_count && forget; i++) // workers that had left before their batches were through
        if (a->effects[i].kind == MST_AF_FORGET)
            forget(ud, a->effects[i].payload);
    mst_aggr_feed_free(a);
    mst_aggr_peers_free(a, forget, ud);
    free(a->effects);
    free(a->ids);
    free(a);
    *at = NULL;
}

mst_aggr_effect_t *
mst_aggr_emit(mst_aggr_t *a, mst_aggr_effect_kind_t kind)
{
    if (a->effect_count == a->effect_cap) {
        a->effect_cap = a->effect_cap ? 2 * a->effect_cap : 32;
        a->effects = mst_xrealloc(a->effects, a->effect_cap * sizeof *a->effects);
    }
    mst_aggr_effect_t *e = &a->effects[a->effect_count++];
    *e = (mst_aggr_effect_t){.kind = kind};
    return e;
}

static void
on_tick(mst_aggr_t *a, int64_t now_ns)
{
    mst_aggr_feed_tick(a, now_ns);
    mst_aggr_credit_all(a, true); // also the sign of life that workers listen for
    mst_aggr_try_commit(a, now_ns);
}

static void
on_goodbye(mst_aggr_t *a, uint64_t conn)
{
    mst_aggr_emit(a, MST_AF_GOODBYE_OK)->conn = conn;
    mst_aggr_on_gone(a, conn);
}

static void
dispatch(mst_aggr_t *a, const mst_aggr_event_t *ev, int64_t now_ns)
{
    switch (ev->kind) {
    case MST_AE_HELLO:
        mst_aggr_on_hello(a, ev);
        break;
    case MST_AE_BATCH:
        mst_aggr_on_batch(a, ev);
        break;
    case MST_AE_CHUNK:
        mst_aggr_on_chunk(a, ev);
        break;
    case MST_AE_GOODBYE:
        on_goodbye(a, ev->conn);
        break;
    case MST_AE_GONE:
        mst_aggr_on_gone(a, ev->conn);
        break;
    case MST_AE_IDLE:
        mst_aggr_try_commit(a, now_ns);
        break;
    case MST_AE_COMMIT_DONE:
        mst_aggr_on_done(a);
        break;
    case MST_AE_COMMIT_FAILED:
        mst_aggr_on_failed(a, ev, now_ns);
        break;
    case MST_AE_FEED_UP:
        mst_aggr_feed_up(a, now_ns);
        break;
    case MST_AE_FEED_DOWN:
        a->feed_up = false;
        a->feed_hello_ns = 0;
        mst_aggr_feed_tick(a, now_ns);
        break;
    case MST_AE_FEED_MESSAGE:
        mst_aggr_feed_put(a, ev, now_ns);
        break;
    case MST_AE_FEED_ACK:
        mst_aggr_feed_acked(a, ev->seq);
        break;
    case MST_AE_TICK:
        on_tick(a, now_ns);
        break;
    case MST_AE_STOP:
        a->stopping = a->last_try = true;
        break;
    }
}

void
mst_aggr_step(mst_aggr_t *a, const mst_aggr_event_t *ev, int64_t now_ns, mst_aggr_effects_t *out)
{
    mst_aggr_spend(a);
    a->effect_count = a->id_count = 0;
    dispatch(a, ev, now_ns);
    bool full = a->queued_rows >= MST_AGGR_GROUP_ROWS || a->queued_bytes >= MST_AGGR_GROUP_BYTES;
    if (full || a->stopping)
        mst_aggr_try_commit(a, now_ns);
    // a store that cannot be written gets one last try; what is not acknowledged is asked again on resume
    bool empty = !a->queue && !a->group;
    if (a->stopping && !a->stopped && !a->committing && (empty || ((a->failing || a->waiting) && !a->last_try))) {
        a->stopped = true;
        mst_aggr_emit(a, MST_AF_STOPPED);
    }
    *out = (mst_aggr_effects_t){.items = a->effects, .count = a->effect_count};
}

void *
mst_aggr_worker(const mst_aggr_t *a, uint64_t conn)
{
    const mst_aggr_peer_t *p = mst_aggr_peer_find(a, conn);
    return p ? p->edge : NULL;
}

void *
mst_aggr_worker_of(const mst_aggr_batch_t *b)
{
    return b->peer->edge;
}

uint64_t
mst_aggr_feed_seq(mst_aggr_t *a)
{
    return a->feed_seq++;
}

size_t
mst_aggr_held(const mst_aggr_t *a)
{
    return a->held;
}

bool
mst_aggr_busy(const mst_aggr_t *a)
{
    return a->queue != NULL;
}
