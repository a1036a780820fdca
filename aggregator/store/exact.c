// Exact percentiles in bounded memory.
//
// The rollup's histogram says in which range of values each wanted rank lies, and how many values that range has.
// When they are few, one scan of the rows collects them; sorted, they give the value of the rank. When they are many
// (a million equal values), scans count instead: each cuts every range in SLICES parts and keeps the part that holds
// the rank, until a range is one value wide.
#include "aggregator/store/ops.h"
#include "aggregator/store/rollup.h"

#include <math.h>
#include <stdlib.h>

#define WANT_MAX    64
#define COLLECT_MAX (1U << 19) // values kept at once: 4 MiB
#define SLICES      4096U
#define SCANS_MAX   8 // 4096^6 > 2^64

typedef struct {
    mst_metric_t metric;
    uint64_t rank;    // 0-based among all values of the metric
    uint64_t lo, hi;  // the value lies in [lo, hi)
    uint64_t below;   // values under lo
    uint64_t width;   // of a slice
    uint32_t *counts; // SLICES, while counting
    size_t owner;     // the first range with the same bounds: it collects for both
    uint64_t *values; // while collecting; the owner's
    size_t value_count, value_cap;
} range_t;

typedef struct {
    range_t ranges[2 * WANT_MAX];
    size_t range_count;
    uint64_t expected;   // values inside the ranges, by the histogram
    mst_moments_t *sums; // NULL = not wanted, or done
    int64_t target_no;   // -1 = all
} exact_t;

static void
add_sums(exact_t *e, const int64_t values[MST_METRIC_COUNT])
{
    for (int i = 0; i < MST_METRIC_COUNT && e->sums; i++)
        if (values[i] >= 0)
            mst_moments_add(&e->sums[i], (double)values[i], false);
}

static void
keep(range_t *r, uint64_t v)
{
    if (r->value_count == r->value_cap) {
        r->value_cap = r->value_cap ? 2 * r->value_cap : 1024;
        r->values = mst_xrealloc(r->values, r->value_cap * sizeof *r->values);
    }
    r->values[r->value_count++] = v;
}

static void
collect(void *ud, const int64_t values[MST_METRIC_COUNT])
{
    exact_t *e = ud;
    add_sums(e, values);
    for (size_t i = 0; i < e->range_count; i++) {
        range_t *r = &e->ranges[i];
        uint64_t v = (uint64_t)values[r->metric];
        if (r->owner == i && values[r->metric] >= 0 && v >= r->lo && v < r->hi && r->value_count < COLLECT_MAX)
            keep(r, v);
    }
}

static void
count(void *ud, const int64_t values[MST_METRIC_COUNT])
{
    exact_t *e = ud;
    add_sums(e, values);
    for (size_t i = 0; i < e->range_count; i++) {
        range_t *r = &e->ranges[i];
        uint64_t v = (uint64_t)values[r->metric];
        if (values[r->metric] >= 0 && v >= r->lo && v < r->hi)
            r->counts[(v - r->lo) / r->width]++;
    }
}

static void
start_counting(exact_t *e)
{
    for (size_t i = 0; i < e->range_count; i++) {
        range_t *r = &e->ranges[i];
        r->width = (r->hi - r->lo - 1) / SLICES + 1;
        if (!r->counts)
            r->counts = MST_NEW_ARRAY(uint32_t, SLICES);
        memset(r->counts, 0, SLICES * sizeof *r->counts);
    }
}

// Keeps the slice that holds the rank. True when every range is one value wide.
static bool
narrow(exact_t *e)
{
    bool done = true;
    for (size_t i = 0; i < e->range_count; i++) {
        range_t *r = &e->ranges[i];
        uint32_t slice = 0;
        while (slice + 1 < SLICES && r->below + r->counts[slice] <= r->rank)
            r->below += r->counts[slice++];
        uint64_t lo = r->lo + slice * r->width;
        r->hi = r->hi - lo > r->width ? lo + r->width : r->hi;
        r->lo = lo;
        done = done && r->hi - r->lo <= 1;
    }
    return done;
}

static int
compare_values(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

// Sets lo of each range to the value of its rank.
static void
pick(exact_t *e)
{
    for (size_t i = 0; i < e->range_count; i++) {
        range_t *r = &e->ranges[i], *from = &e->ranges[r->owner];
        if (r->owner == i && r->value_count > 0)
            qsort(r->values, r->value_count, sizeof *r->values, compare_values);
        uint64_t at = r->rank - r->below;
        if (from->value_count > 0)
            r->lo = from->values[at < from->value_count ? at : from->value_count - 1];
    }
}

static mst_rc
search(mst_store_t *s, int64_t run_no, exact_t *e, mst_err_t *err)
{
    if (e->expected <= COLLECT_MAX) {
        mst_rc rc = s->ops->values(s, run_no, e->target_no, collect, e, err);
        pick(e);
        return rc;
    }
    for (int scan = 0; scan < SCANS_MAX; scan++) {
        start_counting(e);
        mst_rc rc = s->ops->values(s, run_no, e->target_no, count, e, err);
        e->sums = NULL; // added up by the first scan
        if (rc != MST_OK || narrow(e))
            return rc;
    }
    return MST_OK;
}

static void
add_range(exact_t *e, const mst_rollup_t *roll, mst_metric_t metric, uint64_t rank)
{
    size_t at = e->range_count;
    range_t *r = &e->ranges[at];
    mst_bucket_t b;
    if (!mst_hist_rank(roll->hist[metric], rank, &b))
        return;
    *r = (range_t){.metric = metric, .rank = rank, .lo = b.lo, .hi = b.hi, .below = b.below, .owner = at};
    for (size_t i = 0; i < at && r->owner == at; i++)
        if (e->ranges[i].metric == metric && e->ranges[i].lo == b.lo)
            r->owner = i;
    if (r->owner == at)
        e->expected += b.count;
    e->range_count++;
}

// Two ranges a quantile, in order: the rank below and the one above (the same one at the end).
static void
plan(exact_t *e, const mst_rollup_t *roll, const mst_quantile_t *want, size_t count_of)
{
    for (size_t i = 0; i < count_of; i++) {
        uint64_t n = mst_hist_count(roll->hist[want[i].metric]);
        if (n == 0)
            continue;
        uint64_t low = (uint64_t)((double)(n - 1) * fmin(fmax(want[i].q, 0), 1));
        add_range(e, roll, want[i].metric, low);
        add_range(e, roll, want[i].metric, low + 1 < n ? low + 1 : n - 1);
    }
}

static void
answer(const exact_t *e, const mst_rollup_t *roll, mst_quantile_t *want, size_t count_of)
{
    size_t next = 0;
    for (size_t i = 0; i < count_of; i++) {
        uint64_t n = mst_hist_count(roll->hist[want[i].metric]);
        want[i].value = (double)NAN;
        if (n == 0)
            continue;
        double rank = (double)(n - 1) * fmin(fmax(want[i].q, 0), 1);
        double low = (double)e->ranges[next].lo, high = (double)e->ranges[next + 1].lo;
        want[i].value = mst_percentile_between(low, high, rank - floor(rank));
        next += 2;
    }
}

static void
release(exact_t *e)
{
    for (size_t i = 0; i < e->range_count; i++) {
        free(e->ranges[i].counts);
        free(e->ranges[i].values);
    }
    free(e);
}

static void
count_values(void *ud, const int64_t values[MST_METRIC_COUNT])
{
    mst_rollup_t *roll = ud;
    for (int i = 0; i < MST_METRIC_COUNT; i++)
        if (values[i] >= 0)
            mst_hist_add(roll->hist[i], (uint64_t)values[i]);
}

// The rollup is of the whole run: one target's histogram is counted anew.
static mst_rc
histograms(mst_store_t *s, int64_t run_no, int64_t target_no, mst_rollup_t *roll, mst_err_t *err)
{
    if (target_no < 0)
        return s->ops->rollup(s, run_no, roll, err);
    return s->ops->values(s, run_no, target_no, count_values, roll, err);
}

static mst_rc
quantiles(mst_store_t *s, int64_t run_no, int64_t target_no, mst_quantile_t *want, size_t count_of,
          mst_moments_t *sums, mst_err_t *err)
{
    if (count_of > WANT_MAX)
        return MST_ERR(err, MST_LIMIT, "%zu percentiles wanted at once, at most %d allowed", count_of, WANT_MAX);
    mst_rollup_t roll;
    exact_t *e = MST_NEW(exact_t);
    e->sums = sums;
    e->target_no = target_no;
    if (sums)
        memset(sums, 0, MST_METRIC_COUNT * sizeof *sums);
    mst_rollup_init(&roll);
    mst_rc rc = s->ops->read_begin(s, err);
    if (rc != MST_OK)
        goto out;
    rc = histograms(s, run_no, target_no, &roll, err);
    uint64_t any = 0;
    for (int i = 0; i < MST_METRIC_COUNT; i++)
        any += mst_hist_count(roll.hist[i]);
    if (rc == MST_OK)
        plan(e, &roll, want, count_of);
    if (rc == MST_OK && any > 0 && (e->range_count > 0 || sums))
        rc = search(s, run_no, e, err);
    if (rc == MST_OK)
        answer(e, &roll, want, count_of);
    s->ops->read_end(s);
out:
    mst_rollup_deinit(&roll);
    release(e);
    return rc;
}

mst_rc
mst_store_quantiles(mst_store_t *s, int64_t run_no, mst_quantile_t *want, size_t count_of, mst_moments_t *sums,
                    mst_err_t *err)
{
    return quantiles(s, run_no, -1, want, count_of, sums, err);
}

mst_rc
mst_store_target_quantiles(mst_store_t *s, int64_t run_no, uint32_t target_no, mst_quantile_t *want, size_t count_of,
                           mst_moments_t *sums, mst_err_t *err)
{
    return quantiles(s, run_no, target_no, want, count_of, sums, err);
}
