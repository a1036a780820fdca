// The coordinator: owns a run. Reads the dataset once, cuts it into units, leases them to workers, takes back
// what silent workers held, counts what is committed. One thread; see coordinator/core for the rules.
#ifndef MST_COORDINATOR_COORDINATOR_H
#define MST_COORDINATOR_COORDINATOR_H

#include "aggregator/store/store.h"
#include "common/config/run_config.h"
#include "coordinator/dataset/dataset.h"

typedef struct mst_coordinator mst_coordinator_t;

typedef struct {
    const char *control_endpoint; // workers (serve)
    const char *feed_endpoint;    // aggregator's commits (serve)
    const char *client_endpoint;  // clients (serve)
    const mst_config_env_t *env;  // to read submitted specs
    mst_dataset_t **dataset;      // already open: taken, used for the first run submitted; NULL = open it from the spec
    // Keys of a resumed run that have a result already: called once at submit; NULL = none.
    mst_rc (*done_keys)(void *ud, int64_t run_no, mst_store_key_fn *fn, void *fn_ud, mst_err_t *err);
    // Called from the coordinator's thread for each refused row; NULL = none.
    void (*on_refused)(void *ud, uint64_t line, const char *message);
    void *ud;
    uint64_t seed; // of its random numbers
} mst_coordinator_opts_t;

// Starts the thread; all three links are bound before it returns.
MST_NODISCARD mst_rc mst_coordinator_start(const mst_coordinator_opts_t *o, mst_coordinator_t **out, mst_err_t *err);
void mst_coordinator_stop(mst_coordinator_t **c); // ends the thread and joins it

#endif
