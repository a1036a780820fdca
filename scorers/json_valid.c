// json_valid: is the answer JSON? Grammar alone, at any size and depth, by RFC 8259; with strict: false as Python's
// json.loads takes it (NaN, Infinity and -Infinity too).
#include "scorers/json_text.h"
#include "scorers/say.h"
#include "scorers/scorer.h"

#include <stdlib.h>

static const mst_param_t params[] = {
    {.name = "strict", .type = MST_P_BOOL, .dflt = "true", .help = "refuse NaN, Infinity and -Infinity"},
    {.name = "extract",
     .type = MST_P_ENUM,
     .dflt = "none",
     .choices = MST_EXTRACT_CHOICES,
     .help = "none: the whole answer; fenced: its first ``` block, else the whole; any: also the outermost braces or "
             "brackets"},
    {.name = NULL},
};

typedef struct {
    bool strict;
    mst_extract_t extract;
} state_t;

static mst_rc
compile(const mst_scorer_cfg_t *cfg, void **out_state, mst_err_t *err)
{
    (void)err;
    state_t *s = MST_NEW(state_t);
    s->strict = mst_params_bool(&cfg->params, "strict");
    s->extract = mst_extract_of(mst_params_str(&cfg->params, "extract"));
    *out_state = s;
    return MST_OK;
}

static mst_rc
score(void *state, const mst_score_in_t *in, mst_score_t *out, mst_err_t *err)
{
    (void)err;
    const state_t *s = state;
    mst_str_t parts[MST_JSON_PARTS_MAX];
    size_t count = mst_json_parts(s->extract, in->output, parts);
    for (size_t i = 0; i < count && out->value < 1.0; i++)
        out->value = mst_json_valid(parts[i], !s->strict) ? 1.0 : 0.0;
    if (out->value > 0.0)
        out->reason = MST_STR("the answer is JSON");
    else
        out->reason = MST_SAY(in->arena, MST_T("not JSON: "), MST_X(in->output));
    return MST_OK;
}

const mst_scorer_t mst_scorer_json_valid = {
    .kind = {.name = "json_valid",
             .aliases = "valid_json",
             .tier = "L1",
             .params = params,
             .threshold = 1.0,
             .help = "1 when the answer is JSON"},
    .compile = compile,
    .score = score,
    .destroy = free,
};
