// Slices: comparing, searching, cutting, and the distance of two names.
#include "common/base/str.h"

bool
mst_str_eq(mst_str_t a, mst_str_t b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool
mst_str_eq_c(mst_str_t a, const char *z)
{
    return mst_str_eq(a, mst_str_c(z));
}

bool
mst_str_starts(mst_str_t s, mst_str_t prefix)
{
    return s.n >= prefix.n && (prefix.n == 0 || memcmp(s.p, prefix.p, prefix.n) == 0);
}

bool
mst_str_ends(mst_str_t s, mst_str_t suffix)
{
    return s.n >= suffix.n && (suffix.n == 0 || memcmp(s.p + (s.n - suffix.n), suffix.p, suffix.n) == 0);
}

int
mst_str_cmp(mst_str_t a, mst_str_t b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int order = n > 0 ? memcmp(a.p, b.p, n) : 0;
    if (order != 0)
        return order;
    return a.n == b.n ? 0 : a.n < b.n ? -1 : 1;
}

int64_t
mst_str_find(mst_str_t s, mst_str_t needle, size_t from)
{
    if (from > s.n)
        return -1;
    if (needle.n == 0)
        return (int64_t)from;
    if (needle.n > s.n - from)
        return -1;
    const char *at = memmem(s.p + from, s.n - from, needle.p, needle.n);
    return at != NULL ? at - s.p : -1;
}

static bool
is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

mst_str_t
mst_str_trim(mst_str_t s)
{
    while (s.n > 0 && is_blank(s.p[0])) {
        s.p++;
        s.n--;
    }
    while (s.n > 0 && is_blank(s.p[s.n - 1]))
        s.n--;
    return s;
}

mst_str_t
mst_str_cut(mst_str_t s, size_t n)
{
    if (s.n <= n)
        return s;
    // a character has at most three bytes behind its first: further back it is no UTF-8, and cut where asked
    size_t cut = n;
    while (cut > 0 && n - cut < 3 && ((unsigned char)s.p[cut] & 0xC0) == 0x80)
        cut--;
    if (((unsigned char)s.p[cut] & 0xC0) == 0x80)
        cut = n;
    return mst_str(s.p, cut);
}

#define NAME_MAX_BYTES 64

static size_t
min3(size_t a, size_t b, size_t c)
{
    size_t m = a < b ? a : b;
    return m < c ? m : c;
}

size_t
mst_str_distance(mst_str_t a, mst_str_t b)
{
    size_t an = a.n < NAME_MAX_BYTES ? a.n : NAME_MAX_BYTES;
    size_t bn = b.n < NAME_MAX_BYTES ? b.n : NAME_MAX_BYTES;
    size_t rows[3][NAME_MAX_BYTES + 1]; // before the last, last, this one
    for (size_t j = 0; j <= bn; j++)
        rows[1][j] = j;
    memset(rows[0], 0, sizeof rows[0]);
    for (size_t i = 1; i <= an; i++) {
        rows[2][0] = i;
        for (size_t j = 1; j <= bn; j++) {
            size_t change = rows[1][j - 1] + (a.p[i - 1] != b.p[j - 1]);
            size_t best = min3(rows[1][j] + 1, rows[2][j - 1] + 1, change);
            bool swapped = i > 1 && j > 1 && a.p[i - 1] == b.p[j - 2] && a.p[i - 2] == b.p[j - 1];
            if (swapped && rows[0][j - 2] + 1 < best)
                best = rows[0][j - 2] + 1;
            rows[2][j] = best;
        }
        memcpy(rows[0], rows[1], sizeof rows[0]);
        memcpy(rows[1], rows[2], sizeof rows[1]);
    }
    return rows[1][bn];
}
