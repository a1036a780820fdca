// A BERT-like encoder: embeddings, then blocks of attention and feed-forward, each with a residual and a layer norm.
// BERT, RoBERTa (also DistilRoBERTa) and DistilBERT checkpoints as transformers names their tensors.
//
// Texts of a batch stand one behind the other, without padding: every linear map is one product over all tokens,
// attention is text by text. So nothing is masked, and a text's numbers do not depend on its neighbours but for the
// last bits.
// Thread: any after it is made; each call works in the arena that it is given.
#ifndef MST_NN_ENCODER_H
#define MST_NN_ENCODER_H

#include "common/nn/blas.h"
#include "common/nn/ids.h"
#include "common/nn/safetensors.h"

#define MST_ENCODER_LAYERS_MAX 128

typedef enum { MST_ARCH_BERT, MST_ARCH_ROBERTA, MST_ARCH_DISTILBERT } mst_arch_t;

typedef enum { MST_ACT_GELU, MST_ACT_GELU_TANH, MST_ACT_RELU, MST_ACT_SILU } mst_act_t;

typedef struct {
    mst_arch_t arch;
    mst_act_t act;
    size_t hidden, layers, heads, ffn, vocab, types;
    size_t positions;      // longest text in tokens
    size_t position_first; // row of the position table for the first token
    double eps;            // of layer norms
    mst_str_t name;        // _name_or_path of config.json; may be empty
} mst_encoder_cfg_t;

typedef struct mst_encoder mst_encoder_t;

// config.json. MST_UNSUPPORTED: another model_type, activation or kind of positions; MST_PROTO, MST_LIMIT.
MST_NODISCARD mst_rc mst_encoder_cfg_read(const mst_json_t *config, mst_encoder_cfg_t *out, mst_err_t *err);
// Binds the tensors; they are checked for their shapes. blas and the bytes behind tensors are borrowed for the
// encoder's life, which is arena's. MST_PROTO: a tensor is missing or has another shape.
MST_NODISCARD mst_rc mst_encoder_new(const mst_encoder_cfg_t *cfg, const mst_tensors_t *tensors, const mst_blas_t *blas,
                                     mst_arena_t *arena, mst_encoder_t **out, mst_err_t *err);
const mst_encoder_cfg_t *mst_encoder_cfg(const mst_encoder_t *e);
// The hidden states after `layers` blocks (0 = the embeddings) of each text: one array in arena, a row of cfg.hidden
// floats for each token, texts in order. MST_INVAL: an id or a length that the model has no row for; MST_LIMIT.
MST_NODISCARD mst_rc mst_encoder_run(const mst_encoder_t *e, const mst_nn_ids_t *texts, size_t count, size_t layers,
                                     mst_arena_t *arena, const float **out, mst_err_t *err);

#endif
