// Mean and deviation of a sequence that is in memory. The sums follow numpy's pairwise order step by step (blocks of
// 128 in eight lanes): a constant baseline of a value that binary has no exact form for has the deviation that the
// reference sees, and "more than three deviations" ends the same way on both sides.
#include "common/stats/stats.h"

#include <math.h>

#define BLOCK 128
#define LANES 8

typedef double term_fn(double x, double shift);

static double
plain(double x, double shift)
{
    (void)shift;
    return x;
}

static double
square_from(double x, double shift)
{
    double d = x - shift;
    return d * d;
}

static double
sum_block(const double *x, size_t n, term_fn *term, double shift)
{
    double lane[LANES], sum;
    size_t i;
    if (n < LANES) {
        sum = 0.0;
        for (i = 0; i < n; i++)
            sum += term(x[i], shift);
        return sum;
    }
    for (i = 0; i < LANES; i++)
        lane[i] = term(x[i], shift);
    for (; i + LANES <= n; i += LANES)
        for (size_t k = 0; k < LANES; k++)
            lane[k] += term(x[i + k], shift);
    sum = ((lane[0] + lane[1]) + (lane[2] + lane[3])) + ((lane[4] + lane[5]) + (lane[6] + lane[7]));
    for (; i < n; i++)
        sum += term(x[i], shift);
    return sum;
}

// n halves with every step, so the depth is at most its number of bits.
static double
sum_pairwise(const double *x, size_t n, term_fn *term, double shift)
{
    if (n <= BLOCK)
        return sum_block(x, n, term, shift);
    size_t half = n / 2;
    half -= half % LANES;
    return sum_pairwise(x, half, term, shift) + sum_pairwise(x + half, n - half, term, shift);
}

double
mst_sum(const double *x, size_t n)
{
    return sum_pairwise(x, n, plain, 0.0);
}

mst_spread_t
mst_spread(const double *x, size_t n)
{
    mst_spread_t s = {.n = n, .mean = (double)NAN, .sd = (double)NAN};
    if (n == 0)
        return s;
    s.mean = mst_sum(x, n) / (double)n;
    s.sd = sqrt(sum_pairwise(x, n, square_from, s.mean) / (double)n);
    return s;
}

double
mst_spread_sample_sd(const mst_spread_t *s)
{
    if (s->n < 2)
        return (double)NAN;
    return s->sd * sqrt((double)s->n / (double)(s->n - 1));
}

double
mst_spread_stderr(const mst_spread_t *s)
{
    return mst_spread_sample_sd(s) / sqrt((double)s->n);
}

double
mst_median_upper_sorted(const double *sorted, size_t n)
{
    return n > 0 ? sorted[n / 2] : (double)NAN;
}
