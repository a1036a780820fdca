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

bool
mst_text_is_punctuation(char c)
{
    return (c >= '!' && c <= '/') || (c >= ':' && c <= '@') || (c >= '[' && c <= '`') || (c >= '{' && c <= '~');
}

static bool
has_upper(mst_str_t s)
{
    unsigned found = 0;
    for (size_t i = 0; i < s.n; i++)
        found |= (unsigned)(s.p[i] >= 'A' && s.p[i] <= 'Z');
    return found != 0;
}

mst_rc
mst_text_lower(mst_str_t s, mst_buf_t *scratch, mst_str_t *out)
{
    *out = s;
    mst_buf_reset(scratch);
    if (!mst_text_is_ascii(s)) {
        mst_rc rc = mst_utf8_lower(s, scratch);
        *out = mst_buf_view(scratch);
        return rc;
    }
    if (!has_upper(s))
        return MST_OK;
    char *to = mst_buf_reserve(scratch, s.n);
    if (to == NULL)
        return MST_LIMIT;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        to[i] = (char)(c + (c >= 'A' && c <= 'Z' ? 'a' - 'A' : 0));
    }
    scratch->n += s.n;
    *out = mst_buf_view(scratch);
    return MST_OK;
}

size_t
mst_text_delete_marks(char *p, size_t n, bool punctuation, bool digits)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        char c = p[i];
        bool gone = (punctuation && mst_text_is_punctuation(c)) || (digits && c >= '0' && c <= '9');
        p[kept] = c;
        kept += !gone;
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
