// tpot: time per output token after the first, against a limit, with the decay of ttft. From the stamps of the stream;
// of a recorded answer from its total time, its time to first token and its count.
#include "scorers/say.h"
#include "scorers/scorer.h"

#include <math.h>
#include <stdlib.h>

static const mst_param_t params[] = {
    {.name = "max_tpot_ms", .type = MST_P_NUM, .dflt = "100", .min = 0.000001, .max = 86400000,
     .help = "longest time per token after the first, in milliseconds, that scores 1"},
    {.name = NULL},
};

static mst_rc
compile(const mst_scorer_cfg_t *cfg, void **out_state, mst_err_t *err)
{
    (void)err;
    double *limit_ms = MST_NEW(double);
    *limit_ms = mst_params_num(&cfg->params, "max_tpot_ms", 100.0);
    *out_state = limit_ms;
    return MST_OK;
}

static double
time_per_token_ns(const mst_completion_t *c)
{
    if (c->event_count > 0)
        return mst_completion_tpot_ns(c);
    if (c->ttft_ns < 0 || c->last_token_ns < c->ttft_ns || c->completion_tokens < 2)
        return (double)NAN;
    return (double)(c->last_token_ns - c->ttft_ns) / (double)(c->completion_tokens - 1);
}

static mst_rc
score(void *state, const mst_score_in_t *in, mst_score_t *out, mst_err_t *err)
{
    (void)err;
    const double *limit_ms = state;
    double ms = time_per_token_ns(in->done) / 1e6;
    if (!isfinite(ms)) {
        out->state = MST_SCORE_NOT_MEASURED;
        out->reason = MST_STR("not measured: no stamps of two tokens");
        return MST_OK;
    }
    out->value = mst_score_decay(ms, *limit_ms);
    out->breakdown = MST_SAY(in->arena, MST_T("{\"tpot_ms\":"), MST_F(ms), MST_T(",\"threshold_ms\":"),
                             MST_F(*limit_ms), MST_T("}"));
    if (out->value >= 1.0)
        out->reason = MST_STR("tokens came within the limit");
    else
        out->reason = MST_SAY(in->arena, MST_N(ms), MST_T(" ms per token, limit "), MST_N(*limit_ms), MST_T(" ms"));
    return MST_OK;
}

const mst_scorer_t mst_scorer_tpot = {
    .kind = {.name = "tpot",
             .tier = "L4",
             .params = params,
             .threshold = 0.8,
             .help = "time per output token after the first: 1 up to the limit, 0 at twice the limit"},
    .compile = compile,
    .score = score,
    .destroy = free,
};
