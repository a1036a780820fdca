// The oracle: a plain list of who was granted what, kept from the events and effects alone, against which every
// effect of the core is held. It knows the rules and nothing of how the core keeps them.
#ifndef MST_TESTS_DES_SHADOW_H
#define MST_TESTS_DES_SHADOW_H

#include "tests/des/world.h"

static inline int64_t
span_of(const world_t *w)
{
    return w->swarm.ttl_ns + w->swarm.ttl_ns / 10 + 2 * MST_NS_PER_S;
}

static inline shadow_lease_t *
shadow_find(shadow_t *s, uint64_t id)
{
    for (uint32_t i = 0; i < s->lease_count; i++)
        if (s->leases[i].id == id)
            return &s->leases[i];
    return NULL;
}

static inline void
shadow_drop_lease(shadow_t *s, shadow_lease_t *l)
{
    *l = s->leases[--s->lease_count];
}

static inline void
shadow_drop_key(shadow_t *s, shadow_lease_t *l, uint64_t key)
{
    for (uint32_t i = 0; i < l->count; i++)
        if (l->keys[i] == key) {
            memmove(&l->keys[i], &l->keys[i + 1], (l->count - i - 1) * sizeof l->keys[0]);
            l->count--;
            break;
        }
    if (l->count == 0)
        shadow_drop_lease(s, l);
}

// The holder of a key, or NULL.
static inline shadow_lease_t *
shadow_holder(shadow_t *s, uint64_t key)
{
    for (uint32_t i = 0; i < s->lease_count; i++)
        for (uint32_t k = 0; k < s->leases[i].count; k++)
            if (s->leases[i].keys[k] == key)
                return &s->leases[i];
    return NULL;
}

static inline uint32_t
shadow_held(const shadow_t *s, uint64_t session)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < s->lease_count; i++)
        n += session == 0 || s->leases[i].session == session ? s->leases[i].count : 0;
    return n;
}

static inline uint32_t *
shadow_credit(shadow_t *s, uint64_t session)
{
    for (uint32_t i = 0; i < s->worker_count; i++)
        if (s->workers[i].session == session)
            return &s->workers[i].credit;
    return NULL;
}

static inline const mst_coord_effect_t *
effect_of(const world_t *w, mst_coord_effect_kind_t kind)
{
    for (size_t i = 0; i < w->fx.count; i++)
        if (w->fx.items[i].kind == kind)
            return &w->fx.items[i];
    return NULL;
}

// A new session of a known worker takes over what the old one held.
static inline void
shadow_hello(world_t *w, uint32_t instance)
{
    const mst_coord_effect_t *ok = effect_of(w, MST_CF_HELLO_OK);
    shadow_t *s = &w->shadow;
    if (ok == NULL)
        return;
    uint32_t i = 0;
    while (i < s->worker_count && s->workers[i].instance != instance)
        i++;
    if (i == s->worker_count) {
        if (i == sizeof s->workers / sizeof s->workers[0]) {
            fail_world(w, "simulator: too many workers");
            return;
        }
        s->worker_count++;
        s->workers[i].instance = instance;
        s->workers[i].session = 0;
    }
    if (s->workers[i].session == ok->session)
        return; // said twice
    for (uint32_t l = 0; l < s->lease_count && s->workers[i].session != 0; l++)
        if (s->leases[l].session == s->workers[i].session)
            s->leases[l].session = ok->session;
    w->counts[H_TAKEN_OVER] += s->workers[i].session != 0;
    s->workers[i].session = ok->session;
    s->workers[i].credit = 0;
}

static inline void
shadow_ping(world_t *w, int64_t core_now, const mst_coord_event_t *ev)
{
    const mst_coord_effect_t *pong = effect_of(w, MST_CF_PONG);
    if (pong == NULL)
        return;
    size_t lost = 0;
    for (size_t i = 0; i < ev->u.ping.count; i++) {
        shadow_lease_t *l = shadow_find(&w->shadow, ev->u.ping.leases[i]);
        if (l != NULL && l->session == ev->session)
            l->expires = core_now + span_of(w);
        else
            lost++;
    }
    if (lost != pong->count)
        fail_world(w, "pong names %zu lost leases, %zu are", pong->count, lost);
}

static inline void
shadow_end_session(shadow_t *s, uint64_t session)
{
    for (uint32_t i = s->lease_count; i-- > 0;)
        if (s->leases[i].session == session)
            shadow_drop_lease(s, &s->leases[i]);
}

static inline void
shadow_return(world_t *w, const mst_coord_event_t *ev)
{
    shadow_lease_t *l = shadow_find(&w->shadow, ev->u.back.lease_id);
    if (l == NULL || l->session != ev->session || effect_of(w, MST_CF_UNKNOWN_SESSION) != NULL)
        return;
    w->counts[H_RETURNED]++;
    if (ev->u.back.fatal && ev->u.back.cause == MST_RETURN_BACKEND_DOWN && l->count > 0)
        w->shadow.down |= 1ULL << target_of(w, l->keys[0]);
    for (size_t i = 0; i < ev->u.back.count && (l = shadow_find(&w->shadow, ev->u.back.lease_id)) != NULL; i++)
        shadow_drop_key(&w->shadow, l, ev->u.back.keys[i]);
}

// The worker's own deadline comes first, whatever the rates of the two clocks: it starts nothing after the expiry.
static inline void
shadow_expire(world_t *w, shadow_lease_t *l)
{
    for (uint32_t i = 0; i < w->swarm.workers; i++)
        for (uint32_t n = 0; w->workers[i].up && n < LEASES_MAX; n++)
            if (w->workers[i].leases[n].id == l->id && w->workers[i].leases[n].deadline > w->now)
                fail_world(w, "lease %llx expires before worker %u gives it up", (unsigned long long)l->id, i);
    w->counts[H_EXPIRED]++;
    shadow_drop_lease(&w->shadow, l);
}

static inline void
shadow_event(world_t *w, int64_t core_now, const mst_coord_event_t *ev)
{
    shadow_t *s = &w->shadow;
    shadow_lease_t *l = NULL;
    uint32_t instance = 0;
    switch (ev->kind) {
    case MST_CE_TICK:
        for (uint32_t i = s->lease_count; i-- > 0;)
            if (s->leases[i].expires <= core_now)
                shadow_expire(w, &s->leases[i]);
        break;
    case MST_CE_HELLO:
        memcpy(&instance, ev->u.hello.instance, sizeof instance);
        shadow_hello(w, instance);
        break;
    case MST_CE_PING:
        shadow_ping(w, core_now, ev);
        break;
    case MST_CE_CREDIT:
        if (effect_of(w, MST_CF_UNKNOWN_SESSION) == NULL && shadow_credit(s, ev->session) != NULL)
            *shadow_credit(s, ev->session) = ev->u.credit.cases;
        break;
    case MST_CE_LEASE_RETURN:
        shadow_return(w, ev);
        break;
    case MST_CE_GOODBYE:
        if (effect_of(w, MST_CF_GOODBYE_OK) != NULL)
            w->counts[H_GOODBYE]++, shadow_end_session(s, ev->session);
        break;
    case MST_CE_UNSENT:
        if ((l = shadow_find(s, ev->u.unsent.lease_id)) != NULL)
            shadow_drop_lease(s, l);
        break;
    case MST_CE_COMMITTED:
        for (size_t i = 0; i < ev->u.done.count && ev->u.done.generation == w->generation; i++)
            if ((l = shadow_holder(s, ev->u.done.keys[i])) != NULL)
                shadow_drop_key(s, l, ev->u.done.keys[i]);
            else
                w->counts[H_LATE]++;
        break;
    case MST_CE_PUMP:
    case MST_CE_CONN_GONE: // its leases run on until they expire
        break;
    case MST_CE_RUN_START:
        s->down = 0;
        break;
    case MST_CE_KEYS_DONE:
    case MST_CE_ROWS:
    case MST_CE_CANCEL:
    case MST_CE_BUDGET:
    case MST_CE_ABORT:
        break;
    }
}

static inline void
shadow_grant(world_t *w, int64_t core_now, const mst_coord_effect_t *g)
{
    shadow_t *s = &w->shadow;
    w->counts[H_GRANT]++;
    if (g->count == 0 || g->count > LIST_MAX || s->lease_count == sizeof s->leases / sizeof s->leases[0]) {
        fail_world(w, "grant of %zu keys", g->count);
        return;
    }
    for (size_t i = 0; i < g->count; i++) {
        if (shadow_holder(s, g->list[i]) != NULL)
            fail_world(w, "key %llu is granted while lease %llx holds it", (unsigned long long)g->list[i],
                       (unsigned long long)shadow_holder(s, g->list[i])->id);
        if (g->list[i] >= w->rows_read * keys_per_case(w))
            fail_world(w, "key %llu is granted before its row was read", (unsigned long long)g->list[i]);
        if (target_of(w, g->list[i]) != target_of(w, g->list[0]))
            fail_world(w, "a grant holds keys of two targets");
        if ((s->down >> target_of(w, g->list[i]) & 1) != 0)
            fail_world(w, "key %llu of a lost target is granted", (unsigned long long)g->list[i]);
    }
    shadow_lease_t *l = &s->leases[s->lease_count++];
    *l = (shadow_lease_t){.id = g->lease_id, .session = g->session, .expires = core_now + span_of(w)};
    l->count = (uint32_t)g->count;
    memcpy(l->keys, g->list, g->count * sizeof l->keys[0]);
    const uint32_t *credit = shadow_credit(s, g->session);
    if (credit == NULL || shadow_held(s, g->session) > *credit)
        fail_world(w, "session %llx holds %u keys, its credit is %u", (unsigned long long)g->session,
                   shadow_held(s, g->session), credit != NULL ? *credit : 0);
}

#endif
