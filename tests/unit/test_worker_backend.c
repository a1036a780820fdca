// The worker against the simulated backend over real HTTP: every outcome that a backend can cause, and what is
// done about it. Timeouts are short because the tests set them, not because a machine is fast: each test waits
// for what must come and asserts what it was.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sim/sim.h"
#include "worker_peers.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct {
    peers_t p;
    mst_sim_t *sim;
    char url[64];
} rig_t;

static void
sim_start(rig_t *r, void (*set)(mst_sim_opts_t *o))
{
    mst_sim_opts_t o;
    mst_err_t err = {0};
    mst_sim_defaults(&o);
    o.host = "127.0.0.1";
    o.port = 0;
    o.seed = 11;
    o.ttft_ms = o.itl_ms = 0;
    o.echo = true;
    o.model = NULL;
    if (set)
        set(&o);
    if (mst_sim_start(&o, &r->sim, &err) != MST_OK)
        fail_msg("%s", err.message);
    (void)snprintf(r->url, sizeof r->url, "http://127.0.0.1:%u/v1", (unsigned)mst_sim_port(r->sim));
}

// provider: further lines of the provider's section, each with two blanks and a line end.
static void
rig_open(rig_t *r, void (*set)(mst_sim_opts_t *o), const char *provider, size_t cases)
{
    char yaml[1024];
    *r = (rig_t){0};
    sim_start(r, set);
    (void)snprintf(yaml, sizeof yaml,
                   "name: asked\ndata_source: {source_type: jsonl, path: none.jsonl}\nkeep_raw: true\n"
                   "scorers: [{type: exact_match}]\nconcurrency: 8\n"
                   "provider:\n  type: openai\n  model: sim-model\n  base_url: %s\n  retry_base_ms: 1\n%s",
                   r->url, provider);
    peers_open(&r->p, yaml);
    for (size_t i = 0; i < cases; i++) {
        char id[32], text[48];
        int id_n = snprintf(id, sizeof id, "c%zu", i), n = snprintf(text, sizeof text, "say this back %zu", i);
        mst_case_t c = {.case_no = i, .id = mst_str(id, (size_t)id_n), .input = mst_str(text, (size_t)n)};
        c.has_expected = true;
        c.expected = c.input;
        peers_add_case(&r->p, &c);
    }
}

static void
rig_close(rig_t *r)
{
    peers_close(&r->p);
    mst_sim_stop(&r->sim);
}

static void
run_all(rig_t *r)
{
    peers_worker(&r->p, 2, 0, NULL);
    if (!peers_run(&r->p, peers_all_stored))
        fail_msg("%zu of %zu rows came, %zu given back: %s", r->p.row_count, r->p.case_count, r->p.returned,
                 r->p.fatal_text);
}

static void
test_worker_backend_streamed(void **state)
{
    (void)state;
    rig_t r;
    rig_open(&r, NULL, "  logprobs: true\n", 200);
    r.p.repeats = 2;
    run_all(&r);
    assert_int_equal(peers_count(&r.p, MST_OUT_SCORED), 400);
    for (size_t i = 0; i < r.p.row_count; i++) {
        const peer_row_t *row = &r.p.rows[i];
        assert_true(row->passed);
        assert_true(row->ttft_ns >= 0);
        assert_true(row->tokens > 0);
        assert_true(row->raw_request_n > 0);
        assert_int_equal(row->attempts, 1);
        assert_int_equal(row->status, 200);
    }
    assert_string_equal(peers_row(&r.p, 7, 1)->text, "say this back 7");
    assert_string_equal(r.p.engine, "muster-sim");
    assert_int_equal(r.p.duplicate, 0);
    rig_close(&r);
}

static void
test_worker_backend_whole_body(void **state)
{
    (void)state;
    rig_t r;
    rig_open(&r, NULL, "  stream: false\n", 50);
    run_all(&r);
    assert_int_equal(peers_count(&r.p, MST_OUT_SCORED), 50);
    assert_true(peers_row(&r.p, 3, 0)->passed);
    rig_close(&r);
}

static void
some_429(mst_sim_opts_t *o)
{
    o->p_429 = 0.5;
    o->retry_after_s = 0.01;
}

static void
test_worker_backend_429_is_tried_again(void **state)
{
    (void)state;
    rig_t r;
    rig_open(&r, some_429, "  max_retries: 30\n", 60);
    run_all(&r);
    assert_int_equal(peers_count(&r.p, MST_OUT_SCORED), 60);
    size_t again = 0;
    for (size_t i = 0; i < r.p.row_count; i++)
        again += r.p.rows[i].attempts > 1;
    assert_true(again > 10);
    rig_close(&r);
}

static void
only_429(mst_sim_opts_t *o)
{
    o->p_429 = 1;
    o->retry_after_s = 0;
}

static void
test_worker_backend_429_used_up(void **state)
{
    (void)state;
    rig_t r;
    rig_open(&r, only_429, "  max_retries: 2\n", 5);
    run_all(&r);
    assert_int_equal(peers_count(&r.p, MST_OUT_RATE_LIMITED), 5);
    assert_int_equal(r.p.rows[0].attempts, 3);
    assert_int_equal(r.p.rows[0].status, 429);
    assert_true(r.p.rows[0].message[0] != '\0');
    rig_close(&r);
}

static void
only_500(mst_sim_opts_t *o)
{
    o->p_500 = 1;
}

static void
test_worker_backend_500_used_up(void **state)
{
    (void)state;
    rig_t r;
    rig_open(&r, only_500, "  max_retries: 1\n", 5);
    run_all(&r);
    assert_int_equal(peers_count(&r.p, MST_OUT_PROVIDER_ERROR), 5);
    assert_int_equal(r.p.rows[0].attempts, 2);
    assert_false(r.p.rows[0].passed);
    assert_int_equal(r.p.rows[0].score_count, 0);
    rig_close(&r);
}

static void
only_cut(mst_sim_opts_t *o)
{
    o->p_cut = 1;
}

static void
test_worker_backend_cut(void **state)
{
    (void)state;
    rig_t r;
    rig_open(&r, only_cut, "  max_retries: 1\n", 4);
    run_all(&r);
    assert_int_equal(peers_count(&r.p, MST_OUT_CONNECTION_LOST), 4);
    assert_true(r.p.rows[0].message[0] != '\0');
    rig_close(&r);
}

static void
hang_before(mst_sim_opts_t *o)
{
    o->p_hang_before = 1;
}

static void
test_worker_backend_hang_before_first_token(void **state)
{
    (void)state;
    rig_t r;
    rig_open(&r, hang_before, "  max_retries: 1\n  first_token_timeout: 0.05\n", 4);
    run_all(&r);
    assert_int_equal(peers_count(&r.p, MST_OUT_TIMEOUT), 4);
    assert_int_equal(r.p.rows[0].attempts, 2); // nothing had come: tried again
    assert_non_null(strstr(r.p.rows[0].message, "first token"));
    rig_close(&r);
}

static void
hang_after(mst_sim_opts_t *o)
{
    o->p_hang_after = 1;
}

static void
test_worker_backend_hang_after_first_token(void **state)
{
    (void)state;
    rig_t r;
    rig_open(&r, hang_after, "  max_retries: 3\n  idle_timeout: 0.05\n", 4);
    run_all(&r);
    assert_int_equal(peers_count(&r.p, MST_OUT_TIMEOUT), 4);
    assert_int_equal(r.p.rows[0].attempts, 1); // an answer under way is not asked for again
    assert_true(r.p.rows[0].text_n > 0);       // what came is kept
    assert_true(r.p.rows[0].ttft_ns >= 0);
    rig_close(&r);
}

static void
test_worker_backend_total_timeout(void **state)
{
    (void)state;
    rig_t r;
    rig_open(&r, hang_before, "  max_retries: 0\n  timeout: 0.05\n", 3);
    run_all(&r);
    assert_int_equal(peers_count(&r.p, MST_OUT_TIMEOUT), 3);
    rig_close(&r);
}

static void
malformed(mst_sim_opts_t *o)
{
    o->p_malformed = 1;
}

static void
test_worker_backend_malformed(void **state)
{
    (void)state;
    rig_t r;
    rig_open(&r, malformed, "  max_retries: 1\n", 4);
    run_all(&r);
    assert_int_equal(peers_count(&r.p, MST_OUT_PROVIDER_ERROR), 4);
    rig_close(&r);
}

static void
wants_key(mst_sim_opts_t *o)
{
    o->api_key = "right-key";
}

static void
test_worker_backend_wrong_key_is_fatal(void **state)
{
    (void)state;
    rig_t r;
    setenv("MST_TEST_KEY", "wrong-key", 1);
    rig_open(&r, wants_key, "  api_key: env:MST_TEST_KEY\n", 40);
    peers_worker(&r.p, 2, 0, NULL);
    assert_true(peers_run(&r.p, peers_nothing_open));
    assert_true(r.p.fatal);
    assert_int_equal(r.p.row_count, 0); // no case was made to pay for it
    assert_non_null(strstr(r.p.fatal_text, "401"));
    assert_non_null(strstr(r.p.fatal_text, "api_key"));
    assert_null(strstr(r.p.fatal_text, "wrong-key"));
    rig_close(&r);
}

static void
test_worker_backend_right_key(void **state)
{
    (void)state;
    rig_t r;
    setenv("MST_TEST_KEY", "right-key", 1);
    rig_open(&r, wants_key, "  api_key: env:MST_TEST_KEY\n", 10);
    run_all(&r);
    assert_int_equal(peers_count(&r.p, MST_OUT_SCORED), 10);
    rig_close(&r);
}

static void
test_worker_backend_key_from_file(void **state)
{
    (void)state;
    rig_t r;
    char path[] = "/tmp/mst-key-XXXXXX", line[128];
    int fd = mkstemp(path);
    assert_int_equal(write(fd, "right-key\n", 10), 10);
    close(fd);
    (void)snprintf(line, sizeof line, "  api_key: file:%s\n", path);
    rig_open(&r, wants_key, line, 10);
    run_all(&r);
    assert_int_equal(peers_count(&r.p, MST_OUT_SCORED), 10);
    rig_close(&r);
    unlink(path);
}

static void
test_worker_backend_missing_key_names_the_variable(void **state)
{
    (void)state;
    rig_t r;
    unsetenv("MST_TEST_NO_SUCH_KEY");
    rig_open(&r, wants_key, "  api_key: env:MST_TEST_NO_SUCH_KEY\n", 20);
    peers_worker(&r.p, 1, 0, NULL);
    assert_true(peers_run(&r.p, peers_nothing_open));
    assert_true(r.p.fatal);
    assert_int_equal(r.p.row_count, 0);
    assert_non_null(strstr(r.p.fatal_text, "MST_TEST_NO_SUCH_KEY"));
    rig_close(&r);
}

// A server that says back the key that it refuses, as some do.
typedef struct {
    int fd;
    pthread_t thread;
} parrot_t;

static void *
parrot_main(void *arg)
{
    const parrot_t *s = arg;
    char in[8192], out[512];
    for (int fd = accept(s->fd, NULL, NULL); fd >= 0; fd = accept(s->fd, NULL, NULL)) {
        ssize_t n = read(fd, in, sizeof in - 1);
        in[n > 0 ? n : 0] = '\0';
        const char *key = strstr(in, "Bearer ");
        char body[256];
        int body_n = snprintf(body, sizeof body, "{\"error\": {\"message\": \"no model for %.14s here\"}}",
                              key ? key + 7 : "nobody");
        int out_n = snprintf(out, sizeof out,
                             "HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nContent-Length: %d\r\n"
                             "Connection: close\r\n\r\n%s",
                             body_n, body);
        if (write(fd, out, (size_t)out_n) < 0)
            break;
        close(fd);
    }
    return NULL;
}

static void
test_worker_backend_key_is_not_repeated(void **state)
{
    (void)state;
    rig_t r;
    parrot_t s;
    char url[64];
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof a;
    s.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(s.fd, (struct sockaddr *)(void *)&a, sizeof a), 0);
    assert_int_equal(listen(s.fd, 64), 0);
    assert_int_equal(getsockname(s.fd, (struct sockaddr *)(void *)&a, &n), 0);
    assert_int_equal(pthread_create(&s.thread, NULL, parrot_main, &s), 0);
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u/v1", (unsigned)ntohs(a.sin_port));
    setenv("MST_TEST_KEY", "secret-key-123", 1);
    rig_open(&r, NULL, "  api_key: env:MST_TEST_KEY\n", 3);
    peers_worker(&r.p, 1, 0, url);
    assert_true(peers_run(&r.p, peers_all_stored));
    assert_int_equal(peers_count(&r.p, MST_OUT_PROVIDER_ERROR), 3);
    assert_non_null(strstr(r.p.rows[0].message, "no model for **************"));
    assert_null(strstr(r.p.rows[0].message, "secret"));
    assert_int_equal(r.p.leaks, 0); // nor anywhere else in a row
    rig_close(&r);
    (void)shutdown(s.fd, SHUT_RDWR);
    pthread_join(s.thread, NULL);
    close(s.fd);
}

// A port where nothing listens: bound, so that nobody else takes it, and never listened on.
static int
dead_port(uint16_t *port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)(void *)&a, sizeof a), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)(void *)&a, &n), 0);
    *port = ntohs(a.sin_port);
    return fd;
}

static void
test_worker_backend_nothing_listens(void **state)
{
    (void)state;
    rig_t r;
    uint16_t port = 0;
    char url[64];
    int fd = dead_port(&port);
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u/v1", (unsigned)port);
    rig_open(&r, NULL, "", 40);
    peers_worker(&r.p, 2, 0, url); // the worker's own backend wins over the run's
    assert_true(peers_run(&r.p, peers_nothing_open));
    assert_true(r.p.fatal);
    assert_int_equal(r.p.row_count, 0);
    assert_int_equal(r.p.returned, 40);
    assert_non_null(strstr(r.p.fatal_text, url));
    rig_close(&r);
    close(fd);
}

static bool
some_rows(void *ud)
{
    return ((peers_t *)ud)->row_count >= 20;
}

static void
slow(mst_sim_opts_t *o)
{
    o->ttft_ms = 20;
}

static void
test_worker_backend_drain(void **state)
{
    (void)state;
    rig_t r;
    rig_open(&r, slow, "", 400);
    r.p.grant_max = 200;
    peers_worker(&r.p, 2, 4, NULL);
    assert_true(peers_run(&r.p, some_rows));
    r.p.grant_max = 0;
    peers_control(&r.p, 2);
    assert_true(peers_run(&r.p, peers_nothing_open));
    assert_true(r.p.returned > 0);
    assert_int_equal(r.p.return_cause, 1);
    assert_int_equal(r.p.returned + r.p.row_count, r.p.granted);
    assert_int_equal(peers_count(&r.p, MST_OUT_SCORED), r.p.row_count); // what was in flight was finished
    assert_false(r.p.fatal);
    rig_close(&r);
}

static void
test_worker_backend_stop_now(void **state)
{
    (void)state;
    rig_t r;
    rig_open(&r, hang_after, "", 30);
    peers_worker(&r.p, 2, 0, NULL);
    r.p.grant_max = 16;
    r.p.pings_wanted = 3;
    while (r.p.granted < 16 && peers_run(&r.p, peers_granted))
        continue;
    peers_control(&r.p, 3);
    assert_true(peers_run(&r.p, peers_nothing_open));
    assert_int_equal(r.p.returned, r.p.granted);
    assert_int_equal(r.p.row_count, 0);
    assert_int_equal(r.p.return_cause, 4);
    rig_close(&r);
}

static void
test_worker_backend_lost_lease_drops_the_unstarted(void **state)
{
    (void)state;
    rig_t r;
    rig_open(&r, slow, "", 100);
    peers_worker(&r.p, 2, 2, NULL);
    r.p.grant_max = 50;
    assert_true(peers_run(&r.p, peers_granted));
    r.p.lose_leases = true;
    r.p.pings_wanted = r.p.pings + 2;
    assert_true(peers_run(&r.p, peers_more_pings));
    r.p.lose_leases = false;
    r.p.grant_max = 60; // new leases go on as ever
    r.p.open = 0;
    size_t before = r.p.row_count;
    peers_grant(&r.p);
    r.p.rows_wanted = before + 10;
    assert_true(peers_run(&r.p, peers_rows_wanted));
    assert_true(r.p.row_count < 60);
    rig_close(&r);
}

// A prompt of more than 64 KiB comes in pieces; its echo is a result of more than 512 KiB and leaves in pieces.
static void
test_worker_backend_large(void **state)
{
    (void)state;
    rig_t r;
    rig_open(&r, NULL, "", 3);
    size_t n = 700 * MST_KIB;
    char *big = malloc(n);
    for (size_t i = 0; i < n; i++)
        big[i] = i % 8 == 7 ? ' ' : 'x';
    big[n - 1] = 'y';
    mst_case_t c = {.case_no = 3,
                    .id = MST_STR("big"),
                    .input = mst_str(big, n),
                    .has_expected = true,
                    .expected = mst_str(big, n)};
    peers_add_case(&r.p, &c);
    run_all(&r);
    const peer_row_t *row = peers_row(&r.p, 3, 0);
    assert_int_equal(row->outcome, MST_OUT_SCORED);
    assert_int_equal(row->text_n, n);
    assert_true(row->passed);
    assert_int_equal(r.p.large_rows, 1);
    free(big);
    rig_close(&r);
}

static void
test_worker_backend_stops_with_requests_in_flight(void **state)
{
    (void)state;
    rig_t r;
    rig_open(&r, hang_after, "", 30);
    peers_worker(&r.p, 2, 0, NULL);
    assert_true(peers_run(&r.p, peers_granted));
    rig_close(&r);
}

static int
set_up(void **state)
{
    (void)state;
    mst_err_t err = {0};
    return mst_net_init(&err) == MST_OK ? 0 : -1;
}

static int
tear_down(void **state)
{
    (void)state;
    mst_net_deinit();
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_worker_backend_streamed),
        cmocka_unit_test(test_worker_backend_whole_body),
        cmocka_unit_test(test_worker_backend_429_is_tried_again),
        cmocka_unit_test(test_worker_backend_429_used_up),
        cmocka_unit_test(test_worker_backend_500_used_up),
        cmocka_unit_test(test_worker_backend_cut),
        cmocka_unit_test(test_worker_backend_hang_before_first_token),
        cmocka_unit_test(test_worker_backend_hang_after_first_token),
        cmocka_unit_test(test_worker_backend_total_timeout),
        cmocka_unit_test(test_worker_backend_malformed),
        cmocka_unit_test(test_worker_backend_wrong_key_is_fatal),
        cmocka_unit_test(test_worker_backend_right_key),
        cmocka_unit_test(test_worker_backend_key_from_file),
        cmocka_unit_test(test_worker_backend_missing_key_names_the_variable),
        cmocka_unit_test(test_worker_backend_key_is_not_repeated),
        cmocka_unit_test(test_worker_backend_nothing_listens),
        cmocka_unit_test(test_worker_backend_drain),
        cmocka_unit_test(test_worker_backend_stop_now),
        cmocka_unit_test(test_worker_backend_lost_lease_drops_the_unstarted),
        cmocka_unit_test(test_worker_backend_large),
        cmocka_unit_test(test_worker_backend_stops_with_requests_in_flight),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
