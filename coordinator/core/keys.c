// Paged bitmaps over key numbers. A page: 4,096 keys, 1 KiB of bits, and 16 KiB of holders while any is leased.
#include "coordinator/core/keys.h"

#include "common/base/mem.h"

#include <stdlib.h>
#include <string.h>

#define WORDS (MST_KEYS_PAGE / 64)

static void
drop_page(mst_keys_t *k, mst_keys_slot_t *s)
{
    if (s->page == NULL)
        return;
    if (s->page->holder != NULL && k->spare == NULL)
        k->spare = s->page->holder;
    else
        free(s->page->holder);
    free(s->page);
    s->page = NULL;
}

void
mst_keys_deinit(mst_keys_t *k)
{
    for (size_t i = 0; i < k->slot_cap; i++)
        drop_page(k, &k->slots[i]);
    free(k->spare);
    free(k->slots);
    memset(k, 0, sizeof *k);
}

static const mst_keys_slot_t *
slot_at(const mst_keys_t *k, uint64_t key)
{
    uint64_t i = key / MST_KEYS_PAGE;
    return i < k->slot_cap ? &k->slots[i] : NULL;
}

static const mst_keys_page_t *
page_at(const mst_keys_t *k, uint64_t key)
{
    const mst_keys_slot_t *s = slot_at(k, key);
    return s != NULL ? s->page : NULL;
}

// The slot, with its page unless it is full.
static mst_keys_slot_t *
touch(mst_keys_t *k, uint64_t key)
{
    size_t i = (size_t)(key / MST_KEYS_PAGE);
    if (i >= k->slot_cap) {
        size_t cap = k->slot_cap > 0 ? k->slot_cap : 16;
        while (cap <= i)
            cap *= 2;
        k->slots = mst_xrealloc(k->slots, cap * sizeof *k->slots);
        memset(k->slots + k->slot_cap, 0, (cap - k->slot_cap) * sizeof *k->slots);
        k->slot_cap = cap;
    }
    mst_keys_slot_t *s = &k->slots[i];
    if (s->page == NULL && !s->full)
        s->page = MST_NEW(mst_keys_page_t);
    return s;
}

static uint64_t
bit_of(uint64_t key)
{
    return 1ULL << (key % 64);
}

static size_t
word_of(uint64_t key)
{
    return (size_t)(key % MST_KEYS_PAGE / 64);
}

bool
mst_keys_is_done(const mst_keys_t *k, uint64_t key)
{
    const mst_keys_slot_t *s = slot_at(k, key);
    if (s == NULL)
        return false;
    return s->full || (s->page != NULL && (s->page->done[word_of(key)] & bit_of(key)) != 0);
}

bool
mst_keys_is_leased(const mst_keys_t *k, uint64_t key)
{
    const mst_keys_page_t *p = page_at(k, key);
    return p != NULL && (p->leased[word_of(key)] & bit_of(key)) != 0;
}

uint32_t
mst_keys_holder(const mst_keys_t *k, uint64_t key)
{
    const mst_keys_page_t *p = page_at(k, key);
    return p != NULL && p->holder != NULL ? p->holder[key % MST_KEYS_PAGE] : UINT32_MAX;
}

void
mst_keys_lease(mst_keys_t *k, uint64_t key, uint32_t slot)
{
    mst_keys_page_t *p = touch(k, key)->page;
    if (p == NULL || (p->leased[word_of(key)] & bit_of(key)) != 0)
        return;
    if (p->holder == NULL) {
        p->holder = k->spare != NULL ? k->spare : MST_NEW_ARRAY(uint32_t, MST_KEYS_PAGE);
        k->spare = NULL;
    }
    p->holder[key % MST_KEYS_PAGE] = slot;
    p->leased[word_of(key)] |= bit_of(key);
    p->leased_count++;
    k->leased++;
}

static void
clear_lease(mst_keys_t *k, mst_keys_page_t *p, uint64_t key)
{
    p->leased[word_of(key)] &= ~bit_of(key);
    p->leased_count--;
    k->leased--;
    if (p->leased_count > 0)
        return;
    if (k->spare == NULL)
        k->spare = p->holder;
    else
        free(p->holder);
    p->holder = NULL;
}

void
mst_keys_unlease(mst_keys_t *k, uint64_t key)
{
    if (!mst_keys_is_leased(k, key))
        return;
    clear_lease(k, touch(k, key)->page, key);
    if (key < k->hint)
        k->hint = key;
}

bool
mst_keys_set_done(mst_keys_t *k, uint64_t key)
{
    mst_keys_slot_t *s = touch(k, key);
    mst_keys_page_t *p = s->page;
    if (p == NULL || (p->done[word_of(key)] & bit_of(key)) != 0)
        return false;
    if ((p->leased[word_of(key)] & bit_of(key)) != 0)
        clear_lease(k, p, key);
    p->done[word_of(key)] |= bit_of(key);
    p->done_count++;
    k->done_all++;
    if (key < k->avail)
        k->done_avail++;
    if (p->done_count == MST_KEYS_PAGE) {
        drop_page(k, s);
        s->full = true;
    }
    return true;
}

uint64_t
mst_keys_count_done(const mst_keys_t *k, uint64_t from, uint64_t to)
{
    uint64_t n = 0;
    while (from < to) {
        const mst_keys_slot_t *s = slot_at(k, from);
        uint64_t page_end = (from / MST_KEYS_PAGE + 1) * MST_KEYS_PAGE;
        uint64_t end = page_end < to ? page_end : to;
        if (s == NULL)
            break;
        if (s->full)
            n += end - from;
        for (; s->page != NULL && from < end; from++)
            n += (s->page->done[word_of(from)] & bit_of(from)) != 0;
        from = end;
    }
    return n;
}

void
mst_keys_set_avail(mst_keys_t *k, uint64_t avail)
{
    if (avail <= k->avail)
        return;
    k->done_avail += mst_keys_count_done(k, k->avail, avail);
    k->avail = avail;
}

// First open key of the page at or after from; page_end when there is none.
static uint64_t
next_in_page(const mst_keys_page_t *p, uint64_t from, uint64_t page_end)
{
    size_t w = word_of(from);
    uint64_t busy = p->done[w] | p->leased[w] | (bit_of(from) - 1);
    for (;;) {
        if (~busy != 0)
            return page_end - MST_KEYS_PAGE + w * 64 + (uint64_t)__builtin_ctzll(~busy);
        if (++w == WORDS)
            return page_end;
        busy = p->done[w] | p->leased[w];
    }
}

uint64_t
mst_keys_next_open(const mst_keys_t *k, uint64_t from)
{
    while (from < k->avail) {
        const mst_keys_slot_t *s = slot_at(k, from);
        if (s == NULL || (s->page == NULL && !s->full))
            return from;
        uint64_t page_end = (from / MST_KEYS_PAGE + 1) * MST_KEYS_PAGE;
        uint64_t found = s->full ? page_end : next_in_page(s->page, from, page_end);
        if (found < page_end)
            return found < k->avail ? found : MST_KEYS_NONE;
        from = page_end;
    }
    return MST_KEYS_NONE;
}
