// The knee is where more load stops to bring more: level by level the growth of throughput over the growth of load,
// both as logarithms (an elasticity: 1 is proportional, 0 is flat), is held against knee_gain. Beside it stands the
// level of the most power, throughput over latency (Kleinrock, "Power and deterministic rules of thumb for
// probabilistic problems in computer communications", ICC 1979), which needs no threshold.
#include "report/load.h"

#include "common/base/mem.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define BUSY_SHARE_MAX 0.05
#define KEPT_SHARE     0.99

typedef struct {
    double *x; // ns
    size_t n, cap;
} values_t;

typedef struct {
    values_t ttft, e2e, sched_ttft, sched_e2e, late;
    uint64_t requests, measured, good, warmup, drain, tokens, busy;
    int64_t first_send_ns, last_end_ns, first_sched_ns, last_sched_ns;
    uint64_t scheduled;
    uint32_t busy_max, wait_max;
} step_t;

struct mst_load_rows {
    const mst_run_cfg_t *cfg;
    step_t steps[MST_LOAD_LEVELS_MAX];
    size_t count;
};

mst_load_rows_t *
mst_load_rows_new(const mst_run_cfg_t *cfg)
{
    mst_load_rows_t *l = MST_NEW(mst_load_rows_t);
    l->cfg = cfg;
    l->count = cfg->load.level_count > 0 ? cfg->load.level_count : 1;
    return l;
}

void
mst_load_rows_free(mst_load_rows_t **l)
{
    if (!*l)
        return;
    for (size_t i = 0; i < (*l)->count; i++) {
        step_t *s = &(*l)->steps[i];
        free(s->ttft.x);
        free(s->e2e.x);
        free(s->sched_ttft.x);
        free(s->sched_e2e.x);
        free(s->late.x);
    }
    free(*l);
    *l = NULL;
}

static void
keep(values_t *v, int64_t ns)
{
    if (v->n == v->cap) {
        v->cap = v->cap > 0 ? v->cap * 2 : 1024;
        v->x = mst_xrealloc(v->x, v->cap * sizeof *v->x);
    }
    v->x[v->n++] = (double)ns;
}

// A level of the longest gap needs the events of an answer, which are not looked at here: `muster latency` does.
static bool
is_good(const mst_slo_t *slo, const mst_result_t *r)
{
    const mst_completion_t *d = &r->done;
    int64_t tokens = d->completion_tokens;
    const int64_t ns[MST_SLO_COUNT] = {
        [MST_SLO_TTFT] = d->ttft_ns,
        [MST_SLO_TTFO] = d->ttfo_ns,
        [MST_SLO_TPOT] = r->tpot_ns == MST_NONE ? 0 : r->tpot_ns,
        [MST_SLO_NTPOT] = d->last_token_ns == MST_NONE || tokens <= 0 ? MST_NONE : d->last_token_ns / tokens,
        [MST_SLO_E2E] = d->last_token_ns,
    };
    for (int i = 0; i < MST_SLO_COUNT; i++)
        if (slo->ms[i] > 0 && (ns[i] == MST_NONE || (double)ns[i] > slo->ms[i] * 1e6))
            return false;
    return true;
}

static void
add_schedule(step_t *s, const mst_result_t *r)
{
    const mst_completion_t *d = &r->done;
    int64_t sched = r->load.sched_mono_ns;
    if (sched == 0)
        return;
    s->scheduled++;
    s->first_sched_ns = s->first_sched_ns == 0 || sched < s->first_sched_ns ? sched : s->first_sched_ns;
    s->last_sched_ns = sched > s->last_sched_ns ? sched : s->last_sched_ns;
    if (d->send_mono_ns == MST_NONE)
        return;
    if (d->attempts <= 1)
        keep(&s->late, d->send_mono_ns - sched);
    if (mst_outcome_measured(r->outcome) && d->ttft_ns != MST_NONE)
        keep(&s->sched_ttft, d->send_mono_ns + d->ttft_ns - sched);
    if (mst_outcome_measured(r->outcome) && d->last_token_ns != MST_NONE)
        keep(&s->sched_e2e, d->send_mono_ns + d->last_token_ns - sched);
}

void
mst_load_rows_add(mst_load_rows_t *l, const mst_result_t *r)
{
    const mst_completion_t *d = &r->done;
    step_t *s = &l->steps[r->load.step < l->count ? r->load.step : l->count - 1];
    if (r->load.phase != MST_PHASE_MAIN) {
        s->warmup += r->load.phase == MST_PHASE_WARMUP;
        s->drain += r->load.phase == MST_PHASE_DRAIN;
        return;
    }
    s->requests++;
    s->busy += (double)r->load.io_busy > l->cfg->load.busy_max * 1000;
    s->busy_max = r->load.io_busy > s->busy_max ? r->load.io_busy : s->busy_max;
    s->wait_max = r->load.io_wait > s->wait_max ? r->load.io_wait : s->wait_max;
    add_schedule(s, r);
    if (d->send_mono_ns != MST_NONE && (s->first_send_ns == 0 || d->send_mono_ns < s->first_send_ns))
        s->first_send_ns = d->send_mono_ns;
    if (!mst_outcome_measured(r->outcome))
        return;
    s->measured++;
    s->good += is_good(&l->cfg->slo, r);
    s->tokens += d->completion_tokens > 0 ? (uint64_t)d->completion_tokens : 0;
    int64_t end_ns = d->last_token_ns != MST_NONE ? d->last_token_ns : d->close_ns;
    if (d->send_mono_ns != MST_NONE && end_ns != MST_NONE && d->send_mono_ns + end_ns > s->last_end_ns)
        s->last_end_ns = d->send_mono_ns + end_ns;
    if (d->ttft_ns != MST_NONE)
        keep(&s->ttft, d->ttft_ns);
    if (d->last_token_ns != MST_NONE)
        keep(&s->e2e, d->last_token_ns);
}

static int
by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static mst_load_times_t
times_of(values_t *v)
{
    if (v->n == 0)
        return (mst_load_times_t){(double)NAN, (double)NAN, (double)NAN};
    qsort(v->x, v->n, sizeof *v->x, by_value);
    return (mst_load_times_t){.p50 = mst_percentile_sorted(v->x, v->n, 0.5) / 1e6,
                              .p99 = mst_percentile_sorted(v->x, v->n, 0.99) / 1e6,
                              .max = v->x[v->n - 1] / 1e6};
}

static double
per_s(uint64_t n, double seconds)
{
    return seconds > 0 ? (double)n / seconds : (double)NAN;
}

static void
fill_step(const mst_load_rows_t *l, step_t *s, size_t i, mst_load_step_t *out)
{
    const mst_load_t *load = &l->cfg->load;
    bool slo = mst_slo_any(&l->cfg->slo) && l->cfg->slo.ms[MST_SLO_GAP] <= 0;
    double sched_s = (double)(s->last_sched_ns - s->first_sched_ns) / 1e9;
    double level = load->level_count > 0 ? load->levels[i] : (double)l->cfg->concurrency;
    *out = (mst_load_step_t){.level = level,
                             .requests = s->requests,
                             .measured = s->measured,
                             .warmup = s->warmup,
                             .drain = s->drain,
                             .busy_max = s->busy_max,
                             .wait_max = s->wait_max};
    out->seconds = s->last_end_ns > s->first_send_ns ? (double)(s->last_end_ns - s->first_send_ns) / 1e9 : (double)NAN;
    out->offered_per_s = s->scheduled > 1 ? per_s(s->scheduled - 1, sched_s) : (double)NAN;
    out->answered_per_s = per_s(s->measured, out->seconds);
    out->tokens_per_s = s->tokens > 0 ? per_s(s->tokens, out->seconds) : (double)NAN;
    out->good_share = slo && s->requests > 0 ? (double)s->good / (double)s->requests : (double)NAN;
    out->good_per_s = slo ? per_s(s->good, out->seconds) : (double)NAN;
    out->ttft = times_of(&s->ttft);
    out->e2e = times_of(&s->e2e);
    out->sched_ttft = times_of(&s->sched_ttft);
    out->sched_e2e = times_of(&s->sched_e2e);
    out->late = times_of(&s->late);
    out->late_limit_ms = mst_load_open(load) ? mst_load_late_max_s(load, level) * 1000 : (double)NAN;
    out->busy_share = s->requests > 0 ? (double)s->busy / (double)s->requests : 0;
}

static double
throughput(const mst_load_step_t *s)
{
    return isfinite(s->good_per_s) ? s->good_per_s : s->answered_per_s;
}

static void
find_knee(mst_load_numbers_t *n)
{
    double best = 0;
    bool grows = n->step_count > 1;
    n->knee = n->power = n->kept = MST_LOAD_NO_STEP;
    for (size_t i = 0; i < n->step_count; i++) {
        const mst_load_step_t *s = &n->steps[i];
        double power = throughput(s) / s->e2e.p50;
        if (power > best) { // false for NaN
            best = power;
            n->power = i;
        }
        if (s->good_share >= KEPT_SHARE && (n->kept == MST_LOAD_NO_STEP || s->level > n->steps[n->kept].level))
            n->kept = i;
        grows = grows && (i == 0 || s->level > n->steps[i - 1].level);
    }
    if (n->step_count == 1)
        n->power = MST_LOAD_NO_STEP;
    if (!grows)
        return;
    n->knee = 0;
    for (size_t i = 1; i < n->step_count; i++) {
        const mst_load_step_t *a = &n->steps[i - 1], *b = &n->steps[i];
        double gain = log(throughput(b) / throughput(a)) / log(b->level / a->level);
        if (!(gain >= n->cfg->knee_gain)) // NaN too: nothing came back
            return;
        n->knee = i;
    }
    n->beyond = true;
}

static void
judge(mst_load_numbers_t *n)
{
    for (size_t i = 0; i < n->step_count && !n->invalid; i++) {
        const mst_load_step_t *s = &n->steps[i];
        if (s->late.p99 > s->late_limit_ms) {
            n->invalid = true;
            (void)snprintf(n->why, sizeof n->why,
                           "requests were sent late: p99 %.3g ms after their time at %g requests/s, the limit is %.3g "
                           "ms; use a quieter machine, a lower rate, or set max_late_ms",
                           s->late.p99, s->level, s->late_limit_ms);
        } else if (s->busy_share > BUSY_SHARE_MAX) {
            n->invalid = true;
            (void)snprintf(n->why, sizeof n->why,
                           "the worker was the bottleneck: %.3g %% of the requests at level %g were sent while its I/O "
                           "thread was busy over %.0f %%; use a faster machine, less load, or set max_busy",
                           s->busy_share * 100, s->level, n->cfg->busy_max * 100);
        }
    }
}

mst_rc
mst_load_rows_finish(mst_load_rows_t *l, mst_arena_t *arena, const mst_load_numbers_t **out, mst_err_t *err)
{
    mst_load_numbers_t *n = MST_ARENA_NEW(arena, mst_load_numbers_t);
    mst_load_step_t *steps = MST_ARENA_ARRAY(arena, mst_load_step_t, l->count);
    if (!n || !steps)
        return MST_ERR(err, MST_LIMIT, "no room for the numbers of %zu levels", l->count);
    for (size_t i = 0; i < l->count; i++)
        fill_step(l, &l->steps[i], i, &steps[i]);
    *n = (mst_load_numbers_t){.cfg = &l->cfg->load, .steps = steps, .step_count = l->count};
    find_knee(n);
    judge(n);
    *out = n;
    return MST_OK;
}
