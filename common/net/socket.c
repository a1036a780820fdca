#include "common/net/socket.h"

#include <arpa/inet.h>
#include <czmq.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

#include "common/base/log.h"
#include "common/base/str.h"
#include "common/net/link.h"

// Values and reasons. High-water marks count messages of one peer and are a backstop: credit between the cores keeps
// the number of messages far below, so a full peer is news (MST_AGAIN), not a way of life.
enum {
    HWM = 256,
    BACKLOG = 4096,           // the default of 100 refuses peers that all come back at once
    LINGER_MS = 2000,         // last acknowledgements leave; a dead peer does not hold the exit up
    HEARTBEAT_IVL_MS = 10000,
    HEARTBEAT_TIMEOUT_MS = 30000,
    HEARTBEAT_TTL_MS = 60000, // the receiver overflows above 65.5 s
    HANDSHAKE_MS = 30000,
    TCP_MAXRT_MS = 20000,     // the system's own would keep a dead peer for minutes
    CONNECT_TIMEOUT_MS = 10000,
    RECONNECT_MS = 500,
    RECONNECT_MAX_MS = 30000,
    PORT_MAX = 65535,
};

mst_rc
mst_net_init(mst_err_t *err)
{
    // czmq would take high-water marks, linger, threads and signal handling from ZSYS_*: settings that no file of
    // ours shows. Better to stop than to run with them.
    for (char **e = environ; e && *e; e++) {
        if (strncmp(*e, "ZSYS_", 5) == 0)
            return MST_ERR(err, MST_INVAL,
                           "environment variable %.*s would change messaging behind our back; unset it",
                           (int)strcspn(*e, "="), *e);
    }
    zsys_handler_set(NULL); // signals are ours, taken by signalfd
    if (!zsys_init())
        return MST_ERR_SUB(err, MST_IO, errno, "could not start ZeroMQ: %s", zmq_strerror(errno));
    return MST_OK;
}

void
mst_net_deinit(void)
{
    zsys_shutdown();
}

static bool
port_valid(mst_str_t port, bool serving)
{
    uint64_t n;
    if (serving && mst_str_eq_c(port, "*"))
        return true;
    return mst_str_to_u64(port, &n) && n >= 1 && n <= PORT_MAX;
}

// "127.x.y.z", "localhost" or "[::1]"; out_host: how ZeroMQ gets it.
static bool
host_on_this_machine(mst_str_t host, char out_host[INET_ADDRSTRLEN])
{
    if (mst_str_eq_c(host, "localhost"))
        host = MST_STR("127.0.0.1");
    if (mst_str_eq_c(host, "[::1]")) {
        memcpy(out_host, "[::1]", sizeof "[::1]");
        return true;
    }
    struct in_addr a;
    if (host.n >= INET_ADDRSTRLEN)
        return false;
    memcpy(out_host, host.p, host.n);
    out_host[host.n] = '\0';
    return inet_pton(AF_INET, out_host, &a) == 1 && ntohl(a.s_addr) >> 24 == 127;
}

mst_rc
mst_endpoint_check(const char *endpoint, bool serving, char out[MST_ENDPOINT_MAX], mst_err_t *err)
{
    mst_str_t s = mst_str_c(endpoint);
    if (s.n == 0 || s.n >= MST_ENDPOINT_MAX)
        return MST_ERR(err, MST_INVAL, "endpoint of %zu bytes; expected 1 to %d", s.n, MST_ENDPOINT_MAX - 1);
    if (mst_str_starts(s, MST_STR("inproc://")) && s.n > strlen("inproc://")) {
        memcpy(out, s.p, s.n + 1);
        return MST_OK;
    }
    if (!mst_str_starts(s, MST_STR("tcp://")))
        return MST_ERR(err, MST_INVAL, "endpoint \"%s\": expected inproc://NAME or tcp://HOST:PORT", endpoint);
    const char *host = s.p + strlen("tcp://");
    const char *colon = strrchr(host, ':');
    if (!colon || colon == host || !port_valid(mst_str_c(colon + 1), serving))
        return MST_ERR(err, MST_INVAL, "endpoint \"%s\": expected tcp://HOST:PORT with a port of 1 to %d%s",
                       endpoint, PORT_MAX, serving ? " or *" : "");
    char numeric[INET_ADDRSTRLEN];
    if (!host_on_this_machine(mst_str(host, (size_t)(colon - host)), numeric))
        return MST_ERR(err, MST_UNSUPPORTED,
                       "endpoint \"%s\" leaves this machine, and links are not encrypted; use 127.0.0.1", endpoint);
    snprintf(out, MST_ENDPOINT_MAX, "tcp://%s%s", numeric, colon);
    return MST_OK;
}

typedef struct {
    int option, value;
} option_t;

static bool
set_all(void *socket, const option_t *options, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (zmq_setsockopt(socket, options[i].option, &options[i].value, sizeof options[i].value) != 0)
            return false;
    }
    return true;
}

static bool
set_options(void *socket, bool serving, bool ipv6, size_t frame_max)
{
    static const option_t common[] = {
        {ZMQ_SNDHWM, HWM},
        {ZMQ_RCVHWM, HWM},
        {ZMQ_LINGER, LINGER_MS},
        {ZMQ_SNDTIMEO, 0}, // sends say so themselves; this is for whoever forgets
        {ZMQ_RCVTIMEO, 0},
        {ZMQ_HEARTBEAT_IVL, HEARTBEAT_IVL_MS},
        {ZMQ_HEARTBEAT_TIMEOUT, HEARTBEAT_TIMEOUT_MS},
        {ZMQ_HEARTBEAT_TTL, HEARTBEAT_TTL_MS},
        {ZMQ_HANDSHAKE_IVL, HANDSHAKE_MS},
        {ZMQ_TCP_MAXRT, TCP_MAXRT_MS},
        {ZMQ_BACKLOG, BACKLOG},
    };
    // No routing id on the DEALER: the ROUTER makes one per connection, so a new connection is a new peer and
    // nobody can take another's name.
    static const option_t server[] = {
        {ZMQ_ROUTER_MANDATORY, 1}, // unknown and full peers are errors, not silence
        {ZMQ_ROUTER_HANDOVER, 0},
    };
    static const option_t client[] = {
        {ZMQ_IMMEDIATE, 1}, // nothing is queued for a peer that is not there: no stale messages after a break
        {ZMQ_CONNECT_TIMEOUT, CONNECT_TIMEOUT_MS},
        {ZMQ_RECONNECT_IVL, RECONNECT_MS},
        {ZMQ_RECONNECT_IVL_MAX, RECONNECT_MAX_MS},
    };
    const option_t ip = {ZMQ_IPV6, ipv6};
    int64_t size_max = (int64_t)frame_max;
    return zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &size_max, sizeof size_max) == 0 && set_all(socket, &ip, 1) &&
           set_all(socket, common, sizeof common / sizeof *common) &&
           (serving ? set_all(socket, server, sizeof server / sizeof *server)
                    : set_all(socket, client, sizeof client / sizeof *client));
}

static mst_rc
attach(void *socket, bool serving, char endpoint[MST_ENDPOINT_MAX], mst_err_t *err)
{
    if (serving ? zmq_bind(socket, endpoint) : zmq_connect(socket, endpoint)) {
        int e = errno;
        return MST_ERR_SUB(err, e == EADDRINUSE ? MST_CONFLICT : MST_IO, e, "could not %s \"%s\": %s",
                           serving ? "listen on" : "connect to", endpoint,
                           e == EADDRINUSE ? "address already in use" : zmq_strerror(e));
    }
    size_t n = MST_ENDPOINT_MAX;
    if (serving && zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, endpoint, &n) != 0)
        return MST_ERR_SUB(err, MST_INTERNAL, errno, "ZeroMQ does not tell what it listens on");
    return MST_OK;
}

mst_rc
mst_socket_open(bool serving, char endpoint[MST_ENDPOINT_MAX], size_t frame_max, void **out, int *out_fd,
                mst_err_t *err)
{
    // Not zsock_new: it aborts when the context has no socket left.
    void *socket = zsys_socket(serving ? ZMQ_ROUTER : ZMQ_DEALER, __FILE__, __LINE__);
    if (!socket)
        return MST_ERR_SUB(err, MST_IO, errno, "could not make a ZeroMQ socket: %s", zmq_strerror(errno));
    mst_rc rc = MST_OK;
    size_t n = sizeof *out_fd;
    if (!set_options(socket, serving, strchr(endpoint, '[') != NULL, frame_max) ||
        zmq_getsockopt(socket, ZMQ_FD, out_fd, &n) != 0)
        rc = MST_ERR_SUB(err, MST_INTERNAL, errno, "ZeroMQ refused a socket option: %s", zmq_strerror(errno));
    else
        rc = attach(socket, serving, endpoint, err);
    if (rc != MST_OK)
        mst_socket_close(&socket);
    *out = socket;
    return rc;
}

void
mst_socket_withdraw(void *socket, const char *endpoint)
{
    if (mst_str_starts(mst_str_c(endpoint), MST_STR("inproc://")) && zmq_unbind(socket, endpoint) != 0)
        mst_debug("endpoint not withdrawn endpoint=%s reason=\"%s\"", endpoint, zmq_strerror(errno));
}

void
mst_socket_close(void **socket)
{
    if (*socket)
        zsys_close(*socket, __FILE__, __LINE__);
    *socket = NULL;
}
