// The bytes of a dataset file, decompressed on the way, readable from the start as often as needed.
// The file stays open between the passes, so one that is replaced in the meantime is still read as it was; one that
// is written to is noticed at the end.
// Thread: belongs to one thread.
#ifndef MST_DATASET_BYTES_H
#define MST_DATASET_BYTES_H

#include "common/base/err.h"

typedef struct mst_bytes mst_bytes_t;

// MST_NOTFOUND, MST_INVAL (a directory, a pipe, not readable), MST_IO. path: copied.
MST_NODISCARD mst_rc mst_bytes_open(const char *path, mst_bytes_t **out, mst_err_t *err);
void mst_bytes_close(mst_bytes_t **b);
MST_NODISCARD mst_rc mst_bytes_rewind(mst_bytes_t *b, mst_err_t *err);
// Up to cap bytes; *out_n 0 only at the end. MST_IO; MST_PROTO, MST_LIMIT from decompression; MST_CONFLICT when
// the file changed since it was opened.
MST_NODISCARD mst_rc mst_bytes_read(mst_bytes_t *b, char *p, size_t cap, size_t *out_n, mst_err_t *err);
const char *mst_bytes_path(const mst_bytes_t *b);

#endif
