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

// Token number i of an answer: a fixed function of seed and i. The special kinds come with the options' odds.
mst_sim_logprob_t mst_sim_logprob_draw(const mst_sim_opts_t *o, uint64_t seed, uint64_t i);
mst_sim_logprob_t mst_sim_logprob_given(double v); // from a replies file
// One entry of logprobs.content.
void mst_sim_logprob_render(mst_str_t token, mst_sim_logprob_t lp, uint64_t seed, uint32_t top, mst_buf_t *out);

void mst_sim_json_str(mst_buf_t *out, mst_str_t s); // quoted and escaped; invalid UTF-8 becomes U+FFFD
void mst_sim_json_u64(mst_buf_t *out, uint64_t v);

#endif
