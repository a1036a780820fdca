#include "common/net/link.h"

#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <czmq.h>
#include <zmq.h>

#include "common/base/clock.h"
#include "common/base/limits.h"

enum { BURST = 100000, FRAME_MAX = 1024 };

typedef struct {
    mst_loop_t *loop;
    mst_link_t *link;
    uint64_t conn;    // the last peer heard
    uint64_t got, sum, wanted;
    uint64_t sent, send_total;
    bool ordered;
    size_t last_n;
    mst_timer_t limit, *probe;
    bool late;
} side_t;

static void
on_limit(void *ud)
{
    side_t *s = ud;
    s->late = true;
    mst_loop_stop(s->loop);
}

static void
side_init(side_t *s)
{
    *s = (side_t){.ordered = true};
    assert_int_equal(mst_loop_new(&s->loop, NULL), MST_OK);
    s->limit = (mst_timer_t){.fn = on_limit, .ud = s};
}

static void
side_deinit(side_t *s)
{
    mst_link_free(&s->link);
    mst_loop_free(&s->loop);
}

// Runs until stopped; the clock only ends a test that has failed.
static void
side_run(side_t *s)
{
    mst_loop_timer(s->loop, &s->limit, mst_mono_ns() + 60 * MST_NS_PER_S);
    mst_loop_run(s->loop);
    mst_loop_timer_stop(s->loop, &s->limit);
    assert_false(s->late);
}

static void
on_count(void *ud, uint64_t conn, mst_str_t envelope)
{
    side_t *s = ud;
    uint64_t n = UINT64_MAX;
    if (envelope.n >= sizeof n)
        memcpy(&n, envelope.p, sizeof n);
    if (n != s->got)
        s->ordered = false;
    s->conn = conn;
    s->last_n = envelope.n;
    if (++s->got == s->wanted)
        mst_loop_stop(s->loop);
}

static void
on_echo(void *ud, uint64_t conn, mst_str_t envelope)
{
    side_t *s = ud;
    s->got++;
    s->conn = conn;
    assert_int_equal(mst_link_send(s->link, conn, envelope, NULL), MST_OK);
}

// Sends what is left until the link is full; comes again in a later turn.
static bool
push_burst(void *ud)
{
    side_t *s = ud;
    while (s->sent < s->send_total) {
        mst_rc rc = mst_link_send(s->link, s->conn, mst_str((const char *)&s->sent, sizeof s->sent), NULL);
        if (rc == MST_AGAIN)
            return false;
        assert_int_equal(rc, MST_OK);
        s->sent++;
    }
    return false;
}

typedef struct {
    const char *endpoint;
    uint64_t total;
    uint64_t again;
    pthread_barrier_t *ready;
} pusher_t;

static void *
pusher(void *arg)
{
    pusher_t *p = arg;
    side_t s;
    side_init(&s);
    s.send_total = p->total;
    s.wanted = 1; // the server's last word
    assert_int_equal(mst_link_dial(s.loop, p->endpoint, FRAME_MAX, on_count, &s, &s.link, NULL), MST_OK);
    mst_loop_on_turn(s.loop, push_burst, &s);
    side_run(&s);
    p->again = mst_link_stats(s.link).again;
    assert_int_equal(mst_link_stats(s.link).sent, p->total);
    side_deinit(&s);
    return NULL;
}

static void
burst_over(const char *endpoint)
{
    side_t server;
    side_init(&server);
    server.wanted = BURST;
    assert_int_equal(mst_link_serve(server.loop, endpoint, FRAME_MAX, on_count, &server, &server.link, NULL), MST_OK);
    pusher_t p = {.endpoint = mst_link_endpoint(server.link), .total = BURST};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, pusher, &p), 0);
    side_run(&server);
    assert_int_equal(server.got, BURST);
    assert_true(server.ordered);
    assert_int_equal(mst_link_send(server.link, server.conn, MST_STR("the end."), NULL), MST_OK);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(mst_link_stats(server.link).received, BURST);
    assert_int_equal(mst_link_stats(server.link).refused, 0);
    side_deinit(&server);
}

static void
test_link_burst_inproc_loses_nothing(void **state)
{
    (void)state;
    burst_over("inproc://burst");
}

static void
test_link_burst_tcp_loses_nothing(void **state)
{
    (void)state;
    burst_over("tcp://127.0.0.1:*");
}

// A server that pushes a burst to one client, so that its peer is full (MST_AGAIN) again and again.
static void *
slow_reader(void *arg)
{
    pusher_t *p = arg;
    side_t s;
    side_init(&s);
    s.wanted = p->total;
    assert_int_equal(mst_link_dial(s.loop, p->endpoint, FRAME_MAX, on_count, &s, &s.link, NULL), MST_OK);
    mst_rc rc = mst_link_send(s.link, 0, MST_STR("hello, I am here"), NULL);
    assert_int_equal(rc, MST_OK);
    pthread_barrier_wait(p->ready); // reads nothing until the server is full
    side_run(&s);
    assert_true(s.ordered);
    side_deinit(&s);
    return NULL;
}

static void
on_first_stop(void *ud, uint64_t conn, mst_str_t envelope)
{
    side_t *s = ud;
    (void)envelope;
    s->conn = conn;
    mst_loop_stop(s->loop);
}

static bool
push_until_done(void *ud)
{
    side_t *s = ud;
    push_burst(s);
    if (s->sent == s->send_total)
        mst_loop_stop(s->loop);
    return false;
}

static void
test_link_full_peer_says_again_and_goes_on_later(void **state)
{
    (void)state;
    side_t server;
    side_init(&server);
    server.send_total = 20000;
    pthread_barrier_t ready;
    assert_int_equal(pthread_barrier_init(&ready, NULL, 2), 0);
    assert_int_equal(
        mst_link_serve(server.loop, "inproc://full", FRAME_MAX, on_first_stop, &server, &server.link, NULL), MST_OK);
    pusher_t p = {.endpoint = "inproc://full", .total = server.send_total, .ready = &ready};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, slow_reader, &p), 0);
    side_run(&server); // until the client has said hello
    push_burst(&server);
    assert_true(server.sent < server.send_total);
    assert_true(mst_link_stats(server.link).again > 0);
    mst_err_t err = {0};
    assert_int_equal(mst_link_send(server.link, server.conn, MST_STR("x"), &err), MST_AGAIN);
    assert_non_null(strstr(err.message, "no room"));
    pthread_barrier_wait(&ready);
    mst_loop_on_turn(server.loop, push_until_done, &server);
    side_run(&server); // only the link's own retry timer makes these turns
    assert_int_equal(pthread_join(thread, NULL), 0);
    pthread_barrier_destroy(&ready);
    side_deinit(&server);
}

static void
test_link_both_directions_in_one_thread(void **state)
{
    (void)state;
    side_t server, client;
    side_init(&server);
    client = (side_t){.loop = server.loop, .ordered = true, .wanted = 500, .send_total = 500};
    client.limit = (mst_timer_t){.fn = on_limit, .ud = &client};
    assert_int_equal(mst_link_serve(server.loop, "inproc://echo", FRAME_MAX, on_echo, &server, &server.link, NULL),
                     MST_OK);
    assert_int_equal(mst_link_dial(client.loop, "inproc://echo", FRAME_MAX, on_count, &client, &client.link, NULL),
                     MST_OK);
    mst_loop_on_turn(client.loop, push_burst, &client);
    side_run(&client);
    assert_int_equal(server.got, 500);
    assert_int_equal(client.got, 500);
    assert_true(client.ordered);
    assert_int_equal(client.conn, 0);
    assert_int_not_equal(server.conn, 0);
    mst_link_free(&client.link);
    side_deinit(&server);
}

static void
test_link_send_refuses_what_is_too_large_or_unknown(void **state)
{
    (void)state;
    side_t s;
    side_init(&s);
    assert_int_equal(mst_link_serve(s.loop, "inproc://limits", FRAME_MAX, on_count, &s, &s.link, NULL), MST_OK);
    char big[FRAME_MAX + 1] = {0};
    mst_err_t err = {0};
    assert_int_equal(mst_link_send(s.link, 1, mst_str(big, sizeof big), &err), MST_LIMIT);
    assert_non_null(strstr(err.message, "1025"));
    assert_int_equal(mst_link_send(s.link, 7, MST_STR("x"), &err), MST_NOTFOUND);
    assert_int_equal(mst_link_send(s.link, (1ULL << 32) | 12345, MST_STR("x"), &err), MST_NOTFOUND);
    assert_non_null(strstr(err.message, "has left"));
    side_deinit(&s);
}

static void
on_probe(void *ud)
{
    side_t *s = ud;
    if (mst_link_send(s->link, s->conn, MST_STR("z"), NULL) == MST_NOTFOUND)
        mst_loop_stop(s->loop);
    else
        mst_loop_timer(s->loop, s->probe, mst_mono_ns() + MST_NS_PER_MS);
}

static void
test_link_peer_that_left_is_not_found(void **state)
{
    (void)state;
    side_t server, client;
    side_init(&server);
    client = (side_t){.loop = server.loop};
    assert_int_equal(
        mst_link_serve(server.loop, "inproc://gone", FRAME_MAX, on_first_stop, &server, &server.link, NULL), MST_OK);
    assert_int_equal(mst_link_dial(client.loop, "inproc://gone", FRAME_MAX, on_count, &client, &client.link, NULL),
                     MST_OK);
    assert_int_equal(mst_link_send(client.link, 0, MST_STR("x"), NULL), MST_OK);
    side_run(&server);
    assert_int_equal(mst_link_send(server.link, server.conn, MST_STR("y"), NULL), MST_OK);
    mst_link_free(&client.link);
    mst_timer_t probe = {.fn = on_probe, .ud = &server}; // the pipe ends when both sides have read it out
    mst_loop_timer(server.loop, &probe, 0);
    server.probe = &probe;
    side_run(&server);
    side_deinit(&server);
}

// A peer that does not keep the rules: raw frames over the same transport.
static void
raw_send(void *socket, const char *head, size_t head_n, size_t body_n, int extra)
{
    char body[2 * FRAME_MAX] = {0};
    assert_true(zmq_send(socket, head, head_n, extra < 0 ? 0 : ZMQ_SNDMORE) >= 0);
    if (extra < 0)
        return;
    assert_true(zmq_send(socket, body, body_n, extra ? ZMQ_SNDMORE : 0) >= 0);
    for (int i = extra; i > 0; i--)
        assert_true(zmq_send(socket, "x", 1, i > 1 ? ZMQ_SNDMORE : 0) >= 0);
}

static void
hostile_over(const char *endpoint, bool large)
{
    side_t s;
    side_init(&s);
    assert_int_equal(mst_link_serve(s.loop, endpoint, FRAME_MAX, on_first_stop, &s, &s.link, NULL), MST_OK);
    void *raw = zsys_socket(ZMQ_DEALER, __FILE__, __LINE__);
    assert_int_equal(zmq_connect(raw, mst_link_endpoint(s.link)), 0);
    raw_send(raw, "MU\1\0", 4, 8, -1);     // one frame
    raw_send(raw, "MU\1\0", 4, 8, 1);      // three
    raw_send(raw, "MU\1\0", 4, 8, 200);    // many
    raw_send(raw, "MU\2\0", 4, 8, 0);      // another version
    raw_send(raw, "MU\1\1", 4, 8, 0);      // flags
    raw_send(raw, "MU\1", 3, 8, 0);        // short
    raw_send(raw, "", 0, 0, 0);            // empty
    if (large)
        raw_send(raw, "MU\1\0", 4, FRAME_MAX + 1, 0);
    raw_send(raw, "MU\1\0", 4, 8, 0);      // at last a good one
    side_run(&s);
    assert_int_equal(mst_link_stats(s.link).refused, large ? 8 : 7);
    assert_int_equal(mst_link_stats(s.link).received, 1);
    zsys_close(raw, __FILE__, __LINE__);
    // with a name of its own
    raw = zsys_socket(ZMQ_DEALER, __FILE__, __LINE__);
    assert_int_equal(zmq_setsockopt(raw, ZMQ_ROUTING_ID, "boss", 4), 0);
    assert_int_equal(zmq_connect(raw, mst_link_endpoint(s.link)), 0);
    raw_send(raw, "MU\1\0", 4, 8, 0);
    void *good = zsys_socket(ZMQ_DEALER, __FILE__, __LINE__);
    assert_int_equal(zmq_connect(good, mst_link_endpoint(s.link)), 0);
    for (int i = 0; i < 1000 && mst_link_stats(s.link).refused < (large ? 9U : 8U); i++) {
        raw_send(good, "MU\1\0", 4, 8, 0);
        side_run(&s);
    }
    assert_int_equal(mst_link_stats(s.link).refused, large ? 9 : 8);
    zsys_close(raw, __FILE__, __LINE__);
    zsys_close(good, __FILE__, __LINE__);
    side_deinit(&s);
}

static void
test_link_hostile_frames_are_dropped_and_counted(void **state)
{
    (void)state;
    hostile_over("inproc://hostile", true);
    hostile_over("tcp://127.0.0.1:*", false); // there ZMQ_MAXMSGSIZE cuts the large one's connection
}

static void
test_link_endpoints_are_checked(void **state)
{
    (void)state;
    static const struct {
        const char *endpoint;
        mst_rc rc;
    } bad[] = {
        {"", MST_INVAL},
        {"inproc://", MST_INVAL},
        {"udp://127.0.0.1:1", MST_INVAL},
        {"tcp://127.0.0.1", MST_INVAL},
        {"tcp://127.0.0.1:0", MST_INVAL},
        {"tcp://127.0.0.1:65536", MST_INVAL},
        {"tcp://127.0.0.1:12x", MST_INVAL},
        {"tcp://:5570", MST_INVAL},
        {"tcp://0.0.0.0:5570", MST_UNSUPPORTED},
        {"tcp://*:5570", MST_UNSUPPORTED},
        {"tcp://10.1.2.3:5570", MST_UNSUPPORTED},
        {"tcp://example.org:5570", MST_UNSUPPORTED},
        {"tcp://eth0:5570", MST_UNSUPPORTED},
    };
    side_t s;
    side_init(&s);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        mst_err_t err = {0};
        assert_int_equal(mst_link_serve(s.loop, bad[i].endpoint, FRAME_MAX, on_count, &s, &s.link, &err), bad[i].rc);
        assert_null(s.link);
        assert_true(strlen(err.message) > 0);
    }
    char longer[400];
    memset(longer, 'a', sizeof longer);
    memcpy(longer, "inproc://", 9);
    longer[sizeof longer - 1] = '\0';
    assert_int_equal(mst_link_dial(s.loop, longer, FRAME_MAX, on_count, &s, &s.link, NULL), MST_INVAL);
    assert_int_equal(mst_link_dial(s.loop, "tcp://127.0.0.1:*", FRAME_MAX, on_count, &s, &s.link, NULL), MST_INVAL);
    side_deinit(&s);
}

static void
test_link_address_in_use_is_a_conflict(void **state)
{
    (void)state;
    side_t a, b;
    side_init(&a);
    side_init(&b);
    assert_int_equal(mst_link_serve(a.loop, "tcp://localhost:*", FRAME_MAX, on_count, &a, &a.link, NULL), MST_OK);
    mst_err_t err = {0};
    assert_int_equal(mst_link_serve(b.loop, mst_link_endpoint(a.link), FRAME_MAX, on_count, &b, &b.link, &err),
                     MST_CONFLICT);
    assert_non_null(strstr(err.message, "already in use"));
    assert_non_null(strstr(err.message, mst_link_endpoint(a.link)));
    side_deinit(&a);
    side_deinit(&b);
}

static void
on_last(void *ud, uint64_t conn, mst_str_t envelope)
{
    side_t *s = ud;
    (void)conn;
    if (mst_str_eq_c(envelope, "last"))
        mst_loop_stop(s->loop);
}

static void
test_link_name_is_free_again_and_last_words_arrive(void **state)
{
    (void)state;
    for (int i = 0; i < 200; i++) {
        side_t server, client;
        side_init(&server);
        side_init(&client);
        assert_int_equal(
            mst_link_serve(server.loop, "inproc://again", FRAME_MAX, on_first_stop, &server, &server.link, NULL),
            MST_OK);
        assert_int_equal(
            mst_link_dial(client.loop, "inproc://again", FRAME_MAX, on_last, &client, &client.link, NULL), MST_OK);
        assert_int_equal(mst_link_send(client.link, 0, MST_STR("x"), NULL), MST_OK);
        side_run(&server);
        assert_int_equal(mst_link_send(server.link, server.conn, MST_STR("last"), NULL), MST_OK);
        side_deinit(&server); // with its last message still on the way
        side_run(&client);
        side_deinit(&client);
    }
}

static void
test_link_dial_without_a_server_says_again(void **state)
{
    (void)state;
    side_t client;
    side_init(&client);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof to;
    int held = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0); // bound, but nobody listens
    assert_int_equal(bind(held, (struct sockaddr *)&to, n), 0);
    assert_int_equal(getsockname(held, (struct sockaddr *)&to, &n), 0);
    char endpoint[64];
    snprintf(endpoint, sizeof endpoint, "tcp://127.0.0.1:%u", ntohs(to.sin_port));
    assert_int_equal(mst_link_dial(client.loop, endpoint, FRAME_MAX, on_count, &client, &client.link, NULL), MST_OK);
    assert_int_equal(mst_link_send(client.link, 0, MST_STR("x"), NULL), MST_AGAIN);
    side_deinit(&client);
    close(held);
}

static void
test_link_init_refuses_surprising_environment(void **state)
{
    (void)state;
    assert_int_equal(setenv("ZSYS_LINGER", "5", 1), 0);
    mst_err_t err = {0};
    assert_int_equal(mst_net_init(&err), MST_INVAL);
    assert_non_null(strstr(err.message, "ZSYS_LINGER"));
    assert_null(strstr(err.message, "="));
    assert_int_equal(unsetenv("ZSYS_LINGER"), 0);
    assert_int_equal(mst_net_init(&err), MST_OK);
}

static int
setup(void **state)
{
    (void)state;
    return mst_net_init(NULL) == MST_OK ? 0 : -1;
}

static int
teardown(void **state)
{
    (void)state;
    mst_net_deinit();
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_link_init_refuses_surprising_environment),
        cmocka_unit_test(test_link_burst_inproc_loses_nothing),
        cmocka_unit_test(test_link_burst_tcp_loses_nothing),
        cmocka_unit_test(test_link_full_peer_says_again_and_goes_on_later),
        cmocka_unit_test(test_link_both_directions_in_one_thread),
        cmocka_unit_test(test_link_send_refuses_what_is_too_large_or_unknown),
        cmocka_unit_test(test_link_peer_that_left_is_not_found),
        cmocka_unit_test(test_link_hostile_frames_are_dropped_and_counted),
        cmocka_unit_test(test_link_endpoints_are_checked),
        cmocka_unit_test(test_link_address_in_use_is_a_conflict),
        cmocka_unit_test(test_link_name_is_free_again_and_last_words_arrive),
        cmocka_unit_test(test_link_dial_without_a_server_says_again),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
