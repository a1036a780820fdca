// How exact the client's stamps are: the simulated backend, a process of its own, writes down when it sent each event
// and when each request reached its kernel; the client says when it received them. Rounds over the same streams, all
// started at once: on new connections, on kept ones, and by a bare epoll reader with kernel stamps that parses nothing:
// the limit. From the first two also what this process's own clock would have said (user).
//   bench_truth [STREAMS] [TOKENS] [ITL_MS] [sync]
// arrival error: client's arrival - backend's clock just before it sent the event.
// ttft error: (first token's arrival - send stamp) - (sent by the backend - request in the backend's kernel).
// merged: events that the backend sent apart and the client read together.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/limits.h"
#include "common/base/mem.h"
#include "common/base/str.h"
#include "common/http/client.h"
#include "common/http/stamps.h"
#include "common/json/json.h"
#include "sim/sim.h"

enum { ROUNDS = 3, EVENTS_MAX = 4096, NAME_MAX_BYTES = 40, STREAMS_MAX = 8192, READ_BYTES = 16384 };

static const char *const round_names[ROUNDS] = {"new", "kept", "bare"};
#define BARE  2
#define BODY  "{\"model\":\"m\",\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":\"Tell me.\"}]}"
#define LIMIT 600000

typedef struct bench bench_t;

typedef struct {
    bench_t *b;
    char name[NAME_MAX_BYTES]; // X-Case-Id line's value
    int64_t *rx_ns, *user_ns;  // one an event; user: this process's clock when it got to it
    bool *shared;              // it came in one read with the event before
    size_t events;
    int64_t start_ns;          // this process's clock when it was asked for
    int fd;                    // of the bare reader
    bool newline;              // the last byte was one
    int64_t send_ns;
    mst_stamp_source_t send_source, rx_source;
    bool reused, failed;
    uint32_t merged;
} stream_t;

struct bench {
    mst_loop_t *loop;
    mst_http_t *http;
    char url[128];
    stream_t *streams; // ROUNDS * count
    size_t count, under_way;
    uint16_t port;
};

typedef struct {
    double *us;
    size_t n, cap;
} errors_t;

// ---- the backend's process

static int
serve(const mst_sim_opts_t *opts, int port_fd, int stop_fd)
{
    mst_sim_t *sim = NULL;
    mst_err_t err;
    if (mst_sim_start(opts, &sim, &err) != MST_OK) {
        fprintf(stderr, "%s\n", err.message);
        return 1;
    }
    uint16_t port = mst_sim_port(sim);
    char byte;
    if (write(port_fd, &port, sizeof port) != sizeof port || read(stop_fd, &byte, 1) < 0)
        return 1;
    mst_sim_stop(&sim);
    return 0;
}

static pid_t
fork_backend(const mst_sim_opts_t *opts, uint16_t *out_port, int *out_stop_fd)
{
    int port_pipe[2], stop_pipe[2];
    if (pipe2(port_pipe, O_CLOEXEC) != 0 || pipe2(stop_pipe, O_CLOEXEC) != 0)
        return -1;
    pid_t pid = fork();
    if (pid == 0) {
        close(stop_pipe[1]);
        _exit(serve(opts, port_pipe[1], stop_pipe[0]));
    }
    close(port_pipe[1]);
    close(stop_pipe[0]);
    *out_stop_fd = stop_pipe[1];
    return read(port_pipe[0], out_port, sizeof *out_port) == sizeof *out_port ? pid : -1;
}

// ---- the client

static bool
on_data(void *ud, mst_str_t bytes, int64_t rx_ns, bool merged)
{
    stream_t *s = ud;
    int64_t now_ns = mst_mono_ns();
    for (size_t i = 0; i < bytes.n; i++) { // an event ends with an empty line
        bool newline = bytes.p[i] == '\n';
        if (newline && s->newline && s->events < EVENTS_MAX) {
            s->user_ns[s->events] = now_ns;
            s->shared[s->events] = merged;
            merged = true; // the next one of these bytes
            s->rx_ns[s->events++] = rx_ns;
        }
        s->newline = newline;
    }
    return true;
}

static void
on_done(void *ud, const mst_http_result_t *r)
{
    stream_t *s = ud;
    s->send_ns = r->send_mono_ns;
    s->send_source = r->send_source;
    s->rx_source = r->rx_source;
    s->reused = r->conn_reused;
    s->merged = r->merged_reads;
    s->failed = r->err.rc != MST_OK || r->status != 200;
    if (s->failed)
        fprintf(stderr, "%s: status %d %s\n", s->name, r->status, r->err.message);
    if (--s->b->under_way == 0)
        mst_loop_stop(s->b->loop);
}

static void
start(bench_t *b, stream_t *s)
{
    static const mst_http_handler_t handler = {on_data, on_done};
    char line[NAME_MAX_BYTES + 16];
    snprintf(line, sizeof line, "X-Case-Id: %s", s->name);
    mst_str_t headers[] = {MST_STR("Content-Type: application/json"), mst_str_c(line)};
    mst_http_req_t req = {.method = "POST", .url = mst_str_c(b->url), .headers = headers, .header_count = 2,
                          .body = MST_STR(BODY), .total_timeout_ms = LIMIT, .body_max = MST_HTTP_BODY_MAX};
    mst_http_call_t *call;
    mst_err_t err;
    if (mst_http_start(b->http, &req, &handler, s, &call, &err) != MST_OK) {
        fprintf(stderr, "%s\n", err.message);
        exit(1);
    }
    b->under_way++;
}

// ---- the limit: a bare reader

static bool
bare_open(const bench_t *b, stream_t *s, int epoll_fd)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(b->port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int one = 1;
    s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    mst_stamps_enable(s->fd);
    struct epoll_event e = {.events = EPOLLIN, .data = {.ptr = s}};
    return s->fd >= 0 && setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) == 0 &&
           connect(s->fd, (struct sockaddr *)&to, sizeof to) == 0 && fcntl(s->fd, F_SETFL, O_NONBLOCK) == 0 &&
           epoll_ctl(epoll_fd, EPOLL_CTL_ADD, s->fd, &e) == 0;
}

static bool
bare_send(stream_t *s)
{
    char text[512];
    int n = snprintf(text, sizeof text,
                     "POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
                     "X-Case-Id: %s\r\nContent-Length: %zu\r\n\r\n%s",
                     s->name, sizeof BODY - 1, BODY);
    return send(s->fd, text, (size_t)n, MSG_NOSIGNAL) == n;
}

static void
bare_read(bench_t *b, stream_t *s, const mst_stamps_t *stamps, bool error)
{
    char room[READ_BYTES];
    int64_t at;
    while (error && mst_stamps_sent(stamps, s->fd, &at))
        s->send_ns = at;
    mst_arrival_t a = mst_stamps_arrival(stamps, s->fd, sizeof room);
    ssize_t n = recv(s->fd, room, sizeof room, MSG_DONTWAIT);
    if (n < 0 && error)
        return;
    if (n > 0) // the framing of chunks has no empty line; a chunk's own line end comes behind its event's
        (void)on_data(s, mst_str(room, (size_t)n), a.last_ns, false);
    bool whole = n >= 5 && memcmp(room + n - 5, "0\r\n\r\n", 5) == 0;
    if (n > 0 && !whole)
        return;
    s->failed = !whole;
    s->send_source = s->rx_source = s->send_ns != MST_NONE ? MST_STAMP_KERNEL : MST_STAMP_USER;
    close(s->fd);
    b->under_way--;
}

static void
bare_round(bench_t *b, stream_t *streams)
{
    mst_stamps_t stamps;
    mst_stamps_init(&stamps);
    int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event events[256];
    bool ok = epoll_fd >= 0;
    for (size_t i = 0; i < b->count && ok; i++)
        ok = bare_open(b, &streams[i], epoll_fd);
    for (size_t i = 0; i < b->count && ok; i++) {
        ok = bare_send(&streams[i]);
        b->under_way++;
    }
    while (ok && b->under_way > 0) {
        int n = epoll_wait(epoll_fd, events, 256, LIMIT);
        mst_stamps_refresh(&stamps, mst_mono_ns());
        for (int i = 0; i < n; i++)
            bare_read(b, events[i].data.ptr, &stamps, (events[i].events & EPOLLERR) != 0);
        ok = n > 0;
    }
    if (!ok) {
        fprintf(stderr, "the bare reader failed\n");
        exit(1);
    }
    close(epoll_fd);
    mst_stamps_deinit(&stamps);
}

// ---- the comparison

static void
add(errors_t *e, int64_t ns)
{
    if (e->n == e->cap) {
        e->cap = e->cap ? 2 * e->cap : 1024;
        e->us = mst_xrealloc(e->us, e->cap * sizeof *e->us);
    }
    e->us[e->n++] = (double)ns / 1e3;
}

static int
by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void
print_errors(const char *name, errors_t *e)
{
    if (e->n == 0) {
        printf(" %s none", name);
        return;
    }
    qsort(e->us, e->n, sizeof *e->us, by_value);
    printf(" %s_n %zu min %.1f p50 %.1f p99 %.1f max %.1f us;", name, e->n, e->us[0], e->us[e->n / 2],
           e->us[(size_t)((double)e->n * 0.99)], e->us[e->n - 1]);
}

static bool
is_token(const mst_json_t *event)
{
    mst_str_t kind;
    int64_t tokens = 0;
    return mst_json_str(mst_json_at(event, 3), &kind) && mst_json_i64(mst_json_at(event, 2), &tokens) && tokens > 0 &&
           (mst_str_eq_c(kind, "content") || mst_str_eq_c(kind, "reasoning"));
}

typedef struct {
    errors_t arrival, ttft, user_arrival, user_ttft;
    size_t merged;
} compared_t;

static void
compare(const stream_t *s, const mst_json_t *row, compared_t *c)
{
    const mst_json_t *events = mst_json_get(row, "events");
    int64_t recv_ns = 0, before_ns, previous_ns = 0;
    if (!mst_json_i64(mst_json_get(row, "recv_ns"), &recv_ns) || !events || events->count != s->events) {
        fprintf(stderr, "%s: %zu events received, %u sent\n", s->name, s->events, events ? events->count : 0);
        return;
    }
    bool first = true;
    for (uint32_t i = 0; i < events->count; i++) {
        const mst_json_t *event = mst_json_at(events, i);
        if (!mst_json_i64(mst_json_at(event, 0), &before_ns))
            continue;
        add(&c->arrival, s->rx_ns[i] - before_ns);
        add(&c->user_arrival, s->user_ns[i] - before_ns);
        c->merged += i > 0 && s->shared[i] && before_ns != previous_ns;
        previous_ns = before_ns;
        if (first && is_token(event)) {
            add(&c->ttft, (s->rx_ns[i] - s->send_ns) - (before_ns - recv_ns));
            add(&c->user_ttft, (s->user_ns[i] - s->start_ns) - (before_ns - recv_ns));
            first = false;
        }
    }
}

static stream_t *
stream_named(const bench_t *b, int round, mst_str_t name)
{
    char text[NAME_MAX_BYTES];
    snprintf(text, sizeof text, "%.*s", MST_FMT(name));
    int r = -1;
    size_t i = SIZE_MAX;
    bool ours = sscanf(text, "r%d-%zu", &r, &i) == 2 && r == round && i < b->count;
    return ours ? &b->streams[(size_t)round * b->count + i] : NULL;
}

static void
read_truth(const bench_t *b, const char *path, int round, compared_t *c)
{
    mst_json_parser_t *parser = mst_json_parser_new();
    mst_arena_t *arena = mst_arena_new(16 * MST_MIB);
    FILE *f = fopen(path, "re");
    char *line = NULL;
    size_t cap = 0;
    ssize_t n;
    while (f && (n = getline(&line, &cap, f)) > 0) {
        const mst_json_t *row;
        mst_str_t name;
        mst_arena_reset(arena);
        if (mst_json_parse(parser, mst_str(line, (size_t)n), arena, &row, NULL, NULL) != MST_OK ||
            !mst_json_str(mst_json_get(row, "case_id"), &name))
            continue;
        const stream_t *s = stream_named(b, round, name);
        if (s)
            compare(s, row, c);
    }
    if (f)
        fclose(f);
    free(line);
    mst_arena_free(&arena);
    mst_json_parser_free(&parser);
}

static void
report(const bench_t *b, const char *truth_path, int round, int64_t cpu_ns)
{
    compared_t c = {0};
    size_t events = 0, kernel = 0, reused = 0;
    read_truth(b, truth_path, round, &c);
    for (size_t i = 0; i < b->count; i++) {
        const stream_t *s = &b->streams[(size_t)round * b->count + i];
        events += s->events;
        reused += s->reused;
        kernel += s->send_source == MST_STAMP_KERNEL && s->rx_source == MST_STAMP_KERNEL;
    }
    printf("%-4s streams %zu reused %zu kernel_both %zu events %zu merged %zu cpu_us_per_event %.1f;",
           round_names[round], b->count, reused, kernel, events, c.merged,
           (double)cpu_ns / 1e3 / (double)(events ? events : 1));
    print_errors("arrival", &c.arrival);
    print_errors("ttft", &c.ttft);
    if (round != BARE) {
        print_errors("user_arrival", &c.user_arrival);
        print_errors("user_ttft", &c.user_ttft);
    }
    printf("\n");
    free(c.arrival.us);
    free(c.ttft.us);
    free(c.user_arrival.us);
    free(c.user_ttft.us);
}

static int64_t
run_round(bench_t *b, int round)
{
    int64_t cpu_ns = mst_cpu_ns();
    for (size_t i = 0; i < b->count; i++) {
        stream_t *s = &b->streams[(size_t)round * b->count + i];
        s->b = b;
        s->rx_ns = MST_NEW_ARRAY(int64_t, EVENTS_MAX);
        s->user_ns = MST_NEW_ARRAY(int64_t, EVENTS_MAX);
        s->shared = MST_NEW_ARRAY(bool, EVENTS_MAX);
        s->send_ns = MST_NONE;
        snprintf(s->name, sizeof s->name, "r%d-%zu", round, i);
        s->start_ns = mst_mono_ns();
        if (round != BARE)
            start(b, s);
    }
    if (round == BARE)
        bare_round(b, &b->streams[(size_t)round * b->count]);
    else
        mst_loop_run(b->loop);
    return mst_cpu_ns() - cpu_ns;
}

static uint64_t
number(int argc, char **argv, int at, uint64_t otherwise)
{
    uint64_t n = otherwise;
    if (at < argc && !mst_str_to_u64(mst_str_c(argv[at]), &n)) {
        fprintf(stderr, "\"%s\" is not a number\n", argv[at]);
        exit(2);
    }
    return n;
}

int
main(int argc, char **argv)
{
    char truth_path[] = "/tmp/bench_truth.XXXXXX";
    int truth_fd = mkstemp(truth_path);
    bench_t b = {.count = (size_t)number(argc, argv, 1, 64)};
    mst_sim_opts_t opts;
    mst_sim_defaults(&opts);
    opts.tokens_min = opts.tokens_max = (uint32_t)number(argc, argv, 2, 50);
    opts.itl_ms = (double)number(argc, argv, 3, 20);
    opts.itl_sigma = 0.2;
    opts.ttft_ms = 300;
    opts.ttft_sigma = 0.2;
    opts.sync_steps = argc > 4;
    opts.truth_path = truth_path;
    opts.connections_max = STREAMS_MAX;
    uint16_t port = 0;
    int stop_fd = -1;
    pid_t pid = truth_fd >= 0 && b.count <= STREAMS_MAX ? fork_backend(&opts, &port, &stop_fd) : -1;
    mst_err_t err;
    mst_http_opts_t http_opts = {.connections_max = b.count};
    if (pid < 0 || mst_loop_new(&b.loop, &err) != MST_OK ||
        mst_http_new(b.loop, &http_opts, &b.http, &err) != MST_OK) {
        fprintf(stderr, "could not start\n");
        return 1;
    }
    struct rlimit files = {4 * STREAMS_MAX, 4 * STREAMS_MAX};
    (void)setrlimit(RLIMIT_NOFILE, &files);
    b.port = port;
    snprintf(b.url, sizeof b.url, "http://127.0.0.1:%u/v1/chat/completions", port);
    b.streams = MST_NEW_ARRAY(stream_t, ROUNDS * b.count);
    int64_t cpu_ns[ROUNDS];
    for (int round = 0; round < ROUNDS; round++)
        cpu_ns[round] = run_round(&b, round);
    mst_http_free(&b.http);
    mst_loop_free(&b.loop);
    close(stop_fd); // the backend writes the rest of its record and ends
    int status = 1;
    waitpid(pid, &status, 0);
    for (int round = 0; round < ROUNDS; round++)
        report(&b, truth_path, round, cpu_ns[round]);
    for (size_t i = 0; i < ROUNDS * b.count; i++) {
        free(b.streams[i].rx_ns);
        free(b.streams[i].user_ns);
        free(b.streams[i].shared);
    }
    free(b.streams);
    close(truth_fd);
    unlink(truth_path);
    return status != 0;
}
