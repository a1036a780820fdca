// A dataset as a stream of cases: JSONL (plain, .gz, .zst) or inline records; field mapping; ids; digests.
// Never holds more than one row and one read buffer. Two passes over a file: the first digests and counts, the
// second gives the cases.
//
// A bad row (not JSON, not an object, no input, longer than MST_JSONL_LINE_MAX, duplicate id) is refused and
// counted; with strict the first one stops the dataset. Accepted rows are numbered from 0 without gaps, so the
// same bytes give the same case numbers.
// Thread: belongs to one thread.
#ifndef MST_DATASET_DATASET_H
#define MST_DATASET_DATASET_H

#include "common/base/hash.h"
#include "common/base/mem.h"
#include "common/config/run_config.h"
#include "common/model/case.h"

typedef struct mst_dataset mst_dataset_t;

typedef struct {
    mst_digest_t digest;  // SHA-256 of the (decompressed) bytes
    uint64_t bytes;       // decompressed
    uint64_t lines;       // non-blank lines: an upper bound of the cases
} mst_dataset_info_t;

typedef struct {
    uint64_t line;        // from 1; inline records count from 1 too
    char message[256];    // one sentence
} mst_refused_t;
typedef void mst_refused_fn(void *ud, const mst_refused_t *row);

// Opens and makes the first pass. MST_NOTFOUND, MST_IO, MST_INVAL (no rows: dataset "x" is empty), MST_PROTO.
MST_NODISCARD mst_rc mst_dataset_open(const mst_source_cfg_t *cfg, bool strict, mst_refused_fn *on_refused,
                                      void *ud, mst_dataset_t **out, mst_err_t *err);
void mst_dataset_close(mst_dataset_t **d);
const mst_dataset_info_t *mst_dataset_info(const mst_dataset_t *d);
// The next case; its slices live in arena. MST_OK; MST_NOTFOUND at the end (or at limit); strict: MST_INVAL with
// the line number.
MST_NODISCARD mst_rc mst_dataset_next(mst_dataset_t *d, mst_arena_t *arena, mst_case_t *out, mst_err_t *err);
// After the end: accepted and refused rows, and the order-free hash of the accepted canonical rows.
void mst_dataset_totals(const mst_dataset_t *d, uint64_t *out_cases, uint64_t *out_refused,
                        mst_digest_t *out_hash);

#endif
