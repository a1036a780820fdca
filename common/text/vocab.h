// Tokens as small numbers, so that counting and comparing them costs no string work. Texts that are the reference are
// added; texts that are held against it are only looked up, so that memory follows the reference.
// Thread: belongs to one thread; kept and cleared for the next use.
#ifndef MST_TEXT_VOCAB_H
#define MST_TEXT_VOCAB_H

#include "common/base/buf.h"

#define MST_VOCAB_NONE UINT32_MAX // the number of a token that is not in the vocabulary

// Scratch memory as an array: room for `bytes` at the start of b, what was there may be gone. NULL over its maximum.
void *mst_room(mst_buf_t *b, size_t bytes);
// Gives back what a large use left behind; a small room stays for the next use.
void mst_room_trim(mst_buf_t *b);

typedef struct {
    mst_buf_t slots;        // uint32_t: number + 1, 0 = empty; a power of two of them
    mst_buf_t tokens;       // one entry a token
    uint32_t one_byte[256]; // numbers + 1 of the tokens of one byte
    size_t slot_count;
    uint32_t count; // numbers 0 .. count-1 are in use
} mst_vocab_t;

void mst_vocab_init(mst_vocab_t *v);
void mst_vocab_deinit(mst_vocab_t *v);
void mst_vocab_clear(mst_vocab_t *v);
// The number of the token, a new one when it is not known. Borrows the bytes until the next clear. MST_VOCAB_NONE when
// there is no room for one more.
uint32_t mst_vocab_add(mst_vocab_t *v, mst_str_t token);
// The same without adding: MST_VOCAB_NONE when it is not known.
uint32_t mst_vocab_find(const mst_vocab_t *v, mst_str_t token);

// For a token of one byte.
static inline uint32_t
mst_vocab_find_byte(const mst_vocab_t *v, char byte)
{
    return v->one_byte[(unsigned char)byte] - 1; // 0 - 1 is MST_VOCAB_NONE
}

#endif
