#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/hash.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/http/client_impl.h"

// curl's sockets in our loop.
//
// curl takes a socket out of its watch set at the end of every transfer and puts it in again at the start of the next
// one on the same connection. The loop's registration stays: an idle connection that shows an event (the server closed
// it) is taken out then. So a request on a warm connection costs no epoll_ctl.
//
// Right after it has sent a request, curl looks once whether there is an answer, without asking us: an instant answer
// would be read before its stamp is. So the socket is corked when the request is about to leave and uncorked at the end
// of the hook: only then does its last segment go out, and the answer comes through our hands like any other.
//
// The send stamp lies in the socket's error queue as soon as send() has returned, on most paths. Reading it in the
// same turn saves the extra wake-up that it would cause; where the kernel is later, the error event brings it.

enum { SOCKS_FIRST = 64 };

static mst_http_sock_t *
sock_at(mst_http_t *http, int fd)
{
    if ((size_t)fd >= http->sock_count) {
        size_t count = http->sock_count ? http->sock_count : SOCKS_FIRST;
        while (count <= (size_t)fd)
            count *= 2;
        http->socks = mst_xrealloc(http->socks, count * sizeof *http->socks);
        memset(http->socks + http->sock_count, 0, (count - http->sock_count) * sizeof *http->socks);
        http->sock_count = count;
    }
    if (!http->socks[fd]) {
        http->socks[fd] = MST_NEW(mst_http_sock_t);
        http->socks[fd]->fd = fd;
    }
    return http->socks[fd];
}

static void
act(mst_http_t *http, int fd, int mask)
{
    int running;
    bool before = http->calling;
    http->calling = true; // our user's on_data may run
    http->read_no++;
    CURLMcode mc = curl_multi_socket_action(http->multi, fd, mask, &running);
    http->calling = before;
    if (mc != CURLM_OK) // does not happen with valid handles; transfers that stall end by their deadline
        mst_error("libcurl refused a socket event reason=\"%s\"", curl_multi_strerror(mc));
}

// Reads send stamps; true when there was at least one. The last before the first answer byte is the request's.
static bool
take_send_stamps(mst_http_t *http, const mst_http_sock_t *sock, bool all)
{
    mst_http_call_t *call = sock->call;
    bool any = false;
    int64_t sent_ns;
    while (mst_stamps_sent(&http->stamps, sock->fd, &sent_ns)) {
        any = true;
        if (call && call->result.first_byte_mono_ns == MST_NONE && sent_ns >= call->start_ns)
            call->result.send_mono_ns = sent_ns;
        if (!all)
            break; // another one wakes us
    }
    return any;
}

static void
on_event(void *ud, int fd, int events)
{
    mst_http_t *http = ud;
    mst_http_sock_t *sock = http->socks[fd];
    mst_stamps_refresh(&http->stamps, mst_loop_now(http->loop));
    if (sock->ours && (events & MST_LOOP_ERROR) && take_send_stamps(http, sock, true))
        events &= ~MST_LOOP_ERROR; // a real error shows again: the loop is level-triggered
    if (sock->wanted == 0) {
        if (events) { // nobody waits for it: an idle connection ended
            mst_loop_fd_remove(http->loop, fd);
            sock->watched = 0;
        }
        return;
    }
    int mask = (events & MST_LOOP_READ ? CURL_CSELECT_IN : 0) | (events & MST_LOOP_WRITE ? CURL_CSELECT_OUT : 0) |
               (events & MST_LOOP_ERROR ? CURL_CSELECT_ERR : 0);
    if (mask == 0)
        return;
    http->read = (mst_arrival_t){.first_ns = MST_NONE, .last_ns = MST_NONE};
    http->read_fd = fd;
    if (sock->ours && (events & MST_LOOP_READ))
        http->read = mst_stamps_arrival(&http->stamps, fd, MST_HTTP_READ_BYTES);
    act(http, fd, mask);
    http->read_fd = -1;
}

static void
watch(mst_http_t *http, int fd, mst_http_sock_t *sock)
{
    if (sock->watched == sock->wanted)
        return;
    mst_err_t err;
    if (mst_loop_fd(http->loop, fd, sock->wanted, on_event, http, &err) == MST_OK)
        sock->watched = sock->wanted;
    else
        mst_error("%s", err.message); // the call ends by its deadline
}

static void
unwatch(mst_http_t *http, int fd, mst_http_sock_t *sock)
{
    bool foreign = !sock->ours; // one of curl's own, which may be closed without our knowing
    sock->wanted = 0;
    sock->call = NULL;
    if (foreign || (sock->watched & MST_LOOP_WRITE)) { // writable is always true: it would spin
        mst_loop_fd_remove(http->loop, fd);
        sock->watched = 0;
    }
}

// The whole request is in the kernel when curl, having been told that the connection is ready, only reads.
static void
note_sent(const mst_http_sock_t *sock)
{
    mst_http_call_t *call = sock->call;
    if (!call || !call->in_request || sock->wanted != MST_LOOP_READ || !sock->ours)
        return;
    if (call->result.first_byte_mono_ns == MST_NONE)
        call->user_send_ns = mst_mono_ns();
    call->result.sent = true;
}

static int
on_socket(CURL *easy, curl_socket_t fd, int what, void *ud, void *unused)
{
    mst_http_t *http = ud;
    (void)unused;
    mst_http_sock_t *sock = sock_at(http, fd);
    if (what == CURL_POLL_REMOVE) {
        unwatch(http, fd, sock);
        return 0;
    }
    char *private = NULL;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &private);
    sock->call = (void *)private;
    sock->wanted = (what & CURL_POLL_IN ? MST_LOOP_READ : 0) | (what & CURL_POLL_OUT ? MST_LOOP_WRITE : 0);
    if (sock->call)
        sock->call->fd = fd;
    watch(http, fd, sock);
    note_sent(sock);
    return 0;
}

static int
on_curl_timer(CURLM *multi, long ms, void *ud)
{
    mst_http_t *http = ud;
    (void)multi;
    http->kick = false;
    mst_loop_timer_stop(http->loop, &http->timer);
    if (ms == 0) {
        http->kick = true; // from the hook: curl may not be called from here
        if (!http->in_hook)
            mst_loop_again(http->loop);
    } else if (ms > 0) {
        mst_loop_timer(http->loop, &http->timer, mst_mono_ns() + ms * MST_NS_PER_MS);
    }
    return 0;
}

static void
on_loop_timer(void *ud)
{
    mst_http_t *http = ud;
    http->kick = true;
    mst_loop_again(http->loop);
}

void
mst_sock_kick(mst_http_t *http)
{
    http->kick = false;
    http->read_fd = -1;
    act(http, CURL_SOCKET_TIMEOUT, 0);
}

static void
cork(int fd, int on)
{
    int rc = setsockopt(fd, IPPROTO_TCP, TCP_CORK, &on, sizeof on);
    (void)rc; // not TCP: then an instant answer may have a user stamp
}

static void
let_go(mst_http_t *http, const mst_http_sock_t *sock)
{
    cork(sock->fd, 0);
    take_send_stamps(http, sock, false);
}

void
mst_sock_hold_over(void *ud)
{
    mst_http_call_t *call = ud;
    mst_http_sock_t *sock = call->fd >= 0 ? sock_at(call->http, call->fd) : NULL;
    if (!sock || sock->call != call || !sock->ours)
        return;
    if (call->result.first_byte_mono_ns == MST_NONE)
        call->user_send_ns = mst_mono_ns();
    let_go(call->http, sock);
}

void
mst_sock_let_go(mst_http_t *http)
{
    mst_http_sock_t *sock;
    while ((sock = http->fresh)) {
        http->fresh = sock->next_fresh;
        sock->fresh = false;
        if (!sock->ours)
            continue; // closed meanwhile
        mst_http_call_t *call = sock->call;
        if (call && call->not_before_ns > mst_mono_ns())
            mst_loop_timer(http->loop, &call->hold, call->not_before_ns);
        else
            let_go(http, sock);
    }
}

static uint64_t
name_of(const char *remote, const char *local, int remote_port, int local_port)
{
    uint64_t seed = (uint64_t)(unsigned)remote_port << 16 | (unsigned)local_port;
    return mst_xxh64(mst_str_c(local), mst_xxh64(mst_str_c(remote), seed));
}

// A new connection: the one of the sockets opened for the call that has this local port.
static mst_http_sock_t *
find_new(mst_http_call_t *call, int local_port)
{
    for (size_t i = 0; i < call->opened_count; i++) {
        struct sockaddr_storage a;
        socklen_t n = sizeof a;
        mst_http_sock_t *sock = sock_at(call->http, call->opened_fds[i]);
        if (!sock->ours || getsockname(sock->fd, (struct sockaddr *)&a, &n) != 0)
            continue;
        const struct sockaddr_in *v4 = (const void *)&a;
        const struct sockaddr_in6 *v6 = (const void *)&a;
        if (ntohs(a.ss_family == AF_INET ? v4->sin_port : v6->sin6_port) == local_port)
            return sock;
    }
    return NULL;
}

void
mst_sock_connected(mst_http_call_t *call, const char *remote, const char *local, int remote_port, int local_port)
{
    mst_http_t *http = call->http;
    uint64_t name = name_of(remote, local, remote_port, local_port);
    mst_http_sock_t *sock;
    HASH_FIND(hh, http->by_name, &name, sizeof name, sock);
    if (!sock && (sock = find_new(call, local_port))) {
        sock->name = name;
        sock->named = true;
        HASH_ADD(hh, http->by_name, name, sizeof sock->name, sock);
    }
    if (!sock)
        return; // user stamps then
    sock->call = call;
    call->fd = sock->fd;
    call->warm = sock->warm && strncasecmp(call->url.p, "https:", 6) != 0; // TLS begins with the request
    sock->warm = false;
    cork(sock->fd, 1);
    if (!sock->fresh) {
        sock->fresh = true;
        sock->next_fresh = http->fresh;
        http->fresh = sock;
    }
}

void
mst_sock_detach(mst_http_call_t *call)
{
    if (call->fd >= 0 && sock_at(call->http, call->fd)->call == call)
        sock_at(call->http, call->fd)->call = NULL;
    call->fd = -1;
}

static void
forget(mst_http_t *http, mst_http_sock_t *sock)
{
    if (sock->named)
        HASH_DELETE(hh, http->by_name, sock);
    sock->named = sock->ours = sock->warm = false;
    sock->watched = 0;
    mst_loop_fd_remove(http->loop, sock->fd);
}

// A name's address, for connections that are to be opened before they are needed.
static void
remember(const mst_http_call_t *call, const struct sockaddr *to, size_t bytes)
{
    mst_http_t *http = call->http;
    mst_str_t host = mst_http_host(call);
    int64_t colon = -1;
    for (size_t i = 0; i < host.n; i++)
        colon = host.p[i] == ':' ? (int64_t)i : colon;
    size_t n = colon < 0 ? host.n : (size_t)colon;
    const struct sockaddr_in *v4 = (const void *)to;
    const struct sockaddr_in6 *v6 = (const void *)to;
    bool fits = n > 0 && n < MST_HTTP_HOST_BYTES && host.p[0] != '[' && bytes <= sizeof http->hosts->to;
    if (!fits || !mst_net_direct(call->net) || (host.p[n - 1] >= '0' && host.p[n - 1] <= '9'))
        return; // an address needs no memory
    uint16_t port = ntohs(to->sa_family == AF_INET ? v4->sin_port : v6->sin6_port);
    mst_http_host_t *h = NULL;
    for (size_t i = 0; i < MST_HTTP_HOSTS_MAX && !h; i++)
        if (http->hosts[i].port == port && mst_str_eq_c(mst_str(host.p, n), http->hosts[i].name))
            h = &http->hosts[i];
    if (!h)
        h = &http->hosts[http->host_next++ % MST_HTTP_HOSTS_MAX];
    *h = (mst_http_host_t){.port = port, .to_bytes = (socklen_t)bytes};
    memcpy(h->name, host.p, n);
    memcpy(&h->to, to, bytes);
}

static int
on_opened(void *ud, curl_socket_t fd, curlsocktype purpose)
{
    mst_http_call_t *call = ud;
    (void)purpose;
    return sock_at(call->http, fd)->warm ? CURL_SOCKOPT_ALREADY_CONNECTED : CURL_SOCKOPT_OK;
}

static curl_socket_t
on_open(void *ud, curlsocktype purpose, struct curl_sockaddr *a)
{
    mst_http_call_t *call = ud;
    (void)purpose;
    mst_http_t *http = call->http;
    int fd = mst_warm_take(http, &a->addr, a->addrlen);
    bool warm = fd >= 0;
    if (!warm)
        fd = socket(a->family, a->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, a->protocol);
    if (fd < 0)
        return CURL_SOCKET_BAD;
    if (!warm)
        mst_stamps_enable(fd);
    remember(call, &a->addr, a->addrlen);
    mst_http_sock_t *sock = sock_at(http, fd);
    // A socket that did not get as far as a connection is closed by curl without a word. When the next attempt gets
    // the same number, curl thinks that we watch it already: so the new one takes over what was wanted.
    forget(http, sock);
    sock->ours = true;
    sock->warm = warm;
    watch(http, fd, sock);
    if (call->opened_count < MST_HTTP_TRIES_MAX)
        call->opened_fds[call->opened_count++] = fd;
    return fd;
}

static int
on_close(void *ud, curl_socket_t fd)
{
    mst_http_t *http = ud;
    mst_http_sock_t *sock = sock_at(http, fd);
    forget(http, sock);
    sock->wanted = 0;
    sock->call = NULL;
    return close(fd);
}

void
mst_sock_set_up(mst_http_call_t *call)
{
    curl_easy_setopt(call->easy, CURLOPT_OPENSOCKETFUNCTION, on_open);
    curl_easy_setopt(call->easy, CURLOPT_OPENSOCKETDATA, call);
    curl_easy_setopt(call->easy, CURLOPT_SOCKOPTFUNCTION, on_opened);
    curl_easy_setopt(call->easy, CURLOPT_SOCKOPTDATA, call);
    curl_easy_setopt(call->easy, CURLOPT_CLOSESOCKETFUNCTION, on_close);
    curl_easy_setopt(call->easy, CURLOPT_CLOSESOCKETDATA, call->http); // a connection outlives the call
}

void
mst_sock_init(mst_http_t *http)
{
    http->read_fd = -1;
    http->timer = (mst_timer_t){.fn = on_loop_timer, .ud = http};
    curl_multi_setopt(http->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(http->multi, CURLMOPT_SOCKETDATA, http);
    curl_multi_setopt(http->multi, CURLMOPT_TIMERFUNCTION, on_curl_timer);
    curl_multi_setopt(http->multi, CURLMOPT_TIMERDATA, http);
}

void
mst_sock_deinit(mst_http_t *http)
{
    mst_loop_timer_stop(http->loop, &http->timer);
    HASH_CLEAR(hh, http->by_name);
    for (size_t i = 0; i < http->sock_count; i++)
        free(http->socks[i]);
    free(http->socks);
    http->socks = NULL;
}
