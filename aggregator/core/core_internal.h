// What the files of aggregator/core share.
#ifndef MST_AGGREGATOR_CORE_INTERNAL_H
#define MST_AGGREGATOR_CORE_INTERNAL_H

#include "aggregator/core/core.h"

struct mst_aggr_peer {
    uint64_t conn, session;
    uint8_t instance[16];
    uint64_t credit_told;
    void *edge;        // the edge's, until MST_AF_FORGET
    size_t held;       // bytes of its rows in here
    uint32_t batches;  // in the queue or in the group
    uint64_t last_id;  // highest number of a batch that came
    bool acked;        // in this step
    bool gone;         // kept only until its batches are through
    mst_buf_t chunk;   // a large row, as far as it came
    uint64_t chunk_id; // its batch; 0 = none
    uint32_t chunk_run;
    uint64_t chunk_total;
    uint64_t refused_id; // a large row that was refused: its further chunks are let go
};

typedef struct mst_aggr_feed {
    struct mst_aggr_feed *next;
    uint64_t seq;
    int64_t sent_ns; // 0 = not sent yet
    size_t n;
    char bytes[];
} mst_aggr_feed_t;

struct mst_aggr {
    size_t memory_max, held;
    mst_aggr_peer_t **peers; // by conn; heap
    size_t peer_count, peer_cap;
    uint64_t next_session;

    mst_aggr_batch_t *queue, **queue_end;
    mst_aggr_batch_t *group; // out for commit, or failed and to be tried again
    bool committing;         // MST_AF_COMMIT is not answered yet
    bool failing;            // the last commit failed, and the coordinator was told
    bool waiting;            // the last commit failed, and the store is expected back
    int64_t retry_ns;
    size_t queued_rows, queued_bytes;

    mst_aggr_feed_t *feed, **feed_end;
    size_t feed_bytes;
    uint64_t feed_seq;
    bool feed_up;
    int64_t feed_hello_ns;

    bool stopping, last_try, stopped;
    char failure[512]; // text of MST_AF_STORE_FAILED

    mst_aggr_effect_t *effects; // heap
    size_t effect_count, effect_cap;
    uint64_t *ids; // heap: of the acknowledgements of one step
    size_t id_count, id_cap;
    mst_aggr_batch_t *spent; // batches whose texts the effects of this step point to
};

mst_aggr_effect_t *mst_aggr_emit(mst_aggr_t *a, mst_aggr_effect_kind_t kind);

// peers.c
mst_aggr_peer_t *mst_aggr_peer_find(const mst_aggr_t *a, uint64_t conn);
void mst_aggr_on_hello(mst_aggr_t *a, const mst_aggr_event_t *ev);
void mst_aggr_on_gone(mst_aggr_t *a, uint64_t conn);
void mst_aggr_peer_done(mst_aggr_t *a, mst_aggr_batch_t *b); // one of its batches is through
void mst_aggr_credit_all(mst_aggr_t *a, bool even_unchanged);
void mst_aggr_peers_free(mst_aggr_t *a, mst_aggr_back_fn *forget, void *ud);

// batches.c
void mst_aggr_on_batch(mst_aggr_t *a, const mst_aggr_event_t *ev);
void mst_aggr_on_chunk(mst_aggr_t *a, const mst_aggr_event_t *ev);
void mst_aggr_try_commit(mst_aggr_t *a, int64_t now_ns);
void mst_aggr_on_done(mst_aggr_t *a);
void mst_aggr_on_failed(mst_aggr_t *a, const mst_aggr_event_t *ev, int64_t now_ns);
void mst_aggr_spend(mst_aggr_t *a); // frees what the last step's effects pointed to

// feed.c
void mst_aggr_feed_up(mst_aggr_t *a, int64_t now_ns);
void mst_aggr_feed_put(mst_aggr_t *a, const mst_aggr_event_t *ev, int64_t now_ns);
void mst_aggr_feed_acked(mst_aggr_t *a, uint64_t seq);
void mst_aggr_feed_tick(mst_aggr_t *a, int64_t now_ns);
void mst_aggr_feed_free(mst_aggr_t *a);

#endif
