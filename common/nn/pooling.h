// From the hidden states of a text's tokens to one vector, and the angle between two. As sentence-transformers.
// Pure; thread: any.
#ifndef MST_NN_POOLING_H
#define MST_NN_POOLING_H

#include <stdbool.h>
#include <stddef.h>

typedef enum { MST_POOL_MEAN, MST_POOL_CLS, MST_POOL_MAX, MST_POOL_MEAN_SQRT } mst_pool_t;

// rows: count rows of n. MEAN: sum / max(count, 1e-9), so nothing gives zeros.
void mst_pool(mst_pool_t how, const double *rows, size_t count, size_t n, double *out);
void mst_l2_normalise(double *x, size_t n); // by max(length, 1e-12)
// a.b / (|a| |b| + 1e-8): zero for a zero vector.
double mst_cosine(const double *a, const double *b, size_t n);

#endif
