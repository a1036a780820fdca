// A non-negative double orders like its bits, so ranks are found by leading bits: 16 at a time, four readings at the
// most. As soon as what lies beside the wanted ranks fits into memory, one more reading keeps it.
#include "common/stats/select.h"

#include "common/base/mem.h"
#include "common/stats/stats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    KEEP_FIRST = 1 << 16, // values that the first reading keeps
    KEEP_LATER = 1 << 18, // that a later one keeps
    DIGITS = 1 << 16,
    LEVELS = 4,
    RANGES_MAX = 2 * MST_SELECT_WANTS_MAX,
};

static const unsigned shifts[LEVELS] = {47, 31, 15, 0}; // of the bits that a level has fixed; before them: 63

typedef struct {
    double x;
    uint32_t weight;
} item_t;

typedef struct { // values that share the bits fixed so far, and hold a wanted rank
    uint64_t prefix;
    uint64_t below;   // weight under it
    uint64_t weight;  // in it
    uint64_t *counts; // by the next digit, while counting
} range_t;

typedef struct {
    mst_rank_rule_t rule;
    double q;
    size_t first; // its ranks in s->ranks
    bool none;
} want_t;

typedef struct {
    uint64_t rank; // 0-based, in units of weight
    size_t range;
    double value;
} rank_t;

struct mst_select {
    want_t wants[MST_SELECT_WANTS_MAX];
    size_t want_count;
    rank_t ranks[RANGES_MAX];
    size_t rank_count;
    range_t ranges[RANGES_MAX];
    size_t range_count;
    int level; // the last one that is fixed; -1: none
    bool counting, later, done;
    item_t *items;
    size_t item_count, item_cap;
    uint64_t n, weight;
    double sum, sum_low, mean, m2, min, max;
};

mst_select_t *
mst_select_new(void)
{
    mst_select_t *s = MST_NEW(mst_select_t);
    s->level = -1;
    s->range_count = 1;
    return s;
}

static void
drop_counts(mst_select_t *s)
{
    for (size_t i = 0; i < s->range_count; i++) {
        free(s->ranges[i].counts);
        s->ranges[i].counts = NULL;
    }
}

void
mst_select_free(mst_select_t **s)
{
    if (!s || !*s)
        return;
    drop_counts(*s);
    free((*s)->items);
    free(*s);
    *s = NULL;
}

size_t
mst_select_want(mst_select_t *s, mst_rank_rule_t rule, double q)
{
    MST_ASSERT(s->want_count < MST_SELECT_WANTS_MAX && s->n == 0);
    s->wants[s->want_count] = (want_t){.rule = rule, .q = q};
    return s->want_count++;
}

static uint64_t
key_of(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits & (UINT64_MAX >> 1); // -0.0 is 0
}

static double
of_key(uint64_t key)
{
    double x;
    memcpy(&x, &key, sizeof x);
    return x;
}

static unsigned
shift_at(int level)
{
    return level < 0 ? 63 : shifts[level];
}

static range_t *
range_of(mst_select_t *s, uint64_t key)
{
    uint64_t prefix = key >> shift_at(s->level);
    for (size_t i = 0; i < s->range_count; i++)
        if (s->ranges[i].prefix == prefix)
            return &s->ranges[i];
    return NULL;
}

static uint64_t
digit_of(const mst_select_t *s, uint64_t key)
{
    unsigned next = shift_at(s->level + 1);
    return (key >> next) & ((1ULL << (shift_at(s->level) - next)) - 1);
}

static void
start_counting(mst_select_t *s)
{
    s->counting = true;
    for (size_t i = 0; i < s->range_count; i++)
        s->ranges[i].counts = MST_NEW_ARRAY(uint64_t, DIGITS);
}

static void
count(mst_select_t *s, double x, uint32_t weight)
{
    uint64_t key = key_of(x);
    range_t *r = range_of(s, key);
    if (r)
        r->counts[digit_of(s, key)] += weight;
}

static void
keep(mst_select_t *s, double x, uint32_t weight)
{
    if (!range_of(s, key_of(x)))
        return;
    if (!s->later && s->item_count == KEEP_FIRST) { // too many: by digits from now on
        start_counting(s);
        for (size_t i = 0; i < s->item_count; i++)
            count(s, s->items[i].x, s->items[i].weight);
        s->item_count = 0;
        count(s, x, weight);
        return;
    }
    if (s->item_count == s->item_cap) {
        s->item_cap = s->item_cap ? 2 * s->item_cap : 256;
        s->items = mst_xrealloc(s->items, s->item_cap * sizeof *s->items);
    }
    s->items[s->item_count++] = (item_t){x, weight};
}

static void
sum(mst_select_t *s, double x, uint32_t weight)
{
    if (s->n == 0 || x < s->min)
        s->min = x;
    if (s->n == 0 || x > s->max)
        s->max = x;
    s->n++;
    s->weight += weight;
    double part = x * weight, total = s->sum + part;
    s->sum_low += fabs(s->sum) >= fabs(part) ? (s->sum - total) + part : (part - total) + s->sum;
    s->sum = total;
    double away = x - s->mean;
    s->mean += away * ((double)weight / (double)s->weight);
    s->m2 += weight * away * (x - s->mean);
}

void
mst_select_add(mst_select_t *s, double x, uint32_t weight)
{
    if (s->done || weight == 0 || !isfinite(x) || x < 0)
        return;
    if (!s->later)
        sum(s, x, weight);
    if (s->counting)
        count(s, x, weight);
    else
        keep(s, x, weight);
}

static void
add_rank(mst_select_t *s, uint64_t rank)
{
    s->ranks[s->rank_count++] = (rank_t){.rank = rank < s->weight ? rank : s->weight - 1, .value = (double)NAN};
}

// The ranks that each want needs, now that the weight is known.
static void
set_ranks(mst_select_t *s)
{
    double all = (double)s->weight;
    for (size_t i = 0; i < s->want_count; i++) {
        want_t *w = &s->wants[i];
        w->first = s->rank_count;
        uint64_t discard = w->rule == MST_RANK_UPPER ? mst_bound_discard(s->weight, w->q) : 0;
        w->none = s->weight == 0 || (w->rule == MST_RANK_UPPER && discard == 0);
        if (w->none)
            continue;
        double at = floor((all - 1) * w->q), reached = ceil(w->q * all - 1e-9);
        switch (w->rule) {
        case MST_RANK_LINEAR:
            add_rank(s, (uint64_t)at);
            add_rank(s, (uint64_t)at + 1);
            break;
        case MST_RANK_CDF:
            add_rank(s, reached > 1 ? (uint64_t)reached - 1 : 0);
            break;
        case MST_RANK_FLOOR:
            add_rank(s, (uint64_t)(all * w->q));
            break;
        case MST_RANK_UPPER:
            add_rank(s, s->weight - discard);
            break;
        }
    }
}

// The next ranges: for each rank the digit that holds it.
static void
narrow(mst_select_t *s)
{
    range_t next[RANGES_MAX];
    size_t count_of = 0;
    unsigned width = shift_at(s->level) - shift_at(s->level + 1);
    for (size_t i = 0; i < s->rank_count; i++) {
        rank_t *k = &s->ranks[i];
        const range_t *r = &s->ranges[k->range];
        uint64_t below = r->below, digit = 0;
        while (digit + 1 < (1ULL << width) && below + r->counts[digit] <= k->rank)
            below += r->counts[digit++];
        range_t found = {.prefix = r->prefix << width | digit, .below = below, .weight = r->counts[digit]};
        size_t at = 0;
        while (at < count_of && next[at].prefix != found.prefix)
            at++;
        if (at == count_of)
            next[count_of++] = found;
        k->range = at;
    }
    drop_counts(s);
    memcpy(s->ranges, next, count_of * sizeof *next);
    s->range_count = count_of;
    s->level++;
}

static int
by_value(const void *a, const void *b)
{
    const item_t *x = a, *y = b;
    return (x->x > y->x) - (x->x < y->x);
}

// What was kept, in order, gives the value of each rank: those in front of a range weigh range.below.
static void
pick(mst_select_t *s)
{
    if (s->item_count > 0)
        qsort(s->items, s->item_count, sizeof *s->items, by_value);
    for (size_t i = 0; i < s->rank_count; i++) {
        rank_t *k = &s->ranks[i];
        const range_t *r = &s->ranges[k->range];
        uint64_t upto = r->below;
        for (size_t j = 0; j < s->item_count; j++) {
            if (key_of(s->items[j].x) >> shift_at(s->level) != r->prefix)
                continue;
            k->value = s->items[j].x;
            upto += s->items[j].weight;
            if (upto > k->rank)
                break;
        }
    }
    free(s->items);
    s->items = NULL;
    s->item_count = s->item_cap = 0;
}

static bool
next_level(mst_select_t *s)
{
    uint64_t weight = 0;
    narrow(s);
    s->counting = false;
    if (s->level == LEVELS - 1) {
        for (size_t i = 0; i < s->rank_count; i++)
            s->ranks[i].value = of_key(s->ranges[s->ranks[i].range].prefix);
        return false;
    }
    for (size_t i = 0; i < s->range_count; i++)
        weight += s->ranges[i].weight;
    if (weight > KEEP_LATER)
        start_counting(s);
    return true;
}

bool
mst_select_next(mst_select_t *s)
{
    if (s->done)
        return false;
    if (!s->later)
        set_ranks(s);
    s->later = true;
    if (s->counting && s->rank_count > 0) {
        s->done = !next_level(s);
    } else {
        pick(s);
        s->done = true;
    }
    return !s->done;
}

double
mst_select_value(const mst_select_t *s, size_t want)
{
    const want_t *w = &s->wants[want];
    if (w->none || !s->done)
        return (double)NAN;
    if (w->rule != MST_RANK_LINEAR)
        return s->ranks[w->first].value;
    double at = (double)(s->weight - 1) * w->q;
    return mst_percentile_between(s->ranks[w->first].value, s->ranks[w->first + 1].value, at - floor(at));
}

mst_select_sums_t
mst_select_sums(const mst_select_t *s)
{
    bool any = s->n > 0;
    double all = s->sum + s->sum_low, weight = (double)s->weight;
    return (mst_select_sums_t){.n = s->n,
                               .weight = s->weight,
                               .sum = all,
                               .mean = any ? all / weight : (double)NAN,
                               .min = any ? s->min : (double)NAN,
                               .max = any ? s->max : (double)NAN,
                               .sd_population = any ? sqrt(s->m2 / weight) : (double)NAN,
                               .sd_sample = s->weight > 1 ? sqrt(s->m2 / (weight - 1)) : (double)NAN};
}

uint64_t
mst_bound_discard(uint64_t n, double q)
{
    if (n == 0 || !(q > 0 && q < 1))
        return 0;
    double mean = (double)n * (1 - q), from = floor(mean - 40 * sqrt(mean) - 1), cdf = 0;
    uint64_t k = from > 0 ? (uint64_t)from : 0; // what lies below weighs nothing
    double all = lgamma((double)n + 1);
    for (;; k++) {
        double rest = (double)(n - k);
        cdf += exp(all - lgamma((double)k + 1) - lgamma(rest + 1) + (double)k * log(1 - q) + rest * log(q));
        if (cdf >= 0.01 || k == n)
            return k > 0 ? k - 1 : 0;
    }
}
