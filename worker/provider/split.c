#include "worker/provider/split.h"

#include "common/base/limits.h"
#include "common/text/normalise.h"
#include "worker/provider/sse.h"

// The bytes are whole by now (body), so events are found in them without copying and the cuts (pieces) matter for the
// stamps alone: whatever way the network cut the answer, the text is the same.
typedef struct {
    mst_decoder_t *d;
    const mst_exchange_t *x;
    size_t piece, piece_end; // piece_end: offset behind the current piece
    size_t last_piece;       // that completed the event before
    bool any;
} feed_t;

static void
start(feed_t *f)
{
    f->piece_end = f->x->piece_count > 0 ? f->x->pieces[0].n : 0;
    if (f->x->piece_count > 0 && f->d->c.ttfb_ns < 0)
        f->d->c.ttfb_ns = f->x->pieces[0].rx_ns - f->x->send_mono_ns;
}

// Arrival of the byte before offset `end`, relative to the request; counts the events that shared a read.
static int64_t
arrival(feed_t *f, size_t end)
{
    const mst_exchange_t *x = f->x;
    if (x->piece_count == 0)
        return 0;
    while (f->piece_end < end && f->piece + 1 < x->piece_count)
        f->piece_end += x->pieces[++f->piece].n;
    bool shared = (f->any && f->piece == f->last_piece) || x->pieces[f->piece].merged;
    f->d->c.merged_reads += shared;
    f->any = true;
    f->last_piece = f->piece;
    int64_t rel = x->pieces[f->piece].rx_ns - x->send_mono_ns;
    return rel > 0 ? rel : 0;
}

static mst_rc
give(feed_t *f, mst_str_t name, mst_str_t data, size_t end, mst_err_t *err)
{
    mst_arena_reset(f->d->scratch);
    return f->d->provider->on_event(f->d, name, data, arrival(f, end), err);
}

static mst_rc
split_body(feed_t *f, mst_err_t *err)
{
    mst_str_t body = mst_str_trim(f->x->body);
    bool empty = body.n == 0 && !(f->d->provider->empty_ok && f->x->http_status > 200); // 202, 204: nothing to say
    if (f->x->cut || empty) {
        (void)MST_ERR(err, MST_CLOSED, "the answer ended after %zu bytes, before it was complete", f->x->body.n);
        err->retry = MST_RETRY_LATER;
        return MST_CLOSED;
    }
    mst_rc rc = give(f, MST_STR_NULL, body, f->x->body.n, err);
    return rc == MST_OK ? f->d->provider->on_end(f->d, err) : rc;
}

// Status 200 and a page for people: a proxy, or a base_url that leads to a web site. It comes again every time.
static mst_rc
web_page(mst_str_t body, mst_err_t *err)
{
    char shown[83];
    size_t n = mst_text_excerpt(body, 80, shown);
    MST_ERR(err, MST_PROTO, "the answer is a web page and no event stream: %.*s; check base_url", (int)n, shown);
    if (err != NULL)
        err->retry = MST_RETRY_NEVER;
    return MST_PROTO;
}

static mst_rc
split_lines(feed_t *f, mst_err_t *err)
{
    mst_str_t body = f->x->body, start = mst_str_trim(body);
    mst_rc rc = MST_OK;
    if (!f->x->cut && start.n > 0 && start.p[0] == '<')
        return web_page(start, err);
    for (size_t at = 0; at < body.n && rc == MST_OK && !f->d->saw_done;) {
        const char *lf = memchr(body.p + at, '\n', body.n - at);
        size_t n = lf != NULL ? (size_t)(lf - body.p) - at : body.n - at;
        mst_str_t line = mst_str_trim(mst_str(body.p + at, n));
        at += n + (lf != NULL);
        if (lf == NULL && f->x->cut)
            break; // half a line
        if (line.n > 0)
            rc = give(f, MST_STR_NULL, line, at, err);
    }
    return rc == MST_OK ? f->d->provider->on_end(f->d, err) : rc;
}

static mst_rc
split_sse(feed_t *f, mst_sse_t *sse, mst_err_t *err)
{
    mst_str_t rest = f->x->body;
    mst_sse_event_t ev;
    mst_rc rc = MST_OK;
    uint32_t events = 0;
    while (rc == MST_OK && !f->d->saw_done) {
        mst_sse_got_t got = mst_sse_next(sse, &rest, &ev);
        if (got == MST_SSE_TOO_LARGE)
            return MST_ERR(err, MST_LIMIT, "an event of the stream is longer than %lu bytes", MST_SSE_EVENT_MAX);
        if (got == MST_SSE_MORE)
            break;
        f->d->c.comments += got == MST_SSE_COMMENT;
        events += got == MST_SSE_EVENT;
        if (got == MST_SSE_EVENT)
            rc = give(f, ev.name, ev.data, f->x->body.n - rest.n, err);
    }
    if (rc == MST_OK && !f->d->saw_done && mst_sse_end(sse, &ev)) {
        events++;
        rc = give(f, ev.name, ev.data, f->x->body.n, err);
    }
    mst_str_t body = mst_str_trim(f->x->body);
    if (events == 0 && f->d->c.comments == 0 && body.n > 0 && body.p[0] == '{') {
        f->d->c.streamed = false; // a server that does not stream, or whose error is no event
        return split_body(f, err);
    }
    if (rc == MST_OK && events == 0 && !f->x->cut && body.n > 0 && body.p[0] == '<')
        return web_page(body, err);
    return rc == MST_OK ? f->d->provider->on_end(f->d, err) : rc;
}

mst_rc
mst_split_exchange(mst_decoder_t *d, const mst_exchange_t *x, mst_err_t *err)
{
    feed_t f = {.d = d, .x = x};
    start(&f);
    if (x->split == MST_SPLIT_BODY)
        return split_body(&f, err);
    if (x->split == MST_SPLIT_NDJSON)
        return split_lines(&f, err);
    mst_sse_t sse;
    mst_sse_init(&sse);
    mst_rc rc = split_sse(&f, &sse, err);
    mst_sse_deinit(&sse);
    return rc;
}
