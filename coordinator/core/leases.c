// Leases: which worker holds which keys, until when.
#include "coordinator/core/core_internal.h"

#include "common/base/clock.h"
#include "common/base/mem.h"

#include <stdlib.h>

#define SLOT_BITS 20
#define SEQ_BITS  28

static uint64_t
make_id(mst_coord_t *c, uint32_t slot)
{
    uint64_t seq = ++c->lease_seq & ((1ULL << SEQ_BITS) - 1);
    return (uint64_t)(c->cfg.epoch & 0xffff) << (SEQ_BITS + SLOT_BITS) | seq << SLOT_BITS | slot;
}

// The worker counts ttl from when it sent the ping, we from when it came, and for ten percent and two seconds more:
// it always stops first, whatever the two clocks' rates.
int64_t
mst_coord_lease_span_ns(const mst_coord_t *c)
{
    return c->cfg.ttl_ns + c->cfg.ttl_ns / 10 + 2 * MST_NS_PER_S;
}

mst_coord_lease_t *
mst_coord_lease_find(mst_coord_t *c, uint64_t id)
{
    uint64_t slot = id & ((1U << SLOT_BITS) - 1);
    if (id == 0 || slot >= c->lease_made)
        return NULL;
    mst_coord_lease_t *l = c->leases[slot];
    return l->id == id ? l : NULL;
}

static bool
make_lease(mst_coord_t *c)
{
    if (c->lease_made >= c->cfg.leases_max)
        return false;
    if (c->lease_made == c->lease_cap) {
        c->lease_cap = c->lease_cap > 0 ? c->lease_cap * 2 : 16;
        c->leases = mst_xrealloc(c->leases, c->lease_cap * sizeof(mst_coord_lease_t *));
    }
    mst_coord_lease_t *l = MST_NEW(mst_coord_lease_t);
    l->next = c->lease_free;
    c->lease_free = c->lease_made;
    c->leases[c->lease_made++] = l;
    return true;
}

mst_coord_lease_t *
mst_coord_lease_open(mst_coord_t *c, mst_coord_session_t *s, uint32_t lane, const uint64_t *keys, uint32_t count)
{
    if (c->lease_free == MST_NO_SLOT && !make_lease(c))
        return NULL;
    uint32_t slot = c->lease_free;
    mst_coord_lease_t *l = c->leases[slot];
    c->lease_free = l->next;
    l->id = make_id(c, slot);
    l->session = (uint32_t)(s - c->sessions);
    l->prev = MST_NO_SLOT;
    l->next = s->first_lease;
    if (s->first_lease != MST_NO_SLOT)
        c->leases[s->first_lease]->prev = slot;
    s->first_lease = slot;
    s->lease_count++;
    c->lease_count++;
    l->count = l->open = count;
    l->lane = lane;
    s->outstanding += count;
    s->by_lane[lane] += count;
    memset(l->open_bits, 0, sizeof l->open_bits);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t at;
        l->keys[i] = keys[i];
        l->open_bits[i / 64] |= 1ULL << (i % 64);
        mst_keys_t *of = mst_coord_keys_of(c, keys[i], &at);
        if (c->fault != MST_COORD_FAULT_DOUBLE_GRANT || i + 1 < count)
            mst_keys_lease(of, at, slot);
    }
    mst_coord_lease_renew(c, l);
    return l;
}

void
mst_coord_lease_renew(mst_coord_t *c, mst_coord_lease_t *l)
{
    l->expires_ns = c->now_ns + mst_coord_lease_span_ns(c);
}

static void
unlink_lease(mst_coord_t *c, mst_coord_lease_t *l, uint32_t slot)
{
    mst_coord_session_t *s = &c->sessions[l->session];
    if (l->prev != MST_NO_SLOT)
        c->leases[l->prev]->next = l->next;
    else
        s->first_lease = l->next;
    if (l->next != MST_NO_SLOT)
        c->leases[l->next]->prev = l->prev;
    s->lease_count--;
    c->lease_count--;
    l->id = 0;
    l->next = c->lease_free;
    c->lease_free = slot;
    mst_coord_session_reap(c, s);
}

// Place of an open key in the lease, or count.
static uint32_t
place_of(const mst_coord_lease_t *l, uint64_t key)
{
    uint32_t lo = 0, hi = l->count;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (l->keys[mid] < key)
            lo = mid + 1;
        else
            hi = mid;
    }
    bool open = lo < l->count && l->keys[lo] == key && (l->open_bits[lo / 64] >> (lo % 64) & 1) != 0;
    return open ? lo : l->count;
}

static void
requeue(mst_coord_t *c, uint64_t key)
{
    uint64_t at;
    mst_keys_t *k = mst_coord_keys_of(c, key, &at);
    uint64_t hint = k->hint;
    mst_keys_unlease(k, at);
    if (c->fault == MST_COORD_FAULT_LOST_REQUEUE)
        k->hint = hint;
}

void
mst_coord_lease_drop_key(mst_coord_t *c, mst_coord_lease_t *l, uint64_t key, bool back)
{
    uint32_t i = place_of(l, key);
    if (i == l->count)
        return;
    l->open_bits[i / 64] &= ~(1ULL << (i % 64));
    l->open--;
    c->sessions[l->session].outstanding--;
    c->sessions[l->session].by_lane[l->lane]--;
    if (back)
        requeue(c, key);
    if (l->open == 0)
        unlink_lease(c, l, (uint32_t)(l->id & ((1U << SLOT_BITS) - 1)));
}

void
mst_coord_lease_close(mst_coord_t *c, mst_coord_lease_t *l)
{
    uint64_t id = l->id;
    for (uint32_t i = 0; i < l->count && l->id == id; i++)
        if ((l->open_bits[i / 64] >> (i % 64) & 1) != 0)
            mst_coord_lease_drop_key(c, l, l->keys[i], true);
}

void
mst_coord_leases_tick(mst_coord_t *c)
{
    for (uint32_t i = 0; i < c->lease_made; i++) {
        mst_coord_lease_t *l = c->leases[i];
        if (l->id == 0 || l->expires_ns > c->now_ns)
            continue;
        c->expired++;
        mst_coord_lease_close(c, l);
    }
}
