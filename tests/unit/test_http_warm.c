// Connections opened before they are needed: requests take them, none is opened beside them, what nobody takes goes.
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

enum { MANY = 200 };

typedef struct {
    mst_loop_t *loop;
    mst_http_t *http;
    rig_t *rig;
    size_t open, told, under_way, reused, kernel, failed;
    mst_timer_t limit;
} world_t;

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
    mst_http_opts_t opts = {.connections_max = 256};
    if (mst_loop_new(&w->loop, NULL) != MST_OK || mst_http_new(w->loop, &opts, &w->http, NULL) != MST_OK)
        return -1;
    w->limit = (mst_timer_t){.fn = on_limit, .ud = w};
    mst_loop_timer(w->loop, &w->limit, mst_mono_ns() + 60 * MST_NS_PER_S);
    *state = w;
    return 0;
}

static int
teardown(void **state)
{
    world_t *w = *state;
    mst_loop_timer_stop(w->loop, &w->limit);
    mst_http_free(&w->http);
    mst_loop_free(&w->loop);
    rig_stop(w->rig);
    free(w);
    return 0;
}

static void
on_open(void *ud, size_t open)
{
    world_t *w = ud;
    w->open = open;
    w->told++;
    mst_loop_stop(w->loop);
}

static bool
on_data(void *ud, mst_str_t bytes, int64_t rx_ns, bool merged)
{
    (void)ud;
    (void)bytes;
    (void)rx_ns;
    (void)merged;
    return true;
}

static void
on_done(void *ud, const mst_http_result_t *r)
{
    world_t *w = ud;
    w->failed += r->err.rc != MST_OK;
    w->reused += r->conn_reused;
    w->kernel += r->send_source == MST_STAMP_KERNEL && r->rx_source == MST_STAMP_KERNEL;
    if (--w->under_way == 0)
        mst_loop_stop(w->loop);
}

static void
ask_port(world_t *w, size_t n, unsigned port, int64_t timeout_ms)
{
    static const mst_http_handler_t handler = {on_data, on_done};
    char url[64];
    mst_http_call_t *call;
    snprintf(url, sizeof url, "http://127.0.0.1:%u/hello", port);
    mst_http_req_t req = {.method = "POST", .url = mst_str_c(url), .body = MST_STR("{}"), .body_max = MST_MIB,
                          .total_timeout_ms = timeout_ms};
    w->reused = w->kernel = w->failed = 0;
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(mst_http_start(w->http, &req, &handler, w, &call, NULL), MST_OK);
        w->under_way++;
    }
    mst_loop_run(w->loop);
}

static void
ask(world_t *w, size_t n)
{
    ask_port(w, n, w->rig->port, 0);
}

static bool
warm(world_t *w, const char *host, unsigned port, size_t n)
{
    char url[64];
    snprintf(url, sizeof url, "http://%s:%u/v1", host, port);
    return mst_http_warm(w->http, mst_str_c(url), NULL, n, on_open, w);
}

static void
test_http_warm_connections_are_taken(void **state)
{
    world_t *w = *state;
    assert_true(warm(w, "127.0.0.1", w->rig->port, MANY));
    assert_int_equal(w->told, 0); // never from inside
    mst_loop_run(w->loop);
    assert_int_equal(w->told, 1);
    assert_int_equal(w->open, MANY);
    ask(w, MANY);
    assert_int_equal(w->failed, 0);
    assert_int_equal(w->reused, MANY);
    assert_int_equal(w->rig->opened, MANY); // none beside them
    assert_int_equal(w->kernel, MANY);
    ask(w, MANY); // and they are kept like others
    assert_int_equal(w->reused, MANY);
    assert_int_equal(w->rig->opened, MANY);
}

static void
test_http_warm_fewer_than_needed(void **state)
{
    world_t *w = *state;
    assert_true(warm(w, "localhost", w->rig->port, 3));
    mst_loop_run(w->loop);
    ask(w, 5);
    assert_int_equal(w->failed, 0);
    assert_int_equal(w->reused, 3);
}

static void
test_http_warm_nobody_listens(void **state)
{
    world_t *w = *state;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t n = sizeof a;
    assert_int_equal(bind(fd, (struct sockaddr *)&a, n), 0); // a port that nobody listens on, and nobody else gets
    assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &n), 0);
    if (warm(w, "127.0.0.1", ntohs(a.sin_port), 5)) {
        mst_loop_run(w->loop);
        assert_int_equal(w->open, 0);
        assert_int_equal(w->told, 1);
    }
    close(fd);
}

static void
test_http_warm_not_possible(void **state)
{
    world_t *w = *state;
    mst_http_net_opts_t opts = {.proxy = "http://127.0.0.1:1"};
    const mst_http_net_t *net;
    assert_false(warm(w, "unheard.invalid", 80, 5)); // no request has reached it
    assert_false(warm(w, "127.0.0.1", w->rig->port, 0));
    assert_int_equal(mst_http_net(w->http, &opts, &net, NULL), MST_OK);
    assert_false(mst_http_warm(w->http, MST_STR("http://127.0.0.1:2/"), net, 5, on_open, w));
    assert_int_equal(w->told, 0);
}

// The server ends before its connections were used: they are looked at first, and new ones are opened.
static void
test_http_warm_connections_that_ended(void **state)
{
    world_t *w = *state;
    int listen_fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t n = sizeof a;
    assert_int_equal(bind(listen_fd, (struct sockaddr *)&a, n), 0);
    assert_int_equal(listen(listen_fd, 8), 0);
    assert_int_equal(getsockname(listen_fd, (struct sockaddr *)&a, &n), 0);
    assert_true(warm(w, "127.0.0.1", ntohs(a.sin_port), 2));
    mst_loop_run(w->loop);
    for (int i = 0; i < 2; i++)
        close(accept(listen_fd, NULL, NULL));
    ask_port(w, 2, ntohs(a.sin_port), 200); // nobody answers
    assert_int_equal(w->failed, 2);
    assert_int_equal(w->reused, 0);
    close(listen_fd);
}

static void
test_http_warm_forgotten(void **state)
{
    world_t *w = *state;
    assert_true(warm(w, "127.0.0.1", w->rig->port, 10));
    mst_http_warm_forget(w->http, w);
    ask(w, 1);
    assert_int_equal(w->told, 0);
    assert_int_equal(w->reused, 0);
    assert_true(warm(w, "127.0.0.1", w->rig->port, 10)); // freed with the client
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_http_warm_connections_are_taken, setup, teardown),
        cmocka_unit_test_setup_teardown(test_http_warm_fewer_than_needed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_http_warm_nobody_listens, setup, teardown),
        cmocka_unit_test_setup_teardown(test_http_warm_not_possible, setup, teardown),
        cmocka_unit_test_setup_teardown(test_http_warm_connections_that_ended, setup, teardown),
        cmocka_unit_test_setup_teardown(test_http_warm_forgotten, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
