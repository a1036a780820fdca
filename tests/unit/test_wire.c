// common/wire: round trips, limits, ranges, golden bytes.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/base/hash.h"
#include "common/base/limits.h"
#include "common/wire/wire.h"

#include "result.pb-c.h"
#include "work.pb-c.h"

#include <math.h>

static mst_arena_t *arena;
static mst_buf_t out;
static mst_err_t err;

static int
setup(void **state)
{
    (void)state;
    arena = mst_arena_new(256 * MST_MIB);
    mst_buf_init(&out, 256 * MST_MIB);
    memset(&err, 0, sizeof err);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    mst_arena_free(&arena);
    mst_buf_deinit(&out);
    return 0;
}

#define assert_str(s, z) assert_true(mst_str_eq_c((s), (z)))

static mst_case_t
sample_case(void)
{
    return (mst_case_t){.case_no = 7,
                        .id = MST_STR("case-000007"),
                        .input = MST_STR("What is 6 x 7?"),
                        .has_expected = true,
                        .expected = MST_STR("42"),
                        .has_actual = true,
                        .actual = MST_STR("forty\0two"),
                        .messages = MST_STR("[{\"role\":\"user\",\"content\":\"hi\"}]"),
                        .context = MST_STR("[\"a\"]"),
                        .retrieval_context = MST_STR("[\"b\"]"),
                        .metadata = MST_STR("{\"ttft_ms\":12}"),
                        .digest = {1, 2, 3, 4, 5, 6, 7, 255}};
}

static const mst_token_event_t sample_events[] = {{.rx_ns = 1000, .kind = MST_EV_ROLE},
                                                  {.rx_ns = 2000, .kind = MST_EV_CONTENT, .n_tokens = 1},
                                                  {.rx_ns = 5000, .kind = MST_EV_CONTENT, .n_tokens = 2},
                                                  {.rx_ns = 5100, .kind = MST_EV_DONE}};
static const float sample_logprobs[] = {-0.5F, -1.25F, -9999.0F};
static const mst_score_t sample_scores[] = {
    {.state = MST_SCORE_OK, .value = 1, .passed = true, .reason = {"exact", 5}, .time_ns = 120},
    {.state = MST_SCORE_NOT_MEASURED, .value = 0, .passed = false, .breakdown = {"{\"a\":1}", 7}}};

static mst_result_t
sample_result(void)
{
    mst_result_t r = {.key = {.case_no = 7, .target_no = 0, .repeat_no = 0},
                      .generation = 3,
                      .lease_id = 1ULL << 48 | 5,
                      .attempt = 2,
                      .outcome = MST_OUT_SCORED,
                      .passed = true,
                      .case_id = MST_STR("case-000007"),
                      .input = MST_STR("What is 6 x 7?"),
                      .expected = MST_STR("42"),
                      .has_expected = true,
                      .case_digest = {1, 2, 3, 4, 5, 6, 7, 255},
                      .scores = sample_scores,
                      .score_count = 2,
                      .raw_request = MST_STR("{\"model\":\"m\"}"),
                      .raw_response = MST_STR("data: [DONE]\n\n"),
                      .started_wall_ns = 1700000000000000000,
                      .finished_wall_ns = 1700000000100000000,
                      .origin_no = 1};
    r.done = (mst_completion_t){.text = MST_STR("42"),
                                .finish_reason = MST_STR("stop"),
                                .model = MST_STR("m"),
                                .request_id = MST_STR("req-1"),
                                .prompt_tokens = 0,
                                .completion_tokens = 3,
                                .reasoning_tokens = MST_NONE,
                                .usage_tokens = MST_NONE,
                                .cached_tokens = MST_NONE,
                                .token_source = MST_TOK_LOGPROBS,
                                .send_mono_ns = 123456789,
                                .send_source = MST_STAMP_KERNEL,
                                .rx_source = MST_STAMP_KERNEL,
                                .ttfb_ns = 900,
                                .ttft_ns = 2000,
                                .ttfo_ns = MST_NONE,
                                .last_token_ns = 5000,
                                .close_ns = 5200,
                                .queue_ns = 0,
                                .events = sample_events,
                                .event_count = 4,
                                .logprobs = sample_logprobs,
                                .logprob_count = 3,
                                .merged_reads = 1,
                                .streamed = true,
                                .finished = true,
                                .http_status = 200,
                                .attempts = 1};
    return r;
}

static void
test_wire_case_round_trip(void **state)
{
    (void)state;
    mst_case_t c = sample_case(), back;
    assert_int_equal(mst_wire_case_pack(&c, &out, &err), MST_OK);
    assert_int_equal(mst_wire_case_unpack(mst_buf_view(&out), arena, &back, &err), MST_OK);
    assert_int_equal(back.case_no, 7);
    assert_true(mst_str_eq(back.id, c.id));
    assert_true(mst_str_eq(back.input, c.input));
    assert_true(back.has_expected && mst_str_eq(back.expected, c.expected));
    assert_true(back.has_actual && mst_str_eq(back.actual, c.actual));
    assert_int_equal(back.actual.n, 9);
    assert_true(mst_str_eq(back.messages, c.messages));
    assert_true(mst_str_eq(back.context, c.context));
    assert_true(mst_str_eq(back.retrieval_context, c.retrieval_context));
    assert_true(mst_str_eq(back.metadata, c.metadata));
    assert_memory_equal(back.digest, c.digest, 8);
}

static void
test_wire_case_absent_is_not_empty(void **state)
{
    (void)state;
    mst_case_t c = {.case_no = 0, .id = MST_STR("a"), .has_actual = true}, back;
    assert_int_equal(mst_wire_case_pack(&c, &out, &err), MST_OK);
    assert_int_equal(mst_wire_case_unpack(mst_buf_view(&out), arena, &back, &err), MST_OK);
    assert_false(back.has_expected);
    assert_true(back.has_actual);
    assert_int_equal(back.actual.n, 0);
    assert_int_equal(back.input.n, 0);
}

static void
test_wire_case_limits(void **state)
{
    (void)state;
    mst_case_t c = {.case_no = MST_CASES_MAX, .id = MST_STR("a")};
    assert_int_equal(mst_wire_case_pack(&c, &out, &err), MST_LIMIT);
    c.case_no = 0;
    c.id = MST_STR_NULL;
    assert_int_equal(mst_wire_case_pack(&c, &out, &err), MST_PROTO);
    static char long_id[MST_ID_MAX + 1];
    memset(long_id, 'x', sizeof long_id);
    c.id = mst_str(long_id, sizeof long_id);
    assert_int_equal(mst_wire_case_pack(&c, &out, &err), MST_LIMIT);
    assert_int_equal(out.n, 0);
    mst_case_t back;
    assert_int_equal(mst_wire_case_unpack(MST_STR_NULL, arena, &back, &err), MST_PROTO);
    assert_int_equal(mst_wire_case_unpack(MST_STR("\xff\xff"), arena, &back, &err), MST_PROTO);
}

static void
test_wire_result_round_trip(void **state)
{
    (void)state;
    mst_result_t r = sample_result(), back;
    assert_int_equal(mst_wire_result_pack(&r, &out, &err), MST_OK);
    assert_int_equal(mst_wire_result_unpack(mst_buf_view(&out), arena, &back, &err), MST_OK);
    assert_int_equal(back.key.case_no, 7);
    assert_int_equal(back.generation, 3);
    assert_true(back.lease_id == r.lease_id);
    assert_int_equal(back.attempt, 2);
    assert_int_equal(back.outcome, MST_OUT_SCORED);
    assert_true(back.passed && back.has_expected);
    assert_str(back.case_id, "case-000007");
    assert_str(back.input, "What is 6 x 7?");
    assert_str(back.expected, "42");
    assert_memory_equal(back.case_digest, r.case_digest, 8);
    assert_int_equal(back.score_count, 2);
    assert_true(back.scores[0].passed && back.scores[0].value == 1.0);
    assert_str(back.scores[0].reason, "exact");
    assert_int_equal(back.scores[0].time_ns, 120);
    assert_int_equal(back.scores[1].state, MST_SCORE_NOT_MEASURED);
    assert_str(back.scores[1].breakdown, "{\"a\":1}");
    assert_str(back.raw_request, "{\"model\":\"m\"}");
    assert_str(back.raw_response, "data: [DONE]\n\n");
    assert_true(back.started_wall_ns == r.started_wall_ns && back.finished_wall_ns == r.finished_wall_ns);
    assert_int_equal(back.origin_no, 1);
}

static void
test_wire_result_completion(void **state)
{
    (void)state;
    mst_result_t r = sample_result(), back;
    assert_int_equal(mst_wire_result_pack(&r, &out, &err), MST_OK);
    assert_int_equal(mst_wire_result_unpack(mst_buf_view(&out), arena, &back, &err), MST_OK);
    const mst_completion_t *d = &back.done;
    assert_str(d->text, "42");
    assert_str(d->request_id, "req-1");
    assert_int_equal(d->prompt_tokens, 0); // zero is a value
    assert_int_equal(d->reasoning_tokens, MST_NONE);
    assert_int_equal(d->usage_tokens, MST_NONE);
    assert_int_equal(d->completion_tokens, 3);
    assert_int_equal(d->ttft_ns, 2000);
    assert_int_equal(d->ttfo_ns, MST_NONE);
    assert_int_equal(d->queue_ns, 0);
    assert_int_equal(d->send_mono_ns, 123456789);
    assert_int_equal(d->rx_source, MST_STAMP_KERNEL);
    assert_true(d->streamed && d->finished);
    assert_false(d->conn_reused || d->lenient_json);
    assert_int_equal(d->http_status, 200);
    assert_int_equal(d->error.rc, MST_OK);
    // the events come as the packed column, with the numbers that are taken from them
    assert_int_equal(d->event_count, 4);
    assert_null(d->events);
    assert_int_equal(back.logprob_count, 3);
    assert_int_equal(back.tpot_ns, 1500);
    mst_completion_t events = {0};
    assert_int_equal(mst_events_unpack(back.events, arena, &events, &err), MST_OK);
    assert_int_equal(events.event_count, 4);
    assert_int_equal(events.events[2].rx_ns, 5000);
    assert_true(events.logprobs[1] == -1.25F);
}

// What was read can be packed again and gives the same bytes.
static void
test_wire_result_again(void **state)
{
    (void)state;
    mst_result_t r = sample_result(), back;
    assert_int_equal(mst_wire_result_pack(&r, &out, &err), MST_OK);
    size_t n = out.n;
    assert_int_equal(mst_wire_result_unpack(mst_str(out.p, n), arena, &back, &err), MST_OK);
    assert_int_equal(mst_wire_result_pack(&back, &out, &err), MST_OK);
    assert_int_equal(out.n, 2 * n);
    assert_memory_equal(out.p, out.p + n, n);
}

static void
test_wire_result_error(void **state)
{
    (void)state;
    mst_result_t r = {.case_id = MST_STR("a"), .outcome = MST_OUT_RATE_LIMITED}, back;
    r.done.ttft_ns = MST_NONE;
    (void)MST_ERR_SUB(&r.done.error, MST_TIMEOUT, 429, "backend said \"slow down\"");
    r.done.error.retry = MST_RETRY_LATER;
    assert_int_equal(mst_wire_result_pack(&r, &out, &err), MST_OK);
    assert_int_equal(mst_wire_result_unpack(mst_buf_view(&out), arena, &back, &err), MST_OK);
    assert_int_equal(back.done.error.rc, MST_TIMEOUT);
    assert_int_equal(back.done.error.retry, MST_RETRY_LATER);
    assert_int_equal(back.done.error.sub, 429);
    assert_string_equal(back.done.error.message, "backend said \"slow down\"");
    assert_int_equal(back.score_count, 0);
    assert_int_equal(back.tpot_ns, MST_NONE);
}

// The prompt travels once per case, not once per repeat.
static void
test_wire_result_input_once(void **state)
{
    (void)state;
    mst_result_t r = sample_result(), back;
    r.key.repeat_no = 1;
    assert_int_equal(mst_wire_result_pack(&r, &out, &err), MST_OK);
    assert_int_equal(mst_wire_result_unpack(mst_buf_view(&out), arena, &back, &err), MST_OK);
    assert_int_equal(back.input.n, 0);
}

static void
test_wire_result_ranges(void **state)
{
    (void)state;
    mst_result_t r = sample_result();
    r.outcome = (mst_outcome_t)9;
    assert_int_equal(mst_wire_result_pack(&r, &out, &err), MST_PROTO);
    r = sample_result();
    mst_score_t bad = {.state = MST_SCORE_OK, .value = (double)NAN};
    r.scores = &bad;
    r.score_count = 1;
    assert_int_equal(mst_wire_result_pack(&r, &out, &err), MST_PROTO);
    bad = (mst_score_t){.state = (mst_score_state_t)5};
    assert_int_equal(mst_wire_result_pack(&r, &out, &err), MST_PROTO);
    r = sample_result();
    r.key.repeat_no = MST_REPEAT_NO_MAX;
    assert_int_equal(mst_wire_result_pack(&r, &out, &err), MST_LIMIT);
    r = sample_result();
    r.score_count = MST_SCORERS_MAX + 1;
    assert_int_equal(mst_wire_result_pack(&r, &out, &err), MST_LIMIT);
    assert_int_equal(out.n, 0);
}

// A message that we would never pack, as another program could send it.
static void
expect_result(Muster__Result *m, mst_rc want)
{
    mst_buf_reset(&out);
    char *p = mst_buf_reserve(&out, muster__result__get_packed_size(m));
    out.n = muster__result__pack(m, (uint8_t *)p);
    mst_result_t back;
    assert_int_equal(mst_wire_result_unpack(mst_buf_view(&out), arena, &back, &err), want);
}

static void
test_wire_result_hostile(void **state)
{
    (void)state;
    Muster__Result m = MUSTER__RESULT__INIT;
    m.outcome = MST_OUT_SCORED;
    m.case_id = mst_wire_bytes(MST_STR("a"));
    expect_result(&m, MST_OK);
    m.has_ttft_ns = 1;
    m.ttft_ns = -5;
    expect_result(&m, MST_PROTO);
    m.has_ttft_ns = 0;
    m.outcome = 4000000000U;
    expect_result(&m, MST_PROTO);
    m.outcome = MST_OUT_SCORED;
    m.has_event_count = 1;
    m.event_count = MST_TOKENS_MAX + 1;
    expect_result(&m, MST_LIMIT);
    m.event_count = 1; // counted, but no column
    expect_result(&m, MST_PROTO);
    m.has_event_count = 0;
    m.event_count = 0;
    m.has_events = 1; // a column that counts nothing
    m.events = mst_wire_bytes(MST_STR("\x01"));
    expect_result(&m, MST_PROTO);
    m.has_events = 0;
    Muster__Error e = MUSTER__ERROR__INIT;
    e.rc = 999;
    m.error = &e;
    expect_result(&m, MST_PROTO);
    m.error = NULL;
    m.has_token_source = 1;
    m.token_source = 77;
    expect_result(&m, MST_PROTO);
}

static void
test_wire_result_large(void **state)
{
    (void)state;
    size_t n = 40 * MST_MIB;
    char *text = mst_xalloc(n);
    memset(text, 'x', n);
    mst_result_t r = sample_result(), back;
    r.done.text = mst_str(text, n);
    assert_int_equal(mst_wire_result_pack(&r, &out, &err), MST_OK);
    assert_int_equal(mst_wire_result_unpack(mst_buf_view(&out), arena, &back, &err), MST_OK);
    assert_true(mst_str_eq(back.done.text, r.done.text));
    free(text);
}

static Muster__Envelope *
through(Muster__Envelope__BodyCase kind, void *body, mst_rc want)
{
    Muster__Envelope e, *back = NULL;
    mst_wire_envelope(&e, kind, body);
    e.has_session = 1;
    e.session = 99;
    mst_buf_reset(&out);
    assert_int_equal(mst_wire_pack(&e, &out, &err), MST_OK);
    assert_int_equal(mst_wire_unpack(mst_buf_view(&out), arena, &back, &err), want);
    if (want != MST_OK)
        assert_null(back);
    return back;
}

static void
test_wire_envelope_round_trip(void **state)
{
    (void)state;
    Muster__Credit credit = MUSTER__CREDIT__INIT;
    credit.cases = 64;
    Muster__Envelope *e = through(MUSTER__ENVELOPE__BODY_CREDIT, &credit, MST_OK);
    assert_int_equal(e->body_case, MUSTER__ENVELOPE__BODY_CREDIT);
    assert_int_equal(e->credit->cases, 64);
    assert_int_equal(e->session, 99);
    Muster__Goodbye bye = MUSTER__GOODBYE__INIT;
    e = through(MUSTER__ENVELOPE__BODY_GOODBYE, &bye, MST_OK);
    assert_int_equal(e->body_case, MUSTER__ENVELOPE__BODY_GOODBYE);
    assert_string_equal(mst_wire_kind_name(MUSTER__ENVELOPE__BODY_GRANT), "grant");
    assert_string_equal(mst_wire_kind_name(MUSTER__ENVELOPE__BODY_RUN_STATUS), "run_status");
    assert_string_equal(mst_wire_kind_name(MUSTER__ENVELOPE__BODY__NOT_SET), "unknown");
}

static void
test_wire_envelope_refused(void **state)
{
    (void)state;
    Muster__Envelope *e = NULL;
    assert_int_equal(mst_wire_unpack(MST_STR_NULL, arena, &e, &err), MST_PROTO); // no body
    assert_int_equal(mst_wire_unpack(MST_STR("\x0a"), arena, &e, &err), MST_PROTO);
    char *large = mst_xalloc(MST_WIRE_FRAME_MAX + 1);
    assert_int_equal(mst_wire_unpack(mst_str(large, MST_WIRE_FRAME_MAX + 1), arena, &e, &err), MST_LIMIT);
    assert_null(e);
    Muster__RunSpec spec = MUSTER__RUN_SPEC__INIT;
    spec.has_spec = 1;
    spec.spec = mst_wire_bytes(mst_str(large, MST_WIRE_FRAME_MAX));
    Muster__Envelope big;
    mst_wire_envelope(&big, MUSTER__ENVELOPE__BODY_RUN_SPEC, &spec);
    assert_int_equal(mst_wire_pack(&big, &out, &err), MST_LIMIT);
    assert_int_equal(out.n, 0);
    free(large);
}

// A field of 1 MiB of two-byte sub-messages would cost 40 MiB: the budget stops it.
static void
test_wire_envelope_budget(void **state)
{
    (void)state;
    size_t leases = 200000, n = 0;
    char *p = mst_xalloc(MST_WIRE_FRAME_MAX);
    size_t body = 2 + 4 * leases;
    p[n++] = 12 << 3 | 2; // ping
    for (size_t v = body;;) {
        p[n++] = (char)(v >= 0x80 ? (v & 0x7f) | 0x80 : v);
        if ((v >>= 7) == 0)
            break;
    }
    p[n++] = 1 << 3; // sent_mono_ns = 0
    p[n++] = 0;
    for (size_t i = 0; i < leases; i++) {
        p[n++] = 2 << 3 | 2; // lease progress of two bytes: lease_id = 1
        p[n++] = 2;
        p[n++] = 1 << 3;
        p[n++] = 1;
    }
    Muster__Envelope *e = NULL;
    assert_int_equal(mst_wire_unpack(mst_str(p, n), arena, &e, &err), MST_LIMIT);
    assert_null(e);
    free(p);
}

static void
test_wire_hello_checked(void **state)
{
    (void)state;
    Muster__Hello hello = MUSTER__HELLO__INIT;
    hello.role = 1;
    hello.instance = mst_wire_bytes(MST_STR("0123456789abcdef"));
    through(MUSTER__ENVELOPE__BODY_HELLO, &hello, MST_OK);
    hello.role = 4;
    through(MUSTER__ENVELOPE__BODY_HELLO, &hello, MST_PROTO);
    hello.role = 1;
    hello.instance = mst_wire_bytes(MST_STR("short"));
    through(MUSTER__ENVELOPE__BODY_HELLO, &hello, MST_PROTO);
    Muster__Credit credit = MUSTER__CREDIT__INIT;
    credit.cases = MST_CREDIT_CASES_MAX + 1;
    through(MUSTER__ENVELOPE__BODY_CREDIT, &credit, MST_LIMIT);
    Muster__RunControl control = MUSTER__RUN_CONTROL__INIT;
    through(MUSTER__ENVELOPE__BODY_RUN_CONTROL, &control, MST_PROTO);
}

static void
test_wire_grant_checked(void **state)
{
    (void)state;
    static const char digest[MST_SHA256_BYTES + 1] = "0123456789abcdef0123456789abcdef";
    Muster__UnitCase unit = MUSTER__UNIT_CASE__INIT;
    Muster__UnitCase *units[MST_UNIT_CASES_MAX + 1];
    for (size_t i = 0; i <= MST_UNIT_CASES_MAX; i++)
        units[i] = &unit;
    Muster__Grant g = MUSTER__GRANT__INIT;
    g.spec_digest = mst_wire_bytes(mst_str(digest, MST_SHA256_BYTES));
    g.cases = units;
    g.n_cases = 1;
    unit.has_body = 1;
    unit.body = mst_wire_bytes(MST_STR("x"));
    through(MUSTER__ENVELOPE__BODY_GRANT, &g, MST_OK);
    unit.has_blob_bytes = 1;
    unit.blob_bytes = 10;
    through(MUSTER__ENVELOPE__BODY_GRANT, &g, MST_PROTO); // both
    unit.has_body = 0;
    through(MUSTER__ENVELOPE__BODY_GRANT, &g, MST_OK);
    unit.blob_bytes = MST_CASE_BYTES_MAX + 1;
    through(MUSTER__ENVELOPE__BODY_GRANT, &g, MST_PROTO);
    unit.has_blob_bytes = 0;
    through(MUSTER__ENVELOPE__BODY_GRANT, &g, MST_PROTO); // neither
    unit.has_body = 1;
    g.n_cases = MST_UNIT_CASES_MAX + 1;
    through(MUSTER__ENVELOPE__BODY_GRANT, &g, MST_PROTO);
    g.n_cases = 0;
    through(MUSTER__ENVELOPE__BODY_GRANT, &g, MST_PROTO);
    g.n_cases = 1;
    g.spec_digest.len = 31;
    through(MUSTER__ENVELOPE__BODY_GRANT, &g, MST_PROTO);
}

static void
test_wire_lease_return_checked(void **state)
{
    (void)state;
    uint64_t cases[] = {1, 2};
    uint32_t zeros[] = {0, 0};
    Muster__LeaseReturn m = MUSTER__LEASE_RETURN__INIT;
    m.cause = 1;
    m.case_nos = cases;
    m.n_case_nos = 2;
    m.target_nos = m.repeat_nos = zeros;
    m.n_target_nos = m.n_repeat_nos = 2;
    through(MUSTER__ENVELOPE__BODY_LEASE_RETURN, &m, MST_OK);
    m.n_repeat_nos = 1;
    through(MUSTER__ENVELOPE__BODY_LEASE_RETURN, &m, MST_PROTO);
    m.n_repeat_nos = 2;
    m.cause = 8;
    through(MUSTER__ENVELOPE__BODY_LEASE_RETURN, &m, MST_PROTO);
    m.cause = 1;
    cases[1] = MST_CASES_MAX;
    through(MUSTER__ENVELOPE__BODY_LEASE_RETURN, &m, MST_LIMIT);
}

static void
test_wire_chunks_checked(void **state)
{
    (void)state;
    Muster__ResChunk m = MUSTER__RES_CHUNK__INIT;
    m.total_bytes = 10;
    m.data = mst_wire_bytes(MST_STR("hello"));
    m.crc32 = mst_crc32(MST_STR("hello"));
    m.offset = 5;
    through(MUSTER__ENVELOPE__BODY_RES_CHUNK, &m, MST_OK);
    m.offset = 6;
    through(MUSTER__ENVELOPE__BODY_RES_CHUNK, &m, MST_PROTO);
    m.offset = UINT64_MAX;
    through(MUSTER__ENVELOPE__BODY_RES_CHUNK, &m, MST_PROTO);
    m.offset = 0;
    m.crc32 ^= 1;
    through(MUSTER__ENVELOPE__BODY_RES_CHUNK, &m, MST_PROTO);
    m.crc32 ^= 1;
    m.total_bytes = MST_RESULT_BYTES_MAX + 1;
    through(MUSTER__ENVELOPE__BODY_RES_CHUNK, &m, MST_LIMIT);
    Muster__BlobGet get = MUSTER__BLOB_GET__INIT;
    get.credit_bytes = 1;
    through(MUSTER__ENVELOPE__BODY_BLOB_GET, &get, MST_OK);
    get.credit_bytes = 0;
    through(MUSTER__ENVELOPE__BODY_BLOB_GET, &get, MST_PROTO);
}

static void
test_wire_committed_and_status_checked(void **state)
{
    (void)state;
    uint64_t cases[] = {0, MST_CASES_MAX - 1};
    Muster__CommittedGroup group = MUSTER__COMMITTED_GROUP__INIT, *groups[] = {&group};
    group.case_nos = cases;
    group.n_case_nos = 2;
    Muster__Committed m = MUSTER__COMMITTED__INIT;
    m.groups = groups;
    m.n_groups = 1;
    through(MUSTER__ENVELOPE__BODY_COMMITTED, &m, MST_OK);
    group.target_no = MST_TARGETS_MAX;
    through(MUSTER__ENVELOPE__BODY_COMMITTED, &m, MST_LIMIT);
    group.target_no = 0;
    cases[0] = UINT64_MAX;
    through(MUSTER__ENVELOPE__BODY_COMMITTED, &m, MST_LIMIT);
    Muster__RunStatus s = MUSTER__RUN_STATUS__INIT;
    s.state = 3;
    s.has_dataset_hash = 1;
    s.dataset_hash = mst_wire_bytes(MST_STR("short"));
    through(MUSTER__ENVELOPE__BODY_RUN_STATUS, &s, MST_PROTO);
    s.has_dataset_hash = 0;
    through(MUSTER__ENVELOPE__BODY_RUN_STATUS, &s, MST_OK);
    s.state = 8;
    through(MUSTER__ENVELOPE__BODY_RUN_STATUS, &s, MST_PROTO);
}

// Fields that a newer minor version added are passed over.
static void
test_wire_unknown_field_ignored(void **state)
{
    (void)state;
    Muster__Credit credit = MUSTER__CREDIT__INIT;
    credit.cases = 5;
    through(MUSTER__ENVELOPE__BODY_CREDIT, &credit, MST_OK);
    mst_buf_add(&out, "\xf8\x07\x01", 3); // field 127, varint 1
    Muster__Envelope *e = NULL;
    assert_int_equal(mst_wire_unpack(mst_buf_view(&out), arena, &e, &err), MST_OK);
    assert_int_equal(e->credit->cases, 5);
}

// Golden files hold the packed bytes as hex lines; MST_UPDATE=1 writes them anew.
static void
expect_golden(const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s/tests/fixtures/wire/%s.hex", MST_SOURCE_DIR, name);
    mst_buf_t hex;
    mst_buf_init(&hex, MST_MIB);
    for (size_t i = 0; i < out.n; i++)
        assert_int_equal(mst_buf_addf(&hex, "%02x%s", (unsigned)(unsigned char)out.p[i], i % 32 == 31 ? "\n" : ""),
                         MST_OK);
    assert_int_equal(mst_buf_add_c(&hex, "\n"), MST_OK);
    if (getenv("MST_UPDATE") != NULL) {
        FILE *f = fopen(path, "w");
        assert_non_null(f);
        assert_int_equal(fwrite(hex.p, 1, hex.n, f), hex.n);
        assert_int_equal(fclose(f), 0);
    }
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    char *text = mst_xalloc(hex.n + 2);
    size_t n = fread(text, 1, hex.n + 1, f);
    fclose(f);
    if (n != hex.n || memcmp(text, hex.p, n) != 0)
        fail_msg("bytes of %s differ from %s: the wire has changed", name, path);
    free(text);
    mst_buf_deinit(&hex);
}

static void
test_wire_golden(void **state)
{
    (void)state;
    mst_case_t c = sample_case();
    assert_int_equal(mst_wire_case_pack(&c, &out, &err), MST_OK);
    expect_golden("case");
    mst_buf_reset(&out);
    mst_result_t r = sample_result();
    assert_int_equal(mst_wire_result_pack(&r, &out, &err), MST_OK);
    expect_golden("result");

    Muster__Hello hello = MUSTER__HELLO__INIT;
    hello.role = 1;
    hello.proto_major = MST_WIRE_MAJOR;
    hello.instance = mst_wire_bytes(MST_STR("0123456789abcdef"));
    hello.has_slots = 1;
    hello.slots = 64;
    through(MUSTER__ENVELOPE__BODY_HELLO, &hello, MST_OK);
    expect_golden("hello");
    Muster__UnitCase unit = MUSTER__UNIT_CASE__INIT, *units[] = {&unit};
    unit.case_no = 300;
    unit.has_body = 1;
    unit.body = mst_wire_bytes(MST_STR("packed case"));
    Muster__Grant g = MUSTER__GRANT__INIT;
    g.lease_id = 1ULL << 48;
    g.epoch = 1;
    g.run_no = 2;
    g.generation = 1;
    g.spec_digest = mst_wire_bytes(MST_STR("0123456789abcdef0123456789abcdef"));
    g.ttl_ms = 60000;
    g.cases = units;
    g.n_cases = 1;
    through(MUSTER__ENVELOPE__BODY_GRANT, &g, MST_OK);
    expect_golden("grant");
    uint64_t cases[] = {1, 2, 300};
    Muster__CommittedGroup group = MUSTER__COMMITTED_GROUP__INIT, *groups[] = {&group};
    group.case_nos = cases;
    group.n_case_nos = 3;
    Muster__Committed committed = MUSTER__COMMITTED__INIT;
    committed.run_no = 2;
    committed.generation = 1;
    committed.seq = 9;
    committed.groups = groups;
    committed.n_groups = 1;
    through(MUSTER__ENVELOPE__BODY_COMMITTED, &committed, MST_OK);
    expect_golden("committed");
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_wire_case_round_trip),
        T(test_wire_case_absent_is_not_empty),
        T(test_wire_case_limits),
        T(test_wire_result_round_trip),
        T(test_wire_result_completion),
        T(test_wire_result_again),
        T(test_wire_result_error),
        T(test_wire_result_input_once),
        T(test_wire_result_ranges),
        T(test_wire_result_hostile),
        T(test_wire_result_large),
        T(test_wire_envelope_round_trip),
        T(test_wire_envelope_refused),
        T(test_wire_envelope_budget),
        T(test_wire_hello_checked),
        T(test_wire_grant_checked),
        T(test_wire_lease_return_checked),
        T(test_wire_chunks_checked),
        T(test_wire_committed_and_status_checked),
        T(test_wire_unknown_field_ignored),
        T(test_wire_golden),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
