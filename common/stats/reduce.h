// Reduction of repeats: the scores that one scorer gave to the same case, asked several times, as one number. Pure.
//
// Written as text in configurations: "mean", "median", "max", "majority", "pass@K", "pass^K", "at_least@K"
// (also pass_at_K, pass_hat_K, at_least_K). The first four look at values, the last three at how many repeats passed.
// Thread: any; no state.
#ifndef MST_STATS_REDUCE_H
#define MST_STATS_REDUCE_H

#include "common/base/err.h"
#include "common/base/str.h"

typedef enum {
    MST_REDUCE_MEAN = 0,
    MST_REDUCE_MEDIAN,   // of an even number the middle between the two middle values
    MST_REDUCE_MAX,
    MST_REDUCE_MAJORITY, // the most frequent value; of several the one seen first
    MST_REDUCE_PASS_AT,  // pass@k: that one of k passes; unbiased (Chen et al. 2021)
    MST_REDUCE_PASS_HAT, // pass^k: that all of k pass; unbiased
    MST_REDUCE_AT_LEAST, // 1 when at least k repeats passed, else 0
} mst_reduce_kind_t;

typedef struct {
    mst_reduce_kind_t kind;
    uint32_t k; // of the last three, at least 1; else 0
} mst_reduce_t;

#define MST_REDUCE_TEXT_MAX 32

// MST_INVAL names the text and what is known.
MST_NODISCARD mst_rc mst_reduce_parse(mst_str_t text, mst_reduce_t *out, mst_err_t *err);
// The one spelling that a stored configuration has.
mst_str_t mst_reduce_text(mst_reduce_t r, char out[MST_REDUCE_TEXT_MAX]);

// passed[i] goes with values[i], both in the order of the repeats. values are overwritten (sorted).
// *out_passed: the verdict on the reduced value: value >= threshold, and for mean and median that no repeat was failed
// with a value that would have passed; for max and majority the verdict of a repeat with that value.
// A threshold of NaN is none: the mean passes when every repeat did, the median when more than half of them did, and
// pass@k and its like need 1.
// false: there is no value, because n is 0 or k is more than n.
bool mst_reduce(mst_reduce_t r, double threshold, double *values, const bool *passed, size_t n, double *out,
                bool *out_passed);

// n samples of which c are right, k drawn. NaN when k > n or k is 0.
double mst_pass_at(uint64_t n, uint64_t c, uint64_t k);
double mst_pass_hat(uint64_t n, uint64_t c, uint64_t k);
// Index of the first item of the most frequent text; n when n is 0. Quadratic: for repeats, not for datasets.
size_t mst_majority(const mst_str_t *items, size_t n);

#endif
