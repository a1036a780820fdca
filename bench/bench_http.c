// What one HTTP request and one streamed event cost the client: processor time of this process alone.
//   bench_http [REQUESTS] [AT_ONCE] [URL]       whole answers; without a URL a bare responder is forked off
//   bench_http --stream STREAMS EVENTS GAP_US   each stream gets EVENTS events, GAP_US apart, in writes of their own
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/limits.h"
#include "common/base/mem.h"
#include "common/base/str.h"
#include "common/http/client.h"

enum { FDS_MAX = 16384, TEXT_MAX = 4096 };

static const char answer_json[] =
    "{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,"
    "\"message\":{\"role\":\"assistant\",\"content\":\"The answer is 42.\"},\"finish_reason\":\"stop\"}],\"usage\":"
    "{\"prompt_tokens\":20,\"completion_tokens\":6,\"total_tokens\":26}}";
static const char event_json[] =
    "data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":"
    "[{\"index\":0,\"delta\":{\"content\":\" word\"},\"finish_reason\":null}]}\n\n";

// ---- the responder: a process of its own, as little as it takes

typedef struct {
    unsigned left[FDS_MAX]; // events still owed
    int epoll_fd, timer_fd;
    unsigned events;
    char whole[TEXT_MAX], event[TEXT_MAX];
    size_t whole_n, event_n;
} responder_t;

static void
put(int fd, const char *p, size_t n)
{
    if (send(fd, p, n, MSG_NOSIGNAL) < 0)
        return; // the client sees it
}

static void
answer(responder_t *r, int fd)
{
    static const char head[] = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                               "Transfer-Encoding: chunked\r\n\r\n";
    if (r->events == 0) {
        put(fd, r->whole, r->whole_n);
        return;
    }
    put(fd, head, sizeof head - 1);
    r->left[fd] = r->events;
}

static void
tick(responder_t *r)
{
    uint64_t times;
    if (read(r->timer_fd, &times, sizeof times) < 0)
        return;
    for (int fd = 0; fd < FDS_MAX; fd++) {
        if (r->left[fd] == 0)
            continue;
        put(fd, r->event, r->event_n);
        if (--r->left[fd] == 0)
            put(fd, "0\r\n\r\n", 5);
    }
}

static void
accept_all(const responder_t *r, int listener)
{
    int fd, one = 1;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0 && fd < FDS_MAX) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        struct epoll_event ev = {.events = EPOLLIN, .data.fd = fd};
        epoll_ctl(r->epoll_fd, EPOLL_CTL_ADD, fd, &ev);
    }
}

// Requests come whole here: this client sends each in one piece.
static void
serve(responder_t *r, int listener)
{
    static struct epoll_event ready[512];
    char text[16384];
    for (;;) {
        int n = epoll_wait(r->epoll_fd, ready, 512, -1);
        for (int i = 0; i < n; i++) {
            int fd = ready[i].data.fd;
            if (fd == listener) {
                accept_all(r, listener);
            } else if (fd == r->timer_fd) {
                tick(r);
            } else if (recv(fd, text, sizeof text, 0) > 0) {
                answer(r, fd);
            } else {
                r->left[fd] = 0;
                close(fd);
            }
        }
    }
}

static void
responder_run(int listener, unsigned events, long gap_us)
{
    static responder_t r;
    r.events = events;
    r.whole_n = (size_t)snprintf(r.whole, sizeof r.whole,
                                 "HTTP/1.1 200 OK\r\nServer: bench\r\nContent-Type: application/json\r\n"
                                 "Content-Length: %zu\r\n\r\n%s",
                                 sizeof answer_json - 1, answer_json);
    r.event_n = (size_t)snprintf(r.event, sizeof r.event, "%zx\r\n%s\r\n", sizeof event_json - 1, event_json);
    r.epoll_fd = epoll_create1(0);
    struct epoll_event ev = {.events = EPOLLIN, .data.fd = listener};
    epoll_ctl(r.epoll_fd, EPOLL_CTL_ADD, listener, &ev);
    r.timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    if (events > 0) {
        struct timespec gap = {.tv_sec = gap_us / 1000000, .tv_nsec = gap_us % 1000000 * 1000};
        timerfd_settime(r.timer_fd, 0, &(struct itimerspec){gap, gap}, NULL);
        ev = (struct epoll_event){.events = EPOLLIN, .data.fd = r.timer_fd};
        epoll_ctl(r.epoll_fd, EPOLL_CTL_ADD, r.timer_fd, &ev);
    }
    serve(&r, listener);
}

static pid_t
responder_fork(unsigned events, long gap_us, char url[128])
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof a;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (bind(listener, (struct sockaddr *)&a, n) != 0 || listen(listener, 4096) != 0 ||
        getsockname(listener, (struct sockaddr *)&a, &n) != 0)
        return -1;
    snprintf(url, 128, "http://127.0.0.1:%u/v1/chat/completions", ntohs(a.sin_port));
    pid_t pid = fork();
    if (pid == 0)
        responder_run(listener, events, gap_us);
    close(listener);
    return pid;
}

// ---- the client

typedef struct {
    mst_loop_t *loop;
    mst_http_t *http;
    mst_http_req_t req;
    uint64_t wanted, started, ended, failed, pieces, bytes, merged;
    uint64_t kernel_rx, kernel_tx;
} bench_t;

static bool
on_data(void *ud, mst_str_t bytes, int64_t rx_ns, bool merged)
{
    bench_t *b = ud;
    (void)rx_ns;
    b->pieces++;
    b->bytes += bytes.n;
    b->merged += merged;
    return true;
}

static void start_one(bench_t *b);

static void
on_done(void *ud, const mst_http_result_t *r)
{
    bench_t *b = ud;
    b->ended++;
    b->kernel_rx += r->rx_source == MST_STAMP_KERNEL;
    b->kernel_tx += r->send_source == MST_STAMP_KERNEL;
    if (r->err.rc != MST_OK || r->status != 200) {
        if (b->failed++ == 0)
            fprintf(stderr, "first failure: status %d, %s\n", r->status, r->err.message);
    }
    if (b->started < b->wanted)
        start_one(b);
    else if (b->ended == b->wanted)
        mst_loop_stop(b->loop);
}

static void
start_one(bench_t *b)
{
    static const mst_http_handler_t handler = {on_data, on_done};
    mst_http_call_t *call;
    mst_err_t err;
    b->started++;
    if (mst_http_start(b->http, &b->req, &handler, b, &call, &err) != MST_OK) {
        fprintf(stderr, "%s\n", err.message);
        exit(1);
    }
}

static void
report(const bench_t *b, bool streaming, int64_t cpu_ns, int64_t wall_ns)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    printf("requests %llu failed %llu wall_s %.3f cpu_s %.3f requests_per_s %.0f requests_per_cpu_s %.0f "
           "cpu_us_per_request %.2f\n",
           (unsigned long long)b->ended, (unsigned long long)b->failed, (double)wall_ns / 1e9, (double)cpu_ns / 1e9,
           (double)b->ended * 1e9 / (double)wall_ns, (double)b->ended * 1e9 / (double)cpu_ns,
           (double)cpu_ns / 1e3 / (double)b->ended);
    if (streaming)
        printf("pieces %llu merged %llu cpu_us_per_piece %.2f pieces_per_s %.0f\n", (unsigned long long)b->pieces,
               (unsigned long long)b->merged, (double)cpu_ns / 1e3 / (double)b->pieces,
               (double)b->pieces * 1e9 / (double)wall_ns);
    printf("kernel stamps: received %.2f %% sent %.2f %%; user_s %ld.%03ld sys_s %ld.%03ld\n",
           100.0 * (double)b->kernel_rx / (double)b->ended, 100.0 * (double)b->kernel_tx / (double)b->ended,
           u.ru_utime.tv_sec, u.ru_utime.tv_usec / 1000, u.ru_stime.tv_sec, u.ru_stime.tv_usec / 1000);
}

static uint64_t
number(const char *z, uint64_t otherwise)
{
    uint64_t n = otherwise;
    if (z && !mst_str_to_u64(mst_str_c(z), &n)) {
        fprintf(stderr, "\"%s\" is not a number\n", z);
        exit(2);
    }
    return n;
}

int
main(int argc, char **argv)
{
    bool streaming = argc > 1 && strcmp(argv[1], "--stream") == 0;
    uint64_t at_once = number(argc > 2 ? argv[2] : NULL, 64);
    uint64_t events = streaming ? number(argc > 3 ? argv[3] : NULL, 100) : 0;
    uint64_t gap_us = streaming ? number(argc > 4 ? argv[4] : NULL, 20000) : 0;
    bench_t b = {.wanted = streaming ? at_once : number(argc > 1 ? argv[1] : NULL, 200000)};
    char own_url[128];
    const char *url = !streaming && argc > 3 ? argv[3] : own_url;
    pid_t pid = url == own_url ? responder_fork((unsigned)events, (long)gap_us, own_url) : 0;
    char *body = mst_xalloc(1024);
    memset(body, 'p', 1024);
    mst_str_t headers[] = {MST_STR("Content-Type: application/json"), MST_STR("X-Case-Id: case-000001")};
    b.req = (mst_http_req_t){.method = "POST", .url = mst_str_c(url), .headers = headers, .header_count = 2,
                             .auth = MST_STR("Authorization: Bearer none"), .body = mst_str(body, 1024),
                             .connect_timeout_ms = 10000, .total_timeout_ms = 600000, .body_max = MST_HTTP_BODY_MAX};
    mst_http_opts_t opts = {.connections_max = at_once};
    mst_err_t err;
    if (mst_loop_new(&b.loop, &err) != MST_OK || mst_http_new(b.loop, &opts, &b.http, &err) != MST_OK) {
        fprintf(stderr, "%s\n", err.message);
        return 1;
    }
    int64_t cpu_ns = mst_cpu_ns(), wall_ns = mst_mono_ns();
    for (uint64_t i = 0; i < at_once && b.started < b.wanted; i++)
        start_one(&b);
    mst_loop_run(b.loop);
    report(&b, streaming, mst_cpu_ns() - cpu_ns, mst_mono_ns() - wall_ns);
    mst_http_free(&b.http);
    mst_loop_free(&b.loop);
    free(body);
    if (pid > 0) {
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
    }
    return b.failed > 0;
}
