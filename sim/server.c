// The sockets of the simulated backend. Level-triggered: one recv() a turn for a readable connection, as many
// accepts as there are. Bytes that a busy connection sends ahead wait in `pending`, bounded; then the socket is
// not read until the answer is out.
#include "sim/server.h"

#include "common/base/clock.h"
#include "common/base/limits.h"
#include "common/base/log.h"
#include "common/base/mem.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/errqueue.h>
#include <linux/net_tstamp.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum {
    RX_BYTES = 128 << 10, // one recv
    BACKLOG = 4096,
    REFUSED_MAX = 64, // connections over the limit that still get their 503
    SPARE_KEEP_BYTES = 1 << 20,
    TRUTH_BYTES_MAX = 16 << 20, // waiting truth beyond which it is written although requests are under way
};

#define LINGER_NS       (1 * MST_NS_PER_S)
#define ACCEPT_PAUSE_NS (100 * MST_NS_PER_MS) // after running out of descriptors
#define TRUTH_IDLE_NS   (50 * MST_NS_PER_MS)
#define BUFFER_MAX      (MST_HTTP_BODY_MAX + 2 * MST_MIB)

static void on_event(void *ud, int fd, int events);
static void go_on(mst_sim_conn_t *c);

// --- connections -------------------------------------------------------------------------------------------

static void
watch(mst_sim_conn_t *c)
{
    mst_sim_server_t *s = c->server;
    bool read = !c->eof && c->pending.n < RX_BYTES;
    bool write = c->out.n > c->out_at && c->piece == 0;
    if (read == c->watching_read && write == c->watching_write)
        return;
    c->watching_read = read;
    c->watching_write = write;
    mst_err_t err;
    if (mst_loop_fd(s->loop, c->fd, (read ? MST_LOOP_READ : 0) | (write ? MST_LOOP_WRITE : 0), on_event, c, &err) !=
        MST_OK) {
        mst_warn("%s", err.message);
        mst_sim_conn_close(c);
    }
}

static void
shrink(mst_buf_t *b)
{
    size_t max = b->max;
    if (b->cap > SPARE_KEEP_BYTES) {
        mst_buf_deinit(b);
        mst_buf_init(b, max);
    }
    mst_buf_reset(b);
}

static void
on_timer(void *ud)
{
    mst_sim_conn_t *c = ud;
    mst_sim_exchange_timer(c);
    go_on(c);
}

static mst_sim_conn_t *
new_conn(mst_sim_server_t *s, int fd, mst_sim_dialect_t dialect)
{
    mst_sim_conn_t *c = s->spare;
    if (c != NULL) {
        s->spare = c->next;
    } else {
        c = MST_NEW(mst_sim_conn_t);
        c->req = mst_hreq_new(MST_HTTP_BODY_MAX);
        mst_buf_init(&c->pending, RX_BYTES);
        mst_buf_init(&c->out, BUFFER_MAX);
        mst_sim_stock_init(&c->stock);
        mst_buf_init(&c->places, MST_SIM_CHOICES_MAX * sizeof(mst_sim_place_t));
        mst_buf_init(&c->body, BUFFER_MAX);
        mst_buf_init(&c->prefix, MST_HTTP_BODY_MAX);
        mst_buf_init(&c->events, MST_TOKENS_MAX * sizeof(mst_sim_truth_event_t));
    }
    c->server = s;
    c->fd = fd;
    c->dialect = dialect;
    c->state = MST_SIM_READING;
    c->eof = c->close_after = c->watching_read = c->watching_write = false;
    c->timer.fn = on_timer;
    c->timer.ud = c;
    c->prev = NULL;
    c->next = s->conns;
    if (s->conns != NULL)
        s->conns->prev = c;
    s->conns = c;
    s->count++;
    return c;
}

void
mst_sim_conn_close(mst_sim_conn_t *c)
{
    mst_sim_server_t *s = c->server;
    if (c->state == MST_SIM_CLOSED)
        return;
    if (mst_sim_conn_is_busy(c)) {
        s->busy--;
        c->end = c->end == MST_SIM_ENDED_WHOLE ? MST_SIM_ENDED_CLOSED : c->end;
        mst_sim_exchange_record(c);
    }
    c->state = MST_SIM_CLOSED;
    mst_loop_fd_remove(s->loop, c->fd);
    mst_loop_timer_stop(s->loop, &c->timer);
    close(c->fd);
    if (c->prev != NULL)
        c->prev->next = c->next;
    else
        s->conns = c->next;
    if (c->next != NULL)
        c->next->prev = c->prev;
    c->next = s->closed;
    s->closed = c;
    s->count--;
}

// At the end of a turn: nobody holds a closed connection any more.
static void
reap(mst_sim_server_t *s)
{
    while (s->closed != NULL) {
        mst_sim_conn_t *c = s->closed;
        s->closed = c->next;
        mst_hreq_reset(c->req);
        shrink(&c->pending);
        shrink(&c->out);
        mst_sim_stock_each(&c->stock, shrink);
        shrink(&c->places);
        shrink(&c->body);
        shrink(&c->prefix);
        shrink(&c->events);
        c->out_at = c->stamped = c->piece = 0;
        c->next = s->spare;
        s->spare = c;
    }
}

static void
free_conns(mst_sim_conn_t **list)
{
    while (*list != NULL) {
        mst_sim_conn_t *c = *list;
        *list = c->next;
        mst_hreq_free(&c->req);
        mst_buf_deinit(&c->pending);
        mst_buf_deinit(&c->out);
        mst_sim_stock_deinit(&c->stock);
        mst_buf_deinit(&c->places);
        mst_buf_deinit(&c->body);
        mst_buf_deinit(&c->prefix);
        mst_buf_deinit(&c->events);
        free(c);
    }
}

// --- writing -----------------------------------------------------------------------------------------------

// Stamps the events that went into this call. With a full socket they get their last stamp from the call that
// takes the rest.
static void
stamp(mst_sim_conn_t *c, int64_t before_ns, int64_t after_ns)
{
    size_t count = c->events.n / sizeof(mst_sim_truth_event_t);
    for (size_t i = c->stamped; i < count; i++) {
        mst_sim_truth_event_t *e = (mst_sim_truth_event_t *)(void *)c->events.p + i;
        e->before_ns = e->before_ns != 0 && c->piece == 0 ? e->before_ns : before_ns; // split: the last piece counts
        e->after_ns = after_ns;
    }
    if (c->out.n == c->out_at)
        c->stamped = count;
}

// Returns the bytes taken, 0 when the socket is full; closes the connection when it is broken.
static size_t
send_some(mst_sim_conn_t *c, struct iovec *iov, size_t count)
{
    struct msghdr m = {.msg_iov = iov, .msg_iovlen = count};
    ssize_t n;
    do
        n = sendmsg(c->fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    if (n >= 0)
        return (size_t)n;
    if (errno != EAGAIN && errno != EWOULDBLOCK)
        mst_sim_conn_close(c);
    return 0;
}

static struct iovec
to_iovec(mst_str_t s)
{
    struct iovec v = {.iov_len = s.n};
    memcpy(&v.iov_base, &s.p, sizeof s.p); // sendmsg does not write to it; a cast would drop the const
    return v;
}

void
mst_sim_conn_send(mst_sim_conn_t *c, mst_str_t a, mst_str_t b)
{
    if (c->state == MST_SIM_CLOSED)
        return;
    size_t taken = 0;
    bool truth = c->server->truth != NULL;
    int64_t before_ns = truth ? mst_mono_ns() : 0;
    if (c->out.n == c->out_at) {
        struct iovec iov[2] = {to_iovec(a), to_iovec(b)};
        taken = send_some(c, iov, b.n > 0 ? 2 : 1);
    }
    int64_t after_ns = truth ? mst_mono_ns() : 0;
    if (c->state == MST_SIM_CLOSED)
        return;
    if (taken < a.n + b.n) {
        size_t from_a = taken < a.n ? taken : a.n, from_b = taken - from_a;
        mst_buf_add(&c->out, a.p + from_a, a.n - from_a);
        mst_buf_add(&c->out, b.p + from_b, b.n - from_b);
        if (c->out.failed) {
            mst_sim_conn_close(c);
            return;
        }
    }
    if (truth)
        stamp(c, before_ns, after_ns);
    watch(c);
}

bool
mst_sim_conn_send_piece(mst_sim_conn_t *c)
{
    size_t left = c->out.n - c->out_at, wanted = c->piece < left ? c->piece : left;
    if (c->state == MST_SIM_CLOSED)
        return false;
    bool truth = c->server->truth != NULL;
    int64_t before_ns = truth ? mst_mono_ns() : 0;
    struct iovec iov = to_iovec(mst_str(c->out.p + c->out_at, wanted));
    c->out_at += send_some(c, &iov, 1);
    if (c->state == MST_SIM_CLOSED)
        return false;
    if (truth)
        stamp(c, before_ns, mst_mono_ns());
    if (c->out_at < c->out.n)
        return true;
    shrink(&c->out);
    c->out_at = c->piece = 0;
    return false;
}

void
mst_sim_conn_send_split(mst_sim_conn_t *c, mst_str_t a)
{
    size_t pieces = c->server->opts.split_writes;
    mst_buf_add_str(&c->out, a);
    if (c->out.failed) {
        mst_sim_conn_close(c);
        return;
    }
    c->piece = (a.n + pieces - 1) / pieces;
    (void)mst_sim_conn_send_piece(c);
}

static void
on_writable(mst_sim_conn_t *c)
{
    bool truth = c->server->truth != NULL;
    int64_t before_ns = truth ? mst_mono_ns() : 0;
    struct iovec iov = to_iovec(mst_str(c->out.p + c->out_at, c->out.n - c->out_at));
    size_t n = send_some(c, &iov, 1);
    if (c->state == MST_SIM_CLOSED)
        return;
    c->out_at += n;
    if (truth)
        stamp(c, before_ns, mst_mono_ns());
    if (c->out_at < c->out.n)
        return;
    shrink(&c->out);
    c->out_at = 0;
    mst_sim_exchange_drained(c);
}

// --- reading -----------------------------------------------------------------------------------------------

// Feeds the reader, and answers each whole request that can be answered at once; returns what is left over.
static mst_str_t
feed(mst_sim_conn_t *c, mst_str_t in)
{
    while (c->state == MST_SIM_READING && in.n > 0) {
        size_t taken = 0;
        mst_err_t err;
        mst_rc rc = mst_hreq_feed(c->req, in, &taken, &err);
        in = mst_str(in.p + taken, in.n - taken);
        if (rc == MST_OK) {
            mst_sim_exchange_begin(c);
        } else if (rc != MST_AGAIN) {
            mst_sim_exchange_refuse(c, mst_hreq_error_status(c->req), err.message);
            return MST_STR_NULL;
        } else if (mst_hreq_wants_continue(c->req)) {
            mst_sim_conn_send(c, MST_STR("HTTP/1.1 100 Continue\r\n\r\n"), MST_STR_NULL);
        }
    }
    return c->state == MST_SIM_LINGERING || c->state == MST_SIM_CLOSED ? MST_STR_NULL : in;
}

static void
linger(mst_sim_conn_t *c)
{
    mst_buf_reset(&c->pending);
    if (c->eof) {
        mst_sim_conn_close(c);
        return;
    }
    if (c->timer.node.index != 0)
        return; // lingers already
    shutdown(c->fd, SHUT_WR);
    mst_loop_timer(c->server->loop, &c->timer, mst_loop_now(c->server->loop) + LINGER_NS);
}

// After anything that may have ended an exchange: takes up what was sent ahead, or parts.
static void
go_on(mst_sim_conn_t *c)
{
    if (c->state == MST_SIM_READING && c->pending.n > 0) {
        mst_str_t left = feed(c, mst_buf_view(&c->pending));
        mst_buf_consume(&c->pending, c->pending.n - left.n);
    }
    if (c->state == MST_SIM_READING && c->eof)
        mst_sim_conn_close(c);
    if (c->state == MST_SIM_LINGERING)
        linger(c);
    if (c->state != MST_SIM_CLOSED)
        watch(c);
}

// The kernel's stamp of the last byte, as CLOCK_MONOTONIC; 0 = there is none.
static int64_t
kernel_stamp(mst_sim_server_t *s, struct msghdr *m)
{
    int64_t now_ns = mst_loop_now(s->loop);
    if (now_ns - s->wall_offset_at_ns > MST_NS_PER_S) {
        s->wall_offset_ns = mst_wall_offset_ns();
        s->wall_offset_at_ns = now_ns;
    }
    for (struct cmsghdr *h = CMSG_FIRSTHDR(m); h != NULL; h = CMSG_NXTHDR(m, h)) {
        if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_TIMESTAMPING)
            continue;
        struct scm_timestamping ts;
        memcpy(&ts, CMSG_DATA(h), sizeof ts);
        int64_t wall_ns = (int64_t)ts.ts[0].tv_sec * MST_NS_PER_S + ts.ts[0].tv_nsec;
        return wall_ns > 0 ? wall_ns - s->wall_offset_ns : 0;
    }
    return 0;
}

static ssize_t
receive(mst_sim_conn_t *c, size_t max)
{
    mst_sim_server_t *s = c->server;
    if (s->truth == NULL)
        return recv(c->fd, s->rx, max, MSG_DONTWAIT);

    union {
        char bytes[CMSG_SPACE(sizeof(struct scm_timestamping)) + 64];
        struct cmsghdr align;
    } control;
    struct iovec iov = {s->rx, max};
    struct msghdr m = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
    ssize_t n = recvmsg(c->fd, &m, MSG_DONTWAIT);
    if (n > 0) {
        int64_t stamp_ns = kernel_stamp(s, &m);
        c->recv_kernel = stamp_ns != 0;
        c->recv_ns = stamp_ns != 0 ? stamp_ns : mst_mono_ns();
    }
    return n;
}

static void
on_readable(mst_sim_conn_t *c)
{
    mst_sim_server_t *s = c->server;
    ssize_t n = receive(c, RX_BYTES - c->pending.n);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
        return;
    if (n < 0 || (n == 0 && !mst_sim_conn_is_busy(c)) || (n == 0 && c->state == MST_SIM_HANGING)) {
        mst_sim_conn_close(c);
        return;
    }
    if (n == 0) { // no more requests, but the answer may still be wanted
        c->eof = true;
        return;
    }
    if (c->state == MST_SIM_LINGERING)
        return;
    mst_str_t left = feed(c, mst_str(s->rx, (size_t)n));
    mst_buf_add_str(&c->pending, left); // fits: no more was received than there is room
}

static void
on_event(void *ud, int fd, int events)
{
    mst_sim_conn_t *c = ud;
    (void)fd;
    if ((events & MST_LOOP_ERROR) && !(c->watching_read && (events & MST_LOOP_READ))) {
        mst_sim_conn_close(c);
        return;
    }
    if ((events & MST_LOOP_WRITE) && c->out.n > c->out_at)
        on_writable(c);
    if ((events & MST_LOOP_READ) && c->state != MST_SIM_CLOSED && c->watching_read)
        on_readable(c);
    go_on(c);
}

// --- the listener and the loop's hooks ---------------------------------------------------------------------

static void on_listener(void *ud, int fd, int events);

static void
set_up_socket(const mst_sim_server_t *s, int fd)
{
    int one = 1, stamps = SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (s->truth != NULL && setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPING, &stamps, sizeof stamps) != 0)
        mst_debug("no kernel stamps on descriptor %d: %s", fd, strerror(errno));
}

static void
listen_again(void *ud)
{
    mst_sim_port_t *p = ud;
    mst_err_t err;
    if (mst_loop_fd(p->server->loop, p->fd, MST_LOOP_READ, on_listener, p, &err) != MST_OK)
        mst_error("%s", err.message);
}

static void
on_listener(void *ud, int fd, int events)
{
    mst_sim_port_t *p = ud;
    mst_sim_server_t *s = p->server;
    (void)events;
    for (;;) {
        int conn_fd = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (conn_fd < 0 && (errno == EINTR || errno == ECONNABORTED))
            continue;
        if (conn_fd < 0 && errno != EAGAIN && errno != EWOULDBLOCK) { // descriptors or memory ran out
            mst_warn("the simulated backend could not accept a connection error=\"%s\"", strerror(errno));
            mst_loop_fd_remove(s->loop, fd);
            mst_loop_timer(s->loop, &p->again, mst_loop_now(s->loop) + ACCEPT_PAUSE_NS);
        }
        if (conn_fd < 0)
            return;
        if (s->count >= s->opts.connections_max + REFUSED_MAX) {
            close(conn_fd);
            continue;
        }
        set_up_socket(s, conn_fd);
        mst_sim_conn_t *c = new_conn(s, conn_fd, p->dialect);
        if (s->count > s->opts.connections_max)
            mst_sim_exchange_refuse(c, 503, "too many connections; try again later");
        go_on(c);
    }
}

static void
on_truth_timer(void *ud)
{
    mst_sim_server_t *s = ud;
    bool many = mst_sim_truth_waiting(s->truth) > TRUTH_BYTES_MAX, more = true;
    if (s->busy == 0 || many)
        more = mst_sim_truth_write_some(s->truth);
    s->truth_timer_set = more;
    if (more)
        mst_loop_timer(s->loop, &s->truth_timer, mst_loop_now(s->loop) + (s->busy == 0 || many ? 0 : TRUTH_IDLE_NS));
}

static bool
on_turn(void *ud)
{
    mst_sim_server_t *s = ud;
    reap(s);
    if (atomic_load_explicit(&s->stop, memory_order_acquire))
        mst_loop_stop(s->loop);
    return false;
}

// --- opening and closing -----------------------------------------------------------------------------------

static mst_rc
listen_on(mst_sim_server_t *s, mst_sim_port_t *p, mst_err_t *err)
{
    char port[8];
    snprintf(port, sizeof port, "%u", (unsigned)p->wanted);
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV}, *list = NULL;
    int rc = getaddrinfo(s->opts.host, port, &hints, &list);
    if (rc != 0 || list == NULL)
        return MST_ERR(err, MST_INVAL, "could not listen on \"%s\": %s", s->opts.host, gai_strerror(rc));
    int one = 1;
    p->fd = socket(list->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (p->fd >= 0)
        setsockopt(p->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    bool good = p->fd >= 0 && bind(p->fd, list->ai_addr, list->ai_addrlen) == 0 && listen(p->fd, BACKLOG) == 0;
    int e = errno;
    freeaddrinfo(list);
    if (!good)
        return MST_ERR_SUB(err, e == EADDRINUSE ? MST_CONFLICT : MST_IO, e, "could not listen on %s:%u: %s",
                           s->opts.host, (unsigned)p->wanted, strerror(e));
    struct sockaddr_storage bound;
    socklen_t n = sizeof bound;
    if (getsockname(p->fd, (struct sockaddr *)(void *)&bound, &n) != 0)
        return MST_ERR_SUB(err, MST_IO, errno, "could not read the port: %s", strerror(errno));
    p->port = ntohs(bound.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)(void *)&bound)->sin6_port
                                                : ((struct sockaddr_in *)(void *)&bound)->sin_port);
    set_up_socket(s, p->fd); // switches the kernel's stamping on before the first connection
    p->again = (mst_timer_t){.fn = listen_again, .ud = p};
    return mst_loop_fd(s->loop, p->fd, MST_LOOP_READ, on_listener, p, err);
}

// The first port and those of `listen`.
static mst_rc
listen_on_all(mst_sim_server_t *s, const char *more, mst_err_t *err)
{
    mst_sim_listen_t list[MST_SIM_PORTS_MAX];
    uint32_t count;
    list[0] = (mst_sim_listen_t){(mst_sim_dialect_t)s->opts.dialect, s->opts.port};
    mst_rc rc = mst_sim_listen_read(more, list + 1, MST_SIM_PORTS_MAX - 1, &count, err);
    for (uint32_t i = 0; rc == MST_OK && i <= count; i++) {
        mst_sim_port_t *p = &s->ports[s->port_count++];
        *p = (mst_sim_port_t){.server = s, .fd = -1, .wanted = list[i].port, .dialect = list[i].dialect};
        rc = listen_on(s, p, err);
    }
    return rc;
}

static void
copy_options(mst_sim_server_t *s, const mst_sim_opts_t *o)
{
    s->opts = *o;
    s->opts.host = mst_xstrdup(o->host);
    s->opts.model = o->model ? mst_xstrdup(o->model) : NULL;
    s->opts.api_key = o->api_key ? mst_xstrdup(o->api_key) : NULL;
    s->opts.replies_path = s->opts.truth_path = s->opts.listen = s->opts.faults = NULL; // read at once
}

mst_rc
mst_sim_server_open(const mst_sim_opts_t *o, mst_sim_server_t **out, mst_err_t *err)
{
    *out = NULL;
    mst_rc rc = mst_sim_opts_check(o, err);
    if (rc != MST_OK)
        return rc;
    mst_sim_server_t *s = MST_NEW(mst_sim_server_t);
    copy_options(s, o);
    s->vocab = mst_sim_vocab_new();
    s->truth_timer = (mst_timer_t){.fn = on_truth_timer, .ud = s};
    s->parser = mst_json_parser_new();
    s->arena = mst_arena_new(8 * MST_JSON_BYTES_MAX);
    s->rx = mst_xalloc(RX_BYTES);
    mst_buf_init(&s->head, MST_HTTP_HEADER_MAX);
    mst_buf_init(&s->body, BUFFER_MAX);
    mst_buf_init(&s->lines, MST_HTTP_HEADER_MAX);
    rc = mst_loop_new(&s->loop, err);
    if (rc == MST_OK && o->replies_path != NULL)
        rc = mst_sim_replies_open(o->replies_path, &s->replies, err);
    if (rc == MST_OK && o->truth_path != NULL)
        rc = mst_sim_truth_open(o->truth_path, &s->truth, err);
    if (rc == MST_OK)
        rc = mst_sim_schedule_read(o->faults, &s->schedule, err);
    if (rc == MST_OK)
        rc = listen_on_all(s, o->listen, err);
    if (rc != MST_OK) {
        mst_sim_server_close(&s);
        return rc;
    }
    s->wall_offset_ns = mst_wall_offset_ns();
    s->wall_offset_at_ns = s->started_ns = mst_loop_now(s->loop);
    mst_loop_on_turn(s->loop, on_turn, s);
    *out = s;
    return MST_OK;
}

void
mst_sim_server_run(mst_sim_server_t *s)
{
    mst_loop_run(s->loop);
}

static void
free_text(const char *z)
{
    char *p;
    memcpy(&p, &z, sizeof p);
    free(p);
}

void
mst_sim_server_close(mst_sim_server_t **server)
{
    if (server == NULL || *server == NULL)
        return;
    mst_sim_server_t *s = *server;
    while (s->conns != NULL)
        mst_sim_conn_close(s->conns);
    free_conns(&s->closed);
    free_conns(&s->spare);
    for (uint32_t i = 0; i < s->port_count; i++)
        if (s->ports[i].fd >= 0)
            close(s->ports[i].fd);
    mst_sim_vocab_free(&s->vocab);
    mst_sim_truth_close(&s->truth);
    mst_sim_replies_free(&s->replies);
    mst_loop_free(&s->loop);
    mst_json_parser_free(&s->parser);
    mst_arena_free(&s->arena);
    mst_buf_deinit(&s->head);
    mst_buf_deinit(&s->body);
    mst_buf_deinit(&s->lines);
    free(s->rx);
    free_text(s->opts.host);
    free_text(s->opts.model);
    free_text(s->opts.api_key);
    free(s);
    *server = NULL;
}
