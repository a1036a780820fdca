// The state behind mst_dataset_t, shared by the file that opens (dataset.c) and the one that reads (rows.c).
#ifndef MST_DATASET_STATE_H
#define MST_DATASET_STATE_H

#include "common/base/limits.h"
#include "coordinator/dataset/bytes.h"
#include "coordinator/dataset/dataset.h"
#include "coordinator/dataset/ids.h"
#include "coordinator/dataset/lines.h"
#include "coordinator/dataset/row.h"

#define MST_ROW_MEMORY_MAX    (8 * MST_JSONL_LINE_MAX) // tree and texts of one row
#define MST_ROW_CANONICAL_MAX (4 * MST_JSONL_LINE_MAX)

struct mst_dataset {
    char *name;                // "dataset \"x.jsonl\"", for messages
    mst_bytes_t *bytes;        // NULL: inline records
    mst_lines_t *lines;
    const mst_json_t *records; // borrowed
    uint64_t next_record;
    mst_field_map_t map;
    mst_arena_t *keep;         // path and mapping
    mst_arena_t *row;          // tree and texts of the row in hand
    mst_json_parser_t *parser;
    mst_buf_t canonical, scratch;
    mst_ids_t *ids;
    mst_dataset_info_t info;
    int64_t limit;             // -1 = all
    bool strict;
    mst_refused_fn *on_refused;
    void *ud;
    uint64_t cases, refused;
    mst_digest_t hash;
    bool pending;              // an accepted case that did not fit the caller's arena
    mst_case_t held;
    bool stopped;
    mst_err_t stop;            // why; every later call gives it again
};

// One row as canonical JSON into d->canonical; false: over the maximum.
bool mst_dataset_canonical(mst_dataset_t *d, const mst_json_t *row);

#endif
