// Sums kept beside the rows. Only rows that were truly inserted come here, in the transaction that inserts them,
// so a rollup always equals a recount (the conformance suite does one).
//
// An unmeasured row counts in total, in its outcome and in the errors of its scorers, nowhere else: that is what
// makes --resume able to take it back exactly.
#include "aggregator/store/rollup.h"

#include <stdio.h>

static const char *const metric_names[MST_METRIC_COUNT] = {"ttft", "e2e", "tpot"};

void
mst_rollup_init(mst_rollup_t *r)
{
    *r = (mst_rollup_t){0};
    for (int i = 0; i < MST_METRIC_COUNT; i++)
        r->hist[i] = mst_hist_new();
}

void
mst_rollup_deinit(mst_rollup_t *r)
{
    for (int i = 0; i < MST_METRIC_COUNT; i++)
        mst_hist_free(&r->hist[i]);
}

static void
add_scores(mst_rollup_t *r, const mst_result_t *res, bool measured)
{
    for (uint32_t i = 0; i < res->score_count; i++) {
        const mst_score_t *s = &res->scores[i];
        if (s->state == MST_SCORE_ERROR)
            r->scorer_errors[i]++;
        else if (measured && s->state == MST_SCORE_OK)
            mst_moments_add(&r->scorers[i], s->value, s->passed);
        else if (measured)
            r->scorer_not_measured[i]++;
    }
}

static void
add_metric(mst_hist_t *h, int64_t ns)
{
    if (ns >= 0)
        mst_hist_add(h, (uint64_t)ns);
}

void
mst_rollup_add(mst_rollup_t *r, const mst_result_t *res)
{
    bool measured = mst_outcome_measured(res->outcome);
    r->total++;
    if (res->load.phase != MST_PHASE_MAIN) {
        r->aside++;
        return;
    }
    r->outcomes[res->outcome]++;
    r->sliced += res->slices.n > 0;
    add_scores(r, res, measured);
    if (!measured)
        return;
    r->passed += res->passed;
    const mst_completion_t *d = &res->done;
    r->prompt_tokens += d->prompt_tokens > 0 ? (uint64_t)d->prompt_tokens : 0;
    r->completion_tokens += d->completion_tokens > 0 ? (uint64_t)d->completion_tokens : 0;
    add_metric(r->hist[MST_METRIC_TTFT], d->ttft_ns);
    add_metric(r->hist[MST_METRIC_E2E], d->last_token_ns);
    add_metric(r->hist[MST_METRIC_TPOT], res->tpot_ns);
    if (res->started_wall_ns > 0 && (r->first_wall_ns == 0 || res->started_wall_ns < r->first_wall_ns))
        r->first_wall_ns = res->started_wall_ns;
    if (res->finished_wall_ns > r->last_wall_ns)
        r->last_wall_ns = res->finished_wall_ns;
}

static void
take_one(uint64_t *count)
{
    *count -= *count > 0;
}

void
mst_rollup_remove_unmeasured(mst_rollup_t *r, const mst_result_t *res)
{
    take_one(&r->total);
    if (res->load.phase != MST_PHASE_MAIN) {
        take_one(&r->aside);
        return;
    }
    if ((unsigned)res->outcome < MST_OUTCOME_MAX)
        take_one(&r->outcomes[res->outcome]);
    if (res->slices.n > 0)
        take_one(&r->sliced);
    for (uint32_t i = 0; i < res->score_count && i < MST_SCORERS_MAX; i++)
        if (res->scores[i].state == MST_SCORE_ERROR)
            take_one(&r->scorer_errors[i]);
}

// Emission. The three kinds of rows each in a function of its own.

typedef struct {
    mst_rollup_row_fn *fn;
    void *ud;
    mst_err_t *err;
    mst_rc rc;
} emit_t;

static void
emit(emit_t *e, mst_rollup_row_t *row, const char *metric)
{
    if (e->rc != MST_OK)
        return;
    snprintf(row->metric, sizeof row->metric, "%s", metric);
    e->rc = e->fn(e->ud, row, e->err);
}

static void
emit_count(emit_t *e, const char *metric, uint64_t n, uint64_t n_pass)
{
    mst_rollup_row_t row = {.n = (int64_t)n, .n_pass = (int64_t)n_pass};
    if (n > 0)
        emit(e, &row, metric);
}

static void
emit_scorers(emit_t *e, const mst_rollup_t *r)
{
    for (int i = 0; i < MST_SCORERS_MAX; i++) {
        const mst_moments_t *m = &r->scorers[i];
        if (m->n == 0 && r->scorer_not_measured[i] == 0 && r->scorer_errors[i] == 0)
            continue;
        char metric[32];
        snprintf(metric, sizeof metric, "scorer:%d", i);
        mst_rollup_row_t row = {.n = (int64_t)m->n,
                                .n_pass = (int64_t)m->n_pass,
                                .moments = *m,
                                .n_missing = (int64_t)r->scorer_not_measured[i],
                                .n_error = (int64_t)r->scorer_errors[i]};
        emit(e, &row, metric);
    }
}

static void
emit_hists(emit_t *e, const mst_rollup_t *r, mst_buf_t *scratch)
{
    for (int i = 0; i < MST_METRIC_COUNT; i++) {
        uint64_t n = mst_hist_count(r->hist[i]);
        if (n == 0)
            continue;
        mst_buf_reset(scratch);
        mst_hist_pack(r->hist[i], scratch);
        if (scratch->failed) {
            e->rc = MST_ERR(e->err, MST_NOMEM, "no memory for the histogram of %s", metric_names[i]);
            return;
        }
        mst_rollup_row_t row = {.n = (int64_t)n, .sketch = mst_buf_view(scratch)};
        emit(e, &row, metric_names[i]);
    }
}

mst_rc
mst_rollup_rows(const mst_rollup_t *r, mst_buf_t *scratch, mst_rollup_row_fn *fn, void *ud, mst_err_t *err)
{
    emit_t e = {.fn = fn, .ud = ud, .err = err, .rc = MST_OK};
    emit_count(&e, "rows", r->total, r->passed);
    for (int i = 0; i < MST_OUTCOME_MAX; i++) {
        char metric[32];
        const char *name = r->outcomes[i] > 0 ? mst_outcome_name((mst_outcome_t)i) : NULL;
        if (!name)
            continue;
        snprintf(metric, sizeof metric, "outcome:%s", name);
        emit_count(&e, metric, r->outcomes[i], 0);
    }
    emit_count(&e, "aside", r->aside, 0);
    emit_count(&e, "sliced", r->sliced, 0);
    emit_count(&e, "prompt_tokens", r->prompt_tokens, 0);
    emit_count(&e, "completion_tokens", r->completion_tokens, 0);
    emit_scorers(&e, r);
    emit_hists(&e, r, scratch);
    mst_rollup_row_t window = {.first_ns = r->first_wall_ns, .last_ns = r->last_wall_ns};
    if (r->first_wall_ns != 0 || r->last_wall_ns != 0)
        emit(&e, &window, "window");
    return e.rc;
}

static mst_rc
take_named(mst_rollup_t *r, const mst_rollup_row_t *row, mst_str_t metric, mst_err_t *err)
{
    mst_outcome_t outcome;
    int64_t i;
    if (mst_str_starts(metric, MST_STR("outcome:")) &&
        mst_outcome_parse(mst_str(metric.p + 8, metric.n - 8), &outcome)) {
        r->outcomes[outcome] = (uint64_t)row->n;
    } else if (mst_str_starts(metric, MST_STR("scorer:")) && mst_str_to_i64(mst_str(metric.p + 7, metric.n - 7), &i) &&
               i >= 0 && i < MST_SCORERS_MAX) {
        r->scorers[i] = row->moments;
        r->scorers[i].n = (uint64_t)row->n;
        r->scorers[i].n_pass = (uint64_t)row->n_pass;
        r->scorer_not_measured[i] = (uint64_t)row->n_missing;
        r->scorer_errors[i] = (uint64_t)row->n_error;
    }
    for (int m = 0; m < MST_METRIC_COUNT; m++)
        if (mst_str_eq_c(metric, metric_names[m]))
            return mst_hist_unpack(r->hist[m], row->sketch, err);
    return MST_OK;
}

mst_rc
mst_rollup_take(mst_rollup_t *r, const mst_rollup_row_t *row, mst_err_t *err)
{
    mst_str_t metric = mst_str_c(row->metric);
    if (mst_str_eq_c(metric, "rows")) {
        r->total = (uint64_t)row->n;
        r->passed = (uint64_t)row->n_pass;
    } else if (mst_str_eq_c(metric, "aside")) {
        r->aside = (uint64_t)row->n;
    } else if (mst_str_eq_c(metric, "sliced")) {
        r->sliced = (uint64_t)row->n;
    } else if (mst_str_eq_c(metric, "prompt_tokens")) {
        r->prompt_tokens = (uint64_t)row->n;
    } else if (mst_str_eq_c(metric, "completion_tokens")) {
        r->completion_tokens = (uint64_t)row->n;
    } else if (mst_str_eq_c(metric, "window")) {
        r->first_wall_ns = row->first_ns;
        r->last_wall_ns = row->last_ns;
    } else {
        return take_named(r, row, metric, err);
    }
    return MST_OK;
}
