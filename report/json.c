// The JSON document: head, results one at a time, tail. Keys stay; new ones may come. A number that was not measured
// is null, never 0.
#include "report/json_put.h"
#include "report/report.h"
#include "report/load.h"
#include "report/sides.h"

#include "common/base/clock.h"
#include "common/json/json.h"

#include <math.h>

static void
put_text(mst_jw_t *w, const char *key, mst_str_t s)
{
    if (s.n == 0)
        return;
    mst_jw_key(w, key);
    mst_jw_str(w, s);
}

static void
put_known(mst_jw_t *w, const char *key, uint64_t v, bool known)
{
    mst_jw_key(w, key);
    if (known)
        mst_jw_u64(w, v);
    else
        mst_jw_null(w);
}

static void
put_bool(mst_jw_t *w, const char *key, bool v)
{
    mst_jw_key(w, key);
    mst_jw_bool(w, v);
}

static void
put_count(mst_jw_t *w, const char *key, int64_t v)
{
    if (v == MST_NONE)
        return;
    mst_jw_key(w, key);
    mst_jw_i64(w, v);
}

static void
put_ms(mst_jw_t *w, const char *key, int64_t ns)
{
    if (ns != MST_NONE)
        mst_put_f64(w, key, (double)ns / 1e6);
}

static void
put_time(mst_jw_t *w, const char *key, int64_t wall_ns)
{
    char text[32] = "";
    if (wall_ns > 0)
        mst_wall_iso(wall_ns, text, sizeof text);
    mst_put_str(w, key, mst_str_c(text));
}

// What it spent, and how the backends bore it.
static void
put_spent(mst_jw_t *w, const mst_run_numbers_full_t *r)
{
    if (r->has_spent) {
        mst_jw_key(w, "spent");
        mst_jw_obj(w);
        mst_put_u64(w, "requests", r->spent_requests);
        mst_put_u64(w, "tokens", r->spent_tokens);
        mst_put_f64(w, "money", r->has_prices ? r->spent_money : (double)NAN);
        mst_jw_obj_end(w);
    }
    if (r->retries > 0)
        mst_put_u64(w, "retries", r->retries);
    if (r->place_raises + r->place_cuts == 0)
        return;
    mst_jw_key(w, "places");
    mst_jw_obj(w);
    mst_put_u64(w, "end", r->places_end);
    mst_put_u64(w, "lowest", r->places_lowest);
    mst_put_u64(w, "raises", r->place_raises);
    mst_put_u64(w, "cuts", r->place_cuts);
    mst_jw_obj_end(w);
}

static void
put_totals(mst_jw_t *w, const mst_run_numbers_full_t *r)
{
    mst_jw_key(w, "totals");
    mst_jw_obj(w);
    mst_put_u64(w, "total", r->keys_total > 0 ? r->keys_total : r->keys_done);
    mst_put_u64(w, "done", r->keys_done);
    mst_put_u64(w, "measured", r->measured);
    mst_put_u64(w, "passed", r->passed);
    mst_put_u64(w, "failed", r->measured - r->passed);
    mst_put_u64(w, "unmeasured", r->keys_done - r->measured);
    mst_put_f64(w, "pass_rate", r->measured > 0 ? (double)r->passed / (double)r->measured : (double)NAN);
    double lo = (double)NAN, hi = (double)NAN;
    if (r->measured > 0)
        mst_wilson(r->passed, r->measured, &lo, &hi);
    mst_put_f64(w, "pass_rate_low", lo);
    mst_put_f64(w, "pass_rate_high", hi);
    mst_put_f64(w, "coverage", r->coverage);
    mst_put_f64(w, "min_coverage", r->min_coverage);
    // sums of 0 say that no answer came with a count
    put_known(w, "prompt_tokens", r->prompt_tokens, r->prompt_tokens > 0);
    put_known(w, "completion_tokens", r->completion_tokens, r->prompt_tokens > 0 || r->completion_tokens > 0);
    if (r->cache)
        mst_put_u64(w, "cached", r->cached);
    if (r->weighted)
        mst_put_f64(w, "weighted_mean", mst_report_weighted_mean(r));
    put_spent(w, r);
    mst_put_f64(w, "cases_per_s", r->cases_per_s);
    mst_put_f64(w, "tokens_per_s", r->tokens_per_s);
    mst_jw_obj_end(w);
    mst_jw_key(w, "outcomes");
    mst_jw_obj(w);
    for (int i = 0; i < MST_OUTCOME_MAX; i++) {
        const char *name = r->outcomes[i] > 0 ? mst_outcome_name((mst_outcome_t)i) : NULL;
        if (name)
            mst_put_u64(w, name, r->outcomes[i]);
    }
    mst_jw_obj_end(w);
    mst_jw_key(w, "outcome_reasons"); // of what was not measured
    mst_jw_obj(w);
    for (int i = 0; i < MST_OUTCOME_MAX; i++) {
        const char *name = r->outcome_why[i].n > 0 ? mst_outcome_name((mst_outcome_t)i) : NULL;
        if (name)
            mst_put_str(w, name, r->outcome_why[i]);
    }
    mst_jw_obj_end(w);
}

static void
put_sources(mst_jw_t *w, const mst_run_numbers_full_t *r)
{
    mst_jw_key(w, "dataset");
    mst_jw_obj(w);
    mst_put_str(w, "path", r->dataset_path);
    mst_put_str(w, "digest", r->dataset_digest);
    mst_put_str(w, "hash", r->dataset_hash);
    mst_put_u64(w, "cases", r->case_count);
    mst_put_u64(w, "refused_rows", r->refused_rows);
    mst_put_u64(w, "targets", r->target_count);
    mst_put_u64(w, "repeats", r->repeat_count);
    mst_jw_obj_end(w);
    mst_jw_key(w, "git");
    mst_jw_obj(w);
    mst_put_str(w, "sha", r->git_sha);
    mst_put_str(w, "branch", r->git_branch);
    mst_jw_obj_end(w);
}

static void
put_score_fields(mst_jw_t *w, const mst_score_t *s)
{
    mst_jw_key(w, "state");
    const char *state = mst_score_state_name(s->state);
    mst_jw_str(w, mst_str_c(state ? state : "unknown"));
    mst_put_f64(w, "score", s->state == MST_SCORE_ERROR ? (double)NAN : s->value);
    put_bool(w, "passed", s->passed);
    put_text(w, "reason", s->reason);
    if (s->breakdown.n > 0) {
        mst_jw_key(w, "breakdown");
        mst_jw_raw(w, s->breakdown);
    }
    if (s->time_ns > 0)
        mst_put_f64(w, "time_ms", (double)s->time_ns / 1e6);
}

static void
put_reduced(mst_jw_t *w, const mst_reduced_t *list, size_t count)
{
    char text[MST_REDUCE_TEXT_MAX];
    mst_jw_key(w, "reduced");
    mst_jw_arr(w);
    for (size_t i = 0; i < count; i++) {
        mst_jw_obj(w);
        mst_put_str(w, "reduce", mst_reduce_text(list[i].reduce, text));
        mst_put_f64(w, "mean", list[i].mean);
        mst_put_f64(w, "stderr", list[i].se);
        mst_put_u64(w, "cases", list[i].cases);
        mst_put_u64(w, "passed", list[i].passed);
        mst_put_u64(w, "too_few_repeats", list[i].short_cases);
        mst_jw_obj_end(w);
    }
    mst_jw_arr_end(w);
}

static void
put_scorer(mst_jw_t *w, const mst_run_numbers_full_t *r, const mst_scorer_numbers_t *s)
{
    mst_jw_obj(w);
    mst_put_str(w, "scorer", s->label);
    mst_put_str(w, "tier", s->tier);
    mst_put_f64(w, "threshold", s->threshold);
    if (r->weighted)
        mst_put_f64(w, "weight", s->weight);
    mst_jw_key(w, "scope");
    mst_jw_str(w, s->run_scope ? MST_STR("run") : MST_STR("case"));
    if (s->run_scope) {
        put_score_fields(w, &s->run_score);
    } else {
        mst_put_u64(w, "count", s->n);
        mst_put_u64(w, "passed", s->n_pass);
        mst_put_u64(w, "not_measured", s->not_measured);
        mst_put_u64(w, "errors", s->errors);
        mst_put_f64(w, "mean", s->mean);
        mst_put_f64(w, "min", s->min);
        mst_put_f64(w, "max", s->max);
        mst_put_f64(w, "pass_rate", s->pass_rate);
        mst_put_f64(w, "pass_rate_low", s->n > 0 ? s->ci_lo : (double)NAN);
        mst_put_f64(w, "pass_rate_high", s->n > 0 ? s->ci_hi : (double)NAN);
        put_reduced(w, s->reduced, s->reduced_count);
    }
    mst_jw_obj_end(w);
}

static void
put_slice_scorer(mst_jw_t *w, const mst_scorer_numbers_t *s, const mst_slice_scorer_t *in)
{
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
    put_reduced(w, in->reduced, in->reduced_count);
    mst_jw_obj_end(w);
}

static void
put_slice(mst_jw_t *w, const mst_run_numbers_full_t *r, const mst_slice_numbers_t *s)
{
    double lo = (double)NAN, hi = (double)NAN;
    if (s->measured > 0)
        mst_wilson(s->passed, s->measured, &lo, &hi);
    mst_jw_obj(w);
    mst_put_str(w, "kind", s->kind);
    mst_put_str(w, "name", s->name);
    mst_put_u64(w, "total", s->total);
    mst_put_u64(w, "measured", s->measured);
    mst_put_u64(w, "passed", s->passed);
    mst_put_f64(w, "pass_rate", s->measured > 0 ? (double)s->passed / (double)s->measured : (double)NAN);
    mst_put_f64(w, "pass_rate_low", lo);
    mst_put_f64(w, "pass_rate_high", hi);
    mst_jw_key(w, "scorer_summaries");
    mst_jw_arr(w);
    for (size_t i = 0; i < r->scorer_count; i++)
        if (!r->scorers[i].run_scope)
            put_slice_scorer(w, &r->scorers[i], &s->scorers[i]);
    mst_jw_arr_end(w);
    mst_jw_obj_end(w);
}

// What the verdict of repeated cases stands on, and the slices.
static void
put_groups(mst_jw_t *w, const mst_run_numbers_full_t *r)
{
    mst_jw_key(w, "repeats");
    if (r->reduces) {
        mst_jw_obj(w);
        mst_put_u64(w, "cases", r->cases_judged);
        mst_put_u64(w, "passed", r->cases_passed);
        mst_jw_obj_end(w);
    } else {
        mst_jw_null(w);
    }
    mst_jw_key(w, "slices");
    mst_jw_arr(w);
    for (size_t i = 0; i < r->slice_count; i++)
        put_slice(w, r, &r->slices[i]);
    mst_jw_arr_end(w);
    mst_put_u64(w, "slices_left_out", r->slices_left_out);
    mst_report_sides_json(r, w);
    mst_report_load_json(r, w);
}

static void
put_summaries(mst_jw_t *w, const mst_run_numbers_full_t *r)
{
    mst_jw_key(w, "scorer_summaries");
    mst_jw_arr(w);
    for (size_t i = 0; i < r->scorer_count; i++)
        put_scorer(w, r, &r->scorers[i]);
    mst_jw_arr_end(w);
    mst_jw_key(w, "latency"); // ms
    mst_jw_obj(w);
    mst_put_latency(w, "ttft_ms", &r->ttft);
    mst_put_latency(w, "e2e_ms", &r->e2e);
    mst_put_latency(w, "tpot_ms", &r->tpot);
    mst_jw_obj_end(w);
}

void
mst_report_json_head(const mst_run_numbers_full_t *r, mst_buf_t *out)
{
    mst_jw_t w;
    mst_jw_init(&w, out);
    mst_jw_obj(&w);
    mst_put_str(&w, "run_id", r->run_id);
    mst_put_str(&w, "config_name", r->name);
    mst_put_str(&w, "description", r->description);
    mst_put_str(&w, "muster_version", r->version);
    mst_put_str(&w, "state", r->state);
    mst_put_str(&w, "state_reason", r->state_reason);
    mst_jw_key(&w, "exit_code");
    mst_jw_i64(&w, r->exit_code);
    put_time(&w, "started_at", r->started_wall_ns);
    put_time(&w, "finished_at", r->finished_wall_ns);
    mst_put_f64(&w, "duration_s", r->wall_s);
    put_totals(&w, r);
    put_summaries(&w, r);
    put_groups(&w, r);
    put_sources(&w, r);
    mst_jw_key(&w, "results");
    mst_buf_add_byte(out, '['); // its elements come one at a time
}

// The i-th scorer of scope case: results hold their scores in that order.
static const mst_scorer_numbers_t *
case_scorer(const mst_run_numbers_full_t *r, uint32_t i)
{
    for (size_t k = 0; k < r->scorer_count; k++)
        if (!r->scorers[k].run_scope && i-- == 0)
            return &r->scorers[k];
    return NULL;
}

// The case's scores with their weights; null when none was measured.
static double
weighted_score(const mst_result_t *res, const mst_run_numbers_full_t *r)
{
    double sum = 0.0, weights = 0.0;
    for (uint32_t i = 0; i < res->score_count; i++) {
        const mst_scorer_numbers_t *s = case_scorer(r, i);
        if (s == NULL || res->scores[i].state != MST_SCORE_OK)
            continue;
        sum += s->weight * res->scores[i].value;
        weights += s->weight;
    }
    return weights > 0.0 ? sum / weights : (double)NAN;
}

static void
put_scores(mst_jw_t *w, const mst_result_t *res, const mst_run_numbers_full_t *r)
{
    mst_jw_key(w, "scores");
    mst_jw_arr(w);
    for (uint32_t i = 0; i < res->score_count; i++) {
        const mst_scorer_numbers_t *s = case_scorer(r, i);
        mst_jw_obj(w);
        mst_put_str(w, "scorer", s ? s->label : MST_STR_NULL);
        if (s)
            mst_put_f64(w, "threshold", s->threshold);
        put_score_fields(w, &res->scores[i]);
        mst_jw_obj_end(w);
    }
    mst_jw_arr_end(w);
    if (r->weighted && mst_outcome_measured(res->outcome))
        mst_put_f64(w, "weighted_score", weighted_score(res, r));
}

static void
put_error(mst_jw_t *w, const mst_err_t *e)
{
    if (e->rc == MST_OK)
        return;
    mst_jw_key(w, "error");
    mst_jw_obj(w);
    mst_put_str(w, "code", mst_str_c(mst_rc_name(e->rc)));
    if (e->sub != 0)
        put_count(w, "sub", e->sub);
    mst_put_str(w, "message", mst_str_c(e->message));
    mst_jw_obj_end(w);
}

static void
put_origin(mst_jw_t *w, const mst_origin_t *o)
{
    if (!o)
        return;
    mst_jw_key(w, "origin");
    mst_jw_obj(w);
    put_text(w, "host", o->host);
    put_text(w, "device", o->device);
    put_text(w, "driver", o->driver);
    put_text(w, "engine", o->engine);
    put_text(w, "engine_version", o->engine_version);
    put_text(w, "model", o->model);
    put_text(w, "model_revision", o->model_revision);
    put_text(w, "endpoint", o->endpoint);
    mst_jw_obj_end(w);
}

// Only of a load: a row with a level, a schedule or a phase of its own.
static void
put_tag(mst_jw_t *w, const mst_result_t *res)
{
    const mst_load_tag_t *l = &res->load;
    const mst_completion_t *d = &res->done;
    if (l->sched_mono_ns == 0 && l->phase == MST_PHASE_MAIN && l->step == 0)
        return;
    mst_put_str(w, "phase", mst_str_c(mst_phase_name(l->phase)));
    mst_put_u64(w, "load_step", l->step);
    if (l->sched_mono_ns == 0 || d->send_mono_ns == MST_NONE)
        return;
    int64_t late_ns = d->send_mono_ns - l->sched_mono_ns;
    mst_put_f64(w, "late_ms", (double)late_ns / 1e6);
    put_ms(w, "sched_ttft_ms", d->ttft_ns == MST_NONE ? MST_NONE : d->ttft_ns + late_ns);
    put_ms(w, "sched_e2e_ms", d->last_token_ns == MST_NONE ? MST_NONE : d->last_token_ns + late_ns);
}

static void
put_completion(mst_jw_t *w, const mst_result_t *res)
{
    const mst_completion_t *d = &res->done;
    mst_jw_key(w, "actual_output");
    mst_jw_str(w, d->text);
    put_text(w, "reasoning", d->reasoning);
    put_text(w, "refusal", d->refusal);
    put_text(w, "tool_calls", d->tool_calls);
    put_text(w, "finish_reason", d->finish_reason);
    put_text(w, "model", d->model);
    put_count(w, "prompt_tokens", d->prompt_tokens);
    put_count(w, "completion_tokens", d->completion_tokens);
    put_count(w, "reasoning_tokens", d->reasoning_tokens);
    put_ms(w, "ttft_ms", d->ttft_ns);
    put_ms(w, "ttfo_ms", d->ttfo_ns);
    put_ms(w, "e2e_ms", d->last_token_ns);
    put_ms(w, "tpot_ms", res->tpot_ns);
    put_ms(w, "queue_ms", d->queue_ns);
    put_tag(w, res);
    if (d->http_status > 0)
        put_count(w, "http_status", d->http_status);
    mst_put_u64(w, "attempts", d->attempts);
    if (d->cached)
        put_bool(w, "cached", true);
}

void
mst_report_json_result(const mst_result_t *res, const mst_origin_t *origin, const mst_run_numbers_full_t *r, bool first,
                       mst_buf_t *out)
{
    if (!first)
        mst_buf_add_byte(out, ',');
    mst_buf_add_byte(out, '\n');
    mst_jw_t w;
    mst_jw_init(&w, out);
    mst_jw_obj(&w);
    mst_put_str(&w, "case_id", res->case_id);
    mst_put_u64(&w, "case_no", res->key.case_no);
    mst_put_u64(&w, "target", res->key.target_no);
    if (res->key.target_no < r->side_count)
        mst_put_str(&w, "target_label", r->sides[res->key.target_no].label);
    mst_put_u64(&w, "repeat", res->key.repeat_no);
    const char *outcome = mst_outcome_name(res->outcome);
    mst_put_str(&w, "outcome", mst_str_c(outcome ? outcome : "unknown"));
    mst_jw_key(&w, "passed"); // no verdict without a measurement
    if (mst_outcome_measured(res->outcome))
        mst_jw_bool(&w, res->passed);
    else
        mst_jw_null(&w);
    mst_jw_key(&w, "input");
    mst_jw_str(&w, res->input);
    if (res->has_expected) {
        mst_jw_key(&w, "expected_output");
        mst_jw_str(&w, res->expected);
    }
    put_completion(&w, res);
    if (res->steps.n > 0 && mst_json_valid(res->steps, false)) {
        mst_jw_key(&w, "steps");
        mst_jw_raw(&w, res->steps);
    }
    put_scores(&w, res, r);
    put_error(&w, &res->done.error);
    put_time(&w, "started_at", res->started_wall_ns);
    put_time(&w, "finished_at", res->finished_wall_ns);
    put_origin(&w, origin);
    mst_jw_obj_end(&w);
}

void
mst_report_json_tail(const mst_run_numbers_full_t *r, mst_buf_t *out)
{
    (void)r;
    mst_buf_add_c(out, "\n]}\n");
}
