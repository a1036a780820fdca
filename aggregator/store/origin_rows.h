// Origins that have their row in the database, so that a result looks its number up in memory. Shared by all members.
#ifndef MST_STORE_ORIGIN_ROWS_H
#define MST_STORE_ORIGIN_ROWS_H

#include "aggregator/store/store.h"

#define MST_ORIGIN_FIELDS 8
#define MST_ORIGIN_MAX    64

typedef struct {
    uint64_t hash;
    int64_t origin_no;
    char *flat; // all fields with their lengths; owned
    size_t flat_bytes;
} mst_origin_slot_t;

typedef struct {
    mst_origin_slot_t items[MST_ORIGIN_MAX];
    size_t count, last;
    mst_buf_t scratch;
} mst_origin_rows_t;

// The number of the row with this digest, made when there is none.
typedef mst_rc mst_origin_row_fn(void *ud, const mst_digest_t *digest, const mst_str_t fields[MST_ORIGIN_FIELDS],
                                 int64_t *out_no, mst_err_t *err);

void mst_origin_rows_init(mst_origin_rows_t *o);
void mst_origin_rows_deinit(mst_origin_rows_t *o);
void mst_origin_rows_forget(mst_origin_rows_t *o); // after a rollback
MST_NODISCARD mst_rc mst_origin_rows_no(mst_origin_rows_t *o, const mst_origin_t *origin, mst_origin_row_fn *row,
                                        void *ud, int64_t *out_no, mst_err_t *err);

#endif
