// One member per key. Small objects are compared pairwise; large ones go through a table whose hash is seeded from
// the system, so that keys cannot be chosen to collide.
#include "common/json/tree.h"

#include "common/base/hash.h"
#include "common/base/prng.h"

#include <stdlib.h>

#define PAIRWISE_MAX 32

// Index of the member with that key among the first n, or n.
static uint32_t
find_pairwise(const mst_json_member_t *members, uint32_t n, mst_str_t key)
{
    for (uint32_t i = 0; i < n; i++) {
        if (members[i].key.n == key.n && (key.n == 0 || memcmp(members[i].key.p, key.p, key.n) == 0))
            return i;
    }
    return n;
}

static void
dedupe_pairwise(mst_json_member_t *members, uint32_t *count)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < *count; i++) {
        uint32_t at = find_pairwise(members, kept, members[i].key);
        if (at < kept)
            members[at].value = members[i].value;
        else if (kept++ != i)
            members[kept - 1] = members[i];
    }
    *count = kept;
}

mst_rc
mst_json_dedupe(mst_json_member_t *members, uint32_t *count)
{
    if (*count <= PAIRWISE_MAX) {
        dedupe_pairwise(members, count);
        return MST_OK;
    }
    size_t slots = 2 * PAIRWISE_MAX;
    while (slots < 2 * (size_t)*count)
        slots *= 2;
    uint32_t *table = calloc(slots, sizeof *table); // 0 = empty, else place + 1
    if (table == NULL)
        return MST_NOMEM;
    uint64_t seed = mst_entropy_u64();
    uint32_t kept = 0;
    for (uint32_t i = 0; i < *count; i++) {
        mst_str_t key = members[i].key;
        size_t slot = mst_xxh64(key, seed) & (slots - 1);
        while (table[slot] != 0 && !mst_str_eq(members[table[slot] - 1].key, key))
            slot = (slot + 1) & (slots - 1);
        if (table[slot] != 0) {
            members[table[slot] - 1].value = members[i].value;
            continue;
        }
        members[kept++] = members[i];
        table[slot] = kept;
    }
    free(table);
    *count = kept;
    return MST_OK;
}

mst_rc
mst_json_arena_full(size_t text_bytes, mst_err_t *err)
{
    return MST_ERR(err, MST_LIMIT, "JSON text of %zu bytes needs more memory than is allowed for it", text_bytes);
}
