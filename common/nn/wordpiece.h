// WordPiece: the longest piece of the vocabulary first, then on; a word with a place where nothing fits is unknown as
// a whole. Pieces that go on inside a word carry a prefix ("##") in the vocabulary's file.
// Thread: one while it is made; any after.
#ifndef MST_NN_WORDPIECE_H
#define MST_NN_WORDPIECE_H

#include "common/nn/bert_text.h"
#include "common/nn/ids.h"
#include "common/nn/vocab.h"

typedef struct {
    mst_nn_vocab_t starts; // every piece as it is written
    mst_nn_vocab_t inner;  // those with the prefix, without it
    mst_bert_text_t text;
    uint32_t unknown;
    size_t word_chars_max; // a longer word is unknown; 100
} mst_wordpiece_t;

#define MST_WORDPIECE_PREFIX    "##"
#define MST_WORDPIECE_CHARS_MAX 100

// Pieces are put with mst_wordpiece_put after this. MST_LIMIT.
MST_NODISCARD mst_rc mst_wordpiece_init(mst_wordpiece_t *w, size_t count_max, mst_arena_t *arena, mst_err_t *err);
MST_NODISCARD mst_rc mst_wordpiece_put(mst_wordpiece_t *w, mst_str_t prefix, mst_str_t piece, uint32_t id,
                                       mst_err_t *err);
// Appends the ids of text until out is full. Scratch from arena. MST_LIMIT: no room for it.
MST_NODISCARD mst_rc mst_wordpiece_encode(const mst_wordpiece_t *w, mst_str_t text, bool slow, mst_arena_t *arena,
                                          mst_nn_ids_t *out, mst_err_t *err);

#endif
