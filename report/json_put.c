#include "report/json_put.h"

#include <math.h>

void
mst_put_str(mst_jw_t *w, const char *key, mst_str_t s)
{
    mst_jw_key(w, key);
    if (s.n > 0)
        mst_jw_str(w, s);
    else
        mst_jw_null(w);
}

void
mst_put_u64(mst_jw_t *w, const char *key, uint64_t v)
{
    mst_jw_key(w, key);
    mst_jw_u64(w, v);
}

void
mst_put_f64(mst_jw_t *w, const char *key, double v)
{
    mst_jw_key(w, key);
    if (isfinite(v))
        mst_jw_f64(w, v);
    else
        mst_jw_null(w);
}

void
mst_put_latency(mst_jw_t *w, const char *key, const mst_latency_numbers_t *l)
{
    mst_jw_key(w, key);
    mst_jw_obj(w);
    mst_put_u64(w, "count", l->n);
    mst_put_f64(w, "mean", l->mean);
    mst_put_f64(w, "min", l->min);
    mst_put_f64(w, "p50", l->p50);
    mst_put_f64(w, "p90", l->p90);
    mst_put_f64(w, "p99", l->p99);
    mst_put_f64(w, "max", l->max);
    mst_jw_obj_end(w);
}
