// Packed cases that are too large for a message, in an unlinked temporary file: memory stays bounded however large
// the rows are, and nothing is left behind by a crash. Space is given back as blobs are freed.
// Thread: belongs to one thread.
#ifndef MST_COORDINATOR_SPOOL_H
#define MST_COORDINATOR_SPOOL_H

#include "common/base/err.h"
#include "common/base/str.h"

typedef struct {
    int fd;        // -1 until the first blob
    uint64_t end;  // bytes of the file
    uint64_t live; // bytes of blobs not freed
} mst_spool_t;

void mst_spool_init(mst_spool_t *b);
void mst_spool_deinit(mst_spool_t *b);
// Writes a blob and tells where. MST_FULL, MST_IO.
MST_NODISCARD mst_rc mst_spool_add(mst_spool_t *b, mst_str_t bytes, uint64_t *out_at, mst_err_t *err);
// Reads exactly n bytes at `at`. MST_IO.
MST_NODISCARD mst_rc mst_spool_read(const mst_spool_t *b, uint64_t at, char *to, size_t n, mst_err_t *err);
void mst_spool_drop(mst_spool_t *b, uint64_t at, uint64_t n);

#endif
