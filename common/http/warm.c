#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utlist.h>

#include "common/base/clock.h"
#include "common/base/mem.h"
#include "common/http/client_impl.h"

// Connections opened before they are needed. curl asks our callback for a socket and is handed one that is connected
// already. Servers close what stays idle (some after 5 s), so what nobody took is closed after 4 s, and what is handed
// out is looked at first.

#define AT_ONCE   128 // a server's accept queue is finite
#define WAIT_NS   (2 * MST_NS_PER_S)
#define UNUSED_NS (4 * MST_NS_PER_S)

typedef struct mst_warm_sock mst_warm_sock_t;

struct mst_warm_sock {
    mst_warm_sock_t *prev, *next;
    mst_http_warm_t *warm;
    int fd;
    bool open;
};

struct mst_http_warm {
    mst_http_warm_t *prev, *next;
    mst_http_t *http;
    struct sockaddr_storage to;
    socklen_t to_bytes;
    mst_warm_sock_t *socks;
    size_t wanted; // not begun
    size_t opening, open;
    mst_http_warm_fn *fn; // NULL: was called
    void *ud;
    mst_timer_t timer;
};

static void
drop(mst_warm_sock_t *s)
{
    mst_http_warm_t *w = s->warm;
    mst_loop_fd_remove(w->http->loop, s->fd);
    close(s->fd);
    *(s->open ? &w->open : &w->opening) -= 1;
    DL_DELETE(w->socks, s);
    free(s);
}

static void
free_warm(mst_http_warm_t *w)
{
    while (w->socks)
        drop(w->socks);
    mst_loop_timer_stop(w->http->loop, &w->timer);
    DL_DELETE(w->http->warms, w);
    free(w);
}

static void
tell(mst_http_warm_t *w)
{
    mst_http_warm_fn *fn = w->fn;
    w->fn = NULL;
    mst_loop_timer(w->http->loop, &w->timer, mst_mono_ns() + UNUSED_NS);
    if (fn)
        fn(w->ud, w->open);
}

// The first time: whoever waits is told with what there is. The second: nobody came for the rest.
static void
on_time(void *ud)
{
    mst_http_warm_t *w = ud;
    w->wanted = 0;
    if (w->fn)
        tell(w);
    else
        free_warm(w);
}

static void fill(mst_http_warm_t *w);

static void
on_ready(void *ud, int fd, int events)
{
    mst_warm_sock_t *s = ud;
    mst_http_warm_t *w = s->warm;
    int e = 0;
    socklen_t n = sizeof e;
    (void)events;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &e, &n) != 0 || e != 0) {
        drop(s);
        w->wanted = 0; // the requests will find out what is wrong, and say it
    } else {
        mst_loop_fd_remove(w->http->loop, fd);
        s->open = true;
        w->opening--;
        w->open++;
    }
    fill(w);
    if (w->opening == 0 && w->wanted == 0 && w->fn)
        tell(w);
}

static bool
begin(mst_http_warm_t *w)
{
    int fd = socket(w->to.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return false;
    mst_stamps_enable(fd);
    mst_err_t err;
    mst_warm_sock_t *s = MST_NEW(mst_warm_sock_t);
    *s = (mst_warm_sock_t){.warm = w, .fd = fd};
    DL_APPEND(w->socks, s);
    w->opening++;
    bool ok = connect(fd, (struct sockaddr *)&w->to, w->to_bytes) == 0 || errno == EINPROGRESS;
    if (!ok || mst_loop_fd(w->http->loop, fd, MST_LOOP_WRITE, on_ready, s, &err) != MST_OK) {
        drop(s);
        return false;
    }
    return true;
}

static void
fill(mst_http_warm_t *w)
{
    while (w->wanted > 0 && w->opening < AT_ONCE) {
        w->wanted--;
        if (!begin(w))
            w->wanted = 0;
    }
}

static bool
numeric(const char *host, uint16_t port, mst_http_warm_t *w)
{
    struct sockaddr_in *v4 = (void *)&w->to;
    struct sockaddr_in6 *v6 = (void *)&w->to;
    if (strcmp(host, "localhost") == 0)
        host = "127.0.0.1";
    if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(port);
        w->to_bytes = sizeof *v4;
        return true;
    }
    char plain[INET6_ADDRSTRLEN];
    size_t n = strlen(host);
    if (n < 4 || host[0] != '[' || n - 2 >= sizeof plain)
        return false;
    memcpy(plain, host + 1, n - 2);
    plain[n - 2] = '\0';
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    w->to_bytes = sizeof *v6;
    return inet_pton(AF_INET6, plain, &v6->sin6_addr) == 1;
}

// A host given by name is known from the sockets that were opened for it before.
static bool
known(const mst_http_t *http, const char *host, uint16_t port, mst_http_warm_t *w)
{
    for (size_t i = 0; i < MST_HTTP_HOSTS_MAX; i++) {
        const mst_http_host_t *h = &http->hosts[i];
        if (h->port == port && strcmp(h->name, host) == 0) {
            w->to = h->to;
            w->to_bytes = h->to_bytes;
            return true;
        }
    }
    return false;
}

static bool
find_address(const mst_http_t *http, mst_str_t url, mst_http_warm_t *w)
{
    char text[MST_HTTP_URL_MAX], *host = NULL, *port = NULL;
    uint64_t number = 0;
    CURLU *u = curl_url();
    snprintf(text, sizeof text, "%.*s", MST_FMT(url));
    bool ok = u && url.n < sizeof text && curl_url_set(u, CURLUPART_URL, text, 0) == CURLUE_OK &&
              curl_url_get(u, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
              curl_url_get(u, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK &&
              mst_str_to_u64(mst_str_c(port), &number) && number > 0 && number <= UINT16_MAX;
    ok = ok && (numeric(host, (uint16_t)number, w) || known(http, host, (uint16_t)number, w));
    curl_free(host);
    curl_free(port);
    curl_url_cleanup(u);
    return ok;
}

bool
mst_http_warm(mst_http_t *http, mst_str_t url, const mst_http_net_t *net, size_t n, mst_http_warm_fn *fn, void *ud)
{
    mst_http_warm_t *w = MST_NEW(mst_http_warm_t);
    *w = (mst_http_warm_t){.http = http, .wanted = n, .fn = fn, .ud = ud, .timer = {.fn = on_time, .ud = w}};
    if (n == 0 || !mst_net_direct(net) || !find_address(http, url, w)) {
        free(w);
        return false;
    }
    DL_APPEND(http->warms, w);
    fill(w);
    if (w->opening == 0) {
        free_warm(w);
        return false;
    }
    mst_loop_timer(http->loop, &w->timer, mst_mono_ns() + WAIT_NS);
    return true;
}

void
mst_http_warm_forget(mst_http_t *http, const void *ud)
{
    mst_http_warm_t *w, *next;
    DL_FOREACH_SAFE(http->warms, w, next)
    {
        if (w->ud == ud)
            free_warm(w);
    }
}

static bool
same_address(const mst_http_warm_t *w, const struct sockaddr *to, size_t bytes)
{
    const struct sockaddr_in *a4 = (const void *)&w->to, *b4 = (const void *)to;
    const struct sockaddr_in6 *a6 = (const void *)&w->to, *b6 = (const void *)to;
    if (bytes < w->to_bytes || to->sa_family != w->to.ss_family)
        return false;
    if (to->sa_family == AF_INET)
        return a4->sin_port == b4->sin_port && a4->sin_addr.s_addr == b4->sin_addr.s_addr;
    return a6->sin6_port == b6->sin6_port && memcmp(&a6->sin6_addr, &b6->sin6_addr, sizeof a6->sin6_addr) == 0;
}

// Still open, and the server said nothing that nobody asked for.
static bool
healthy(int fd)
{
    char byte;
    return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

int
mst_warm_take(mst_http_t *http, const struct sockaddr *to, size_t bytes)
{
    mst_http_warm_t *w, *next_warm;
    mst_warm_sock_t *s, *next;
    DL_FOREACH_SAFE(http->warms, w, next_warm)
    {
        if (!same_address(w, to, bytes))
            continue;
        DL_FOREACH_SAFE(w->socks, s, next)
        {
            if (!s->open)
                continue;
            int fd = s->fd;
            if (!healthy(fd)) {
                drop(s);
                continue;
            }
            w->open--;
            DL_DELETE(w->socks, s);
            free(s);
            return fd;
        }
    }
    return -1;
}

void
mst_warms_free(mst_http_t *http)
{
    while (http->warms)
        free_warm(http->warms);
}
