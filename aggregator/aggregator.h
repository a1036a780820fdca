// The aggregator: the only writer of results. Batches, commits, then acknowledges; keeps live aggregates.
// One thread, which owns the writing store connection.
#ifndef MST_AGGREGATOR_AGGREGATOR_H
#define MST_AGGREGATOR_AGGREGATOR_H

#include "aggregator/store/store.h"

typedef struct mst_aggregator mst_aggregator_t;

typedef struct {
    const char *results_endpoint; // workers (serve)
    const char *feed_endpoint;    // coordinator (dial)
    mst_store_t *store;           // WRITE; lent to the thread from start to stop
    // Bytes of received and uncommitted rows; credit is cut from it. No larger row is taken: less than
    // MST_RESULT_BYTES_MAX refuses results that a worker may send.
    size_t memory_max;
} mst_aggregator_opts_t;

MST_NODISCARD mst_rc mst_aggregator_start(const mst_aggregator_opts_t *o, mst_aggregator_t **out, mst_err_t *err);
void mst_aggregator_stop(mst_aggregator_t **a); // commits what it has, ends the thread and joins it

#endif
