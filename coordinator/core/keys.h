// The keys of a run: done and leased bits, and who holds a leased key. Pages are made when first touched; a page of
// done keys only is given back, so memory follows the window of work and not the size of the run.
#ifndef MST_COORD_CORE_KEYS_H
#define MST_COORD_CORE_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MST_KEYS_PAGE 4096U
#define MST_KEYS_NONE UINT64_MAX

typedef struct {
    uint64_t done[MST_KEYS_PAGE / 64];
    uint64_t leased[MST_KEYS_PAGE / 64];
    uint32_t done_count, leased_count;
    uint32_t *holder; // lease slot of each leased key; NULL while none is leased
} mst_keys_page_t;

typedef struct {
    mst_keys_page_t *page; // NULL: untouched, or full
    bool full;             // every key of it is done
} mst_keys_slot_t;

typedef struct {
    mst_keys_slot_t *slots;
    size_t slot_cap;
    uint64_t avail;      // keys [0, avail) can be granted
    uint64_t done_avail; // done keys among them
    uint64_t done_all;   // and all done keys
    uint64_t leased;
    uint64_t hint;   // every key below it is done or leased
    uint32_t *spare; // one holder array kept for the next page
} mst_keys_t;

void mst_keys_deinit(mst_keys_t *k); // {0} is an empty set
bool mst_keys_is_done(const mst_keys_t *k, uint64_t key);
bool mst_keys_is_leased(const mst_keys_t *k, uint64_t key);
uint32_t mst_keys_holder(const mst_keys_t *k, uint64_t key); // of a leased key
void mst_keys_lease(mst_keys_t *k, uint64_t key, uint32_t slot);
void mst_keys_unlease(mst_keys_t *k, uint64_t key); // open again; the hint follows
// false when it was done already. The key must not be leased any more. key < MST_COORD_KEYS_MAX.
bool mst_keys_set_done(mst_keys_t *k, uint64_t key);
void mst_keys_set_avail(mst_keys_t *k, uint64_t avail); // grows
// First key of [from, avail) that is neither done nor leased, or MST_KEYS_NONE.
uint64_t mst_keys_next_open(const mst_keys_t *k, uint64_t from);
uint64_t mst_keys_count_done(const mst_keys_t *k, uint64_t from, uint64_t to); // in [from, to)

static inline uint64_t
mst_keys_open(const mst_keys_t *k)
{
    return k->avail - k->done_avail - k->leased;
}

#endif
