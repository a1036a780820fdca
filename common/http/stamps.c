#include "common/http/stamps.h"

#include <linux/net_tstamp.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/model/completion.h"

// Not SOF_TIMESTAMPING_OPT_ID: on a TCP socket that is not connected yet the whole call fails with it. OPT_TSONLY:
// the error queue gets the stamp without a copy of the data.

#define REFRESH_NS (100 * MST_NS_PER_MS) // a slewed clock drifts by at most 50 us in between
#define STEP_NS    MST_NS_PER_MS         // above it is no drift
#define WAITED_NS  (20 * MST_NS_PER_US)  // at most by that is a later segment's stamp too early

enum {
    CONTROL_BYTES = 256,
    PEEK_BYTES = 16384,
    OFFSET_SLACK = 16, // offsets are estimates, by the framing of chunks; an event is longer than this
};

void
mst_stamps_enable(int fd)
{
    int flags = SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE |
                SOF_TIMESTAMPING_OPT_TSONLY;
    int rc = setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPING, &flags, sizeof flags);
    (void)rc; // shows in the source of the stamps
}

void
mst_stamps_init(mst_stamps_t *s)
{
    *s = (mst_stamps_t){.anchor_fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    if (s->anchor_fd >= 0)
        mst_stamps_enable(s->anchor_fd);
    s->offset_ns = mst_wall_offset_ns();
    s->offset_at_ns = mst_mono_ns();
}

void
mst_stamps_deinit(mst_stamps_t *s)
{
    if (s->anchor_fd >= 0)
        close(s->anchor_fd);
    s->anchor_fd = -1;
}

void
mst_stamps_refresh(mst_stamps_t *s, int64_t now_mono_ns)
{
    if (now_mono_ns - s->offset_at_ns < REFRESH_NS)
        return;
    int64_t offset = mst_wall_offset_ns();
    int64_t moved = offset - s->offset_ns;
    if (moved > STEP_NS || moved < -STEP_NS) {
        s->steps++;
        s->trust_after_ns = mst_wall_ns();
        mst_warn("the system clock was set; stamps of answers under way count as user stamps moved_ms=%lld",
                 (long long)(moved / MST_NS_PER_MS));
    }
    s->offset_ns = offset;
    s->offset_at_ns = now_mono_ns;
}

static int64_t
to_mono(const mst_stamps_t *s, struct msghdr *m)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SO_TIMESTAMPING)
            continue;
        struct timespec ts; // the first of three is the software stamp
        memcpy(&ts, CMSG_DATA(c), sizeof ts);
        int64_t wall = (int64_t)ts.tv_sec * MST_NS_PER_S + ts.tv_nsec;
        if (wall == 0 || wall < s->trust_after_ns)
            return MST_NONE;
        return wall - s->offset_ns;
    }
    return MST_NONE;
}

static struct msghdr
message(struct iovec *iov, void *control)
{
    return (struct msghdr){.msg_iov = iov, .msg_iovlen = iov ? 1 : 0, .msg_control = control,
                           .msg_controllen = CONTROL_BYTES};
}

// Stamp of the last of at most bytes_max unread ones, and their number. With MSG_TRUNC, TCP copies none of them.
static int64_t
peek(const mst_stamps_t *s, int fd, size_t bytes_max, size_t *out_bytes)
{
    _Alignas(struct cmsghdr) char control[CONTROL_BYTES];
    char room[PEEK_BYTES]; // nothing is written to it, but another kind of socket would
    struct iovec iov = {room, bytes_max < sizeof room ? bytes_max : sizeof room};
    struct msghdr m = message(&iov, control);
    ssize_t n = recvmsg(fd, &m, MSG_PEEK | MSG_TRUNC | MSG_DONTWAIT);
    *out_bytes = n > 0 ? (size_t)n : 0;
    return n > 0 ? to_mono(s, &m) : MST_NONE;
}

mst_arrival_t
mst_stamps_arrival(const mst_stamps_t *s, int fd, size_t bytes_max)
{
    mst_arrival_t a = {.asked_ns = mst_mono_ns()};
    a.first_ns = a.last_ns = peek(s, fd, 1, &a.bytes);
    if (a.first_ns != MST_NONE && a.asked_ns - a.first_ns > WAITED_NS)
        a.last_ns = peek(s, fd, bytes_max, &a.bytes);
    else
        a.bytes = 0;
    return a;
}

int64_t
mst_stamps_follower(const mst_arrival_t *a, size_t offset, int64_t now_ns)
{
    bool known = a->bytes > 0 ? offset <= a->bytes + OFFSET_SLACK : now_ns - a->asked_ns <= WAITED_NS;
    return known ? a->last_ns : now_ns;
}

bool
mst_stamps_sent(const mst_stamps_t *s, int fd, int64_t *out)
{
    _Alignas(struct cmsghdr) char control[CONTROL_BYTES];
    struct msghdr m = message(NULL, control);
    *out = MST_NONE;
    if (recvmsg(fd, &m, MSG_ERRQUEUE | MSG_DONTWAIT) < 0)
        return false;
    *out = to_mono(s, &m);
    return true;
}
