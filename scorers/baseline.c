#include "scorers/baseline.h"

#include "common/base/limits.h"
#include "scorers/logprobs.h"

#include <math.h>
#include <stdlib.h>

static mst_rc
read_numbers(const mst_json_t *v, mst_spread_t *out, mst_err_t *err)
{
    int64_t count = 0;
    if (!mst_json_f64(mst_json_get(v, "mean"), &out->mean) || !isfinite(out->mean))
        return MST_ERR(err, MST_INVAL, "\"baseline\" has no finite \"mean\"");
    if (!mst_json_f64(mst_json_get(v, "std"), &out->sd) || !isfinite(out->sd) || out->sd < 0.0)
        return MST_ERR(err, MST_INVAL, "\"baseline\" has no finite \"std\" of 0 or more");
    if (!mst_json_i64(mst_json_get(v, "count"), &count) || count < 1)
        return MST_ERR(err, MST_INVAL, "\"baseline\" has no \"count\" of 1 or more");
    out->n = (size_t)count;
    return MST_OK;
}

bool
mst_baseline_usable(double d, bool keep_finite)
{
    return isfinite(d) && (keep_finite || (d > MST_LOGPROB_SENTINEL && d < MST_LOGPROB_SATURATED));
}

static mst_rc
read_list(const mst_json_t *v, bool keep_finite, mst_spread_t *out, mst_err_t *err)
{
    if (v->count > MST_TOKENS_MAX)
        return MST_ERR(err, MST_LIMIT, "\"baseline\" has %u values, over the limit of %d", v->count, MST_TOKENS_MAX);
    double *clean = MST_NEW_ARRAY(double, v->count + 1);
    mst_rc rc = MST_OK;
    size_t n = 0;
    for (uint32_t i = 0; i < v->count && rc == MST_OK; i++) {
        const mst_json_t *item = mst_json_at(v, i);
        double d = (double)NAN;
        if (mst_json_is(item, MST_JSON_OBJ))
            item = mst_json_get(item, "logprob");
        if (!mst_json_f64(item, &d) && !mst_json_is(item, MST_JSON_NULL))
            rc = MST_ERR(err, MST_INVAL, "value %u of \"baseline\" is no number", i + 1);
        else if (mst_baseline_usable(d, keep_finite))
            clean[n++] = d;
    }
    if (rc == MST_OK)
        *out = mst_spread(clean, n);
    free(clean);
    return rc;
}

mst_rc
mst_baseline_read(const mst_json_t *v, bool keep_finite, mst_spread_t *out, mst_err_t *err)
{
    *out = (mst_spread_t){0};
    if (mst_json_is(v, MST_JSON_OBJ))
        return read_numbers(v, out, err);
    if (mst_json_is(v, MST_JSON_ARR))
        return read_list(v, keep_finite, out, err);
    return MST_ERR(err, MST_INVAL, "\"baseline\" must be a list of numbers, or a map of mean, std and count");
}
