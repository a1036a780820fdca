// Models of a worker and of the aggregator with its store: no more of them than the coordinator can notice.
#ifndef MST_TESTS_DES_NODES_H
#define MST_TESTS_DES_NODES_H

#include "tests/des/shell.h"

// ---- worker ----

static inline int64_t
worker_span(const world_t *w, const worker_t *k)
{
    return (int64_t)((double)w->swarm.ttl_ns / k->rate);
}

static inline void
worker_send(world_t *w, uint32_t i, message_t m)
{
    m.conn = w->workers[i].conn;
    m.session = w->workers[i].session;
    post(w, m.kind == M_ROWS ? TO_AGGREGATOR : TO_COORDINATOR, &m, i);
}

// A new socket: what was on its way through the old one is lost.
static inline void
worker_hello(world_t *w, uint32_t i)
{
    worker_t *k = &w->workers[i];
    k->conn = ++w->next_conn;
    k->session = 0;
    k->ready = false;
    k->hello_at = k->heard_at = w->now;
    worker_send(w, i, (message_t){.kind = M_HELLO, .instance = k->instance, .number = k->socket++});
}

static inline void
worker_boot(world_t *w, uint32_t i)
{
    worker_t *k = &w->workers[i];
    uint32_t life = k->life + 1, slots = 1 + (uint32_t)mst_prng_below(&w->rng, 6);
    *k = (worker_t){.up = true, .life = life, .instance = ++w->next_instance, .slots = slots};
    k->rate = 0.951 + 0.098 * mst_prng_unit(&w->rng);
    k->credit = slots + (uint32_t)mst_prng_below(&w->rng, 2 * slots + 1);
    worker_hello(w, i);
    schedule(w, (event_t){.at = w->now + around(w, w->swarm.ttl_ns / 12), .kind = E_BEAT, .node = i, .life = life});
    SAY(w, "worker %u starts slots=%u credit=%u", i, slots, k->credit);
}

static inline void
worker_crash(world_t *w, uint32_t i)
{
    if (!w->workers[i].up)
        return;
    w->counts[H_WORKER_DIED]++;
    SAY(w, "worker %u dies", i);
    w->workers[i].up = false;
    w->workers[i].life++;
    w->workers[i].conn = 0;
    schedule(w, (event_t){.at = w->now + around(w, w->swarm.ttl_ns / 2), .kind = E_WORKER_UP, .node = i});
}

static inline void
worker_start_cases(world_t *w, uint32_t i)
{
    worker_t *k = &w->workers[i];
    for (uint32_t l = 0; l < LEASES_MAX; l++) {
        held_lease_t *h = &k->leases[l];
        for (uint32_t c = 0; h->id != 0 && c < h->count && k->running < k->slots; c++) {
            if (h->state[c] != CASE_WAITING || w->now >= h->deadline || k->draining)
                continue;
            h->state[c] = CASE_RUNNING;
            k->running++;
            int64_t ns = around(w, w->swarm.service_ns);
            if (fault(w, w->swarm.slow_case))
                ns += w->swarm.ttl_ns;
            schedule(
                w, (event_t){.at = w->now + ns, .kind = E_CASE, .node = i, .life = k->life, .arg = h->id, .index = c});
        }
    }
}

static inline held_lease_t *
worker_lease(worker_t *k, uint64_t id)
{
    for (uint32_t l = 0; l < LEASES_MAX; l++)
        if (k->leases[l].id == id)
            return &k->leases[l];
    return NULL;
}

static inline void
worker_tidy(held_lease_t *h)
{
    for (uint32_t c = 0; c < h->count; c++)
        if (h->state[c] != CASE_GONE)
            return;
    h->id = 0;
}

// Cases not started go back; the others are finished.
static inline void
worker_return(world_t *w, uint32_t i, held_lease_t *h, uint32_t cause, bool fatal)
{
    message_t m = {.kind = M_RETURN, .lease = h->id, .number = cause, .flag = fatal};
    for (uint32_t c = 0; c < h->count; c++)
        if (h->state[c] == CASE_WAITING) {
            h->state[c] = CASE_GONE;
            m.list[m.count++] = h->keys[c];
        }
    if (m.count > 0 || fatal)
        worker_send(w, i, m);
    worker_tidy(h);
}

static inline void
worker_drop(worker_t *k, held_lease_t *h, bool running_too)
{
    for (uint32_t c = 0; c < h->count; c++) {
        if (h->state[c] == CASE_RUNNING && running_too)
            k->running--;
        if (h->state[c] == CASE_WAITING || (h->state[c] == CASE_RUNNING && running_too))
            h->state[c] = CASE_GONE;
    }
    worker_tidy(h);
}

static inline void
worker_send_rows(world_t *w, uint32_t i)
{
    worker_t *k = &w->workers[i];
    for (uint32_t l = 0; l < LEASES_MAX; l++) {
        const held_lease_t *h = &k->leases[l];
        message_t m = {.kind = M_ROWS, .lease = h->id, .generation = h->generation};
        for (uint32_t c = 0; h->id != 0 && c < h->count; c++)
            if (h->state[c] == CASE_FINISHED)
                m.list[m.count++] = h->keys[c];
        if (m.count > 0)
            worker_send(w, i, m);
    }
}

static inline void
worker_ping(world_t *w, uint32_t i)
{
    worker_t *k = &w->workers[i];
    message_t m = {.kind = M_PING};
    for (uint32_t l = 0; l < LEASES_MAX && m.count < LIST_MAX; l++)
        if (k->leases[l].id != 0)
            m.list[m.count++] = k->leases[l].id;
    m.seq = (uint64_t)w->now;
    worker_send(w, i, m);
    worker_send(w, i, (message_t){.kind = M_CREDIT, .number = k->credit});
}

static inline void
worker_beat(world_t *w, uint32_t i)
{
    worker_t *k = &w->workers[i];
    schedule(w, (event_t){.at = w->now + around(w, w->swarm.ttl_ns / 12), .kind = E_BEAT, .node = i, .life = k->life});
    for (uint32_t l = 0; l < LEASES_MAX; l++)
        if (k->leases[l].id != 0 && w->now >= k->leases[l].deadline)
            worker_drop(k, &k->leases[l], false);
    bool silent = k->ready ? w->now - k->heard_at > w->swarm.ttl_ns / 3 : w->now - k->hello_at > w->swarm.ttl_ns / 10;
    if (silent) {
        worker_hello(w, i);
        return;
    }
    if (!k->ready)
        return;
    if (fault(w, w->swarm.goodbye)) {
        for (uint32_t l = 0; l < LEASES_MAX; l++)
            if (k->leases[l].id != 0)
                worker_drop(k, &k->leases[l], true);
        worker_send(w, i, (message_t){.kind = M_GOODBYE});
    } else {
        worker_ping(w, i);
    }
    worker_send_rows(w, i); // whatever is not acknowledged, again
}

static inline void
worker_case_over(world_t *w, const event_t *e)
{
    worker_t *k = &w->workers[e->node];
    held_lease_t *h = worker_lease(k, e->arg);
    if (h == NULL || h->state[e->index] != CASE_RUNNING)
        return;
    k->running--;
    h->state[e->index] = CASE_FINISHED;
    message_t m = {
        .kind = M_ROWS, .lease = h->id, .generation = h->generation, .count = 1, .list = {h->keys[e->index]}};
    worker_send(w, e->node, m);
    if (fault(w, w->swarm.fatal))
        worker_return(w, e->node, h, MST_RETURN_BACKEND_DOWN, true);
    worker_start_cases(w, e->node);
}

static inline void
worker_grant(world_t *w, uint32_t i, const message_t *m)
{
    worker_t *k = &w->workers[i];
    if (worker_lease(k, m->lease) != NULL)
        return; // said twice
    held_lease_t *h = worker_lease(k, 0);
    if (h == NULL)
        return; // no room: as if it had been lost
    *h = (held_lease_t){.id = m->lease, .generation = m->generation, .count = m->count, .got_at = w->now};
    memcpy(h->keys, m->list, m->count * sizeof m->list[0]);
    // from the last ping that was answered: the grant may have been under way for long
    h->deadline = k->answered_at + worker_span(w, k);
    k->draining = false;
}

static inline void
worker_pong(world_t *w, uint32_t i, const message_t *m)
{
    worker_t *k = &w->workers[i];
    if ((int64_t)m->seq > k->answered_at)
        k->answered_at = (int64_t)m->seq;
    for (uint32_t c = 0; c < m->count; c++) {
        held_lease_t *h = worker_lease(k, m->list[c]);
        if (h != NULL)
            worker_drop(k, h, chance(w, 500)); // what runs may be finished: a late result
    }
    for (uint32_t l = 0; l < LEASES_MAX; l++)
        if (k->leases[l].id != 0 && k->leases[l].got_at < (int64_t)m->seq)
            k->leases[l].deadline = k->answered_at + worker_span(w, k);
}

static inline void
worker_control(world_t *w, uint32_t i, const message_t *m)
{
    worker_t *k = &w->workers[i];
    for (uint32_t l = 0; l < LEASES_MAX; l++)
        if (k->leases[l].id != 0 && m->number == 2)
            worker_return(w, i, &k->leases[l], MST_RETURN_CANCELLED, false);
        else if (k->leases[l].id != 0)
            worker_drop(k, &k->leases[l], true);
}

static inline void
worker_acked(world_t *w, uint32_t i, const message_t *m)
{
    worker_t *k = &w->workers[i];
    for (uint32_t c = 0; c < m->count; c++) {
        if (m->generation == w->generation && !w->stored[m->list[c]])
            fail_world(w, "key %llu is acknowledged and not in the store", (unsigned long long)m->list[c]);
        for (uint32_t l = 0; l < LEASES_MAX; l++) {
            held_lease_t *h = &k->leases[l];
            for (uint32_t n = 0; h->id != 0 && n < h->count; n++)
                if (h->keys[n] == m->list[c] && h->state[n] == CASE_FINISHED)
                    h->state[n] = CASE_GONE;
            if (h->id != 0)
                worker_tidy(h);
        }
    }
}

static inline void
worker_message(world_t *w, const message_t *m)
{
    uint32_t i = worker_of(w, m->conn);
    if (i == WORKERS_MAX || !w->workers[i].up)
        return; // its socket is gone
    worker_t *k = &w->workers[i];
    if (m->kind == M_ROWS_ACK) {
        worker_acked(w, i, m);
        return;
    }
    k->heard_at = w->now;
    if (m->kind == M_HELLO_OK) {
        k->ready = true;
        k->session = m->session;
        k->answered_at = k->hello_at;
        worker_send(w, i, (message_t){.kind = M_CREDIT, .number = k->credit});
    } else if (m->kind == M_UNKNOWN || m->kind == M_GOODBYE_OK)
        worker_hello(w, i);
    else if (m->kind == M_GRANT)
        worker_grant(w, i, m);
    else if (m->kind == M_PONG)
        worker_pong(w, i, m);
    else if (m->kind == M_CONTROL)
        worker_control(w, i, m);
    worker_start_cases(w, i);
}

// ---- aggregator and store ----

static inline void
aggregator_tell(world_t *w, const commit_t *c)
{
    message_t m = {
        .kind = M_COMMITTED, .seq = c->seq, .generation = c->generation, .flag = c->failed, .count = c->count};
    memcpy(m.list, c->keys, c->count * sizeof c->keys[0]);
    post(w, TO_COORDINATOR, &m, WORKERS_MAX);
}

// Rows that are in the store now, told to their workers and to the coordinator.
static inline void
aggregator_publish(world_t *w, const row_t *rows, uint32_t count)
{
    aggregator_t *a = &w->aggregator;
    for (uint32_t i = 0; i < count;) {
        commit_t c = {.seq = ++a->seq, .generation = rows[i].generation, .failed = chance(w, w->swarm.failing)};
        for (; i < count && c.count < LIST_MAX && rows[i].generation == c.generation; i++) {
            message_t ack = {.kind = M_ROWS_ACK,
                             .conn = rows[i].conn,
                             .generation = rows[i].generation,
                             .count = 1,
                             .list = {rows[i].key}};
            uint32_t owner = worker_of(w, rows[i].conn);
            if (owner < WORKERS_MAX)
                post(w, TO_WORKER, &ack, owner);
            c.keys[c.count++] = rows[i].key;
        }
        if (c.generation != w->generation)
            continue; // fenced: nothing was stored
        if (a->unacked_count < UNACKED_MAX)
            a->unacked[a->unacked_count++] = c;
        aggregator_tell(w, &c);
    }
}

static inline void
store_apply(world_t *w, const row_t *rows, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        uint64_t k = rows[i].key;
        w->counts[H_FENCED] += rows[i].generation != w->generation;
        w->counts[H_DUPLICATE] += rows[i].generation == w->generation && w->stored[k];
        if (rows[i].generation != w->generation || w->stored[k])
            continue; // fenced, or there already: writing twice changes nothing
        w->stored[k] = true;
        w->stored_times[k]++;
        w->stored_generation[k] = rows[i].generation;
    }
}

static inline void
aggregator_open_transaction(world_t *w)
{
    aggregator_t *a = &w->aggregator;
    if (a->committing || a->pending_count == 0)
        return;
    a->committing = true;
    a->in_commit = a->pending_count;
    schedule(w, (event_t){.at = w->now + around(w, w->swarm.commit_ns), .kind = E_COMMIT, .life = a->life});
}

static inline void
aggregator_commit(world_t *w)
{
    aggregator_t *a = &w->aggregator;
    uint32_t n = a->in_commit;
    a->committing = false;
    if (fault(w, w->swarm.store_before)) {
        w->counts[H_FAILED_BEFORE]++;
        SAY(w, "commit of %u rows fails", n);
    } else if (fault(w, w->swarm.store_after)) {
        w->counts[H_FAILED_AFTER]++;
        SAY(w, "commit of %u rows fails after it was applied", n);
        store_apply(w, a->pending, n);
    } else {
        SAY(w, "commit of %u rows", n);
        store_apply(w, a->pending, n);
        row_t rows[PENDING_MAX];
        memcpy(rows, a->pending, n * sizeof rows[0]);
        a->pending_count -= n;
        memmove(a->pending, a->pending + n, a->pending_count * sizeof a->pending[0]);
        aggregator_publish(w, rows, n);
    }
    aggregator_open_transaction(w);
}

static inline void
aggregator_message(world_t *w, const message_t *m)
{
    aggregator_t *a = &w->aggregator;
    if (!a->up)
        return;
    if (m->kind == M_FEED_ACK) {
        for (uint32_t i = 0; i < a->unacked_count; i++)
            if (a->unacked[i].seq == m->seq)
                a->unacked[i--] = a->unacked[--a->unacked_count];
        return;
    }
    for (uint32_t i = 0; i < m->count && a->pending_count < PENDING_MAX; i++) {
        row_t row = {.key = m->list[i], .conn = m->conn, .generation = m->generation};
        if (w->early_ack)
            aggregator_publish(w, &row, 1);
        a->pending[a->pending_count++] = row;
    }
    aggregator_open_transaction(w);
}

static inline void
aggregator_crash(world_t *w)
{
    aggregator_t *a = &w->aggregator;
    if (!a->up)
        return;
    w->counts[H_AGGREGATOR_DIED]++;
    SAY(w, "aggregator dies with %u rows", a->pending_count);
    uint32_t life = a->life + 1;
    uint64_t seq = a->seq;
    *a = (aggregator_t){.life = life, .seq = seq};
    schedule(w, (event_t){.at = w->now + around(w, w->swarm.ttl_ns / 8), .kind = E_AGGREGATOR_UP});
}

static inline void
aggregator_resend(world_t *w)
{
    aggregator_t *a = &w->aggregator;
    for (uint32_t i = 0; a->up && i < a->unacked_count; i++)
        aggregator_tell(w, &a->unacked[i]);
    schedule(w, (event_t){.at = w->now + around(w, w->swarm.ttl_ns / 6), .kind = E_RESEND});
}

#endif
