// A run's rollup in memory and as table rows (one a metric), shared by all members of the store.
#ifndef MST_STORE_ROLLUP_H
#define MST_STORE_ROLLUP_H

#include "aggregator/store/store.h"

// metric: "rows", "outcome:NAME", "sliced", "prompt_tokens", "completion_tokens", "scorer:N", "ttft", "e2e", "tpot",
// "window".
typedef struct {
    char metric[32];
    int64_t n, n_pass;          // scorers: as in moments; rows: all and passed; others: n alone
    int64_t n_missing, n_error; // scorers: not measured, failed
    mst_moments_t moments;      // scorers; its n and n_pass are those above
    int64_t first_ns, last_ns;  // window
    mst_str_t sketch;           // ttft, e2e, tpot: packed histogram
} mst_rollup_row_t;

void mst_rollup_init(mst_rollup_t *r);
void mst_rollup_add(mst_rollup_t *r, const mst_result_t *res);
// Takes back what mst_rollup_add did for a row whose outcome is not measured (minima and histograms hold none).
void mst_rollup_remove_unmeasured(mst_rollup_t *r, const mst_result_t *res);

// Every row that is not empty; row and its sketch are valid during the call. Stops at the first code that is
// not MST_OK and returns it. scratch is overwritten.
typedef mst_rc mst_rollup_row_fn(void *ud, const mst_rollup_row_t *row, mst_err_t *err);
MST_NODISCARD mst_rc mst_rollup_rows(const mst_rollup_t *r, mst_buf_t *scratch, mst_rollup_row_fn *fn, void *ud,
                                     mst_err_t *err);
// Puts a stored row back. A metric of a newer version is left alone. MST_PROTO: a broken sketch.
MST_NODISCARD mst_rc mst_rollup_take(mst_rollup_t *r, const mst_rollup_row_t *row, mst_err_t *err);

#endif
