// not_contains: is none of some texts in the answer? Plain substrings, case-sensitive unless said otherwise.
#include "scorers/needles.h"

static mst_rc
score(void *state, const mst_score_in_t *in, mst_score_t *out, mst_err_t *err)
{
    size_t found = 0, count = 0;
    mst_str_t missing, present;
    mst_rc rc = mst_needles_count(state, in, &found, &count, &missing, &present, out, err);
    if (rc != MST_OK)
        return rc == MST_NOTFOUND ? MST_OK : rc;
    out->value = found == 0 ? 1.0 : 0.0;
    if (found == 0)
        out->reason = MST_STR("not in the answer");
    else
        out->reason = MST_SAY(in->arena, MST_X(present), MST_T(" is in "), MST_X(in->output));
    return MST_OK;
}

const mst_scorer_t mst_scorer_not_contains = {
    .kind = {.name = "not_contains",
             .tier = "L1",
             .params = mst_not_contains_params,
             .threshold = 1.0,
             .help = "1 when the answer holds none of the texts (default: the expected answer)"},
    .compile = mst_needles_compile,
    .score = score,
    .destroy = mst_needles_destroy,
};
