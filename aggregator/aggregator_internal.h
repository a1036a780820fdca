// The aggregator's thread, inside: what its files share.
#ifndef MST_AGGREGATOR_INTERNAL_H
#define MST_AGGREGATOR_INTERNAL_H

#include "aggregator/aggregator.h"
#include "aggregator/core/core.h"
#include "common/base/mem.h"
#include "common/loop/loop.h"
#include "common/net/link.h"
#include "common/wire/wire.h"

#include <pthread.h>
#include <stdatomic.h>

#define MST_AGGR_ORIGIN_BYTES (256 * MST_KIB) // of all origins of one worker

// What is kept of a worker: its origins, by the number that its rows name.
typedef struct {
    mst_arena_t *arena;
    mst_origin_t *origins; // heap
    bool *known;           // heap
    uint32_t count;        // places
} mst_aggr_worker_t;

// The rows of one batch as they came, in an arena of their own.
typedef struct mst_rows {
    struct mst_rows *next; // while free
    mst_arena_t *arena;
    const ProtobufCBinaryData *rows;
    size_t count;
} mst_rows_t;

typedef struct { // a stored key, to be told
    uint32_t run_no, generation, target_no, repeat_no;
    uint64_t case_no;
    bool failed;  // new, measured and not passed
    bool refused; // by the database: not told
} mst_told_key_t;

typedef struct { // a row whose verdict comes with the settling
    mst_aggr_batch_t *batch;
    size_t key; // in keys
} mst_later_t;

struct mst_aggregator {
    mst_aggregator_opts_t opts; // endpoints are copies, owned
    char *results_endpoint, *feed_endpoint;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t started_cond;
    bool started;
    mst_rc start_rc;
    mst_err_t start_err;
    atomic_bool stopping;

    mst_loop_t *loop;
    mst_link_t *results, *feed;
    mst_timer_t tick;
    mst_aggr_t *core;
    bool waiting; // for a store that will come back
    bool heard;   // a message came in this turn
    bool stop_said;
    mst_arena_t *scratch, *row; // a message; a row while it is stored
    mst_buf_t out;
    mst_rows_t *free_rows;
    size_t free_rows_count;
    mst_told_key_t *keys; // heap: of the group that is committed
    size_t key_count, key_cap;
    mst_later_t *later; // heap: in the order of adding
    size_t later_count, later_cap, later_told;
    uint64_t *case_nos; // heap: of one message
    size_t case_no_cap;
    uint64_t *gone; // heap: workers that could not be reached; told to the core after its step
    size_t gone_count, gone_cap;
    uint8_t instance[16];
};

// aggregator.c: steps the core and carries out what it says, until nothing is left.
void mst_aggregator_step(mst_aggregator_t *g, const mst_aggr_event_t *ev);

// messages.c
void mst_aggregator_results_message(void *ud, uint64_t conn, mst_str_t bytes);
void mst_aggregator_feed_message(void *ud, uint64_t conn, mst_str_t bytes);
// Packs and sends. A worker that cannot be reached is noted, and the core told by the next mst_aggregator_step.
void mst_aggregator_send(mst_aggregator_t *g, mst_link_t *link, uint64_t conn, Muster__Envelope__BodyCase kind,
                         void *body);
void mst_aggregator_effect(mst_aggregator_t *g, const mst_aggr_effect_t *e); // all but MST_AF_COMMIT
void mst_aggregator_rows_free(mst_aggregator_t *g);                          // the free ones
void mst_aggregator_release(void *ud, void *payload);                        // rows of a batch
void mst_aggregator_forget(void *ud, void *payload);                         // a worker

// commit.c: stores a group in one transaction. On success the messages for the coordinator have gone to the core.
MST_NODISCARD mst_rc mst_aggregator_commit(mst_aggregator_t *g, mst_aggr_batch_t *group, mst_err_t *err);
void mst_aggregator_tell(mst_aggregator_t *g);

#endif
