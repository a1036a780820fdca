// Tokens of the simulated backend: how text falls apart into them, and text made of them. Pure.
#ifndef MST_SIM_WORDS_H
#define MST_SIM_WORDS_H

#include "common/base/buf.h"

// The first token of text: one blank at most and then up to four characters, or up to four blanks. Never splits
// a character. Empty for an empty text.
mst_str_t mst_sim_token(mst_str_t text);
// Tokens of text, counting no further than max.
uint32_t mst_sim_token_count(mst_str_t text, uint32_t max);
// Appends exactly that many tokens of made-up words; the same seed gives the same words.
mst_rc mst_sim_words(uint64_t seed, uint32_t tokens, mst_buf_t *out);
mst_str_t mst_sim_word(uint64_t n); // some word, one token long, with its blank

#endif
