// The simulated backend over real sockets, asked by a raw client.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/base/clock.h"
#include "sim_client.h"

static void
test_sim_server_routes(void **state)
{
    (void)state;
    mst_sim_opts_t o = defaults();
    o.api_key = "k1";
    o.model = "m";
    mst_sim_t *s = start(&o);
    char *a = ask_raw(s, MST_STR("GET /health HTTP/1.1\r\nHost: h\r\n" CLOSE "\r\n"));
    assert_int_equal(status(a), 200);
    assert_non_null(strstr(a, "Server: muster-sim/"));
    free(a);
    a = ask_raw(s, MST_STR("GET /v1/models HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer k1\r\n" CLOSE "\r\n"));
    assert_int_equal(status(a), 200);
    assert_non_null(strstr(a, "\"id\":\"m\""));
    free(a);
    a = ask_raw(s,
                MST_STR("GET /v1/chat/completions HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer k1\r\n" CLOSE "\r\n"));
    assert_int_equal(status(a), 405);
    assert_non_null(strstr(a, "Allow: POST\r\n"));
    free(a);
    a = ask_raw(s, MST_STR("GET /v2 HTTP/1.1\r\nHost: h\r\n" CLOSE "\r\n"));
    assert_int_equal(status(a), 404);
    free(a);
    a = ask_raw(s, MST_STR("POST /v1/chat/completions HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999\r\n\r\n"));
    assert_int_equal(status(a), 413);
    free(a);
    a = ask_raw(s, MST_STR("nonsense\r\n\r\n"));
    assert_int_equal(status(a), 400);
    free(a);
    expect(s, "", HELLO, 401, "invalid_api_key");
    expect(s, "Authorization: Bearer k\r\n", HELLO, 401, "invalid_api_key");
    expect(s, "Authorization: Bearer k1\r\n", HELLO, 200, "\"object\":\"chat.completion\"");
    expect(s, "Authorization: Bearer k1\r\n", "{\"model\":\"x\",\"messages\":[{\"role\":\"user\"}]}", 404,
           "model_not_found");
    mst_sim_stop(&s);
}

static void
test_sim_server_bad_requests(void **state)
{
    (void)state;

    static const struct {
        const char *body, *part;
    } samples[] = {
        {"{", "invalid_json"},
        {"", "invalid_json"},
        {"[]", "must be a JSON object"},
        {"{\"model\":1,\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]}", "\"param\":\"model\""},
        {"{\"model\":\"m\"}", "\"param\":\"messages\""},
        {"{\"messages\":[]}", "\"param\":\"messages\""},
        {"{\"messages\":[1]}", "\"param\":\"messages\""},
        {"{\"messages\":[{\"role\":\"user\",\"content\":1}]}", "\"param\":\"messages\""},
        {"{\"stream\":1,\"messages\":[{\"role\":\"user\"}]}", "\"param\":\"stream\""},
        {"{\"n\":0,\"messages\":[{\"role\":\"user\"}]}", "\"param\":\"n\""},
        {"{\"max_tokens\":0,\"messages\":[{\"role\":\"user\"}]}", "\"param\":\"max_tokens\""},
        {"{\"top_logprobs\":2,\"messages\":[{\"role\":\"user\"}]}", "\"param\":\"top_logprobs\""},
        {"{\"logprobs\":true,\"top_logprobs\":21,\"messages\":[{\"role\":\"user\"}]}", "\"param\":\"top_logprobs\""},
    };

    mst_sim_opts_t o = defaults();
    mst_sim_t *s = start(&o);
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++)
        expect(s, "", samples[i].body, 400, samples[i].part);
    mst_sim_stop(&s);
}

static void
test_sim_server_answers(void **state)
{
    (void)state;
    mst_sim_opts_t o = defaults();
    o.tokens_min = o.tokens_max = 9;
    mst_sim_t *s = start(&o);
    char *a = ask(s, "x-request-id: rq 7\r\n", HELLO);
    assert_non_null(strstr(a, "x-request-id: rq 7\r\n"));
    assert_non_null(strstr(a, "\"completion_tokens\":9"));
    assert_non_null(strstr(a, "\"finish_reason\":\"stop\""));
    char *b = ask(s, "x-request-id: rq 7\r\n", HELLO);
    assert_string_equal(a, b); // the same question, the same bytes
    free(b);
    free(a);
    a = ask(s, "", HELLO_STREAM);
    assert_int_equal(count(a, "data: {"), 1 + 9 + 1 + 1);
    assert_int_equal(count(a, "data: [DONE]"), 1);
    assert_true(mst_str_ends(mst_str_c(a), MST_STR("\r\n0\r\n\r\n")));
    assert_int_equal(count(a, "\"role\":\"assistant\""), 1);
    assert_true(strstr(a, "\"role\"") < strstr(a, "\"finish_reason\":\"stop\""));
    free(a);
    expect(s, "", "{\"max_completion_tokens\":4,\"messages\":[{\"role\":\"user\",\"content\":\"hello\"}]}", 200,
           "\"finish_reason\":\"length\"");
    mst_sim_stop(&s);
}

// Another seed and another order of asking: the first changes the answers, the second does not.
static void
test_sim_server_determinism(void **state)
{
    (void)state;
    mst_sim_opts_t o = defaults();
    char *seen[3][8];
    for (int run = 0; run < 3; run++) {
        o.seed = run == 2 ? 5 : 1;
        mst_sim_t *s = start(&o);
        for (int i = 0; i < 8; i++) {
            int k = run == 1 ? 7 - i : i;
            char id[64];
            snprintf(id, sizeof id, "x-request-id: r\r\nX-Case-Id: c%d\r\n", k);
            seen[run][k] = ask(s, id, HELLO_STREAM);
        }
        mst_sim_stop(&s);
    }
    for (int i = 0; i < 8; i++) {
        assert_string_equal(seen[0][i], seen[1][i]);
        assert_string_not_equal(seen[0][i], seen[2][i]);
        for (int run = 0; run < 3; run++)
            free(seen[run][i]);
    }
}

static void
test_sim_server_keep_alive_and_pipelining(void **state)
{
    (void)state;
    mst_sim_opts_t o = defaults();
    o.echo = true;
    mst_sim_t *s = start(&o);
    mst_buf_t q, a;
    mst_buf_init(&q, 1 << 20);
    mst_buf_init(&a, 64 << 20);
    for (int i = 0; i < 400; i++) {
        char body[128];
        snprintf(body, sizeof body, "{\"stream\":%s,\"messages\":[{\"role\":\"user\",\"content\":\"#%03d\"}]}",
                 i % 2 ? "true" : "false", i);
        add_request(&q, i == 399 ? CLOSE : "", body);
    }
    int fd = dial(s);
    put(fd, mst_buf_view(&q)); // all at once
    get(fd, &a, NULL);
    close(fd);
    mst_buf_add_byte(&a, '\0');
    assert_int_equal(count(a.p, "HTTP/1.1 200 OK"), 400);
    const char *at = a.p;
    for (int i = 0; i < 400; i++) { // in order, each with its own answer
        char part[32];
        snprintf(part, sizeof part, "\"content\":\"#%03d\"", i);
        at = strstr(at, part);
        assert_non_null(at);
    }
    mst_buf_deinit(&q);
    mst_buf_deinit(&a);
    mst_sim_stop(&s);
}

static void
test_sim_server_byte_by_byte(void **state)
{
    (void)state;
    mst_sim_opts_t o = defaults();
    mst_sim_t *s = start(&o);
    mst_buf_t q, a;
    mst_buf_init(&q, 1 << 20);
    mst_buf_init(&a, 1 << 20);
    add_request(&q, CLOSE "x-request-id: r\r\n", HELLO);
    char *whole = ask_raw(s, mst_buf_view(&q));
    int fd = dial(s), one = 1;
    assert_int_equal(setsockopt(fd, 6, 1, &one, sizeof one), 0); // TCP_NODELAY
    for (size_t i = 0; i < q.n; i++)
        put(fd, mst_str(q.p + i, 1));
    get(fd, &a, NULL);
    close(fd);
    mst_buf_add_byte(&a, '\0');
    assert_string_equal(a.p, whole);
    free(whole);
    mst_buf_deinit(&q);
    mst_buf_deinit(&a);
    mst_sim_stop(&s);
}

// An answer of a megabyte, read slowly by a client whose window is small: nothing is lost, streamed or not.
static void
test_sim_server_large_answer(void **state)
{
    (void)state;

    enum { BYTES = 1 << 20 };

    mst_sim_opts_t o = defaults();
    o.echo = true;
    o.tokens_per_event = 16;
    mst_sim_t *s = start(&o);
    for (int stream = 0; stream < 2; stream++) {
        mst_buf_t body;
        mst_buf_init(&body, 4 << 20);
        mst_buf_addf(&body, "{\"stream\":%s,\"messages\":[{\"role\":\"user\",\"content\":\"",
                     stream ? "true" : "false");
        for (int i = 0; i < BYTES / 8; i++)
            mst_buf_add_c(&body, "0123456 ");
        mst_buf_add(&body, "\"}]}", 5);
        char *a = ask(s, "Expect: 100-continue\r\n", body.p);
        assert_int_equal(status(a), a[9] == '1' ? 100 : 200); // the body may have come with the head
        assert_int_equal(count(a, "HTTP/1.1 200 OK"), 1);
        if (stream) {
            assert_int_equal(count(a, "data: [DONE]"), 1);
            assert_int_equal(count(a, "0123456"), BYTES / 8);
        } else {
            assert_int_equal(count(a, "0123456 "), BYTES / 8);
        }
        free(a);
        mst_buf_deinit(&body);
    }
    mst_sim_stop(&s);
}

static void
test_sim_server_faults(void **state)
{
    (void)state;
    mst_sim_opts_t o = defaults();
    o.p_429 = 1;
    o.retry_after_s = 2.5;
    mst_sim_t *s = start(&o);
    expect(s, "", HELLO, 429, "Retry-After: 2.5\r\n");
    mst_sim_stop(&s);
    o = defaults();
    o.p_500 = 1;
    s = start(&o);
    expect(s, "", HELLO_STREAM, 500, "server_error");
    mst_sim_stop(&s);

    o = defaults();
    o.p_cut = 1;
    o.tokens_min = o.tokens_max = 20;
    s = start(&o);
    char *a = ask(s, "", HELLO_STREAM); // the role and half of the tokens
    assert_int_equal(count(a, "data: "), 11);
    assert_int_equal(count(a, "finish_reason\":\"stop"), 0);
    assert_false(mst_str_ends(mst_str_c(a), MST_STR("0\r\n\r\n")));
    free(a);
    a = ask(s, "", HELLO); // fewer bytes than announced
    const char *length = strstr(a, "Content-Length: "), *body = strstr(a, "\r\n\r\n");
    assert_non_null(length);
    assert_non_null(body);
    assert_true(strlen(body + 4) == strtoul(length + 16, NULL, 10) / 2);
    free(a);
    mst_sim_stop(&s);

    o = defaults();
    o.p_malformed = 1;
    s = start(&o);
    a = ask(s, "", HELLO_STREAM);
    assert_int_equal(count(a, "data: [DONE]"), 1);
    size_t events = count(a, "data: {"), broken = 0;
    for (const char *p = a; (p = strstr(p, "data: {")) != NULL; p++) {
        const char *end = strstr(p, "\n\n");
        assert_non_null(end);
        broken += memcmp(end - 2, "]}", 2) != 0 && memcmp(end - 5, "null}", 5) != 0 && memcmp(end - 2, "}}", 2) != 0;
    }
    assert_true(events > 10);
    assert_int_equal(broken, 1);
    free(a);
    mst_sim_stop(&s);
}

static void
test_sim_server_hangs(void **state)
{
    (void)state;
    for (int after = 0; after < 2; after++) {
        mst_sim_opts_t o = defaults();
        o.p_hang_before = after ? 0 : 1;
        o.p_hang_after = after ? 1 : 0;
        mst_sim_t *s = start(&o);
        mst_buf_t q, a;
        mst_buf_init(&q, 1 << 16);
        mst_buf_init(&a, 1 << 20);
        add_request(&q, "", HELLO_STREAM);
        int fd = dial(s);
        put(fd, mst_buf_view(&q));
        if (after) {
            get(fd, &a, "\"usage\":null}\n\n\r\n"); // the head, the role and one token may come in two pieces
            while (mst_str_find(mst_buf_view(&a), MST_STR("{\"content\":\""), 0) < 0)
                get(fd, &a, "\"usage\":null}\n\n\r\n");
            mst_buf_add_byte(&a, '\0');
            assert_int_equal(count(a.p, "data: "), 2);
        }
        struct pollfd p = {fd, POLLIN, 0};
        assert_int_equal(poll(&p, 1, 200), 0); // silence, and no close
        close(fd);
        mst_buf_deinit(&q);
        mst_buf_deinit(&a);
        mst_sim_stop(&s); // does not wait for the hanging one
    }
}

// A 500 with probability one half: retries with another attempt number get through.
static void
test_sim_server_retry_may_succeed(void **state)
{
    (void)state;
    mst_sim_opts_t o = defaults();
    o.p_500 = 0.5;
    mst_sim_t *s = start(&o);
    for (int i = 0; i < 20; i++) {
        int code = 500, attempt = 0;
        while (code == 500 && attempt < 60) {
            char headers[96];
            snprintf(headers, sizeof headers, "X-Case-Id: c%d\r\nX-Attempt: %d\r\n", i, ++attempt);
            char *a = ask(s, headers, HELLO), *b = ask(s, headers, HELLO);
            code = status(a);
            assert_int_equal(code, status(b));
            free(a);
            free(b);
        }
        assert_int_equal(code, 200);
    }
    mst_sim_stop(&s);
}

static void
test_sim_server_logprobs(void **state)
{
    (void)state;
    mst_sim_opts_t o = defaults();
    o.tokens_min = o.tokens_max = 200;
    o.logprob_nan = o.logprob_sentinel = o.logprob_null = 0.25;
    mst_sim_t *s = start(&o);
    char *a = ask(s, "", "{\"logprobs\":true,\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}");
    size_t nan = count(a, "\"logprob\":NaN,"), sentinel = count(a, "\"logprob\":-9999.0,"),
           null = count(a, "\"logprob\":null,"), all = count(a, "\"logprob\":"), minus = count(a, "\"logprob\":-");
    assert_int_equal(all, 200);
    assert_true(nan > 25 && nan < 80 && sentinel > 25 && sentinel < 80 && null > 25 && null < 80);
    assert_int_equal(minus + nan + null, 200); // every number is negative
    free(a);
    mst_sim_stop(&s);
}

static void
test_sim_server_connection_cap(void **state)
{
    (void)state;
    mst_sim_opts_t o = defaults();
    o.connections_max = 2;
    mst_sim_t *s = start(&o);
    int a = dial(s), b = dial(s);
    mst_buf_t q, got;
    mst_buf_init(&q, 1 << 16);
    mst_buf_init(&got, 1 << 20);
    add_request(&q, "", HELLO);
    const int both[] = {a, b};
    for (int i = 0; i < 2; i++) {
        mst_buf_reset(&got);
        put(both[i], mst_buf_view(&q)); // both are accepted once they have answers
        get(both[i], &got, "}}}");
    }
    char *third = ask_raw(s, MST_STR("GET /health HTTP/1.1\r\nHost: h\r\n\r\n"));
    assert_int_equal(status(third), 503);
    free(third);
    put(a, mst_buf_view(&q)); // the others are not disturbed
    mst_buf_reset(&got);
    get(a, &got, "}}}");
    assert_int_equal(count(mst_buf_add_byte(&got, '\0') == MST_OK ? got.p : "", "200 OK"), 1);
    close(a);
    close(b);
    mst_buf_deinit(&q);
    mst_buf_deinit(&got);
    mst_sim_stop(&s);
}

// The whole of a small file, NUL-terminated.
static void
slurp(const char *path, char *out, size_t out_bytes)
{
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    size_t n = fread(out, 1, out_bytes - 1, f);
    out[n] = '\0';
    fclose(f);
}

// Takes the number that follows `key`.
static int64_t
number_after(const char *text, const char *key)
{
    const char *p = strstr(text, key);
    assert_non_null(p);
    return strtoll(p + strlen(key), NULL, 10);
}

static void
test_sim_server_truth(void **state)
{
    (void)state;
    char path[] = "/tmp/test_sim_truth.XXXXXX";
    int file = mkstemp(path);
    assert_true(file >= 0);
    mst_sim_opts_t o = defaults();
    o.truth_path = path;
    o.ttft_ms = 5;
    o.itl_ms = 2;
    o.tokens_min = o.tokens_max = 6;
    mst_sim_t *s = start(&o);
    int64_t before = mst_mono_ns();
    free(ask(s, "x-request-id: r1\r\nX-Case-Id: c\"1\r\nX-Repeat: 3\r\nX-Attempt: 2\r\n", HELLO_STREAM));
    int64_t after = mst_mono_ns();
    free(ask(s, "x-request-id: r2\r\n", HELLO));
    mst_sim_stop(&s);
    char text[16384];
    close(file);
    slurp(path, text, sizeof text);
    unlink(path);
    assert_int_equal(count(text, "\n"), 2);
    assert_non_null(
        strstr(text, "{\"request_id\":\"r1\",\"case_id\":\"c\\\"1\",\"repeat\":3,\"attempt\":2,\"recv_ns\":"));
    assert_non_null(strstr(text, "{\"request_id\":\"r2\",\"case_id\":null,\"repeat\":null,\"attempt\":1,"));
    assert_int_equal(count(text, ",1,\"content\"]"), 6);
    assert_int_equal(count(text, ",6,\"body\"]"), 1);
    assert_int_equal(count(text, ",0,\"role\"]"), 1);
    assert_int_equal(count(text, ",0,\"done\"]"), 1);
    int64_t recv = number_after(text, "\"recv_ns\":"), last = recv + 5000000 - 1;
    // conversion from the kernel's clock is good to far less than a millisecond
    assert_true(recv > before - 1000000 && recv < after);
    const char *p = strstr(text, "\"events\":[[") + 11, *end = strchr(text, '\n');
    for (int i = 0; p < end; i++) {
        int64_t t0 = strtoll(p, NULL, 10), t1 = strtoll(strchr(p, ',') + 1, NULL, 10);
        assert_true(t0 >= before && t1 >= t0 && t1 <= after);
        assert_true(i == 0 || t0 >= last); // no token earlier than the plan says
        last = t0;
        const char *next = strstr(p, "],[");
        p = next != NULL && next < end ? next + 3 : end;
    }
    mst_sim_stop(&s);
}

// A client that has shut its sending side still gets its answer, at once or in time.
static void
test_sim_server_half_close(void **state)
{
    (void)state;
    for (int slow = 0; slow < 2; slow++) {
        mst_sim_opts_t o = defaults();
        o.ttft_ms = slow ? 30 : 0;
        mst_sim_t *s = start(&o);
        mst_buf_t q, a;
        mst_buf_init(&q, 1 << 16);
        mst_buf_init(&a, 1 << 20);
        add_request(&q, "", HELLO_STREAM);
        add_request(&q, "", HELLO);
        int fd = dial(s);
        put(fd, mst_buf_view(&q));
        assert_int_equal(shutdown(fd, SHUT_WR), 0);
        get(fd, &a, NULL);
        close(fd);
        mst_buf_add_byte(&a, '\0');
        assert_int_equal(count(a.p, "200 OK"), 2);
        assert_int_equal(count(a.p, "[DONE]"), 1);
        mst_buf_deinit(&q);
        mst_buf_deinit(&a);
        mst_sim_stop(&s);
    }
}

static void
test_sim_server_http10(void **state)
{
    (void)state;
    mst_sim_opts_t o = defaults();
    mst_sim_t *s = start(&o);
    mst_buf_t q;
    mst_buf_init(&q, 1 << 16);
    mst_buf_addf(&q, "POST /v1/chat/completions HTTP/1.0\r\nContent-Length: %zu\r\n\r\n%s", strlen(HELLO_STREAM),
                 HELLO_STREAM);
    char *a = ask_raw(s, mst_buf_view(&q)); // no chunks: the close ends it
    assert_int_equal(count(a, "Transfer-Encoding"), 0);
    assert_int_equal(count(a, "Connection: close\r\n"), 1);
    assert_true(mst_str_ends(mst_str_c(a), MST_STR("\n\ndata: [DONE]\n\n")));
    free(a);
    a = ask_raw(s, MST_STR("GET /health HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /health HTTP/1.0\r\n\r\n"));
    assert_int_equal(count(a, "Connection: keep-alive\r\n"), 1);
    assert_int_equal(count(a, "200 OK"), 2);
    free(a);
    mst_buf_deinit(&q);
    mst_sim_stop(&s);
}

// Clients that leave in the middle are recorded as such, and the server goes on.
static void
test_sim_server_client_leaves(void **state)
{
    (void)state;
    char path[] = "/tmp/test_sim_truth.XXXXXX", text[65536];
    int file = mkstemp(path);
    assert_true(file >= 0);
    close(file);
    mst_sim_opts_t o = defaults();
    o.truth_path = path;
    o.itl_ms = 2;
    o.tokens_min = o.tokens_max = 5000;
    o.p_hang_after = 0.5;
    mst_sim_t *s = start(&o);
    mst_buf_t q, a;
    mst_buf_init(&q, 1 << 16);
    mst_buf_init(&a, 1 << 20);
    for (int i = 0; i < 20; i++) {
        char id[64];
        snprintf(id, sizeof id, "X-Case-Id: c%d\r\n", i);
        mst_buf_reset(&q);
        add_request(&q, id, HELLO_STREAM);
        int fd = dial(s);
        put(fd, mst_buf_view(&q));
        struct pollfd p = {fd, POLLIN, 0};
        assert_int_equal(poll(&p, 1, WAIT_MS), 1); // the answer has begun
        struct linger now = {1, 0};
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now); // leaves with a reset
        close(fd);
    }
    char *alive = ask_raw(s, MST_STR("GET /health HTTP/1.1\r\nHost: h\r\n" CLOSE "\r\n"));
    assert_int_equal(status(alive), 200);
    free(alive);
    mst_sim_stop(&s);
    slurp(path, text, sizeof text);
    unlink(path);
    size_t closed = count(text, "\"end\":\"closed\""), hanging = count(text, "\"end\":\"hanging\"");
    assert_int_equal(closed + hanging, 20);
    assert_int_equal(count(text, "[0,"), 0); // what was never sent is not in it
    assert_true(closed > 3 && hanging > 3);
    assert_int_equal(count(text, "\n"), 21);
    mst_buf_deinit(&q);
    mst_buf_deinit(&a);
}

// Many streams at once on one loop, each with its own text: nothing is mixed up, and steps are shared.
static void
test_sim_server_many_streams(void **state)
{
    (void)state;

    enum { N = 100, EVENTS = 8 };

    mst_sim_opts_t o = defaults();
    o.echo = o.sync_steps = true;
    o.ttft_ms = 3;
    o.itl_ms = 4;
    mst_sim_t *s = start(&o);
    static int fds[N];
    mst_buf_t q, a;
    mst_buf_init(&q, 1 << 16);
    mst_buf_init(&a, 1 << 20);
    for (int i = 0; i < N; i++) {
        char body[256];
        snprintf(body, sizeof body,
                 "{\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":\"%03d %03d %03d %03d %03d %03d %03d "
                 "%03d\"}]}",
                 i, i, i, i, i, i, i, i);
        mst_buf_reset(&q);
        add_request(&q, CLOSE, body);
        fds[i] = dial(s);
        put(fds[i], mst_buf_view(&q));
    }
    for (int i = 0; i < N; i++) {
        char first[32], later[32];
        mst_buf_reset(&a);
        get(fds[i], &a, NULL);
        close(fds[i]);
        mst_buf_add_byte(&a, '\0');
        snprintf(first, sizeof first, "\"content\":\"%03d\"", i);
        snprintf(later, sizeof later, "\"content\":\" %03d\"", i);
        assert_int_equal(count(a.p, first), 1);
        assert_int_equal(count(a.p, later), EVENTS - 1);
        assert_int_equal(count(a.p, "data: {"), EVENTS + 2);
    }
    mst_buf_deinit(&q);
    mst_buf_deinit(&a);
    mst_sim_stop(&s);
}

static void
test_sim_server_start_errors(void **state)
{
    (void)state;
    mst_sim_opts_t o = defaults();
    mst_sim_t *s = start(&o), *other = NULL;
    mst_err_t err;
    o.port = mst_sim_port(s);
    assert_int_equal(mst_sim_start(&o, &other, &err), MST_CONFLICT);
    assert_null(other);
    mst_sim_stop(&s);
    o = defaults();
    o.replies_path = "/nonexistent/x.jsonl";
    assert_int_equal(mst_sim_start(&o, &other, &err), MST_NOTFOUND);
    assert_non_null(strstr(err.message, "/nonexistent/x.jsonl"));
    o = defaults();
    o.truth_path = "/nonexistent/x.jsonl";
    assert_int_equal(mst_sim_start(&o, &other, &err), MST_IO);
    o = defaults();
    o.p_cut = 2;
    assert_int_equal(mst_sim_start(&o, &other, &err), MST_INVAL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sim_server_routes),
        cmocka_unit_test(test_sim_server_bad_requests),
        cmocka_unit_test(test_sim_server_answers),
        cmocka_unit_test(test_sim_server_determinism),
        cmocka_unit_test(test_sim_server_keep_alive_and_pipelining),
        cmocka_unit_test(test_sim_server_byte_by_byte),
        cmocka_unit_test(test_sim_server_large_answer),
        cmocka_unit_test(test_sim_server_faults),
        cmocka_unit_test(test_sim_server_hangs),
        cmocka_unit_test(test_sim_server_retry_may_succeed),
        cmocka_unit_test(test_sim_server_logprobs),
        cmocka_unit_test(test_sim_server_connection_cap),
        cmocka_unit_test(test_sim_server_truth),
        cmocka_unit_test(test_sim_server_half_close),
        cmocka_unit_test(test_sim_server_http10),
        cmocka_unit_test(test_sim_server_client_leaves),
        cmocka_unit_test(test_sim_server_many_streams),
        cmocka_unit_test(test_sim_server_start_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
