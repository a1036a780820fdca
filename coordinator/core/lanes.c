// The keys of a run by target. Each target has a lane of its own, so that a slow one holds no place of a fast one, and
// one that is lost leaves the others alone.
#include "coordinator/core/core_internal.h"

#include "common/base/mem.h"

#include <stdlib.h>

void
mst_coord_lanes_free(mst_coord_t *c)
{
    for (uint32_t i = 0; i < c->targets; i++)
        mst_keys_deinit(&c->lanes[i].keys);
    free(c->lanes);
    c->lanes = NULL;
    c->targets = 0;
}

void
mst_coord_lanes_make(mst_coord_t *c, uint32_t targets, uint32_t repeats, const uint32_t *weights)
{
    mst_coord_lanes_free(c);
    c->lanes = MST_NEW_ARRAY(mst_coord_lane_t, targets);
    c->targets = targets;
    c->repeats = repeats;
    c->cases = 0;
    for (uint32_t i = 0; i < targets; i++)
        c->lanes[i].weight = weights != NULL && weights[i] > 0 ? weights[i] : 1;
}

uint64_t
mst_coord_keys_per_case(const mst_coord_t *c)
{
    return (uint64_t)c->targets * c->repeats;
}

uint32_t
mst_coord_lane_of(const mst_coord_t *c, uint64_t key, uint64_t *out_at)
{
    uint64_t row = key / c->repeats;
    *out_at = row / c->targets * c->repeats + key % c->repeats;
    return (uint32_t)(row % c->targets);
}

uint64_t
mst_coord_lane_key(const mst_coord_t *c, uint32_t lane, uint64_t at)
{
    return (at / c->repeats * c->targets + lane) * c->repeats + at % c->repeats;
}

mst_keys_t *
mst_coord_keys_of(const mst_coord_t *c, uint64_t key, uint64_t *out_at)
{
    return &c->lanes[mst_coord_lane_of(c, key, out_at)].keys;
}

mst_coord_sums_t
mst_coord_sums(const mst_coord_t *c)
{
    mst_coord_sums_t s = {0};
    for (uint32_t i = 0; i < c->targets; i++) {
        const mst_keys_t *k = &c->lanes[i].keys;
        s.avail += k->avail;
        s.done_avail += k->done_avail;
        s.done_all += k->done_all;
        s.leased += k->leased;
        s.open += c->lanes[i].down ? 0 : mst_keys_open(k);
        s.down += c->lanes[i].down;
    }
    return s;
}

void
mst_coord_lanes_rows(mst_coord_t *c, uint64_t cases)
{
    if (cases <= c->cases)
        return;
    c->cases = cases;
    for (uint32_t i = 0; i < c->targets; i++)
        mst_keys_set_avail(&c->lanes[i].keys, cases * c->repeats);
}

// Every key that can still be asked is committed; those of a lost target are not waited for.
bool
mst_coord_lanes_over(const mst_coord_t *c)
{
    for (uint32_t i = 0; i < c->targets; i++) {
        const mst_keys_t *k = &c->lanes[i].keys;
        bool over = c->lanes[i].down ? k->leased == 0 : k->done_avail == k->avail;
        if (!over)
            return false;
    }
    return true;
}
