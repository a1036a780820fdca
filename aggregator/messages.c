// Messages in, effects out: what workers and the coordinator say becomes events of the core, what the core wants
// becomes messages.
#include "aggregator/aggregator_internal.h"

#include "common/base/clock.h"
#include "common/base/limits.h"
#include "common/base/log.h"

#include <stdlib.h>

#define FREE_ROWS_MAX 64
#define HEARTBEAT_MS  1000  // credit is told with every tick
#define LOST_MS       45000 // a slow disk must not look like a dead aggregator
#define LEASE_TTL_MS  60000 // unused on this link

enum { ROLE_WORKER = 1, ROLE_AGGREGATOR = 3 };

void
mst_aggregator_send(mst_aggregator_t *g, mst_link_t *link, uint64_t conn, Muster__Envelope__BodyCase kind, void *body)
{
    Muster__Envelope e;
    mst_err_t err = {0};
    mst_wire_envelope(&e, kind, body);
    mst_buf_reset(&g->out);
    mst_rc rc = mst_wire_pack(&e, &g->out, &err);
    if (rc == MST_OK)
        rc = mst_link_send(link, conn, mst_buf_view(&g->out), &err);
    if (rc == MST_OK)
        return;
    // a worker that is full or gone starts a new session and sends everything again; the feed sends again by itself
    mst_debug("message not sent kind=%s: %s", mst_wire_kind_name(kind), err.message);
    if (link != g->results)
        return;
    if (g->gone_count == g->gone_cap) {
        g->gone_cap = g->gone_cap ? 2 * g->gone_cap : 16;
        g->gone = mst_xrealloc(g->gone, g->gone_cap * sizeof *g->gone);
    }
    g->gone[g->gone_count++] = conn;
}

// Rows and workers

static mst_rows_t *
rows_new(mst_aggregator_t *g)
{
    mst_rows_t *r = g->free_rows;
    if (r) {
        g->free_rows = r->next;
        g->free_rows_count--;
        return r;
    }
    r = MST_NEW(mst_rows_t);
    r->arena = mst_arena_new(MST_WIRE_UNPACK_MAX + 2 * MST_WIRE_FRAME_MAX);
    return r;
}

void
mst_aggregator_release(void *ud, void *payload)
{
    mst_aggregator_t *g = ud;
    mst_rows_t *r = payload;
    if (g->free_rows_count >= FREE_ROWS_MAX) {
        mst_arena_free(&r->arena);
        free(r);
        return;
    }
    mst_arena_reset(r->arena);
    r->next = g->free_rows;
    g->free_rows = r;
    g->free_rows_count++;
}

void
mst_aggregator_rows_free(mst_aggregator_t *g)
{
    while (g->free_rows) {
        mst_rows_t *r = g->free_rows;
        g->free_rows = r->next;
        mst_arena_free(&r->arena);
        free(r);
    }
}

void
mst_aggregator_forget(void *ud, void *payload)
{
    (void)ud;
    mst_aggr_worker_t *w = payload;
    mst_arena_free(&w->arena);
    free(w->origins);
    free(w->known);
    free(w);
}

static void
on_origin(mst_aggregator_t *g, uint64_t conn, const Muster__Origin *m)
{
    mst_aggr_worker_t *w = mst_aggr_worker(g->core, conn);
    if (!w || (m->origin_no < w->count && w->known[m->origin_no]))
        return; // told again after a new session: the same line
    if (m->origin_no >= w->count) {
        uint32_t count = m->origin_no + 16; // at most MST_ORIGINS_MAX and a few: the codec has checked it
        w->origins = mst_xrealloc(w->origins, count * sizeof *w->origins);
        w->known = mst_xrealloc(w->known, count * sizeof *w->known);
        memset(w->origins + w->count, 0, (count - w->count) * sizeof *w->origins);
        memset(w->known + w->count, 0, (count - w->count) * sizeof *w->known);
        w->count = count;
    }
    const ProtobufCBinaryData from[] = {m->host,           m->device, m->driver,         m->engine,
                                        m->engine_version, m->model,  m->model_revision, m->endpoint};
    mst_origin_t *o = &w->origins[m->origin_no];
    mst_str_t *const to[] = {&o->host,           &o->device, &o->driver,         &o->engine,
                             &o->engine_version, &o->model,  &o->model_revision, &o->endpoint};
    for (size_t i = 0; i < sizeof to / sizeof to[0]; i++)
        *to[i] = mst_arena_dup(w->arena, mst_wire_str(from[i]), NULL); // out of room: empty, which is "not known"
    w->known[m->origin_no] = true;
}

// The workers' link

static void
on_hello(mst_aggregator_t *g, uint64_t conn, const Muster__Hello *m)
{
    if (m->role != ROLE_WORKER || m->proto_major != MST_WIRE_MAJOR) {
        mst_warn("hello refused on the results link role=%u major=%u", m->role, m->proto_major);
        return;
    }
    mst_aggr_worker_t *w = MST_NEW(mst_aggr_worker_t);
    w->arena = mst_arena_new(MST_AGGR_ORIGIN_BYTES);
    mst_aggr_event_t ev = {.kind = MST_AE_HELLO, .conn = conn, .payload = w};
    memcpy(ev.instance, m->instance.data, sizeof ev.instance);
    mst_aggregator_step(g, &ev);
}

static void
on_batch(mst_aggregator_t *g, uint64_t conn, const Muster__ResBatch *m, mst_rows_t *rows)
{
    rows->rows = m->rows;
    rows->count = m->n_rows;
    mst_aggr_event_t ev = {.kind = MST_AE_BATCH,
                           .conn = conn,
                           .batch_id = m->batch_id,
                           .run_no = m->run_no,
                           .rows = (uint32_t)m->n_rows,
                           .payload = rows};
    for (size_t i = 0; i < m->n_rows; i++)
        ev.bytes += m->rows[i].len;
    mst_aggregator_step(g, &ev);
}

static void
on_chunk(mst_aggregator_t *g, uint64_t conn, const Muster__ResChunk *m)
{
    mst_aggregator_step(g, &(mst_aggr_event_t){.kind = MST_AE_CHUNK,
                                               .conn = conn,
                                               .batch_id = m->batch_id,
                                               .run_no = m->run_no,
                                               .total = m->total_bytes,
                                               .offset = m->offset,
                                               .data = mst_wire_str(m->data)});
}

static void
on_ping(mst_aggregator_t *g, uint64_t conn, const Muster__Ping *m)
{
    if (!mst_aggr_worker(g->core, conn)) {
        Muster__UnknownSession unknown = MUSTER__UNKNOWN_SESSION__INIT;
        mst_aggregator_send(g, g->results, conn, MUSTER__ENVELOPE__BODY_UNKNOWN_SESSION, &unknown);
        return;
    }
    Muster__Pong pong = MUSTER__PONG__INIT;
    pong.echo_ns = m->sent_mono_ns;
    mst_aggregator_send(g, g->results, conn, MUSTER__ENVELOPE__BODY_PONG, &pong);
}

// rows: whose arena holds the message; taken when it is a batch. True when it was.
static bool
worker_said(mst_aggregator_t *g, uint64_t conn, const Muster__Envelope *e, mst_rows_t *rows)
{
    switch ((int)e->body_case) { // what a worker may say here
    case MUSTER__ENVELOPE__BODY_HELLO:
        on_hello(g, conn, e->hello);
        return false;
    case MUSTER__ENVELOPE__BODY_ORIGIN:
        on_origin(g, conn, e->origin);
        return false;
    case MUSTER__ENVELOPE__BODY_RES_BATCH:
        on_batch(g, conn, e->res_batch, rows);
        return true;
    case MUSTER__ENVELOPE__BODY_RES_CHUNK:
        on_chunk(g, conn, e->res_chunk);
        return false;
    case MUSTER__ENVELOPE__BODY_PING:
        on_ping(g, conn, e->ping);
        return false;
    case MUSTER__ENVELOPE__BODY_GOODBYE:
        mst_aggregator_step(g, &(mst_aggr_event_t){.kind = MST_AE_GOODBYE, .conn = conn});
        return false;
    default:
        mst_warn("message of a worker has no place here kind=%s", mst_wire_kind_name(e->body_case));
        return false;
    }
}

void
mst_aggregator_results_message(void *ud, uint64_t conn, mst_str_t bytes)
{
    mst_aggregator_t *g = ud;
    Muster__Envelope *e = NULL;
    mst_err_t err = {0};
    g->heard = true;
    mst_rows_t *rows = rows_new(g);
    if (mst_wire_unpack(bytes, rows->arena, &e, &err) != MST_OK)
        mst_warn("message of a worker refused error=\"%s\"", err.message);
    else if (worker_said(g, conn, e, rows))
        return;
    mst_aggregator_release(g, rows);
}

// The coordinator's link

void
mst_aggregator_feed_message(void *ud, uint64_t conn, mst_str_t bytes)
{
    (void)conn;
    mst_aggregator_t *g = ud;
    Muster__Envelope *e = NULL;
    mst_err_t err = {0};
    mst_arena_reset(g->scratch);
    if (mst_wire_unpack(bytes, g->scratch, &e, &err) != MST_OK)
        mst_warn("message of the coordinator refused error=\"%s\"", err.message);
    else if (e->body_case == MUSTER__ENVELOPE__BODY_HELLO_OK)
        mst_aggregator_step(g, &(mst_aggr_event_t){.kind = MST_AE_FEED_UP});
    else if (e->body_case == MUSTER__ENVELOPE__BODY_FEED_ACK)
        mst_aggregator_step(g, &(mst_aggr_event_t){.kind = MST_AE_FEED_ACK, .seq = e->feed_ack->seq});
    else if (e->body_case == MUSTER__ENVELOPE__BODY_UNKNOWN_SESSION)
        mst_aggregator_step(g, &(mst_aggr_event_t){.kind = MST_AE_FEED_DOWN});
    else
        mst_warn("message of the coordinator has no place here kind=%s", mst_wire_kind_name(e->body_case));
}

// Effects

static void
send_hello_ok(mst_aggregator_t *g, const mst_aggr_effect_t *e)
{
    Muster__HelloOk m = MUSTER__HELLO_OK__INIT;
    m.session = e->session;
    m.epoch = 1;
    m.heartbeat_ms = HEARTBEAT_MS;
    m.lost_ms = LOST_MS;
    m.lease_ttl_ms = LEASE_TTL_MS;
    mst_aggregator_send(g, g->results, e->conn, MUSTER__ENVELOPE__BODY_HELLO_OK, &m);
}

static void
send_feed_hello(mst_aggregator_t *g)
{
    Muster__Hello m = MUSTER__HELLO__INIT;
    m.role = ROLE_AGGREGATOR;
    m.proto_major = MST_WIRE_MAJOR;
    m.proto_minor = MST_WIRE_MINOR;
    m.instance = mst_wire_bytes(mst_str((const char *)g->instance, sizeof g->instance));
    mst_aggregator_send(g, g->feed, 0, MUSTER__ENVELOPE__BODY_HELLO, &m);
}

static void
send_ack(mst_aggregator_t *g, const mst_aggr_effect_t *e)
{
    uint64_t ids[MST_AGGR_GROUP_ROWS + 1]; // a group has at most one batch a row
    MST_ASSERT(e->id_count <= sizeof ids / sizeof ids[0]);
    memcpy(ids, e->ids, e->id_count * sizeof ids[0]);
    Muster__ResAck m = MUSTER__RES_ACK__INIT;
    m.batch_ids = ids;
    m.n_batch_ids = e->id_count;
    m.inserted = e->inserted;
    m.duplicate = e->duplicate;
    m.fenced = e->fenced;
    mst_aggregator_send(g, g->results, e->conn, MUSTER__ENVELOPE__BODY_RES_ACK, &m);
}

static void
send_nack(mst_aggregator_t *g, const mst_aggr_effect_t *e)
{
    mst_warn("results refused batch=%llu code=%u: %.*s", (unsigned long long)e->batch_id, e->code, MST_FMT(e->text));
    Muster__ResNack m = MUSTER__RES_NACK__INIT;
    m.batch_id = e->batch_id;
    m.code = e->code;
    m.has_text = true;
    m.text = mst_wire_bytes(e->text);
    mst_aggregator_send(g, g->results, e->conn, MUSTER__ENVELOPE__BODY_RES_NACK, &m);
}

static void
send_small(mst_aggregator_t *g, const mst_aggr_effect_t *e)
{
    Muster__UnknownSession unknown = MUSTER__UNKNOWN_SESSION__INIT;
    Muster__GoodbyeOk goodbye = MUSTER__GOODBYE_OK__INIT;
    Muster__ResCredit credit = MUSTER__RES_CREDIT__INIT;
    Muster__StoreFailed failed = MUSTER__STORE_FAILED__INIT;
    if (e->kind == MST_AF_UNKNOWN) {
        mst_aggregator_send(g, g->results, e->conn, MUSTER__ENVELOPE__BODY_UNKNOWN_SESSION, &unknown);
    } else if (e->kind == MST_AF_GOODBYE_OK) {
        mst_aggregator_send(g, g->results, e->conn, MUSTER__ENVELOPE__BODY_GOODBYE_OK, &goodbye);
    } else if (e->kind == MST_AF_CREDIT) {
        credit.bytes = e->bytes;
        mst_aggregator_send(g, g->results, e->conn, MUSTER__ENVELOPE__BODY_RES_CREDIT, &credit);
    } else {
        failed.rc = (uint32_t)e->rc;
        failed.text = mst_wire_bytes(e->text);
        mst_aggregator_send(g, g->feed, 0, MUSTER__ENVELOPE__BODY_STORE_FAILED, &failed);
    }
}

void
mst_aggregator_effect(mst_aggregator_t *g, const mst_aggr_effect_t *e)
{
    mst_err_t err = {0};
    switch (e->kind) {
    case MST_AF_HELLO_OK:
        send_hello_ok(g, e);
        break;
    case MST_AF_UNKNOWN:
    case MST_AF_GOODBYE_OK:
    case MST_AF_CREDIT:
    case MST_AF_STORE_FAILED:
        send_small(g, e);
        break;
    case MST_AF_ACK:
        send_ack(g, e);
        break;
    case MST_AF_NACK:
        send_nack(g, e);
        break;
    case MST_AF_RELEASE:
        mst_aggregator_release(g, e->payload);
        break;
    case MST_AF_FORGET:
        mst_aggregator_forget(g, e->payload);
        break;
    case MST_AF_FEED_HELLO:
        send_feed_hello(g);
        break;
    case MST_AF_FEED_SEND:
        if (mst_link_send(g->feed, 0, e->text, &err) != MST_OK)
            mst_debug("commit not told yet: %s", err.message); // the core tells it again
        break;
    case MST_AF_STOPPED:
        mst_loop_stop(g->loop);
        break;
    case MST_AF_COMMIT: // the stepping loop's own
        break;
    }
}
