// Byte-level byte-pair encoding, as GPT-2 and RoBERTa have it: a text is cut into words by a fixed pattern, a word is
// its bytes, and neighbours are joined in the order of the merges.
//
// The files write each byte as a printable character; here it is undone once, so that keys are plain bytes.
// A word of more than MST_BPE_WORD_MAX bytes is taken in parts of that size, which bounds memory and time.
// Thread: one while it is made; any after.
#ifndef MST_NN_BPE_H
#define MST_NN_BPE_H

#include "common/nn/ids.h"
#include "common/nn/vocab.h"

#define MST_BPE_WORD_MAX 65536U

typedef struct {
    uint64_t pair; // left << 32 | right; UINT64_MAX = empty
    uint32_t rank, joined;
} mst_bpe_merge_t;

typedef struct {
    mst_nn_vocab_t vocab; // by bytes
    mst_arena_t *arena;
    mst_bpe_merge_t *merges; // open addressing, at most half full
    size_t merge_mask, merge_count, merge_max;
    uint32_t bytes[256]; // ids of single bytes; MST_ID_NONE
    uint32_t unknown;
} mst_bpe_t;

MST_NODISCARD mst_rc mst_bpe_init(mst_bpe_t *b, size_t vocab_max, size_t merge_max, mst_arena_t *arena, mst_err_t *err);
// A token as its file writes it. One with characters that stand for no byte can be in no text and is left out.
MST_NODISCARD mst_rc mst_bpe_put(mst_bpe_t *b, mst_str_t token, uint32_t id, mst_err_t *err);
// The next merge in order of rank. After all tokens. MST_PROTO: a part or the whole is not in the vocabulary.
MST_NODISCARD mst_rc mst_bpe_merge(mst_bpe_t *b, mst_str_t left, mst_str_t right, mst_err_t *err);
// Appends the ids of text until out is full. Scratch from arena. MST_LIMIT: no room for it.
MST_NODISCARD mst_rc mst_bpe_encode(const mst_bpe_t *b, mst_str_t text, mst_arena_t *arena, mst_nn_ids_t *out,
                                    mst_err_t *err);
bool mst_bpe_is_space(uint32_t cp); // Unicode White_Space, as regular expressions of Rust see it
// Length of the word at the front of s, s.n > 0:
//   's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
size_t mst_bpe_word(mst_str_t s);

#endif
