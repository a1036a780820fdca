// The simulated backend: OpenAI chat completions over HTTP/1.1 with keep-alive and chunked SSE, seeded
// latency, tokens, logprobs and faults, replies from a file. A product feature and a test instrument.
// It records when it wrote each token, so that a client's stamps can be checked against the truth.
//
// Runs in its own thread (mst_sim_start) or as a process (`muster sim`). Two runs with the same seed and the
// same requests give the same answers, delays and faults: everything is drawn from a hash of (seed, request
// identity, attempt), not from the order of arrival.
// Thread: start, stop and port from any; the rest inside.
#ifndef MST_SIM_SIM_H
#define MST_SIM_SIM_H

#include "common/base/err.h"
#include "common/base/str.h"

typedef struct mst_sim mst_sim_t;

typedef struct {
    const char *host;        // "127.0.0.1"
    uint16_t port;           // 0 = any free one
    uint64_t seed;
    const char *model;       // name that it reports
    const char *api_key;     // NULL = any; else 401 without it
    double ttft_ms, ttft_sigma;     // log-normal: median and sigma of ln; 0 = at once
    double itl_ms, itl_sigma;       // per event
    uint32_t tokens_min, tokens_max;// answer length when no reply file decides
    uint32_t tokens_per_event;
    bool reasoning;          // some reasoning tokens first
    // replies: JSONL rows {"id"|"prompt_sha256"|"prompt": ..., "reply": "..."}; looked up by the header
    // X-Case-Id, then by the SHA-256 (hex) of the last user message, then by that message
    const char *replies_path;
    bool echo;               // reply with the prompt
    // faults, each a probability per attempt
    double p_429, p_500, p_cut, p_hang_before, p_hang_after, p_malformed, p_slow;
    double retry_after_s;    // header of the 429s
    double logprob_nan, logprob_sentinel, logprob_null; // per token: NaN, -9999.0, null
    bool sync_steps;         // every stream gets its token at the same instant
    const char *truth_path;  // NULL = none; format in sim/README.md
    uint32_t connections_max;
} mst_sim_opts_t;

void mst_sim_defaults(mst_sim_opts_t *o);
// Listens before it returns. MST_CONFLICT: port in use; MST_NOTFOUND: replies file.
MST_NODISCARD mst_rc mst_sim_start(const mst_sim_opts_t *o, mst_sim_t **out, mst_err_t *err);
uint16_t mst_sim_port(const mst_sim_t *s);
void mst_sim_stop(mst_sim_t **s); // joins the thread, writes the rest of the truth file

#endif
