// Multisets of n-grams, 1 up to 9 tokens long, as a tree in one hash table: a node is an n-gram, its parent the
// n-gram without its last token. The reference is added, then another text is walked past it and every n-gram that
// it shares with the reference counts once for each time that both have it.
//
// Time is linear in tokens times order; memory follows the reference alone.
// Thread: belongs to one thread; kept for the next use.
#ifndef MST_TEXT_NGRAMS_H
#define MST_TEXT_NGRAMS_H

#include "common/base/buf.h"

#define MST_NGRAMS_ORDER_MAX 9

typedef struct {
    mst_buf_t nodes;
    size_t node_count;                      // a power of two
    unsigned shift, order, added;           // added: references so far
    uint32_t path[MST_NGRAMS_ORDER_MAX];    // nodes + 1 of the n-grams that end at the last token; 0 = none
    uint64_t matches[MST_NGRAMS_ORDER_MAX]; // of the walked text, by length - 1
} mst_ngrams_t;

void mst_ngrams_init(mst_ngrams_t *g);
void mst_ngrams_deinit(mst_ngrams_t *g);
// Forgets everything and makes room for references of `tokens` tokens in all. MST_LIMIT when that is too much.
MST_NODISCARD mst_rc mst_ngrams_start(mst_ngrams_t *g, unsigned order, size_t tokens);
// One reference; with several, an n-gram counts as often as in the one that has it most often.
void mst_ngrams_reference(mst_ngrams_t *g, const uint32_t *tokens, size_t count);
// Begins to walk a text past the references; then its tokens, one after the other (MST_VOCAB_NONE: no reference has
// it); then look at matches. Once for each start.
void mst_ngrams_walk(mst_ngrams_t *g);
void mst_ngrams_token(mst_ngrams_t *g, uint32_t token);

// n-grams of a text of `tokens` tokens.
static inline uint64_t
mst_ngrams_total(uint64_t tokens, unsigned n)
{
    return tokens >= n ? tokens - n + 1 : 0;
}

#endif
