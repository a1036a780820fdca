// Whether two runs are the same: their records, and their rows without regard to order.
#ifndef MST_CLI_DB_COPY_H
#define MST_CLI_DB_COPY_H

#include "aggregator/store/store.h"
#include "common/base/hash.h"

typedef struct {
    uint64_t count;
    mst_digest_t sum; // of the digests of all rows
    size_t bytes;     // of the row that was added last
    mst_buf_t row, scores;
} mst_db_rows_t; // all zero at first

MST_NODISCARD mst_rc mst_db_rows_add(mst_db_rows_t *rows, const mst_result_t *r, const mst_origin_t *origin,
                                     mst_err_t *err);
// All rows of a run.
MST_NODISCARD mst_rc mst_db_rows_read(mst_store_t *s, int64_t run_no, mst_db_rows_t *rows, mst_err_t *err);
void mst_db_rows_deinit(mst_db_rows_t *rows);

// All fields but run_no.
bool mst_db_record_same(const mst_run_rec_t *a, const mst_run_rec_t *b);

#endif
