#include "common/nn/pooling.h"

#include <math.h>
#include <string.h>

static void
pool_max(const double *rows, size_t count, size_t n, double *out)
{
    for (size_t i = 0; i < n; i++)
        out[i] = count > 0 ? rows[i] : 0.0;
    for (size_t r = 1; r < count; r++) {
        for (size_t i = 0; i < n; i++)
            out[i] = fmax(out[i], rows[r * n + i]);
    }
}

void
mst_pool(mst_pool_t how, const double *rows, size_t count, size_t n, double *out)
{
    if (how == MST_POOL_MAX) {
        pool_max(rows, count, n, out);
        return;
    }
    size_t used = how == MST_POOL_CLS && count > 1 ? 1 : count;
    double by = fmax((double)used, 1e-9);
    if (how == MST_POOL_MEAN_SQRT)
        by = sqrt(by);
    for (size_t i = 0; i < n; i++)
        out[i] = 0.0;
    for (size_t r = 0; r < used; r++) {
        for (size_t i = 0; i < n; i++)
            out[i] += rows[r * n + i];
    }
    for (size_t i = 0; i < n; i++)
        out[i] /= by;
}

static double
dot(const double *a, const double *b, size_t n)
{
    double sum = 0.0;
    for (size_t i = 0; i < n; i++)
        sum += a[i] * b[i];
    return sum;
}

void
mst_l2_normalise(double *x, size_t n)
{
    double by = fmax(sqrt(dot(x, x, n)), 1e-12);
    for (size_t i = 0; i < n; i++)
        x[i] /= by;
}

double
mst_cosine(const double *a, const double *b, size_t n)
{
    return dot(a, b, n) / (sqrt(dot(a, a, n)) * sqrt(dot(b, b, n)) + 1e-8);
}
