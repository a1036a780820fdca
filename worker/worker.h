// The worker: stands beside one inference backend; renders prompts, drives the backend, stamps every token,
// scores, ships results; holds nothing that it cannot lose. One I/O thread and a pool of CPU threads.
#ifndef MST_WORKER_WORKER_H
#define MST_WORKER_WORKER_H

#include "common/config/run_config.h"
#include "scorers/scorer.h"

typedef struct mst_worker mst_worker_t;

typedef struct {
    const char *control_endpoint; // coordinator (dial)
    const char *results_endpoint; // aggregator (dial)
    const mst_config_env_t *env;  // to read run specs and resolve secrets
    const mst_scorer_outside_t *outside; // runs scorers of type plugin and exec; NULL: runs with them are refused
    const char *const *backends;  // base URLs of the backends that it stands beside, by target; NULL, and a NULL
                                  // in it: the run's base_url. One alone serves every target
    size_t backend_count;
    uint32_t cpu_threads;         // 0 = one per processor
    uint32_t concurrency;         // 0 = the run's
    const char *name;             // NULL = host name
    uint64_t seed;
} mst_worker_opts_t;

MST_NODISCARD mst_rc mst_worker_start(const mst_worker_opts_t *o, mst_worker_t **out, mst_err_t *err);
void mst_worker_stop(mst_worker_t **w); // ends its threads and joins them; unacknowledged results are let go

#endif
