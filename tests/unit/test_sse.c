// Server-sent events: the rules, the deviations of real servers, and the same events for every cut of the bytes.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/base/limits.h"
#include "common/base/prng.h"
#include "worker/provider/sse.h"

typedef struct {
    size_t step; // bytes given at a time; 0 = random
    size_t line_max, event_max;
    mst_prng_t prng;
} how_t;

static void
print_event(mst_buf_t *out, mst_sse_got_t got, const mst_sse_event_t *ev)
{
    if (got == MST_SSE_COMMENT)
        (void)mst_buf_add_c(out, "#");
    if (got == MST_SSE_TOO_LARGE)
        (void)mst_buf_add_c(out, "!");
    if (got != MST_SSE_EVENT)
        return;
    (void)mst_buf_add_byte(out, '<');
    (void)mst_buf_add_str(out, ev->name);
    (void)mst_buf_add_byte(out, '|');
    (void)mst_buf_add_str(out, ev->data);
    (void)mst_buf_add_byte(out, '>');
}

// All events of a stream as one text: <name|data>, # for a comment, ! for too large, ~ before one found at the end.
// Each piece lies in memory of its own, which is gone before the next one comes.
static void
parse(mst_str_t bytes, how_t *how, mst_buf_t *out)
{
    mst_sse_t s;
    mst_sse_event_t ev;
    bool over = false;
    mst_sse_init(&s);
    s.line_max = how->line_max > 0 ? how->line_max : s.line_max;
    s.event_max = how->event_max > 0 ? how->event_max : s.event_max;
    for (size_t at = 0; at < bytes.n && !over;) {
        size_t n = how->step > 0 ? how->step : 1 + mst_prng_below(&how->prng, 9);
        n = n < bytes.n - at ? n : bytes.n - at;
        char *piece = malloc(n);
        memcpy(piece, bytes.p + at, n);
        mst_str_t in = mst_str(piece, n);
        for (mst_sse_got_t got; !over && (got = mst_sse_next(&s, &in, &ev)) != MST_SSE_MORE;) {
            print_event(out, got, &ev);
            over = got == MST_SSE_TOO_LARGE;
        }
        free(piece);
        at += n;
    }
    if (mst_sse_end(&s, &ev)) {
        (void)mst_buf_add_byte(out, '~');
        print_event(out, MST_SSE_EVENT, &ev);
    }
    mst_sse_deinit(&s);
}

static void
expect_within(const char *bytes, size_t n, const char *want, size_t line_max, size_t event_max)
{
    how_t how = {.line_max = line_max, .event_max = event_max};
    mst_prng_seed(&how.prng, 3);
    static const size_t steps[] = {1 << 20, 1, 2, 3, 5, 7, 0, 0, 0, 0, 0, 0};
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        mst_buf_t out;
        mst_buf_init(&out, 1 << 20);
        how.step = steps[i];
        parse(mst_str(bytes, n), &how, &out);
        if (out.n != strlen(want) || (out.n > 0 && memcmp(out.p, want, out.n) != 0))
            fail_msg("step %zu: \"%.*s\" instead of \"%s\"", steps[i], MST_FMT(mst_buf_view(&out)), want);
        mst_buf_deinit(&out);
    }
}

static void
expect(const char *bytes, const char *want)
{
    expect_within(bytes, strlen(bytes), want, 0, 0);
}

static void
test_sse_events_and_fields(void **state)
{
    (void)state;
    expect("data: a\n\n", "<|a>");
    expect("data:a\n\ndata:  b\n\n", "<|a><| b>");
    expect("event: e\ndata: a\n\ndata: b\n\n", "<e|a><|b>");
    expect("data: a\ndata: b\ndata\ndata:\n\n", "<|a\nb\n\n>");
    expect("id: 7\nretry: 10\nfoo: bar\nfoo\ndata: a\n\n", "<|a>");
    expect("event: lost\n\ndata: a\n\n", "<|a>");
    expect("data:\n\n", "<|>");
    expect("\n\n\n", "");
    expect(": c\n\n:\n:x\ndata: a\n: in the middle\ndata: b\n\n", "####<|a\nb>");
}

static void
test_sse_line_ends(void **state)
{
    (void)state;
    expect("data: a\r\n\r\ndata: b\r\n\r\n", "<|a><|b>");
    expect("data: a\r\rdata: b\r\r", "<|a><|b>");
    expect("data: a\n\r\ndata: b\r\n\n", "<|a><|b>");
    expect("data: a\r\n\ndata: b\n\r", "<|a><|b>");
    expect("\r\n\rdata: a\r\r\n", "<|a>");
}

static void
test_sse_byte_order_mark(void **state)
{
    (void)state;
    expect("\xef\xbb\xbf"
           "data: a\n\n",
           "<|a>");
    expect("\xef\xbb"
           "data: a\n\ndata: b\n\n",
           "<|b>");
    expect("\n\xef\xbb\xbf"
           "data: a\n\ndata: b\n\n",
           "<|b>");
    expect("\xef\xbb\xbf\xef\xbb\xbf"
           "data: a\n\n",
           "");
    expect("\xef", "");
}

static void
test_sse_deviations_of_servers(void **state)
{
    (void)state;
    expect("error: {\"code\":500}\n\n", "<error|{\"code\":500}>");
    expect("data: a\n\ndata: [DONE]", "<|a>~<|[DONE]>");
    expect("data: a\n\ndata: [DONE] \n", "<|a>~<|[DONE] >");
    expect("data: {\"a\":\"}\"}", "~<|{\"a\":\"}\"}>");
    expect("data: [1,{\"a\":\"\\\"\"}]\n", "~<|[1,{\"a\":\"\\\"\"}]>");
    expect("data: {\"a\":\"}", "");
    expect("data: {\"a\":1}}", "");
    expect("data: 5", "");
    expect("data: ", "");
    expect("dat", "");
    expect("", "");
}

static void
test_sse_any_bytes(void **state)
{
    (void)state;
    static const char nul[] = "data: a\0b\n\nevent: \0\ndata: \xff\xfe\n\n";
    how_t how = {.step = 1};
    mst_buf_t out;
    mst_buf_init(&out, 4096);
    parse(mst_str(nul, sizeof nul - 1), &how, &out);
    assert_int_equal(out.n, 5 + 1 + 6);
    assert_memory_equal(out.p, "<|a\0b><\0|\xff\xfe>", 12);
    mst_buf_deinit(&out);
}

static void
test_sse_caps(void **state)
{
    (void)state;
    static const char line[] = "data: aa\n\ndata: 123456789\n\n";
    expect_within(line, sizeof line - 1, "<|aa><|123456789>", 15, 0);
    expect_within(line, sizeof line - 1, "<|aa>!", 14, 0);
    expect_within(line, sizeof line - 1, "<|aa>!", 0, 8);
    static const char lines[] = "data: 123\ndata: 456\ndata: 78\n\n";
    expect_within(lines, sizeof lines - 1, "<|123\n456\n78>", 0, 10);
    expect_within(lines, sizeof lines - 1, "!", 0, 9);
    static const char open[] = "data: never ending";
    expect_within(open, sizeof open - 1, "!", 10, 0);
}

// Random streams made of nasty pieces: whatever the cut, the events are the same.
static void
test_sse_same_for_every_cut(void **state)
{
    (void)state;
    static const char *const pieces[] = {"data:",    "data: x",  "\n",           "\r", "\r\n",     "\n\n", ":",
                                         "event: e", "error: z", "\xef\xbb\xbf", " ",  "{\"a\":[", "]}",   "[DONE]",
                                         "\"",       "\\",       "\xf0\x9f\x98", "d"};
    how_t how = {0};
    mst_prng_seed(&how.prng, 99);
    for (int round = 0; round < 4000; round++) {
        char bytes[256];
        size_t n = 0;
        for (uint64_t k = mst_prng_below(&how.prng, 24); k > 0; k--) {
            const char *piece = pieces[mst_prng_below(&how.prng, sizeof pieces / sizeof pieces[0])];
            memcpy(bytes + n, piece, strlen(piece));
            n += strlen(piece);
        }
        mst_buf_t first, again;
        mst_buf_init(&first, 65536);
        mst_buf_init(&again, 65536);
        how.line_max = round % 3 == 0 ? 12 : 0;
        how.event_max = round % 3 == 1 ? 10 : 0;
        how.step = 1;
        parse(mst_str(bytes, n), &how, &first);
        for (int i = 0; i < 4; i++) {
            mst_buf_reset(&again);
            how.step = i == 0 ? sizeof bytes : 0;
            parse(mst_str(bytes, n), &how, &again);
            assert_int_equal(first.n, again.n);
            if (first.n > 0)
                assert_memory_equal(first.p, again.p, first.n);
        }
        mst_buf_deinit(&first);
        mst_buf_deinit(&again);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sse_events_and_fields),  cmocka_unit_test(test_sse_line_ends),
        cmocka_unit_test(test_sse_byte_order_mark),    cmocka_unit_test(test_sse_deviations_of_servers),
        cmocka_unit_test(test_sse_any_bytes),          cmocka_unit_test(test_sse_caps),
        cmocka_unit_test(test_sse_same_for_every_cut),
    };
    return cmocka_run_group_tests_name("sse", tests, NULL, NULL);
}
