// A vocabulary: strings to ids, made once and then read by all threads. Two of them hold tens of thousands of
// entries that are looked up several times a token, so the table is flat: open addressing, at most half full.
// Keys are views: they live at least as long as the table's arena.
// Thread: one while it is filled; any after.
#ifndef MST_NN_VOCAB_H
#define MST_NN_VOCAB_H

#include "common/base/err.h"
#include "common/base/mem.h"

#define MST_NN_VOCAB_MAX 4000000U // entries
#define MST_ID_NONE      UINT32_MAX

typedef struct {
    mst_str_t key;
    uint32_t id;
    bool used;
} mst_nn_vocab_slot_t;

typedef struct {
    mst_nn_vocab_slot_t *slots;
    size_t mask; // slots - 1; their number is a power of two
    size_t count;
    size_t count_max;
    size_t key_bytes_max; // longest key
} mst_nn_vocab_t;

// Room for count_max entries, in arena. MST_LIMIT.
MST_NODISCARD mst_rc mst_nn_vocab_init(mst_nn_vocab_t *v, size_t count_max, mst_arena_t *arena, mst_err_t *err);
// The same key again: the last id wins. MST_LIMIT over count_max.
MST_NODISCARD mst_rc mst_nn_vocab_put(mst_nn_vocab_t *v, mst_str_t key, uint32_t id, mst_err_t *err);
uint32_t mst_nn_vocab_get(const mst_nn_vocab_t *v, mst_str_t key); // MST_ID_NONE

#endif
