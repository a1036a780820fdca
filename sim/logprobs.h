// Logprobs of the simulated backend, and the small JSON pieces that are written once per token. Pure.
#ifndef MST_SIM_LOGPROBS_H
#define MST_SIM_LOGPROBS_H

#include "common/base/buf.h"
#include "sim/sim.h"

typedef enum { MST_SIM_LP_NUMBER = 0, MST_SIM_LP_NAN, MST_SIM_LP_SENTINEL, MST_SIM_LP_NULL } mst_sim_lp_kind_t;

typedef struct {
    mst_sim_lp_kind_t kind;
    int64_t micro; // the number in millionths: six digits, the same text everywhere
} mst_sim_logprob_t;

typedef struct {
    mst_str_t token;
    mst_sim_logprob_t lp;
} mst_sim_alternative_t;

// Token number i of an answer: a fixed function of seed and i. The special kinds come with the options' odds.
mst_sim_logprob_t mst_sim_logprob_draw(const mst_sim_opts_t *o, uint64_t seed, uint64_t i);
mst_sim_logprob_t mst_sim_logprob_given(double v); // from a replies file
void mst_sim_logprob_add(mst_sim_logprob_t lp, mst_buf_t *out);
// One entry of logprobs.content.
void mst_sim_logprob_render(mst_str_t token, mst_sim_logprob_t lp, uint64_t seed, uint32_t top, mst_buf_t *out);

// Log-probabilities of a prompt are a fixed function of the text up to the token's end and of the backend's seed.
// A chain stands for the text so far; it begins with mst_sim_chain_begin, each token is added to it.
uint64_t mst_sim_chain_begin(const mst_sim_opts_t *o);
uint64_t mst_sim_chain_add(uint64_t chain, mst_str_t token);
mst_sim_logprob_t mst_sim_prompt_logprob(const mst_sim_opts_t *o, uint64_t chain); // of the last token in it
// The tokens that were most likely in place of `token`, best first, at most `count`; how many. The token itself is
// among them when its rank (from 1) is not over count. prompt: it may have been less than the most likely one.
uint32_t mst_sim_alternatives(mst_str_t token, mst_sim_logprob_t lp, uint64_t seed, bool prompt, uint32_t count,
                              mst_sim_alternative_t *out, uint32_t *out_rank);

void mst_sim_json_str(mst_buf_t *out, mst_str_t s); // quoted and escaped; invalid UTF-8 becomes U+FFFD
void mst_sim_json_u64(mst_buf_t *out, uint64_t v);

#endif
