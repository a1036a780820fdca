// perplexity: how surprised the model was by its own answer, exp(-sum of log-probabilities / units), by token, word or
// byte. With max_perplexity the score is 1 up to it and falls straight to 0 at twice of it; without one nothing is
// judged, the number stands in the breakdown.
//
// By word and by byte every token counts, so one broken value leaves nothing to measure; by token the mean is over the
// values that are numbers, and the others are shown.
#include "common/text/normalise.h"
#include "scorers/logprobs.h"
#include "scorers/say.h"
#include "scorers/scorer.h"

#include <math.h>
#include <stdlib.h>

static const mst_param_t params[] = {
    {.name = "unit", .type = MST_P_ENUM, .dflt = "token", .choices = "token|word|byte",
     .help = "what the log-probability is spread over: tokens, words between white space, bytes of UTF-8"},
    {.name = "max_perplexity", .type = MST_P_NUM, .min = 1, .max = 1e12,
     .help = "largest perplexity that scores 1; not judged when not given"},
    {.name = NULL},
};

typedef enum { TOKEN, WORD, BYTE } unit_t;

static const mst_str_t unit_names[] = {{"token", 5}, {"word", 4}, {"byte", 4}};

typedef struct {
    unit_t unit;
    double max; // 0: none
} state_t;

static mst_rc
compile(const mst_scorer_cfg_t *cfg, void **out_state, mst_err_t *err)
{
    (void)err;
    state_t *s = MST_NEW(state_t);
    mst_str_t unit = mst_params_str(&cfg->params, "unit");
    s->unit = mst_str_eq_c(unit, "word") ? WORD : mst_str_eq_c(unit, "byte") ? BYTE : TOKEN;
    s->max = mst_params_num(&cfg->params, "max_perplexity", 0.0);
    *out_state = s;
    return MST_OK;
}

// 0: nothing that it could be spread over.
static double
units(unit_t unit, const mst_logprobs_t *l, mst_str_t text)
{
    if (unit == TOKEN)
        return (double)l->count;
    if (l->count < l->total)
        return 0.0;
    return unit == BYTE ? (double)text.n : (double)mst_text_words(text);
}

static mst_rc
score(void *state, const mst_score_in_t *in, mst_score_t *out, mst_err_t *err)
{
    const state_t *s = state;
    mst_logprobs_t l;
    mst_rc rc = mst_logprobs_read(in->done, false, in->arena, &l, err);
    if (rc != MST_OK)
        return rc;
    double n = units(s->unit, &l, in->done->text);
    if (l.total == 0 || n <= 0.0) {
        out->state = MST_SCORE_NOT_MEASURED;
        out->reason = l.total == 0       ? MST_STR("not measured: no log-probabilities")
                      : l.count < l.total ? MST_STR("not measured: some log-probabilities are no numbers")
                                          : MST_STR("not measured: the answer is empty");
        return MST_OK;
    }
    double sum = mst_sum(l.clean, l.count), perplexity = exp(-sum / n), bits = -sum / n / log(2.0);
    out->value = s->max > 0.0 ? mst_score_decay(perplexity, s->max) : 1.0;
    out->breakdown = MST_SAY(in->arena, MST_T("{\""), MST_TS(unit_names[s->unit]), MST_T("_perplexity\":"),
                             MST_F(perplexity), MST_T(",\"bits_per_"), MST_TS(unit_names[s->unit]), MST_T("\":"),
                             MST_F(bits), MST_T(",\"sum_logprob\":"), MST_F(sum), MST_T(",\"units\":"), MST_F(n),
                             MST_T(",\"tokens\":"), MST_I(l.count), MST_T(",\"excluded\":"), MST_I(l.total - l.count),
                             MST_T("}"));
    out->reason = MST_SAY(in->arena, MST_T("perplexity "), MST_N(perplexity), MST_T(" by "),
                          MST_TS(unit_names[s->unit]));
    return MST_OK;
}

const mst_scorer_t mst_scorer_perplexity = {
    .kind = {.name = "perplexity",
             .tier = "L4",
             .params = params,
             .threshold = 1.0,
             .help = "perplexity of the answer from its log-probabilities, by token, word or byte",
             .logprobs = true},
    .compile = compile,
    .score = score,
    .destroy = free,
};
