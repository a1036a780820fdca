// How far two arms lie apart that answered the same cases: B less A, with a 95 % interval. Pure.
// Thread: any; no state.
#ifndef MST_STATS_PAIRED_H
#define MST_STATS_PAIRED_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint64_t n;           // pairs
    double shift, lo, hi; // NaN where it cannot be said: without pairs; the interval with too few of them
} mst_shift_t;

// Median of the differences; the interval is of their order statistics, exact whatever their distribution (from 6
// pairs on). d is sorted. For latencies.
mst_shift_t mst_shift_median(double *d, size_t n);

// Mean of the differences; the interval is Student's (from 2 pairs on). For scores.
mst_shift_t mst_shift_mean(const double *d, size_t n);

// Of two shares: pairs by whether A and B passed. Newcombe's method 10 (Newcombe 1998). For verdicts.
mst_shift_t mst_shift_share(uint64_t both, uint64_t only_a, uint64_t only_b, uint64_t neither);

#endif
