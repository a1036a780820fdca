// One tool after the other: how it reads the events of a request, and what it prints. The formulas and where they were
// read: docs/latency.md. All clocks start at the send stamp: what a tool adds before it (its own queue, a connection
// that is being opened) is its own and not in the log.
#include "report/latency_view.h"

#include "common/base/mem.h"

#include <math.h>
#include <stdlib.h>

#define MS 1e-6 // of ns
#define S  1e-9

static double
per_s(double n, double seconds)
{
    return seconds > 0 ? n / seconds : (double)NAN;
}

static void
put_count(mst_view_out_t *out, const char *key, const char *label, uint64_t n)
{
    mst_view_put(out, key, label, (double)n, 0);
}

// ---- vllm bench serve

enum { V_TTFT, V_TPOT, V_ITL, V_E2E };

static const mst_view_series_t vllm_series[] = {
    {"ttft_ms", "TTFT (ms)", MS, 2},
    {"tpot_ms", "TPOT (ms)", MS, 2},
    {"itl_ms", "ITL (ms)", MS, 2},
    {"e2el_ms", "E2EL (ms)", MS, 2},
    {NULL, NULL, 0, 0},
};

static const mst_mark_t vllm_marks[] = {
    {MST_MARK_MEAN, 0, "mean", "Mean"},  {MST_MARK_RANK, 0.5, "median", "Median"}, {MST_MARK_SD, 0, "std", "Std"},
    {MST_MARK_RANK, 0.99, "p99", "P99"}, {MST_MARK_MEAN, 0, NULL, NULL},
};

static bool
vllm_good(const mst_slo_t *slo, double ttft, double tpot, double e2e)
{
    return (slo->ms[MST_SLO_TTFT] <= 0 || ttft * MS <= slo->ms[MST_SLO_TTFT]) &&
           (slo->ms[MST_SLO_TPOT] <= 0 || tpot * MS <= slo->ms[MST_SLO_TPOT]) &&
           (slo->ms[MST_SLO_E2E] <= 0 || e2e * MS <= slo->ms[MST_SLO_E2E]);
}

static void
vllm_row(mst_view_state_t *s, const mst_view_row_t *row)
{
    const mst_latency_request_t *q = row->q;
    mst_view_seen(s, row, row->c->close_ns);
    int64_t usage = mst_view_usage(row), tokens = usage > 0 ? usage : mst_view_tokens(row);
    tokens = tokens > 0 ? tokens : 1;
    if (!mst_view_take(s, row->ok && q->choices > 0, tokens))
        return;
    double ttft = (double)q->first_choice, e2e = (double)q->last_choice, tpot = 0;
    if (tokens > 1) {
        tpot = (e2e - ttft) / (double)(tokens - 1);
        mst_view_add(s, V_TPOT, tpot, 1);
    }
    mst_view_add(s, V_TTFT, ttft, 1);
    mst_view_add(s, V_E2E, e2e, 1);
    int64_t before = MST_NONE;
    for (uint32_t i = 0; i < row->c->event_count; i++) {
        const mst_token_event_t *e = &row->c->events[i];
        if (!mst_event_is_choice(e->kind))
            continue;
        if (before != MST_NONE)
            mst_view_add(s, V_ITL, (double)(e->rx_ns - before), 1);
        before = e->rx_ns;
    }
    if (!s->counting)
        return;
    s->good += vllm_good(s->slo, ttft, tpot, e2e);
    s->input_tokens += row->c->prompt_tokens > 0 ? (uint64_t)row->c->prompt_tokens : 0;
    if (row->start != MST_NONE)
        mst_spans_add(&s->spans, row->start, row->start + q->last_choice);
}

static void
count_second(mst_view_state_t *s, int64_t since_ns)
{
    size_t second = since_ns > 0 ? (size_t)(since_ns / 1000000000) : 0;
    if (second >= (1U << 24))
        return; // half a year
    if (second >= s->seconds) {
        size_t more = second + 1 + second / 2;
        s->per_second = mst_xrealloc(s->per_second, more * sizeof *s->per_second);
        memset(s->per_second + s->seconds, 0, (more - s->seconds) * sizeof *s->per_second);
        s->seconds = more;
    }
    s->per_second[second]++;
}

// Its peak counts messages, in whole seconds from the first start of a request that succeeded.
static void
vllm_again(mst_view_state_t *s, const mst_view_row_t *row)
{
    if (!row->ok || row->q->choices == 0 || row->start == MST_NONE || s->spans.n == 0)
        return;
    int64_t first = mst_spans_first(&s->spans);
    for (uint32_t i = 0; i < row->c->event_count; i++)
        if (mst_event_is_choice(row->c->events[i].kind))
            count_second(s, row->start + row->c->events[i].rx_ns - first);
}

static void
vllm_before(mst_view_state_t *s, mst_view_out_t *out)
{
    double seconds = mst_view_seconds(s), peak = 0;
    for (size_t i = 0; i < s->seconds; i++)
        peak = fmax(peak, s->per_second[i]);
    mst_spans_level_t level = mst_spans_level(&s->spans, s->first_start, s->last_end, 0);
    put_count(out, "completed", "Successful requests", s->ok);
    put_count(out, "failed", "Failed requests", s->failed);
    mst_view_put(out, "duration", "Benchmark duration (s)", seconds, 2);
    put_count(out, "total_input_tokens", "Total input tokens", s->input_tokens);
    put_count(out, "total_output_tokens", "Total generated tokens", s->output_tokens);
    mst_view_put(out, "request_throughput", "Request throughput (req/s)", per_s((double)s->ok, seconds), 2);
    if (mst_slo_any(s->slo))
        mst_view_put(out, "request_goodput", "Request goodput (req/s)", per_s((double)s->good, seconds), 2);
    double tokens = (double)s->output_tokens, all = tokens + (double)s->input_tokens;
    mst_view_put(out, "output_throughput", "Output token throughput (tok/s)", per_s(tokens, seconds), 2);
    mst_view_put(out, "max_output_tokens_per_s", "Peak output token throughput (tok/s)", peak, 2);
    put_count(out, "max_concurrent_requests", "Peak concurrent requests", level.max);
    mst_view_put(out, "total_token_throughput", "Total token throughput (tok/s)", per_s(all, seconds), 2);
}

// ---- AIPerf

enum { A_TTFT, A_TTST, A_TTFO, A_LATENCY, A_ITL, A_ICL, A_PER_USER, A_OSL, A_ISL };

static const mst_view_series_t aiperf_series[] = {
    {"time_to_first_token", "Time to First Token (ms)", MS, 2},
    {"time_to_second_token", "Time to Second Token (ms)", MS, 2},
    {"time_to_first_output_token", "Time to First Output Token (ms)", MS, 2},
    {"request_latency", "Request Latency (ms)", MS, 2},
    {"inter_token_latency", "Inter Token Latency (ms)", MS, 2},
    {"inter_chunk_latency", "Inter Chunk Latency (ms)", MS, 2},
    {"output_token_throughput_per_user", "Output Token Throughput Per User (tokens/sec/user)", 1, 2},
    {"output_sequence_length", "Output Sequence Length (tokens)", 1, 2},
    {"input_sequence_length", "Input Sequence Length (tokens)", 1, 2},
    {NULL, NULL, 0, 0},
};

static const mst_mark_t aiperf_marks[] = {
    {MST_MARK_MEAN, 0, "avg", "avg"},    {MST_MARK_MIN, 0, "min", "min"},     {MST_MARK_MAX, 0, "max", "max"},
    {MST_MARK_RANK, 0.99, "p99", "p99"}, {MST_MARK_RANK, 0.95, "p95", "p95"}, {MST_MARK_RANK, 0.9, "p90", "p90"},
    {MST_MARK_RANK, 0.5, "p50", "p50"},  {MST_MARK_SD, 0, "std", "std"},      {MST_MARK_MEAN, 0, NULL, NULL},
};

static void
aiperf_chunks(mst_view_state_t *s, const mst_view_row_t *row)
{
    int64_t before = MST_NONE;
    for (uint32_t i = 0; i < row->c->event_count; i++) {
        const mst_token_event_t *e = &row->c->events[i];
        if (!mst_event_is_text(e->kind))
            continue;
        if (before != MST_NONE)
            mst_view_add(s, A_ICL, (double)(e->rx_ns - before), 1);
        before = e->rx_ns;
    }
}

static void
aiperf_row(mst_view_state_t *s, const mst_view_row_t *row)
{
    const mst_latency_request_t *q = row->q;
    int64_t osl = mst_view_tokens(row);
    if (!mst_view_take(s, row->ok && q->texts > 0, osl))
        return;
    double ttft = (double)q->first_text, latency = (double)q->last_text;
    mst_view_seen(s, row, q->last_text);
    mst_view_add(s, A_TTFT, ttft, 1);
    mst_view_add(s, A_LATENCY, latency, 1);
    if (q->second_text != MST_NONE)
        mst_view_add(s, A_TTST, (double)(q->second_text - q->first_text), 1);
    if (q->first_output != MST_NONE)
        mst_view_add(s, A_TTFO, (double)q->first_output, 1);
    if (osl >= 2) {
        double itl = (latency - ttft) / (double)(osl - 1);
        mst_view_add(s, A_ITL, itl, 1);
        if (itl > 0)
            mst_view_add(s, A_PER_USER, 1e9 / itl, 1);
    }
    aiperf_chunks(s, row);
    if (osl > 0)
        mst_view_add(s, A_OSL, (double)osl, 1);
    if (row->c->prompt_tokens > 0)
        mst_view_add(s, A_ISL, (double)row->c->prompt_tokens, 1);
}

static void
aiperf_after(mst_view_state_t *s, mst_view_out_t *out)
{
    double seconds = mst_view_seconds(s);
    mst_view_put(out, "output_token_throughput", "Output Token Throughput (tokens/sec)",
                 per_s((double)s->output_tokens, seconds), 2);
    mst_view_put(out, "request_throughput", "Request Throughput (requests/sec)", per_s((double)s->ok, seconds), 2);
    put_count(out, "request_count", "Request Count (requests)", s->ok);
    put_count(out, "error_request_count", "Error Request Count (requests)", s->failed);
    mst_view_put(out, "benchmark_duration", "Benchmark Duration (sec)", seconds, 2);
}

// ---- guidellm

enum { G_LATENCY, G_TTFT, G_TTFO, G_ITL, G_TPOT, G_OUTPUT, G_PROMPT };

static const mst_view_series_t guidellm_series[] = {
    {"request_latency", "Request Latency (s)", S, 3},       {"time_to_first_token_ms", "TTFT (ms)", MS, 2},
    {"time_to_first_output_token_ms", "TTFOT (ms)", MS, 2}, {"inter_token_latency_ms", "ITL (ms)", MS, 2},
    {"time_per_output_token_ms", "TPOT (ms)", MS, 2},       {"output_token_count", "Output Tokens", 1, 1},
    {"prompt_token_count", "Prompt Tokens", 1, 1},          {NULL, NULL, 0, 0},
};

static const mst_mark_t guidellm_marks[] = {
    {MST_MARK_MEAN, 0, "mean", "mean"},  {MST_MARK_RANK, 0.5, "median", "median"}, {MST_MARK_SD, 0, "std_dev", "std"},
    {MST_MARK_MIN, 0, "min", "min"},     {MST_MARK_MAX, 0, "max", "max"},          {MST_MARK_RANK, 0.95, "p95", "p95"},
    {MST_MARK_RANK, 0.99, "p99", "p99"}, {MST_MARK_MEAN, 0, NULL, NULL},
};

static double
or_zero(int64_t ns)
{
    return ns == MST_NONE ? 0 : (double)ns;
}

// What is not there counts as 0 in its lists; TPOT and ITL weigh as many tokens as they stand for.
static void
guidellm_row(mst_view_state_t *s, const mst_view_row_t *row)
{
    const mst_latency_request_t *q = row->q;
    int64_t end = q->done != MST_NONE ? q->done : row->c->close_ns;
    mst_view_seen(s, row, end);
    int64_t usage = mst_view_usage(row), tokens = usage > 0 ? usage : (int64_t)q->texts;
    if (!mst_view_take(s, row->ok, tokens))
        return;
    int64_t last = q->last_text != MST_NONE ? q->last_text : end;
    uint32_t weight = (uint32_t)(tokens < UINT32_MAX ? tokens : UINT32_MAX);
    mst_view_add(s, G_LATENCY, or_zero(end), 1);
    mst_view_add(s, G_TTFT, or_zero(q->first_text), 1);
    mst_view_add(s, G_TTFO, or_zero(q->first_output), 1);
    if (tokens > 0)
        mst_view_add(s, G_TPOT, or_zero(last) / (double)tokens, weight);
    if (tokens > 1)
        mst_view_add(s, G_ITL, q->texts > 0 ? (double)(q->last_text - q->first_text) / (double)(tokens - 1) : 0,
                     weight - 1);
    mst_view_add(s, G_OUTPUT, (double)tokens, 1);
    mst_view_add(s, G_PROMPT, row->c->prompt_tokens > 0 ? (double)row->c->prompt_tokens : 0, 1);
}

static void
guidellm_before(mst_view_state_t *s, mst_view_out_t *out)
{
    put_count(out, "successful", "Requests successful", s->ok);
    put_count(out, "errored", "Requests errored", s->failed);
    mst_view_put(out, "duration", "Duration (s)", mst_view_seconds(s), 2);
    mst_view_put(out, "requests_per_second_mean", "Requests per second mean", per_s((double)s->ok, mst_view_seconds(s)),
                 2);
    mst_view_put(out, "output_tokens_per_second_mean", "Output tokens per second mean",
                 per_s((double)s->output_tokens, mst_view_seconds(s)), 1);
}

// ---- MLPerf LoadGen, Server scenario with token latencies

enum { M_LATENCY, M_TTFT, M_TPOT };

static const mst_view_series_t mlperf_series[] = {
    {"latency_ns", "latency (ns)", 1, 0},
    {"first_token_latency_ns", "first token latency (ns)", 1, 0},
    {"time_per_output_token_ns", "time to output token (ns)", 1, 0},
    {NULL, NULL, 0, 0},
};

static const mst_mark_t mlperf_marks[] = {
    {MST_MARK_MIN, 0, "min", "Min"},
    {MST_MARK_MAX, 0, "max", "Max"},
    {MST_MARK_MEAN, 0, "mean", "Mean"},
    {MST_MARK_RANK, 0.5, "50.00_percentile", "50.00 percentile"},
    {MST_MARK_RANK, 0.9, "90.00_percentile", "90.00 percentile"},
    {MST_MARK_RANK, 0.95, "95.00_percentile", "95.00 percentile"},
    {MST_MARK_RANK, 0.97, "97.00_percentile", "97.00 percentile"},
    {MST_MARK_RANK, 0.99, "99.00_percentile", "99.00 percentile"},
    {MST_MARK_RANK, 0.999, "99.90_percentile", "99.90 percentile"},
    {MST_MARK_MEAN, 0, NULL, NULL},
};

static void
mlperf_row(mst_view_state_t *s, const mst_view_row_t *row)
{
    const mst_latency_request_t *q = row->q;
    int64_t tokens = mst_view_tokens(row);
    if (!mst_view_take(s, row->ok && q->first_token != MST_NONE, tokens))
        return;
    mst_view_seen(s, row, q->last_token);
    mst_view_add(s, M_LATENCY, (double)q->last_token, 1);
    mst_view_add(s, M_TTFT, (double)q->first_token, 1);
    if (tokens > 1) // one token is an error in its log
        mst_view_add(s, M_TPOT, floor((double)(q->last_token - q->first_token) / (double)(tokens - 1)), 1);
}

static void
mlperf_before(mst_view_state_t *s, mst_view_out_t *out)
{
    double scheduled = s->last_start > s->first_start ? (double)(s->last_start - s->first_start) / 1e9 : (double)NAN;
    double samples = s->ok > 0 ? (double)s->ok - 1 : 0;
    put_count(out, "result_query_count", "Samples", s->ok);
    put_count(out, "errors", "Failed samples", s->failed);
    mst_view_put(out, "result_scheduled_samples_per_sec", "Scheduled samples per second", per_s(samples, scheduled), 2);
    mst_view_put(out, "result_completed_samples_per_sec", "Completed samples per second",
                 per_s(samples, mst_view_seconds(s)), 2);
    mst_view_put(out, "result_completed_tokens_per_sec", "Completed tokens per second",
                 per_s((double)s->output_tokens, mst_view_seconds(s)), 2);
}

// ---- llmperf

enum { L_ITL, L_TTFT, L_E2E, L_RATE, L_INPUT, L_OUTPUT };

static const mst_view_series_t llmperf_series[] = {
    {"inter_token_latency_s", "inter_token_latency_s", S, 6},
    {"ttft_s", "ttft_s", S, 6},
    {"end_to_end_latency_s", "end_to_end_latency_s", S, 6},
    {"request_output_throughput_token_per_s", "request_output_throughput_token_per_s", 1, 4},
    {"number_input_tokens", "number_input_tokens", 1, 1},
    {"number_output_tokens", "number_output_tokens", 1, 1},
    {NULL, NULL, 0, 0},
};

static const mst_mark_t llmperf_marks[] = {
    {MST_MARK_RANK, 0.25, "p25", "p25"},  {MST_MARK_RANK, 0.5, "p50", "p50"},  {MST_MARK_RANK, 0.75, "p75", "p75"},
    {MST_MARK_RANK, 0.9, "p90", "p90"},   {MST_MARK_RANK, 0.95, "p95", "p95"}, {MST_MARK_RANK, 0.99, "p99", "p99"},
    {MST_MARK_MEAN, 0, "mean", "mean"},   {MST_MARK_MIN, 0, "min", "min"},     {MST_MARK_MAX, 0, "max", "max"},
    {MST_MARK_SD, 0, "stddev", "stddev"}, {MST_MARK_MEAN, 0, NULL, NULL},
};

// Reasoning is not looked at; its "inter token latency" is the time to the last answer text over all tokens.
static void
llmperf_row(mst_view_state_t *s, const mst_view_row_t *row)
{
    const mst_latency_request_t *q = row->q;
    mst_view_seen(s, row, row->c->close_ns);
    int64_t tokens = mst_view_tokens(row), end = row->c->close_ns;
    if (!mst_view_take(s, row->ok, tokens))
        return;
    mst_view_add(s, L_ITL, tokens > 0 ? or_zero(q->last_content) / (double)tokens : 0, 1);
    mst_view_add(s, L_TTFT, or_zero(q->first_content), 1);
    mst_view_add(s, L_E2E, or_zero(end), 1);
    mst_view_add(s, L_RATE, end > 0 ? (double)tokens * 1e9 / (double)end : 0, 1);
    mst_view_add(s, L_INPUT, row->c->prompt_tokens > 0 ? (double)row->c->prompt_tokens : 0, 1);
    mst_view_add(s, L_OUTPUT, (double)tokens, 1);
}

static void
llmperf_after(mst_view_state_t *s, mst_view_out_t *out)
{
    double seconds = mst_view_seconds(s), all = (double)(s->ok + s->failed);
    put_count(out, "num_requests_started", "Number Of Requests Started", s->ok + s->failed);
    mst_view_put(out, "error_rate", "Error Rate", all > 0 ? (double)s->failed / all : 0, 4);
    put_count(out, "number_errors", "Number Of Errored Requests", s->failed);
    mst_view_put(out, "mean_output_throughput_token_per_s", "Overall Output Throughput",
                 per_s((double)s->output_tokens, seconds), 4);
    put_count(out, "num_completed_requests", "Number Of Completed Requests", s->ok);
    mst_view_put(out, "num_completed_requests_per_min", "Completed Requests Per Minute",
                 per_s((double)s->ok * 60, seconds), 4);
}

// ---- the table

static const mst_view_t views[] = {
    {.name = "vllm",
     .title = "vllm bench serve",
     .rule = MST_RANK_LINEAR,
     .series = vllm_series,
     .marks = vllm_marks,
     .marks_first = true,
     .row = vllm_row,
     .again = vllm_again,
     .before = vllm_before},
    {.name = "aiperf",
     .title = "AIPerf",
     .rule = MST_RANK_LINEAR,
     .series = aiperf_series,
     .marks = aiperf_marks,
     .row = aiperf_row,
     .after = aiperf_after},
    {.name = "guidellm",
     .title = "guidellm",
     .rule = MST_RANK_CDF,
     .series = guidellm_series,
     .marks = guidellm_marks,
     .row = guidellm_row,
     .before = guidellm_before},
    {.name = "mlperf",
     .title = "MLPerf LoadGen, Server scenario with token latencies",
     .rule = MST_RANK_FLOOR,
     .series = mlperf_series,
     .marks = mlperf_marks,
     .marks_first = true,
     .row = mlperf_row,
     .before = mlperf_before},
    {.name = "llmperf",
     .title = "llmperf",
     .rule = MST_RANK_LINEAR,
     .sample_sd = true,
     .series = llmperf_series,
     .marks = llmperf_marks,
     .row = llmperf_row,
     .after = llmperf_after},
};

const mst_view_t *
mst_view_find(mst_str_t name)
{
    for (size_t i = 0; i < sizeof views / sizeof views[0]; i++)
        if (mst_str_eq_c(name, views[i].name))
            return &views[i];
    return NULL;
}

const char *
mst_view_names(void)
{
    return "vllm, aiperf, guidellm, mlperf, llmperf";
}

const char *
mst_view_title(const mst_view_t *v)
{
    return v->title;
}
