// A list of token ids with its room: what tokenizers append to. Full is not an error: a text is cut at the length
// that its model takes, and a tokenizer stops as soon as nothing more is wanted.
#ifndef MST_NN_IDS_H
#define MST_NN_IDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint32_t *ids;
    size_t count, max;
} mst_nn_ids_t;

static inline bool
mst_nn_ids_full(const mst_nn_ids_t *l)
{
    return l->count == l->max;
}

// False when there was no room.
static inline bool
mst_nn_ids_put(mst_nn_ids_t *l, uint32_t id)
{
    if (l->count == l->max)
        return false;
    l->ids[l->count++] = id;
    return true;
}

#endif
