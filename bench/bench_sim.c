// A reader that does next to nothing, to measure the simulated backend by: it keeps STREAMS streamed answers under way
// on kept connections, reads their bytes and counts the events in them. The figures of the backend are taken from
// outside, of its process (sim.sh).
//   bench_sim PORT STREAMS ANSWERS [BODY_FILE [PATH]]
#include "common/base/clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { STREAMS_MAX = 8192, BODY_MAX_BYTES = 1 << 16, RX_BYTES = 1 << 18, EVENTS = 256 };

typedef struct {
    int fd;
    char last[5]; // the bytes before this read that an end of the answer may lie across
    bool newline;
} stream_t;

typedef struct {
    int epoll;
    char request[BODY_MAX_BYTES + 512];
    size_t request_n;
    uint64_t started, finished, wanted, events, bytes;
    char *rx;
} bench_t;

static bool
ask(bench_t *b, stream_t *s)
{
    b->started++;
    memset(s->last, 0, sizeof s->last);
    return send(s->fd, b->request, b->request_n, MSG_NOSIGNAL) == (ssize_t)b->request_n;
}

static bool
connect_stream(bench_t *b, stream_t *s, uint16_t port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = s};
    return s->fd >= 0 && connect(s->fd, (struct sockaddr *)(void *)&a, sizeof a) == 0 &&
           epoll_ctl(b->epoll, EPOLL_CTL_ADD, s->fd, &e) == 0 && ask(b, s);
}

// An event is a blank line behind a line end; chunk heads have CRs and do not count.
static void
count_events(bench_t *b, stream_t *s, const char *p, size_t n)
{
    for (const char *end = p + n, *at = p; at < end;) {
        const char *line_end = memchr(at, '\n', (size_t)(end - at));
        if (line_end == NULL) {
            s->newline = false;
            return;
        }
        b->events += line_end == at && s->newline;
        s->newline = true;
        at = line_end + 1;
    }
}

// The last chunk: "0\r\n\r\n" at the end of what was read.
static bool
is_end(stream_t *s, const char *p, size_t n)
{
    char tail[10];
    size_t keep = n < 5 ? n : 5;
    memcpy(tail, s->last, 5);
    memcpy(tail + 5, p + n - keep, keep);
    memcpy(s->last, tail + keep, 5);
    return memcmp(s->last, "0\r\n\r\n", 5) == 0;
}

static bool
on_readable(bench_t *b, stream_t *s)
{
    ssize_t n = recv(s->fd, b->rx, RX_BYTES, 0);
    if (n <= 0)
        return false;
    b->bytes += (size_t)n;
    count_events(b, s, b->rx, (size_t)n);
    if (!is_end(s, b->rx, (size_t)n))
        return true;
    b->finished++;
    return b->started == b->wanted || ask(b, s);
}

static void
make_request(bench_t *b, const char *body_path, const char *path)
{
    static char body[BODY_MAX_BYTES] = "{\"model\":\"m\",\"stream\":true,\"stream_options\":{\"include_usage\":true},"
                                       "\"messages\":[{\"role\":\"user\",\"content\":\"hello\"}]}";
    FILE *f = body_path != NULL ? fopen(body_path, "rb") : NULL;
    if (f != NULL) {
        size_t n = fread(body, 1, sizeof body - 1, f);
        body[n] = '\0';
        fclose(f);
    }
    int n = snprintf(b->request, sizeof b->request, "POST %s HTTP/1.1\r\nHost: h\r\nContent-Length: %zu\r\n\r\n%s",
                     path, strlen(body), body);
    b->request_n = n > 0 ? (size_t)n : 0;
}

static bool
run(bench_t *b)
{
    struct epoll_event events[EVENTS];
    while (b->finished < b->wanted) {
        int n = epoll_wait(b->epoll, events, EVENTS, 20000);
        if (n == 0 || (n < 0 && errno != EINTR))
            return false;
        for (int i = 0; i < n; i++)
            if (!on_readable(b, events[i].data.ptr))
                return false;
    }
    return true;
}

int
main(int argc, char **argv)
{
    static bench_t b;
    static stream_t streams[STREAMS_MAX];
    if (argc < 4) {
        fprintf(stderr, "usage: bench_sim PORT STREAMS ANSWERS [BODY_FILE [PATH]]\n");
        return 2;
    }
    uint16_t port = (uint16_t)strtoul(argv[1], NULL, 10);
    size_t count = strtoul(argv[2], NULL, 10);
    b.wanted = strtoul(argv[3], NULL, 10);
    count = count > STREAMS_MAX ? STREAMS_MAX : count;
    b.wanted = b.wanted < count ? count : b.wanted;
    b.epoll = epoll_create1(EPOLL_CLOEXEC);
    b.rx = malloc(RX_BYTES);
    make_request(&b, argc > 4 ? argv[4] : NULL, argc > 5 ? argv[5] : "/v1/chat/completions");
    int64_t from_ns = mst_mono_ns();
    bool good = b.rx != NULL;
    for (size_t i = 0; i < count && good; i++)
        good = connect_stream(&b, &streams[i], port);
    good = good && run(&b);
    double seconds = (double)(mst_mono_ns() - from_ns) / 1e9;
    printf("answers %llu events %llu bytes %llu seconds %.3f events_per_s %.0f\n", (unsigned long long)b.finished,
           (unsigned long long)b.events, (unsigned long long)b.bytes, seconds, (double)b.events / seconds);
    free(b.rx);
    close(b.epoll);
    return good ? 0 : 1;
}
