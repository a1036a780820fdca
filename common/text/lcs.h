// Longest common subsequence, 64 comparisons a step (Hyyrö 2004). Bounded: work over MST_TEXT_WORK_MAX, or a table to
// read back over MST_TEXT_ROWS_MAX, is MST_LIMIT.
// Thread: belongs to one thread; kept for the next use.
#ifndef MST_TEXT_LCS_H
#define MST_TEXT_LCS_H

#include "common/text/places.h"

typedef struct {
    mst_places_t places;
    mst_buf_t rows, hits;
    const uint32_t *pattern;
    uint64_t work; // so far, since mst_lcs_start
} mst_lcs_t;

void mst_lcs_init(mst_lcs_t *l);
void mst_lcs_deinit(mst_lcs_t *l);
// For one comparison of two texts, in one or many patterns. Tokens are numbers below token_count or MST_VOCAB_NONE,
// which is equal to nothing.
MST_NODISCARD mst_rc mst_lcs_start(mst_lcs_t *l, uint32_t token_count);
// The side that is compared next; borrowed. Forgets the hits.
MST_NODISCARD mst_rc mst_lcs_pattern(mst_lcs_t *l, const uint32_t *tokens, size_t count);
MST_NODISCARD mst_rc mst_lcs_length(mst_lcs_t *l, const uint32_t *text, size_t count, size_t *out);
// Marks the places in the pattern of one longest common subsequence with text. Which one, when there are several:
// read from the ends, equal tokens belong to it; where they differ the text goes one back if the subsequence of
// what is left is longer that way, else the pattern does.
MST_NODISCARD mst_rc mst_lcs_mark(mst_lcs_t *l, const uint32_t *text, size_t count);
bool mst_lcs_marked(const mst_lcs_t *l, size_t place);

#endif
