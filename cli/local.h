// The roles of one process: coordinator, aggregator and worker as threads over inproc:// links, and the simulated
// backend when the configuration asks for one.
#ifndef MST_CLI_LOCAL_H
#define MST_CLI_LOCAL_H

#include "aggregator/aggregator.h"
#include "coordinator/coordinator.h"
#include "sim/sim.h"
#include "worker/worker.h"

#define MST_LOCAL_CLIENT "inproc://muster-client"

typedef struct {
    const mst_run_cfg_t *cfg;
    mst_store_t *store;      // WRITE; lent from start to stop
    mst_dataset_t **dataset; // taken
    bool resumed;            // ask the store for the keys that are done
    const char *db;          // to read these keys
} mst_local_opts_t;

typedef struct {
    mst_coordinator_t *coordinator;
    mst_aggregator_t *aggregator;
    mst_worker_t *worker;
    mst_local_opts_t *opts;
    mst_config_env_t env; // the worker resolves secrets with it; specs are read without expansion all the same
    mst_sim_t *sims[MST_TARGETS_MAX]; // by target; NULL: a real one
    char urls[MST_TARGETS_MAX][64];
    const char *backends[MST_TARGETS_MAX];
} mst_local_t;

// Everything is running when it returns MST_OK; after an error nothing is.
MST_NODISCARD mst_rc mst_local_start(mst_local_t *l, mst_local_opts_t *o, mst_arena_t *arena, mst_err_t *err);
void mst_local_stop(mst_local_t *l); // worker, aggregator (commits what it has), coordinator, simulated backend

#endif
