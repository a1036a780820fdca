// The weights of an encoder. For files of this folder only.
#ifndef MST_NN_ENCODER_INTERNAL_H
#define MST_NN_ENCODER_INTERNAL_H

#include "common/nn/encoder.h"

// A linear map: out = in w^T + b, w of rows x columns.
typedef struct {
    const float *w, *b;
    size_t rows, cols;
} mst_linear_t;

typedef struct {
    const float *w, *b;
} mst_norm_t;

typedef struct {
    mst_linear_t q, k, v, o, up, down;
    mst_norm_t after_attention, after_ffn;
} mst_block_t;

struct mst_encoder {
    mst_encoder_cfg_t cfg;
    mst_blas_t blas;
    const float *words, *positions, *type; // type: the row of type 0, NULL for DistilBERT
    mst_norm_t norm;
    mst_block_t *blocks;
};

#endif
