// Latency measures and the views of other tools over one small log, against numbers worked out by hand. Its four
// requests are where the tools' definitions part: a role event first, reasoning first, several tokens an event, an
// answer of one token, the usage event last, a failure.
#include "report/latency.h"
#include "report/latency_window.h"

#include "common/base/limits.h"
#include "common/base/mem.h"
#include "common/json/json.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define MS(x) ((int64_t)(x)*1000000)

static const mst_token_event_t events_a[] = {
    {MS(10), MST_EV_ROLE, 0},     {MS(50), MST_EV_REASONING, 1}, {MS(70), MST_EV_CONTENT, 2},
    {MS(100), MST_EV_CONTENT, 1}, {MS(101), MST_EV_EMPTY, 0},    {MS(102), MST_EV_USAGE, 0},
    {MS(103), MST_EV_DONE, 0},
};
static const mst_token_event_t events_b[] = {
    {MS(30), MST_EV_CONTENT, 1},
    {MS(31), MST_EV_EMPTY, 0},
    {MS(32), MST_EV_USAGE, 0},
    {MS(32), MST_EV_DONE, 0},
};
static const mst_token_event_t events_c[] = {
    {MS(40), MST_EV_CONTENT, 3}, {MS(60), MST_EV_CONTENT, 3}, {MS(120), MST_EV_CONTENT, 2},
    {MS(120), MST_EV_EMPTY, 0},  {MS(121), MST_EV_USAGE, 0},  {MS(121), MST_EV_DONE, 0},
};
static const float logprobs[8] = {-1, -1, -1, -1, -1, -1, -1, -1};

#define BOOT MS(5000)            // CLOCK_MONOTONIC of the first send
#define WALL 1700000000000000000 // and the wall clock there

typedef struct {
    const char *id;
    int64_t send, close; // ms after the first send; after its own
    const mst_token_event_t *events;
    uint32_t count;
    int64_t tokens, usage, prompt;
    bool reused, failed;
} row_t;

#define EVENTS(e) e, sizeof e / sizeof e[0]

static const row_t rows[] = {
    {"a", 0, 105, EVENTS(events_a), 4, 4, 7, true, false},
    {"b", 20, 33, EVENTS(events_b), 1, 1, 5, false, false},
    {"c", 40, 130, EVENTS(events_c), 8, 9, 6, true, false},
    {"d", 50, 10, NULL, 0, MST_NONE, MST_NONE, MST_NONE, true, true},
};

static void
feed(mst_latency_t *l, const row_t *row)
{
    mst_result_t r = {.case_id = mst_str_c(row->id),
                      .outcome = row->failed ? MST_OUT_PROVIDER_ERROR : MST_OUT_SCORED,
                      .tpot_ns = MST_NONE,
                      .logprob_count = row->tokens > 0 ? (uint32_t)row->tokens : 0,
                      .started_wall_ns = WALL + MS(row->send),
                      .finished_wall_ns = WALL + MS(row->send + row->close)};
    r.done = (mst_completion_t){.prompt_tokens = row->prompt,
                                .completion_tokens = row->tokens,
                                .usage_tokens = row->usage,
                                .cached_tokens = MST_NONE,
                                .reasoning_tokens = MST_NONE,
                                .token_source = row->failed ? MST_TOK_UNKNOWN : MST_TOK_LOGPROBS,
                                .send_mono_ns = BOOT + MS(row->send),
                                .send_source = MST_STAMP_KERNEL,
                                .rx_source = row->reused ? MST_STAMP_KERNEL : MST_STAMP_USER,
                                .ttfb_ns = MS(5),
                                .ttft_ns = MST_NONE,
                                .ttfo_ns = MST_NONE,
                                .last_token_ns = MST_NONE,
                                .close_ns = MS(row->close),
                                .queue_ns = 0,
                                .events = row->events,
                                .event_count = row->count,
                                .logprobs = logprobs,
                                .logprob_count = r.logprob_count,
                                .merged_reads = row->failed ? 0 : 1,
                                .streamed = true,
                                .conn_reused = row->reused};
    mst_buf_t packed;
    mst_buf_init(&packed, MST_MIB);
    mst_events_pack(&r.done, &packed);
    r.events = mst_buf_view(&packed);
    r.done.events = NULL;
    r.done.event_count = 0;
    mst_err_t err;
    mst_origin_t origin = {.host = MST_STR("here")};
    assert_int_equal(mst_latency_row(l, &r, &origin, &err), MST_OK);
    mst_buf_deinit(&packed);
}

static mst_latency_t *
read_all(const char *view, const mst_slo_t *slo)
{
    mst_latency_opts_t o = {.concurrency = 2, .slo = slo, .view = view ? mst_view_find(mst_str_c(view)) : NULL};
    mst_latency_t *l = mst_latency_new(&o);
    do {
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
            feed(l, &rows[i]);
    } while (mst_latency_next(l));
    return l;
}

#define assert_near(got, want) near_(got, want, #got, __LINE__)

static void
near_(double got, double want, const char *what, int line)
{
    if (!(fabs(got - want) <= 1e-9 * fabs(want) + 1e-12))
        fail_msg("line %d: %s is %.12g, expected %.12g", line, what, got, want);
}

static void
check_stat(const mst_latency_stat_t *s, uint64_t n, uint64_t requests, double mean, double p50)
{
    assert_int_equal(s->n, n);
    assert_int_equal(s->requests, requests);
    assert_near(s->mean, mean);
    assert_near(s->p50, p50);
    assert_true(isnan(s->p90) && isnan(s->p99) && isnan(s->p90_upper) && isnan(s->p99_upper)); // too few to claim
}

static void
test_measures(void **state)
{
    (void)state;
    mst_latency_t *l = read_all(NULL, NULL);
    mst_latency_report_t n;
    mst_latency_numbers(l, &n);
    const mst_latency_stat_t *s = n.stats;
    check_stat(&s[MST_LAT_TTFT], 3, 3, 40, 40); // 50 30 40
    check_stat(&s[MST_LAT_TTFT_NEW], 1, 1, 30, 30);
    check_stat(&s[MST_LAT_TTFT_REUSED], 2, 2, 45, 45);
    check_stat(&s[MST_LAT_TTFO], 3, 3, 140.0 / 3, 40); // 70 30 40
    check_stat(&s[MST_LAT_TTFB], 3, 3, 5, 5);
    check_stat(&s[MST_LAT_TTFE], 3, 3, 80.0 / 3, 30);  // 10 30 40
    check_stat(&s[MST_LAT_E2E], 3, 3, 250.0 / 3, 100); // 100 30 120
    check_stat(&s[MST_LAT_CLOSE], 3, 3, 268.0 / 3, 105);
    check_stat(&s[MST_LAT_NTPOT], 3, 3, 70.0 / 3, 25); // 25 30 15
    check_stat(&s[MST_LAT_TPOT], 2, 2, (50.0 / 3 + 16) / 2, (50.0 / 3 + 16) / 2);
    check_stat(&s[MST_LAT_EVENT_GAP], 4, 2, 32.5, 25);  // 20 30, 20 60
    check_stat(&s[MST_LAT_TOKEN_GAP], 8, 2, 16.25, 10); // 10 10 30, 3 x 6.67, 2 x 30
    check_stat(&s[MST_LAT_EVENT_TOKENS], 7, 3, 13.0 / 7, 2);
    assert_near(s[MST_LAT_TOKEN_GAP].min, 20.0 / 3);
    assert_near(s[MST_LAT_EVENT_GAP].max, 60);
    assert_int_equal(n.rows, 4);
    assert_int_equal(n.measured, 3);
    assert_int_equal(n.tpot_undefined, 1);
    assert_int_equal(n.reused, 2);
    assert_int_equal(n.opened, 1);
    assert_int_equal(n.arrived_by[MST_STAMP_USER], 1);
    assert_int_equal(n.sent_by[MST_STAMP_KERNEL], 3);
    assert_int_equal(n.events, 17);
    assert_int_equal(n.merged, 3);
    assert_int_equal(n.same_stamp, 0);
    assert_int_equal(n.tokens_by[MST_TOK_LOGPROBS], 3);
    assert_int_equal(n.alarm.cases, 1);
    assert_string_equal(n.alarm.example, "case \"c\": 8 logprobs, 9 tokens by usage");
    mst_latency_free(&l);
}

static void
test_windows(void **state)
{
    (void)state;
    mst_latency_t *l = read_all(NULL, NULL);
    mst_latency_report_t n;
    mst_latency_numbers(l, &n);
    const mst_latency_window_t *w = &n.window; // 0 to 160 ms: the last token of c
    assert_near(w->seconds, 0.16);
    assert_int_equal(w->requests, 3);
    assert_int_equal(w->tokens, 13);
    assert_near(w->tokens_per_s, 81.25);
    assert_near(w->requests_per_s, 18.75);
    assert_near(w->concurrency_mean, 268.0 / 160); // 105 + 33 + 120 + 10 ms
    assert_int_equal(w->concurrency_max, 4);       // 50 to 53 ms
    assert_near(w->at_target, 85.0 / 160);
    assert_near(w->idle_s, 0);
    w = &n.steady; // two open: from 20 ms, when b starts, to 105 ms, when a ends
    assert_near(w->seconds, 0.085);
    assert_int_equal(w->tokens, 11); // the last event of c comes later
    assert_int_equal(w->requests, 2);
    assert_near(w->at_target, 1);
    mst_latency_free(&l);
}

static void
test_goodput(void **state)
{
    (void)state;
    mst_slo_t slo = {0};
    mst_err_t err;
    assert_int_equal(mst_slo_parse(MST_STR("ttft_ms=45, tpot_ms=16.5"), &slo, &err), MST_OK);
    mst_latency_t *l = read_all(NULL, &slo);
    mst_latency_report_t n;
    mst_latency_numbers(l, &n);
    const mst_latency_goodput_t *g = &n.goodput;
    assert_int_equal(g->good, 2); // b, whose TPOT is undefined, and c
    assert_int_equal(g->tokens, 9);
    assert_int_equal(g->missed[MST_SLO_TTFT], 1);
    assert_int_equal(g->missed[MST_SLO_TPOT], 1);
    assert_int_equal(g->failed, 1);
    assert_near(g->share, 2.0 / 3);
    assert_near(g->share_with_failures, 0.5);
    assert_near(g->requests_per_s, 12.5);
    assert_near(g->tokens_per_s, 56.25);
    mst_latency_free(&l);
    slo = (mst_slo_t){.ms = {[MST_SLO_GAP] = 59, [MST_SLO_E2E] = 110, [MST_SLO_NTPOT] = 29, [MST_SLO_TTFO] = 71}};
    l = read_all(NULL, &slo);
    mst_latency_numbers(l, &n);
    assert_int_equal(n.goodput.good, 1);
    assert_int_equal(n.goodput.missed[MST_SLO_GAP], 1);
    assert_int_equal(n.goodput.missed[MST_SLO_E2E], 1);
    assert_int_equal(n.goodput.missed[MST_SLO_NTPOT], 1);
    assert_int_equal(n.goodput.missed[MST_SLO_TTFO], 0);
    mst_latency_free(&l);
}

static void
test_slo_text(void **state)
{
    (void)state;
    static const char *const broken[] = {"",          "ttft_ms", "ttft_ms=",   "ttft_ms=0",     "ttft_ms=-1",
                                         "ttft_ms=x", "ttft=1",  "ttft_ms=1,", "ttft_ms=1e300", "ttft_ms=nan"};
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        mst_slo_t slo = {0};
        mst_err_t err;
        assert_int_equal(mst_slo_parse(mst_str_c(broken[i]), &slo, &err), MST_INVAL);
        assert_false(mst_slo_any(&slo));
    }
}

// ---- views

typedef struct {
    const char *key;
    double value;
} want_t;

static void
check_view(const char *view, const mst_slo_t *slo, const want_t *wants)
{
    static mst_view_line_t lines[MST_VIEW_LINES_MAX];
    mst_latency_t *l = read_all(view, slo);
    size_t count = mst_latency_view(l, lines);
    for (const want_t *w = wants; w->key; w++) {
        size_t i = 0;
        while (i < count && strcmp(lines[i].key, w->key) != 0)
            i++;
        if (i == count)
            fail_msg("%s prints no %s", view, w->key);
        if (!(fabs(lines[i].value - w->value) <= 1e-9 * fabs(w->value) + 1e-12))
            fail_msg("%s: %s is %.12g, expected %.12g", view, w->key, lines[i].value, w->value);
    }
    mst_latency_free(&l);
}

// The role counts as the first token, the finish chunk as the last message; usage counts tokens; gaps are between
// messages; 0.17 s from the first send to the last close.
static void
test_vllm(void **state)
{
    (void)state;
    const mst_slo_t slo = {.ms = {[MST_SLO_TTFT] = 45, [MST_SLO_TPOT] = 16.5}};
    check_view("vllm", &slo,
               (const want_t[]){{"completed", 3},
                                {"failed", 1},
                                {"duration", 0.17},
                                {"total_input_tokens", 18},
                                {"total_output_tokens", 14},
                                {"request_throughput", 3 / 0.17},
                                {"request_goodput", 2 / 0.17}, // b, whose TPOT counts as 0, and c
                                {"output_throughput", 14 / 0.17},
                                {"max_output_tokens_per_s", 11},
                                {"max_concurrent_requests", 3},
                                {"mean_ttft_ms", 80.0 / 3}, // 10 30 40
                                {"median_ttft_ms", 30},
                                {"p99_ttft_ms", 39.8},
                                {"mean_tpot_ms", (91.0 / 3 + 80.0 / 8) / 2}, // b has one token: left out
                                {"mean_itl_ms", 21.5},                       // 40 20 30 1, 1, 20 60 0
                                {"median_itl_ms", 20},
                                {"p99_itl_ms", 58.6},
                                {"mean_e2el_ms", 84}, // 101 31 120
                                {NULL, 0}});
}

// Content and reasoning alone; OSL by logprobs; the last content ends a request, and the benchmark.
static void
test_aiperf(void **state)
{
    (void)state;
    check_view("aiperf", NULL,
               (const want_t[]){{"time_to_first_token_avg", 40},
                                {"time_to_first_token_std", sqrt(200.0 / 3)},
                                {"time_to_second_token_avg", 20},
                                {"time_to_first_output_token_avg", 140.0 / 3},
                                {"request_latency_p50", 100},
                                {"request_latency_p99", 119.6},
                                {"inter_token_latency_avg", (50.0 / 3 + 80.0 / 7) / 2},
                                {"inter_chunk_latency_avg", 32.5},
                                {"inter_chunk_latency_max", 60},
                                {"output_token_throughput_per_user_max", 87.5},
                                {"output_sequence_length_avg", 13.0 / 3},
                                {"input_sequence_length_avg", 6},
                                {"output_token_throughput", 81.25},
                                {"request_throughput", 18.75},
                                {"request_count", 3},
                                {"error_request_count", 1},
                                {NULL, 0}});
}

// Tokens by usage; TPOT with the first token in it; both weighted by tokens; percentiles by cumulative weight.
static void
test_guidellm(void **state)
{
    (void)state;
    check_view("guidellm", NULL,
               (const want_t[]){{"successful", 3},
                                {"errored", 1},
                                {"request_latency_mean", 0.256 / 3}, // to [DONE]: 103 32 121
                                {"time_to_first_token_ms_mean", 40},
                                {"time_to_first_output_token_ms_mean", 140.0 / 3},
                                {"inter_token_latency_ms_mean", 130.0 / 11}, // 3 x 16.67, 8 x 10
                                {"inter_token_latency_ms_median", 10},
                                {"inter_token_latency_ms_p95", 50.0 / 3},
                                {"time_per_output_token_ms_mean", 250.0 / 14}, // 4 x 25, 30, 9 x 13.3
                                {"time_per_output_token_ms_median", 120.0 / 9},
                                {"time_per_output_token_ms_p95", 30},
                                {"output_token_count_mean", 14.0 / 3},
                                {"time_to_first_token_ms_median", 40},
                                {NULL, 0}});
}

static void
test_mlperf(void **state)
{
    (void)state;
    check_view("mlperf", NULL,
               (const want_t[]){{"result_query_count", 3},
                                {"result_scheduled_samples_per_sec", 50}, // 2 / 40 ms
                                {"result_completed_samples_per_sec", 12.5},
                                {"result_completed_tokens_per_sec", 81.25},
                                {"mean_latency_ns", 250e6 / 3},
                                {"50.00_percentile_latency_ns", 100e6},
                                {"99.00_percentile_latency_ns", 120e6},
                                {"mean_first_token_latency_ns", 40e6},
                                {"min_time_per_output_token_ns", 11428571},
                                {"max_time_per_output_token_ns", 16666666},
                                {"50.00_percentile_time_per_output_token_ns", 16666666},
                                {NULL, 0}});
}

// Answer text alone; the time to its last token over all tokens is what it calls inter token latency.
static void
test_llmperf(void **state)
{
    (void)state;
    check_view("llmperf", NULL,
               (const want_t[]){{"inter_token_latency_s_mean", 0.070 / 3}, // 25 30 15 ms
                                {"ttft_s_mean", 0.140 / 3},                // 70 30 40 ms
                                {"ttft_s_p50", 0.04},
                                {"ttft_s_stddev", sqrt((70 * 70 + 30 * 30 + 40 * 40 - 140.0 * 140 / 3) / 2) / 1000},
                                {"end_to_end_latency_s_mean", 0.268 / 3},
                                {"request_output_throughput_token_per_s_max", 8 / 0.13},
                                {"number_output_tokens_mean", 13.0 / 3},
                                {"error_rate", 0.25},
                                {"mean_output_throughput_token_per_s", 13 / 0.17},
                                {"num_completed_requests_per_min", 180 / 0.17},
                                {NULL, 0}});
}

// ---- its parts

static void
test_no_events(void **state)
{
    (void)state;
    mst_completion_t c = {.ttft_ns = 3, .ttfo_ns = 4, .last_token_ns = 9, .completion_tokens = 5};
    mst_latency_request_t q;
    mst_latency_request(&c, 7, &q); // a recorded answer: what was stored with it
    assert_true(q.first_token == 3 && q.first_output == 4 && q.last_token == 9 && q.tokens == 5);
    assert_near(q.tpot_ns, 7);
    assert_true(q.first_any == MST_NONE && q.first_choice == MST_NONE && q.done == MST_NONE);
    // part of a character: a token without text
    const mst_token_event_t events[] = {{5, MST_EV_COMMENT, 0}, {6, MST_EV_EMPTY, 1}, {8, MST_EV_TOOL, 0}};
    c = (mst_completion_t){.streamed = true, .events = events, .event_count = 3, .completion_tokens = 2};
    mst_latency_request(&c, MST_NONE, &q);
    assert_true(q.first_any == 5 && q.first_token == 6 && q.first_text == 8 && q.first_output == 8);
    assert_true(q.first_content == MST_NONE && q.first_choice == 6 && q.choices == 2 && q.texts == 1);
    assert_near(q.tpot_ns, 2);
}

static void
test_broken_column(void **state)
{
    (void)state;
    mst_latency_opts_t o = {0};
    mst_latency_t *l = mst_latency_new(&o);
    mst_result_t r = {.case_id = MST_STR("x"), .outcome = MST_OUT_SCORED, .events = MST_STR("\x09")};
    mst_err_t err;
    assert_int_equal(mst_latency_row(l, &r, NULL, &err), MST_PROTO);
    assert_non_null(strstr(err.message, "case \"x\""));
    mst_latency_report_t n;
    assert_true(mst_latency_next(l));
    assert_false(mst_latency_next(l));
    mst_latency_numbers(l, &n);
    assert_false(n.window.known || n.steady.known);
    assert_true(isnan(n.stats[MST_LAT_TTFT].p50) && isnan(n.goodput.share));
    mst_latency_free(&l);
}

static void
test_spans(void **state)
{
    (void)state;
    mst_spans_t s = {0};
    int64_t from = 0, to = 0;
    assert_false(mst_spans_reached(&s, 1, &from, &to));
    mst_spans_add(&s, 100, 200);
    mst_spans_add(&s, 200, 300); // the end of one is the start of the other: never two
    mst_spans_add(&s, 500, 400); // turned round: no time at all
    assert_false(mst_spans_reached(&s, 2, &from, &to));
    assert_true(mst_spans_reached(&s, 1, &from, &to));
    assert_int_equal(from, 100);
    mst_spans_level_t l = mst_spans_level(&s, 0, 1000, 1);
    assert_near(l.mean, 0.2);
    assert_near(l.at_level, 0.2);
    assert_near(l.idle_s, 800e-9);
    assert_int_equal(l.max, 1);
    mst_spans_free(&s);
}

static void
test_scale(void **state)
{
    (void)state;
    mst_scale_t s = {0};
    int64_t a = mst_scale_offset(&s, 1, 100, 5000000100);
    assert_int_equal(mst_scale_offset(&s, 1, 200, 5000009999), a);          // the wall clock is a little off: one clock
    assert_int_equal(mst_scale_offset(&s, 2, 100, 7000000100), 7000000000); // another host
    assert_int_equal(mst_scale_offset(&s, 1, 100, 9000000100), 9000000000); // another boot
    assert_int_equal(mst_scale_offset(&s, 1, 300, 5000000300), a);
}

static void
test_documents(void **state)
{
    (void)state;
    static mst_view_line_t lines[MST_VIEW_LINES_MAX];
    const mst_slo_t slo = {.ms = {[MST_SLO_TTFT] = 45}};
    mst_latency_t *l = read_all("vllm", &slo);
    mst_latency_report_t n;
    mst_latency_numbers(l, &n);
    mst_latency_doc_t d = {.run_id = MST_STR("run_1"), .name = MST_STR("n\x1b[31m")};
    mst_buf_t out;
    mst_buf_init(&out, MST_MIB);
    mst_latency_console(&d, &n, false, 100, &out);
    mst_str_t text = mst_buf_view(&out);
    assert_true(mst_str_find(text, MST_STR("two counts of tokens differ in 1 case: case \"c\""), 0) > 0);
    assert_true(mst_str_find(text, MST_STR("33.3 % by this process"), 0) > 0);
    assert_true(mst_str_find(text, MST_STR("n<662"), 0) > 0);
    assert_true(mst_str_find(text, MST_STR("ttft_ms <= 45: missed by 1"), 0) > 0);
    assert_true(mst_str_find(text, MST_STR("\x1b"), 0) < 0);
    mst_buf_reset(&out);
    d.view = mst_view_find(MST_STR("vllm"));
    d.lines = lines;
    d.line_count = mst_latency_view(l, lines);
    mst_latency_json(&d, &n, &out);
    mst_arena_t *arena = mst_arena_new(MST_MIB);
    mst_json_parser_t *parser = mst_json_parser_new();
    const mst_json_t *root;
    double v = 0;
    assert_int_equal(mst_json_parse(parser, mst_buf_view(&out), arena, &root, NULL, NULL), MST_OK);
    assert_true(mst_json_f64(mst_json_path(root, MST_STR("latency.ttft.p50")), &v));
    assert_near(v, 40);
    assert_true(mst_json_is(mst_json_path(root, MST_STR("latency.ttft.p99")), MST_JSON_NULL));
    assert_true(mst_json_f64(mst_json_path(root, MST_STR("as.numbers.mean_ttft_ms")), &v));
    assert_near(v, 80.0 / 3);
    mst_json_parser_free(&parser);
    mst_arena_free(&arena);
    mst_buf_deinit(&out);
    mst_latency_free(&l);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_measures),  cmocka_unit_test(test_windows),       cmocka_unit_test(test_goodput),
        cmocka_unit_test(test_slo_text),  cmocka_unit_test(test_vllm),          cmocka_unit_test(test_aiperf),
        cmocka_unit_test(test_guidellm),  cmocka_unit_test(test_mlperf),        cmocka_unit_test(test_llmperf),
        cmocka_unit_test(test_no_events), cmocka_unit_test(test_broken_column), cmocka_unit_test(test_spans),
        cmocka_unit_test(test_scale),     cmocka_unit_test(test_documents),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
