// BERTScore (Zhang and others, 2020) over token vectors that somebody else made: weights from the references, greedy
// matching, rescaling by a baseline; and the table of the layer that suits each published model.
// Pure; thread: any once an idf table is filled.
#ifndef MST_NN_BERTSCORE_H
#define MST_NN_BERTSCORE_H

#include "common/nn/blas.h"
#include "common/nn/ids.h"
#include "common/nn/vocab.h"

// The best layer of a model as published ("roberta-large", "microsoft/deberta-xlarge-mnli"). -1: not in the table.
int mst_bertscore_layer(mst_str_t model);

// Inverse document frequency of token ids over reference texts: log((N + 1) / (df + 1)).
typedef struct {
    uint32_t *seen; // by id: documents that hold it
    uint32_t *last; // by id: the document that counted it last
    uint32_t documents, id_max;
} mst_idf_t;

// For ids 0 ... id_max, in arena. MST_LIMIT.
MST_NODISCARD mst_rc mst_idf_init(mst_idf_t *idf, uint32_t id_max, mst_arena_t *arena, mst_err_t *err);
void mst_idf_add(mst_idf_t *idf, const mst_nn_ids_t *document); // begin and end included
double mst_idf_weight(const mst_idf_t *idf, uint32_t id);       // an id in no document: log(N + 1)

// One side of a comparison. vectors: count rows of n, normalised in place; weights: count numbers, not negative.
typedef struct {
    double *vectors;
    const double *weights;
    size_t count;
} mst_bs_side_t;

typedef struct {
    double precision, recall, f1;
} mst_prf1_t;

// Every token of one side takes its nearest of the other, begin and end included. A side of begin and end alone (two
// tokens), or without any weight, gives zeros. Scratch from arena. MST_LIMIT.
MST_NODISCARD mst_rc mst_bertscore_match(const mst_blas_t *blas, mst_bs_side_t *answer, mst_bs_side_t *reference,
                                         size_t n, mst_arena_t *arena, mst_prf1_t *out, mst_err_t *err);
// (x - b) / (1 - b), each on its own.
mst_prf1_t mst_bertscore_rescale(mst_prf1_t score, mst_prf1_t baseline);
// The row of a layer in a table of baselines ("LAYER,P,R,F" and a line a layer). MST_NOTFOUND, MST_PROTO.
MST_NODISCARD mst_rc mst_bertscore_baseline(mst_str_t table, size_t layer, mst_prf1_t *out, mst_err_t *err);

#endif
