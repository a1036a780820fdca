// A window of four chunks is asked at a time. A piece that does not follow the last one is dropped and asked for
// again; one with a wrong sum likewise.
#include "worker/blobs.h"

#include "common/base/hash.h"
#include "common/base/limits.h"
#include "common/base/log.h"
#include "worker/attempts.h"

#define WINDOW (4 * MST_BLOB_CHUNK)

static void
ask(mst_io_t *io, mst_attempt_t *a)
{
    Muster__BlobGet m = MUSTER__BLOB_GET__INIT;
    uint64_t left = a->place->blob_bytes - a->blob.n;
    m.run_no = a->place->unit->run->run_no;
    m.case_no = a->key.case_no;
    m.offset = a->blob.n;
    m.credit_bytes = (uint32_t)(left < WINDOW ? left : WINDOW);
    a->blob_asked = a->blob.n + m.credit_bytes;
    a->blob_seen_ns = mst_loop_now(io->loop);
    mst_session_send(&io->control, MUSTER__ENVELOPE__BODY_BLOB_GET, &m);
}

void
mst_blob_fetch(mst_io_t *io, mst_attempt_t *a)
{
    if (a->place->blob_bytes > MST_CASE_BYTES_MAX) {
        mst_err_t err = {0};
        (void)MST_ERR(&err, MST_LIMIT, "case %llu has %llu bytes, more than %lu", (unsigned long long)a->key.case_no,
                      (unsigned long long)a->place->blob_bytes, MST_CASE_BYTES_MAX);
        mst_attempt_fail(a, MST_OUT_BAD_CASE, &err);
        return;
    }
    a->next = io->fetching;
    io->fetching = a;
    ask(io, a);
}

void
mst_blob_forget(mst_io_t *io, mst_attempt_t *a)
{
    mst_attempt_t **at = &io->fetching;
    while (*at && *at != a)
        at = &(*at)->next;
    if (*at)
        *at = a->next;
}

static void
complete(mst_io_t *io, mst_attempt_t *a)
{
    mst_blob_forget(io, a);
    mst_attempt_case(a, mst_buf_view(&a->blob));
}

static bool
fits(const mst_attempt_t *a, const Muster__BlobChunk *c)
{
    return c->offset == a->blob.n && c->data.len > 0 && c->data.len <= a->place->blob_bytes - a->blob.n &&
           mst_crc32(mst_wire_str(c->data)) == c->crc32;
}

void
mst_blob_chunk(mst_io_t *io, const Muster__BlobChunk *c)
{
    for (mst_attempt_t *a = io->fetching; a; a = a->next) {
        if (a->key.case_no != c->case_no || a->place->unit->run->run_no != c->run_no || !fits(a, c))
            continue;
        if (mst_buf_add_str(&a->blob, mst_wire_str(c->data)) != MST_OK) {
            mst_err_t err = {0};
            (void)MST_ERR(&err, MST_NOMEM, "no memory for case %llu", (unsigned long long)c->case_no);
            mst_blob_forget(io, a);
            mst_attempt_fail(a, MST_OUT_BAD_CASE, &err);
            return;
        }
        a->blob_seen_ns = mst_loop_now(io->loop);
        if (a->blob.n == a->place->blob_bytes)
            complete(io, a);
        else if (a->blob.n >= a->blob_asked)
            ask(io, a);
        return;
    }
    mst_debug("piece of case %llu at %llu dropped", (unsigned long long)c->case_no, (unsigned long long)c->offset);
}

void
mst_blob_ask_again(mst_io_t *io, int64_t silent_ns)
{
    int64_t now = mst_loop_now(io->loop);
    for (mst_attempt_t *a = io->fetching; a; a = a->next)
        if (now - a->blob_seen_ns >= silent_ns)
            ask(io, a);
}
