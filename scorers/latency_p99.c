// latency_p99: the 99th percentile (type 7, as numpy's "linear") of the end-to-end times of a whole run against a
// limit, with the decay of ttft. Scope run: computed once over all measured cases, so that the order in which
// parallel workers finish cannot change it, and it gates the run, not a case.
#include "scorers/say.h"
#include "scorers/scorer.h"

#include <math.h>
#include <stdlib.h>

static const mst_param_t params[] = {
    {.name = "max_p99_ms",
     .alias = "p99_threshold_ms",
     .type = MST_P_NUM,
     .dflt = "5000",
     .min = 0.001,
     .max = 86400000,
     .help = "longest 99th percentile of end-to-end times, in milliseconds, that scores 1"},
    {.name = NULL},
};

static mst_rc
compile(const mst_scorer_cfg_t *cfg, void **out_state, mst_err_t *err)
{
    (void)err;
    double *limit_ms = MST_NEW(double);
    *limit_ms = mst_params_num(&cfg->params, "max_p99_ms", 5000.0);
    *out_state = limit_ms;
    return MST_OK;
}

static mst_rc
run(void *state, const mst_run_numbers_t *numbers, mst_arena_t *arena, mst_score_t *out, mst_err_t *err)
{
    const double *limit_ms = state;
    uint64_t count = numbers->count(numbers->ud, "e2e");
    if (count == 0) {
        out->state = MST_SCORE_NOT_MEASURED;
        out->reason = MST_STR("not measured: no case has an end-to-end time");
        return MST_OK;
    }
    double p99_ns = numbers->percentile(numbers->ud, "e2e", 0.99);
    if (!isfinite(p99_ns))
        return MST_ERR(err, MST_INTERNAL, "the 99th percentile of %llu end-to-end times is not a number",
                       (unsigned long long)count);
    out->value = mst_score_decay(p99_ns / 1e6, *limit_ms);
    mst_say_t p99 = fabs(p99_ns) < 9e18 ? MST_MS((int64_t)(p99_ns + 0.5)) : MST_N(p99_ns / 1e6);
    out->breakdown = MST_SAY(arena, MST_T("{\"p99_ms\":"), p99, MST_T(",\"threshold_ms\":"), MST_N(*limit_ms),
                             MST_T(",\"sample_count\":"), MST_I(count), MST_T("}"));
    out->reason = MST_SAY(arena, MST_T("99th percentile "), p99, MST_T(" ms over "), MST_I(count),
                          MST_T(" cases, limit "), MST_N(*limit_ms), MST_T(" ms"));
    return MST_OK;
}

const mst_scorer_t mst_scorer_latency_p99 = {
    .kind = {.name = "latency_p99",
             .aliases = "p99",
             .tier = "L4",
             .params = params,
             .threshold = 0.8,
             .help = "99th percentile of end-to-end time over the run: 1 up to the limit, 0 at twice the limit"},
    .scope = MST_SCOPE_RUN,
    .compile = compile,
    .run = run,
    .destroy = free,
};
