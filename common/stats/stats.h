// Numbers of a run: exact running sums and a mergeable histogram. Pure.
// Thread: a state belongs to one thread.
#ifndef MST_STATS_STATS_H
#define MST_STATS_STATS_H

#include "common/base/buf.h"
#include "common/base/err.h"

// n, sum, sum of squares (both with Neumaier's compensation, so that the order of commits does not show),
// min, max, and how many passed. A sum that leaves the range of double saturates: every field stays finite.
typedef struct {
    uint64_t n, n_pass;
    double sum, sum_c, sumsq, sumsq_c, min, max; // min, max mean nothing while n == 0
} mst_moments_t;

void mst_moments_add(mst_moments_t *m, double x, bool passed); // x finite
void mst_moments_merge(mst_moments_t *m, const mst_moments_t *o);
double mst_moments_mean(const mst_moments_t *m); // NaN when empty
double mst_moments_sd(const mst_moments_t *m);   // sample deviation (n-1); NaN when n < 2

// Log-linear histogram of non-negative integers (nanoseconds): 128 buckets per power of two, so that a
// bucket is at most 0.8 % wide. Mergeable: the sum of two is the histogram of both.
typedef struct mst_hist mst_hist_t;
mst_hist_t *mst_hist_new(void);
void mst_hist_free(mst_hist_t **h);
void mst_hist_add(mst_hist_t *h, uint64_t v);
void mst_hist_merge(mst_hist_t *h, const mst_hist_t *o);
uint64_t mst_hist_count(const mst_hist_t *h);
// Value at quantile q in [0,1] (nearest rank, middle of the bucket); 0 when empty.
uint64_t mst_hist_quantile(const mst_hist_t *h, double q);

// The bucket that holds rank k (0-based): its bounds [lo, hi), its values, and how many values lie below lo. False
// when k is not below the count.
typedef struct {
    uint64_t lo, hi, count, below;
} mst_bucket_t;

bool mst_hist_rank(const mst_hist_t *h, uint64_t k, mst_bucket_t *out);
void mst_hist_pack(const mst_hist_t *h, mst_buf_t *out);                               // sparse, versioned
MST_NODISCARD mst_rc mst_hist_unpack(mst_hist_t *h, mst_str_t packed, mst_err_t *err); // merges into h

// Type 7 (numpy "linear") percentile of n sorted values, q in [0,1]; NaN when n == 0.
double mst_percentile_sorted(const double *sorted, size_t n, double q);
// Its last step: the point a part (0..1) of the way from a to b, rounded as numpy rounds it.
double mst_percentile_between(double a, double b, double part);
// Upper middle of n sorted values, sorted[n / 2], as lm-evaluation-harness takes the median; NaN when n == 0.
double mst_median_upper_sorted(const double *sorted, size_t n);

// Mean and deviations of a sequence, two passes, summed in numpy's pairwise order so that a verdict on the edge of a
// threshold is the reference's. Values may be anything: what is not finite shows in the result.
typedef struct {
    size_t n;
    double mean; // NaN when n == 0
    double sd;   // population deviation (divided by n); NaN when n == 0
} mst_spread_t;

double mst_sum(const double *x, size_t n);
mst_spread_t mst_spread(const double *x, size_t n);
double mst_spread_sample_sd(const mst_spread_t *s); // divided by n - 1; NaN when n < 2
double mst_spread_stderr(const mst_spread_t *s);    // of the mean: sample deviation / sqrt(n)

// 95 % Wilson interval of k of n (Wilson 1927).
void mst_wilson(uint64_t k, uint64_t n, double *lo, double *hi);

#endif
