// Punycode as RFC 3492 gives it, for labels of at most 63 octets.
#include "common/schema/idna.h"

#define BASE         36u
#define TMIN         1u
#define TMAX         26u
#define SKEW         38u
#define DAMP         700u
#define INITIAL_BIAS 72u
#define INITIAL_N    128u

static uint32_t
adapt(uint32_t delta, uint32_t count, bool first)
{
    delta = first ? delta / DAMP : delta / 2;
    delta += delta / count;
    uint32_t k = 0;
    for (; delta > (BASE - TMIN) * TMAX / 2; k += BASE)
        delta /= BASE - TMIN;
    return k + (BASE - TMIN + 1) * delta / (delta + SKEW);
}

static uint32_t
threshold(uint32_t k, uint32_t bias)
{
    return k <= bias + TMIN ? TMIN : k >= bias + TMAX ? TMAX : k - bias;
}

static uint32_t
digit_of(char c)
{
    if (c >= 'a' && c <= 'z')
        return (uint32_t)(c - 'a');
    return c >= '0' && c <= '9' ? (uint32_t)(c - '0') + 26 : BASE;
}

// One variable-length number; false when it is cut or too large.
static bool
take_number(mst_str_t text, size_t *at, uint32_t bias, uint64_t *i)
{
    uint64_t w = 1;
    for (uint32_t k = BASE;; k += BASE) {
        uint32_t d = *at < text.n ? digit_of(text.p[(*at)++]) : BASE;
        if (d >= BASE || *i > UINT32_MAX || w > UINT32_MAX)
            return false;
        *i += d * w;
        uint32_t t = threshold(k, bias);
        if (d < t)
            return *i <= UINT32_MAX;
        w *= BASE - t;
    }
}

size_t
mst_punycode_decode(mst_str_t text, uint32_t out[MST_LABEL_MAX])
{
    size_t basic = text.n, count = 0;
    while (basic > 0 && text.p[basic - 1] != '-')
        basic--;
    size_t at = basic;
    basic -= basic > 0;
    if (basic > MST_LABEL_MAX)
        return 0;
    for (; count < basic; count++) {
        if ((text.p[count] & 0x80) != 0)
            return 0;
        out[count] = (uint32_t)text.p[count];
    }
    uint32_t n = INITIAL_N, bias = INITIAL_BIAS;
    uint64_t i = 0;
    while (at < text.n) {
        uint64_t before = i;
        if (count == MST_LABEL_MAX || !take_number(text, &at, bias, &i))
            return 0;
        uint32_t places = (uint32_t)count + 1;
        bias = adapt((uint32_t)(i - before), places, before == 0);
        if (i / places > 0x10FFFF - n)
            return 0;
        n += (uint32_t)(i / places);
        i %= places;
        memmove(out + i + 1, out + i, (count - i) * sizeof *out);
        out[i++] = n;
        count++;
    }
    return count;
}

static bool
put(char *out, size_t *n, char c)
{
    if (*n == MST_LABEL_MAX)
        return false;
    out[(*n)++] = c;
    return true;
}

static bool
put_number(char *out, size_t *n, uint32_t q, uint32_t bias)
{
    for (uint32_t k = BASE;; k += BASE) {
        uint32_t t = threshold(k, bias), d = q < t ? q : t + (q - t) % (BASE - t);
        if (!put(out, n, (char)(d < 26 ? 'a' + d : '0' + (d - 26))))
            return false;
        if (q < t)
            return true;
        q = (q - t) / (BASE - t);
    }
}

// The smallest code point that is not below `from`.
static uint32_t
next_cp(const uint32_t *cps, size_t n, uint32_t from)
{
    uint32_t least = UINT32_MAX;
    for (size_t i = 0; i < n; i++) {
        if (cps[i] >= from && cps[i] < least)
            least = cps[i];
    }
    return least;
}

size_t
mst_punycode_encode(const uint32_t *cps, size_t n, char out[MST_LABEL_MAX])
{
    size_t len = 0;
    for (size_t i = 0; i < n; i++) {
        if (cps[i] < 0x80 && !put(out, &len, (char)cps[i]))
            return 0;
    }
    uint32_t basic = (uint32_t)len, done = basic, bias = INITIAL_BIAS, at = INITIAL_N, delta = 0;
    if (n > MST_LABEL_MAX || (basic > 0 && !put(out, &len, '-')))
        return 0;
    for (; done < n; delta++, at++) {
        uint32_t m = next_cp(cps, n, at);
        delta += (m - at) * (done + 1); // at most 0x110000 * 64
        at = m;
        for (size_t i = 0; i < n; i++) {
            delta += cps[i] < at;
            if (cps[i] != at)
                continue;
            if (!put_number(out, &len, delta, bias))
                return 0;
            bias = adapt(delta, done + 1, done == basic);
            delta = 0;
            done++;
        }
    }
    return len;
}
