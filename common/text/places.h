// Where in a pattern each token stands, as bits: what the bit-parallel algorithms (longest common subsequence, edit
// distance) look up for every token of the other text. Sparse: memory follows the pattern, whatever the alphabet.
// Thread: belongs to one thread; kept for the next use.
#ifndef MST_TEXT_PLACES_H
#define MST_TEXT_PLACES_H

#include "common/base/buf.h"

typedef struct {
    uint64_t bits; // places 64 * word up to 64 * word + 63
    uint32_t word;
    uint32_t next; // of the same token, words ascending: index + 1, 0 = the last one
} mst_place_t;

typedef struct {
    mst_buf_t heads, places;
    uint32_t token_count, round; // tokens are numbers below token_count
    size_t length, words;        // of the pattern; words = length / 64, rounded up
} mst_places_t;

void mst_places_init(mst_places_t *p);
void mst_places_deinit(mst_places_t *p);
// For patterns of tokens below token_count. MST_LIMIT.
MST_NODISCARD mst_rc mst_places_start(mst_places_t *p, uint32_t token_count);
// The next pattern, which may hold MST_VOCAB_NONE too; the one before is forgotten. MST_LIMIT.
MST_NODISCARD mst_rc mst_places_pattern(mst_places_t *p, const uint32_t *tokens, size_t count);
// The first place of a token (which may be any number), or NULL; then mst_places_next.
const mst_place_t *mst_places_first(const mst_places_t *p, uint32_t token);

static inline const mst_place_t *
mst_places_next(const mst_places_t *p, const mst_place_t *place)
{
    return place->next == 0 ? NULL : (const mst_place_t *)(const void *)p->places.p + place->next - 1;
}

#endif
