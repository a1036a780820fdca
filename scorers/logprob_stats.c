// logprob_stats: the numbers of an answer's log-probabilities, for looking at: mean, deviation, range, sum, and what
// was no number. It judges nothing unless min_mean is given.
#include "scorers/logprobs.h"
#include "scorers/say.h"
#include "scorers/scorer.h"

#include <math.h>
#include <stdlib.h>

static const mst_param_t params[] = {
    {.name = "min_mean", .type = MST_P_NUM, .min = -9000, .max = 0,
     .help = "least mean log-probability that passes; nothing is judged when not given"},
    {.name = NULL},
};

typedef struct {
    bool judges;
    double min_mean;
} state_t;

static mst_rc
compile(const mst_scorer_cfg_t *cfg, void **out_state, mst_err_t *err)
{
    (void)err;
    state_t *s = MST_NEW(state_t);
    s->judges = mst_params_set(&cfg->params, "min_mean");
    s->min_mean = mst_params_num(&cfg->params, "min_mean", 0.0);
    *out_state = s;
    return MST_OK;
}

static mst_rc
score(void *state, const mst_score_in_t *in, mst_score_t *out, mst_err_t *err)
{
    const state_t *s = state;
    mst_logprobs_t l;
    mst_rc rc = mst_logprobs_read(in->done, false, in->arena, &l, err);
    if (rc != MST_OK)
        return rc;
    mst_str_t counts = mst_logprobs_members(&l, in->arena);
    if (l.count == 0) {
        out->state = MST_SCORE_NOT_MEASURED;
        out->reason = l.total == 0 ? MST_STR("not measured: no log-probabilities")
                                   : MST_STR("not measured: no log-probability is a finite number");
        if (l.total > 0 && counts.n > 0)
            out->breakdown = MST_SAY(in->arena, MST_T("{"), MST_TS(counts), MST_T("}"));
        return MST_OK;
    }
    mst_spread_t all = mst_spread(l.clean, l.count);
    double low = l.clean[0], high = l.clean[0];
    for (size_t i = 1; i < l.count; i++) {
        low = fmin(low, l.clean[i]);
        high = fmax(high, l.clean[i]);
    }
    out->value = s->judges && !(all.mean >= s->min_mean) ? 0.0 : 1.0;
    if (counts.n > 0)
        out->breakdown = MST_SAY(in->arena, MST_T("{"), MST_TS(counts), MST_T(",\"mean\":"), MST_F(all.mean),
                                 MST_T(",\"std\":"), MST_F(all.sd), MST_T(",\"min\":"), MST_F(low),
                                 MST_T(",\"max\":"), MST_F(high), MST_T(",\"sum\":"),
                                 MST_F(mst_sum(l.clean, l.count)), MST_T(",\"perplexity\":"), MST_F(exp(-all.mean)),
                                 MST_T("}"));
    out->reason = MST_SAY(in->arena, MST_T("mean log-probability "), MST_N(all.mean), MST_T(" over "),
                          MST_I(l.count), MST_T(" of "), MST_I(l.total), MST_T(" values"));
    return MST_OK;
}

const mst_scorer_t mst_scorer_logprob_stats = {
    .kind = {.name = "logprob_stats",
             .tier = "L4",
             .params = params,
             .threshold = 1.0,
             .help = "mean, deviation and range of an answer's log-probabilities; judges nothing by default",
             .logprobs = true},
    .compile = compile,
    .score = score,
    .destroy = free,
};
