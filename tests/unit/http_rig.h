// A raw HTTP server for tests of the client: one thread, answers by path, breaks the rules on request.
#ifndef TESTS_UNIT_HTTP_RIG_H
#define TESTS_UNIT_HTTP_RIG_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { RIG_CONNS = 512, RIG_BYTES = 4 * 1024 * 1024 };

typedef struct {
    int fd;
    char *p;
    size_t n;
} rig_conn_t;

typedef struct {
    int listen_fd, stop_pipe[2];
    uint16_t port;
    pthread_t thread;
    rig_conn_t conns[RIG_CONNS];
    size_t count;
    _Atomic unsigned opened, requests;
} rig_t;

static inline void
rig_put(int fd, const char *p, size_t n)
{
    while (n > 0) {
        ssize_t put = send(fd, p, n, MSG_NOSIGNAL);
        if (put <= 0)
            return;
        p += put;
        n -= (size_t)put;
    }
}

static inline void
rig_say(int fd, const char *z)
{
    rig_put(fd, z, strlen(z));
}

static inline void
rig_pause(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
}

#define RIG_OK "HTTP/1.1 200 OK\r\n"
#define RIG_CHUNKED RIG_OK "Transfer-Encoding: chunked\r\nContent-Type: text/event-stream\r\n\r\n"

static inline void
rig_body(int fd, const char *head, const char *p, size_t n)
{
    char text[512];
    int k = snprintf(text, sizeof text, "%sContent-Length: %zu\r\n\r\n", head, n);
    rig_put(fd, text, (size_t)k);
    rig_put(fd, p, n);
}

static inline bool
rig_is(const char *path, const char *name)
{
    return strncmp(path, name, strlen(name)) == 0;
}

// A well-formed answer with some of its bytes changed, cut or repeated; the path gives the seed.
static inline bool
rig_mutate(int fd, uint64_t seed)
{
    static const char whole[] = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nRetry-After: 1\r\n"
                                "Transfer-Encoding: chunked\r\n\r\n6\r\nabcdef\r\n3;x=y\r\nghi\r\n0\r\nT: v\r\n\r\n";
    char text[sizeof whole];
    memcpy(text, whole, sizeof whole);
    for (int i = 0; i < 4; i++) {
        seed = seed * 6364136223846793005U + 1442695040888963407U;
        text[(seed >> 33) % (sizeof whole - 1)] = (char)(seed >> 56);
    }
    size_t n = seed % 3 == 0 ? (seed >> 20) % sizeof whole : sizeof whole - 1;
    rig_put(fd, text, n);
    if (seed % 5 == 0)
        rig_put(fd, text, n);
    return false;
}

// lines of kilobytes thousand bytes each
static inline void
rig_large_head(int fd, int lines, int kilobytes)
{
    char text[1000];
    memset(text, 'x', sizeof text);
    rig_say(fd, RIG_OK);
    for (int i = 0; i < lines; i++) {
        rig_say(fd, "X-Fill: ");
        for (int k = 0; k < kilobytes; k++)
            rig_put(fd, text, sizeof text);
        rig_say(fd, "\r\n");
    }
    rig_body(fd, "", "hello", 5);
}

// path ends with a space. Returns false to close the connection.
static inline bool
rig_answer(const rig_conn_t *c, const char *path)
{
    int fd = c->fd;
    char text[1024];
    if (rig_is(path, "/hello ")) {
        rig_body(fd, RIG_OK "Content-Type: text/plain\r\nServer: rig/1\r\nX-Request-Id: req-7\r\n", "hello", 5);
    } else if (rig_is(path, "/echo ")) {
        rig_body(fd, RIG_OK, c->p, c->n);
    } else if (rig_is(path, "/chunked ")) {
        rig_say(fd, RIG_CHUNKED);
        for (int i = 0; i < 5; i++) {
            rig_pause();
            rig_say(fd, "6\r\nabcdef\r\n");
        }
        rig_say(fd, "0\r\n\r\n");
    } else if (rig_is(path, "/burst ")) {
        rig_say(fd, RIG_CHUNKED "1\r\na\r\n1\r\nb\r\n1\r\nc\r\n0\r\n\r\n");
    } else if (rig_is(path, "/hello-then-close ")) {
        rig_body(fd, RIG_OK, "hello", 5);
        return false;
    } else if (rig_is(path, "/cut-head ")) {
        return false;
    } else if (rig_is(path, "/cut-length ")) {
        rig_say(fd, RIG_OK "Content-Length: 100\r\n\r\n0123456789");
        return false;
    } else if (rig_is(path, "/cut-chunk ")) {
        rig_say(fd, RIG_CHUNKED "6\r\nabcdef\r\n");
        return false;
    } else if (rig_is(path, "/bad-chunk ")) {
        rig_say(fd, RIG_CHUNKED "zz\r\nabcdef\r\n");
    } else if (rig_is(path, "/hang ")) {
        return true;
    } else if (rig_is(path, "/hang-body ")) {
        rig_say(fd, RIG_CHUNKED "6\r\nabcdef\r\n");
    } else if (rig_is(path, "/big ")) {
        char *p = calloc(1, 200000);
        rig_body(fd, RIG_OK, p, 200000);
        free(p);
    } else if (rig_is(path, "/head ")) {
        rig_large_head(fd, 100, 1);
    } else if (rig_is(path, "/head-line ")) {
        rig_large_head(fd, 1, 300);
    } else if (rig_is(path, "/gzip ")) {
        rig_body(fd, RIG_OK "Content-Encoding: gzip\r\n", "\x1f\x8b", 2);
    } else if (rig_is(path, "/noise ")) {
        rig_say(fd, "SSH-2.0-noise\r\n\r\n");
        return false;
    } else if (rig_is(path, "/continue ")) {
        rig_say(fd, "HTTP/1.1 100 Continue\r\nServer: early\r\n\r\n");
        rig_pause();
        rig_body(fd, "HTTP/1.1 201 Created\r\n", "hello", 5);
    } else if (rig_is(path, "/mutate/")) {
        return rig_mutate(fd, strtoul(path + 8, NULL, 10));
    } else if (rig_is(path, "/retry/")) { // the rest of the path is the header, '+' for a space
        char value[256];
        size_t n = strcspn(path + 7, " ");
        snprintf(value, sizeof value, "%.*s", (int)(n < 200 ? n : 200), path + 7);
        for (char *v = value; *v; v++)
            *v = *v == '+' ? ' ' : *v;
        snprintf(text, sizeof text, "HTTP/1.1 429 Too Many Requests\r\n%s\r\n", value);
        rig_body(fd, text, "slow", 4);
    } else {
        rig_body(fd, "HTTP/1.1 404 Not Found\r\n", "none", 4);
    }
    return true;
}

// One whole request at the start of the buffer? Its length, or 0.
static inline size_t
rig_request(const rig_conn_t *c)
{
    const char *end = memmem(c->p, c->n, "\r\n\r\n", 4);
    if (!end)
        return 0;
    size_t head = (size_t)(end - c->p) + 4, body = 0;
    const char *length = memmem(c->p, head, "Content-Length: ", 16);
    if (length)
        body = (size_t)strtoul(length + 16, NULL, 10);
    return c->n >= head + body ? head + body : 0;
}

static inline bool
rig_read(rig_t *r, rig_conn_t *c)
{
    ssize_t got = recv(c->fd, c->p + c->n, RIG_BYTES - c->n - 1, 0);
    if (got <= 0)
        return false;
    c->n += (size_t)got;
    c->p[c->n] = '\0';
    if (c->p[0] == 0x16) { // a TLS client
        rig_say(c->fd, "HTTP/1.1 400 Bad Request\r\n\r\n");
        return false;
    }
    size_t request = rig_request(c);
    if (request == 0)
        return true;
    r->requests++;
    const char *path = strchr(c->p, ' ');
    bool on = path && rig_answer(c, path + 1);
    memmove(c->p, c->p + request, c->n - request);
    c->n -= request;
    return on;
}

static inline void
rig_drop(rig_t *r, size_t i)
{
    close(r->conns[i].fd);
    free(r->conns[i].p);
    r->conns[i] = r->conns[--r->count];
}

static inline void *
rig_main(void *arg)
{
    rig_t *r = arg;
    static struct pollfd polls[RIG_CONNS + 2];
    for (;;) {
        polls[0] = (struct pollfd){r->stop_pipe[0], POLLIN, 0};
        polls[1] = (struct pollfd){r->listen_fd, POLLIN, 0};
        size_t before = r->count;
        for (size_t i = 0; i < before; i++)
            polls[i + 2] = (struct pollfd){r->conns[i].fd, POLLIN, 0};
        poll(polls, (nfds_t)before + 2, -1);
        if (polls[0].revents)
            break;
        for (size_t i = before; i-- > 0;) {
            if (polls[i + 2].revents && !rig_read(r, &r->conns[i]))
                rig_drop(r, i);
        }
        if (polls[1].revents && r->count < RIG_CONNS) {
            int fd = accept(r->listen_fd, NULL, NULL), one = 1;
            setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
            r->conns[r->count++] = (rig_conn_t){fd, malloc(RIG_BYTES), 0};
            r->opened++;
        }
    }
    while (r->count > 0)
        rig_drop(r, 0);
    return NULL;
}

static inline uint16_t
rig_listen(int *out_fd, int backlog)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof a;
    *out_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(*out_fd, (struct sockaddr *)&a, n) != 0 || listen(*out_fd, backlog) != 0 ||
        getsockname(*out_fd, (struct sockaddr *)&a, &n) != 0)
        abort();
    return ntohs(a.sin_port);
}

static inline rig_t *
rig_start(void)
{
    rig_t *r = calloc(1, sizeof *r);
    r->port = rig_listen(&r->listen_fd, 512);
    if (pipe(r->stop_pipe) != 0 || pthread_create(&r->thread, NULL, rig_main, r) != 0)
        abort();
    return r;
}

static inline void
rig_stop(rig_t *r)
{
    close(r->stop_pipe[1]);
    pthread_join(r->thread, NULL);
    close(r->stop_pipe[0]);
    close(r->listen_fd);
    free(r);
}

#endif
