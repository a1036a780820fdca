// UTF-8: checking, walking, repairing. Well-formed is what the Unicode standard says (table 3-7): no overlong
// forms, no surrogates, nothing over U+10FFFF.
#include "common/base/utf8.h"

#define REPLACEMENT 0xFFFDU

static inline bool
is_tail(unsigned char c)
{
    return (c & 0xC0) == 0x80;
}

// Length of the well-formed character at p (n >= 1 bytes left), 0 when there is none.
static inline size_t
char_bytes(const unsigned char *p, size_t n)
{
    if (p[0] < 0x80)
        return 1;
    if (p[0] < 0xC2 || p[0] > 0xF4)
        return 0;
    if (p[0] < 0xE0)
        return n >= 2 && is_tail(p[1]) ? 2 : 0;
    if (p[0] < 0xF0) {
        unsigned char low = p[0] == 0xE0 ? 0xA0 : 0x80, high = p[0] == 0xED ? 0x9F : 0xBF;
        return n >= 3 && p[1] >= low && p[1] <= high && is_tail(p[2]) ? 3 : 0;
    }
    unsigned char low = p[0] == 0xF0 ? 0x90 : 0x80, high = p[0] == 0xF4 ? 0x8F : 0xBF;
    return n >= 4 && p[1] >= low && p[1] <= high && is_tail(p[2]) && is_tail(p[3]) ? 4 : 0;
}

// Bytes at the front that are ASCII, eight at a time.
static inline size_t
ascii_run(const unsigned char *p, size_t n)
{
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        uint64_t w;
        memcpy(&w, p + i, 8);
        if ((w & 0x8080808080808080ULL) != 0)
            break;
    }
    while (i < n && p[i] < 0x80)
        i++;
    return i;
}

static inline const unsigned char *
bytes_of(mst_str_t s)
{
    return (const unsigned char *)s.p;
}

bool
mst_utf8_valid(mst_str_t s)
{
    return mst_utf8_valid_bytes(s) == s.n;
}

size_t
mst_utf8_valid_bytes(mst_str_t s)
{
    const unsigned char *p = bytes_of(s);
    size_t i = 0;
    while (i < s.n) {
        if (p[i] < 0x80) {
            i += ascii_run(p + i, s.n - i);
            continue;
        }
        size_t n = char_bytes(p + i, s.n - i);
        if (n == 0)
            return i;
        i += n;
    }
    return i;
}

size_t
mst_utf8_next(mst_str_t s, uint32_t *out_cp)
{
    const unsigned char *p = bytes_of(s);
    size_t n = char_bytes(p, s.n);
    switch (n) {
    case 1:
        *out_cp = p[0];
        return 1;
    case 2:
        *out_cp = (p[0] & 0x1FU) << 6 | (p[1] & 0x3FU);
        return 2;
    case 3:
        *out_cp = (p[0] & 0x0FU) << 12 | (p[1] & 0x3FU) << 6 | (p[2] & 0x3FU);
        return 3;
    case 4:
        *out_cp = (p[0] & 0x07U) << 18 | (p[1] & 0x3FU) << 12 | (p[2] & 0x3FU) << 6 | (p[3] & 0x3FU);
        return 4;
    default:
        *out_cp = REPLACEMENT;
        return 1;
    }
}

size_t
mst_utf8_put(uint32_t cp, char out[4])
{
    if (cp < 0x80) {
        out[0] = (char)cp;
        return 1;
    }
    if (cp < 0x800) {
        out[0] = (char)(0xC0 | cp >> 6);
        out[1] = (char)(0x80 | (cp & 0x3F));
        return 2;
    }
    if (cp < 0x10000) {
        out[0] = (char)(0xE0 | cp >> 12);
        out[1] = (char)(0x80 | (cp >> 6 & 0x3F));
        out[2] = (char)(0x80 | (cp & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | cp >> 18);
    out[1] = (char)(0x80 | (cp >> 12 & 0x3F));
    out[2] = (char)(0x80 | (cp >> 6 & 0x3F));
    out[3] = (char)(0x80 | (cp & 0x3F));
    return 4;
}

uint64_t
mst_utf8_count(mst_str_t s)
{
    const unsigned char *p = bytes_of(s);
    uint64_t count = 0;
    size_t i = 0;
    while (i < s.n) {
        size_t n = p[i] < 0x80 ? ascii_run(p + i, s.n - i) : char_bytes(p + i, s.n - i);
        count += p[i] < 0x80 ? n : 1;
        i += n > 0 ? n : 1;
    }
    return count;
}

mst_rc
mst_utf8_repair(mst_str_t s, mst_buf_t *out)
{
    while (s.n > 0) {
        size_t good = mst_utf8_valid_bytes(s);
        mst_rc rc = mst_buf_add(out, s.p, good);
        s = mst_str(s.p + good, s.n - good);
        if (rc == MST_OK && s.n > 0) {
            rc = mst_buf_add(out, "\xEF\xBF\xBD", 3);
            s = mst_str(s.p + 1, s.n - 1);
        }
        if (rc != MST_OK)
            return rc;
    }
    return MST_OK;
}

bool
mst_utf8_is_space(uint32_t cp)
{
    if (cp < 0x80)
        return cp == ' ' || (cp >= 0x09 && cp <= 0x0D) || (cp >= 0x1C && cp <= 0x1F);
    return cp == 0x85 || cp == 0xA0 || cp == 0x1680 || (cp >= 0x2000 && cp <= 0x200A) || cp == 0x2028 || cp == 0x2029 ||
           cp == 0x202F || cp == 0x205F || cp == 0x3000;
}

// Offset of the last character of s (n >= 1), which is one byte when that is no UTF-8.
static size_t
last_char(mst_str_t s)
{
    for (size_t back = 1; back <= 4 && back <= s.n; back++) {
        size_t at = s.n - back;
        if (!is_tail((unsigned char)s.p[at]))
            return char_bytes(bytes_of(s) + at, back) == back ? at : s.n - 1;
    }
    return s.n - 1;
}

mst_str_t
mst_utf8_trim_end(mst_str_t s)
{
    uint32_t cp;
    while (s.n > 0) {
        size_t at = last_char(s);
        mst_utf8_next(mst_str(s.p + at, s.n - at), &cp);
        if (!mst_utf8_is_space(cp))
            break;
        s.n = at;
    }
    return s;
}

mst_str_t
mst_utf8_trim(mst_str_t s)
{
    uint32_t cp;
    while (s.n > 0) {
        size_t n = mst_utf8_next(s, &cp);
        if (!mst_utf8_is_space(cp))
            break;
        s = mst_str(s.p + n, s.n - n);
    }
    return mst_utf8_trim_end(s);
}
