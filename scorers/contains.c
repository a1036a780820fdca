// contains: is a text, or are all or any of several, somewhere in the answer? Plain substrings, case-sensitive
// unless said otherwise, no normalisation.
#include "scorers/needles.h"

static mst_rc
score(void *state, const mst_score_in_t *in, mst_score_t *out, mst_err_t *err)
{
    size_t found = 0, count = 0;
    mst_str_t missing, present;
    mst_rc rc = mst_needles_count(state, in, &found, &count, &missing, &present, out, err);
    if (rc != MST_OK)
        return rc == MST_NOTFOUND ? MST_OK : rc;
    bool ok = mst_needles_any(state) ? found > 0 : found == count;
    out->value = ok ? 1.0 : 0.0;
    if (ok)
        out->reason = MST_STR("found in the answer");
    else
        out->reason = MST_SAY(in->arena, MST_X(missing), MST_T(" is not in "), MST_X(in->output));
    return MST_OK;
}

const mst_scorer_t mst_scorer_contains = {
    .kind = {.name = "contains",
             .tier = "L1",
             .params = mst_contains_params,
             .threshold = 1.0,
             .help = "1 when the answer holds the text (default: the expected answer)"},
    .compile = mst_needles_compile,
    .score = score,
    .destroy = mst_needles_destroy,
};
