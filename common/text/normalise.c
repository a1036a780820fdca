#include "common/text/normalise.h"

#include "common/base/utf8.h"

bool
mst_text_is_ascii(mst_str_t s)
{
    size_t i = 0;
    for (; i + 8 <= s.n; i += 8) {
        uint64_t word;
        memcpy(&word, s.p + i, 8);
        if (word & 0x8080808080808080ULL)
            return false;
    }
    for (; i < s.n; i++) {
        if ((unsigned char)s.p[i] >= 0x80)
            return false;
    }
    return true;
}

#define EACH_BYTE(b) (0x0101010101010101ULL * (b))

// Eight ASCII bytes in lower case: the high bit of each byte of `upper` says that it lies in A..Z, and 0x20 is two
// places below the high bit.
static uint64_t
lower_word(uint64_t w)
{
    uint64_t from_a = w + EACH_BYTE(0x80 - 'A'), past_z = w + EACH_BYTE(0x7f - 'Z');
    uint64_t upper = (from_a ^ past_z) & EACH_BYTE(0x80U);
    return w | (upper >> 2);
}

// Writes s in lower case to `to`; false, with `to` half written, when it is not ASCII.
static bool
lower_ascii(mst_str_t s, char *to)
{
    size_t i = 0;
    uint64_t high = 0;
    for (; i + 8 <= s.n; i += 8) {
        uint64_t word;
        memcpy(&word, s.p + i, 8);
        high |= word;
        word = lower_word(word & EACH_BYTE(0x7fU));
        memcpy(to + i, &word, 8);
    }
    for (; i < s.n; i++) {
        high |= (unsigned char)s.p[i];
        to[i] = (char)(s.p[i] + (s.p[i] >= 'A' && s.p[i] <= 'Z' ? 'a' - 'A' : 0));
    }
    return (high & EACH_BYTE(0x80U)) == 0;
}

mst_rc
mst_text_lower(mst_str_t s, mst_buf_t *scratch, mst_str_t *out)
{
    mst_buf_reset(scratch);
    *out = MST_STR_NULL;
    char *to = mst_buf_reserve(scratch, s.n);
    if (to == NULL)
        return MST_LIMIT;
    mst_rc rc = MST_OK;
    if (lower_ascii(s, to))
        scratch->n += s.n;
    else
        rc = mst_utf8_lower(s, scratch);
    *out = mst_buf_view(scratch);
    return rc;
}

enum { MARK = 1, DIGIT = 2 };

static const unsigned char classes[256] = {
    ['!'] = MARK,  ['"'] = MARK,  ['#'] = MARK,  ['$'] = MARK,  ['%'] = MARK,  ['&'] = MARK,  ['\''] = MARK,
    ['('] = MARK,  [')'] = MARK,  ['*'] = MARK,  ['+'] = MARK,  [','] = MARK,  ['-'] = MARK,  ['.'] = MARK,
    ['/'] = MARK,  [':'] = MARK,  [';'] = MARK,  ['<'] = MARK,  ['='] = MARK,  ['>'] = MARK,  ['?'] = MARK,
    ['@'] = MARK,  ['['] = MARK,  ['\\'] = MARK, [']'] = MARK,  ['^'] = MARK,  ['_'] = MARK,  ['`'] = MARK,
    ['{'] = MARK,  ['|'] = MARK,  ['}'] = MARK,  ['~'] = MARK,  ['0'] = DIGIT, ['1'] = DIGIT, ['2'] = DIGIT,
    ['3'] = DIGIT, ['4'] = DIGIT, ['5'] = DIGIT, ['6'] = DIGIT, ['7'] = DIGIT, ['8'] = DIGIT, ['9'] = DIGIT,
};

size_t
mst_text_delete_marks(char *p, size_t n, bool punctuation, bool digits)
{
    unsigned gone = (punctuation ? (unsigned)MARK : 0U) | (digits ? (unsigned)DIGIT : 0U);
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        char c = p[i];
        p[kept] = c;
        kept += (classes[(unsigned char)c] & gone) == 0;
    }
    return kept;
}

size_t
mst_text_excerpt(mst_str_t s, size_t n, char *out)
{
    mst_str_t head = mst_str_cut(s, n);
    size_t i = 0;
    while (i < head.n) {
        uint32_t cp = 0;
        if (head.p[i] >= ' ' && head.p[i] <= '~') {
            out[i] = head.p[i];
            i++;
            continue;
        }
        size_t took = mst_utf8_next(mst_str(head.p + i, head.n - i), &cp);
        bool bad = took == 1 && (unsigned char)head.p[i] >= 0x80;
        if (cp < 0x20 || cp == 0x7f || bad || (cp >= 0x80 && cp < 0xa0))
            memset(out + i, ' ', took);
        else
            memcpy(out + i, head.p + i, took);
        i += took;
    }
    if (head.n == s.n)
        return i;
    memcpy(out + i, "...", 3);
    return i + 3;
}

uint64_t
mst_text_words(mst_str_t s)
{
    uint64_t words = 0;
    bool inside = false;
    while (s.n > 0) {
        uint32_t cp = 0;
        size_t took = mst_utf8_next(s, &cp);
        bool space = mst_utf8_is_space(cp);
        words += !space && !inside;
        inside = !space;
        s = mst_str(s.p + took, s.n - took);
    }
    return words;
}
