// kept holds every batch that is not acknowledged, in order of its number. A batch number is used once: sending
// again after a lost session repeats the same batch, and the store takes each row once.
#include "worker/results.h"

#include "common/base/clock.h"
#include "common/base/limits.h"
#include "common/base/log.h"
#include "worker/io.h"
#include "worker/leases.h"

#include <stdlib.h>

#define FREE_BATCHES_MAX 16
#define ROWS_MIN_HELD    (8 * MST_MIB) // kept at least, however small the credit

static void
on_flush(void *ud)
{
    mst_results_t *r = ud;
    r->flush_armed = false;
    mst_results_flush(r);
    mst_results_pump(r);
}

void
mst_results_init(mst_results_t *r, mst_io_t *io)
{
    *r = (mst_results_t){.io = io, .origins = &io->origins, .next_id = 1};
    r->kept_end = &r->kept;
    r->flush = (mst_timer_t){.fn = on_flush, .ud = r};
    mst_buf_init(&r->packed, MST_WIRE_FRAME_MAX);
}

static void
batch_free(mst_batch_t *b)
{
    mst_buf_deinit(&b->bytes);
    free(b->leases);
    free(b);
}

static mst_batch_t *
batch_new(mst_results_t *r, uint32_t run_no)
{
    mst_batch_t *b = r->free_batches;
    if (b) {
        r->free_batches = b->next;
        r->free_count--;
    } else {
        b = MST_NEW(mst_batch_t);
        mst_buf_init(&b->bytes, MST_RESULT_BYTES_MAX + MST_MIB);
    }
    b->next = NULL;
    b->id = r->next_id++;
    b->run_no = run_no;
    return b;
}

static void
batch_put(mst_results_t *r, mst_batch_t *b)
{
    if (r->free_count >= FREE_BATCHES_MAX || b->bytes.cap > 2 * MST_FLUSH_BYTES) {
        batch_free(b);
        return;
    }
    mst_buf_reset(&b->bytes);
    b->rows = b->lease_count = b->chunk_at = 0;
    b->large = false;
    b->next = r->free_batches;
    r->free_batches = b;
    r->free_count++;
}

void
mst_results_deinit(mst_results_t *r)
{
    mst_session_close(&r->session);
    if (r->filling)
        batch_free(r->filling);
    for (mst_batch_t *b = r->kept, *next = NULL; b; b = next) {
        next = b->next;
        batch_free(b);
    }
    for (mst_batch_t *b = r->free_batches, *next = NULL; b; b = next) {
        next = b->next;
        batch_free(b);
    }
    mst_buf_deinit(&r->packed);
}

static void
count_lease(mst_batch_t *b, mst_lease_t *lease)
{
    if (b->lease_count > 0 && b->leases[b->lease_count - 1].lease == lease) {
        b->leases[b->lease_count - 1].cases++;
        return;
    }
    if (b->lease_count == b->lease_cap) {
        b->lease_cap = b->lease_cap ? b->lease_cap * 2 : 8;
        b->leases = mst_xrealloc(b->leases, b->lease_cap * sizeof *b->leases);
    }
    b->leases[b->lease_count++] = (mst_batch_lease_t){lease, 1};
}

static void
enqueue(mst_results_t *r, mst_batch_t *b)
{
    *r->kept_end = b;
    r->kept_end = &b->next;
    if (!r->unsent)
        r->unsent = b;
}

void
mst_results_flush(mst_results_t *r)
{
    if (!r->filling)
        return;
    enqueue(r, r->filling);
    r->filling = NULL;
    if (r->flush_armed)
        mst_loop_timer_stop(r->io->loop, &r->flush);
    r->flush_armed = false;
}

void
mst_results_add(mst_results_t *r, mst_lease_t *lease, mst_str_t row)
{
    uint32_t run_no = lease->run->run_no;
    mst_batch_t *b = r->filling;
    if (b && (b->run_no != run_no || b->bytes.n + row.n > MST_FLUSH_BYTES))
        mst_results_flush(r);
    if (!r->filling) {
        r->filling = batch_new(r, run_no);
        mst_loop_timer(r->io->loop, &r->flush, mst_loop_now(r->io->loop) + MST_FLUSH_NS);
        r->flush_armed = true;
    }
    b = r->filling;
    if (mst_buf_add_str(&b->bytes, row) != MST_OK) {
        mst_error("no memory for a result of %zu bytes; the case will be asked again", row.n);
        b->bytes.failed = false;
        mst_lease_settle(r->io, lease, 1); // no longer renewed: the lease runs out
        return;
    }
    b->ends[b->rows++] = b->bytes.n;
    count_lease(b, lease);
    r->kept_bytes += row.n;
    if (b->rows == MST_FLUSH_ROWS || b->bytes.n >= MST_FLUSH_BYTES)
        mst_results_flush(r);
}

void
mst_results_add_large(mst_results_t *r, mst_lease_t *lease, mst_buf_t *row)
{
    mst_results_flush(r);
    mst_batch_t *b = batch_new(r, lease->run->run_no);
    mst_buf_t empty = b->bytes;
    b->bytes = *row; // swapped, not copied: the caller goes on with the small one
    *row = empty;
    b->large = true;
    b->rows = 1;
    b->ends[0] = b->bytes.n;
    count_lease(b, lease);
    r->kept_bytes += b->bytes.n;
    enqueue(r, b);
}

static mst_rc
send_packed(mst_results_t *r, Muster__Envelope__BodyCase kind, void *body)
{
    mst_err_t err = {0};
    mst_buf_reset(&r->packed);
    mst_rc rc = mst_session_pack(&r->session, kind, body, &r->packed, &err);
    if (rc == MST_OK)
        rc = mst_link_send(r->session.link, 0, mst_buf_view(&r->packed), &err);
    if (rc != MST_OK && rc != MST_AGAIN)
        mst_error("results not sent: %s", err.message);
    return rc;
}

static mst_rc
send_rows(mst_results_t *r, const mst_batch_t *b)
{
    ProtobufCBinaryData rows[MST_FLUSH_ROWS];
    size_t from = 0;
    for (size_t i = 0; i < b->rows; i++) {
        rows[i] = mst_wire_bytes(mst_str(b->bytes.p + from, b->ends[i] - from));
        from = b->ends[i];
    }
    Muster__ResBatch m = MUSTER__RES_BATCH__INIT;
    m.batch_id = b->id;
    m.run_no = b->run_no;
    m.n_rows = b->rows;
    m.rows = rows;
    return send_packed(r, MUSTER__ENVELOPE__BODY_RES_BATCH, &m);
}

static mst_rc
send_chunks(mst_results_t *r, mst_batch_t *b)
{
    while (b->chunk_at < b->bytes.n) {
        size_t left = b->bytes.n - b->chunk_at;
        mst_str_t piece = mst_str(b->bytes.p + b->chunk_at, left < MST_BLOB_CHUNK ? left : MST_BLOB_CHUNK);
        Muster__ResChunk m = MUSTER__RES_CHUNK__INIT;
        m.batch_id = b->id;
        m.run_no = b->run_no;
        m.total_bytes = b->bytes.n;
        m.offset = b->chunk_at;
        m.crc32 = mst_crc32(piece);
        m.data = mst_wire_bytes(piece);
        mst_rc rc = send_packed(r, MUSTER__ENVELOPE__BODY_RES_CHUNK, &m);
        if (rc != MST_OK)
            return rc;
        b->chunk_at += piece.n;
    }
    return MST_OK;
}

void
mst_results_pump(mst_results_t *r)
{
    if (!r->session.ready || r->credit == 0 || !mst_session_flush(&r->session))
        return;
    while (r->unsent) {
        mst_batch_t *b = r->unsent;
        bool begun = b->chunk_at > 0;
        // one batch may always be on its way, or a row larger than the credit would never leave
        if (!begun && r->sent_bytes > 0 && r->sent_bytes + b->bytes.n > r->credit)
            return;
        mst_origins_tell(r->origins, &r->session);
        if (r->session.out)
            return;
        if (r->sent_bytes == 0)
            r->session.heard_ns = mst_loop_now(r->io->loop); // silence counts from here: there is something to answer
        mst_rc rc = b->large ? send_chunks(r, b) : send_rows(r, b);
        if (!begun && (rc == MST_OK || b->chunk_at > 0))
            r->sent_bytes += b->bytes.n;
        if (rc != MST_OK)
            return;
        r->unsent = b->next;
    }
}

void
mst_results_renew(mst_results_t *r)
{
    r->credit = 0; // the new session says its own
    r->sent_bytes = 0;
    r->unsent = r->kept;
    r->origins->told = 0;
    for (mst_batch_t *b = r->kept; b; b = b->next)
        b->chunk_at = 0;
}

// Takes a batch out of kept. NULL when it is not there, or was not sent.
static mst_batch_t *
take(mst_results_t *r, uint64_t id)
{
    mst_batch_t **at = &r->kept;
    while (*at && *at != r->unsent && (*at)->id != id)
        at = &(*at)->next;
    mst_batch_t *b = *at;
    if (!b || b == r->unsent)
        return NULL;
    *at = b->next;
    if (r->kept_end == &b->next)
        r->kept_end = at;
    r->kept_bytes -= b->bytes.n;
    r->sent_bytes -= b->bytes.n;
    return b;
}

static void
settle(mst_results_t *r, mst_batch_t *b)
{
    for (size_t i = 0; i < b->lease_count; i++)
        mst_lease_settle(r->io, b->leases[i].lease, b->leases[i].cases);
    batch_put(r, b);
}

static void
on_ack(mst_results_t *r, const Muster__ResAck *m)
{
    for (size_t i = 0; i < m->n_batch_ids; i++) {
        mst_batch_t *b = take(r, m->batch_ids[i]);
        if (b)
            settle(r, b);
    }
}

static void
on_nack(mst_results_t *r, const Muster__ResNack *m)
{
    enum { FENCED = 1, SHUTTING_DOWN = 4 };

    mst_str_t text = m->has_text ? mst_wire_str(m->text) : MST_STR("no reason given");
    if (m->code == SHUTTING_DOWN) {
        mst_warn("aggregator is shutting down; results are kept for its next session");
        return;
    }
    mst_batch_t *b = take(r, m->batch_id);
    if (!b)
        return;
    mst_io_run_t *run = b->lease_count > 0 ? b->leases[0].lease->run : NULL;
    mst_error("batch of %zu results refused run=%u code=%u: %.*s", b->rows, b->run_no, m->code, MST_FMT(text));
    if (m->code != FENCED && run) {
        mst_err_t err = {0};
        (void)MST_ERR(&err, MST_IO, "results cannot be stored: %.*s", MST_FMT(text));
        mst_grants_fatal(r->io, run, &err);
    }
    settle(r, b); // an older generation: the case has a new meaning elsewhere, this one is over
}

void
mst_results_message(mst_results_t *r, const Muster__Envelope *e, int64_t now_ns)
{
    if (!mst_session_heard(&r->session, e, now_ns))
        return;
    switch ((int)e->body_case) { // what a server may say to a worker; anything else is no message for us
    case MUSTER__ENVELOPE__BODY_HELLO_OK:
        mst_session_welcome(&r->session, e->hello_ok);
        break;
    case MUSTER__ENVELOPE__BODY_RES_CREDIT:
        r->credit = e->res_credit->bytes;
        break;
    case MUSTER__ENVELOPE__BODY_RES_ACK:
        on_ack(r, e->res_ack);
        break;
    case MUSTER__ENVELOPE__BODY_RES_NACK:
        on_nack(r, e->res_nack);
        break;
    case MUSTER__ENVELOPE__BODY_UNKNOWN_SESSION:
        mst_results_renew(r);
        mst_session_hello(&r->session);
        break;
    default:
        mst_debug("message of kind %s ignored on the results link", mst_wire_kind_name(e->body_case));
        break;
    }
    mst_results_pump(r);
}

void
mst_results_check(mst_results_t *r, int64_t now_ns)
{
    // an idle session may be silent as long as it likes
    if (r->session.ready && r->sent_bytes == 0)
        return;
    if (mst_session_check(&r->session, now_ns))
        mst_results_renew(r);
}

bool
mst_results_pressed(const mst_results_t *r)
{
    uint64_t limit = r->credit < ROWS_MIN_HELD ? ROWS_MIN_HELD : r->credit;
    if (limit > MST_WORKER_ROWS_BYTES)
        limit = MST_WORKER_ROWS_BYTES;
    return r->kept_bytes > limit;
}
