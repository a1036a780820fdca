#include "common/http/client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/base/clock.h"
#include "common/base/limits.h"
#include "common/base/mem.h"
#include "tests/unit/http_rig.h"

enum { PARALLEL = 200, CHAINED = 1000 };

typedef struct {
    mst_loop_t *loop;
    mst_http_t *http;
    rig_t *rig;
    unsigned under_way, started, ended;
    mst_timer_t limit;
} world_t;

typedef struct {
    world_t *w;
    mst_http_call_t *call;
    char body[8192];
    size_t n, total, pieces, merged;
    int64_t first_rx_ns, last_rx_ns, before_ns;
    bool ordered, refuse_data, abort_in_data, done, chain;
    unsigned done_count;
    mst_http_result_t r;
    char content_type[64], server[64], request_id[64];
} ask_t;

static void
on_limit(void *ud)
{
    (void)ud;
    fail_msg("%s", "the loop still ran after 60 s");
}

static int
setup(void **state)
{
    world_t *w = calloc(1, sizeof *w);
    w->rig = rig_start();
    mst_http_opts_t opts = {.connections_max = 256, .user_agent = "muster-test"};
    if (mst_loop_new(&w->loop, NULL) != MST_OK || mst_http_new(w->loop, &opts, &w->http, NULL) != MST_OK)
        return -1;
    w->limit = (mst_timer_t){.fn = on_limit, .ud = w};
    *state = w;
    return 0;
}

static int
teardown(void **state)
{
    world_t *w = *state;
    mst_http_free(&w->http);
    mst_loop_free(&w->loop);
    rig_stop(w->rig);
    free(w);
    return 0;
}

static void
copy(char out[64], mst_str_t s)
{
    snprintf(out, 64, "%.*s", MST_FMT(s));
}

static bool
on_data(void *ud, mst_str_t bytes, int64_t rx_ns, bool merged)
{
    ask_t *a = ud;
    if (a->pieces == 0)
        a->first_rx_ns = rx_ns;
    if (rx_ns < a->last_rx_ns)
        a->ordered = false;
    a->last_rx_ns = rx_ns;
    a->pieces++;
    a->merged += merged;
    a->total += bytes.n;
    size_t room = sizeof a->body - 1 - a->n;
    size_t n = bytes.n < room ? bytes.n : room;
    memcpy(a->body + a->n, bytes.p, n);
    a->n += n;
    if (a->abort_in_data)
        mst_http_abort(a->w->http, a->call, MST_CANCELED, "enough");
    return !a->refuse_data;
}

static void ask(world_t *w, ask_t *a, const char *path);

static void
on_done(void *ud, const mst_http_result_t *r)
{
    ask_t *a = ud;
    world_t *w = a->w;
    a->r = *r;
    a->done = true;
    a->done_count++;
    copy(a->content_type, r->content_type);
    copy(a->server, r->server);
    copy(a->request_id, r->request_id);
    mst_http_abort(w->http, a->call, MST_CANCELED, "too late"); // does nothing any more
    w->under_way--;
    w->ended++;
    if (a->chain && w->started < CHAINED) {
        a->n = 0;
        ask(w, a, "/hello");
    } else if (w->under_way == 0) {
        mst_loop_stop(w->loop);
    }
}

static const mst_http_handler_t handler = {on_data, on_done};

static mst_rc
ask_request(world_t *w, ask_t *a, const mst_http_req_t *req, mst_err_t *err)
{
    a->w = w;
    a->ordered = true;
    a->before_ns = mst_mono_ns();
    mst_rc rc = mst_http_start(w->http, req, &handler, a, &a->call, err);
    if (rc == MST_OK) {
        w->under_way++;
        w->started++;
    }
    return rc;
}

static mst_http_req_t
request(const world_t *w, char url[256], const char *path)
{
    snprintf(url, 256, "http://127.0.0.1:%u%s", w->rig->port, path);
    return (mst_http_req_t){.method = "POST", .url = mst_str_c(url), .body = MST_STR("{}"), .body_max = MST_MIB};
}

static void
ask(world_t *w, ask_t *a, const char *path)
{
    char url[256];
    mst_http_req_t req = request(w, url, path);
    assert_int_equal(ask_request(w, a, &req, NULL), MST_OK);
}

static void
run(world_t *w)
{
    mst_loop_timer(w->loop, &w->limit, mst_mono_ns() + 60 * MST_NS_PER_S);
    mst_loop_run(w->loop);
    mst_loop_timer_stop(w->loop, &w->limit);
}

static void
ask_and_run(world_t *w, ask_t *a, const char *path)
{
    *a = (ask_t){0};
    ask(w, a, path);
    assert_false(a->done); // never from inside start
    run(w);
    assert_int_equal(a->done_count, 1);
}

static void
test_http_answer_with_its_facts(void **state)
{
    world_t *w = *state;
    ask_t a;
    ask_and_run(w, &a, "/hello");
    assert_int_equal(a.r.err.rc, MST_OK);
    assert_int_equal(a.r.status, 200);
    assert_string_equal(a.body, "hello");
    assert_string_equal(a.content_type, "text/plain");
    assert_string_equal(a.server, "rig/1");
    assert_string_equal(a.request_id, "req-7");
    assert_false(a.r.cut);
    assert_false(a.r.conn_reused);
    assert_true(a.r.sent);
    assert_int_equal(a.r.retry_after_ms, 0);
}

static void
test_http_stamps_are_the_kernels_and_in_order(void **state)
{
    world_t *w = *state;
    ask_t a;
    for (int i = 0; i < 100; i++) { // the kernel may need a moment before it stamps
        ask_and_run(w, &a, "/hello");
        if (a.r.send_source == MST_STAMP_KERNEL && a.r.rx_source == MST_STAMP_KERNEL)
            break;
        rig_pause();
    }
    assert_int_equal(a.r.send_source, MST_STAMP_KERNEL);
    assert_int_equal(a.r.rx_source, MST_STAMP_KERNEL);
    for (int i = 0; i < 20; i++) {
        ask_and_run(w, &a, "/chunked");
        assert_true(a.before_ns <= a.r.send_mono_ns);
        assert_true(a.r.send_mono_ns <= a.r.first_byte_mono_ns);
        assert_true(a.r.first_byte_mono_ns <= a.first_rx_ns);
        assert_true(a.first_rx_ns <= a.last_rx_ns);
        assert_true(a.last_rx_ns <= a.r.close_mono_ns);
        assert_true(a.r.close_mono_ns <= mst_mono_ns());
        assert_true(a.last_rx_ns - a.r.send_mono_ns < MST_NS_PER_S);
        assert_true(a.ordered);
        assert_int_equal(a.r.send_source, MST_STAMP_KERNEL);
        assert_int_equal(a.r.rx_source, MST_STAMP_KERNEL);
    }
    for (int i = 0; i < 200; i++) { // an answer at once, on a warm connection, must not slip past the stamps
        ask_and_run(w, &a, "/hello");
        assert_true(a.r.conn_reused);
        assert_true(a.r.send_mono_ns <= a.first_rx_ns);
        assert_int_equal(a.r.send_source, MST_STAMP_KERNEL);
        assert_int_equal(a.r.rx_source, MST_STAMP_KERNEL);
    }
}

static void
test_http_pieces_of_one_write_are_marked_as_merged(void **state)
{
    world_t *w = *state;
    ask_t a;
    ask_and_run(w, &a, "/burst");
    assert_string_equal(a.body, "abc");
    assert_int_equal(a.pieces, 3);
    assert_int_equal(a.merged, 2);
    assert_int_equal(a.r.merged_reads, 2);
    ask_and_run(w, &a, "/chunked");
    assert_string_equal(a.body, "abcdefabcdefabcdefabcdefabcdef");
    assert_int_equal(a.pieces, 5);
    assert_int_equal(a.r.merged_reads, a.merged);
}

// Held back until its time: on a new and on a warm connection it is written before, and never leaves early.
static void
test_http_request_leaves_at_its_time(void **state)
{
    world_t *w = *state;
    for (int i = 0; i < 4; i++) {
        char url[256];
        ask_t a = {0};
        mst_http_req_t req = request(w, url, "/hello");
        req.not_before_mono_ns = mst_mono_ns() + (i < 3 ? 20 : -20) * MST_NS_PER_MS;
        assert_int_equal(ask_request(w, &a, &req, NULL), MST_OK);
        run(w);
        assert_int_equal(a.r.err.rc, MST_OK);
        assert_string_equal(a.body, "hello");
        assert_true(a.r.send_mono_ns + MST_NS_PER_MS > req.not_before_mono_ns); // clocks are converted
        assert_true(a.r.first_byte_mono_ns >= a.r.send_mono_ns);
        assert_true(a.r.conn_reused == (i > 0));
    }
}

// One that is given up while it is held back ends like any other.
static void
test_http_held_request_can_be_given_up(void **state)
{
    world_t *w = *state;
    char url[256];
    ask_t a = {0};
    mst_http_req_t req = request(w, url, "/hello");
    req.not_before_mono_ns = mst_mono_ns() + 60 * MST_NS_PER_S;
    req.total_timeout_ms = 30;
    assert_int_equal(ask_request(w, &a, &req, NULL), MST_OK);
    run(w);
    assert_int_equal(a.r.err.rc, MST_TIMEOUT);
    assert_int_equal(a.done_count, 1);
}

static void
test_http_connections_are_kept_and_reused(void **state)
{
    world_t *w = *state;
    ask_t a;
    ask_and_run(w, &a, "/hello");
    assert_false(a.r.conn_reused);
    for (int i = 0; i < 10; i++) {
        ask_and_run(w, &a, "/hello");
        assert_true(a.r.conn_reused);
        assert_true(a.r.sent);
    }
    assert_int_equal(w->rig->opened, 1);
    assert_int_equal(w->rig->requests, 11);
}

static void
test_http_connection_that_the_server_closed_is_replaced(void **state)
{
    world_t *w = *state;
    ask_t a;
    for (int i = 0; i < 5; i++) {
        ask_and_run(w, &a, "/hello-then-close");
        assert_int_equal(a.r.err.rc, MST_OK);
        assert_string_equal(a.body, "hello");
    }
    assert_int_equal(w->rig->opened, 5);
}

static void
test_http_broken_answers_are_typed_errors(void **state)
{
    world_t *w = *state;
    static const struct {
        const char *path;
        int status;
        mst_rc rc;
        bool cut;
        const char *text;
    } cases[] = {
        {"/cut-head", 0, MST_CLOSED, false, "without an answer"},
        {"/cut-length", 200, MST_CLOSED, true, "before the answer was complete"},
        {"/cut-chunk", 200, MST_CLOSED, true, "before the answer was complete"},
        {"/bad-chunk", 200, MST_CLOSED, true, "answer"},
        {"/noise", 0, MST_INVAL, false, "not HTTP"},
        {"/gzip", 200, MST_PROTO, true, "compressed"},
        {"/head", 200, MST_LIMIT, true, "64 KiB"},
        {"/head-line", 200, MST_LIMIT, true, "64 KiB"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ask_t a;
        ask_and_run(w, &a, cases[i].path);
        if (a.r.err.rc != cases[i].rc || !strstr(a.r.err.message, cases[i].text))
            fail_msg("%s: rc %d, \"%s\"", cases[i].path, (int)a.r.err.rc, a.r.err.message);
        assert_int_equal(a.r.status, cases[i].status);
        assert_int_equal(a.r.cut, cases[i].cut);
        assert_true(a.r.sent);
        if (cases[i].rc == MST_CLOSED)
            assert_int_equal(a.r.err.retry, MST_RETRY_LATER);
    }
}

static void
test_http_refused_connection_says_so(void **state)
{
    world_t *w = *state;
    ask_t a = {0};
    mst_http_req_t req = {.method = "POST", .url = MST_STR("http://user:secret@127.0.0.1:1/v1?key=secret"),
                          .body_max = 10};
    assert_int_equal(ask_request(w, &a, &req, NULL), MST_OK);
    run(w);
    assert_int_equal(a.r.err.rc, MST_CLOSED);
    assert_int_equal(a.r.err.retry, MST_RETRY_LATER);
    assert_string_equal(a.r.err.message, "could not connect to 127.0.0.1:1: connection refused");
    assert_false(a.r.sent);
    assert_false(a.r.cut);
    assert_int_equal(a.r.status, 0);
    assert_int_equal(a.r.send_mono_ns, MST_NONE);
    assert_int_equal(a.r.send_source, MST_STAMP_NONE);
    assert_int_equal(a.r.first_byte_mono_ns, MST_NONE);
}

static void
test_http_second_address_of_a_name_is_tried(void **state)
{
    world_t *w = *state;
    ask_t a = {0};
    char url[256];
    mst_http_req_t req = request(w, url, "/hello");
    snprintf(url, sizeof url, "http://localhost:%u/hello", w->rig->port); // ::1 refuses, 127.0.0.1 answers
    req.url = mst_str_c(url);
    assert_int_equal(ask_request(w, &a, &req, NULL), MST_OK);
    run(w);
    assert_int_equal(a.r.err.rc, MST_OK);
    assert_string_equal(a.body, "hello");
}

static void
test_http_secure_connection_that_fails_is_denied(void **state)
{
    world_t *w = *state;
    ask_t a = {0};
    char url[256];
    mst_http_req_t req = request(w, url, "/hello");
    snprintf(url, sizeof url, "https://127.0.0.1:%u/hello", w->rig->port);
    req.url = mst_str_c(url);
    assert_int_equal(ask_request(w, &a, &req, NULL), MST_OK);
    run(w);
    assert_int_equal(a.r.err.rc, MST_DENIED);
    assert_int_equal(a.r.err.retry, MST_RETRY_NEVER);
    assert_false(a.r.sent);
}

static void
test_http_total_timeout(void **state)
{
    world_t *w = *state;
    static const char *const paths[] = {"/hang", "/hang-body"};
    for (int i = 0; i < 2; i++) {
        ask_t a = {0};
        char url[256];
        mst_http_req_t req = request(w, url, paths[i]);
        req.total_timeout_ms = 50;
        req.connect_timeout_ms = 20; // passes without harm: the connection is there
        assert_int_equal(ask_request(w, &a, &req, NULL), MST_OK);
        run(w);
        assert_int_equal(a.r.err.rc, MST_TIMEOUT);
        assert_int_equal(a.r.err.retry, MST_RETRY_LATER);
        assert_non_null(strstr(a.r.err.message, "50 ms"));
        assert_true(a.r.close_mono_ns - a.before_ns >= 50 * MST_NS_PER_MS);
        assert_true(a.r.sent);
        assert_int_equal(a.r.cut, i == 1);
    }
}

static void
test_http_connect_timeout(void **state)
{
    world_t *w = *state;
    int listener;
    uint16_t port = rig_listen(&listener, 0);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fill[4];
    for (int i = 0; i < 4; i++) { // nobody accepts: the queue is full and the next ones wait
        fill[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        (void)connect(fill[i], (struct sockaddr *)&to, sizeof to);
    }
    ask_t a = {0};
    char url[64];
    snprintf(url, sizeof url, "http://127.0.0.1:%u/", port);
    mst_http_req_t req = {.method = "GET", .url = mst_str_c(url), .body_max = 10, .connect_timeout_ms = 30,
                          .total_timeout_ms = 60000};
    assert_int_equal(ask_request(w, &a, &req, NULL), MST_OK);
    run(w);
    assert_int_equal(a.r.err.rc, MST_TIMEOUT);
    assert_non_null(strstr(a.r.err.message, "could not connect to 127.0.0.1:"));
    assert_non_null(strstr(a.r.err.message, "within 30 ms"));
    assert_false(a.r.sent);
    for (int i = 0; i < 4; i++)
        close(fill[i]);
    close(listener);
}

static void
on_abort_time(void *ud)
{
    ask_t *a = ud;
    mst_http_abort(a->w->http, a->call, MST_TIMEOUT, "no first token within 5 ms");
    assert_false(a->done); // comes in a later turn
}

static void
test_http_abort(void **state)
{
    world_t *w = *state;
    ask_t a = {0};
    ask(w, &a, "/hang-body");
    mst_timer_t timer = {.fn = on_abort_time, .ud = &a};
    mst_loop_timer(w->loop, &timer, mst_mono_ns() + 5 * MST_NS_PER_MS);
    run(w);
    assert_int_equal(a.done_count, 1);
    assert_int_equal(a.r.err.rc, MST_TIMEOUT);
    assert_string_equal(a.r.err.message, "no first token within 5 ms");
    // before curl has seen it
    a = (ask_t){0};
    ask(w, &a, "/hello");
    mst_http_abort(w->http, a.call, MST_CANCELED, NULL);
    mst_http_abort(w->http, a.call, MST_TIMEOUT, "a second reason does not count");
    assert_false(a.done);
    run(w);
    assert_int_equal(a.done_count, 1);
    assert_int_equal(a.r.err.rc, MST_CANCELED);
    assert_int_equal(a.r.err.retry, MST_RETRY_NEVER);
    assert_false(a.r.sent);
    // from inside on_data, both ways
    a = (ask_t){.abort_in_data = true};
    ask(w, &a, "/hang-body");
    run(w);
    assert_int_equal(a.done_count, 1);
    assert_string_equal(a.r.err.message, "enough");
    assert_int_equal(a.pieces, 1);
    a = (ask_t){.refuse_data = true};
    ask(w, &a, "/chunked");
    run(w);
    assert_int_equal(a.done_count, 1);
    assert_int_equal(a.r.err.rc, MST_CANCELED);
    assert_int_equal(a.pieces, 1);
    assert_true(a.r.cut);
    // the client is as good as new
    ask_and_run(w, &a, "/hello");
    assert_string_equal(a.body, "hello");
}

static void
test_http_answer_over_the_limit(void **state)
{
    world_t *w = *state;
    ask_t a = {0};
    char url[256];
    mst_http_req_t req = request(w, url, "/big");
    req.body_max = 100000;
    assert_int_equal(ask_request(w, &a, &req, NULL), MST_OK);
    run(w);
    assert_int_equal(a.r.err.rc, MST_LIMIT);
    assert_non_null(strstr(a.r.err.message, "100000"));
    assert_true(a.total <= 100000);
    a = (ask_t){0};
    req.body_max = 200000;
    assert_int_equal(ask_request(w, &a, &req, NULL), MST_OK);
    run(w);
    assert_int_equal(a.r.err.rc, MST_OK);
    assert_int_equal(a.total, 200000);
}

static void
test_http_request_as_it_leaves(void **state)
{
    world_t *w = *state;
    ask_t a = {0};
    char url[256];
    mst_http_req_t req = request(w, url, "/echo");
    mst_str_t headers[] = {MST_STR("Content-Type: application/json"), MST_STR("X-Case-Id: c-1")};
    req.headers = headers;
    req.header_count = 2;
    req.auth = MST_STR("Authorization: Bearer key-1");
    assert_int_equal(ask_request(w, &a, &req, NULL), MST_OK);
    run(w);
    assert_non_null(strstr(a.body, "POST /echo HTTP/1.1\r\n"));
    assert_non_null(strstr(a.body, "\r\nContent-Type: application/json\r\n"));
    assert_non_null(strstr(a.body, "\r\nX-Case-Id: c-1\r\n"));
    assert_non_null(strstr(a.body, "\r\nAuthorization: Bearer key-1\r\n"));
    assert_non_null(strstr(a.body, "\r\nAccept-Encoding: identity\r\n"));
    assert_non_null(strstr(a.body, "\r\nUser-Agent: muster-test\r\n"));
    assert_non_null(strstr(a.body, "\r\nContent-Length: 2\r\n"));
    assert_null(strstr(a.body, "Expect"));
    // the next one on the same handle has nothing of it
    a = (ask_t){0};
    req = request(w, url, "/echo");
    req.method = "GET";
    assert_int_equal(ask_request(w, &a, &req, NULL), MST_OK);
    run(w);
    assert_non_null(strstr(a.body, "GET /echo HTTP/1.1\r\n"));
    assert_null(strstr(a.body, "key-1"));
    assert_null(strstr(a.body, "Content-Length"));
    a = (ask_t){0};
    req.method = "DELETE";
    assert_int_equal(ask_request(w, &a, &req, NULL), MST_OK);
    run(w);
    assert_non_null(strstr(a.body, "DELETE /echo HTTP/1.1\r\n"));
    a = (ask_t){0};
    req.method = "POST";
    assert_int_equal(ask_request(w, &a, &req, NULL), MST_OK);
    run(w);
    assert_non_null(strstr(a.body, "POST /echo HTTP/1.1\r\n"));
}

static void
test_http_large_request_is_sent_whole(void **state)
{
    world_t *w = *state;
    ask_t a = {0};
    char url[256];
    size_t n = 3 * MST_MIB;
    char *body = malloc(n);
    memset(body, 'b', n);
    mst_http_req_t req = request(w, url, "/echo");
    req.body = mst_str(body, n);
    req.body_max = 4 * MST_MIB;
    assert_int_equal(ask_request(w, &a, &req, NULL), MST_OK);
    run(w);
    assert_int_equal(a.r.err.rc, MST_OK);
    assert_true(a.total > n);
    assert_true(a.r.sent);
    assert_true(a.r.send_mono_ns <= a.r.first_byte_mono_ns);
    free(body);
}

static void
test_http_bad_requests_are_refused(void **state)
{
    world_t *w = *state;
    ask_t a = {0};
    char url[256], longer[9000];
    mst_err_t err = {0};
    mst_http_req_t req = request(w, url, "/hello");
    mst_str_t split = MST_STR("X-A: b\r\nX-Evil: c"), empty = MST_STR("");
    req.headers = &split;
    req.header_count = 1;
    assert_int_equal(ask_request(w, &a, &req, &err), MST_INVAL);
    assert_non_null(strstr(err.message, "line break"));
    req.headers = &empty;
    assert_int_equal(ask_request(w, &a, &req, &err), MST_INVAL);
    req.header_count = 0;
    req.auth = MST_STR("Authorization: Bearer a\nb");
    assert_int_equal(ask_request(w, &a, &req, &err), MST_INVAL);
    assert_null(strstr(err.message, "Bearer"));
    req.auth = MST_STR_NULL;
    memset(longer, 'a', sizeof longer);
    req.url = mst_str(longer, sizeof longer);
    assert_int_equal(ask_request(w, &a, &req, &err), MST_INVAL);
    req.url = MST_STR_NULL;
    assert_int_equal(ask_request(w, &a, &req, &err), MST_INVAL);
    assert_null(a.call);
    static const char *const bad[] = {"http://[::1", "http://", "http://host:99999/", "127.0.0.1/no-scheme", "::"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        req.url = mst_str_c(bad[i]);
        assert_int_equal(ask_request(w, &a, &req, &err), MST_INVAL);
        assert_non_null(strstr(err.message, "malformed"));
    }
    assert_null(a.call);
    req.url = MST_STR("ftp://127.0.0.1/x"); // this one curl refuses
    assert_int_equal(ask_request(w, &a, &req, &err), MST_OK);
    run(w);
    assert_int_equal(a.r.err.rc, MST_INVAL);
    assert_int_equal(a.r.err.retry, MST_RETRY_NEVER);
}

static void
test_http_retry_after(void **state)
{
    world_t *w = *state;
    static const struct {
        const char *header;
        int64_t ms_min, ms_max;
    } cases[] = {
        {"Retry-After:+2", 2000, 2000},
        {"retry-after:+0.5", 500, 500},
        {"Retry-After:+120", 120000, 120000},
        {"Retry-After:+121", 0, 0},
        {"Retry-After:+-3", 0, 0},
        {"Retry-After:+soon", 0, 0},
        {"Retry-After:+nan", 0, 0},
        {"Retry-After:+1e400", 0, 0},
        {"Retry-After:", 0, 0},
        {"retry-after-ms:+250", 250, 250},
        {"retry-after-ms:+0.2", 1, 1},
        {"Retry-After:+Thu,+01+Jan+1970+00:00:10+GMT", 0, 0},
        {"Retry-After:+Fri,+01+Jan+2100+00:00:00+GMT", 0, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char path[128];
        snprintf(path, sizeof path, "/retry/%s", cases[i].header);
        ask_t a;
        ask_and_run(w, &a, path);
        assert_int_equal(a.r.status, 429);
        assert_int_equal(a.r.err.rc, MST_OK); // what a status means is not decided here
        assert_string_equal(a.body, "slow");
        if (a.r.retry_after_ms < cases[i].ms_min || a.r.retry_after_ms > cases[i].ms_max)
            fail_msg("%s: %lld", cases[i].header, (long long)a.r.retry_after_ms);
    }
    char iso[25], path[128];
    mst_wall_iso(mst_wall_ns() + 60 * MST_NS_PER_S, iso, sizeof iso); // 2026-11-20T10:24:00.123Z
    snprintf(path, sizeof path, "/retry/Retry-After:+%.4s%.2s%.2s+%.8s+GMT", iso, iso + 5, iso + 8, iso + 11);
    ask_t a;
    ask_and_run(w, &a, path);
    assert_true(a.r.retry_after_ms > 0 && a.r.retry_after_ms <= 60000);
}

static void
test_http_interim_answer_is_not_the_answer(void **state)
{
    world_t *w = *state;
    ask_t a;
    ask_and_run(w, &a, "/continue");
    assert_int_equal(a.r.status, 201);
    assert_string_equal(a.body, "hello");
    assert_string_equal(a.server, "");
}

static void
test_http_many_at_once_each_ends_once(void **state)
{
    world_t *w = *state;
    ask_t *asks = calloc(PARALLEL, sizeof *asks);
    for (int i = 0; i < PARALLEL; i++) {
        asks[i].chain = true;
        ask(w, &asks[i], "/hello");
    }
    run(w);
    assert_int_equal(w->ended, CHAINED);
    assert_int_equal(w->under_way, 0);
    assert_true(w->rig->opened <= PARALLEL);
    for (int i = 0; i < PARALLEL; i++) {
        assert_int_equal(asks[i].r.err.rc, MST_OK);
        assert_int_equal(asks[i].n, 5);
    }
    free(asks);
}

static void
test_http_damaged_answers_end_once_too(void **state)
{
    world_t *w = *state;
    unsigned failed = 0;
    for (int i = 0; i < 500; i++) {
        char url[256], path[32];
        snprintf(path, sizeof path, "/mutate/%d", i);
        ask_t a = {0};
        mst_http_req_t req = request(w, url, path);
        req.total_timeout_ms = 10000;
        assert_int_equal(ask_request(w, &a, &req, NULL), MST_OK);
        run(w);
        assert_int_equal(a.done_count, 1);
        assert_true(a.r.err.rc == MST_OK || a.r.err.message[0]);
        failed += a.r.err.rc != MST_OK;
    }
    assert_true(failed > 50 && failed < 500);
}

static void
on_stop(void *ud)
{
    mst_loop_stop(((world_t *)ud)->loop);
}

static void
test_http_free_ends_calls_without_a_word(void **state)
{
    world_t *w = *state;
    ask_t *asks = calloc(12, sizeof *asks);
    for (int i = 0; i < 10; i++)
        ask(w, &asks[i], i % 2 ? "/hang" : "/hang-body");
    mst_timer_t timer = {.fn = on_stop, .ud = w};
    mst_loop_timer(w->loop, &timer, mst_mono_ns() + 5 * MST_NS_PER_MS);
    run(w);
    ask(w, &asks[10], "/hello"); // not with curl yet
    ask(w, &asks[11], "/hello");
    mst_http_abort(w->http, asks[11].call, MST_CANCELED, "never told");
    mst_http_abort(w->http, asks[0].call, MST_CANCELED, "never told");
    mst_http_free(&w->http);
    assert_null(w->http);
    for (int i = 0; i < 12; i++)
        assert_false(asks[i].done);
    mst_loop_timer(w->loop, &timer, mst_mono_ns() + MST_NS_PER_MS);
    mst_loop_run(w->loop); // nothing of it is left in the loop
    mst_http_free(&w->http);
    free(asks);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_http_answer_with_its_facts),
        TEST(test_http_stamps_are_the_kernels_and_in_order),
        TEST(test_http_pieces_of_one_write_are_marked_as_merged),
        TEST(test_http_connections_are_kept_and_reused),
        TEST(test_http_request_leaves_at_its_time),
        TEST(test_http_held_request_can_be_given_up),
        TEST(test_http_connection_that_the_server_closed_is_replaced),
        TEST(test_http_broken_answers_are_typed_errors),
        TEST(test_http_refused_connection_says_so),
        TEST(test_http_second_address_of_a_name_is_tried),
        TEST(test_http_secure_connection_that_fails_is_denied),
        TEST(test_http_total_timeout),
        TEST(test_http_connect_timeout),
        TEST(test_http_abort),
        TEST(test_http_answer_over_the_limit),
        TEST(test_http_request_as_it_leaves),
        TEST(test_http_large_request_is_sent_whole),
        TEST(test_http_bad_requests_are_refused),
        TEST(test_http_retry_after),
        TEST(test_http_interim_answer_is_not_the_answer),
        TEST(test_http_many_at_once_each_ends_once),
        TEST(test_http_damaged_answers_end_once_too),
        TEST(test_http_free_ends_calls_without_a_word),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
