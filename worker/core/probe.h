// What a backend can do, found out before a run: by its descriptions of itself (GETs that cost it nothing) and, where
// the run cannot do without something that only an answer proves, by one small request. Pure: requests come out,
// answers go in, facts and a verdict are what is left.
//
// A backend that does not answer proves nothing: the run begins and its own failures speak. Only an answer that shows
// that the run's numbers would mean nothing refuses it.
#ifndef MST_WORKER_CORE_PROBE_H
#define MST_WORKER_CORE_PROBE_H

#include "worker/provider/provider.h"

typedef enum { MST_FACT_UNKNOWN = 0, MST_FACT_YES, MST_FACT_NO } mst_fact_t;

typedef struct {
    mst_fact_t reachable;
    mst_str_t engine, engine_version, model, model_revision; // as the server says; empty = it does not
    int64_t context_tokens;                                  // longest input and answer together; MST_NONE = not told
    mst_fact_t model_known;                                  // the server lists the model that the run names
    mst_fact_t answers;                                      // the small request had an answer
    mst_fact_t streams, usage, logprobs, loglik;
    mst_str_t why_silent; // of reachable NO: why nothing came
    mst_str_t why; // of loglik NO: the server's or the codec's sentence
} mst_probe_facts_t;

#define MST_PROBE_LOGPROBS (1U << 0) // needs: log-probabilities of generated tokens
#define MST_PROBE_LOGLIK   (1U << 1) // needs: log-likelihood of a given continuation
#define MST_PROBE_ROLLING  (1U << 2) // needs: of a whole text

typedef struct mst_probe mst_probe_t;

// What a run cannot do without. Scorers of log-probabilities count when they fail a case that has none, and a target is
// asked for them.
unsigned mst_probe_needs(const mst_run_cfg_t *cfg);

// provider and cfg are borrowed.
mst_probe_t *mst_probe_new(const mst_provider_t *provider, const mst_provider_cfg_t *cfg, mst_probe_mode_t mode,
                           unsigned needs);
void mst_probe_free(mst_probe_t **probe); // NULL and *NULL allowed
// A plain request of the provider, which tells how it takes its key; NULL: nothing can be asked.
const mst_request_t *mst_probe_plain(const mst_probe_t *probe);
// The next request, in the probe's memory until the next call. False: there is none.
bool mst_probe_next(mst_probe_t *probe, mst_request_t *out);
// Its answer. status 0: none came, and err says why. server: the Server header.
void mst_probe_take(mst_probe_t *probe, int status, mst_str_t server, mst_str_t body, const mst_err_t *err);
const mst_probe_facts_t *mst_probe_facts(const mst_probe_t *probe);
// MST_UNSUPPORTED: the run needs what the backend does not give; the sentence says what and why.
MST_NODISCARD mst_rc mst_probe_verdict(const mst_probe_t *probe, mst_err_t *err);

// The members of a JSON object that describes the facts, appended to w.
void mst_probe_write(const mst_probe_facts_t *f, mst_jw_t *w);

#endif
