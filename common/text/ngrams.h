// How many n-grams, 1 up to 9 tokens long, a text shares with its references: an n-gram counts as often as the text and
// the reference that has it most often both have it.
//
// Time is linear in tokens times order; memory in the tokens of both sides.
// Thread: belongs to one thread; kept for the next use.
#ifndef MST_TEXT_NGRAMS_H
#define MST_TEXT_NGRAMS_H

#include "common/base/buf.h"

#define MST_NGRAMS_ORDER_MAX 9

typedef struct {
    mst_buf_t nodes;
    mst_buf_t ref_rank; // of the references' n-grams
    mst_buf_t live;     // n-grams of the text that the references have
} mst_ngrams_t;

typedef struct {
    const uint32_t *refs; // tokens of all references, one reference after the other
    const uint64_t *ends; // where in refs each of them ends
    size_t ref_count;
    uint32_t kinds;       // tokens of references are below it
    const uint32_t *text; // below kinds too, or MST_VOCAB_NONE: no reference has it
    size_t text_count;
    unsigned order; // 1 to MST_NGRAMS_ORDER_MAX
} mst_ngrams_in_t;

void mst_ngrams_init(mst_ngrams_t *g);
void mst_ngrams_deinit(mst_ngrams_t *g);
// matches: by length - 1, `order` of them. MST_LIMIT when the texts are too long.
MST_NODISCARD mst_rc mst_ngrams_match(mst_ngrams_t *g, const mst_ngrams_in_t *in, uint64_t *matches);

// n-grams of a text of `tokens` tokens.
static inline uint64_t
mst_ngrams_total(uint64_t tokens, unsigned n)
{
    return tokens >= n ? tokens - n + 1 : 0;
}

#endif
