// token_budget: do the tokens of an answer stay within their budget? Each limit that is set scores 1 up to it and falls
// straight to 0 at twice of it; the smallest counts.
#include "common/model/step.h"
#include "scorers/say.h"
#include "scorers/scorer.h"

#include <math.h>
#include <stdlib.h>

#define LIMITS 4

// The first LIMITS rows are the limits, in the order of `used` below.
static const mst_param_t params[] = {
    {.name = "max_tokens", .alias = "max_completion_tokens", .type = MST_P_INT, .min = 1, .max = 1e12,
     .help = "most completion tokens"},
    {.name = "max_prompt_tokens", .type = MST_P_INT, .min = 1, .max = 1e12, .help = "most prompt tokens"},
    {.name = "max_total_tokens", .type = MST_P_INT, .min = 1, .max = 1e12,
     .help = "most prompt and completion tokens together"},
    {.name = "max_reasoning_tokens", .type = MST_P_INT, .min = 1, .max = 1e12, .help = "most reasoning tokens"},
    {.name = NULL},
};

static const mst_str_t names[LIMITS] = {
    {"completion tokens", 17}, {"prompt tokens", 13}, {"tokens", 6}, {"reasoning tokens", 16}};

typedef struct {
    int64_t limit[LIMITS]; // 0: none
} state_t;

static mst_rc
compile(const mst_scorer_cfg_t *cfg, void **out_state, mst_err_t *err)
{
    state_t s = {0};
    int64_t any = 0;
    for (size_t i = 0; i < LIMITS; i++)
        any += s.limit[i] = mst_params_int(&cfg->params, params[i].name, 0);
    if (any == 0)
        return MST_ERR(err, MST_INVAL, "needs at least one of \"max_tokens\", \"max_prompt_tokens\", "
                                       "\"max_total_tokens\" and \"max_reasoning_tokens\"");
    state_t *own = MST_NEW(state_t);
    *own = s;
    *out_state = own;
    return MST_OK;
}

static mst_rc
score(void *state, const mst_score_in_t *in, mst_score_t *out, mst_err_t *err)
{
    (void)err;
    const state_t *s = state;
    const mst_step_tokens_t t = mst_steps_tokens(in->done);
    bool both = t.prompt >= 0 && t.completion >= 0;
    both = both && t.prompt <= INT64_MAX - t.completion;
    const int64_t used[LIMITS] = {t.completion, t.prompt,
                                  both ? t.prompt + t.completion : MST_NONE, t.reasoning};
    out->value = 1.0;
    for (size_t i = 0; i < LIMITS; i++) {
        if (s->limit[i] == 0)
            continue;
        if (used[i] < 0) {
            out->state = MST_SCORE_NOT_MEASURED;
            out->reason = MST_SAY(in->arena, MST_T("not measured: no count of "), MST_TS(names[i]));
            return MST_OK;
        }
        double value = mst_score_decay((double)used[i], (double)s->limit[i]);
        if (value < out->value)
            out->reason = MST_SAY(in->arena, MST_I(used[i]), MST_T(" "), MST_TS(names[i]), MST_T(", limit "),
                                  MST_I(s->limit[i]));
        out->value = fmin(out->value, value);
    }
    if (out->value >= 1.0)
        out->reason = MST_STR("within the budget");
    out->breakdown = MST_SAY(in->arena, MST_T("{\"prompt_tokens\":"), MST_COUNT(t.prompt),
                             MST_T(",\"completion_tokens\":"), MST_COUNT(t.completion),
                             MST_T(",\"reasoning_tokens\":"), MST_COUNT(t.reasoning), MST_T("}"));
    return MST_OK;
}

const mst_scorer_t mst_scorer_token_budget = {
    .kind = {.name = "token_budget",
             .tier = "L4",
             .params = params,
             .threshold = 1.0,
             .help = "tokens of an answer against limits: 1 up to a limit, 0 at twice the limit; the smallest counts"},
    .compile = compile,
    .score = score,
    .destroy = free,
};
