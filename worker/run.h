// What a worker knows of one run: its configuration as it was sent, the backends, their limits of time. Read-only
// once it is made, so that the I/O thread and every CPU thread may look at it; counted references say when it
// may go.
#ifndef MST_WORKER_RUN_H
#define MST_WORKER_RUN_H

#include "common/base/hash.h"
#include "common/base/mem.h"
#include "scorers/scorer.h"
#include "worker/core/throttle.h"
#include "worker/core/retry.h"
#include "worker/provider/provider.h"
#include "worker/replay.h"

#include <stdatomic.h>

// One backend of the run, as this worker asks it.
typedef struct {
    const mst_target_cfg_t *cfg; // its label
    mst_provider_cfg_t ask;      // its settings, with the worker's own base_url in place
    const mst_provider_t *provider;
    bool launched; // this worker starts its server
    uint16_t port; // of that server
    mst_replay_t *replay; // of a provider that replays; else NULL
    uint32_t concurrency;                                  // requests in flight
    int64_t connect_ms, first_token_ms, idle_ms, total_ms; // 0 = none
    mst_retry_policy_t retry;
    mst_throttle_opts_t throttle;
    const mst_price_cfg_t *price; // NULL = none
    int64_t answer_tokens;        // most that an answer may have; 0 = not known
    double retry_share; // further tries of all cases, per first try
} mst_run_target_t;

typedef struct {
    atomic_uint refs;
    mst_digest_t digest; // of the spec
    mst_arena_t *arena;  // holds cfg and targets
    mst_run_cfg_t cfg;
    const mst_run_target_t *targets;
    size_t target_count; // 0: recorded answers are scored
    const mst_scorer_cfg_t *const *callers; // scorers that ask an endpoint of their own
    size_t caller_count;
    struct mst_cache *cache; // of answers; NULL = none
} mst_run_t;

// The worker's own options, which win over the run's.
typedef struct {
    const char *const *backends; // base URLs by target; NULL, and a NULL in it: the run's
    size_t backend_count;        // one alone serves every target
    uint32_t concurrency;        // 0 = the run's
    const mst_scorer_outside_t *outside; // NULL: runs with scorers of type plugin or exec are refused
} mst_run_own_t;

// Loads a spec: verifies its digest, reads it without ${} expansion, compiles its scorers once to find their
// errors here. MST_INVAL, MST_PROTO, MST_UNSUPPORTED.
MST_NODISCARD mst_rc mst_run_new(mst_str_t spec, const mst_digest_t *digest, const mst_config_env_t *env,
                                 const mst_run_own_t *own, mst_run_t **out, mst_err_t *err);
mst_run_t *mst_run_ref(mst_run_t *run);
void mst_run_unref(mst_run_t **run); // NULL and *NULL allowed

#endif
