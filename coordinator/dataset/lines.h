// Lines of a dataset file. A line longer than MST_JSONL_LINE_MAX is reported once and passed over without being
// held. A byte-order mark at the very start is skipped.
// Thread: belongs to one thread.
#ifndef MST_DATASET_LINES_H
#define MST_DATASET_LINES_H

#include "common/base/str.h"
#include "coordinator/dataset/bytes.h"

typedef struct mst_lines mst_lines_t;

typedef struct {
    mst_str_t text;  // without the line feed; valid until the next call; empty when too_long
    uint64_t number; // from 1
    bool too_long;
} mst_line_t;

mst_lines_t *mst_lines_new(mst_bytes_t *source); // borrowed, stands at its start
void mst_lines_free(mst_lines_t **l);
// MST_OK; MST_NOTFOUND at the end (no error set); what mst_bytes_read gives; MST_NOMEM.
MST_NODISCARD mst_rc mst_lines_next(mst_lines_t *l, mst_line_t *out, mst_err_t *err);

#endif
