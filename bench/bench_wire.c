// What a result row, a case and a batch cost to pack and unpack, in CPU time of one core.
//   bench_wire [ROUNDS]
#include "common/base/clock.h"
#include "common/base/limits.h"
#include "common/wire/wire.h"

#include "result.pb-c.h"

#include <stdio.h>
#include <stdlib.h>

#define EVENTS 64

static mst_token_event_t events[EVENTS];
static mst_score_t scores[4];
static char text[400];

static mst_result_t
row_of(bool streamed)
{
    mst_result_t r = {.key = {.case_no = 123456},
                      .generation = 1,
                      .lease_id = 1ULL << 48 | 77,
                      .outcome = MST_OUT_SCORED,
                      .passed = true,
                      .case_id = MST_STR("case-123456"),
                      .input = mst_str(text, 200),
                      .expected = mst_str(text, 20),
                      .has_expected = true,
                      .scores = scores,
                      .score_count = 4,
                      .started_wall_ns = 1700000000000000000,
                      .finished_wall_ns = 1700000000000000000};
    r.done = (mst_completion_t){.text = mst_str(text, sizeof text),
                                .finish_reason = MST_STR("stop"),
                                .model = MST_STR("some-model-name"),
                                .request_id = MST_STR("chatcmpl-0123456789abcdef"),
                                .server = MST_STR("uvicorn"),
                                .prompt_tokens = 50,
                                .completion_tokens = 64,
                                .reasoning_tokens = MST_NONE,
                                .send_mono_ns = 123456789012345,
                                .ttfb_ns = 20000000,
                                .ttft_ns = 21000000,
                                .ttfo_ns = 21000000,
                                .last_token_ns = 900000000,
                                .close_ns = 900100000,
                                .queue_ns = 1000,
                                .http_status = 200,
                                .attempts = 1,
                                .streamed = streamed,
                                .events = streamed ? events : NULL,
                                .event_count = streamed ? EVENTS : 0};
    return r;
}

static void
report(const char *what, int64_t cpu_ns, long rounds, size_t bytes)
{
    printf("%-28s %7.2f us, %zu bytes\n", what, (double)cpu_ns / 1e3 / (double)rounds, bytes);
}

static void
bench_row(const char *name, bool streamed, long rounds)
{
    mst_result_t r = row_of(streamed), back;
    mst_buf_t out;
    char what[64];
    mst_arena_t *arena = mst_arena_new(64 * MST_MIB);
    mst_buf_init(&out, MST_MIB);
    int64_t start = mst_cpu_ns();
    for (long i = 0; i < rounds; i++) {
        mst_buf_reset(&out);
        MST_ASSERT(mst_wire_result_pack(&r, &out, NULL) == MST_OK);
    }
    snprintf(what, sizeof what, "%s row, pack", name);
    report(what, mst_cpu_ns() - start, rounds, out.n);
    start = mst_cpu_ns();
    for (long i = 0; i < rounds; i++) {
        mst_arena_reset(arena);
        MST_ASSERT(mst_wire_result_unpack(mst_buf_view(&out), arena, &back, NULL) == MST_OK);
    }
    snprintf(what, sizeof what, "%s row, unpack", name);
    report(what, mst_cpu_ns() - start, rounds, out.n);
    mst_buf_deinit(&out);
    mst_arena_free(&arena);
}

static void
bench_case(long rounds)
{
    mst_case_t c = {.case_no = 5,
                    .id = MST_STR("case-000005"),
                    .input = mst_str(text, 300),
                    .has_expected = true,
                    .expected = mst_str(text, 20),
                    .has_actual = true,
                    .actual = mst_str(text, 200),
                    .metadata = MST_STR("{\"ttft_ms\":12.5}")},
               back;
    mst_buf_t out;
    mst_arena_t *arena = mst_arena_new(64 * MST_MIB);
    mst_buf_init(&out, MST_MIB);
    int64_t start = mst_cpu_ns();
    for (long i = 0; i < rounds; i++) {
        mst_buf_reset(&out);
        MST_ASSERT(mst_wire_case_pack(&c, &out, NULL) == MST_OK);
    }
    report("case, pack", mst_cpu_ns() - start, rounds, out.n);
    start = mst_cpu_ns();
    for (long i = 0; i < rounds; i++) {
        mst_arena_reset(arena);
        MST_ASSERT(mst_wire_case_unpack(mst_buf_view(&out), arena, &back, NULL) == MST_OK);
    }
    report("case, unpack", mst_cpu_ns() - start, rounds, out.n);
    mst_buf_deinit(&out);
    mst_arena_free(&arena);
}

// 128 packed rows in an envelope: cost for each row.
static void
bench_batch(long rounds)
{
    enum { ROWS = 128 };

    ProtobufCBinaryData rows[ROWS];
    mst_result_t r = row_of(false);
    mst_buf_t row, out;
    Muster__ResBatch m = MUSTER__RES_BATCH__INIT;
    Muster__Envelope e, *back = NULL;
    mst_arena_t *arena = mst_arena_new(64 * MST_MIB);
    mst_buf_init(&row, MST_MIB);
    mst_buf_init(&out, MST_MIB);
    MST_ASSERT(mst_wire_result_pack(&r, &row, NULL) == MST_OK);
    for (int i = 0; i < ROWS; i++)
        rows[i] = mst_wire_bytes(mst_buf_view(&row));
    m.rows = rows;
    m.n_rows = ROWS;
    mst_wire_envelope(&e, MUSTER__ENVELOPE__BODY_RES_BATCH, &m);
    int64_t start = mst_cpu_ns();
    for (long i = 0; i < rounds; i += ROWS) {
        mst_buf_reset(&out);
        MST_ASSERT(mst_wire_pack(&e, &out, NULL) == MST_OK);
        mst_arena_reset(arena);
        MST_ASSERT(mst_wire_unpack(mst_buf_view(&out), arena, &back, NULL) == MST_OK);
    }
    report("batch, pack + unpack, a row", mst_cpu_ns() - start, rounds, out.n / ROWS);
    mst_buf_deinit(&row);
    mst_buf_deinit(&out);
    mst_arena_free(&arena);
}

int
main(int argc, char **argv)
{
    long rounds = argc > 1 ? strtol(argv[1], NULL, 10) : 1000000;
    memset(text, 'x', sizeof text);
    for (int i = 0; i < EVENTS; i++)
        events[i] = (mst_token_event_t){.rx_ns = 21000000 + i * 14000000LL, .kind = MST_EV_CONTENT, .n_tokens = 1};
    for (int i = 0; i < 4; i++)
        scores[i] = (mst_score_t){.state = MST_SCORE_OK, .value = 0.5, .reason = mst_str(text, 40), .time_ns = 300};
    bench_row("plain", false, rounds);
    bench_row("streamed", true, rounds);
    bench_case(rounds);
    bench_batch(rounds);
    return 0;
}
