// cost: what an answer costs at given prices per million tokens. With max_cost the score is 1 up to it and falls
// straight to 0 at twice of it; without one nothing is judged, the number stands in the breakdown. Reasoning tokens are
// part of the completion's count, as servers bill them.
#include "common/model/step.h"
#include "scorers/say.h"
#include "scorers/scorer.h"

#include <stdlib.h>

static const mst_param_t params[] = {
    {.name = "input_price", .type = MST_P_NUM, .min = 0, .max = 1e9,
     .help = "price of a million prompt tokens; that of the run's `prices` when not given"},
    {.name = "output_price", .type = MST_P_NUM, .min = 0, .max = 1e9,
     .help = "price of a million completion tokens; that of the run's `prices` when not given"},
    {.name = "max_cost", .alias = "max_cost_usd", .type = MST_P_NUM, .min = 1e-12, .max = 1e9,
     .help = "largest cost of one answer that scores 1; not judged when not given"},
    {.name = NULL},
};

typedef struct {
    double input, output, max; // max 0: none
} prices_t;

static mst_rc
compile(const mst_scorer_cfg_t *cfg, void **out_state, mst_err_t *err)
{
    (void)err;
    prices_t *p = MST_NEW(prices_t);
    p->input = mst_params_num(&cfg->params, "input_price", 0.0);
    p->output = mst_params_num(&cfg->params, "output_price", 0.0);
    p->max = mst_params_num(&cfg->params, "max_cost", 0.0);
    *out_state = p;
    return MST_OK;
}

static mst_rc
score(void *state, const mst_score_in_t *in, mst_score_t *out, mst_err_t *err)
{
    (void)err;
    const prices_t *p = state;
    const mst_step_tokens_t used = mst_steps_tokens(in->done);
    bool needs_input = p->input > 0.0, needs_output = p->output > 0.0;
    if ((needs_input && used.prompt < 0) || (needs_output && used.completion < 0)) {
        out->state = MST_SCORE_NOT_MEASURED;
        out->reason = used.prompt < 0 && needs_input ? MST_STR("not measured: no count of prompt tokens")
                                                             : MST_STR("not measured: no count of completion tokens");
        return MST_OK;
    }
    double input = needs_input ? (double)used.prompt / 1e6 * p->input : 0.0;
    double output = needs_output ? (double)used.completion / 1e6 * p->output : 0.0;
    double cost = input + output;
    out->value = p->max > 0.0 ? mst_score_decay(cost, p->max) : 1.0;
    out->breakdown = MST_SAY(in->arena, MST_T("{\"cost\":"), MST_F(cost), MST_T(",\"input_cost\":"), MST_F(input),
                             MST_T(",\"output_cost\":"), MST_F(output), MST_T(",\"prompt_tokens\":"),
                             MST_COUNT(used.prompt), MST_T(",\"completion_tokens\":"),
                             MST_COUNT(used.completion), MST_T("}"));
    if (out->value >= 1.0)
        out->reason = MST_SAY(in->arena, MST_T("costs "), MST_N(cost));
    else
        out->reason = MST_SAY(in->arena, MST_T("costs "), MST_N(cost), MST_T(", limit "), MST_N(p->max));
    return MST_OK;
}

const mst_scorer_t mst_scorer_cost = {
    .kind = {.name = "cost",
             .tier = "L4",
             .params = params,
             .threshold = 1.0,
             .help = "cost of the answer at given prices per million tokens, against a limit"},
    .compile = compile,
    .score = score,
    .destroy = free,
};
