// Levenshtein distance over code points, bytes or words: the least number of insertions, deletions and replacements.
// Bit-parallel in a band that widens until the distance fits in it (Myers 1999, Hyyrö 2003, Ukkonen 1985), so time
// follows the distance: two texts of 10 MB that differ in a few places are quick, two that have nothing in common
// are MST_LIMIT.
// Thread: an object belongs to one thread.
#ifndef MST_TEXT_DISTANCE_H
#define MST_TEXT_DISTANCE_H

#include "common/base/err.h"
#include "common/base/str.h"

typedef enum { MST_UNIT_CHARS, MST_UNIT_BYTES, MST_UNIT_WORDS } mst_unit_t;

typedef struct {
    uint64_t distance; // of two texts whose distance is over the limit: the limit + 1
    uint64_t longest;  // units of the longer text
} mst_distance_t;

typedef struct mst_distance_ctx mst_distance_ctx_t;

bool mst_unit_parse(mst_str_t name, mst_unit_t *out); // chars, bytes, words
mst_distance_ctx_t *mst_distance_new(mst_unit_t unit);
void mst_distance_free(mst_distance_ctx_t **d);
// A distance over limit is not worked out (UINT64_MAX: any is). An invalid byte is one unit, equal to any other.
// MST_LIMIT: more than MST_TEXT_WORK_MAX steps, or the shorter text has more than MST_TEXT_PATTERN_MAX units.
MST_NODISCARD mst_rc mst_distance(mst_distance_ctx_t *d, mst_str_t a, mst_str_t b, uint64_t limit, mst_distance_t *out,
                                  mst_err_t *err);

#endif
