// Server-sent events, WHATWG rules with the deviations of real servers (docs/protocol.md). Sans-I/O: takes
// bytes in any cut and gives the same events for every cut. Copies nothing while lines and events lie whole in
// the bytes that it is given.
// Thread: a state belongs to one thread.
#ifndef MST_WORKER_SSE_H
#define MST_WORKER_SSE_H

#include "common/base/buf.h"

typedef struct {
    mst_str_t name; // `event:`; empty when absent. "error" for a bare `error:` field
    mst_str_t data; // data lines joined with LF; valid until the next call and while the input bytes are there
} mst_sse_event_t;

typedef enum { MST_SSE_EVENT, MST_SSE_COMMENT, MST_SSE_MORE, MST_SSE_TOO_LARGE } mst_sse_got_t;

typedef struct {
    mst_buf_t line; // a line whose end has not come yet
    mst_buf_t data; // data lines so far, when they are not one slice of the input
    mst_buf_t name;
    mst_str_t ref; // the one data line, in the input
    bool has_data, has_ref, after_cr, dispatched, failed;
    uint32_t bom_seen;          // bytes of the mark taken so far; 4: its place is past
    size_t line_max, event_max; // lowered by tests
} mst_sse_t;

void mst_sse_init(mst_sse_t *s); // caps: MST_SSE_LINE_MAX, MST_SSE_EVENT_MAX
void mst_sse_deinit(mst_sse_t *s);
// Takes bytes from *in (advances it) until one event or comment is complete, or all are taken (MST_SSE_MORE: give
// other bytes). What it has not taken must be given again. After MST_SSE_TOO_LARGE it says nothing else.
mst_sse_got_t mst_sse_next(mst_sse_t *s, mst_str_t *in, mst_sse_event_t *out);
// At the end of the stream: an event without its closing blank line, if it is one that servers are known to
// leave open ("[DONE]", or a complete JSON value). False when there is none.
bool mst_sse_end(mst_sse_t *s, mst_sse_event_t *out);

#endif
