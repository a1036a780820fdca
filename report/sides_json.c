// Targets side by side in the JSON document.
#include "report/sides.h"

#include "report/json_put.h"

#include <math.h>

static void
put_shift_fields(mst_jw_t *w, const mst_shift_t *s)
{
    mst_put_f64(w, "shift", s->shift);
    mst_put_f64(w, "low", s->lo);
    mst_put_f64(w, "high", s->hi);
    mst_put_u64(w, "cases", s->n);
}

static void
put_shift(mst_jw_t *w, const char *key, const mst_shift_t *s)
{
    mst_jw_key(w, key);
    mst_jw_obj(w);
    put_shift_fields(w, s);
    mst_jw_obj_end(w);
}

static void
put_scorer(mst_jw_t *w, const mst_scorer_numbers_t *s, const mst_slice_scorer_t *in)
{
    double lo = (double)NAN, hi = (double)NAN;
    if (in->n > 0)
        mst_wilson(in->n_pass, in->n, &lo, &hi);
    mst_jw_obj(w);
    mst_put_str(w, "scorer", s->label);
    mst_put_u64(w, "count", in->n);
    mst_put_u64(w, "passed", in->n_pass);
    mst_put_u64(w, "not_measured", in->not_measured);
    mst_put_u64(w, "errors", in->errors);
    mst_put_f64(w, "mean", in->mean);
    mst_put_f64(w, "min", in->min);
    mst_put_f64(w, "max", in->max);
    mst_put_f64(w, "pass_rate", in->n > 0 ? (double)in->n_pass / (double)in->n : (double)NAN);
    mst_put_f64(w, "pass_rate_low", lo);
    mst_put_f64(w, "pass_rate_high", hi);
    mst_jw_obj_end(w);
}

static void
put_shifts(mst_jw_t *w, const mst_run_numbers_full_t *r, const mst_side_t *s)
{
    mst_jw_key(w, "shift");
    if (!s->compared) {
        mst_jw_null(w);
        return;
    }
    mst_jw_obj(w);
    mst_put_str(w, "against", r->sides[0].label);
    put_shift(w, "pass_rate", &s->pass_shift);
    put_shift(w, "ttft_ms", &s->ttft_shift);
    put_shift(w, "e2e_ms", &s->e2e_shift);
    put_shift(w, "tpot_ms", &s->tpot_shift);
    mst_jw_key(w, "scores");
    mst_jw_arr(w);
    for (size_t i = 0; i < r->scorer_count; i++) {
        if (r->scorers[i].run_scope)
            continue;
        mst_jw_obj(w);
        mst_put_str(w, "scorer", r->scorers[i].label);
        put_shift_fields(w, &s->score_shifts[i]);
        mst_jw_obj_end(w);
    }
    mst_jw_arr_end(w);
    mst_jw_obj_end(w);
}

static void
put_side(mst_jw_t *w, const mst_run_numbers_full_t *r, const mst_side_t *s)
{
    double lo = (double)NAN, hi = (double)NAN;
    if (s->measured > 0)
        mst_wilson(s->passed, s->measured, &lo, &hi);
    mst_jw_obj(w);
    mst_put_str(w, "label", s->label);
    mst_put_str(w, "provider", s->provider);
    mst_put_u64(w, "total", s->total > 0 ? s->total : s->done);
    mst_put_u64(w, "done", s->done);
    mst_put_u64(w, "measured", s->measured);
    mst_put_u64(w, "passed", s->passed);
    mst_put_f64(w, "coverage", s->coverage);
    mst_put_f64(w, "pass_rate", s->measured > 0 ? (double)s->passed / (double)s->measured : (double)NAN);
    mst_put_f64(w, "pass_rate_low", lo);
    mst_put_f64(w, "pass_rate_high", hi);
    mst_jw_key(w, "latency"); // ms
    mst_jw_obj(w);
    mst_put_latency(w, "ttft_ms", &s->ttft);
    mst_put_latency(w, "e2e_ms", &s->e2e);
    mst_put_latency(w, "tpot_ms", &s->tpot);
    mst_jw_obj_end(w);
    mst_jw_key(w, "scorer_summaries");
    mst_jw_arr(w);
    for (size_t i = 0; i < r->scorer_count; i++)
        if (!r->scorers[i].run_scope)
            put_scorer(w, &r->scorers[i], &s->scorers[i]);
    mst_jw_arr_end(w);
    put_shifts(w, r, s);
    mst_jw_obj_end(w);
}

void
mst_report_sides_json(const mst_run_numbers_full_t *r, mst_jw_t *w)
{
    mst_jw_key(w, "targets");
    mst_jw_arr(w);
    for (size_t i = 0; i < r->side_count; i++)
        put_side(w, r, &r->sides[i]);
    mst_jw_arr_end(w);
}
