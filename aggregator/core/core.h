// The aggregator's rules, without I/O: what to acknowledge, when to commit, how much a worker may send, what the
// coordinator still has to be told.
//
//   batch: received -> queued -> in a commit group -> committed -> acknowledged
//                                     ^     | commit failed (disk full ...): stays, tried again every second
//                                     +-----+
//
// A row is acknowledged only after mst_aggr_step was told of the commit that holds it (MST_AE_COMMIT_DONE). A batch
// that comes twice is committed twice: the store takes each key once. What is committed is told to the coordinator
// until it acknowledges (MST_AE_FEED_ACK).
//
// One step: an event and the time go in, effects come out, to be carried out in order before the next step. At most
// one commit group is out at a time. Thread: belongs to one thread. Pure: no I/O, no clock.
#ifndef MST_AGGREGATOR_CORE_H
#define MST_AGGREGATOR_CORE_H

#include "common/base/buf.h"
#include "common/base/limits.h"

#define MST_AGGR_PEERS_MAX   16384
#define MST_AGGR_GROUP_ROWS  2000           // a commit takes no more batches after this many rows
#define MST_AGGR_GROUP_BYTES (4 * MST_MIB)  // or this many bytes
#define MST_AGGR_FEED_MAX    (16 * MST_MIB) // of messages the coordinator has not acknowledged; then commits wait
#define MST_AGGR_TICK_NS     1000000000LL   // how often MST_AE_TICK is due

typedef struct mst_aggr mst_aggr_t;
typedef struct mst_aggr_peer mst_aggr_peer_t;

// Some rows of one run from one worker. Owned by the core from the event to MST_AF_RELEASE.
typedef struct mst_aggr_batch {
    struct mst_aggr_batch *next;
    mst_aggr_peer_t *peer;
    uint64_t batch_id;
    uint32_t run_no, rows;
    size_t bytes;
    void *payload;   // the edge's rows; NULL when large holds the one row
    mst_buf_t large; // a row that came in chunks
    // filled by the edge while it commits the group
    uint32_t inserted, duplicate, fenced;
    uint32_t nack; // 0 = none, else a code of ResNack: the batch will never be stored
    char why[160]; // of nack
} mst_aggr_batch_t;

typedef enum {
    MST_AE_HELLO,         // from a worker: conn, instance, payload = what the edge keeps of this worker
    MST_AE_BATCH,         // conn, batch_id, run_no, rows, bytes, payload
    MST_AE_CHUNK,         // conn, batch_id, run_no, total, offset, data
    MST_AE_GOODBYE,       // conn
    MST_AE_GONE,          // conn: a message to it could not be delivered
    MST_AE_IDLE,          // no message is waiting now: a good time to commit
    MST_AE_COMMIT_DONE,   // the group of MST_AF_COMMIT is stored
    MST_AE_COMMIT_FAILED, // nothing of it is, or nobody knows: rc, data = one sentence, waits
    MST_AE_FEED_UP,       // the coordinator answered our hello
    MST_AE_FEED_DOWN,     // it does not know us (any more)
    MST_AE_FEED_MESSAGE,  // a packed message that it must acknowledge: seq, data (copied)
    MST_AE_FEED_ACK,      // seq
    MST_AE_TICK,          // about every MST_AGGR_TICK_NS
    MST_AE_STOP,          // commit what is here, then no more
} mst_aggr_event_kind_t;

typedef struct {
    mst_aggr_event_kind_t kind;
    uint64_t conn;
    uint8_t instance[16];
    uint64_t batch_id;
    uint32_t run_no, rows;
    size_t bytes;
    void *payload; // taken: it comes back by MST_AF_RELEASE, at once when the batch is refused
    uint64_t total, offset, seq;
    mst_str_t data;
    mst_rc rc;
    bool waits; // the store is expected back (a server that starts anew, a disk to be cleared): the run goes on then
} mst_aggr_event_t;

typedef enum {
    MST_AF_HELLO_OK,     // conn, session
    MST_AF_UNKNOWN,      // conn: it must say hello anew
    MST_AF_GOODBYE_OK,   // conn
    MST_AF_CREDIT,       // conn, bytes
    MST_AF_ACK,          // conn, ids, id_count, inserted, duplicate, fenced
    MST_AF_NACK,         // conn, batch_id, code, text
    MST_AF_COMMIT,       // group: store it in one transaction, then step COMMIT_DONE or COMMIT_FAILED
    MST_AF_RELEASE,      // payload of a batch is the edge's again
    MST_AF_FORGET,       // payload of a hello is the edge's again: the worker has left, or was known already
    MST_AF_FEED_HELLO,   // say hello to the coordinator
    MST_AF_FEED_SEND,    // text: the packed message
    MST_AF_STORE_FAILED, // tell the coordinator: rc, text
    MST_AF_STOPPED,      // nothing is left to do
} mst_aggr_effect_kind_t;

enum { MST_NACK_FENCED = 1, MST_NACK_BAD_ROW, MST_NACK_TOO_LARGE, MST_NACK_SHUTTING_DOWN, MST_NACK_STORE_FAILED };

typedef struct {
    mst_aggr_effect_kind_t kind;
    uint64_t conn, session, bytes, batch_id;
    const uint64_t *ids; // valid until the next step
    size_t id_count;
    uint32_t inserted, duplicate, fenced, code;
    mst_str_t text; // valid until the next step
    mst_rc rc;
    mst_aggr_batch_t *group; // linked by next; the core's
    void *payload;
} mst_aggr_effect_t;

typedef struct {
    const mst_aggr_effect_t *items; // valid until the next step
    size_t count;
} mst_aggr_effects_t;

// memory_max: bytes of received and uncommitted rows.
mst_aggr_t *mst_aggr_new(size_t memory_max);
// What is still inside is handed back: payloads of batches to release, those of hellos to forget (NULL: not wanted).
typedef void mst_aggr_back_fn(void *ud, void *payload);
void mst_aggr_free(mst_aggr_t **a, mst_aggr_back_fn *release, mst_aggr_back_fn *forget, void *ud);
void mst_aggr_step(mst_aggr_t *a, const mst_aggr_event_t *ev, int64_t now_ns, mst_aggr_effects_t *out);
// What the edge keeps of the worker behind a connection; NULL: nobody said hello there.
void *mst_aggr_worker(const mst_aggr_t *a, uint64_t conn);
void *mst_aggr_worker_of(const mst_aggr_batch_t *b); // also when its connection has gone
// The number for the next MST_AE_FEED_MESSAGE.
uint64_t mst_aggr_feed_seq(mst_aggr_t *a);
size_t mst_aggr_held(const mst_aggr_t *a); // bytes of rows that are not committed
bool mst_aggr_busy(const mst_aggr_t *a);   // batches wait for a commit

#endif
