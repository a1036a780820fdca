// Who gets which keys. Guided unit size: an equal share of a third of what is open, so that units are large at the
// start and small at the end, when an uneven finish would cost. In order of keys, which is the order of the rows:
// the store then appends, and the oldest cases are closed first. A worker's credit is shared out over the targets
// that still have something to ask.
#include "coordinator/core/core_internal.h"

static uint64_t
lane_total(const mst_coord_t *c)
{
    uint64_t cases = c->ended || c->cases > c->cases_hint ? c->cases : c->cases_hint;
    return cases * c->repeats;
}

uint64_t
mst_coord_total(const mst_coord_t *c)
{
    if (c->plan_over)
        return mst_coord_sums(c).done_all;
    return lane_total(c) * c->targets;
}

static bool
may_get(const mst_coord_t *c, const mst_coord_session_t *s)
{
    return s->state == MST_SES_LIVE && !s->leaving && s->hold_until_ns <= c->now_ns && s->credit > 0;
}

static uint64_t
count_takers(const mst_coord_t *c)
{
    uint64_t n = 0;
    for (uint32_t i = 0; i < c->session_cap; i++)
        n += may_get(c, &c->sessions[i]);
    return n;
}

static bool
wants(const mst_coord_t *c, const mst_coord_lane_t *lane)
{
    return !lane->down && (!c->ended || mst_keys_open(&lane->keys) > 0);
}

static uint64_t
weights_of(const mst_coord_t *c)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < c->targets; i++)
        sum += wants(c, &c->lanes[i]) ? c->lanes[i].weight : 0;
    return sum;
}

// What of a session's credit is for one target.
static uint32_t
quota_of(const mst_coord_lane_t *lane, const mst_coord_session_t *s, uint64_t weights)
{
    uint64_t quota = weights > 0 ? s->credit * (uint64_t)lane->weight / weights : 0;
    return quota > 1 ? (uint32_t)quota : 1;
}

static uint32_t
unit_size(const mst_coord_t *c, const mst_coord_lane_t *lane, uint64_t takers)
{
    uint64_t total = lane_total(c), busy = lane->keys.done_avail + lane->keys.leased;
    uint64_t open = total > busy ? total - busy : 0;
    uint64_t unit = takers > 0 ? open / (3 * takers) : 1;
    if (unit < 1)
        unit = 1;
    return unit > c->cfg.unit_max ? c->cfg.unit_max : (uint32_t)unit;
}

// How many keys of a lane the session should get now; 0 = none yet. A worker with plenty of credit is not fed case by
// case: it waits until a unit, or an eighth of its credit, is free.
static uint32_t
share_of(const mst_coord_t *c, const mst_coord_session_t *s, uint32_t lane_no, uint64_t weights, uint64_t takers)
{
    const mst_coord_lane_t *lane = &c->lanes[lane_no];
    uint32_t quota = quota_of(lane, s, weights), has = s->by_lane[lane_no];
    if (!may_get(c, s) || lane->down || (s->plan_over >> lane_no & 1) || s->outstanding >= s->credit || has >= quota)
        return 0;
    uint32_t unit = unit_size(c, lane, takers);
    uint32_t free_credit = quota - has < s->credit - s->outstanding ? quota - has : s->credit - s->outstanding;
    uint32_t enough = quota / 8 > 1 ? quota / 8 : 1;
    if (enough > unit)
        enough = unit;
    if (has > 0 && free_credit < enough)
        return 0;
    uint32_t n = free_credit < unit ? free_credit : unit;
    // more rows are on their way: enough of them soon is better than a few now
    bool more_rows = !c->ended && !c->paused;
    if (has > 0 && more_rows && mst_keys_open(&lane->keys) < enough)
        return 0;
    return n;
}

static uint32_t
pick_keys(const mst_coord_t *c, uint32_t lane_no, uint32_t n, uint64_t keys[MST_UNIT_CASES_MAX])
{
    const mst_keys_t *k = &c->lanes[lane_no].keys;
    uint32_t count = 0;
    uint64_t bytes = 0, from = k->hint;
    while (count < n) {
        uint64_t at = mst_keys_next_open(k, from);
        if (at == MST_KEYS_NONE)
            break;
        uint64_t key = mst_coord_lane_key(c, lane_no, at);
        bytes += c->cfg.cost != NULL ? c->cfg.cost(c->cfg.ud, key) : 0;
        if (count > 0 && bytes > MST_UNIT_BYTES_MAX)
            break;
        keys[count++] = key;
        from = at + 1;
    }
    return count;
}

static bool
grant_one(mst_coord_t *c, mst_coord_session_t *s, uint32_t lane_no, uint32_t n)
{
    uint64_t keys[MST_UNIT_CASES_MAX], last;
    uint32_t count = pick_keys(c, lane_no, n, keys);
    if (count == 0)
        return false;
    mst_coord_lease_t *l = mst_coord_lease_open(c, s, lane_no, keys, count);
    if (l == NULL)
        return false;
    mst_keys_t *k = mst_coord_keys_of(c, keys[count - 1], &last);
    k->hint = c->fault == MST_COORD_FAULT_DOUBLE_GRANT ? last : last + 1;
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
    if (c->state != MST_COORD_RUNNING || mst_coord_sums(c).open == 0)
        return;
    uint32_t turns = c->session_cap * c->targets;
    uint64_t takers = count_takers(c), weights = weights_of(c);
    // one unit per session, target and round, until a whole round gave nothing
    for (uint32_t idle = 0; takers > 0 && weights > 0 && idle < turns;) {
        uint32_t turn = c->turn % turns, lane_no = turn % c->targets;
        mst_coord_session_t *s = &c->sessions[turn / c->targets];
        uint32_t n = share_of(c, s, lane_no, weights, takers);
        if (n > 0 && !mst_coord_room(c)) {
            c->fx->more = true;
            return;
        }
        c->turn = (turn + 1) % turns;
        idle++;
        if (n > 0 && grant_one(c, s, lane_no, n)) {
            idle = 0;
            weights = weights_of(c);
        }
    }
}

// Rows bring keys to every lane alike, so the hungriest lane speaks.
uint64_t
mst_coord_grant_want(const mst_coord_t *c)
{
    if (c->state != MST_COORD_RUNNING || c->ended)
        return 0;
    uint64_t weights = weights_of(c), most = 0;
    for (uint32_t l = 0; l < c->targets; l++) {
        if (c->lanes[l].down)
            continue;
        uint64_t want = c->cfg.read_ahead, open = mst_keys_open(&c->lanes[l].keys);
        for (uint32_t i = 0; i < c->session_cap; i++) {
            const mst_coord_session_t *s = &c->sessions[i];
            uint32_t quota = quota_of(&c->lanes[l], s, weights);
            if (may_get(c, s) && (s->plan_over >> l & 1) == 0 && quota > s->by_lane[l])
                want += quota - s->by_lane[l];
        }
        want = want > open ? want - open : 0;
        most = want > most ? want : most;
    }
    return most * c->targets;
}
