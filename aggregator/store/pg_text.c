// Model text in a database that knows no NUL and no broken UTF-8. Such a text is stored escaped, and its row says so
// (column escaped, one bit a text column), so that all others stay as they are and people's SQL reads them.
#include "aggregator/store/pg.h"

#include "common/base/utf8.h"

bool
mst_pg_text_plain(mst_str_t s)
{
    return s.n == 0 || (!memchr(s.p, 0, s.n) && mst_utf8_valid(s));
}

void
mst_pg_text_escape(mst_str_t s, mst_buf_t *out)
{
    size_t i = 0;
    while (i < s.n) {
        size_t n = 1;
        bool good = s.p[i] != 0;
        if ((unsigned char)s.p[i] >= 0x80) { // the shortest prefix that is UTF-8 is one character
            good = false;
            for (n = 2; n <= 4 && i + n <= s.n && !good; n++)
                good = mst_utf8_valid(mst_str(s.p + i, n));
            n = good ? n - 1 : 1;
        }
        if (!good)
            mst_buf_addf(out, "\\x%02x", (unsigned)(unsigned char)s.p[i]);
        else if (s.p[i] == '\\')
            mst_buf_add_c(out, "\\\\");
        else
            mst_buf_add(out, s.p + i, n);
        i += n;
    }
}

static int
hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

mst_str_t
mst_pg_text_unescape(mst_str_t s, mst_arena_t *arena, bool *ok)
{
    char *to = mst_arena_alloc_raw(arena, s.n + 1);
    size_t n = 0;
    *ok = to != NULL;
    if (!to)
        return MST_STR_NULL;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '\\' && i + 1 < s.n && s.p[i + 1] == '\\') {
            to[n++] = '\\';
            i++;
        } else if (s.p[i] == '\\' && i + 3 < s.n && s.p[i + 1] == 'x' && hex(s.p[i + 2]) >= 0 && hex(s.p[i + 3]) >= 0) {
            to[n++] = (char)(hex(s.p[i + 2]) * 16 + hex(s.p[i + 3]));
            i += 3;
        } else {
            to[n++] = s.p[i];
        }
    }
    return mst_str(to, n);
}
