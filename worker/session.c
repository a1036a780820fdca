// ZeroMQ reconnects by itself, but a peer that restarted knows nothing of us: a session is made by HELLO, and an
// UNKNOWN_SESSION or a long silence starts a new one on a new socket.
#include "worker/session.h"

#include "common/base/clock.h"
#include "common/base/limits.h"
#include "common/base/log.h"

#include <stdlib.h>
#include <string.h>

#define HELLO_WAIT_NS (2 * MST_NS_PER_S)

mst_rc
mst_session_open(mst_session_t *s, mst_err_t *err)
{
    if (!s->out_end) {
        mst_buf_init(&s->packed, MST_WIRE_FRAME_MAX);
        s->out_end = &s->out;
        s->heartbeat_ms = 5000;
        s->lost_ms = 45000;
    }
    mst_rc rc = mst_link_dial(s->loop, s->endpoint, MST_WIRE_FRAME_MAX, s->fn, s->ud, &s->link, err);
    if (rc == MST_OK)
        mst_session_hello(s);
    return rc;
}

static void
outbox_clear(mst_session_t *s)
{
    while (s->out) {
        mst_out_t *o = s->out;
        s->out = o->next;
        free(o);
    }
    s->out_end = &s->out;
    s->out_bytes = 0;
}

void
mst_session_close(mst_session_t *s)
{
    if (!s->out_end)
        return;
    (void)mst_session_flush(s);
    outbox_clear(s);
    mst_link_free(&s->link);
    mst_buf_deinit(&s->packed);
}

void
mst_session_hello(mst_session_t *s)
{
    Muster__Hello m = MUSTER__HELLO__INIT;
    outbox_clear(s); // what was said to the old session means nothing to the new one
    s->ready = false;
    s->session = 0;
    s->hello_ns = s->heard_ns = mst_mono_ns();
    m.role = 1;
    m.proto_major = MST_WIRE_MAJOR;
    m.proto_minor = MST_WIRE_MINOR;
    m.instance = mst_wire_bytes(mst_str((const char *)s->instance, sizeof s->instance));
    m.has_session_seq = true;
    m.session_seq = s->seq++;
    m.has_slots = s->slots > 0;
    m.slots = s->slots;
    m.has_name = s->name != NULL;
    m.name = mst_wire_bytes(mst_str_c(s->name));
    mst_session_send(s, MUSTER__ENVELOPE__BODY_HELLO, &m);
}

void
mst_session_welcome(mst_session_t *s, const Muster__HelloOk *ok)
{
    s->ready = true;
    s->session = ok->session;
    s->epoch = ok->epoch;
    if (ok->heartbeat_ms > 0)
        s->heartbeat_ms = ok->heartbeat_ms;
    if (ok->lost_ms > 0)
        s->lost_ms = ok->lost_ms;
}

bool
mst_session_check(mst_session_t *s, int64_t now_ns)
{
    int64_t lost_ns = (int64_t)s->lost_ms * MST_NS_PER_MS;
    bool silent = s->ready ? now_ns - s->heard_ns > lost_ns : now_ns - s->hello_ns > HELLO_WAIT_NS;
    if (!silent)
        return false;
    mst_err_t err = {0};
    if (s->ready)
        mst_warn("no word from \"%s\" for %u ms, starting a new session", s->endpoint, s->lost_ms);
    mst_link_free(&s->link);
    if (mst_session_open(s, &err) != MST_OK) {
        mst_error("%s", err.message);
        s->hello_ns = now_ns;
        s->ready = false;
    }
    return true;
}

bool
mst_session_heard(mst_session_t *s, const Muster__Envelope *e, int64_t now_ns)
{
    if (e->has_epoch && e->epoch < s->epoch)
        return false;
    s->heard_ns = now_ns;
    return true;
}

mst_rc
mst_session_pack(mst_session_t *s, Muster__Envelope__BodyCase kind, void *body, mst_buf_t *out, mst_err_t *err)
{
    Muster__Envelope e;
    mst_wire_envelope(&e, kind, body);
    e.has_msg_id = true;
    e.msg_id = ++s->msg_id;
    e.has_session = s->session != 0;
    e.session = s->session;
    e.has_epoch = s->ready;
    e.epoch = s->epoch;
    return mst_wire_pack(&e, out, err);
}

static mst_rc
send_now(mst_session_t *s, mst_str_t bytes, mst_err_t *err)
{
    return s->link ? mst_link_send(s->link, 0, bytes, err) : MST_AGAIN;
}

static void
keep(mst_session_t *s, mst_str_t bytes)
{
    mst_out_t *o = s->out_bytes + bytes.n <= MST_OUTBOX_BYTES ? malloc(sizeof *o + bytes.n) : NULL;
    if (!o) {
        mst_error("message to \"%s\" let go: %zu bytes wait already", s->endpoint, s->out_bytes);
        return; // the lease runs out and the cases are asked again: nothing is lost
    }
    o->next = NULL;
    o->n = bytes.n;
    memcpy(o->bytes, bytes.p, bytes.n);
    *s->out_end = o;
    s->out_end = &o->next;
    s->out_bytes += bytes.n;
}

static void
send_packed(mst_session_t *s, Muster__Envelope__BodyCase kind, void *body, bool must)
{
    mst_err_t err = {0};
    mst_buf_reset(&s->packed);
    if (mst_session_pack(s, kind, body, &s->packed, &err) != MST_OK) {
        mst_error("%s message not sent: %s", mst_wire_kind_name(kind), err.message);
        return;
    }
    mst_str_t bytes = mst_buf_view(&s->packed);
    mst_rc rc = s->out ? MST_AGAIN : send_now(s, bytes, &err);
    if (rc == MST_OK)
        return;
    if (rc != MST_AGAIN)
        mst_error("%s message not sent: %s", mst_wire_kind_name(kind), err.message);
    else if (must)
        keep(s, bytes);
}

void
mst_session_send(mst_session_t *s, Muster__Envelope__BodyCase kind, void *body)
{
    send_packed(s, kind, body, true);
}

void
mst_session_try(mst_session_t *s, Muster__Envelope__BodyCase kind, void *body)
{
    send_packed(s, kind, body, false);
}

bool
mst_session_flush(mst_session_t *s)
{
    while (s->out) {
        mst_err_t err = {0};
        if (send_now(s, mst_str(s->out->bytes, s->out->n), &err) == MST_AGAIN)
            return false;
        mst_out_t *o = s->out;
        s->out = o->next;
        s->out_bytes -= o->n;
        free(o);
        if (!s->out)
            s->out_end = &s->out;
    }
    return true;
}
