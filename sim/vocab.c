// An id is a slot of a table: the hash of the text names the first slot to try, its neighbours are tried after. Two
// texts that want one slot get neighbours, in the order in which they came; with a few thousand tokens that is rare.
#include "sim/vocab.h"

#include "common/base/hash.h"
#include "common/base/mem.h"
#include "sim/words.h"

#include <stdlib.h>

enum { FIRST_ID = 256, TRIES = 64, TEXT_BYTES = 23 };

typedef struct {
    uint8_t n; // 0 = free
    char text[TEXT_BYTES];
} slot_t;

struct mst_sim_vocab {
    slot_t *slots; // MST_SIM_VOCAB_SIZE; untouched pages cost nothing
};

mst_sim_vocab_t *
mst_sim_vocab_new(void)
{
    mst_sim_vocab_t *v = MST_NEW(mst_sim_vocab_t);
    v->slots = calloc(MST_SIM_VOCAB_SIZE, sizeof *v->slots);
    if (v->slots == NULL) {
        free(v);
        return NULL;
    }
    return v;
}

void
mst_sim_vocab_free(mst_sim_vocab_t **v)
{
    if (v == NULL || *v == NULL)
        return;
    free((*v)->slots);
    free(*v);
    *v = NULL;
}

uint32_t
mst_sim_vocab_id(mst_sim_vocab_t *v, mst_str_t token)
{
    uint32_t range = MST_SIM_VOCAB_SIZE - FIRST_ID - TRIES;
    uint32_t first = FIRST_ID + (uint32_t)(mst_xxh64(token, 0) % range);
    if (v == NULL || token.n == 0 || token.n > TEXT_BYTES)
        return first;
    for (uint32_t i = first; i < first + TRIES; i++) {
        slot_t *s = &v->slots[i];
        if (s->n == 0) {
            s->n = (uint8_t)token.n;
            memcpy(s->text, token.p, token.n);
        }
        if (mst_str_eq(mst_str(s->text, s->n), token))
            return i;
    }
    return first;
}

mst_str_t
mst_sim_vocab_text(const mst_sim_vocab_t *v, uint64_t id)
{
    if (v != NULL && id < MST_SIM_VOCAB_SIZE && v->slots[id].n > 0)
        return mst_str(v->slots[id].text, v->slots[id].n);
    return mst_sim_word(id);
}
