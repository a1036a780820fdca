// Sessions of workers.
//
//   HELLO -> LIVE -- suspect_ns of silence --> SUSPECT -- lost_ns --> LOST -- its leases are closed --> free
//            LIVE <------ any message -------- SUSPECT              LOST -- HELLO of the same instance --> LIVE
//
// SUSPECT gets no new grants and keeps its leases. LOST is over: its messages are answered with UNKNOWN_SESSION, its
// leases run until they expire, since the worker may still be at work on them. A worker that opens a new socket (same
// instance, higher seq) takes its session over, leases and all.
#include "coordinator/core/core_internal.h"

#include "common/base/mem.h"

#include <stdlib.h>

#define SLOT_BITS 16
#define SEQ_BITS  32

// Unique over restarts by the epoch, growing, and the slot is found without a search.
static uint64_t
make_id(mst_coord_t *c, uint32_t slot)
{
    uint64_t seq = ++c->session_seq & ((1ULL << SEQ_BITS) - 1);
    return (uint64_t)(c->cfg.epoch & 0xffff) << (SEQ_BITS + SLOT_BITS) | seq << SLOT_BITS | slot;
}

mst_coord_session_t *
mst_coord_session_find(mst_coord_t *c, uint64_t id, uint64_t conn)
{
    uint64_t slot = id & ((1U << SLOT_BITS) - 1);
    if (slot >= c->session_cap)
        return NULL;
    mst_coord_session_t *s = &c->sessions[slot];
    bool known = s->state == MST_SES_LIVE || s->state == MST_SES_SUSPECT;
    return known && s->id == id && s->conn == conn ? s : NULL;
}

mst_coord_session_t *
mst_coord_session_by_conn(mst_coord_t *c, uint64_t conn)
{
    for (uint32_t i = 0; i < c->session_cap; i++)
        if (c->sessions[i].state != MST_SES_FREE && c->sessions[i].conn == conn)
            return &c->sessions[i];
    return NULL;
}

static mst_coord_session_t *
by_instance(mst_coord_t *c, const uint8_t *instance)
{
    for (uint32_t i = 0; i < c->session_cap; i++)
        if (c->sessions[i].state != MST_SES_FREE && memcmp(c->sessions[i].instance, instance, MST_COORD_INSTANCE) == 0)
            return &c->sessions[i];
    return NULL;
}

static bool
grow(mst_coord_t *c)
{
    if (c->session_cap >= c->cfg.sessions_max)
        return false;
    uint32_t cap = c->session_cap > 0 ? c->session_cap * 2 : 8;
    if (cap > c->cfg.sessions_max)
        cap = c->cfg.sessions_max;
    c->sessions = mst_xrealloc(c->sessions, cap * sizeof *c->sessions);
    memset(c->sessions + c->session_cap, 0, (cap - c->session_cap) * sizeof *c->sessions);
    for (uint32_t i = cap; i-- > c->session_cap;) {
        c->sessions[i].next_free = c->session_free;
        c->session_free = i;
    }
    c->session_cap = cap;
    return true;
}

// The one place where a session's state changes.
static void
set_state(mst_coord_t *c, mst_coord_session_t *s, mst_coord_session_state_t to)
{
    bool was = s->state == MST_SES_LIVE || s->state == MST_SES_SUSPECT;
    bool is = to == MST_SES_LIVE || to == MST_SES_SUSPECT;
    if (was && !is)
        c->session_count--;
    if (!was && is)
        c->session_count++;
    s->state = to;
}

void
mst_coord_session_heard(mst_coord_t *c, mst_coord_session_t *s)
{
    s->heard_ns = c->now_ns;
    set_state(c, s, MST_SES_LIVE);
}

void
mst_coord_session_reap(mst_coord_t *c, mst_coord_session_t *s)
{
    if (s->state != MST_SES_LOST || s->lease_count > 0)
        return;
    uint32_t slot = (uint32_t)(s - c->sessions);
    memset(s, 0, sizeof *s);
    s->next_free = c->session_free;
    c->session_free = slot;
}

void
mst_coord_session_lose(mst_coord_t *c, mst_coord_session_t *s)
{
    set_state(c, s, MST_SES_LOST);
    s->control_due = 0;
    mst_coord_session_reap(c, s);
}

void
mst_coord_session_end(mst_coord_t *c, mst_coord_session_t *s)
{
    set_state(c, s, MST_SES_LOST);
    // closing the last lease frees the session
    while (s->lease_count > 0)
        mst_coord_lease_close(c, c->leases[s->first_lease]);
    mst_coord_session_reap(c, s);
}

static void
start_session(mst_coord_t *c, mst_coord_session_t *s, const mst_coord_event_t *ev)
{
    memcpy(s->instance, ev->u.hello.instance, MST_COORD_INSTANCE);
    s->seq = ev->u.hello.seq;
    s->slots = ev->u.hello.slots;
    s->conn = ev->conn;
    s->id = make_id(c, (uint32_t)(s - c->sessions));
    s->heard_ns = c->now_ns;
    s->credit = 0;
    s->leaving = false;
    s->hold_until_ns = 0;
    s->control_due = 0;
    set_state(c, s, MST_SES_LIVE);
    mst_coord_emit(c, MST_CF_HELLO_OK, s->conn, s->id);
}

void
mst_coord_session_hello(mst_coord_t *c, const mst_coord_event_t *ev)
{
    mst_coord_session_t *s = by_instance(c, ev->u.hello.instance);
    if (s != NULL && s->state != MST_SES_LOST && s->conn == ev->conn && s->seq == ev->u.hello.seq) {
        s->heard_ns = c->now_ns;
        mst_coord_emit(c, MST_CF_HELLO_OK, s->conn, s->id); // said twice: answered twice
        return;
    }
    bool newer = s != NULL && (ev->u.hello.seq > s->seq || (ev->u.hello.seq == s->seq && ev->conn == s->conn));
    if (s != NULL && !newer) {
        mst_coord_emit(c, MST_CF_UNKNOWN_SESSION, ev->conn, 0); // an older socket of that worker
        return;
    }
    mst_coord_session_t *other = mst_coord_session_by_conn(c, ev->conn);
    if (other != NULL && other != s)
        mst_coord_session_lose(c, other);
    if (s == NULL && c->session_free == MST_NO_SLOT && !grow(c)) {
        mst_coord_emit(c, MST_CF_UNKNOWN_SESSION, ev->conn, 0); // full: it will ask again
        return;
    }
    if (s == NULL) {
        s = &c->sessions[c->session_free];
        c->session_free = s->next_free;
        s->first_lease = MST_NO_SLOT;
    }
    start_session(c, s, ev);
}

void
mst_coord_sessions_tick(mst_coord_t *c)
{
    for (uint32_t i = 0; i < c->session_cap; i++) {
        mst_coord_session_t *s = &c->sessions[i];
        if (s->state != MST_SES_LIVE && s->state != MST_SES_SUSPECT)
            continue;
        int64_t silence = c->now_ns - s->heard_ns;
        if (silence >= c->cfg.lost_ns)
            mst_coord_session_lose(c, s);
        else if (silence >= c->cfg.suspect_ns)
            set_state(c, s, MST_SES_SUSPECT);
        else
            set_state(c, s, MST_SES_LIVE);
    }
}
