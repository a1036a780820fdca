// Batches from arrival to acknowledgement.
#include "aggregator/core/core_internal.h"

#include "common/base/mem.h"

#include <stdio.h>
#include <stdlib.h>

#define RETRY_NS 1000000000LL // between two tries to commit what could not be stored

static void
nack(mst_aggr_t *a, uint64_t conn, uint64_t batch_id, uint32_t code, const char *text)
{
    mst_aggr_effect_t *e = mst_aggr_emit(a, MST_AF_NACK);
    e->conn = conn;
    e->batch_id = batch_id;
    e->code = code;
    e->text = mst_str_c(text);
}

static void
release(mst_aggr_t *a, void *payload)
{
    if (payload)
        mst_aggr_emit(a, MST_AF_RELEASE)->payload = payload;
}

static void
enqueue(mst_aggr_t *a, mst_aggr_batch_t *b)
{
    b->peer->batches++;
    a->queued_rows += b->rows;
    a->queued_bytes += b->bytes;
    *a->queue_end = b;
    a->queue_end = &b->next;
}

// Honest workers stay within what they were told; the rest is let go, and comes again with a new session.
static bool
within_credit(const mst_aggr_t *a, const mst_aggr_peer_t *p, size_t more)
{
    if (p->held == 0)
        return true; // one batch may always be on its way
    return p->held + more <= p->credit_told + MST_WIRE_FRAME_MAX || a->held + more <= a->memory_max;
}

// The sender, if it may send this now; else it is told why not.
static mst_aggr_peer_t *
sender(mst_aggr_t *a, const mst_aggr_event_t *ev, size_t bytes)
{
    mst_aggr_peer_t *p = mst_aggr_peer_find(a, ev->conn);
    if (p && a->stopping) {
        nack(a, ev->conn, ev->batch_id, MST_NACK_SHUTTING_DOWN, "the aggregator is shutting down");
        return NULL;
    }
    if (p && !within_credit(a, p, bytes)) {
        mst_aggr_on_gone(a, ev->conn);
        p = NULL;
    }
    if (!p)
        mst_aggr_emit(a, MST_AF_UNKNOWN)->conn = ev->conn;
    return p;
}

static bool
waits_in(const mst_aggr_batch_t *list, const mst_aggr_peer_t *p, uint64_t batch_id)
{
    for (const mst_aggr_batch_t *b = list; b; b = b->next)
        if (b->peer == p && b->batch_id == batch_id)
            return true;
    return false;
}

// Sent again after a new session, while the first copy still waits here: its acknowledgement will do for both.
static bool
is_known(const mst_aggr_t *a, mst_aggr_peer_t *p, uint64_t batch_id)
{
    if (batch_id > p->last_id) {
        p->last_id = batch_id;
        return false;
    }
    return p->batches > 0 && (waits_in(a->queue, p, batch_id) || waits_in(a->group, p, batch_id));
}

void
mst_aggr_on_batch(mst_aggr_t *a, const mst_aggr_event_t *ev)
{
    mst_aggr_peer_t *p = sender(a, ev, ev->bytes);
    if (!p || is_known(a, p, ev->batch_id)) {
        release(a, ev->payload);
        return;
    }
    mst_aggr_batch_t *b = MST_NEW(mst_aggr_batch_t);
    b->peer = p;
    b->batch_id = ev->batch_id;
    b->run_no = ev->run_no;
    b->rows = ev->rows;
    b->bytes = ev->bytes;
    b->payload = ev->payload;
    a->held += b->bytes;
    p->held += b->bytes;
    enqueue(a, b);
}

static void
refuse_chunks(mst_aggr_t *a, mst_aggr_peer_t *p, const mst_aggr_event_t *ev, uint32_t code, const char *why)
{
    a->held -= p->chunk.n;
    p->held -= p->chunk.n;
    mst_buf_deinit(&p->chunk);
    p->chunk_id = 0;
    p->refused_id = ev->batch_id;
    nack(a, p->conn, ev->batch_id, code, why);
}

// The row is whole: its bytes were counted as they came.
static void
finish_chunks(mst_aggr_t *a, mst_aggr_peer_t *p)
{
    mst_aggr_batch_t *b = MST_NEW(mst_aggr_batch_t);
    b->peer = p;
    b->batch_id = p->chunk_id;
    b->run_no = p->chunk_run;
    b->rows = 1;
    b->bytes = p->chunk.n;
    b->large = p->chunk;
    p->chunk = (mst_buf_t){0};
    p->chunk_id = 0;
    enqueue(a, b);
}

static bool
starts_well(mst_aggr_t *a, mst_aggr_peer_t *p, const mst_aggr_event_t *ev)
{
    size_t most = a->memory_max < MST_RESULT_BYTES_MAX ? a->memory_max : MST_RESULT_BYTES_MAX;
    if (ev->total == 0 || ev->total > most) {
        refuse_chunks(a, p, ev, MST_NACK_TOO_LARGE, "the result is larger than the aggregator can hold");
        return false;
    }
    a->held -= p->chunk.n; // one that was never finished
    p->held -= p->chunk.n;
    mst_buf_deinit(&p->chunk);
    mst_buf_init(&p->chunk, (size_t)ev->total);
    p->chunk_id = ev->batch_id;
    p->chunk_run = ev->run_no;
    p->chunk_total = ev->total;
    p->refused_id = 0;
    return true;
}

void
mst_aggr_on_chunk(mst_aggr_t *a, const mst_aggr_event_t *ev)
{
    mst_aggr_peer_t *p = sender(a, ev, ev->data.n);
    if (!p || (ev->batch_id == p->refused_id && ev->batch_id != 0))
        return;
    if (ev->offset == 0 && !starts_well(a, p, ev))
        return;
    bool follows = ev->batch_id == p->chunk_id && ev->run_no == p->chunk_run && ev->total == p->chunk_total &&
                   ev->offset == p->chunk.n && ev->data.n > 0 && ev->data.n <= ev->total - ev->offset;
    if (!follows) {
        refuse_chunks(a, p, ev, MST_NACK_BAD_ROW, "the chunks of a result do not fit together");
        return;
    }
    if (mst_buf_add_str(&p->chunk, ev->data) != MST_OK) {
        refuse_chunks(a, p, ev, MST_NACK_TOO_LARGE, "no memory for a large result");
        return;
    }
    a->held += ev->data.n;
    p->held += ev->data.n;
    if (p->chunk.n == p->chunk_total)
        finish_chunks(a, p);
}

static void
form_group(mst_aggr_t *a)
{
    size_t rows = 0, bytes = 0;
    mst_aggr_batch_t **end = &a->group;
    while (a->queue && rows < MST_AGGR_GROUP_ROWS && bytes < MST_AGGR_GROUP_BYTES) {
        mst_aggr_batch_t *b = a->queue;
        a->queue = b->next;
        b->next = NULL;
        rows += b->rows;
        bytes += b->bytes;
        *end = b;
        end = &b->next;
    }
    if (!a->queue)
        a->queue_end = &a->queue;
    a->queued_rows -= rows;
    a->queued_bytes -= bytes;
}

void
mst_aggr_try_commit(mst_aggr_t *a, int64_t now_ns)
{
    if (a->committing || a->stopped)
        return;
    if ((a->failing || a->waiting) && now_ns < a->retry_ns && !a->last_try)
        return;
    if (!a->group && a->feed_bytes >= MST_AGGR_FEED_MAX && !a->stopping)
        return; // the coordinator must hear of what is stored before more is
    if (!a->group)
        form_group(a);
    if (!a->group)
        return;
    for (mst_aggr_batch_t *b = a->group; b; b = b->next) {
        b->inserted = b->duplicate = b->fenced = b->nack = 0;
        b->why[0] = 0;
    }
    a->committing = true;
    a->last_try = false;
    mst_aggr_emit(a, MST_AF_COMMIT)->group = a->group;
}

static void
ack_one(mst_aggr_t *a, const mst_aggr_batch_t *b)
{
    if (a->id_count == a->id_cap) {
        a->id_cap = a->id_cap ? 2 * a->id_cap : 64;
        a->ids = mst_xrealloc(a->ids, a->id_cap * sizeof *a->ids);
    }
    a->ids[a->id_count++] = b->batch_id;
}

// One message a peer: the ids of all its batches in the group that were stored.
static void
ack_peer(mst_aggr_t *a, const mst_aggr_batch_t *first)
{
    mst_aggr_effect_t ack = {.conn = first->peer->conn};
    size_t from = a->id_count;
    for (const mst_aggr_batch_t *b = first; b; b = b->next) {
        if (b->peer != first->peer || b->nack)
            continue;
        ack_one(a, b);
        ack.inserted += b->inserted;
        ack.duplicate += b->duplicate;
        ack.fenced += b->fenced;
    }
    if (a->id_count == from)
        return;
    mst_aggr_effect_t *e = mst_aggr_emit(a, MST_AF_ACK);
    ack.kind = MST_AF_ACK;
    *e = ack;
    e->bytes = from; // where its ids begin; made a pointer when all are known
    e->id_count = a->id_count - from;
}

void
mst_aggr_on_done(mst_aggr_t *a)
{
    MST_ASSERT(a->committing);
    a->committing = a->failing = a->waiting = false;
    for (mst_aggr_batch_t *b = a->group; b; b = b->next)
        b->peer->acked = b->peer->gone;
    for (mst_aggr_batch_t *b = a->group; b; b = b->next) {
        if (!b->peer->acked)
            ack_peer(a, b);
        b->peer->acked = true;
        if (b->nack && !b->peer->gone)
            nack(a, b->peer->conn, b->batch_id, b->nack, b->why);
        release(a, b->payload);
    }
    for (size_t i = 0; i < a->effect_count; i++)
        if (a->effects[i].kind == MST_AF_ACK) {
            a->effects[i].ids = a->ids + a->effects[i].bytes;
            a->effects[i].bytes = 0;
        }
    for (mst_aggr_batch_t *b = a->group; b; b = b->next) {
        mst_aggr_peer_done(a, b);
        mst_buf_deinit(&b->large);
    }
    a->spent = a->group; // the texts of refusals live in it until the next step
    a->group = NULL;
}

void
mst_aggr_on_failed(mst_aggr_t *a, const mst_aggr_event_t *ev, int64_t now_ns)
{
    MST_ASSERT(a->committing);
    a->committing = false;
    a->retry_ns = now_ns + RETRY_NS;
    if (!a->failing && !ev->waits) { // once: the coordinator stops the run, and everything here is kept meanwhile
        snprintf(a->failure, sizeof a->failure, "%.*s", MST_FMT(ev->data));
        mst_aggr_effect_t *e = mst_aggr_emit(a, MST_AF_STORE_FAILED);
        e->rc = ev->rc;
        e->text = mst_str_c(a->failure);
    }
    a->failing = a->failing || !ev->waits;
    a->waiting = ev->waits;
}

void
mst_aggr_spend(mst_aggr_t *a)
{
    while (a->spent) {
        mst_aggr_batch_t *b = a->spent;
        a->spent = b->next;
        free(b);
    }
}
