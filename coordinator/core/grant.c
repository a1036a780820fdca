// Who gets which keys. Guided unit size: an equal share of a third of what is open, so that units are large at the
// start and small at the end, when an uneven finish would cost. In order of keys, which is the order of the rows:
// the store then appends, and the oldest cases are closed first.
#include "coordinator/core/core_internal.h"

uint64_t
mst_coord_total(const mst_coord_t *c)
{
    if (c->ended)
        return c->keys.avail;
    uint64_t hint = c->cases_hint * c->keys_per_case;
    return hint > c->keys.avail ? hint : c->keys.avail;
}

static bool
may_get(const mst_coord_t *c, const mst_coord_session_t *s)
{
    return s->state == MST_SES_LIVE && !s->leaving && s->hold_until_ns <= c->now_ns && s->credit > 0;
}

static uint32_t
unit_size(const mst_coord_t *c)
{
    uint64_t live = 0;
    for (uint32_t i = 0; i < c->session_cap; i++)
        live += may_get(c, &c->sessions[i]);
    uint64_t total = mst_coord_total(c), busy = c->keys.done_avail + c->keys.leased;
    uint64_t open = total > busy ? total - busy : 0;
    uint64_t unit = live > 0 ? open / (3 * live) : 1;
    if (unit < 1)
        unit = 1;
    return unit > c->cfg.unit_max ? c->cfg.unit_max : (uint32_t)unit;
}

// How many keys the session should get now; 0 = none yet. A worker with plenty of credit is not fed case by case:
// it waits until a unit, or an eighth of its credit, is free.
static uint32_t
share_of(const mst_coord_t *c, const mst_coord_session_t *s, uint32_t unit)
{
    if (!may_get(c, s) || s->outstanding >= s->credit)
        return 0;
    uint32_t free_credit = s->credit - s->outstanding;
    uint32_t enough = s->credit / 8 > 1 ? s->credit / 8 : 1;
    if (enough > unit)
        enough = unit;
    if (s->outstanding > 0 && free_credit < enough)
        return 0;
    uint32_t n = free_credit < unit ? free_credit : unit;
    // more rows are on their way: enough of them soon is better than a few now
    bool more_rows = !c->ended && !c->paused;
    if (s->outstanding > 0 && more_rows && mst_keys_open(&c->keys) < enough)
        return 0;
    return n;
}

static uint32_t
pick_keys(const mst_coord_t *c, uint32_t n, uint64_t keys[MST_UNIT_CASES_MAX])
{
    uint32_t count = 0;
    uint64_t bytes = 0, from = c->keys.hint;
    while (count < n) {
        uint64_t key = mst_keys_next_open(&c->keys, from);
        if (key == MST_KEYS_NONE)
            break;
        bytes += c->cfg.cost != NULL ? c->cfg.cost(c->cfg.ud, key) : 0;
        if (count > 0 && bytes > MST_UNIT_BYTES_MAX)
            break;
        keys[count++] = key;
        from = key + 1;
    }
    return count;
}

static bool
grant_one(mst_coord_t *c, mst_coord_session_t *s, uint32_t n)
{
    uint64_t keys[MST_UNIT_CASES_MAX];
    uint32_t count = pick_keys(c, n, keys);
    if (count == 0)
        return false;
    mst_coord_lease_t *l = mst_coord_lease_open(c, s, keys, count);
    if (l == NULL)
        return false;
    c->keys.hint = c->fault == MST_COORD_FAULT_DOUBLE_GRANT ? keys[count - 1] : keys[count - 1] + 1;
    c->grants++;
    c->granted = true;
    mst_coord_effect_t *e = mst_coord_emit(c, MST_CF_GRANT, s->conn, s->id);
    e->lease_id = l->id;
    e->list = l->keys;
    e->count = l->count;
    return true;
}

void
mst_coord_grant_pump(mst_coord_t *c)
{
    if (c->state != MST_COORD_RUNNING || c->session_cap == 0)
        return;
    // one unit per session and round, until a whole round gave nothing
    for (uint32_t idle = 0; idle < c->session_cap && mst_keys_open(&c->keys) > 0;) {
        mst_coord_session_t *s = &c->sessions[c->turn % c->session_cap];
        uint32_t n = share_of(c, s, unit_size(c));
        if (n > 0 && !mst_coord_room(c)) {
            c->fx->more = true;
            return;
        }
        c->turn = (c->turn + 1) % c->session_cap;
        idle = n > 0 && grant_one(c, s, n) ? 0 : idle + 1;
    }
}

uint64_t
mst_coord_grant_want(const mst_coord_t *c)
{
    if (c->state != MST_COORD_RUNNING || c->ended)
        return 0;
    uint64_t want = c->cfg.read_ahead;
    for (uint32_t i = 0; i < c->session_cap; i++) {
        const mst_coord_session_t *s = &c->sessions[i];
        if (may_get(c, s) && s->credit > s->outstanding)
            want += s->credit - s->outstanding;
    }
    uint64_t open = mst_keys_open(&c->keys);
    return want > open ? want - open : 0;
}
