#include "scorers/logprobs.h"

#include <math.h>

// Counts what is not a log-probability; true: v is one.
static bool
is_clean(mst_logprobs_t *l, double v, bool missing, bool keep_finite)
{
    if (missing)
        l->missing++;
    else if (isnan(v))
        l->nan++;
    else if (isinf(v))
        l->inf++;
    else if (keep_finite)
        return true;
    else if (fabs(v) >= MST_LOGPROB_SATURATED)
        l->saturated++;
    else if (v <= MST_LOGPROB_SENTINEL)
        l->sentinel++;
    else
        return true;
    return false;
}

mst_rc
mst_logprobs_read(const mst_completion_t *done, bool keep_finite, mst_arena_t *arena, mst_logprobs_t *out,
                  mst_err_t *err)
{
    size_t n = done->logprobs != NULL ? done->logprob_count : 0;
    *out = (mst_logprobs_t){.total = n};
    double *clean = mst_arena_alloc_raw(arena, n * sizeof *clean);
    if (clean == NULL)
        return MST_ERR(err, MST_LIMIT, "no room for %zu log-probabilities", n);
    for (size_t i = 0; i < n; i++) {
        double v = done->logprobs_exact != NULL ? done->logprobs_exact[i] : (double)done->logprobs[i];
        if (!is_clean(out, v, mst_logprob_missing(done->logprobs[i]), keep_finite))
            continue;
        clean[out->count++] = v;
        out->positive += v > MST_LOGPROB_POSITIVE;
    }
    out->clean = clean;
    return MST_OK;
}

mst_str_t
mst_logprobs_members(const mst_logprobs_t *l, mst_arena_t *arena)
{
    return MST_SAY(arena, MST_T("\"nan_count\":"), MST_I(l->nan), MST_T(",\"null_count\":"), MST_I(l->missing),
                   MST_T(",\"inf_count\":"), MST_I(l->inf), MST_T(",\"sentinel_count\":"), MST_I(l->sentinel),
                   MST_T(",\"saturated_count\":"), MST_I(l->saturated), MST_T(",\"positive_count\":"),
                   MST_I(l->positive), MST_T(",\"total_logprobs\":"), MST_I(l->total), MST_T(",\"clean_logprobs\":"),
                   MST_I(l->count));
}
