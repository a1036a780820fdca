// Server-sent events, WHATWG rules with the deviations of real servers (docs/protocol.md). Sans-I/O: takes
// bytes in any cut and gives the same events for every cut.
// Thread: a state belongs to one thread.
#ifndef MST_WORKER_SSE_H
#define MST_WORKER_SSE_H

#include "common/base/buf.h"

typedef struct {
    mst_str_t name; // `event:`; empty when absent. "error" for a bare `error:` field
    mst_str_t data; // data lines joined with LF; valid until the next call
} mst_sse_event_t;

typedef enum { MST_SSE_EVENT, MST_SSE_COMMENT, MST_SSE_MORE, MST_SSE_TOO_LARGE } mst_sse_got_t;

typedef struct {
    mst_buf_t line, data, name;
    bool bom_checked, after_cr, has_data, skip_dispatch;
    uint32_t bom_seen;
} mst_sse_t;

void mst_sse_init(mst_sse_t *s);   // caps: MST_SSE_LINE_MAX, MST_SSE_EVENT_MAX
void mst_sse_deinit(mst_sse_t *s);
// Takes bytes from *in (advances it) until one event or comment is complete, or all are taken.
mst_sse_got_t mst_sse_next(mst_sse_t *s, mst_str_t *in, mst_sse_event_t *out);
// At the end of the stream: an event without its closing blank line, if it is one that servers are known to
// leave open ("[DONE]", or a complete JSON value). False when there is none.
bool mst_sse_end(mst_sse_t *s, mst_sse_event_t *out);

#endif
