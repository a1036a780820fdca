// Sums from the rollup, exact percentiles from the rows, gates from the scorers of scope run.
#include "cli/numbers.h"

#include "cli/spend.h"
#include "cli/why.h"
#include "common/base/clock.h"
#include "report/groups.h"
#include "report/load.h"
#include "report/sides.h"
#include "scorers/scorer.h"

#include <math.h>

typedef struct {
    mst_store_t *store;
    int64_t run_no;
    const mst_rollup_t *roll;
    mst_rc rc; // the first failure of a look-up
    mst_err_t err;
} source_t;

static bool
metric_of(const char *name, mst_metric_t *out)
{
    static const char *const names[MST_METRIC_COUNT] = {
        [MST_METRIC_TTFT] = "ttft", [MST_METRIC_E2E] = "e2e", [MST_METRIC_TPOT] = "tpot"};
    for (int i = 0; i < MST_METRIC_COUNT; i++)
        if (strcmp(name, names[i]) == 0) {
            *out = (mst_metric_t)i;
            return true;
        }
    return false;
}

static uint64_t
count_of(void *ud, const char *name)
{
    const source_t *s = ud;
    mst_metric_t metric;
    return metric_of(name, &metric) ? mst_hist_count(s->roll->hist[metric]) : 0;
}

static double
percentile_of(void *ud, const char *name, double q)
{
    source_t *s = ud;
    mst_quantile_t want = {.q = q};
    if (s->rc != MST_OK || !metric_of(name, &want.metric))
        return (double)NAN;
    s->rc = mst_store_quantiles(s->store, s->run_no, &want, 1, NULL, &s->err);
    return s->rc == MST_OK ? want.value : (double)NAN;
}

// Of one target, or of all when target_no is -1.
static mst_rc
fill_latencies(source_t *s, int64_t target_no, mst_latency_numbers_t *const to[MST_METRIC_COUNT], mst_err_t *err)
{
    static const double qs[] = {0.5, 0.9, 0.99};
    mst_quantile_t want[3 * MST_METRIC_COUNT];
    mst_moments_t sums[MST_METRIC_COUNT];
    for (int i = 0; i < 3 * MST_METRIC_COUNT; i++)
        want[i] = (mst_quantile_t){.metric = (mst_metric_t)(i / 3), .q = qs[i % 3]};
    size_t n = 3 * MST_METRIC_COUNT;
    mst_rc rc = target_no < 0
                    ? mst_store_quantiles(s->store, s->run_no, want, n, sums, err)
                    : mst_store_target_quantiles(s->store, s->run_no, (uint32_t)target_no, want, n, sums, err);
    if (rc != MST_OK)
        return rc;
    for (int m = 0; m < MST_METRIC_COUNT; m++)
        *to[m] = (mst_latency_numbers_t){
            .n = sums[m].n,
            .mean = mst_moments_mean(&sums[m]) / 1e6,
            .min = sums[m].n > 0 ? sums[m].min / 1e6 : (double)NAN,
            .max = sums[m].n > 0 ? sums[m].max / 1e6 : (double)NAN,
            .p50 = want[3 * m].value / 1e6,
            .p90 = want[3 * m + 1].value / 1e6,
            .p99 = want[3 * m + 2].value / 1e6,
        };
    return MST_OK;
}

static void
fill_case_scorer(mst_scorer_numbers_t *s, const mst_rollup_t *roll, size_t i)
{
    const mst_moments_t *m = &roll->scorers[i];
    s->n = m->n;
    s->n_pass = m->n_pass;
    s->not_measured = roll->scorer_not_measured[i];
    s->errors = roll->scorer_errors[i];
    s->mean = mst_moments_mean(m);
    s->min = m->n > 0 ? m->min : (double)NAN;
    s->max = m->n > 0 ? m->max : (double)NAN;
    s->pass_rate = m->n > 0 ? (double)m->n_pass / (double)m->n : (double)NAN;
    mst_wilson(m->n_pass, m->n, &s->ci_lo, &s->ci_hi);
}

static void
fill_gate(mst_scorer_numbers_t *s, const mst_score_t *score, mst_run_numbers_full_t *out)
{
    s->run_scope = true;
    s->run_score = *score;
    s->mean = s->min = s->max = s->pass_rate = (double)NAN;
    if (score->state != MST_SCORE_SKIPPED && !score->passed && s->weight > 0.0)
        out->gates_failed = true;
}

static mst_rc
fill_scorers(source_t *s, const mst_run_cfg_t *cfg, mst_arena_t *arena, mst_run_numbers_full_t *out, mst_err_t *err)
{
    mst_scorer_set_t *set = NULL;
    mst_rc rc = mst_scorer_set_new(cfg, &set, err);
    if (rc != MST_OK)
        return rc;
    size_t gates = mst_scorer_set_count(set, MST_SCOPE_RUN);
    mst_score_t *scores = MST_ARENA_ARRAY(arena, mst_score_t, gates);
    out->scorers = MST_ARENA_ARRAY(arena, mst_scorer_numbers_t, cfg->scorer_count);
    if (!scores || !out->scorers) {
        mst_scorer_set_free(&set);
        return MST_ERR(err, MST_LIMIT, "no room for the numbers of %zu scorers", cfg->scorer_count);
    }
    out->scorer_count = cfg->scorer_count;
    for (size_t i = 0; i < cfg->scorer_count; i++) {
        out->scorers[i].label = cfg->scorers[i].label;
        out->scorers[i].tier = mst_str_c(cfg->scorers[i].kind->tier);
        out->scorers[i].threshold = cfg->scorers[i].threshold;
        out->scorers[i].weight = cfg->scorers[i].weighted ? cfg->scorers[i].weight : 1.0;
        out->weighted |= cfg->scorers[i].weighted;
    }
    for (size_t i = 0; i < mst_scorer_set_count(set, MST_SCOPE_CASE) && i < MST_SCORERS_MAX; i++)
        fill_case_scorer(&out->scorers[mst_scorer_set_index(set, MST_SCOPE_CASE, i)], s->roll, i);
    const mst_run_numbers_t numbers = {.count = count_of, .percentile = percentile_of, .ud = s};
    if (gates > 0)
        mst_scorer_set_run(set, &numbers, arena, mst_mono_ns, scores);
    for (size_t i = 0; i < gates; i++)
        fill_gate(&out->scorers[mst_scorer_set_index(set, MST_SCOPE_RUN, i)], &scores[i], out);
    mst_scorer_set_free(&set);
    if (s->rc != MST_OK && err)
        *err = s->err;
    return s->rc;
}

typedef struct {
    mst_groups_t *groups; // NULL: nothing to group
    mst_sides_t *sides;   // NULL: one target
    mst_load_rows_t *load; // NULL: no load
    uint64_t cached;
} passes_t;

static bool
add_row(void *ud, const mst_result_t *r, const mst_origin_t *origin)
{
    passes_t *p = ud;
    (void)origin;
    p->cached += r->done.cached;
    if (p->load)
        mst_load_rows_add(p->load, r);
    if (r->load.phase != MST_PHASE_MAIN)
        return true;
    if (p->groups)
        mst_groups_add(p->groups, r);
    if (p->sides)
        mst_sides_add(p->sides, r);
    return true;
}

static mst_rc
fill_side_latencies(source_t *s, mst_run_numbers_full_t *out, mst_err_t *err)
{
    mst_rc rc = MST_OK;
    for (size_t i = 0; i < out->side_count && rc == MST_OK; i++) {
        mst_side_t *t = &out->sides[i];
        rc = fill_latencies(s, (int64_t)i, (mst_latency_numbers_t *const[]){&t->ttft, &t->e2e, &t->tpot}, err);
    }
    return rc;
}

// One scan of all rows, only when there is something to group, to set side by side or to count.
static mst_rc
fill_groups(source_t *s, const mst_run_cfg_t *cfg, mst_arena_t *arena, mst_run_numbers_full_t *out, mst_err_t *err)
{
    bool grouped = out->repeat_count > 1 || s->roll->sliced > 0;
    passes_t p = {.groups = grouped ? mst_groups_new(cfg, out) : NULL,
                  .sides = mst_run_cfg_key_targets(cfg) > 1 ? mst_sides_new(cfg, out) : NULL,
                  .load = cfg->load.model != MST_LOAD_NONE ? mst_load_rows_new(cfg) : NULL};
    const mst_store_scan_t what = {.with_scores = p.groups || p.sides || p.load};
    mst_rc rc = MST_OK;
    out->cache = cfg->cache != MST_CACHE_OFF;
    if (p.groups || p.sides || p.load || out->cache)
        rc = mst_store_results(s->store, s->run_no, &what, add_row, &p, err);
    out->cached = p.cached;
    if (p.cached > 0)
        out->tokens_per_s = (double)NAN; // nobody generated them now
    if (rc == MST_OK && p.groups) {
        rc = mst_groups_finish(p.groups, arena, out, err);
        out->reduces = mst_run_cfg_reduces(cfg);
    }
    if (rc == MST_OK && p.load)
        rc = mst_load_rows_finish(p.load, arena, &out->load, err);
    if (rc == MST_OK && p.sides)
        rc = mst_sides_finish(p.sides, arena, out, err);
    if (rc == MST_OK)
        rc = fill_side_latencies(s, out, err);
    mst_groups_free(&p.groups);
    mst_sides_free(&p.sides);
    mst_load_rows_free(&p.load);
    return rc;
}

static void
fill_run(const mst_run_rec_t *rec, const mst_run_cfg_t *cfg, mst_run_numbers_full_t *out)
{
    *out = (mst_run_numbers_full_t){
        .run_id = rec->run_id,
        .name = rec->name,
        .description = rec->description,
        .dataset_digest = rec->dataset_digest,
        .dataset_hash = rec->dataset_hash,
        .dataset_path = rec->dataset_path,
        .git_sha = rec->git_sha,
        .git_branch = rec->git_branch,
        .state = mst_str_c(mst_run_state_name(rec->state)),
        .state_reason = rec->state_reason,
        .version = rec->muster_version,
        .case_count = rec->case_count,
        .target_count = rec->target_count,
        .repeat_count = rec->repeat_count,
        .keys_total = rec->key_count > 0 ? (uint64_t)rec->key_count : 0,
        .refused_rows = rec->refused_rows,
        .min_coverage = cfg->min_coverage,
        .started_wall_ns = rec->started_wall_ns,
        .finished_wall_ns = rec->finished_wall_ns,
        .aborted = rec->state == MST_RUN_ABORTED,
        .budget_stop = rec->state == MST_RUN_BUDGET_STOP,
        .budget = cfg->budget_json != NULL ? &cfg->budget : NULL,
        .interrupted = rec->state == MST_RUN_INTERRUPTED || rec->state == MST_RUN_RUNNING,
    };
}

static void
fill_counts(const mst_rollup_t *roll, mst_run_numbers_full_t *out)
{
    // what a load sent outside its main phase is no part of the run's numbers
    out->keys_done = roll->total - roll->aside;
    out->keys_total -= roll->aside < out->keys_total ? roll->aside : out->keys_total;
    out->passed = roll->passed;
    for (int i = 0; i < MST_OUTCOME_MAX; i++) {
        out->outcomes[i] = roll->outcomes[i];
        out->measured += mst_outcome_measured((mst_outcome_t)i) ? roll->outcomes[i] : 0;
    }
    uint64_t all = out->keys_total > 0 ? out->keys_total : out->keys_done;
    out->coverage = all > 0 ? (double)out->measured / (double)all : (double)NAN;
    out->prompt_tokens = roll->prompt_tokens;
    out->completion_tokens = roll->completion_tokens;
}

// Rates are over the time in which cases were in work: the window, but never more than what all sessions ran (a
// resumed run has a hole in its window).
static void
fill_rates(const mst_run_rec_t *rec, const mst_rollup_t *roll, mst_run_numbers_full_t *out)
{
    double active = (double)rec->active_ns / 1e9, window = (double)(roll->last_wall_ns - roll->first_wall_ns) / 1e9;
    out->wall_s = active > 0 ? active : (double)NAN;
    if (active <= 0 && rec->finished_wall_ns > rec->started_wall_ns && rec->started_wall_ns > 0)
        out->wall_s = (double)(rec->finished_wall_ns - rec->started_wall_ns) / 1e9;
    bool known = roll->first_wall_ns > 0 && window > 0;
    out->requests_window_s = known ? window : (double)NAN;
    if (active > 0 && (!known || window > active))
        out->requests_window_s = active;
    bool some = isfinite(out->requests_window_s) && out->measured > 0;
    out->cases_per_s = some ? (double)out->measured / out->requests_window_s : (double)NAN;
    out->tokens_per_s =
        some && out->completion_tokens > 0 ? (double)out->completion_tokens / out->requests_window_s : (double)NAN;
}

static mst_rc
fill_spent(mst_store_t *store, int64_t run_no, const mst_run_cfg_t *cfg, mst_run_numbers_full_t *out, mst_err_t *err)
{
    mst_cli_spend_t spent;
    if (!mst_cli_spends(cfg))
        return MST_OK;
    mst_rc rc = mst_cli_spend(store, run_no, cfg, &spent, err);
    out->has_spent = true;
    out->has_prices = cfg->price_count > 0;
    out->spent_requests = spent.requests;
    out->spent_tokens = spent.tokens;
    out->spent_money = spent.money;
    return rc;
}

mst_rc
mst_cli_numbers(mst_store_t *store, const mst_run_rec_t *rec, const mst_run_cfg_t *cfg, mst_arena_t *arena,
                mst_run_numbers_full_t *out, mst_err_t *err)
{
    mst_rollup_t roll;
    fill_run(rec, cfg, out);
    mst_rc rc = mst_store_rollup(store, rec->run_no, &roll, err);
    source_t s = {.store = store, .run_no = rec->run_no, .roll = &roll};
    if (rc == MST_OK) {
        fill_counts(&roll, out);
        fill_rates(rec, &roll, out);
        rc = fill_latencies(&s, -1, (mst_latency_numbers_t *const[]){&out->ttft, &out->e2e, &out->tpot}, err);
    }
    if (rc == MST_OK)
        rc = fill_spent(store, rec->run_no, cfg, out, err);
    if (rc == MST_OK)
        rc = fill_scorers(&s, cfg, arena, out, err);
    if (rc == MST_OK)
        rc = fill_groups(&s, cfg, arena, out, err);
    if (rc == MST_OK)
        rc = mst_cli_why(store, rec->run_no, arena, out, err);
    out->exit_code = mst_report_exit_code(out);
    mst_rollup_deinit(&roll);
    return rc;
}
