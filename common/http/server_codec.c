// Reading is line by line in the head and by counted bytes in the body. Head bytes are copied into one buffer
// and headers are spans of it (the buffer may move), so that a cut anywhere changes nothing. Every check sits
// at the end of a line or at the byte that passes a bound, never at the end of a piece of input.
#include "common/http/server_codec.h"

#include "common/base/limits.h"
#include "common/base/mem.h"

#include <stdlib.h>
#include <strings.h>

enum {
    CHUNK_LINE_MAX = 256, // chunk size with its extensions
    METHOD_MAX = 32,
    KEEP_BYTES = 1 << 20,  // larger bodies give their memory back
    CHUNK_HEAD_BYTES = 10, // eight hexadecimal digits and CRLF
};

typedef enum {
    S_REQUEST_LINE = 0,
    S_HEADER,
    S_BODY,
    S_CHUNK_SIZE,
    S_CHUNK_DATA,
    S_CHUNK_END,
    S_TRAILER,
    S_DONE,
    S_ERROR
} state_t;

typedef struct {
    uint32_t at, n; // in head
} span_t;

struct mst_hreq {
    state_t state;
    mst_rc rc;  // of the error
    int status; // that the error deserves
    char why[128];
    mst_buf_t head, body;
    size_t line_at; // where the line under way begins in head
    span_t method, path, query;
    span_t names[MST_HREQ_HEADERS_MAX], values[MST_HREQ_HEADERS_MAX];
    size_t count;
    size_t body_max;
    uint64_t left; // bytes of the body, or of the chunk, that are to come
    char line[CHUNK_LINE_MAX];
    size_t line_n;
    bool http10, keep_alive, expects, chunked, has_length;
};

mst_hreq_t *
mst_hreq_new(size_t body_max)
{
    mst_hreq_t *r = MST_NEW(mst_hreq_t);
    r->body_max = body_max;
    mst_buf_init(&r->head, MST_HTTP_HEADER_MAX);
    mst_buf_init(&r->body, body_max);
    return r;
}

void
mst_hreq_free(mst_hreq_t **r)
{
    if (r == NULL || *r == NULL)
        return;
    mst_buf_deinit(&(*r)->head);
    mst_buf_deinit(&(*r)->body);
    free(*r);
    *r = NULL;
}

void
mst_hreq_reset(mst_hreq_t *r)
{
    if (r->body.cap > KEEP_BYTES) {
        mst_buf_deinit(&r->body);
        mst_buf_init(&r->body, r->body_max);
    }
    mst_buf_reset(&r->head);
    mst_buf_reset(&r->body);
    r->state = S_REQUEST_LINE;
    r->rc = MST_OK;
    r->status = 0;
    r->line_at = r->line_n = r->count = 0;
    r->left = 0;
    r->http10 = r->keep_alive = r->expects = r->chunked = r->has_length = false;
}

static mst_rc
fail(mst_hreq_t *r, mst_rc rc, int status, const char *why)
{
    size_t n = strlen(why) < sizeof r->why ? strlen(why) : sizeof r->why - 1;
    memcpy(r->why, why, n);
    r->why[n] = '\0';
    r->state = S_ERROR;
    r->rc = rc;
    r->status = status;
    return rc;
}

static mst_rc
bad(mst_hreq_t *r, const char *why)
{
    return fail(r, MST_PROTO, 400, why);
}

static mst_str_t
view(const mst_hreq_t *r, span_t s)
{
    return mst_str(r->head.p ? r->head.p + s.at : NULL, s.n);
}

static span_t
span_of(const mst_hreq_t *r, mst_str_t s)
{
    return (span_t){(uint32_t)(s.p - r->head.p), (uint32_t)s.n};
}

static bool
same_name(mst_str_t a, mst_str_t b)
{
    return a.n == b.n && (a.n == 0 || strncasecmp(a.p, b.p, a.n) == 0);
}

static bool
is_token(mst_str_t s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool alnum = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!alnum && (c == '\0' || strchr("!#$%&'*+-.^_`|~", c) == NULL))
            return false;
    }
    return s.n > 0;
}

static mst_str_t
trim_blanks(mst_str_t s)
{
    while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t'))
        s = mst_str(s.p + 1, s.n - 1);
    while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
        s.n--;
    return s;
}

// No control characters but the tab; bytes over 0x7f may be anything.
static bool
is_field_value(mst_str_t s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

// http://host/path is allowed to every server, not only to proxies: what is before the path is dropped.
static mst_str_t
without_origin(mst_str_t target)
{
    if (target.n < 7 || strncasecmp(target.p, "http://", 7) != 0)
        return target;
    for (size_t i = 7; i < target.n; i++)
        if (target.p[i] == '/')
            return mst_str(target.p + i, target.n - i);
    return MST_STR_NULL;
}

static mst_rc
read_target(mst_hreq_t *r, mst_str_t target)
{
    for (size_t i = 0; i < target.n; i++)
        if ((unsigned char)target.p[i] <= 0x20 || target.p[i] == 0x7f)
            return bad(r, "the request target holds a blank or a control character");
    target = without_origin(target);
    if (target.n == 0 || (target.p[0] != '/' && !mst_str_eq_c(target, "*")))
        return bad(r, "the request target does not begin with a slash");
    const char *mark = memchr(target.p, '?', target.n);
    mst_str_t path = mark ? mst_str(target.p, (size_t)(mark - target.p)) : target;
    r->path = span_of(r, path);
    r->query = mark ? span_of(r, mst_str(mark + 1, target.n - path.n - 1)) : (span_t){0, 0};
    return MST_OK;
}

static mst_rc
read_request_line(mst_hreq_t *r, mst_str_t line)
{
    if (line.n == 0) { // an empty line or two in front of a request are left over from the one before
        r->line_at = r->head.n;
        return MST_OK;
    }
    const char *a = memchr(line.p, ' ', line.n);
    const char *b = memrchr(line.p, ' ', line.n);
    if (a == NULL || a == b)
        return bad(r, "the request line is not: method, target, version");
    mst_str_t method = mst_str(line.p, (size_t)(a - line.p));
    mst_str_t version = mst_str(b + 1, (size_t)(line.p + line.n - b - 1));
    if (!is_token(method) || method.n > METHOD_MAX)
        return bad(r, "the method is no token");
    if (version.n != 8 || memcmp(version.p, "HTTP/", 5) != 0 || version.p[6] != '.')
        return bad(r, "the version is not HTTP/1.0 or HTTP/1.1");
    if (version.p[5] != '1' || version.p[7] < '0' || version.p[7] > '9')
        return fail(r, MST_UNSUPPORTED, 505, "only HTTP/1.0 and HTTP/1.1 are spoken here");
    r->http10 = version.p[7] == '0';
    r->keep_alive = !r->http10;
    r->method = span_of(r, method);
    if (read_target(r, mst_str(a + 1, (size_t)(b - a - 1))) != MST_OK)
        return r->rc;
    r->state = S_HEADER;
    return MST_OK;
}

static mst_rc
read_content_length(mst_hreq_t *r, mst_str_t value)
{
    if (r->has_length)
        return bad(r, "Content-Length is given twice");
    if (value.n == 0 || value.n > 18)
        return value.n == 0 ? bad(r, "Content-Length is empty") : fail(r, MST_LIMIT, 413, "the body is too large");
    uint64_t n = 0;
    for (size_t i = 0; i < value.n; i++) {
        if (value.p[i] < '0' || value.p[i] > '9')
            return bad(r, "Content-Length is no number");
        n = n * 10 + (uint64_t)(value.p[i] - '0');
    }
    r->has_length = true;
    r->left = n;
    return MST_OK;
}

// The list of a Connection header: "close" and "keep-alive" count, the rest is of no concern here.
static void
read_connection(mst_hreq_t *r, mst_str_t value)
{
    while (value.n > 0) {
        const char *comma = memchr(value.p, ',', value.n);
        size_t n = comma ? (size_t)(comma - value.p) : value.n;
        mst_str_t item = trim_blanks(mst_str(value.p, n));
        if (same_name(item, MST_STR("close")))
            r->keep_alive = false;
        else if (same_name(item, MST_STR("keep-alive")) && r->http10)
            r->keep_alive = true;
        n += comma ? 1 : 0;
        value = mst_str(value.p + n, value.n - n);
    }
}

static mst_rc
read_known_header(mst_hreq_t *r, mst_str_t name, mst_str_t value)
{
    if (same_name(name, MST_STR("content-length")))
        return read_content_length(r, value);
    if (same_name(name, MST_STR("transfer-encoding"))) {
        if (r->chunked || !same_name(value, MST_STR("chunked")))
            return fail(r, MST_UNSUPPORTED, 501, "the transfer coding is not \"chunked\" alone");
        r->chunked = true;
    } else if (same_name(name, MST_STR("connection"))) {
        read_connection(r, value);
    } else if (same_name(name, MST_STR("expect"))) {
        r->expects = same_name(value, MST_STR("100-continue"));
    }
    return MST_OK;
}

// The empty line was read: what comes now?
static mst_rc
end_of_head(mst_hreq_t *r)
{
    if (r->chunked && (r->has_length || r->http10))
        return bad(r, "Transfer-Encoding does not go with Content-Length or HTTP/1.0");
    if (!r->http10 && mst_hreq_header(r, MST_STR("host")).p == NULL)
        return bad(r, "there is no Host header");
    if (!r->chunked && r->left > r->body_max)
        return fail(r, MST_LIMIT, 413, "the body is too large");
    r->state = r->chunked ? S_CHUNK_SIZE : r->left > 0 ? S_BODY : S_DONE;
    return MST_OK;
}

static mst_rc
read_header_line(mst_hreq_t *r, mst_str_t line)
{
    if (line.n == 0) {
        if (r->state == S_HEADER)
            return end_of_head(r);
        r->state = S_DONE;
        return MST_OK;
    }
    const char *colon = memchr(line.p, ':', line.n);
    if (colon == NULL)
        return bad(r, "a header line has no colon");
    mst_str_t name = mst_str(line.p, (size_t)(colon - line.p));
    mst_str_t value = trim_blanks(mst_str(colon + 1, line.n - name.n - 1));
    if (!is_token(name))
        return bad(r, "a header's name is no token");
    if (!is_field_value(value))
        return bad(r, "a header's value holds a control character");
    if (r->state == S_TRAILER)
        return MST_OK; // read past, never trusted
    if (r->count == MST_HREQ_HEADERS_MAX)
        return fail(r, MST_LIMIT, 431, "there are too many header lines");
    r->names[r->count] = span_of(r, name);
    r->values[r->count++] = span_of(r, value);
    return read_known_header(r, name, value);
}

// Some bytes of a line of the head or of the trailers.
static mst_rc
feed_line(mst_hreq_t *r, mst_str_t in, size_t *taken)
{
    const char *nl = memchr(in.p, '\n', in.n);
    size_t n = nl ? (size_t)(nl - in.p) + 1 : in.n;
    *taken = n;
    if (r->head.n + n > MST_HTTP_HEADER_MAX)
        return fail(r, MST_LIMIT, 431, "the head is too large");
    if (mst_buf_add(&r->head, in.p, n) != MST_OK)
        return fail(r, MST_NOMEM, 500, "out of memory");
    if (nl == NULL)
        return MST_OK;
    mst_str_t line = mst_str(r->head.p + r->line_at, r->head.n - r->line_at);
    if (line.n < 2 || line.p[line.n - 2] != '\r')
        return bad(r, "a line of the head does not end in CR LF");
    line.n -= 2;
    mst_rc rc = r->state == S_REQUEST_LINE ? read_request_line(r, line) : read_header_line(r, line);
    r->line_at = r->head.n;
    return rc;
}

static int
hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// "1a4;name=value" without its CRLF
static mst_rc
read_chunk_size(mst_hreq_t *r, mst_str_t line)
{
    uint64_t n = 0;
    size_t i = 0;
    for (; i < line.n && hex_digit(line.p[i]) >= 0; i++) {
        n = n * 16 + (uint64_t)hex_digit(line.p[i]);
        if (n > r->body_max)
            return fail(r, MST_LIMIT, 413, "the body is too large");
    }
    if (i == 0)
        return bad(r, "a chunk's size is no hexadecimal number");
    mst_str_t rest = trim_blanks(mst_str(line.p + i, line.n - i));
    if ((rest.n > 0 && rest.p[0] != ';') || !is_field_value(rest))
        return bad(r, "something other than an extension follows a chunk's size");
    if (n + r->body.n > r->body_max)
        return fail(r, MST_LIMIT, 413, "the body is too large");
    r->left = n;
    r->state = n > 0 ? S_CHUNK_DATA : S_TRAILER;
    return MST_OK;
}

// Some bytes of a chunk's size line, or of the CRLF behind its data.
static mst_rc
feed_chunk_line(mst_hreq_t *r, mst_str_t in, size_t *taken)
{
    size_t max = r->state == S_CHUNK_END ? 2 : sizeof r->line;
    const char *nl = memchr(in.p, '\n', in.n);
    size_t n = nl ? (size_t)(nl - in.p) + 1 : in.n;
    *taken = n;
    if (r->line_n + n > max)
        return bad(r, r->state == S_CHUNK_END ? "a chunk is longer than its size" : "a chunk's size line is too long");
    memcpy(r->line + r->line_n, in.p, n);
    r->line_n += n;
    if (nl == NULL)
        return MST_OK;
    mst_str_t line = mst_str(r->line, r->line_n);
    r->line_n = 0;
    if (line.n < 2 || line.p[line.n - 2] != '\r')
        return bad(r, "a chunk's line does not end in CR LF");
    if (r->state == S_CHUNK_SIZE)
        return read_chunk_size(r, mst_str(line.p, line.n - 2));
    r->state = S_CHUNK_SIZE;
    return MST_OK;
}

static mst_rc
feed_body(mst_hreq_t *r, mst_str_t in, size_t *taken)
{
    size_t n = in.n < r->left ? in.n : (size_t)r->left;
    *taken = n;
    r->expects = false;
    if (mst_buf_add(&r->body, in.p, n) != MST_OK)
        return fail(r, MST_NOMEM, 500, "out of memory");
    r->left -= n;
    if (r->left == 0)
        r->state = r->state == S_BODY ? S_DONE : S_CHUNK_END;
    return MST_OK;
}

mst_rc
mst_hreq_feed(mst_hreq_t *r, mst_str_t in, size_t *out_taken, mst_err_t *err)
{
    *out_taken = 0;
    while (in.n > 0 && r->state < S_DONE) {
        size_t taken = 0;
        if (r->state <= S_HEADER || r->state == S_TRAILER)
            (void)feed_line(r, in, &taken);
        else if (r->state == S_CHUNK_SIZE || r->state == S_CHUNK_END)
            (void)feed_chunk_line(r, in, &taken);
        else
            (void)feed_body(r, in, &taken);
        in = mst_str(in.p + taken, in.n - taken);
        *out_taken += taken;
    }
    if (r->state == S_ERROR)
        return MST_ERR_SUB(err, r->rc, r->status, "broken HTTP request: %s", r->why);
    return r->state == S_DONE ? MST_OK : MST_AGAIN;
}

int
mst_hreq_error_status(const mst_hreq_t *r)
{
    return r->status;
}

bool
mst_hreq_wants_continue(mst_hreq_t *r)
{
    bool head_done = r->state == S_BODY || (r->state == S_CHUNK_SIZE && r->line_n == 0 && r->body.n == 0);
    bool wants = r->expects && head_done && !r->http10;
    if (wants)
        r->expects = false;
    return wants;
}

bool
mst_hreq_started(const mst_hreq_t *r)
{
    return r->state != S_REQUEST_LINE || r->head.n > r->line_at;
}

mst_str_t
mst_hreq_method(const mst_hreq_t *r)
{
    return view(r, r->method);
}

mst_str_t
mst_hreq_path(const mst_hreq_t *r)
{
    return view(r, r->path);
}

mst_str_t
mst_hreq_query(const mst_hreq_t *r)
{
    return view(r, r->query);
}

mst_str_t
mst_hreq_header(const mst_hreq_t *r, mst_str_t name)
{
    for (size_t i = 0; i < r->count; i++)
        if (same_name(view(r, r->names[i]), name))
            return view(r, r->values[i]);
    return MST_STR_NULL;
}

mst_str_t
mst_hreq_body(const mst_hreq_t *r)
{
    return mst_buf_view(&r->body);
}

bool
mst_hreq_keep_alive(const mst_hreq_t *r)
{
    return r->keep_alive;
}

bool
mst_hreq_http10(const mst_hreq_t *r)
{
    return r->http10;
}

const char *
mst_hres_reason(int status)
{
    static const struct {
        int status;
        const char *reason;
    } reasons[] = {
        {200, "OK"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {408, "Request Timeout"},
        {413, "Content Too Large"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {503, "Service Unavailable"},
        {505, "HTTP Version Not Supported"},
    };

    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++)
        if (reasons[i].status == status)
            return reasons[i].reason;
    return "Unknown";
}

// Decimal digits without printf: this is on the path of every answer.
static void
add_u64(mst_buf_t *out, uint64_t v)
{
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + v % 10);
        v /= 10;
    } while (v > 0);
    mst_buf_add(out, digits + at, sizeof digits - at);
}

mst_rc
mst_hres_head(mst_buf_t *out, const mst_hres_t *r)
{
    mst_buf_add_c(out, "HTTP/1.1 ");
    add_u64(out, (uint64_t)r->status);
    mst_buf_add_byte(out, ' ');
    mst_buf_add_c(out, mst_hres_reason(r->status));
    if (r->type.n > 0) {
        mst_buf_add_str(out, MST_STR("\r\nContent-Type: "));
        mst_buf_add_str(out, r->type);
    }
    if (r->framing == MST_HRES_LENGTH) {
        mst_buf_add_str(out, MST_STR("\r\nContent-Length: "));
        add_u64(out, r->length);
    } else if (r->framing == MST_HRES_CHUNKED) {
        mst_buf_add_str(out, MST_STR("\r\nTransfer-Encoding: chunked"));
    }
    if (r->close || r->framing == MST_HRES_UNTIL_CLOSE)
        mst_buf_add_str(out, MST_STR("\r\nConnection: close"));
    mst_buf_add_str(out, MST_STR("\r\n"));
    mst_buf_add_str(out, r->headers);
    mst_buf_add_str(out, MST_STR("\r\n"));
    return out->failed ? MST_LIMIT : MST_OK;
}

size_t
mst_hres_chunk_begin(mst_buf_t *out)
{
    size_t mark = out->n;
    mst_buf_add_str(out, MST_STR("00000000\r\n"));
    return mark;
}

void
mst_hres_chunk_end(mst_buf_t *out, size_t mark)
{
    if (out->failed)
        return;
    size_t n = out->n - mark - CHUNK_HEAD_BYTES;
    if (n == 0) {
        out->n = mark;
        return;
    }
    for (int i = 7; i >= 0; i--, n >>= 4)
        out->p[mark + (size_t)i] = "0123456789abcdef"[n & 15];
    mst_buf_add_str(out, MST_STR("\r\n"));
}

void
mst_hres_last_chunk(mst_buf_t *out)
{
    mst_buf_add_str(out, MST_STR("0\r\n\r\n"));
}
