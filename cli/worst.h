// The cases with the lowest scores: `muster show RUN --worst N`.
#ifndef MST_CLI_WORST_H
#define MST_CLI_WORST_H

#include "aggregator/store/store.h"

#define MST_WORST_MAX 1000

typedef struct {
    mst_key_t key;
    mst_str_t case_id; // arena
    double mean;       // of the case's own scores
} mst_worst_t;

// The up to n (<= MST_WORST_MAX) measured cases with the lowest mean score, worst first; equal ones in key order.
// out holds n. Cases without a score are left out. target_no: -1 = all.
MST_NODISCARD mst_rc mst_cli_worst(mst_store_t *store, int64_t run_no, int64_t target_no, size_t n,
                                   mst_arena_t *arena, mst_worst_t *out, size_t *out_count, mst_err_t *err);

#endif
