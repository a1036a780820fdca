// Workers, by connection. A worker that dials again (same instance, new connection) is the same peer: what waits
// here is acknowledged on the new connection.
#include "aggregator/core/core_internal.h"

#include "common/base/mem.h"

#include <stdlib.h>

// Place of conn in the sorted table, or where it would go.
static size_t
place(const mst_aggr_t *a, uint64_t conn)
{
    size_t lo = 0, hi = a->peer_count;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (a->peers[mid]->conn < conn)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

mst_aggr_peer_t *
mst_aggr_peer_find(const mst_aggr_t *a, uint64_t conn)
{
    size_t at = place(a, conn);
    return at < a->peer_count && a->peers[at]->conn == conn ? a->peers[at] : NULL;
}

static void
insert(mst_aggr_t *a, mst_aggr_peer_t *p)
{
    if (a->peer_count == a->peer_cap) {
        a->peer_cap = a->peer_cap ? 2 * a->peer_cap : 16;
        a->peers = mst_xrealloc(a->peers, a->peer_cap * sizeof(mst_aggr_peer_t *));
    }
    size_t at = place(a, p->conn);
    memmove(a->peers + at + 1, a->peers + at, (a->peer_count - at) * sizeof(mst_aggr_peer_t *));
    a->peers[at] = p;
    a->peer_count++;
}

static void
remove_at(mst_aggr_t *a, size_t at)
{
    a->peer_count--;
    memmove(a->peers + at, a->peers + at + 1, (a->peer_count - at) * sizeof(mst_aggr_peer_t *));
}

static void
forget_chunk(mst_aggr_t *a, mst_aggr_peer_t *p)
{
    a->held -= p->chunk.n;
    p->held -= p->chunk.n;
    mst_buf_deinit(&p->chunk);
    p->chunk_id = p->refused_id = 0;
}

static void
forget_edge(mst_aggr_t *a, void *edge)
{
    if (edge)
        mst_aggr_emit(a, MST_AF_FORGET)->payload = edge;
}

static void
free_if_done(mst_aggr_t *a, mst_aggr_peer_t *p)
{
    if (!p->gone || p->batches > 0)
        return;
    forget_edge(a, p->edge);
    free(p);
}

static mst_aggr_peer_t *
find_instance(const mst_aggr_t *a, const uint8_t instance[16], size_t *at)
{
    for (*at = 0; *at < a->peer_count; ++*at)
        if (memcmp(a->peers[*at]->instance, instance, 16) == 0)
            return a->peers[*at];
    return NULL;
}

// An equal share of the memory. Never less than one frame, so that every worker gets on.
static uint64_t
credit(const mst_aggr_t *a)
{
    uint64_t share = a->memory_max / (a->peer_count ? a->peer_count : 1);
    return share > MST_WIRE_FRAME_MAX ? share : MST_WIRE_FRAME_MAX;
}

static void
tell_credit(mst_aggr_t *a, mst_aggr_peer_t *p)
{
    p->credit_told = credit(a);
    mst_aggr_effect_t *e = mst_aggr_emit(a, MST_AF_CREDIT);
    e->conn = p->conn;
    e->bytes = p->credit_told;
}

void
mst_aggr_credit_all(mst_aggr_t *a, bool even_unchanged)
{
    for (size_t i = 0; i < a->peer_count; i++)
        if (even_unchanged || a->peers[i]->credit_told != credit(a))
            tell_credit(a, a->peers[i]);
}

void
mst_aggr_on_hello(mst_aggr_t *a, const mst_aggr_event_t *ev)
{
    size_t at;
    mst_aggr_peer_t *p = find_instance(a, ev->instance, &at);
    mst_aggr_peer_t *other = mst_aggr_peer_find(a, ev->conn);
    if (other && other != p) // another process behind the same connection: the old one is over
        mst_aggr_on_gone(a, ev->conn);
    p = find_instance(a, ev->instance, &at);
    if (!p && a->peer_count >= MST_AGGR_PEERS_MAX) {
        mst_aggr_emit(a, MST_AF_UNKNOWN)->conn = ev->conn;
        forget_edge(a, ev->payload);
        return;
    }
    if (p) {
        remove_at(a, at);
        forget_edge(a, ev->payload);
        forget_chunk(a, p); // it begins anew on the new connection
    } else {
        p = MST_NEW(mst_aggr_peer_t);
        memcpy(p->instance, ev->instance, sizeof p->instance);
        p->edge = ev->payload;
    }
    p->conn = ev->conn;
    p->session = a->next_session++;
    insert(a, p);
    mst_aggr_effect_t *e = mst_aggr_emit(a, MST_AF_HELLO_OK);
    e->conn = p->conn;
    e->session = p->session;
    tell_credit(a, p);
}

void
mst_aggr_on_gone(mst_aggr_t *a, uint64_t conn)
{
    mst_aggr_peer_t *p = mst_aggr_peer_find(a, conn);
    if (!p)
        return;
    remove_at(a, place(a, conn));
    forget_chunk(a, p);
    p->gone = true;
    free_if_done(a, p);
}

void
mst_aggr_peer_done(mst_aggr_t *a, mst_aggr_batch_t *b)
{
    mst_aggr_peer_t *p = b->peer;
    a->held -= b->bytes;
    p->held -= b->bytes;
    p->batches--;
    b->peer = NULL;
    free_if_done(a, p);
}

void
mst_aggr_peers_free(mst_aggr_t *a, mst_aggr_back_fn *forget, void *ud)
{
    for (size_t i = 0; i < a->peer_count; i++) {
        if (a->peers[i]->edge && forget)
            forget(ud, a->peers[i]->edge);
        mst_buf_deinit(&a->peers[i]->chunk);
        free(a->peers[i]);
    }
    free(a->peers);
}
