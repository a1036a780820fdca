#include "coordinator/dataset/idset.h"

#include "common/base/hash.h"
#include "common/base/mem.h"

#include <stdlib.h>

#define SLOTS_FIRST 1024
// Behind the last place: room for what a full end of the table pushes right. When it is used up the table grows.
#define MARGIN 512

struct mst_idset {
    uint64_t seed;
    uint64_t *high; // 0 = free
    uint8_t *low;   // 8 bits more
    size_t slots;   // places; high and low have slots + MARGIN elements
    size_t count;
};

typedef struct {
    uint64_t high;
    uint8_t low;
} key72_t;

static key72_t
key_of(const mst_idset_t *s, mst_str_t id)
{
    key72_t k;
    k.high = mst_xxh64(id, s->seed);
    k.low = (uint8_t)mst_xxh64(id, s->seed ^ 0x9e3779b97f4a7c15ULL);
    if (k.high == 0)
        k.high = 1;
    return k;
}

__extension__ typedef unsigned __int128 u128_t;

static size_t
home(uint64_t high, size_t slots)
{
    return (size_t)(((u128_t)high * slots) >> 64);
}

mst_idset_t *
mst_idset_new(uint64_t seed)
{
    mst_idset_t *s = MST_NEW(mst_idset_t);
    s->seed = seed;
    s->slots = SLOTS_FIRST;
    s->high = MST_NEW_ARRAY(uint64_t, s->slots + MARGIN);
    s->low = MST_NEW_ARRAY(uint8_t, s->slots + MARGIN);
    return s;
}

void
mst_idset_free(mst_idset_t **s)
{
    if (s == NULL || *s == NULL)
        return;
    free((*s)->high);
    free((*s)->low);
    free(*s);
    *s = NULL;
}

// First slot from the key's place on that is free or holds no smaller hash; *out_same: it holds the key.
static size_t
find(const mst_idset_t *s, key72_t k, bool *out_same)
{
    size_t end = s->slots + MARGIN;
    size_t i = home(k.high, s->slots);
    while (i < end && s->high[i] != 0 && s->high[i] < k.high)
        i++;
    size_t at = i;
    *out_same = false;
    for (; i < end && s->high[i] == k.high && !*out_same; i++)
        *out_same = s->low[i] == k.low;
    return at;
}

static bool
extend(mst_idset_t *s, size_t slots)
{
    size_t total = slots + MARGIN;
    uint64_t *high = realloc(s->high, total * sizeof *high);
    if (high == NULL)
        return false;
    s->high = high;
    uint8_t *low = realloc(s->low, total * sizeof *low);
    if (low == NULL)
        return false;
    s->low = low;
    return true;
}

// Packs everything against the new end, then deals it out from the left: since the order stays, the place written
// is never behind the one read. False: the end is so crowded that some stand left of their place.
static bool
spread(mst_idset_t *s, size_t old_total, size_t slots)
{
    size_t total = slots + MARGIN;
    size_t from = total;
    for (size_t i = old_total; i-- > 0;) {
        if (s->high[i] == 0)
            continue;
        from--;
        s->high[from] = s->high[i];
        s->low[from] = s->low[i];
    }
    size_t next = 0;
    bool fits = true;
    for (; from < total; from++) {
        uint64_t h = s->high[from];
        size_t to = home(h, slots) > next ? home(h, slots) : next;
        if (to > from) {
            to = from;
            fits = false;
        }
        memset(s->high + next, 0, (to - next) * sizeof *s->high);
        s->high[to] = h;
        s->low[to] = s->low[from];
        next = to + 1;
    }
    memset(s->high + next, 0, (total - next) * sizeof *s->high);
    return fits;
}

static mst_rc
grow(mst_idset_t *s)
{
    for (bool fits = false; !fits;) {
        size_t old_total = s->slots + MARGIN;
        size_t slots = s->slots + s->slots / 16;
        if (!extend(s, slots))
            return MST_NOMEM;
        fits = spread(s, old_total, slots);
        s->slots = slots;
    }
    return MST_OK;
}

bool
mst_idset_has(const mst_idset_t *s, mst_str_t id)
{
    bool same;
    find(s, key_of(s, id), &same);
    return same;
}

mst_rc
mst_idset_add(mst_idset_t *s, mst_str_t id, bool *out_new)
{
    key72_t k = key_of(s, id);
    for (;;) {
        bool same;
        size_t at = find(s, k, &same);
        *out_new = !same;
        if (same)
            return MST_OK;
        size_t end = s->slots + MARGIN, hole = at;
        bool full = s->count + 1 > s->slots / 16 * 15;
        while (!full && hole < end && s->high[hole] != 0)
            hole++;
        if (!full && hole < end) {
            memmove(s->high + at + 1, s->high + at, (hole - at) * sizeof *s->high);
            memmove(s->low + at + 1, s->low + at, (hole - at) * sizeof *s->low);
            s->high[at] = k.high;
            s->low[at] = k.low;
            s->count++;
            return MST_OK;
        }
        mst_rc rc = grow(s);
        if (rc != MST_OK)
            return rc;
    }
}

size_t
mst_idset_count(const mst_idset_t *s)
{
    return s->count;
}

size_t
mst_idset_bytes(const mst_idset_t *s)
{
    return (s->slots + MARGIN) * (sizeof *s->high + sizeof *s->low);
}
