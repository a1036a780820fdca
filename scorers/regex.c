// regex: does the pattern match anywhere in the answer? Python's re.search, 1 or 0.
#include "common/text/regex.h"
#include "scorers/say.h"
#include "scorers/scorer.h"

static const mst_param_t params[] = {
    {.name = "pattern",
     .alias = "regex|value",
     .type = MST_P_STR,
     .required = true,
     .help = "searched anywhere in the answer"},
    {.name = "case_sensitive", .type = MST_P_BOOL, .dflt = "true", .help = "false: letters match in either case"},
    {.name = NULL},
};

static mst_rc
compile(const mst_scorer_cfg_t *cfg, void **out_state, mst_err_t *err)
{
    mst_regex_t *re = NULL;
    int flags = MST_REGEX_UCP | (mst_params_bool(&cfg->params, "case_sensitive") ? 0 : MST_REGEX_ICASE);
    mst_rc rc = mst_regex_new(mst_params_str(&cfg->params, "pattern"), flags, &re, err);
    *out_state = re;
    return rc;
}

static mst_rc
score(void *state, const mst_score_in_t *in, mst_score_t *out, mst_err_t *err)
{
    mst_rc rc = mst_regex_find(state, in->output, 0, NULL, 0, err);
    if (rc != MST_OK && rc != MST_NOTFOUND)
        return rc;
    out->value = rc == MST_OK ? 1.0 : 0.0;
    if (rc == MST_OK)
        out->reason = MST_STR("the pattern matches");
    else
        out->reason = MST_SAY(in->arena, MST_T("the pattern matches nowhere in "), MST_X(in->output));
    return MST_OK;
}

static void
destroy(void *state)
{
    mst_regex_t *re = state;
    mst_regex_free(&re);
}

const mst_scorer_t mst_scorer_regex = {
    .kind = {.name = "regex",
             .tier = "L1",
             .params = params,
             .threshold = 1.0,
             .help = "1 when the pattern matches anywhere in the answer"},
    .compile = compile,
    .score = score,
    .destroy = destroy,
};
