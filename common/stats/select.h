// Exact order statistics of values that can be read more than once, in bounded memory: the first reading keeps what
// there is, or, when that grows too large, counts it by its leading bits; each further one looks only where a wanted
// rank lies. A value may weigh more than one: k values of the same size are one with weight k.
// Thread: a state belongs to one thread.
#ifndef MST_STATS_SELECT_H
#define MST_STATS_SELECT_H

#include "common/base/err.h"

typedef enum {
    MST_RANK_LINEAR, // type 7: numpy's and pandas' "linear"
    MST_RANK_CDF,    // the first value whose share of all weight, with those below it, reaches q
    MST_RANK_FLOOR,  // sorted[(size_t)(q * n)]
    MST_RANK_UPPER,  // with 99 % confidence at least the quantile q: mst_bound_discard; NaN when there are too few
} mst_rank_rule_t;

enum { MST_SELECT_WANTS_MAX = 16 };

typedef struct mst_select mst_select_t;

mst_select_t *mst_select_new(void);
void mst_select_free(mst_select_t **s);
// Before the first value. Returns the number to ask the answer with.
size_t mst_select_want(mst_select_t *s, mst_rank_rule_t rule, double q);
// x: finite, not negative (others are left out); weight 0: left out.
void mst_select_add(mst_select_t *s, double x, uint32_t weight);
// A reading is over. True: read all values once more.
bool mst_select_next(mst_select_t *s);
// After the last reading. NaN where there is no value.
double mst_select_value(const mst_select_t *s, size_t want);

// Known after the first reading.
typedef struct {
    uint64_t n, weight;
    double sum, mean, min, max; // weighted; NaN when n == 0, but for sum
    double sd_population, sd_sample;
} mst_select_sums_t;

mst_select_sums_t mst_select_sums(const mst_select_t *s);

// How many of n samples may lie above the quantile q (0 < q < 1) so that the claim "the quantile is not above the
// smallest of them" is wrong in less than 1 of 100 cases: the largest t with P(Binomial(n, 1 - q) <= t) < 0.01. 0: too
// few samples for any claim that leaves one out, which MLPerf asks for: 64 are needed for q 0.9, 662 for q 0.99.
uint64_t mst_bound_discard(uint64_t n, double q);

#endif
