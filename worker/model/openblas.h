// OpenBLAS, opened when it is first wanted: linked, it would start a thread for every processor in each run of the
// program, even one that only prints its version.
#ifndef MST_WORKER_MODEL_OPENBLAS_H
#define MST_WORKER_MODEL_OPENBLAS_H

#include "common/base/err.h"
#include "common/nn/blas.h"

// One thread a call: the worker's CPU threads are the parallelism. Stays open until the process ends. Not from two
// threads at once. MST_UNSUPPORTED: it is not installed.
MST_NODISCARD mst_rc mst_openblas_open(mst_blas_t *out, mst_err_t *err);

#endif
