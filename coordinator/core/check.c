// The invariants of the core, counted anew from its parts. For the simulator and the tests: it walks everything.
#include "coordinator/core/core_internal.h"

#include <string.h>

#define BROKEN(...) MST_ERR(err, MST_INTERNAL, __VA_ARGS__)

typedef unsigned long long ull_t;

static mst_rc
check_lease_keys(const mst_coord_t *c, const mst_coord_lease_t *l, uint32_t slot, mst_err_t *err)
{
    uint32_t open = 0;
    for (uint32_t i = 0; i < l->count; i++) {
        if (i > 0 && l->keys[i] <= l->keys[i - 1])
            return BROKEN("lease %llu: keys are not ascending", (ull_t)l->id);
        if ((l->open_bits[i / 64] >> (i % 64) & 1) == 0)
            continue;
        open++;
        uint64_t key = l->keys[i], at;
        const mst_keys_t *keys = mst_coord_keys_of(c, key, &at);
        if (keys != &c->lanes[l->lane].keys)
            return BROKEN("lease %llu of target %u holds key %llu of another", (ull_t)l->id, l->lane, (ull_t)key);
        if (mst_keys_is_done(keys, at))
            return BROKEN("lease %llu holds key %llu, which is done", (ull_t)l->id, (ull_t)key);
        if (!mst_keys_is_leased(keys, at) || mst_keys_holder(keys, at) != slot)
            return BROKEN("lease %llu holds key %llu, which is open or another's: two live leases", (ull_t)l->id,
                          (ull_t)key);
    }
    if (open != l->open || open == 0)
        return BROKEN("lease %llu counts %u open keys, has %u", (ull_t)l->id, l->open, open);
    return MST_OK;
}

static mst_rc
check_leases(const mst_coord_t *c, mst_err_t *err)
{
    uint64_t keys = 0;
    uint32_t leases = 0;
    for (uint32_t i = 0; i < c->lease_made; i++) {
        const mst_coord_lease_t *l = c->leases[i];
        if (l->id == 0)
            continue;
        mst_rc rc = check_lease_keys(c, l, i, err);
        if (rc != MST_OK)
            return rc;
        if (l->session >= c->session_cap || c->sessions[l->session].state == MST_SES_FREE)
            return BROKEN("lease %llu belongs to no session", (ull_t)l->id);
        if (l->expires_ns > c->now_ns + mst_coord_lease_span_ns(c))
            return BROKEN("lease %llu outlives its time to live", (ull_t)l->id);
        keys += l->open;
        leases++;
    }
    mst_coord_sums_t sums = mst_coord_sums(c);
    if (keys != sums.leased || leases != c->lease_count)
        return BROKEN("leases hold %llu keys, %llu are marked; %u leases, %u are counted", (ull_t)keys,
                      (ull_t)sums.leased, leases, c->lease_count);
    return MST_OK;
}

static mst_rc
check_sessions(const mst_coord_t *c, mst_err_t *err)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < c->session_cap; i++) {
        const mst_coord_session_t *s = &c->sessions[i];
        if (s->state == MST_SES_FREE)
            continue;
        uint32_t leases = 0, keys = 0, by_lane[MST_TARGETS_MAX] = {0};
        for (uint32_t l = s->first_lease; l != MST_NO_SLOT; l = c->leases[l]->next) {
            if (leases++ > c->lease_made || c->leases[l]->session != i)
                return BROKEN("session %llu: its list of leases is broken", (ull_t)s->id);
            keys += c->leases[l]->open;
            by_lane[c->leases[l]->lane] += c->leases[l]->open;
        }
        if (memcmp(by_lane, s->by_lane, sizeof by_lane) != 0)
            return BROKEN("session %llu counts its keys by target wrongly", (ull_t)s->id);
        if (leases != s->lease_count || keys != s->outstanding)
            return BROKEN("session %llu counts %u leases and %u keys, has %u and %u", (ull_t)s->id, s->lease_count,
                          s->outstanding, leases, keys);
        if (s->state == MST_SES_LOST && leases == 0)
            return BROKEN("session %llu is lost, has no lease and stays", (ull_t)s->id);
        count += s->state != MST_SES_LOST;
    }
    if (count != c->session_count || c->session_cap > c->cfg.sessions_max || c->lease_made > c->cfg.leases_max)
        return BROKEN("%u sessions are counted, %u are there; pools hold %u and %u", c->session_count, count,
                      c->session_cap, c->lease_made);
    return MST_OK;
}

static mst_rc
check_keys(const mst_keys_t *k, mst_err_t *err)
{
    uint64_t done = mst_keys_count_done(k, 0, k->avail);
    if (done != k->done_avail)
        return BROKEN("%llu keys are counted done, %llu are marked", (ull_t)k->done_avail, (ull_t)done);
    if (k->done_avail + k->leased > k->avail)
        return BROKEN("%llu done and %llu leased keys of %llu", (ull_t)k->done_avail, (ull_t)k->leased,
                      (ull_t)k->avail);
    uint64_t first = mst_keys_next_open(k, 0);
    if (first < k->hint)
        return BROKEN("key %llu is open below the first one that would be granted (%llu): it is lost", (ull_t)first,
                      (ull_t)k->hint);
    return MST_OK;
}

static mst_rc
check_run(const mst_coord_t *c, mst_err_t *err)
{
    bool active = c->state == MST_COORD_RUNNING || c->state == MST_COORD_DRAINING;
    if (!active && c->lease_count > 0)
        return BROKEN("the run is over (state %d) and %u leases are left", (int)c->state, c->lease_count);
    mst_coord_sums_t sums = mst_coord_sums(c);
    if (c->state == MST_COORD_DONE && !c->plan_over && (!c->ended || sums.done_avail != sums.avail))
        return BROKEN("the run is done with %llu of %llu keys", (ull_t)sums.done_avail, (ull_t)sums.avail);
    return MST_OK;
}

mst_rc
mst_coord_check(const mst_coord_t *core, mst_err_t *err)
{
    mst_rc rc = check_leases(core, err);
    if (rc == MST_OK)
        rc = check_sessions(core, err);
    for (uint32_t i = 0; i < core->targets && rc == MST_OK; i++)
        rc = check_keys(&core->lanes[i].keys, err);
    return rc == MST_OK ? check_run(core, err) : rc;
}
