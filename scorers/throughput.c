// throughput: tokens per second over the whole answer, tokens / end-to-end time, against a minimum. 1 from the
// minimum up, below it the share of it that was reached.
#include "scorers/say.h"
#include "scorers/scorer.h"

#include <stdlib.h>

static const mst_param_t params[] = {
    {.name = "min_tps",
     .alias = "throughput_min_tps",
     .type = MST_P_NUM,
     .dflt = "10",
     .min = 0.001,
     .max = 1e9,
     .help = "fewest tokens per second that score 1"},
    {.name = NULL},
};

static mst_rc
compile(const mst_scorer_cfg_t *cfg, void **out_state, mst_err_t *err)
{
    (void)err;
    double *min_tps = MST_NEW(double);
    *min_tps = mst_params_num(&cfg->params, "min_tps", 10.0);
    *out_state = min_tps;
    return MST_OK;
}

static mst_rc
score(void *state, const mst_score_in_t *in, mst_score_t *out, mst_err_t *err)
{
    (void)err;
    const double *min_tps = state;
    const mst_completion_t *done = in->done;
    if (done->completion_tokens < 0 || done->last_token_ns <= 0) {
        out->state = MST_SCORE_NOT_MEASURED;
        out->reason = MST_STR("not measured: no token count, or no time of the last token");
        return MST_OK;
    }
    double tps = (double)done->completion_tokens / ((double)done->last_token_ns / 1e9);
    out->value = tps >= *min_tps ? 1.0 : tps / *min_tps;
    out->breakdown = MST_SAY(in->arena, MST_T("{\"tokens_per_second\":"), MST_N(tps), MST_T(",\"min_tps\":"),
                             MST_N(*min_tps), MST_T(",\"tokens\":"), MST_I(done->completion_tokens),
                             MST_T(",\"latency_ms\":"), MST_MS(done->last_token_ns), MST_T("}"));
    if (out->value >= 1.0)
        out->reason = MST_STR("fast enough");
    else
        out->reason = MST_SAY(in->arena, MST_N(tps), MST_T(" tokens per second, fewer than "), MST_N(*min_tps));
    return MST_OK;
}

const mst_scorer_t mst_scorer_throughput = {
    .kind = {.name = "throughput",
             .tier = "L4",
             .params = params,
             .threshold = 0.8,
             .help = "tokens per second over the answer: 1 from the minimum up, below it the share reached"},
    .compile = compile,
    .score = score,
    .destroy = free,
};
