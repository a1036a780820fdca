// What the files of one tokenizer fill. For files of this folder only.
#ifndef MST_NN_TOKENIZER_INTERNAL_H
#define MST_NN_TOKENIZER_INTERNAL_H

#include "common/nn/bpe.h"
#include "common/nn/tokenizer.h"
#include "common/nn/wordpiece.h"

#define MST_ADDED_MAX 4096 // tokens that are found in the text before any rule

typedef struct {
    mst_str_t text;
    uint32_t id;
    bool single_word, lstrip, rstrip;
} mst_added_t;

struct mst_tokenizer {
    bool is_bpe;
    mst_wordpiece_t wordpiece;
    mst_bpe_t bpe;
    bool add_prefix_space; // BPE: of the tokenizer itself
    mst_added_t *added;
    size_t added_count, added_max;
    bool added_starts[256]; // first bytes of added tokens
    uint32_t begin, end, id_max;
    size_t len_max;
};

typedef struct {
    const mst_nn_files_t *files;
    mst_json_parser_t *parser;
    mst_arena_t *arena;
    mst_err_t *err;
} mst_tok_read_t;

// A file as JSON. MST_NOTFOUND when there is none.
MST_NODISCARD mst_rc mst_tok_json(const mst_tok_read_t *r, const char *name, const mst_json_t **out);
MST_NODISCARD mst_rc mst_tok_added(mst_tokenizer_t *t, const mst_tok_read_t *r, mst_added_t added);
// The id of a token, added ones first. MST_ID_NONE.
uint32_t mst_tok_id(const mst_tokenizer_t *t, mst_str_t token);
void mst_tok_seen(mst_tokenizer_t *t, uint32_t id);

// tokenizer.json.
MST_NODISCARD mst_rc mst_tok_from_json(mst_tokenizer_t *t, const mst_tok_read_t *r, const mst_json_t *root);
// vocab.txt.
MST_NODISCARD mst_rc mst_tok_from_vocab_txt(mst_tokenizer_t *t, const mst_tok_read_t *r, mst_str_t text);
// vocab.json and merges.txt.
MST_NODISCARD mst_rc mst_tok_from_merges(mst_tokenizer_t *t, const mst_tok_read_t *r, const mst_json_t *vocab,
                                         mst_str_t merges);
// One map of tokens to ids, in both kinds of JSON.
MST_NODISCARD mst_rc mst_tok_bpe_vocab(mst_tokenizer_t *t, const mst_tok_read_t *r, const mst_json_t *vocab,
                                       size_t merges);

#endif
