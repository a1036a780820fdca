// One session with a server: the link, HELLO and its answer, what is kept when the link is full. The control
// session and the results session are both of this kind.
// Thread: the I/O thread's.
#ifndef MST_WORKER_SESSION_H
#define MST_WORKER_SESSION_H

#include "common/base/buf.h"
#include "common/loop/loop.h"
#include "common/net/link.h"
#include "common/wire/wire.h"

#define MST_OUTBOX_BYTES (64 * MST_MIB)

typedef struct mst_out {
    struct mst_out *next;
    size_t n;
    char bytes[];
} mst_out_t;

typedef struct {
    mst_loop_t *loop;
    const char *endpoint, *name;
    mst_link_fn *fn;
    void *ud;
    mst_link_t *link;
    uint8_t instance[16];
    uint32_t slots, seq;
    uint64_t session;
    uint32_t epoch;
    bool ready; // HELLO was answered
    uint32_t heartbeat_ms, lost_ms;
    int64_t heard_ns, hello_ns;
    uint64_t msg_id;
    mst_buf_t packed;          // scratch
    mst_out_t *out, **out_end; // waits for room in the link
    size_t out_bytes;
} mst_session_t;

MST_NODISCARD mst_rc mst_session_open(mst_session_t *s,
                                      mst_err_t *err); // loop ... ud, instance, slots set; dials, says HELLO
void mst_session_close(mst_session_t *s);
void mst_session_hello(mst_session_t *s); // anew: the old session is gone
void mst_session_welcome(mst_session_t *s, const Muster__HelloOk *ok);
// Heard nothing for lost_ms (or for 2 s after a HELLO): a new socket and a new HELLO. True when it did so.
bool mst_session_check(mst_session_t *s, int64_t now_ns);
// Must arrive: waits in the outbox while the link is full (MST_LIMIT when that is full too).
void mst_session_send(mst_session_t *s, Muster__Envelope__BodyCase kind, void *body);
// May be left out when the link is full.
void mst_session_try(mst_session_t *s, Muster__Envelope__BodyCase kind, void *body);
// Packs into out with session, epoch and number set.
MST_NODISCARD mst_rc mst_session_pack(mst_session_t *s, Muster__Envelope__BodyCase kind, void *body, mst_buf_t *out,
                                      mst_err_t *err);
bool mst_session_flush(mst_session_t *s); // true: all is out
// False: an older epoch speaks; drop it.
bool mst_session_heard(mst_session_t *s, const Muster__Envelope *e, int64_t now_ns);

#endif
