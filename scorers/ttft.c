// ttft: time to first token against a limit. 1 up to the limit, then straight down to 0 at twice the limit.
// An answer that was not streamed has no first token apart from its last: not measured.
#include "scorers/say.h"
#include "scorers/scorer.h"

#include <stdlib.h>

static const mst_param_t params[] = {
    {.name = "max_ttft_ms",
     .alias = "ttft_threshold_ms",
     .type = MST_P_NUM,
     .dflt = "500",
     .min = 0.001,
     .max = 86400000,
     .help = "longest time to first token, in milliseconds, that scores 1"},
    {.name = NULL},
};

static mst_rc
compile(const mst_scorer_cfg_t *cfg, void **out_state, mst_err_t *err)
{
    (void)err;
    double *limit_ms = MST_NEW(double);
    *limit_ms = mst_params_num(&cfg->params, "max_ttft_ms", 500.0);
    *out_state = limit_ms;
    return MST_OK;
}

static mst_rc
score(void *state, const mst_score_in_t *in, mst_score_t *out, mst_err_t *err)
{
    (void)err;
    const double *limit_ms = state;
    int64_t ttft = in->done->ttft_ns;
    if (ttft < 0) {
        out->state = MST_SCORE_NOT_MEASURED;
        out->reason = MST_STR("no time to first token: the answer did not come as a stream");
        return MST_OK;
    }
    out->value = mst_score_decay((double)ttft / 1e6, *limit_ms);
    out->breakdown = MST_SAY(in->arena, MST_T("{\"ttft_ms\":"), MST_MS(ttft), MST_T(",\"threshold_ms\":"),
                             MST_N(*limit_ms), MST_T("}"));
    if (out->value >= 1.0)
        out->reason = MST_STR("the first token came within the limit");
    else
        out->reason = MST_SAY(in->arena, MST_T("first token after "), MST_MS(ttft), MST_T(" ms, limit "),
                              MST_N(*limit_ms), MST_T(" ms"));
    return MST_OK;
}

const mst_scorer_t mst_scorer_ttft = {
    .kind = {.name = "ttft",
             .tier = "L4",
             .params = params,
             .threshold = 0.8,
             .help = "time to first token: 1 up to the limit, 0 at twice the limit"},
    .compile = compile,
    .score = score,
    .destroy = free,
};
