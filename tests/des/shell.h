// The shell around the real core, as coordinator.c is in the product: messages to events, effects to messages, rows.
// Every step is followed by the checks.
#ifndef MST_TESTS_DES_SHELL_H
#define MST_TESTS_DES_SHELL_H

#include "tests/des/shadow.h"

static inline int64_t
core_now(const world_t *w)
{
    return (int64_t)((double)w->now * w->coord_rate);
}

static inline bool
run_active(const world_t *w)
{
    return w->state == MST_COORD_RUNNING || w->state == MST_COORD_DRAINING;
}

static inline void
check_done_is_stored(world_t *w)
{
    for (uint64_t k = 0; k < w->swarm.keys; k++)
        if (!w->stored[k] && mst_coord_key_done(w->core, k))
            fail_world(w, "key %llu is done at the coordinator and not in the store", (unsigned long long)k);
}

// A target was lost, and what the others could do is done.
static inline void
check_end_without(world_t *w, const mst_coord_event_t *ev)
{
    uint64_t all = (1ULL << w->swarm.targets) - 1, down = w->shadow.down & all;
    if (w->state != MST_COORD_ABORTED || ev->kind == MST_CE_ABORT || down == 0 || down == all)
        return;
    w->counts[H_ENDED_WITHOUT]++;
    for (uint64_t k = 0; k < w->swarm.keys; k++)
        if (!w->stored[k] && (down >> target_of(w, k) & 1) == 0)
            fail_world(w, "the run ends without key %llu, whose target is not lost", (unsigned long long)k);
}

static inline void
check_step(world_t *w, const mst_coord_event_t *ev)
{
    mst_err_t err = {0};
    mst_coord_status_t s;
    if (!w->blind && mst_coord_check(w->core, &err) != MST_OK)
        fail_world(w, "%s", err.message);
    check_done_is_stored(w);
    mst_coord_status(w->core, &s);
    bool was_over = !run_active(w);
    uint64_t all = (1ULL << w->swarm.targets) - 1;
    w->counts[H_TARGET_LOST] += ev->kind == MST_CE_LEASE_RETURN && ev->u.back.fatal && s.down != 0 && s.down != all;
    if (s.done != w->done)
        w->progress_at = w->now;
    w->done = s.done;
    w->state = s.state;
    if (!run_active(w))
        w->shadow.lease_count = 0;
    if (s.leased != shadow_held(&w->shadow, 0))
        fail_world(w, "%llu keys are leased, by the events it should be %u", (unsigned long long)s.leased,
                   shadow_held(&w->shadow, 0));
    if (w->state == MST_COORD_DONE)
        for (uint64_t k = 0; k < w->swarm.keys; k++)
            if (!w->stored[k])
                fail_world(w, "the run is done and key %llu is not stored", (unsigned long long)k);
    if (!was_over && !run_active(w)) {
        check_end_without(w, ev);
        SAY(w, "run is over state=%d done=%llu", (int)w->state, (unsigned long long)s.done);
        w->counts[H_INTERRUPTED] += w->state == MST_COORD_INTERRUPTED;
        w->counts[H_ABORTED] += w->state == MST_COORD_ABORTED;
        w->counts[H_FAILED_FAST] += w->state == MST_COORD_FAILED_FAST;
        if (w->state == MST_COORD_DONE)
            w->over = true;
        else
            schedule(w, (event_t){.at = w->now + around(w, w->swarm.ttl_ns / 4), .kind = E_RESUME});
    }
}

static inline void step_core(world_t *w, const mst_coord_event_t *ev);

static inline void
send_effect(world_t *w, const mst_coord_effect_t *e)
{
    static const message_kind_t kinds[] = {M_HELLO_OK, M_UNKNOWN, M_GOODBYE_OK, M_GRANT, M_PONG, M_CONTROL};
    message_t m = {.kind = kinds[e->kind], .conn = e->conn, .session = e->session, .lease = e->lease_id};
    m.generation = w->generation;
    m.number = e->state;
    m.seq = w->ping_echo;
    m.count = (uint32_t)(e->count < LIST_MAX ? e->count : LIST_MAX);
    if (m.count > 0)
        memcpy(m.list, e->list, m.count * sizeof m.list[0]);
    note(w, (uint64_t)m.kind << 56 | m.lease << 8 | m.count);
    uint32_t i = worker_of(w, e->conn);
    SAY(w, "  -> worker %u kind=%d lease=%llx count=%u first=%lld", i, (int)m.kind, (unsigned long long)m.lease,
        m.count, m.count > 0 ? (long long)m.list[0] : -1LL);
    if (i < WORKERS_MAX)
        post(w, TO_WORKER, &m, i);
}

// What the edge finds out while it sends: nobody there, no room.
static inline void
send_effects(world_t *w, mst_coord_event_t *troubles, uint32_t *count)
{
    for (size_t i = 0; i < w->fx.count; i++) {
        const mst_coord_effect_t *e = &w->fx.items[i];
        bool gone = worker_of(w, e->conn) == WORKERS_MAX;
        w->counts[H_GONE] += gone;
        w->counts[H_UNKNOWN] += e->kind == MST_CF_UNKNOWN_SESSION;
        if (gone && chance(w, 500))
            troubles[(*count)++] = (mst_coord_event_t){.kind = MST_CE_CONN_GONE, .conn = e->conn};
        else if (e->kind == MST_CF_GRANT && fault(w, w->swarm.unsent)) {
            w->counts[H_UNSENT]++;
            troubles[*count] = (mst_coord_event_t){.kind = MST_CE_UNSENT, .conn = e->conn};
            troubles[(*count)++].u.unsent.lease_id = e->lease_id;
        } else
            send_effect(w, e);
    }
}

static inline void
one_step(world_t *w, const mst_coord_event_t *ev)
{
    int64_t now = core_now(w);
    mst_coord_state_t before = w->state;
    mst_coord_step(w->core, now, ev, &w->fx);
    w->steps++;
    note(w, (uint64_t)ev->kind << 48 ^ (uint64_t)w->now ^ w->fx.count);
    shadow_event(w, now, ev);
    for (size_t i = 0; i < w->fx.count; i++)
        if (w->fx.items[i].kind == MST_CF_GRANT) {
            if (before == MST_COORD_DRAINING)
                fail_world(w, "grant while the run drains");
            shadow_grant(w, now, &w->fx.items[i]);
        }
    w->want = w->fx.want_keys;
    check_step(w, ev);
}

static inline void
step_core(world_t *w, const mst_coord_event_t *ev)
{
    static const mst_coord_event_t pump = {.kind = MST_CE_PUMP};
    mst_coord_event_t troubles[MST_COORD_EFFECTS_MAX];
    uint32_t count = 0;
    one_step(w, ev);
    bool more = w->fx.more;
    send_effects(w, troubles, &count);
    for (uint32_t i = 0; i < count && !w->failed; i++) {
        mst_coord_event_t again[MST_COORD_EFFECTS_MAX];
        uint32_t ignored = 0;
        one_step(w, &troubles[i]);
        more = more || w->fx.more;
        send_effects(w, again, &ignored);
        // trouble with these is met again: a lease that nobody got runs out
    }
    for (int i = 0; more && i < 64 && !w->failed; i++) {
        uint32_t ignored = 0;
        one_step(w, &pump);
        more = w->fx.more;
        send_effects(w, troubles, &ignored);
    }
}

static inline void
coordinator_read(world_t *w)
{
    uint64_t cases = w->swarm.keys / keys_per_case(w), left = cases - w->rows_read;
    if (w->want > 0 && run_active(w) && left > 0) {
        uint64_t n = 1 + mst_prng_below(&w->rng, 1 + w->want / keys_per_case(w));
        w->rows_read += n < left ? n : left;
        mst_coord_event_t ev = {.kind = MST_CE_ROWS};
        ev.u.rows.cases = w->rows_read;
        ev.u.rows.ended = w->rows_read == cases && chance(w, 700);
        ev.u.rows.paused = chance(w, 100);
        step_core(w, &ev);
    } else if (w->want > 0 && run_active(w)) {
        mst_coord_event_t ev = {.kind = MST_CE_ROWS, .u.rows = {.cases = cases, .ended = true}};
        step_core(w, &ev);
    }
    schedule(w, (event_t){.at = w->now + around(w, w->swarm.ttl_ns / 100), .kind = E_READ});
}

// A run begins, or goes on: what is in the store is done.
static inline void
coordinator_start_run(world_t *w)
{
    mst_coord_event_t ev = {.kind = MST_CE_RUN_START};
    ev.u.start.run_no = 1;
    ev.u.start.generation = w->generation;
    uint32_t weights[TARGETS_MAX];
    for (uint32_t i = 0; i < w->swarm.targets; i++)
        weights[i] = 1 + (uint32_t)mst_prng_below(&w->rng, 4);
    ev.u.start.targets = w->swarm.targets;
    ev.u.start.repeats = w->swarm.repeats;
    ev.u.start.weights = weights;
    ev.u.start.cases_hint = w->swarm.keys / keys_per_case(w) + mst_prng_below(&w->rng, 3); // some rows may be refused
    ev.u.start.fail_fast = w->swarm.fail_fast && w->faults_on;
    w->rows_read = 0;
    step_core(w, &ev);
    uint64_t done[KEYS_MAX];
    mst_coord_event_t keys = {.kind = MST_CE_KEYS_DONE, .u.done.keys = done};
    for (uint64_t k = 0; k < w->swarm.keys; k++)
        if (w->stored[k])
            done[keys.u.done.count++] = k;
    step_core(w, &keys);
    SAY(w, "run starts generation=%u done=%zu", w->generation, keys.u.done.count);
}

static inline void
coordinator_boot(world_t *w)
{
    mst_coord_free(&w->core);
    mst_coord_cfg_t cfg;
    mst_coord_cfg_default(&cfg);
    cfg.epoch = ++w->epoch;
    cfg.ttl_ns = w->swarm.ttl_ns;
    cfg.suspect_ns = w->swarm.ttl_ns / 4;
    cfg.lost_ns = w->swarm.ttl_ns * 3 / 4;
    cfg.unit_max = w->swarm.unit_max;
    cfg.read_ahead = w->swarm.read_ahead;
    cfg.sessions_max = 64;
    w->core = mst_coord_new(&cfg);
    mst_coord_set_fault(w->core, w->fault);
    memset(&w->shadow, 0, sizeof w->shadow);
    w->state = MST_COORD_IDLE;
    coordinator_start_run(w);
}

static inline void
coordinator_resume(world_t *w)
{
    if (run_active(w) || w->state == MST_COORD_DONE)
        return;
    w->counts[H_RESUMED]++;
    w->generation++; // results of before are fenced
    coordinator_start_run(w);
}

static inline void
coordinator_committed(world_t *w, const message_t *m)
{
    mst_coord_event_t ev = {.kind = MST_CE_COMMITTED};
    ev.u.done.run_no = 1;
    ev.u.done.generation = m->generation;
    ev.u.done.keys = m->list;
    ev.u.done.count = m->count;
    ev.u.done.failed = m->flag;
    message_t ack = {.kind = M_FEED_ACK, .seq = m->seq};
    step_core(w, &ev);
    post(w, TO_AGGREGATOR, &ack, WORKERS_MAX);
}

static inline void
coordinator_message(world_t *w, const message_t *m)
{
    mst_coord_event_t ev = {.conn = m->conn, .session = m->session};
    if (m->kind == M_COMMITTED) {
        coordinator_committed(w, m);
        return;
    }
    if (m->kind == M_HELLO) {
        ev.kind = MST_CE_HELLO;
        memcpy(ev.u.hello.instance, &m->instance, sizeof m->instance);
        ev.u.hello.seq = m->number;
    } else if (m->kind == M_PING) {
        ev.kind = MST_CE_PING;
        ev.u.ping.leases = m->list;
        ev.u.ping.count = m->count;
        w->ping_echo = m->seq;
    } else if (m->kind == M_CREDIT) {
        ev.kind = MST_CE_CREDIT;
        ev.u.credit.cases = m->number;
    } else if (m->kind == M_RETURN) {
        ev.kind = MST_CE_LEASE_RETURN;
        ev.u.back.lease_id = m->lease;
        ev.u.back.cause = m->number;
        ev.u.back.fatal = m->flag;
        ev.u.back.keys = m->list;
        ev.u.back.count = m->count;
    } else
        ev.kind = MST_CE_GOODBYE;
    step_core(w, &ev);
}

#endif
