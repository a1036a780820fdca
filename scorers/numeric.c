// numeric: is the final number of the answer the expected one? Extraction as the GSM8K tasks of
// lm-evaluation-harness do it (filter strict, flexible or cot) or as the data set's own code does (original).
//
// compare: harness (the default) compares as those references do, text with text after removing "," and "$",
// everything up to "#### " and a last ".": so "18.00" is not "18", and a whole GSM8K gold answer may be given as
// the expected one. compare: value compares exact decimal values: "18.00" is "18". The recorded solutions of four
// models beside GSM8K's test set are judged alike by both, without a disagreement; harness is the default because
// published accuracies are made with it. No number in the answer scores 0.
#include "common/base/limits.h"
#include "common/text/number.h"
#include "scorers/say.h"
#include "scorers/scorer.h"

#include <stdlib.h>

static const mst_param_t params[] = {
    {.name = "expected", .type = MST_P_STR, .help = "number to compare with; default: the case's expected answer"},
    {.name = "filter",
     .type = MST_P_ENUM,
     .dflt = "flexible",
     .choices = "flexible|strict|cot|original",
     .help = "which number counts: the last one, the one behind \"#### \", behind \"The answer is \", or GSM8K's own"},
    {.name = "compare",
     .type = MST_P_ENUM,
     .dflt = "harness",
     .choices = "harness|value",
     .help = "as text, as lm-evaluation-harness does, or by decimal value (18.00 is 18)"},
    {.name = NULL},
};

typedef struct {
    const mst_scorer_cfg_t *cfg;
    mst_number_filter_t filter;
    bool by_value;
} state_t;

static mst_rc
compile(const mst_scorer_cfg_t *cfg, void **out_state, mst_err_t *err)
{
    static const char *const names[] = {"strict", "flexible", "cot", "original"}; // by mst_number_filter_t
    (void)err;
    state_t *s = MST_NEW(state_t);
    s->cfg = cfg;
    s->filter = MST_NUMBER_FLEXIBLE;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (mst_str_eq_c(mst_params_str(&cfg->params, "filter"), names[i]))
            s->filter = (mst_number_filter_t)i;
    }
    s->by_value = mst_str_eq_c(mst_params_str(&cfg->params, "compare"), "value");
    *out_state = s;
    return MST_OK;
}

// What the expected answer stands for: the number that the original code finds in it, or what the harness leaves.
static bool
reference_form(const state_t *s, mst_str_t expected, char *room, mst_str_t *out)
{
    if (s->filter != MST_NUMBER_ORIGINAL) {
        *out = mst_number_harness_form(expected, room);
        return true;
    }
    mst_str_t number;
    if (!mst_number_extract(MST_NUMBER_ORIGINAL, expected, &number))
        return false;
    *out = mst_number_original_form(number, room);
    return true;
}

static mst_rc
score(void *state, const mst_score_in_t *in, mst_score_t *out, mst_err_t *err)
{
    const state_t *s = state;
    mst_str_t expected, number, want, got;
    mst_rc rc = mst_score_reference(s->cfg, in->c, &expected, out, err);
    if (rc != MST_OK)
        return rc == MST_NOTFOUND ? MST_OK : rc;
    char *want_room = mst_arena_alloc_raw(in->arena, expected.n);
    if (want_room == NULL)
        return MST_ERR(err, MST_LIMIT, "no room to read a number from an expected answer of %zu bytes", expected.n);
    if (!reference_form(s, expected, want_room, &want))
        return MST_ERR(err, MST_INVAL, "the expected answer holds no \"#### number\", which filter: original needs");
    out->value = 0.0;
    if (!mst_number_extract(s->filter, in->output, &number)) {
        out->reason = MST_SAY(in->arena, MST_T("no number found in "), MST_X(in->output));
        return MST_OK;
    }
    char *got_room = mst_arena_alloc_raw(in->arena, number.n);
    if (got_room == NULL)
        return MST_ERR(err, MST_LIMIT, "no room for a number of %zu digits", number.n);
    if (s->filter == MST_NUMBER_ORIGINAL)
        got = mst_number_original_form(number, got_room);
    else
        got = mst_number_harness_form(number, got_room);
    bool same = s->by_value ? mst_number_value_eq(got, want) : mst_str_eq(got, want);
    out->value = same ? 1.0 : 0.0;
    if (same)
        out->reason = MST_STR("the final number is the expected one");
    else
        out->reason = MST_SAY(in->arena, MST_T("expected "), MST_X(want), MST_T(", the answer's final number is "),
                              MST_X(number));
    return MST_OK;
}

const mst_scorer_t mst_scorer_numeric = {
    .kind = {.name = "numeric",
             .aliases = "number|gsm8k",
             .tier = "L1",
             .params = params,
             .threshold = 1.0,
             .help = "1 when the final number of the answer is the expected one (GSM8K)"},
    .compile = compile,
    .score = score,
    .destroy = free,
};
