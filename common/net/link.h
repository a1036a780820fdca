// One ZeroMQ socket in our loop. Every socket option of the product is set in socket.c.
// Frame 0 is 4 bytes: 'M' 'U' major flags; frame 1 is one packed envelope (common/wire).
// Server links are ROUTER (mandatory, never blocking), client links are DEALER without a routing id.
// Sending never blocks and receiving is bounded a turn. While a send was refused with MST_AGAIN the link makes
// turns happen by itself (after 1 ms, then less often up to every 64 ms), so a sender may retry from a turn hook.
// Endpoints other than inproc are kept to this machine: tcp only on loopback addresses.
// Thread: a link belongs to one thread; create and use it there.
#ifndef MST_NET_LINK_H
#define MST_NET_LINK_H

#include "common/base/str.h"
#include "common/loop/loop.h"

#define MST_LINK_MAJOR 1 // of frame 0; another major is dropped and counted

typedef struct mst_link mst_link_t;

typedef struct {
    uint64_t sent, received;
    uint64_t refused; // messages from outside that break the framing or a limit: dropped
    uint64_t again;   // sends that found the peer full
} mst_link_stats_t;

// One received message; bytes are valid until the callback returns. conn: the peer on a server link, 0 on a
// client link.
typedef void mst_link_fn(void *ud, uint64_t conn, mst_str_t envelope);

// Once in main before any thread, and once after all links are closed. Takes no signals.
MST_NODISCARD mst_rc mst_net_init(mst_err_t *err);
void mst_net_deinit(void);

// endpoint: "inproc://..." or "tcp://..."; frame_max: MST_WIRE_FRAME_MAX or less, enforced both ways and on
// every transport. MST_INVAL, MST_CONFLICT (address in use) with the endpoint named.
MST_NODISCARD mst_rc mst_link_serve(mst_loop_t *loop, const char *endpoint, size_t frame_max, mst_link_fn *fn,
                                    void *ud, mst_link_t **out, mst_err_t *err);
MST_NODISCARD mst_rc mst_link_dial(mst_loop_t *loop, const char *endpoint, size_t frame_max, mst_link_fn *fn,
                                   void *ud, mst_link_t **out, mst_err_t *err);
// Not from inside its own callback. Messages that are queued still leave, for two seconds at most.
void mst_link_free(mst_link_t **link);
// The endpoint as bound, with the port that "tcp://127.0.0.1:*" was given. Valid as long as the link.
const char *mst_link_endpoint(const mst_link_t *link);
mst_link_stats_t mst_link_stats(const mst_link_t *link);
// Copies and queues. MST_AGAIN: the peer is full, try in a later turn (mst_link_fn of other peers goes on);
// MST_NOTFOUND: no such peer any more; MST_LIMIT: larger than frame_max.
MST_NODISCARD mst_rc mst_link_send(mst_link_t *link, uint64_t conn, mst_str_t envelope, mst_err_t *err);

#endif
