// Running sums. A sum is kept as two doubles (value and lost low part), a square as an exact product, so that
// a million scores merged in any order give the same mean to the last printed digit.
#include "common/stats/stats.h"

#include <float.h>
#include <math.h>

// Neumaier's step. A sum that leaves the range of double saturates: what is stored is always finite.
static void
sum_add(double *sum, double *low, double x)
{
    double t = *sum + x;
    if (!isfinite(t)) {
        *sum = copysign(DBL_MAX, t);
        *low = 0;
        return;
    }
    if (fabs(*sum) >= fabs(x))
        *low += (*sum - t) + x;
    else
        *low += (x - t) + *sum;
    *sum = t;
}

void
mst_moments_add(mst_moments_t *m, double x, bool passed)
{
    if (m->n == 0 || x < m->min)
        m->min = x;
    if (m->n == 0 || x > m->max)
        m->max = x;
    m->n++;
    m->n_pass += passed;
    sum_add(&m->sum, &m->sum_c, x);
    double square = x * x;
    sum_add(&m->sumsq, &m->sumsq_c, square);
    if (isfinite(square))
        m->sumsq_c += fma(x, x, -square);
}

void
mst_moments_merge(mst_moments_t *m, const mst_moments_t *o)
{
    if (o->n == 0)
        return;
    if (m->n == 0 || o->min < m->min)
        m->min = o->min;
    if (m->n == 0 || o->max > m->max)
        m->max = o->max;
    m->n += o->n;
    m->n_pass += o->n_pass;
    sum_add(&m->sum, &m->sum_c, o->sum);
    sum_add(&m->sum, &m->sum_c, o->sum_c);
    sum_add(&m->sumsq, &m->sumsq_c, o->sumsq);
    sum_add(&m->sumsq, &m->sumsq_c, o->sumsq_c);
}

double
mst_moments_mean(const mst_moments_t *m)
{
    if (m->n == 0)
        return NAN;
    double mean = (m->sum + m->sum_c) / (double)m->n;
    return fmin(fmax(mean, m->min), m->max); // rounding never takes it out of the range of the values
}

// n * sumsq - sum^2 with the low parts kept: the two terms are nearly equal when the mean is large.
double
mst_moments_sd(const mst_moments_t *m)
{
    if (m->n < 2)
        return NAN;
    double n = (double)m->n;
    double a = n * m->sumsq, a_low = fma(n, m->sumsq, -a) + n * m->sumsq_c;
    double b = m->sum * m->sum, b_low = fma(m->sum, m->sum, -b) + 2 * m->sum * m->sum_c;
    double spread = (a - b) + (a_low - b_low);
    if (!isfinite(spread))
        return NAN;
    return spread > 0 ? sqrt(spread / n / (n - 1)) : 0;
}

double
mst_percentile_sorted(const double *sorted, size_t n, double q)
{
    if (n == 0)
        return NAN;
    double rank = (double)(n - 1) * fmin(fmax(q, 0), 1);
    size_t low = (size_t)rank;
    if (low + 1 >= n)
        return sorted[n - 1];
    return mst_percentile_between(sorted[low], sorted[low + 1], rank - (double)low);
}

// As numpy does it: from the nearer end, so that both ends are met exactly.
double
mst_percentile_between(double a, double b, double part)
{
    return part < 0.5 ? a + (b - a) * part : b - (b - a) * (1 - part);
}

void
mst_wilson(uint64_t k, uint64_t n, double *lo, double *hi)
{
    if (n == 0) {
        *lo = 0;
        *hi = 1;
        return;
    }
    const double z = 1.959963984540054; // 97.5 % point of the normal distribution
    double p = (double)k / (double)n, z2 = z * z / (double)n;
    double centre = (p + z2 / 2) / (1 + z2);
    double half = z * sqrt(p * (1 - p) / (double)n + z2 / (4 * (double)n)) / (1 + z2);
    *lo = k == 0 ? 0 : fmax(0, centre - half);
    *hi = k == n ? 1 : fmin(1, centre + half);
}
