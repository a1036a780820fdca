// Log-linear histogram. Values below 128 have a bucket each; above, every power of two is cut in 128 equal
// buckets. The index follows from the leading bits of the value alone, so two histograms merge by adding.
//
// Packed: version byte 1, then for each bucket in use (in order) varint of the distance to the bucket before
// it, varint of its count. If you change the bucket rule, change the version.
#include "common/stats/stats.h"

#include "common/base/mem.h"

#include <stdlib.h>

#define SUB_BITS 7
#define SUB      (1U << SUB_BITS)
#define BUCKETS  ((64U - SUB_BITS + 1U) * SUB)
#define VERSION  1

struct mst_hist {
    uint64_t total;
    uint32_t first, last; // buckets in use lie in [first, last]; first > last: none
    uint64_t counts[BUCKETS];
};

static uint32_t
bucket_of(uint64_t v)
{
    if (v < SUB)
        return (uint32_t)v;
    uint32_t shift = 63U - (uint32_t)__builtin_clzll(v) - SUB_BITS;
    return (shift + 1) * SUB + (uint32_t)(v >> shift) - SUB;
}

static uint64_t
bucket_low(uint32_t b)
{
    if (b < SUB)
        return b;
    return (uint64_t)(SUB + b % SUB) << (b / SUB - 1);
}

// The bound of the last bucket is 2^64, which UINT64_MAX stands for.
static uint64_t
bucket_high(uint32_t b)
{
    return b + 1 < BUCKETS ? bucket_low(b + 1) : UINT64_MAX;
}

static void
bucket_add(mst_hist_t *h, uint32_t b, uint64_t count)
{
    h->counts[b] += count;
    h->total += count;
    if (b < h->first)
        h->first = b;
    if (b > h->last || h->first > h->last)
        h->last = b;
}

mst_hist_t *
mst_hist_new(void)
{
    mst_hist_t *h = MST_NEW(mst_hist_t);
    h->first = BUCKETS;
    return h;
}

void
mst_hist_free(mst_hist_t **h)
{
    if (!h)
        return;
    free(*h);
    *h = NULL;
}

void
mst_hist_add(mst_hist_t *h, uint64_t v)
{
    bucket_add(h, bucket_of(v), 1);
}

void
mst_hist_merge(mst_hist_t *h, const mst_hist_t *o)
{
    for (uint32_t b = o->first; b <= o->last && b < BUCKETS; b++)
        if (o->counts[b] > 0)
            bucket_add(h, b, o->counts[b]);
}

uint64_t
mst_hist_count(const mst_hist_t *h)
{
    return h->total;
}

bool
mst_hist_rank(const mst_hist_t *h, uint64_t k, mst_bucket_t *out)
{
    if (k >= h->total)
        return false;
    uint64_t before = 0;
    uint32_t b = h->first;
    while (before + h->counts[b] <= k)
        before += h->counts[b++];
    *out = (mst_bucket_t){.lo = bucket_low(b), .hi = bucket_high(b), .count = h->counts[b], .below = before};
    return true;
}

uint64_t
mst_hist_quantile(const mst_hist_t *h, double q)
{
    if (h->total == 0)
        return 0;
    double want = q * (double)h->total;
    uint64_t k = want > 0 ? (uint64_t)want : 0;
    if ((double)k == want && k > 0)
        k--; // nearest rank: ceil(q n), counted from 1
    if (k >= h->total)
        k = h->total - 1;
    mst_bucket_t b;
    return mst_hist_rank(h, k, &b) ? b.lo + (b.hi - b.lo - 1) / 2 : 0;
}

static void
put_varint(mst_buf_t *out, uint64_t v)
{
    while (v >= 0x80) {
        mst_buf_add_byte(out, (char)(v | 0x80));
        v >>= 7;
    }
    mst_buf_add_byte(out, (char)v);
}

void
mst_hist_pack(const mst_hist_t *h, mst_buf_t *out)
{
    mst_buf_add_byte(out, VERSION);
    uint32_t before = 0;
    for (uint32_t b = h->first; b <= h->last && b < BUCKETS; b++) {
        if (h->counts[b] == 0)
            continue;
        put_varint(out, b - before);
        put_varint(out, h->counts[b]);
        before = b;
    }
}

static bool
take_varint(mst_str_t *s, uint64_t *out)
{
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 64 && s->n > 0; shift += 7) {
        uint8_t byte = (uint8_t)*s->p;
        s->p++;
        s->n--;
        if (shift == 63 && byte > 1)
            return false;
        v |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            *out = v;
            return true;
        }
    }
    return false;
}

mst_rc
mst_hist_unpack(mst_hist_t *h, mst_str_t packed, mst_err_t *err)
{
    if (packed.n == 0 || packed.p[0] != VERSION)
        return MST_ERR(err, MST_PROTO, "packed histogram has no version %d header", VERSION);
    mst_str_t rest = mst_str(packed.p + 1, packed.n - 1);
    uint64_t bucket = 0, total = h->total;
    for (bool first = true; rest.n > 0; first = false) {
        uint64_t step, count;
        if (!take_varint(&rest, &step) || !take_varint(&rest, &count))
            return MST_ERR(err, MST_PROTO, "packed histogram is cut short");
        if (step >= BUCKETS || (step == 0 && !first) || bucket + step >= BUCKETS || count == 0)
            return MST_ERR(err, MST_PROTO, "packed histogram names bucket %llu with count %llu",
                           (unsigned long long)(bucket + step), (unsigned long long)count);
        if (__builtin_add_overflow(total, count, &total))
            return MST_ERR(err, MST_PROTO, "packed histogram counts more than 2^64 values");
        bucket += step;
        bucket_add(h, (uint32_t)bucket, count);
    }
    return MST_OK;
}
