// Lower case as Python's str.lower() gives it: Unicode's full mapping. Two things go beyond one code point to one:
// U+0130 becomes two, and a capital sigma at the end of a word becomes the final form.
#include "common/base/utf8.h"

#include <utf8proc.h>

#define SIGMA       0x03A3U
#define SIGMA_SMALL 0x03C3U
#define SIGMA_FINAL 0x03C2U
#define I_DOT       0x0130U

// Case_Ignorable: some general categories and the middle characters of words.
static bool
is_case_ignorable(uint32_t cp)
{
    switch (cp) {
    case 0x27:
    case 0x2E:
    case 0x3A:
    case 0xB7:
    case 0x387:
    case 0x55F:
    case 0x5F4:
    case 0x2018:
    case 0x2019:
    case 0x2024:
    case 0x2027:
    case 0xFE13:
    case 0xFE52:
    case 0xFE55:
    case 0xFF07:
    case 0xFF0E:
    case 0xFF1A:
        return true;
    default:
        break;
    }
    utf8proc_category_t c = utf8proc_category((utf8proc_int32_t)cp);
    return c == UTF8PROC_CATEGORY_MN || c == UTF8PROC_CATEGORY_ME || c == UTF8PROC_CATEGORY_CF ||
           c == UTF8PROC_CATEGORY_LM || c == UTF8PROC_CATEGORY_SK;
}

// Cased, for code points that are not case-ignorable: letters with case, and the other characters that have it
// (ordinal indicators, Roman numerals, circled and squared letters).
static bool
is_cased(uint32_t cp)
{
    utf8proc_category_t c = utf8proc_category((utf8proc_int32_t)cp);
    if (c == UTF8PROC_CATEGORY_LU || c == UTF8PROC_CATEGORY_LL || c == UTF8PROC_CATEGORY_LT)
        return true;
    return cp == 0xAA || cp == 0xBA || (cp >= 0x2160 && cp <= 0x217F) || (cp >= 0x24B6 && cp <= 0x24E9) ||
           (cp >= 0x1F130 && cp <= 0x1F149) || (cp >= 0x1F150 && cp <= 0x1F169) || (cp >= 0x1F170 && cp <= 0x1F189);
}

// Is the first character of rest that is not case-ignorable a cased one? Runs over ignorable characters only,
// and the next sigma lies behind them: linear over a whole text.
static bool
cased_follows(mst_str_t rest)
{
    while (rest.n > 0) {
        uint32_t cp;
        size_t n = mst_utf8_next(rest, &cp);
        if (!is_case_ignorable(cp))
            return is_cased(cp);
        rest = mst_str(rest.p + n, rest.n - n);
    }
    return false;
}

static mst_rc
add_cp(mst_buf_t *out, uint32_t cp)
{
    char bytes[4];
    return mst_buf_add(out, bytes, mst_utf8_put(cp, bytes));
}

static mst_rc
add_lower(mst_buf_t *out, uint32_t cp, bool cased_before, mst_str_t rest)
{
    if (cp == I_DOT)
        return mst_buf_add(out, "i\xCC\x87", 3);
    if (cp == SIGMA)
        return add_cp(out, cased_before && !cased_follows(rest) ? SIGMA_FINAL : SIGMA_SMALL);
    return add_cp(out, (uint32_t)utf8proc_tolower((utf8proc_int32_t)cp));
}

// Lower-cases the ASCII at the front of s; returns how many bytes that were. The last cased or uncased character
// that is not ignorable settles *cased.
static size_t
lower_ascii(mst_str_t s, char *to, bool *cased)
{
    size_t i = 0;
    for (; i < s.n && (unsigned char)s.p[i] < 0x80; i++) {
        char c = s.p[i];
        to[i] = c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
    }
    for (size_t k = i; k > 0; k--) {
        uint32_t cp = (unsigned char)s.p[k - 1];
        if (!is_case_ignorable(cp)) {
            *cased = (cp | 0x20) >= 'a' && (cp | 0x20) <= 'z';
            break;
        }
    }
    return i;
}

mst_rc
mst_utf8_lower(mst_str_t s, mst_buf_t *out)
{
    bool cased = false;
    mst_rc rc = MST_OK;
    while (s.n > 0 && rc == MST_OK) {
        if ((unsigned char)s.p[0] < 0x80) {
            char piece[256];
            size_t n = lower_ascii(mst_str(s.p, s.n < sizeof piece ? s.n : sizeof piece), piece, &cased);
            rc = mst_buf_add(out, piece, n);
            s = mst_str(s.p + n, s.n - n);
            continue;
        }
        uint32_t cp;
        size_t n = mst_utf8_next(s, &cp);
        mst_str_t rest = mst_str(s.p + n, s.n - n);
        rc = n == 1 ? mst_buf_add(out, s.p, 1) : add_lower(out, cp, cased, rest);
        if (!is_case_ignorable(cp))
            cased = is_cased(cp);
        s = rest;
    }
    return rc;
}
