// Playing bytes to a provider: in pieces, with stamps, as the two threads of a worker do. The I/O thread's look for the
// first token is fed from copies that are gone after each piece.
#ifndef MST_TESTS_PROVIDER_PLAY_H
#define MST_TESTS_PROVIDER_PLAY_H

#include "conformance/provider_row.h"
#include "worker/provider/sse.h"

#define SEND_NS   1000000
#define NS_A_BYTE 1000 // the byte at offset i arrives at SEND_NS + (i + 1) * NS_A_BYTE

// Ends of pieces, ascending; the last one is the length of the body.
typedef struct {
    size_t *ends;
    size_t count;
} cuts_t;

static inline mst_rx_t *
pieces_of(const cuts_t *cuts)
{
    mst_rx_t *pieces = MST_NEW_ARRAY(mst_rx_t, cuts->count + 1);
    for (size_t i = 0, at = 0; i < cuts->count; at = cuts->ends[i++])
        pieces[i] =
            (mst_rx_t){.rx_ns = SEND_NS + (int64_t)cuts->ends[i] * NS_A_BYTE, .n = (uint32_t)(cuts->ends[i] - at)};
    return pieces;
}

// Decodes body in these pieces. d is the caller's to deinit; its slices live until the suite's arena is reset.
static inline mst_outcome_t
play(suite_t *t, const row_t *row, mst_str_t body, const cuts_t *cuts, mst_decoder_t *d)
{
    mst_rx_t *pieces = pieces_of(cuts);
    mst_arena_reset(t->arena);
    mst_decoder_init(d, t->provider, t->parser, t->arena, t->scratch);
    d->ask = &row->ask;
    d->cfg = &row->cfg;
    mst_exchange_t x = {.body = body,
                        .pieces = pieces,
                        .piece_count = cuts->count,
                        .send_mono_ns = SEND_NS,
                        .http_status = row->status,
                        .split = row->split,
                        .cut = row->cut};
    mst_outcome_t outcome = mst_decoder_run(d, &x);
    free(pieces);
    t->variants++;
    return outcome;
}

// One piece.
static inline mst_outcome_t
play_whole(suite_t *t, const row_t *row, mst_str_t body, mst_decoder_t *d)
{
    size_t end = body.n;
    cuts_t one = {.ends = &end, .count = body.n > 0};
    return play(t, row, body, &one, d);
}

// Number of the piece with which the first token is seen by the look that the first-token timer takes; -1: never.
static inline int64_t
first_token_piece(const suite_t *t, const row_t *row, mst_str_t body, const cuts_t *cuts)
{
    mst_sse_t sse;
    mst_sse_event_t ev;
    int64_t found = -1;
    mst_sse_init(&sse);
    for (size_t i = 0, at = 0; i < cuts->count && found < 0; at = cuts->ends[i++]) {
        size_t n = cuts->ends[i] - at;
        char *copy = mst_xalloc(n + 1);
        memcpy(copy, body.p + at, n);
        mst_str_t in = mst_str(copy, n);
        mst_sse_got_t got;
        while (found < 0 && (got = mst_sse_next(&sse, &in, &ev)) != MST_SSE_MORE && got != MST_SSE_TOO_LARGE) {
            if (got == MST_SSE_EVENT && t->provider->has_token(ev.name, ev.data))
                found = (int64_t)i;
        }
        memset(copy, 'x', n);
        free(copy);
    }
    mst_sse_deinit(&sse);
    (void)row;
    return found;
}

// Feeds one event to a fresh decoder: does it stamp a first token where has_token sees one? An eager has_token may see
// more, never less.
static inline void
check_has_token(suite_t *t, const row_t *row, mst_str_t name, mst_str_t data)
{
    mst_decoder_t d;
    mst_err_t err = {0};
    mst_arena_reset(t->arena);
    mst_decoder_init(&d, t->provider, t->parser, t->arena, t->scratch);
    d.ask = &row->ask;
    d.cfg = &row->cfg;
    d.c.streamed = true;
    mst_rc rc = t->provider->on_event(&d, name, data, 5, &err);
    bool stamped = d.c.ttft_ns >= 0, seen = t->provider->has_token(name, data);
    bool others = mst_str_find(data, MST_STR("\"choices\""), 0) >= 0 && // of answers that were not asked for
                  mst_str_find(data, MST_STR("\"index\":1"), 0) >= 0;
    if (rc == MST_OK && !others && (stamped != seen) && !(seen && tst_bool(row->json, "eager")))
        wrong(t, row, "has_token", data);
    mst_decoder_deinit(&d);
}

// An event of a stream, with the offset behind it.
typedef struct {
    mst_str_t name, data; // slices of arena
    size_t end;
} event_t;

// The events of a body; *count of them, from row_arena.
static inline event_t *
events_of(suite_t *t, const row_t *row, mst_str_t body, size_t *count)
{
    event_t *out = MST_ARENA_ARRAY(t->row_arena, event_t, body.n / 2 + 2);
    mst_str_t rest = body;
    mst_sse_t sse;
    mst_sse_event_t ev;
    size_t n = 0;
    *count = 0;
    if (row->split == MST_SPLIT_BODY)
        return out;
    if (row->split == MST_SPLIT_NDJSON) {
        for (size_t at = 0; at < body.n;) {
            const char *lf = memchr(body.p + at, '\n', body.n - at);
            size_t len = lf != NULL ? (size_t)(lf - body.p) - at : body.n - at;
            mst_str_t line = mst_str_trim(mst_str(body.p + at, len));
            at += len + (lf != NULL);
            if (line.n > 0)
                out[n++] = (event_t){.data = line, .end = at};
        }
        *count = n;
        return out;
    }
    mst_sse_init(&sse);
    for (mst_sse_got_t got; (got = mst_sse_next(&sse, &rest, &ev)) != MST_SSE_MORE;) {
        if (got == MST_SSE_TOO_LARGE)
            break;
        if (got == MST_SSE_EVENT)
            out[n++] = (event_t){.name = mst_arena_dup(t->row_arena, ev.name, NULL),
                                 .data = mst_arena_dup(t->row_arena, ev.data, NULL),
                                 .end = body.n - rest.n};
    }
    if (mst_sse_end(&sse, &ev))
        out[n++] = (event_t){.name = mst_arena_dup(t->row_arena, ev.name, NULL),
                             .data = mst_arena_dup(t->row_arena, ev.data, NULL),
                             .end = body.n};
    mst_sse_deinit(&sse);
    *count = n;
    return out;
}

#endif
