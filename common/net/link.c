#include "common/net/link.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/net/socket.h"

// ZMQ_FD is edge-triggered and both sends and receives eat its edge. So the descriptor only says "look": the turn
// hook then receives until there is nothing, bounded. `dirty` is the one rule: it is set by the descriptor and by
// every send, and cleared only by a receive that found nothing. A send after the hook has run asks the loop for
// another turn, so a message whose edge the send has eaten is not left lying.
//
// Frames: on a server link the routing id comes first. 5 bytes, the first zero: made by our own ROUTER for this
// connection; the other four are the connection's number. A peer that gives itself a name has another form and is
// not answered.

enum {
    TURN_MESSAGES_MAX = 256,
    ID_BYTES = 5,
    HEAD_BYTES = 4,
    PARTS_MAX = 3,
};
#define RETRY_FIRST_NS MST_NS_PER_MS
#define RETRY_MAX_NS   (64 * MST_NS_PER_MS)
#define CONN_MARK      (1ULL << 32) // so that no connection has number 0

struct mst_link {
    mst_loop_t *loop;
    void *socket;
    int fd;
    bool serving, dirty, receiving, told;
    size_t frame_max;
    mst_link_fn *fn;
    void *ud;
    mst_timer_t retry; // runs while a send was refused
    bool retry_armed;
    int64_t retry_ns;
    mst_link_stats_t stats;
    char endpoint[MST_ENDPOINT_MAX];
};

typedef struct {
    zmq_msg_t parts[PARTS_MAX + 1]; // the last takes what is too many
    size_t count;
} message_t;

static const unsigned char head_bytes[HEAD_BYTES] = {'M', 'U', MST_LINK_MAJOR, 0};

static void
refuse(mst_link_t *link, const char *why)
{
    link->stats.refused++;
    mst_debug("message refused endpoint=%s why=\"%s\"", link->endpoint, why);
    if (!link->told)
        mst_warn("a peer sends messages that are not ours; they are dropped endpoint=%s first=\"%s\"",
                 link->endpoint, why);
    link->told = true;
}

// All frames of one message. Once the first is there, so are the others.
static bool
receive(mst_link_t *link, message_t *m)
{
    m->count = 0;
    bool more = true;
    while (more) {
        size_t at = m->count < PARTS_MAX ? m->count : PARTS_MAX;
        if (zmq_msg_recv(&m->parts[at], link->socket, ZMQ_DONTWAIT) < 0) {
            if (m->count > 0 && errno == EINTR)
                continue;
            return false;
        }
        m->count++;
        more = zmq_msg_more(&m->parts[at]);
    }
    return true;
}

static bool
conn_of(zmq_msg_t *id, uint64_t *out)
{
    const unsigned char *b = zmq_msg_data(id);
    if (zmq_msg_size(id) != ID_BYTES || b[0] != 0)
        return false;
    uint32_t n;
    memcpy(&n, b + 1, sizeof n);
    *out = CONN_MARK | n;
    return true;
}

static void
deliver(mst_link_t *link, message_t *m)
{
    size_t first = link->serving ? 1 : 0;
    uint64_t conn = 0;
    if (link->serving && !conn_of(&m->parts[0], &conn)) {
        refuse(link, "the peer gave itself a name");
        return;
    }
    if (m->count != first + 2) {
        refuse(link, "not two frames");
        return;
    }
    zmq_msg_t *head = &m->parts[first], *body = &m->parts[first + 1];
    if (zmq_msg_size(head) != HEAD_BYTES || memcmp(zmq_msg_data(head), head_bytes, HEAD_BYTES) != 0) {
        refuse(link, "another protocol, version or flags");
        return;
    }
    if (zmq_msg_size(body) > link->frame_max) {
        refuse(link, "larger than the limit");
        return;
    }
    link->stats.received++;
    link->fn(link->ud, conn, mst_str(zmq_msg_data(body), zmq_msg_size(body)));
}

static bool
on_turn(void *ud)
{
    mst_link_t *link = ud;
    if (!link->dirty)
        return false;
    message_t m;
    for (size_t i = 0; i <= PARTS_MAX; i++)
        zmq_msg_init(&m.parts[i]);
    size_t left = TURN_MESSAGES_MAX;
    bool got = true;
    link->receiving = true;
    while (left > 0 && (got = receive(link, &m))) {
        deliver(link, &m);
        left--;
    }
    link->receiving = false;
    for (size_t i = 0; i <= PARTS_MAX; i++)
        zmq_msg_close(&m.parts[i]);
    // Nothing found: whatever comes from now on makes the descriptor readable, as nothing was sent since.
    link->dirty = got;
    return got;
}

static void
on_fd(void *ud, int fd, int events)
{
    (void)fd;
    (void)events;
    ((mst_link_t *)ud)->dirty = true;
}

static void
on_retry(void *ud)
{
    mst_link_t *link = ud;
    link->retry_armed = false; // the turn that this makes is all it is for
    link->dirty = true;
    mst_loop_again(link->loop);
}

static mst_rc
open_link(mst_loop_t *loop, bool serving, const char *endpoint, size_t frame_max, mst_link_t **out, mst_err_t *err)
{
    MST_ASSERT(frame_max > 0);
    *out = NULL;
    mst_link_t *link = MST_NEW(mst_link_t);
    link->fd = -1;
    link->loop = loop;
    link->serving = serving;
    link->frame_max = frame_max;
    link->retry = (mst_timer_t){.fn = on_retry, .ud = link};
    link->retry_ns = RETRY_FIRST_NS;
    mst_rc rc = mst_endpoint_check(endpoint, serving, link->endpoint, err);
    if (rc == MST_OK) // HEAD_BYTES: the option covers that frame too
        rc = mst_socket_open(serving, link->endpoint, frame_max < HEAD_BYTES ? HEAD_BYTES : frame_max,
                             &link->socket, &link->fd, err);
    if (rc == MST_OK)
        rc = mst_loop_fd(loop, link->fd, MST_LOOP_READ | MST_LOOP_EDGE, on_fd, link, err);
    if (rc != MST_OK) {
        mst_socket_close(&link->socket);
        free(link);
        return rc;
    }
    link->dirty = true; // the edge may have come before the loop watched
    mst_loop_on_turn(loop, on_turn, link);
    *out = link;
    return MST_OK;
}

mst_rc
mst_link_serve(mst_loop_t *loop, const char *endpoint, size_t frame_max, mst_link_fn *fn, void *ud,
               mst_link_t **out, mst_err_t *err)
{
    mst_rc rc = open_link(loop, true, endpoint, frame_max, out, err);
    if (rc == MST_OK) {
        (*out)->fn = fn;
        (*out)->ud = ud;
    }
    return rc;
}

mst_rc
mst_link_dial(mst_loop_t *loop, const char *endpoint, size_t frame_max, mst_link_fn *fn, void *ud, mst_link_t **out,
              mst_err_t *err)
{
    mst_rc rc = open_link(loop, false, endpoint, frame_max, out, err);
    if (rc == MST_OK) {
        (*out)->fn = fn;
        (*out)->ud = ud;
    }
    return rc;
}

void
mst_link_free(mst_link_t **link)
{
    if (!link || !*link)
        return;
    mst_link_t *l = *link;
    MST_ASSERT(!l->receiving);
    mst_loop_off_turn(l->loop, on_turn, l);
    mst_loop_timer_stop(l->loop, &l->retry);
    mst_loop_fd_remove(l->loop, l->fd);
    if (l->serving)
        mst_socket_withdraw(l->socket, l->endpoint);
    mst_socket_close(&l->socket);
    free(l);
    *link = NULL;
}

const char *
mst_link_endpoint(const mst_link_t *link)
{
    return link->endpoint;
}

mst_link_stats_t
mst_link_stats(const mst_link_t *link)
{
    return link->stats;
}

static mst_rc
send_part(mst_link_t *link, const void *p, size_t n, int flags)
{
    zmq_msg_t part;
    if (zmq_msg_init_size(&part, n) != 0)
        return MST_NOMEM;
    if (n > 0)
        memcpy(zmq_msg_data(&part), p, n);
    while (zmq_msg_send(&part, link->socket, ZMQ_DONTWAIT | flags) < 0) {
        if (errno == EINTR)
            continue;
        int e = errno;
        zmq_msg_close(&part);
        return e == EAGAIN ? MST_AGAIN : e == EHOSTUNREACH ? MST_NOTFOUND : MST_IO;
    }
    return MST_OK;
}

static mst_rc
send_parts(mst_link_t *link, uint64_t conn, mst_str_t envelope)
{
    mst_rc rc = MST_OK;
    if (link->serving) {
        unsigned char id[ID_BYTES] = {0};
        uint32_t n = (uint32_t)conn;
        memcpy(id + 1, &n, sizeof n);
        rc = send_part(link, id, sizeof id, ZMQ_SNDMORE);
    }
    if (rc == MST_OK)
        rc = send_part(link, head_bytes, HEAD_BYTES, ZMQ_SNDMORE);
    if (rc == MST_OK)
        rc = send_part(link, envelope.p, envelope.n, 0);
    return rc;
}

// Nothing tells when one peer of a ROUTER has room again, or when a DEALER's edge was eaten: look now and then.
static void
arm_retry(mst_link_t *link)
{
    link->stats.again++;
    if (link->retry_armed)
        return;
    link->retry_armed = true;
    mst_loop_timer(link->loop, &link->retry, mst_mono_ns() + link->retry_ns);
    link->retry_ns = link->retry_ns * 2 < RETRY_MAX_NS ? link->retry_ns * 2 : RETRY_MAX_NS;
}

mst_rc
mst_link_send(mst_link_t *link, uint64_t conn, mst_str_t envelope, mst_err_t *err)
{
    if (envelope.n > link->frame_max)
        return MST_ERR(err, MST_LIMIT, "message of %zu bytes is over the limit of %zu on \"%s\"", envelope.n,
                       link->frame_max, link->endpoint);
    if (link->serving && (conn & ~(uint64_t)UINT32_MAX) != CONN_MARK)
        return MST_ERR(err, MST_NOTFOUND, "no peer %llu on \"%s\"", (unsigned long long)conn, link->endpoint);
    mst_rc rc = send_parts(link, conn, envelope);
    link->dirty = true;
    if (!link->receiving)
        mst_loop_again(link->loop);
    if (rc == MST_OK) {
        link->stats.sent++;
        link->retry_ns = RETRY_FIRST_NS;
        return MST_OK;
    }
    if (rc == MST_AGAIN) {
        arm_retry(link);
        return MST_ERR(err, MST_AGAIN, "no room for a message on \"%s\"", link->endpoint);
    }
    if (rc == MST_NOTFOUND)
        return MST_ERR(err, MST_NOTFOUND, "peer %llu has left \"%s\"", (unsigned long long)conn, link->endpoint);
    return MST_ERR_SUB(err, rc, errno, "could not send on \"%s\": %s", link->endpoint, zmq_strerror(errno));
}
