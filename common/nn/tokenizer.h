// From a text to the ids that a BERT or RoBERTa checkpoint was trained on: special tokens written in the text, the
// model's own tokens, cut to a length, begin and end put around.
//
// Read from a folder in Hugging Face's layout: tokenizer.json when it is there; else vocab.txt (WordPiece) or
// vocab.json and merges.txt (byte-level BPE). tokenizer_config.json adds the case rule and the longest input.
// Thread: any after it is made.
#ifndef MST_NN_TOKENIZER_H
#define MST_NN_TOKENIZER_H

#include "common/json/json.h"
#include "common/nn/files.h"
#include "common/nn/ids.h"

typedef struct mst_tokenizer mst_tokenizer_t;

typedef struct {
    size_t len_max;    // ids, begin and end included; at least 2
    bool slow;         // the rules of the Python classes, see bert_text.h
    bool prefix_blank; // BPE: a blank before a text that starts without one, as bert_score asks for
} mst_tokenizer_how_t;

// In arena, which it keeps. MST_NOTFOUND: no tokenizer's files; MST_UNSUPPORTED: another kind of tokenizer;
// MST_PROTO, MST_LIMIT.
MST_NODISCARD mst_rc mst_tokenizer_new(const mst_nn_files_t *files, mst_json_parser_t *parser, mst_arena_t *arena,
                                       mst_tokenizer_t **out, mst_err_t *err);
// The ids of text in arena; at least begin and end. MST_LIMIT: no room.
MST_NODISCARD mst_rc mst_tokenizer_encode(const mst_tokenizer_t *t, mst_str_t text, const mst_tokenizer_how_t *how,
                                          mst_arena_t *arena, mst_nn_ids_t *out, mst_err_t *err);
size_t mst_tokenizer_len_max(const mst_tokenizer_t *t);  // what tokenizer_config.json says; 0 = nothing
uint32_t mst_tokenizer_id_max(const mst_tokenizer_t *t); // largest id that it can give
uint32_t mst_tokenizer_begin(const mst_tokenizer_t *t);  // [CLS], <s>
uint32_t mst_tokenizer_end(const mst_tokenizer_t *t);    // [SEP], </s>

#endif
