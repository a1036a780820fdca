// Our own measures. The first reading fills the lists and the spans of all requests; from them come the windows, and
// the second reading counts what arrived in them. Further readings are for percentiles of very long lists.
#include "report/latency.h"

#include "common/base/hash.h"
#include "common/base/limits.h"
#include "common/base/mem.h"
#include "report/latency_view.h"
#include "report/latency_window.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define ROW_ARENA_MAX (64 * MST_MIB)
#define TARGET_SHARE  0.95 // of the run's concurrency: steady

typedef struct {
    int64_t from, to;
    uint64_t requests, tokens;
    bool known;
} count_t;

struct mst_latency {
    mst_slo_t slo;
    uint32_t level; // spans that are open in the steady window; 0: no target
    const mst_view_t *view;
    mst_view_state_t views;
    mst_select_t *lists[MST_LAT_COUNT];
    uint64_t requests[MST_LAT_COUNT]; // that have values in the list
    mst_latency_report_t numbers;     // what is counted, not computed
    mst_spans_t spans;                // of all requests that were sent
    int64_t first_send, last_token;   // of measured ones
    mst_scale_t scale;
    count_t window, steady;
    mst_arena_t *arena;
    int reading;
};

static const char *const names[MST_LAT_COUNT] = {
    [MST_LAT_TTFT] = "ttft",
    [MST_LAT_TTFT_NEW] = "ttft_new_connection",
    [MST_LAT_TTFT_REUSED] = "ttft_reused_connection",
    [MST_LAT_TTFO] = "ttfo",
    [MST_LAT_TTFB] = "ttfb",
    [MST_LAT_TTFE] = "ttfe",
    [MST_LAT_E2E] = "e2e",
    [MST_LAT_CLOSE] = "close",
    [MST_LAT_NTPOT] = "ntpot",
    [MST_LAT_TPOT] = "tpot",
    [MST_LAT_TOKEN_GAP] = "token_gap",
    [MST_LAT_EVENT_GAP] = "event_gap",
    [MST_LAT_EVENT_TOKENS] = "event_tokens",
};

const char *
mst_latency_kind_name(mst_latency_kind_t k)
{
    return names[k];
}

// Wants of every list, in this order.
enum { WANT_P50, WANT_P90, WANT_P99, WANT_P90_UPPER, WANT_P99_UPPER };

mst_latency_t *
mst_latency_new(const mst_latency_opts_t *o)
{
    mst_latency_t *l = MST_NEW(mst_latency_t);
    if (o->slo)
        l->slo = *o->slo;
    l->level = (uint32_t)ceil(TARGET_SHARE * o->concurrency);
    l->view = o->view;
    if (l->view)
        mst_view_init(&l->views, l->view, &l->slo);
    for (int i = 0; i < MST_LAT_COUNT; i++) {
        l->lists[i] = mst_select_new();
        (void)mst_select_want(l->lists[i], MST_RANK_LINEAR, 0.5);
        (void)mst_select_want(l->lists[i], MST_RANK_LINEAR, 0.9);
        (void)mst_select_want(l->lists[i], MST_RANK_LINEAR, 0.99);
        (void)mst_select_want(l->lists[i], MST_RANK_UPPER, 0.9);
        (void)mst_select_want(l->lists[i], MST_RANK_UPPER, 0.99);
    }
    l->first_send = INT64_MAX;
    l->last_token = INT64_MIN;
    l->arena = mst_arena_new(ROW_ARENA_MAX);
    return l;
}

void
mst_latency_free(mst_latency_t **l)
{
    if (!l || !*l)
        return;
    for (int i = 0; i < MST_LAT_COUNT; i++)
        mst_select_free(&(*l)->lists[i]);
    if ((*l)->view)
        mst_view_deinit(&(*l)->views);
    mst_spans_free(&(*l)->spans);
    mst_arena_free(&(*l)->arena);
    free(*l);
    *l = NULL;
}

// When the request was sent, on the scale of the run.
static int64_t
start_of(mst_latency_t *l, const mst_result_t *r, const mst_origin_t *origin)
{
    const mst_completion_t *c = &r->done;
    if (c->send_mono_ns == MST_NONE || (c->close_ns == MST_NONE && c->last_token_ns == MST_NONE))
        return MST_NONE;
    uint64_t host = origin ? mst_xxh64(origin->host, 0) : 0;
    int64_t end = c->send_mono_ns + (c->close_ns != MST_NONE ? c->close_ns : c->last_token_ns);
    return c->send_mono_ns + mst_scale_offset(&l->scale, host, end, r->finished_wall_ns);
}

static void
add(mst_latency_t *l, mst_latency_kind_t k, int64_t ns)
{
    if (ns == MST_NONE)
        return;
    mst_select_add(l->lists[k], (double)ns, 1);
    l->requests[k] += l->reading == 0;
}

static void
add_number(mst_latency_t *l, mst_latency_kind_t k, double x)
{
    if (!isfinite(x))
        return;
    mst_select_add(l->lists[k], x, 1);
    l->requests[k] += l->reading == 0;
}

// Both kinds of gaps, and tokens an event; returns the longest gap, NaN when there is none.
static double
add_gaps(mst_latency_t *l, const mst_completion_t *c)
{
    int64_t before = MST_NONE;
    double longest = (double)NAN;
    bool tokens = false;
    for (uint32_t i = 0; i < c->event_count; i++) {
        const mst_token_event_t *e = &c->events[i];
        if (!mst_event_has_token(e))
            continue;
        uint32_t k = e->n_tokens > 0 ? e->n_tokens : 1;
        mst_select_add(l->lists[MST_LAT_EVENT_TOKENS], k, 1);
        tokens = true;
        if (before != MST_NONE) {
            l->numbers.same_stamp += l->reading == 0 && e->rx_ns == before;
            double gap = (double)(e->rx_ns - before);
            mst_select_add(l->lists[MST_LAT_EVENT_GAP], gap, 1);
            mst_select_add(l->lists[MST_LAT_TOKEN_GAP], gap / k, k);
            longest = isnan(longest) || gap > longest ? gap : longest;
        }
        before = e->rx_ns;
    }
    l->requests[MST_LAT_EVENT_TOKENS] += tokens && l->reading == 0;
    l->requests[MST_LAT_EVENT_GAP] += isfinite(longest) && l->reading == 0;
    l->requests[MST_LAT_TOKEN_GAP] += isfinite(longest) && l->reading == 0;
    return longest;
}

static double
ntpot_of(const mst_latency_request_t *q)
{
    return q->tokens > 0 && q->last_token != MST_NONE ? (double)q->last_token / (double)q->tokens : (double)NAN;
}

static double
add_measures(mst_latency_t *l, const mst_completion_t *c, const mst_latency_request_t *q)
{
    add(l, MST_LAT_TTFT, q->first_token);
    if (c->rx_source != MST_STAMP_RECORDED && c->rx_source != MST_STAMP_NONE)
        add(l, c->conn_reused ? MST_LAT_TTFT_REUSED : MST_LAT_TTFT_NEW, q->first_token);
    add(l, MST_LAT_TTFO, q->first_output);
    add(l, MST_LAT_TTFB, c->ttfb_ns);
    add(l, MST_LAT_TTFE, q->first_any);
    add(l, MST_LAT_E2E, q->last_token);
    add(l, MST_LAT_CLOSE, c->close_ns);
    add_number(l, MST_LAT_NTPOT, ntpot_of(q));
    add_number(l, MST_LAT_TPOT, q->tpot_ns);
    return c->streamed ? add_gaps(l, c) : (double)NAN;
}

// A level that cannot be judged (the answer has no such time) is missed, but for those between tokens: an answer of one
// event has no time between any.
static void
judge(mst_latency_t *l, const mst_latency_request_t *q, double longest_gap)
{
    mst_latency_goodput_t *g = &l->numbers.goodput;
    const double ns[MST_SLO_COUNT] = {
        [MST_SLO_TTFT] = q->first_token == MST_NONE ? (double)INFINITY : (double)q->first_token,
        [MST_SLO_TTFO] = q->first_output == MST_NONE ? (double)INFINITY : (double)q->first_output,
        [MST_SLO_TPOT] = isnan(q->tpot_ns) ? 0 : q->tpot_ns,
        [MST_SLO_NTPOT] = isnan(ntpot_of(q)) ? (double)INFINITY : ntpot_of(q),
        [MST_SLO_E2E] = q->last_token == MST_NONE ? (double)INFINITY : (double)q->last_token,
        [MST_SLO_GAP] = isnan(longest_gap) ? 0 : longest_gap,
    };
    bool good = true;
    for (int i = 0; i < MST_SLO_COUNT; i++) {
        bool missed = l->slo.ms[i] > 0 && ns[i] > l->slo.ms[i] * 1e6;
        g->missed[i] += missed;
        good = good && !missed;
    }
    g->good += good;
    g->tokens += good && q->tokens > 0 ? (uint64_t)q->tokens : 0;
}

static void
compare_counts(mst_latency_alarm_t *a, const mst_result_t *r)
{
    int64_t by_usage = r->done.usage_tokens, by_logprobs = r->logprob_count;
    if (by_usage <= 0 || by_logprobs == 0 || by_usage == by_logprobs)
        return;
    if (a->cases++ == 0)
        snprintf(a->example, sizeof a->example, "case \"%.*s\": %lld logprobs, %lld tokens by usage",
                 MST_FMT(mst_str_cut(r->case_id, 100)), (long long)by_logprobs, (long long)by_usage);
    a->tokens_logprobs += (uint64_t)by_logprobs;
    a->tokens_usage += (uint64_t)by_usage;
}

static void
count_row(mst_latency_t *l, const mst_view_row_t *row)
{
    mst_latency_report_t *n = &l->numbers;
    const mst_completion_t *c = row->c;
    n->measured++;
    n->streamed += c->streamed;
    n->sent_by[c->send_source]++;
    n->arrived_by[c->rx_source]++;
    bool live = c->rx_source == MST_STAMP_KERNEL || c->rx_source == MST_STAMP_USER;
    n->reused += live && c->conn_reused;
    n->opened += live && !c->conn_reused;
    n->events += c->event_count;
    n->merged += c->merged_reads;
    n->tokens_by[c->token_source]++;
    n->tpot_undefined += c->streamed && isnan(row->q->tpot_ns);
    compare_counts(&n->alarm, row->r);
}

static void
first_reading(mst_latency_t *l, const mst_view_row_t *row)
{
    const mst_completion_t *c = row->c;
    bool measured = mst_outcome_measured(row->r->outcome);
    l->numbers.rows++;
    if (row->start != MST_NONE)
        mst_spans_add(&l->spans, row->start, row->start + (c->close_ns != MST_NONE ? c->close_ns : c->last_token_ns));
    if (l->view)
        l->view->row(&l->views, row);
    l->numbers.goodput.failed += !measured;
    if (!measured)
        return;
    count_row(l, row);
    judge(l, row->q, add_measures(l, c, row->q));
    if (row->start == MST_NONE || row->q->last_token == MST_NONE)
        return;
    l->first_send = row->start < l->first_send ? row->start : l->first_send;
    int64_t last = row->start + row->q->last_token;
    l->last_token = last > l->last_token ? last : l->last_token;
}

static void
count_in(count_t *w, const mst_view_row_t *row)
{
    if (!w->known)
        return;
    const mst_completion_t *c = row->c;
    int64_t last = row->start + row->q->last_token;
    w->requests += last >= w->from && last <= w->to;
    if (!c->streamed || c->event_count == 0) {
        w->tokens += last >= w->from && last <= w->to && row->q->tokens > 0 ? (uint64_t)row->q->tokens : 0;
        return;
    }
    for (uint32_t i = 0; i < c->event_count; i++) {
        const mst_token_event_t *e = &c->events[i];
        int64_t at = row->start + e->rx_ns;
        if (mst_event_has_token(e) && at >= w->from && at <= w->to)
            w->tokens += e->n_tokens > 0 ? e->n_tokens : 1;
    }
}

static void
later_reading(mst_latency_t *l, const mst_view_row_t *row)
{
    if (l->view && l->reading == 1 && l->view->again)
        l->view->again(&l->views, row);
    if (l->view)
        l->view->row(&l->views, row);
    if (!mst_outcome_measured(row->r->outcome))
        return;
    (void)add_measures(l, row->c, row->q);
    if (l->reading == 1 && row->start != MST_NONE && row->q->last_token != MST_NONE) {
        count_in(&l->window, row);
        count_in(&l->steady, row);
    }
}

mst_rc
mst_latency_row(mst_latency_t *l, const mst_result_t *r, const mst_origin_t *origin, mst_err_t *err)
{
    mst_completion_t c = r->done;
    mst_latency_request_t q;
    if (r->load.phase != MST_PHASE_MAIN)
        return MST_OK; // warm-up and drain of a load are kept apart
    if (c.cached) {
        l->numbers.rows += l->reading == 0;
        l->numbers.cached += l->reading == 0;
        return MST_OK;
    }
    mst_arena_reset(l->arena);
    mst_rc rc = mst_events_unpack(r->events, l->arena, &c, err);
    if (rc != MST_OK) {
        mst_err_prefix(err, "case \"%.*s\"", MST_FMT(mst_str_cut(r->case_id, 100)));
        return rc;
    }
    mst_latency_request(&c, r->tpot_ns, &q);
    mst_view_row_t row = {.r = r,
                          .c = &c,
                          .q = &q,
                          .start = start_of(l, r, origin),
                          .ok = mst_outcome_measured(r->outcome) && c.streamed && c.event_count > 0};
    if (l->reading == 0)
        first_reading(l, &row);
    else
        later_reading(l, &row);
    return MST_OK;
}

static void
set_windows(mst_latency_t *l)
{
    count_t *w = &l->window, *s = &l->steady;
    w->known = l->last_token > l->first_send;
    w->from = l->first_send;
    w->to = l->last_token;
    if (!w->known || l->level == 0 || !mst_spans_reached(&l->spans, l->level, &s->from, &s->to))
        return;
    s->from = s->from < w->from ? w->from : s->from;
    s->to = s->to > w->to ? w->to : s->to;
    s->known = s->to > s->from;
}

bool
mst_latency_next(mst_latency_t *l)
{
    bool again = l->reading == 0;
    if (l->reading == 0)
        set_windows(l);
    for (int i = 0; i < MST_LAT_COUNT; i++)
        again |= mst_select_next(l->lists[i]);
    if (l->view)
        again |= mst_view_next(&l->views);
    l->reading++;
    return again;
}

static mst_latency_stat_t
stat_of(const mst_latency_t *l, mst_latency_kind_t k)
{
    const mst_select_t *s = l->lists[k];
    mst_select_sums_t sums = mst_select_sums(s);
    double unit = k == MST_LAT_EVENT_TOKENS ? 1 : 1e-6;
    uint64_t n = l->requests[k];
    bool each = n == sums.weight; // one value a request: only then is the bound one
    return (mst_latency_stat_t){
        .n = sums.weight,
        .requests = n,
        .mean = sums.mean * unit,
        .min = sums.min * unit,
        .max = sums.max * unit,
        .p50 = mst_select_value(s, WANT_P50) * unit,
        .p90 = n >= MST_CLAIM_P90 ? mst_select_value(s, WANT_P90) * unit : (double)NAN,
        .p99 = n >= MST_CLAIM_P99 ? mst_select_value(s, WANT_P99) * unit : (double)NAN,
        .p90_upper = each ? mst_select_value(s, WANT_P90_UPPER) * unit : (double)NAN,
        .p99_upper = each ? mst_select_value(s, WANT_P99_UPPER) * unit : (double)NAN,
    };
}

static mst_latency_window_t
window_of(const mst_latency_t *l, const count_t *w)
{
    mst_latency_window_t out = {.known = w->known, .seconds = (double)NAN, .at_target = (double)NAN};
    out.requests_per_s = out.tokens_per_s = out.concurrency_mean = (double)NAN;
    if (!w->known)
        return out;
    mst_spans_t spans = l->spans; // sorted since the first reading, or sorted here: the same arrays
    mst_spans_level_t level = mst_spans_level(&spans, w->from, w->to, l->level);
    out.seconds = (double)(w->to - w->from) / 1e9;
    out.requests = w->requests;
    out.tokens = w->tokens;
    out.requests_per_s = (double)w->requests / out.seconds;
    out.tokens_per_s = (double)w->tokens / out.seconds;
    out.concurrency_mean = level.mean;
    out.concurrency_max = level.max;
    out.idle_s = level.idle_s;
    if (l->level > 0)
        out.at_target = level.at_level;
    return out;
}

void
mst_latency_numbers(const mst_latency_t *l, mst_latency_report_t *out)
{
    *out = l->numbers;
    for (int i = 0; i < MST_LAT_COUNT; i++)
        out->stats[i] = stat_of(l, (mst_latency_kind_t)i);
    out->window = window_of(l, &l->window);
    out->steady = window_of(l, &l->steady);
    out->slo = l->slo;
    mst_latency_goodput_t *g = &out->goodput;
    g->measured = out->measured;
    double all = (double)(g->measured + g->failed);
    g->share = g->measured > 0 ? (double)g->good / (double)g->measured : (double)NAN;
    g->share_with_failures = all > 0 ? (double)g->good / all : (double)NAN;
    g->requests_per_s = (double)g->good / out->window.seconds;
    g->tokens_per_s = (double)g->tokens / out->window.seconds;
}

size_t
mst_latency_view(const mst_latency_t *l, mst_view_line_t *lines)
{
    if (!l->view)
        return 0;
    mst_view_state_t state = l->views;
    return mst_view_lines(&state, lines);
}
