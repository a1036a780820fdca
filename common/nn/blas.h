// The two products that an encoder and a matcher need, as function pointers: the library behind them (OpenBLAS) is
// opened by somebody else, on first use, because loading it starts threads and takes longer than a short command.
#ifndef MST_NN_BLAS_H
#define MST_NN_BLAS_H

// The values of the CBLAS interface.
enum { MST_BLAS_ROW_MAJOR = 101, MST_BLAS_NO_TRANS = 111, MST_BLAS_TRANS = 112 };

// C = alpha op(A) op(B) + beta C
typedef void mst_sgemm_fn(int order, int trans_a, int trans_b, int m, int n, int k, float alpha, const float *a,
                          int lda, const float *b, int ldb, float beta, float *c, int ldc);
typedef void mst_dgemm_fn(int order, int trans_a, int trans_b, int m, int n, int k, double alpha, const double *a,
                          int lda, const double *b, int ldb, double beta, double *c, int ldc);

typedef struct {
    mst_sgemm_fn *sgemm; // callable from many threads at once
    mst_dgemm_fn *dgemm;
} mst_blas_t;

#endif
