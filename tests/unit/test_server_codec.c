// The server side of HTTP/1.1: what is read is the same for every cut, and what is written reads back.
#include "common/base/limits.h"
#include "common/http/server_codec.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { BODY_MAX = 64 };

typedef struct {
    const char *in;
    mst_rc rc;
    int status;
    const char *method, *path, *query, *body;
    bool keep_alive;
} sample_t;

#define HOST "Host: h\r\n"

static const sample_t samples[] = {
    {"GET /health HTTP/1.1\r\n" HOST "\r\n", MST_OK, 0, "GET", "/health", "", "", true},
    {"\r\n\r\nGET / HTTP/1.1\r\n" HOST "\r\n", MST_OK, 0, "GET", "/", "", "", true},
    {"POST /a?b=c&d HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc", MST_OK, 0, "POST", "/a", "b=c&d", "abc", true},
    {"POST /a HTTP/1.1\r\n" HOST "content-LENGTH:0\r\n\r\n", MST_OK, 0, "POST", "/a", "", "", true},
    {"GET http://other/p?q HTTP/1.1\r\n" HOST "\r\n", MST_OK, 0, "GET", "/p", "q", "", true},
    {"OPTIONS * HTTP/1.1\r\n" HOST "\r\n", MST_OK, 0, "OPTIONS", "*", "", "", true},
    {"GET / HTTP/1.1\r\n" HOST "Connection: x, Close\r\n\r\n", MST_OK, 0, "GET", "/", "", "", false},
    {"GET / HTTP/1.0\r\n\r\n", MST_OK, 0, "GET", "/", "", "", false},
    {"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", MST_OK, 0, "GET", "/", "", "", true},
    {"POST / HTTP/1.1\r\n" HOST
     "Transfer-Encoding: chunked\r\n\r\n2;x=\"y\"\r\nab\r\n00A\r\n0123456789\r\n0\r\nT: v\r\n\r\n",
     MST_OK, 0, "POST", "/", "", "ab0123456789", true},
    {"POST / HTTP/1.1\r\n" HOST
     "Content-Length: 64\r\n\r\n0123456789012345678901234567890123456789012345678901234567890123",
     MST_OK, 0, "POST", "/", "", "0123456789012345678901234567890123456789012345678901234567890123", true},
    {.in = "GET / HTTP/1.1\r\n" HOST, .rc = MST_AGAIN},
    {.in = "POST / HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nab", .rc = MST_AGAIN},
    {.in = "GET / HTTP/1.1\n" HOST "\r\n", .rc = MST_PROTO, .status = 400},
    {.in = "GET / HTTP/1.1\r\n\r\n", .rc = MST_PROTO, .status = 400},
    {.in = "GET /\r\n\r\n", .rc = MST_PROTO, .status = 400},
    {.in = "GET  / HTTP/1.1\r\n" HOST "\r\n", .rc = MST_PROTO, .status = 400},
    {.in = "GET / a HTTP/1.1\r\n" HOST "\r\n", .rc = MST_PROTO, .status = 400},
    {.in = "GET a HTTP/1.1\r\n" HOST "\r\n", .rc = MST_PROTO, .status = 400},
    {.in = "G(T / HTTP/1.1\r\n" HOST "\r\n", .rc = MST_PROTO, .status = 400},
    {.in = "GET / HTTX/1.1\r\n" HOST "\r\n", .rc = MST_PROTO, .status = 400},
    {.in = "GET / HTTP/2.0\r\n" HOST "\r\n", .rc = MST_UNSUPPORTED, .status = 505},
    {.in = "GET / HTTP/1.1\r\n" HOST "A : b\r\n\r\n", .rc = MST_PROTO, .status = 400},
    {.in = "GET / HTTP/1.1\r\n" HOST " folded\r\n\r\n", .rc = MST_PROTO, .status = 400},
    {.in = "GET / HTTP/1.1\r\n" HOST "A: b\001\r\n\r\n", .rc = MST_PROTO, .status = 400},
    {.in = "GET / HTTP/1.1\r\n" HOST "A: b\rc\r\n\r\n", .rc = MST_PROTO, .status = 400},
    {.in = "GET / HTTP/1.1\r\n" HOST "no colon\r\n\r\n", .rc = MST_PROTO, .status = 400},
    {.in = "POST / HTTP/1.1\r\n" HOST "Content-Length: 1\r\nContent-Length: 1\r\n\r\na",
     .rc = MST_PROTO,
     .status = 400},
    {.in = "POST / HTTP/1.1\r\n" HOST "Content-Length: +1\r\n\r\na", .rc = MST_PROTO, .status = 400},
    {.in = "POST / HTTP/1.1\r\n" HOST "Content-Length: 65\r\n\r\n", .rc = MST_LIMIT, .status = 413},
    {.in = "POST / HTTP/1.1\r\n" HOST "Content-Length: 99999999999999999999999\r\n\r\n",
     .rc = MST_LIMIT,
     .status = 413},
    {.in = "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip, chunked\r\n\r\n", .rc = MST_UNSUPPORTED, .status = 501},
    {.in = "POST / HTTP/1.1\r\n" HOST "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
     .rc = MST_PROTO,
     .status = 400},
    {.in = "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", .rc = MST_PROTO, .status = 400},
    {.in = "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n", .rc = MST_PROTO, .status = 400},
    {.in = "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\nx\r\n", .rc = MST_PROTO, .status = 400},
    {.in = "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n2 2\r\n", .rc = MST_PROTO, .status = 400},
    {.in = "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n41\r\n", .rc = MST_LIMIT, .status = 413},
    {.in = "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffffffff\r\n",
     .rc = MST_LIMIT,
     .status = 413},
};

static void
check(const sample_t *s, const mst_hreq_t *r, mst_rc rc)
{
    assert_int_equal(rc, s->rc);
    assert_int_equal(mst_hreq_error_status(r), s->status);
    if (s->rc != MST_OK)
        return;
    assert_true(mst_str_eq_c(mst_hreq_method(r), s->method));
    assert_true(mst_str_eq_c(mst_hreq_path(r), s->path));
    assert_true(mst_str_eq_c(mst_hreq_query(r), s->query));
    assert_true(mst_str_eq_c(mst_hreq_body(r), s->body));
    assert_int_equal(mst_hreq_keep_alive(r), s->keep_alive);
}

// Feeds [from, to) of z.
static mst_rc
feed(mst_hreq_t *r, const char *z, size_t from, size_t to)
{
    size_t taken;
    mst_rc rc = mst_hreq_feed(r, mst_str(z + from, to - from), &taken, NULL);
    assert_true(taken <= to - from);
    return rc;
}

static void
test_server_codec_whole(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        mst_hreq_t *r = mst_hreq_new(BODY_MAX);
        check(&samples[i], r, feed(r, samples[i].in, 0, strlen(samples[i].in)));
        mst_hreq_free(&r);
    }
}

static void
test_server_codec_byte_by_byte(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        mst_hreq_t *r = mst_hreq_new(BODY_MAX);
        mst_rc rc = MST_AGAIN;
        for (size_t at = 0; samples[i].in[at] != '\0' && rc == MST_AGAIN; at++)
            rc = feed(r, samples[i].in, at, at + 1);
        check(&samples[i], r, rc);
        mst_hreq_free(&r);
    }
}

static void
test_server_codec_every_two_cuts(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        const char *z = samples[i].in;
        size_t n = strlen(z);
        for (size_t cut = 1; cut < n; cut++) {
            mst_hreq_t *r = mst_hreq_new(BODY_MAX);
            mst_rc rc = feed(r, z, 0, cut);
            if (rc == MST_AGAIN)
                rc = feed(r, z, cut, n);
            check(&samples[i], r, rc);
            mst_hreq_free(&r);
        }
    }
}

static void
test_server_codec_pipelined(void **state)
{
    (void)state;
    const char *z = "POST /1 HTTP/1.1\r\n" HOST "X-Case-Id:  c 1 \r\nContent-Length: 2\r\n\r\nhi"
                    "GET /2 HTTP/1.1\r\n" HOST "x-empty:\r\n\r\n";
    mst_hreq_t *r = mst_hreq_new(BODY_MAX);
    size_t taken, second;
    assert_int_equal(mst_hreq_feed(r, mst_str_c(z), &taken, NULL), MST_OK);
    assert_true(mst_str_eq_c(mst_hreq_path(r), "/1"));
    assert_true(mst_str_eq_c(mst_hreq_header(r, MST_STR("x-case-ID")), "c 1"));
    assert_null(mst_hreq_header(r, MST_STR("x-other")).p);
    // a finished request takes nothing more
    assert_int_equal(mst_hreq_feed(r, mst_str_c(z + taken), &second, NULL), MST_OK);
    assert_int_equal(second, 0);
    mst_hreq_reset(r);
    assert_false(mst_hreq_started(r));
    assert_int_equal(mst_hreq_feed(r, mst_str_c(z + taken), &second, NULL), MST_OK);
    assert_true(mst_hreq_started(r));
    assert_int_equal(taken + second, strlen(z));
    assert_true(mst_str_eq_c(mst_hreq_path(r), "/2"));
    assert_non_null(mst_hreq_header(r, MST_STR("X-Empty")).p);
    assert_int_equal(mst_hreq_header(r, MST_STR("X-Empty")).n, 0);
    mst_hreq_free(&r);
}

static void
test_server_codec_expect(void **state)
{
    (void)state;
    const char *head = "POST / HTTP/1.1\r\n" HOST "Expect: 100-Continue\r\nContent-Length: 2\r\n\r\n";
    mst_hreq_t *r = mst_hreq_new(BODY_MAX);
    assert_false(mst_hreq_wants_continue(r));
    assert_int_equal(feed(r, head, 0, strlen(head)), MST_AGAIN);
    assert_true(mst_hreq_wants_continue(r));
    assert_false(mst_hreq_wants_continue(r));
    assert_int_equal(feed(r, "hi", 0, 2), MST_OK);
    mst_hreq_reset(r);
    // the body came along: nobody waits
    assert_int_equal(feed(r, head, 0, strlen(head)), MST_AGAIN);
    assert_int_equal(feed(r, "h", 0, 1), MST_AGAIN);
    assert_false(mst_hreq_wants_continue(r));
    mst_hreq_free(&r);
}

static void
test_server_codec_bounds(void **state)
{
    (void)state;
    mst_hreq_t *r = mst_hreq_new(BODY_MAX);
    mst_err_t err;
    size_t taken, n = MST_HTTP_HEADER_MAX + 1;
    char *flood = malloc(n);
    assert_non_null(flood);
    memset(flood, 'a', n);
    assert_int_equal(mst_hreq_feed(r, mst_str(flood, n), &taken, &err), MST_LIMIT);
    assert_int_equal(mst_hreq_error_status(r), 431);
    assert_non_null(strstr(err.message, "head is too large"));
    // the error stays
    assert_int_equal(feed(r, "GET / HTTP/1.1\r\n\r\n", 0, 18), MST_LIMIT);
    mst_hreq_reset(r);
    assert_int_equal(mst_hreq_feed(r, mst_str(flood, n - 1), &taken, &err), MST_AGAIN);
    free(flood);

    mst_hreq_reset(r);
    assert_int_equal(feed(r, "GET / HTTP/1.1\r\n", 0, 16), MST_AGAIN);
    for (int i = 0; i < MST_HREQ_HEADERS_MAX; i++)
        assert_int_equal(feed(r, "a: b\r\n", 0, 6), MST_AGAIN);
    assert_int_equal(feed(r, "a: b\r\n", 0, 6), MST_LIMIT);
    assert_int_equal(mst_hreq_error_status(r), 431);
    mst_hreq_free(&r);
}

static void
test_server_codec_answer(void **state)
{
    (void)state;
    mst_buf_t out;
    mst_buf_init(&out, 4096);
    mst_hres_t head = {.status = 429,
                       .length = 1234567890123,
                       .close = true,
                       .type = MST_STR("text/plain"),
                       .headers = MST_STR("Retry-After: 1\r\n")};
    assert_int_equal(mst_hres_head(&out, &head), MST_OK);
    assert_true(mst_str_eq_c(mst_buf_view(&out),
                             "HTTP/1.1 429 Too Many Requests\r\nContent-Type: text/plain\r\n"
                             "Content-Length: 1234567890123\r\nConnection: close\r\nRetry-After: 1\r\n\r\n"));
    mst_buf_reset(&out);
    mst_hres_t stream = {.status = 200, .framing = MST_HRES_CHUNKED};
    assert_int_equal(mst_hres_head(&out, &stream), MST_OK);
    assert_true(mst_str_eq_c(mst_buf_view(&out), "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"));
    mst_buf_reset(&out);
    size_t mark = mst_hres_chunk_begin(&out);
    mst_buf_add_c(&out, "data: 0123456789abc\n");
    mst_hres_chunk_end(&out, mark);
    mark = mst_hres_chunk_begin(&out); // empty: must not end the body
    mst_hres_chunk_end(&out, mark);
    mst_hres_last_chunk(&out);
    assert_true(mst_str_eq_c(mst_buf_view(&out), "00000014\r\ndata: 0123456789abc\n\r\n0\r\n\r\n"));
    mst_buf_deinit(&out);
}

// Chunks that the writer made are read back by the reader.
static void
test_server_codec_round_trip(void **state)
{
    (void)state;
    mst_buf_t out;
    mst_buf_init(&out, 4096);
    mst_buf_add_c(&out, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n");
    for (size_t n = 0; n < 8; n++) {
        size_t mark = mst_hres_chunk_begin(&out);
        mst_buf_add(&out, "01234567", n);
        mst_hres_chunk_end(&out, mark);
    }
    mst_hres_last_chunk(&out);
    mst_hreq_t *r = mst_hreq_new(BODY_MAX);
    assert_int_equal(feed(r, out.p, 0, out.n), MST_OK);
    assert_true(mst_str_eq_c(mst_hreq_body(r), "0010120123012340123450123456"));
    mst_hreq_free(&r);
    mst_buf_deinit(&out);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_server_codec_whole),          cmocka_unit_test(test_server_codec_byte_by_byte),
        cmocka_unit_test(test_server_codec_every_two_cuts), cmocka_unit_test(test_server_codec_pipelined),
        cmocka_unit_test(test_server_codec_expect),         cmocka_unit_test(test_server_codec_bounds),
        cmocka_unit_test(test_server_codec_answer),         cmocka_unit_test(test_server_codec_round_trip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
