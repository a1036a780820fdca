// length: is the answer between two lengths, both inclusive? A bound that is not set always holds; a lower bound
// above the upper one lets nothing pass.
#include "common/base/utf8.h"
#include "common/text/normalise.h"
#include "scorers/say.h"
#include "scorers/scorer.h"

#include <stdlib.h>

static const mst_param_t params[] = {
    {.name = "min_length", .alias = "min", .type = MST_P_INT, .max = 1e15, .help = "shortest answer that passes"},
    {.name = "max_length", .alias = "max", .type = MST_P_INT, .max = 1e15, .help = "longest answer that passes"},
    {.name = "unit",
     .type = MST_P_ENUM,
     .dflt = "chars",
     .choices = "chars|bytes|words",
     .help = "what is counted: Unicode code points, bytes of UTF-8, or words between white space"},
    {.name = NULL},
};

typedef enum { CHARS, BYTES, WORDS } unit_t;

typedef struct {
    unit_t unit;
    int64_t min, max; // -1: no bound
} state_t;

static mst_rc
compile(const mst_scorer_cfg_t *cfg, void **out_state, mst_err_t *err)
{
    (void)err;
    state_t *s = MST_NEW(state_t);
    s->min = mst_params_int(&cfg->params, "min_length", -1);
    s->max = mst_params_int(&cfg->params, "max_length", -1);
    mst_str_t unit = mst_params_str(&cfg->params, "unit");
    s->unit = mst_str_eq_c(unit, "bytes") ? BYTES : mst_str_eq_c(unit, "words") ? WORDS : CHARS;
    *out_state = s;
    return MST_OK;
}

static int64_t
measure(unit_t unit, mst_str_t s)
{
    if (unit == WORDS)
        return (int64_t)mst_text_words(s);
    if (unit == BYTES || mst_text_is_ascii(s))
        return (int64_t)s.n;
    return (int64_t)mst_utf8_count(s);
}

static mst_rc
score(void *state, const mst_score_in_t *in, mst_score_t *out, mst_err_t *err)
{
    static const mst_str_t names[] = {{" characters", 11}, {" bytes", 6}, {" words", 6}};
    (void)err;
    const state_t *s = state;
    int64_t n = measure(s->unit, in->output);
    bool low = s->min >= 0 && n < s->min, high = s->max >= 0 && n > s->max;
    out->value = low || high ? 0.0 : 1.0;
    out->breakdown = MST_SAY(in->arena, MST_T("{\"length\":"), MST_I(n), MST_T("}"));
    if (low)
        out->reason = MST_SAY(in->arena, MST_I(n), MST_TS(names[s->unit]), MST_T(", fewer than "), MST_I(s->min));
    else if (high)
        out->reason = MST_SAY(in->arena, MST_I(n), MST_TS(names[s->unit]), MST_T(", more than "), MST_I(s->max));
    else
        out->reason = MST_STR("the length is within bounds");
    return MST_OK;
}

const mst_scorer_t mst_scorer_length = {
    .kind = {.name = "length",
             .tier = "L1",
             .params = params,
             .threshold = 1.0,
             .help = "1 when the answer's length is within bounds, both inclusive"},
    .compile = compile,
    .score = score,
    .destroy = free,
};
