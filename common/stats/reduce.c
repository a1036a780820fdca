#include "common/stats/reduce.h"

#include "common/stats/stats.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct {
    const char *name; // with k: up to its number
    mst_reduce_kind_t kind;
    bool has_k;
} spelling_t;

// The first spelling of a kind is the one that is written.
static const spelling_t spellings[] = {
    {"mean", MST_REDUCE_MEAN, false},
    {"median", MST_REDUCE_MEDIAN, false},
    {"max", MST_REDUCE_MAX, false},
    {"majority", MST_REDUCE_MAJORITY, false},
    {"mode", MST_REDUCE_MAJORITY, false},
    {"pass@", MST_REDUCE_PASS_AT, true},
    {"pass_at_", MST_REDUCE_PASS_AT, true},
    {"pass^", MST_REDUCE_PASS_HAT, true},
    {"pass_hat_", MST_REDUCE_PASS_HAT, true},
    {"at_least@", MST_REDUCE_AT_LEAST, true},
    {"at_least_", MST_REDUCE_AT_LEAST, true},
};

#define SPELLINGS (sizeof spellings / sizeof spellings[0])

mst_rc
mst_reduce_parse(mst_str_t text, mst_reduce_t *out, mst_err_t *err)
{
    for (size_t i = 0; i < SPELLINGS; i++) {
        mst_str_t name = mst_str_c(spellings[i].name);
        uint64_t k = 0;
        if (!mst_str_starts(text, name) || (!spellings[i].has_k && text.n != name.n))
            continue;
        mst_str_t rest = mst_str(text.p + name.n, text.n - name.n);
        bool digit = rest.n > 0 && rest.p[0] >= '0' && rest.p[0] <= '9';
        if (spellings[i].has_k && (!digit || !mst_str_to_u64(rest, &k) || k == 0 || k > UINT32_MAX))
            return MST_ERR(err, MST_INVAL, "reduction \"%.*s\" needs a number of repeats from 1 behind \"%s\"",
                           MST_FMT(mst_str_cut(text, 60)), spellings[i].name);
        *out = (mst_reduce_t){.kind = spellings[i].kind, .k = (uint32_t)k};
        return MST_OK;
    }
    return MST_ERR(err, MST_INVAL,
                   "unknown reduction \"%.*s\"; known are mean, median, max, majority, pass@K, pass^K, at_least@K",
                   MST_FMT(mst_str_cut(text, 60)));
}

mst_str_t
mst_reduce_text(mst_reduce_t r, char out[MST_REDUCE_TEXT_MAX])
{
    size_t i = 0;
    while (i < SPELLINGS - 1 && spellings[i].kind != r.kind)
        i++;
    if (spellings[i].has_k)
        (void)snprintf(out, MST_REDUCE_TEXT_MAX, "%s%u", spellings[i].name, (unsigned)r.k);
    else
        (void)snprintf(out, MST_REDUCE_TEXT_MAX, "%s", spellings[i].name);
    return mst_str_c(out);
}

double
mst_pass_at(uint64_t n, uint64_t c, uint64_t k)
{
    if (k == 0 || k > n || c > n)
        return (double)NAN;
    if (n - c < k)
        return 1.0;
    // 1 - C(n-c, k) / C(n, k) as a product of factors between 0 and 1
    double none = 1.0;
    for (uint64_t i = n - c + 1; i <= n; i++)
        none *= 1.0 - (double)k / (double)i;
    return 1.0 - none;
}

double
mst_pass_hat(uint64_t n, uint64_t c, uint64_t k)
{
    if (k == 0 || k > n || c > n)
        return (double)NAN;
    if (c < k)
        return 0.0;
    double all = 1.0;
    for (uint64_t i = 0; i < k; i++)
        all *= (double)(c - i) / (double)(n - i);
    return all;
}

size_t
mst_majority(const mst_str_t *items, size_t n)
{
    size_t best = n, most = 0;
    for (size_t i = 0; i < n; i++) {
        size_t count = 0;
        for (size_t k = i; k < n; k++)
            count += mst_str_eq(items[i], items[k]);
        if (count > most) {
            most = count;
            best = i;
        }
    }
    return best;
}

static size_t
majority_value(const double *values, size_t n)
{
    size_t best = 0, most = 0;
    for (size_t i = 0; i < n; i++) {
        size_t count = 0;
        for (size_t k = i; k < n; k++)
            count += values[k] == values[i];
        if (count > most) {
            most = count;
            best = i;
        }
    }
    return best;
}

// The largest value; of equals one that passed.
static size_t
max_value(const double *values, const bool *passed, size_t n)
{
    size_t best = 0;
    for (size_t i = 1; i < n; i++)
        if (values[i] > values[best] || (values[i] == values[best] && passed[i] && !passed[best]))
            best = i;
    return best;
}

static int
by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double
mean_or_median(mst_reduce_kind_t kind, double *values, size_t n)
{
    if (kind == MST_REDUCE_MEAN)
        return mst_sum(values, n) / (double)n;
    qsort(values, n, sizeof *values, by_value);
    return mst_percentile_sorted(values, n, 0.5);
}

static double
of_passes(mst_reduce_t r, size_t n, size_t c)
{
    if (r.kind == MST_REDUCE_PASS_AT)
        return mst_pass_at(n, c, r.k);
    if (r.kind == MST_REDUCE_PASS_HAT)
        return mst_pass_hat(n, c, r.k);
    return c >= r.k ? 1.0 : 0.0;
}

bool
mst_reduce(mst_reduce_t r, double threshold, double *values, const bool *passed, size_t n, double *out,
           bool *out_passed)
{
    size_t right = 0, vetoed = 0, at = 0;
    if (n == 0 || r.k > n)
        return false;
    for (size_t i = 0; i < n; i++) {
        right += passed[i];
        vetoed += !passed[i] && values[i] >= threshold;
    }
    switch (r.kind) {
    case MST_REDUCE_MEAN:
    case MST_REDUCE_MEDIAN:
        *out = mean_or_median(r.kind, values, n);
        if (isnan(threshold))
            *out_passed = r.kind == MST_REDUCE_MEAN ? right == n : 2 * right > n;
        else
            *out_passed = *out >= threshold && vetoed == 0;
        return true;
    case MST_REDUCE_MAX:
    case MST_REDUCE_MAJORITY:
        at = r.kind == MST_REDUCE_MAX ? max_value(values, passed, n) : majority_value(values, n);
        *out = values[at];
        *out_passed = passed[at];
        return true;
    case MST_REDUCE_PASS_AT:
    case MST_REDUCE_PASS_HAT:
    case MST_REDUCE_AT_LEAST:
        break;
    }
    *out = of_passes(r, n, right);
    *out_passed = *out >= (isnan(threshold) ? 1.0 : threshold);
    return true;
}
