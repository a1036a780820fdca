// A text encoder out of a folder in Hugging Face's layout: tokenizer, encoder, and what sentence-transformers says
// about its use (modules.json, sentence_bert_config.json, 1_Pooling/config.json). Without these a sentence is the mean
// of its tokens, not normalised.
//
// Weights stay where the files' bytes are (mapped) when they are F32; F16 and BF16 are widened once.
// Thread: any after it is made; each call works in the arena that it is given.
#ifndef MST_NN_TEXT_MODEL_H
#define MST_NN_TEXT_MODEL_H

#include "common/nn/encoder.h"
#include "common/nn/files.h"
#include "common/nn/pooling.h"
#include "common/nn/tokenizer.h"

typedef struct mst_text_model mst_text_model_t;

// blas and the files' bytes are borrowed for its life. Errors name the file.
MST_NODISCARD mst_rc mst_text_model_new(const mst_nn_files_t *files, const mst_blas_t *blas, mst_text_model_t **out,
                                        mst_err_t *err);
void mst_text_model_free(mst_text_model_t **m);

const mst_encoder_cfg_t *mst_text_model_cfg(const mst_text_model_t *m);
const mst_tokenizer_t *mst_text_model_tokenizer(const mst_text_model_t *m);
const mst_blas_t *mst_text_model_blas(const mst_text_model_t *m);
size_t mst_text_model_len_max(const mst_text_model_t *m); // tokens of a sentence, begin and end included

// Sentence vectors: count rows of cfg.hidden in arena. Texts are stripped first; an empty one is begin and end.
MST_NODISCARD mst_rc mst_text_model_embed(const mst_text_model_t *m, const mst_str_t *texts, size_t count,
                                          mst_arena_t *arena, const double **out, mst_err_t *err);
// The ids of a text as bert_score takes them: stripped, slow rules, BPE with a blank before, cut at the tokenizer's
// longest input.
MST_NODISCARD mst_rc mst_text_model_ids(const mst_text_model_t *m, mst_str_t text, mst_arena_t *arena,
                                        mst_nn_ids_t *out, mst_err_t *err);
// Hidden states of such ids after `layers` blocks; see mst_encoder_run.
MST_NODISCARD mst_rc mst_text_model_states(const mst_text_model_t *m, const mst_nn_ids_t *texts, size_t count,
                                           size_t layers, mst_arena_t *arena, const float **out, mst_err_t *err);

#endif
