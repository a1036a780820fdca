#include "common/stats/paired.h"

#include "common/stats/stats.h"

#include <math.h>
#include <stdlib.h>

#define TAIL 0.025 // of each side

static int
by_value(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

// The greatest k with P(Bin(n, 1/2) <= k - 1) <= TAIL: the interval is from the k-th smallest to the k-th largest.
static size_t
interval_rank(size_t n)
{
    double log_p = -(double)n * log(2.0), below = 0.0;
    for (size_t k = 0; k <= n / 2; k++) {
        below += exp(log_p);
        if (below > TAIL)
            return k;
        log_p += log((double)(n - k) / (double)(k + 1));
    }
    return n / 2;
}

mst_shift_t
mst_shift_median(double *d, size_t n)
{
    mst_shift_t s = {.n = n, .shift = (double)NAN, .lo = (double)NAN, .hi = (double)NAN};
    if (n == 0)
        return s;
    qsort(d, n, sizeof *d, by_value);
    s.shift = mst_percentile_sorted(d, n, 0.5);
    size_t k = interval_rank(n);
    if (k == 0)
        return s;
    s.lo = d[k - 1];
    s.hi = d[n - k];
    return s;
}

// 97.5 % point of Student's distribution: a table, and from 30 degrees on Cornish and Fisher's expansion, which is
// right to five digits there.
static double
student(size_t df)
{
    static const double table[] = {12.706205, 4.302653, 3.182446, 2.776445, 2.570582, 2.446912, 2.364624, 2.306004,
                                   2.262157,  2.228139, 2.200985, 2.178813, 2.160369, 2.144787, 2.131450, 2.119905,
                                   2.109816,  2.100922, 2.093024, 2.085963, 2.079614, 2.073873, 2.068658, 2.063899,
                                   2.059539,  2.055529, 2.051831, 2.048407, 2.045230};
    const double z = 1.959963984540054, z3 = z * z * z, z5 = z3 * z * z, z7 = z5 * z * z, v = (double)df;
    if (df <= sizeof table / sizeof table[0])
        return table[df - 1];
    return z + (z3 + z) / (4 * v) + (5 * z5 + 16 * z3 + 3 * z) / (96 * v * v) +
           (3 * z7 + 19 * z5 + 17 * z3 - 15 * z) / (384 * v * v * v);
}

mst_shift_t
mst_shift_mean(const double *d, size_t n)
{
    mst_shift_t s = {.n = n, .shift = (double)NAN, .lo = (double)NAN, .hi = (double)NAN};
    if (n == 0)
        return s;
    mst_spread_t spread = mst_spread(d, n);
    s.shift = spread.mean;
    if (n < 2)
        return s;
    double half = student(n - 1) * mst_spread_stderr(&spread);
    s.lo = s.shift - half;
    s.hi = s.shift + half;
    return s;
}

static double
square_add(double x, double y, double phi)
{
    double sum = x * x - 2 * phi * x * y + y * y;
    return sum > 0 ? sqrt(sum) : 0;
}

// Newcombe writes the difference as arm 1 less arm 2: B is the first here.
mst_shift_t
mst_shift_share(uint64_t both, uint64_t only_a, uint64_t only_b, uint64_t neither)
{
    uint64_t total = both + only_a + only_b + neither;
    mst_shift_t s = {.n = total, .shift = (double)NAN, .lo = (double)NAN, .hi = (double)NAN};
    if (total == 0)
        return s;
    double n = (double)total, a = (double)both, b = (double)only_b, c = (double)only_a, d = (double)neither;
    double l1, u1, l2, u2, p1 = (a + b) / n, p2 = (a + c) / n;
    mst_wilson(both + only_b, total, &l1, &u1);
    mst_wilson(both + only_a, total, &l2, &u2);
    double margins = (a + b) * (c + d) * (a + c) * (b + d), q = a * d - b * c, phi = 0;
    if (margins > 0) {
        q = q > n / 2 ? q - n / 2 : q >= 0 ? 0 : q;
        phi = q / sqrt(margins);
    }
    s.shift = p1 - p2;
    s.lo = s.shift - square_add(p1 - l1, u2 - p2, phi);
    s.hi = s.shift + square_add(p2 - l2, u1 - p1, phi);
    return s;
}
