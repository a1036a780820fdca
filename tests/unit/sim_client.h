// A raw client of the simulated backend, for tests: requests as text, answers as text. Included behind cmocka.h.
#ifndef TESTS_UNIT_SIM_CLIENT_H
#define TESTS_UNIT_SIM_CLIENT_H

#include "common/base/buf.h"
#include "sim/sim.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { WAIT_MS = 20000 };

static inline mst_sim_t *
start(const mst_sim_opts_t *o)
{
    mst_sim_t *s = NULL;
    mst_err_t err;
    if (mst_sim_start(o, &s, &err) != MST_OK)
        fail_msg("%s", err.message);
    return s;
}

static inline mst_sim_opts_t
defaults(void)
{
    mst_sim_opts_t o;
    mst_sim_defaults(&o);
    return o;
}

static inline int
dial(const mst_sim_t *s)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(mst_sim_port(s))};
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)(void *)&a, sizeof a), 0);
    return fd;
}

static inline void
put(int fd, mst_str_t s)
{
    while (s.n > 0) {
        ssize_t n = send(fd, s.p, s.n, MSG_NOSIGNAL);
        assert_true(n > 0);
        s = mst_str(s.p + n, s.n - (size_t)n);
    }
}

// Reads until the server closes, or until the text ends with `until` (NULL = never).
static inline void
get(int fd, mst_buf_t *out, const char *until)
{
    for (;;) {
        struct pollfd p = {fd, POLLIN, 0};
        assert_int_equal(poll(&p, 1, WAIT_MS), 1);
        char *to = mst_buf_reserve(out, 65536);
        assert_non_null(to);
        ssize_t n = recv(fd, to, 65536, 0);
        if (n <= 0)
            return;
        out->n += (size_t)n;
        if (until != NULL && mst_str_ends(mst_buf_view(out), mst_str_c(until)))
            return;
    }
}

static inline void
add_request(mst_buf_t *b, const char *headers, const char *body)
{
    mst_buf_addf(b, "POST /v1/chat/completions HTTP/1.1\r\nHost: h\r\n%sContent-Length: %zu\r\n\r\n%s", headers,
                 strlen(body), body);
}

#define CLOSE "Connection: close\r\n"
#define HELLO "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"hello\"}]}"
#define HELLO_STREAM                                                                                                   \
    "{\"model\":\"m\",\"stream\":true,\"stream_options\":{\"include_usage\":true},"                                    \
    "\"messages\":[{\"role\":\"user\",\"content\":\"hello\"}]}"

// One request on a connection of its own; the whole answer, NUL-terminated. free() it.
static inline char *
ask_raw(const mst_sim_t *s, mst_str_t request)
{
    mst_buf_t b;
    mst_buf_init(&b, 64 << 20);
    int fd = dial(s);
    put(fd, request);
    get(fd, &b, NULL);
    close(fd);
    mst_buf_add_byte(&b, '\0');
    return mst_buf_take(&b, NULL);
}

static inline char *
ask(const mst_sim_t *s, const char *headers, const char *body)
{
    mst_buf_t q;
    mst_buf_init(&q, 64 << 20);
    char lines[512];
    snprintf(lines, sizeof lines, CLOSE "%s", headers);
    add_request(&q, lines, body);
    char *answer = ask_raw(s, mst_buf_view(&q));
    mst_buf_deinit(&q);
    return answer;
}

// Plain loop: a checked strstr reads the whole rest of the text at every call.
static inline size_t
count(const char *text, const char *part)
{
    size_t found = 0, n = strlen(part);
    for (const char *p = text; *p != '\0';) {
        bool here = *p == part[0] && strncmp(p, part, n) == 0;
        found += here;
        p += here ? n : 1;
    }
    return found;
}

static inline int
status(const char *answer)
{
    int code = 0;
    assert_int_equal(sscanf(answer, "HTTP/1.1 %d ", &code), 1);
    return code;
}

static inline void
expect(const mst_sim_t *s, const char *headers, const char *body, int code, const char *part)
{
    char *answer = ask(s, headers, body);
    assert_int_equal(status(answer), code);
    if (strstr(answer, part) == NULL)
        fail_msg("no %s in %s", part, answer);
    free(answer);
}

#endif
