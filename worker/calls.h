// What scorers ask of endpoints of their own. A scorer that waits for an answer (scorers/scorer.h) leaves its ask in
// the record of its case; the loop's thread asks, within the endpoint's limits and with its retries, several texts to
// embed in one request where more than one waits; with the answers in the record the case is scored anew.
//
// A record belongs to whoever holds its case: a CPU thread while it scores, the loop's thread while it asks.
#ifndef MST_WORKER_CALLS_H
#define MST_WORKER_CALLS_H

#include "common/http/client.h"
#include "common/loop/loop.h"
#include "scorers/scorer.h"
#include "worker/core/retry.h"

typedef struct mst_called mst_called_t;

mst_called_t *mst_called_new(size_t callers);            // of the set: mst_scorer_set_callers
void mst_called_free(mst_called_t **called);             // NULL and *NULL allowed; nothing of it is under way
mst_score_call_t *mst_called_list(mst_called_t *called); // for mst_score_in_t
// After the scorers have run: does one wait for an answer? What it asks is copied then, and the scorers' memory may go.
bool mst_called_wants(mst_called_t *called);

typedef struct {
    mst_loop_t *loop;
    mst_http_t *http;
    const mst_config_env_t *env; // of the keys
    uint32_t concurrency;        // requests in flight to one endpoint
    uint64_t seed;
} mst_calls_opts_t;

typedef struct mst_calls mst_calls_t;
typedef void mst_called_fn(void *ud); // every ask of the record has its answer, or its error

// callers: borrowed with what they point to. MST_DENIED, MST_INVAL: an endpoint cannot be asked, such as for want of
// its key.
MST_NODISCARD mst_rc mst_calls_new(const mst_calls_opts_t *opts, const mst_scorer_cfg_t *const *callers, size_t count,
                                   mst_calls_t **out, mst_err_t *err);
// Nothing is under way, or the HTTP client is gone already: its calls end without a word.
void mst_calls_free(mst_calls_t **calls);
// Asks what the record wants; fn comes in a later turn of the loop. The record stays where it is until then.
void mst_calls_ask(mst_calls_t *calls, mst_called_t *called, mst_called_fn *fn, void *ud);

// Can these endpoints be asked for what their scorers need? One request of each is written and thrown away.
MST_NODISCARD mst_rc mst_calls_check(const mst_scorer_cfg_t *cfg, mst_arena_t *arena, mst_err_t *err);

#endif
