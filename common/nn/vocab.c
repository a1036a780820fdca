#include "common/nn/vocab.h"

#include "common/base/hash.h"

mst_rc
mst_nn_vocab_init(mst_nn_vocab_t *v, size_t count_max, mst_arena_t *arena, mst_err_t *err)
{
    size_t slots = 16;
    *v = (mst_nn_vocab_t){.count_max = count_max};
    if (count_max > MST_NN_VOCAB_MAX)
        return MST_ERR(err, MST_LIMIT, "a vocabulary of %zu entries is over the limit of %u", count_max,
                       MST_NN_VOCAB_MAX);
    while (slots < 2 * count_max)
        slots *= 2;
    v->slots = MST_ARENA_ARRAY(arena, mst_nn_vocab_slot_t, slots);
    if (v->slots == NULL)
        return MST_ERR(err, MST_LIMIT, "no room for a vocabulary of %zu entries", count_max);
    v->mask = slots - 1;
    return MST_OK;
}

// Where key is, or the empty slot where it belongs. There always is one: the table is at most half full.
static mst_nn_vocab_slot_t *
slot_of(const mst_nn_vocab_t *v, mst_str_t key)
{
    size_t i = (size_t)mst_xxh64(key, 0) & v->mask;
    while (v->slots[i].used && !mst_str_eq(v->slots[i].key, key))
        i = (i + 1) & v->mask;
    return &v->slots[i];
}

mst_rc
mst_nn_vocab_put(mst_nn_vocab_t *v, mst_str_t key, uint32_t id, mst_err_t *err)
{
    mst_nn_vocab_slot_t *s = slot_of(v, key);
    if (!s->used) {
        if (v->count == v->count_max)
            return MST_ERR(err, MST_LIMIT, "a vocabulary holds more than the %zu entries it was made for",
                           v->count_max);
        v->count++;
        if (key.n > v->key_bytes_max)
            v->key_bytes_max = key.n;
    }
    *s = (mst_nn_vocab_slot_t){.key = key, .id = id, .used = true};
    return MST_OK;
}

uint32_t
mst_nn_vocab_get(const mst_nn_vocab_t *v, mst_str_t key)
{
    if (v->slots == NULL || key.n > v->key_bytes_max)
        return MST_ID_NONE;
    const mst_nn_vocab_slot_t *s = slot_of(v, key);
    return s->used ? s->id : MST_ID_NONE;
}
