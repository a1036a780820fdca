// The one entry, and the state of the run.
#include "coordinator/core/core_internal.h"

#include "common/base/clock.h"
#include "common/base/mem.h"

#include <stdlib.h>

enum { CONTROL_DRAIN = 2, CONTROL_STOP = 3 };

// A worker that gave work back is left alone for this long: its backend is likely down.
#define HOLD_RETURNED_NS (1 * MST_NS_PER_S)
// One that a grant could not be sent to, for this long.
#define HOLD_UNSENT_NS (1 * MST_NS_PER_MS)

void
mst_coord_cfg_default(mst_coord_cfg_t *cfg)
{
    *cfg = (mst_coord_cfg_t){.epoch = 1,
                             .suspect_ns = 15 * MST_NS_PER_S,
                             .lost_ns = 45 * MST_NS_PER_S,
                             .ttl_ns = 60 * MST_NS_PER_S,
                             .sessions_max = MST_COORD_SESSIONS_MAX,
                             .leases_max = MST_COORD_LEASES_MAX,
                             .unit_max = MST_UNIT_CASES_MAX,
                             .read_ahead = 2 * MST_UNIT_CASES_MAX};
}

mst_coord_t *
mst_coord_new(const mst_coord_cfg_t *cfg)
{
    MST_ASSERT(cfg->sessions_max <= MST_COORD_SESSIONS_MAX && cfg->leases_max <= MST_COORD_LEASES_MAX);
    MST_ASSERT(cfg->unit_max >= 1 && cfg->unit_max <= MST_UNIT_CASES_MAX);
    mst_coord_t *c = MST_NEW(mst_coord_t);
    c->cfg = *cfg;
    c->session_free = c->lease_free = MST_NO_SLOT;
    mst_coord_lanes_make(c, 1, 1, NULL);
    return c;
}

void
mst_coord_free(mst_coord_t **core)
{
    mst_coord_t *c = *core;
    if (c == NULL)
        return;
    for (uint32_t i = 0; i < c->lease_made; i++)
        free(c->leases[i]);
    free(c->leases);
    free(c->sessions);
    mst_coord_lanes_free(c);
    free(c);
    *core = NULL;
}

void
mst_coord_set_fault(mst_coord_t *core, mst_coord_fault_t fault)
{
    core->fault = fault;
}

bool
mst_coord_room(const mst_coord_t *c)
{
    return c->fx->count < MST_COORD_EFFECTS_MAX;
}

mst_coord_effect_t *
mst_coord_emit(mst_coord_t *c, mst_coord_effect_kind_t kind, uint64_t conn, uint64_t session)
{
    // an event has one answer, and it comes first; what may be many asks for room before
    MST_ASSERT(mst_coord_room(c));
    mst_coord_effect_t *e = &c->fx->items[c->fx->count++];
    *e = (mst_coord_effect_t){.kind = kind, .conn = conn, .session = session};
    return e;
}

// ---- the run ----

static bool
is_active(const mst_coord_t *c)
{
    return c->state == MST_COORD_RUNNING || c->state == MST_COORD_DRAINING;
}

static void
tell_holders(mst_coord_t *c, uint32_t control)
{
    for (uint32_t i = 0; i < c->session_cap; i++)
        if (c->sessions[i].lease_count > 0 && c->sessions[i].state != MST_SES_LOST)
            c->sessions[i].control_due = control;
}

static void
drain(mst_coord_t *c, mst_coord_state_t to)
{
    c->state = MST_COORD_DRAINING;
    c->drain_to = to;
    tell_holders(c, CONTROL_DRAIN);
}

// The run is over: no lease of it stays.
static void
finish(mst_coord_t *c, mst_coord_state_t state)
{
    tell_holders(c, CONTROL_STOP);
    for (uint32_t i = 0; i < c->lease_made; i++)
        if (c->leases[i]->id != 0)
            mst_coord_lease_close(c, c->leases[i]);
    c->state = state;
}

// Every worker that is there has sent what its load's plan says, and nothing of it is out.
static bool
plan_over(const mst_coord_t *c)
{
    uint32_t over = 0;
    uint64_t all = 0;
    for (uint32_t i = 0; i < c->targets; i++)
        all |= c->lanes[i].down ? 0 : 1ULL << i;
    for (uint32_t i = 0; i < c->session_cap && all != 0; i++) {
        const mst_coord_session_t *s = &c->sessions[i];
        if (s->state != MST_SES_LIVE && s->state != MST_SES_SUSPECT)
            continue;
        if ((s->plan_over & all) != all)
            return false;
        over++;
    }
    return over > 0 && c->lease_count == 0;
}

static void
settle(mst_coord_t *c)
{
    if (!is_active(c))
        return;
    if (c->state == MST_COORD_RUNNING && plan_over(c)) {
        c->plan_over = true;
        finish(c, MST_COORD_DONE);
        return;
    }
    mst_coord_sums_t sums = mst_coord_sums(c);
    if (c->ended && mst_coord_lanes_over(c))
        finish(c, sums.done_avail == sums.avail ? MST_COORD_DONE : MST_COORD_ABORTED);
    else if (c->state == MST_COORD_DRAINING && c->lease_count == 0)
        finish(c, c->drain_to);
}

static void
on_run_start(mst_coord_t *c, const mst_coord_event_t *ev)
{
    uint32_t targets = ev->u.start.targets, repeats = ev->u.start.repeats;
    bool sound = targets >= 1 && targets <= MST_TARGETS_MAX && repeats >= 1 && repeats <= MST_REPEATS_MAX;
    if (is_active(c) || !sound) {
        c->strays++;
        return;
    }
    mst_coord_lanes_make(c, targets, repeats, ev->u.start.weights);
    c->run_no = ev->u.start.run_no;
    c->generation = ev->u.start.generation;
    c->cases_hint = ev->u.start.cases_hint;
    c->fail_fast = ev->u.start.fail_fast;
    c->ended = c->paused = c->granted = c->plan_over = false;
    for (uint32_t i = 0; i < c->session_cap; i++)
        c->sessions[i].plan_over = 0;
    c->grants = c->expired = c->returned = c->strays = 0;
    c->state = MST_COORD_RUNNING;
}

static void
on_keys_done(mst_coord_t *c, const mst_coord_event_t *ev)
{
    for (size_t i = 0; i < ev->u.done.count; i++) {
        uint64_t at;
        mst_keys_t *keys = mst_coord_keys_of(c, ev->u.done.keys[i], &at);
        if (ev->u.done.keys[i] < MST_COORD_KEYS_MAX)
            (void)mst_keys_set_done(keys, at);
    }
}

static void
on_rows(mst_coord_t *c, const mst_coord_event_t *ev)
{
    if (!is_active(c) || c->ended)
        return;
    uint64_t most = MST_COORD_KEYS_MAX / mst_coord_keys_per_case(c);
    mst_coord_lanes_rows(c, ev->u.rows.cases < most ? ev->u.rows.cases : most);
    c->ended = ev->u.rows.ended;
    c->paused = ev->u.rows.paused;
}

static void
on_committed(mst_coord_t *c, const mst_coord_event_t *ev)
{
    if (c->state == MST_COORD_IDLE || ev->u.done.run_no != c->run_no || ev->u.done.generation != c->generation) {
        c->strays++;
        return;
    }
    for (size_t i = 0; i < ev->u.done.count; i++) {
        uint64_t key = ev->u.done.keys[i], at;
        if (key >= mst_coord_total(c)) { // rows not read yet may be done: by leases of an earlier coordinator
            c->strays++;
            continue;
        }
        mst_keys_t *keys = mst_coord_keys_of(c, key, &at);
        mst_coord_lease_t *l = mst_keys_is_leased(keys, at) ? c->leases[mst_keys_holder(keys, at)] : NULL;
        (void)mst_keys_set_done(keys, at);
        if (l != NULL)
            mst_coord_lease_drop_key(c, l, key, false);
    }
    if (ev->u.done.failed && c->fail_fast && c->state == MST_COORD_RUNNING)
        drain(c, MST_COORD_FAILED_FAST);
}

static void
on_cancel(mst_coord_t *c, const mst_coord_event_t *ev)
{
    if (!is_active(c))
        return;
    if (ev->u.cancel.now)
        finish(c, MST_COORD_INTERRUPTED);
    else if (c->state == MST_COORD_RUNNING)
        drain(c, MST_COORD_INTERRUPTED);
}

// ---- a worker's messages ----

static void
on_ping(mst_coord_t *c, mst_coord_session_t *s, const mst_coord_event_t *ev)
{
    size_t lost = 0;
    for (size_t i = 0; i < ev->u.ping.count && i < MST_LEASES_MAX; i++) {
        mst_coord_lease_t *l = mst_coord_lease_find(c, ev->u.ping.leases[i]);
        if (l != NULL && &c->sessions[l->session] == s)
            mst_coord_lease_renew(c, l);
        else
            c->lost_list[lost++] = ev->u.ping.leases[i];
    }
    mst_coord_effect_t *e = mst_coord_emit(c, MST_CF_PONG, s->conn, s->id);
    e->list = c->lost_list;
    e->count = lost;
    if (c->state == MST_COORD_DRAINING && s->lease_count > 0)
        s->control_due = CONTROL_DRAIN; // the first one may have been lost
}

static void
on_lease_return(mst_coord_t *c, mst_coord_session_t *s, const mst_coord_event_t *ev)
{
    mst_coord_lease_t *l = mst_coord_lease_find(c, ev->u.back.lease_id);
    if (l == NULL || &c->sessions[l->session] != s) {
        c->strays++; // expired meanwhile
        return;
    }
    c->returned++;
    uint32_t cause = ev->u.back.cause;
    if (cause == MST_RETURN_DRAIN && c->state == MST_COORD_RUNNING)
        s->leaving = true;
    mst_coord_lane_t *lane = &c->lanes[l->lane];
    if (ev->u.back.fatal && cause == MST_RETURN_BACKEND_DOWN)
        lane->down = true;
    if ((cause == MST_RETURN_BACKEND_DOWN && !lane->down) || cause == MST_RETURN_LOCAL_LIMIT)
        s->hold_until_ns = c->now_ns + HOLD_RETURNED_NS;
    if (cause == MST_RETURN_PLAN_OVER)
        s->plan_over |= 1ULL << l->lane;
    uint64_t id = l->id;
    for (size_t i = 0; i < ev->u.back.count && l->id == id; i++)
        mst_coord_lease_drop_key(c, l, ev->u.back.keys[i], true);
    bool lost = ev->u.back.fatal && (!lane->down || mst_coord_sums(c).down == c->targets);
    if (lost && is_active(c))
        finish(c, MST_COORD_ABORTED);
    else if (cause == MST_RETURN_BUDGET && c->state == MST_COORD_RUNNING)
        drain(c, MST_COORD_BUDGET);
}

static void
on_credit(mst_coord_session_t *s, const mst_coord_event_t *ev)
{
    uint32_t cases = ev->u.credit.cases;
    s->credit = cases < MST_CREDIT_CASES_MAX ? cases : MST_CREDIT_CASES_MAX;
}

static void
on_worker(mst_coord_t *c, const mst_coord_event_t *ev)
{
    mst_coord_session_t *s = mst_coord_session_find(c, ev->session, ev->conn);
    if (s == NULL) {
        c->strays++;
        mst_coord_emit(c, MST_CF_UNKNOWN_SESSION, ev->conn, 0);
        return;
    }
    mst_coord_session_heard(c, s);
    if (ev->kind == MST_CE_PING)
        on_ping(c, s, ev);
    else if (ev->kind == MST_CE_CREDIT)
        on_credit(s, ev);
    else if (ev->kind == MST_CE_LEASE_RETURN)
        on_lease_return(c, s, ev);
    else if (ev->kind == MST_CE_GOODBYE) {
        mst_coord_emit(c, MST_CF_GOODBYE_OK, s->conn, s->id);
        mst_coord_session_end(c, s);
    }
}

static void
on_conn_gone(mst_coord_t *c, const mst_coord_event_t *ev)
{
    mst_coord_session_t *s = mst_coord_session_by_conn(c, ev->conn);
    if (s != NULL && s->state != MST_SES_LOST)
        mst_coord_session_lose(c, s);
}

static void
on_unsent(mst_coord_t *c, const mst_coord_event_t *ev)
{
    mst_coord_lease_t *l = mst_coord_lease_find(c, ev->u.unsent.lease_id);
    if (l == NULL)
        return;
    c->sessions[l->session].hold_until_ns = c->now_ns + HOLD_UNSENT_NS;
    mst_coord_lease_close(c, l);
}

static void
send_controls(mst_coord_t *c)
{
    for (uint32_t i = 0; i < c->session_cap; i++) {
        mst_coord_session_t *s = &c->sessions[i];
        if (s->control_due == 0)
            continue;
        if (!mst_coord_room(c)) {
            c->fx->more = true;
            return;
        }
        mst_coord_emit(c, MST_CF_RUN_CONTROL, s->conn, s->id)->state = s->control_due;
        s->control_due = 0;
    }
}

static void
dispatch(mst_coord_t *c, const mst_coord_event_t *ev)
{
    switch (ev->kind) {
    case MST_CE_PUMP:
        break;
    case MST_CE_TICK:
        mst_coord_sessions_tick(c);
        mst_coord_leases_tick(c);
        break;
    case MST_CE_HELLO:
        mst_coord_session_hello(c, ev);
        break;
    case MST_CE_PING:
    case MST_CE_CREDIT:
    case MST_CE_LEASE_RETURN:
    case MST_CE_GOODBYE:
        on_worker(c, ev);
        break;
    case MST_CE_CONN_GONE:
        on_conn_gone(c, ev);
        break;
    case MST_CE_UNSENT:
        on_unsent(c, ev);
        break;
    case MST_CE_RUN_START:
        on_run_start(c, ev);
        break;
    case MST_CE_KEYS_DONE:
        on_keys_done(c, ev);
        break;
    case MST_CE_ROWS:
        on_rows(c, ev);
        break;
    case MST_CE_COMMITTED:
        on_committed(c, ev);
        break;
    case MST_CE_BUDGET:
        if (c->state == MST_COORD_RUNNING)
            drain(c, MST_COORD_BUDGET);
        break;
    case MST_CE_CANCEL:
        on_cancel(c, ev);
        break;
    case MST_CE_ABORT:
        if (is_active(c))
            finish(c, MST_COORD_ABORTED);
        break;
    }
}

void
mst_coord_step(mst_coord_t *core, int64_t now_ns, const mst_coord_event_t *ev, mst_coord_effects_t *fx)
{
    fx->count = 0;
    fx->more = false;
    fx->want_keys = 0;
    core->fx = fx;
    core->now_ns = now_ns;
    dispatch(core, ev);
    settle(core);
    send_controls(core);
    mst_coord_grant_pump(core);
    fx->want_keys = mst_coord_grant_want(core);
    core->fx = NULL;
}

void
mst_coord_status(const mst_coord_t *core, mst_coord_status_t *out)
{
    mst_coord_sums_t sums = mst_coord_sums(core);
    *out = (mst_coord_status_t){.state = core->state,
                                .run_no = core->run_no,
                                .generation = core->generation,
                                .total = mst_coord_total(core),
                                .total_exact = core->ended || core->plan_over,
                                .plan_over = core->plan_over,
                                .leased = sums.leased,
                                .open = sums.open,
                                .sessions = core->session_count,
                                .leases = core->lease_count,
                                .granted = core->granted,
                                .grants = core->grants,
                                .expired = core->expired,
                                .returned = core->returned,
                                .strays = core->strays};
    // until the rows are known, what was done before counts whether its row was read or not
    out->done = core->ended && !core->plan_over ? sums.done_avail : sums.done_all;
    for (uint32_t i = 0; i < core->targets; i++)
        out->down |= core->lanes[i].down ? 1ULL << i : 0;
}

bool
mst_coord_key_done(const mst_coord_t *core, uint64_t key)
{
    uint64_t at;
    const mst_keys_t *keys = mst_coord_keys_of(core, key, &at);
    return mst_keys_is_done(keys, at);
}

bool
mst_coord_case_done(const mst_coord_t *core, uint64_t case_no)
{
    uint64_t first = case_no * core->repeats, end = first + core->repeats;
    for (uint32_t i = 0; i < core->targets; i++)
        if (mst_keys_count_done(&core->lanes[i].keys, first, end) != core->repeats)
            return false;
    return true;
}
