// Server-sent events: any bytes, given whole and byte by byte, must give the same events. Small caps, so that going
// over them is met too.
#include "worker/provider/sse.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define INPUT_MAX (1u << 16)

static void
print_event(mst_buf_t *out, char mark, const mst_sse_event_t *ev)
{
    (void)mst_buf_add_byte(out, mark);
    (void)mst_buf_add_str(out, ev->name);
    (void)mst_buf_add_byte(out, '|');
    (void)mst_buf_add_str(out, ev->data);
}

// Each piece in memory of its own, gone before the next one comes.
static void
parse(const uint8_t *data, size_t size, size_t step, size_t cap, mst_buf_t *out)
{
    mst_sse_t s;
    mst_sse_event_t ev;
    bool over = false;
    mst_sse_init(&s);
    s.line_max = s.event_max = cap;
    for (size_t at = 0; at < size && !over; at += step) {
        size_t n = step < size - at ? step : size - at;
        char *piece = malloc(n);
        memcpy(piece, data + at, n);
        mst_str_t in = mst_str(piece, n);
        for (mst_sse_got_t got; !over && (got = mst_sse_next(&s, &in, &ev)) != MST_SSE_MORE;) {
            print_event(out, got == MST_SSE_EVENT ? '<' : got == MST_SSE_COMMENT ? '#' : '!', &ev);
            over = got == MST_SSE_TOO_LARGE;
        }
        free(piece);
    }
    if (mst_sse_end(&s, &ev))
        print_event(out, '~', &ev);
    mst_sse_deinit(&s);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || size > INPUT_MAX)
        return 0;
    static const size_t caps[] = {64u << 20, 24};
    for (size_t i = 0; i < 2; i++) {
        mst_buf_t whole, bytes;
        mst_buf_init(&whole, 64u << 20);
        mst_buf_init(&bytes, 64u << 20);
        parse(data, size, size, caps[i], &whole);
        parse(data, size, 1, caps[i], &bytes);
        if (whole.failed || !mst_str_eq(mst_buf_view(&whole), mst_buf_view(&bytes))) {
            fprintf(stderr, "fuzz_sse: another cut gave other events\n");
            abort();
        }
        mst_buf_deinit(&whole);
        mst_buf_deinit(&bytes);
    }
    return 0;
}
