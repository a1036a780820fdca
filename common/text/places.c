#include "common/text/places.h"

#include "common/base/limits.h"
#include "common/text/vocab.h"

typedef struct {
    uint32_t round, first, last; // places: index + 1; hold when round is the pattern's
} head_t;

void
mst_places_init(mst_places_t *p)
{
    *p = (mst_places_t){0};
    mst_buf_init(&p->heads, MST_TEXT_SCRATCH_MAX);
    mst_buf_init(&p->places, MST_TEXT_SCRATCH_MAX);
}

void
mst_places_deinit(mst_places_t *p)
{
    mst_buf_deinit(&p->heads);
    mst_buf_deinit(&p->places);
}

mst_rc
mst_places_start(mst_places_t *p, uint32_t token_count)
{
    mst_room_trim(&p->heads);
    mst_room_trim(&p->places);
    p->token_count = token_count;
    p->round = 0;
    head_t *heads = mst_room(&p->heads, token_count * sizeof *heads);
    if (heads == NULL)
        return MST_LIMIT;
    memset(heads, 0, token_count * sizeof *heads);
    return MST_OK;
}

mst_rc
mst_places_pattern(mst_places_t *p, const uint32_t *tokens, size_t count)
{
    head_t *heads = (head_t *)(void *)p->heads.p;
    mst_place_t *places = mst_room(&p->places, count * sizeof *places);
    if (places == NULL)
        return MST_LIMIT;
    p->length = count;
    p->words = (count + 63) / 64;
    p->round++;
    uint32_t used = 0;
    for (size_t i = 0; i < count; i++) {
        if (tokens[i] == MST_VOCAB_NONE)
            continue;
        head_t *h = &heads[tokens[i]];
        uint32_t word = (uint32_t)(i / 64);
        uint64_t bit = 1ULL << (i % 64);
        bool seen = h->round == p->round;
        if (seen && places[h->last - 1].word == word) {
            places[h->last - 1].bits |= bit;
            continue;
        }
        places[used++] = (mst_place_t){.bits = bit, .word = word};
        if (seen)
            places[h->last - 1].next = used;
        else
            *h = (head_t){.round = p->round, .first = used};
        h->last = used;
    }
    return MST_OK;
}

const mst_place_t *
mst_places_first(const mst_places_t *p, uint32_t token)
{
    if (token >= p->token_count)
        return NULL;
    const head_t *h = (const head_t *)(const void *)p->heads.p + token;
    return h->round == p->round ? (const mst_place_t *)(const void *)p->places.p + h->first - 1 : NULL;
}
