// HTTP/1.1 as a server sees it, without I/O: a request reader that takes bytes as they come, and writers for
// the head and the chunks of an answer. The simulated backend stands on it.
//
// The reader owns what it has read; views that it gives are valid until the next feed or reset. However the
// input is cut, the outcome is the same. It follows RFC 9112 and is strict where leniency confuses two
// readers of one connection: lines end in CRLF, no folded lines, no blank before a colon, no second
// Content-Length, no Content-Length beside Transfer-Encoding. Bounds: MST_HTTP_HEADER_MAX for the head with
// the trailers, MST_HREQ_HEADERS_MAX lines, the body's maximum given at birth.
// Thread: an object belongs to one thread.
#ifndef MST_HTTP_SERVER_CODEC_H
#define MST_HTTP_SERVER_CODEC_H

#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/base/str.h"

#define MST_HREQ_HEADERS_MAX 128

typedef struct mst_hreq mst_hreq_t;

mst_hreq_t *mst_hreq_new(size_t body_max);
void mst_hreq_free(mst_hreq_t **r);
// Ready for the next request of the connection; keeps memory up to 1 MiB.
void mst_hreq_reset(mst_hreq_t *r);
// Takes bytes up to the end of the request and never beyond it: what is left in `in` is the next request.
// MST_OK: whole request read; MST_AGAIN: give more. Errors stay until the reset, and the connection is of no
// use after them: MST_PROTO, MST_LIMIT, MST_UNSUPPORTED (version, transfer coding).
MST_NODISCARD mst_rc mst_hreq_feed(mst_hreq_t *r, mst_str_t in, size_t *out_taken, mst_err_t *err);
// The status that an error deserves: 400, 413, 431, 501 or 505; 0 without an error.
int mst_hreq_error_status(const mst_hreq_t *r);
// True once for a request that came with "Expect: 100-continue" and whose body has not begun to come.
bool mst_hreq_wants_continue(mst_hreq_t *r);
bool mst_hreq_started(const mst_hreq_t *r); // some bytes of a request are here

// After MST_OK.
mst_str_t mst_hreq_method(const mst_hreq_t *r);
mst_str_t mst_hreq_path(const mst_hreq_t *r);  // begins with '/' (or is "*"), not decoded
mst_str_t mst_hreq_query(const mst_hreq_t *r); // behind the '?', may be empty
// First header of that name (any case) without blanks at its ends; {NULL, 0} without one.
mst_str_t mst_hreq_header(const mst_hreq_t *r, mst_str_t name);
mst_str_t mst_hreq_body(const mst_hreq_t *r);
bool mst_hreq_keep_alive(const mst_hreq_t *r);
bool mst_hreq_http10(const mst_hreq_t *r); // must not get a chunked answer

typedef enum { MST_HRES_LENGTH = 0, MST_HRES_CHUNKED, MST_HRES_UNTIL_CLOSE } mst_hres_framing_t;

typedef struct {
    int status;
    mst_hres_framing_t framing;
    uint64_t length;   // of the body, with MST_HRES_LENGTH
    bool close;        // say "Connection: close"
    mst_str_t type;    // Content-Type; empty = none
    mst_str_t headers; // further whole lines, each with its CRLF; trusted
} mst_hres_t;

// The answer's head with its empty line. MST_LIMIT, MST_NOMEM from the buffer.
mst_rc mst_hres_head(mst_buf_t *out, const mst_hres_t *r);
const char *mst_hres_reason(int status); // "OK"; "Unknown" for a status that has no name here
// A chunk that is written in place: begin, append the data to out, end with the mark that begin gave.
// A chunk without data vanishes (it would end the body). Errors: out->failed.
size_t mst_hres_chunk_begin(mst_buf_t *out);
void mst_hres_chunk_end(mst_buf_t *out, size_t mark);
void mst_hres_last_chunk(mst_buf_t *out);

#endif
