// Results on their way to the aggregator: rows into batches, batches sent within the byte credit, kept until
// they are acknowledged, sent again in a new session. A row over MST_RESULT_INLINE_MAX travels alone, in chunks.
// Thread: the I/O thread's.
#ifndef MST_WORKER_RESULTS_H
#define MST_WORKER_RESULTS_H

#include "common/base/buf.h"
#include "worker/job.h"
#include "worker/origin.h"
#include "worker/session.h"

#define MST_FLUSH_ROWS  256
#define MST_FLUSH_BYTES (256 * MST_KIB)
#define MST_FLUSH_NS    (10 * MST_NS_PER_MS)

typedef struct {
    mst_lease_t *lease;
    size_t cases;
} mst_batch_lease_t;

typedef struct mst_batch {
    struct mst_batch *next;
    uint64_t id;
    uint32_t run_no;
    bool large;      // one row, sent in chunks
    mst_buf_t bytes; // rows one behind the other
    size_t ends[MST_FLUSH_ROWS];
    size_t rows;
    mst_batch_lease_t *leases; // heap; in order of the rows, neighbours joined
    size_t lease_count, lease_cap;
    size_t chunk_at; // large: sent up to here
} mst_batch_t;

struct mst_io;

typedef struct {
    struct mst_io *io;
    mst_session_t session;
    mst_origins_t *origins;
    mst_batch_t *filling; // NULL = none
    mst_timer_t flush;
    bool flush_armed;
    mst_batch_t *kept, **kept_end; // in order of id: sent ones first
    mst_batch_t *unsent;           // first of kept that is not wholly sent; NULL = all are
    size_t kept_bytes;             // of all rows not acknowledged, filling too
    size_t sent_bytes;             // of those sent, wholly or in part
    uint64_t credit;
    uint64_t next_id;
    mst_buf_t packed; // scratch of one message
    mst_batch_t *free_batches;
    size_t free_count;
} mst_results_t;

void mst_results_init(mst_results_t *r, struct mst_io *io);
void mst_results_deinit(mst_results_t *r);
// A row of one case of a lease. The row is copied, or taken when it is large (row is reset then).
void mst_results_add(mst_results_t *r, mst_lease_t *lease, mst_str_t row);
void mst_results_add_large(mst_results_t *r, mst_lease_t *lease, mst_buf_t *row);
void mst_results_flush(mst_results_t *r); // closes the batch that is being filled
void mst_results_pump(mst_results_t *r);  // sends what credit and link allow
void mst_results_renew(mst_results_t *r); // a new session: everything kept is sent again
void mst_results_message(mst_results_t *r, const Muster__Envelope *e, int64_t now_ns);
void mst_results_check(mst_results_t *r, int64_t now_ns); // a new session when results get no answer for long
bool mst_results_pressed(const mst_results_t *r);         // so much waits that nothing new should start

#endif
