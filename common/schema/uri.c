#include "common/schema/uri.h"

static bool
is_letter(char c)
{
    char low = (char)(c | 0x20);
    return low >= 'a' && low <= 'z';
}

static size_t
scheme_bytes(mst_str_t s)
{
    if (s.n == 0 || !is_letter(s.p[0]))
        return 0;
    for (size_t i = 1; i < s.n; i++) {
        char c = s.p[i];
        if (c == ':')
            return i;
        if (!is_letter(c) && !(c >= '0' && c <= '9') && c != '+' && c != '-' && c != '.')
            return 0;
    }
    return 0;
}

// Cuts s before the first of the two marks; what follows the mark, or p == NULL.
static mst_str_t
cut_behind(mst_str_t *s, char mark)
{
    const char *at = s->n > 0 ? memchr(s->p, mark, s->n) : NULL;
    if (at == NULL)
        return MST_STR_NULL;
    mst_str_t rest = mst_str(at + 1, s->n - (size_t)(at - s->p) - 1);
    s->n = (size_t)(at - s->p);
    return rest;
}

mst_uri_t
mst_uri_split(mst_str_t s)
{
    mst_uri_t u = {.fragment = cut_behind(&s, '#')};
    u.query = cut_behind(&s, '?');
    size_t n = scheme_bytes(s);
    if (n > 0) {
        u.scheme = mst_str(s.p, n);
        s = mst_str(s.p + n + 1, s.n - n - 1);
    }
    if (s.n >= 2 && s.p[0] == '/' && s.p[1] == '/') {
        s = mst_str(s.p + 2, s.n - 2);
        const char *slash = s.n > 0 ? memchr(s.p, '/', s.n) : NULL;
        size_t authority = slash != NULL ? (size_t)(slash - s.p) : s.n;
        u.authority = mst_str(s.p, authority);
        s = mst_str(s.p + authority, s.n - authority);
    }
    u.path = s.p != NULL ? s : MST_STR("");
    return u;
}

bool
mst_uri_absolute(mst_str_t s)
{
    return scheme_bytes(s) > 0;
}

static size_t
put(char *to, size_t at, mst_str_t s)
{
    if (s.n > 0)
        memcpy(to + at, s.p, s.n);
    return at + s.n;
}

// Removes "." and ".." segments in place (RFC 3986, 5.2.4); returns the new length.
static size_t
remove_dots(char *p, size_t n)
{
    size_t in = 0, out = 0;
    while (in < n) {
        size_t end = in + (p[in] == '/');
        while (end < n && p[end] != '/')
            end++;
        mst_str_t segment = mst_str(p + in + (p[in] == '/'), end - in - (p[in] == '/'));
        bool last = end == n, one = mst_str_eq_c(segment, "."), two = mst_str_eq_c(segment, "..");
        if (two) {
            while (out > 0 && p[out - 1] != '/')
                out--;
            out -= out > 0;
        }
        if (one || two) {
            if (last && (out > 0 || p[in] == '/'))
                p[out++] = '/';
        } else {
            memmove(p + out, p + in, end - in);
            out += end - in;
        }
        in = end;
    }
    return out;
}

// The path of ref seen from base, before dots are removed.
static size_t
merge(char *to, const mst_uri_t *base, mst_str_t path)
{
    if (base->authority.p != NULL && base->path.n == 0)
        return put(to, put(to, 0, MST_STR("/")), path);
    size_t keep = base->path.n;
    while (keep > 0 && base->path.p[keep - 1] != '/')
        keep--;
    return put(to, put(to, 0, mst_str(base->path.p, keep)), path);
}

static size_t
put_path(char *to, const mst_uri_t *b, const mst_uri_t *r)
{
    if (r->scheme.p != NULL || r->authority.p != NULL || (r->path.n > 0 && r->path.p[0] == '/'))
        return remove_dots(to, put(to, 0, r->path));
    if (r->path.n == 0)
        return put(to, 0, b->path);
    return remove_dots(to, merge(to, b, r->path));
}

mst_str_t
mst_uri_resolve(mst_str_t base, mst_str_t ref, mst_str_t *fragment, mst_arena_t *arena, bool *ok)
{
    mst_uri_t b = mst_uri_split(base), r = mst_uri_split(ref);
    *fragment = r.fragment;
    char *to = mst_arena_alloc_raw(arena, base.n + ref.n + 8);
    *ok = to != NULL;
    if (to == NULL)
        return MST_STR_NULL;
    size_t n = 0;
    bool own_scheme = r.scheme.p != NULL, own_authority = own_scheme || r.authority.p != NULL;
    mst_str_t scheme = own_scheme ? r.scheme : b.scheme;
    mst_str_t authority = own_authority ? r.authority : b.authority;
    mst_str_t query = own_authority || r.path.n > 0 || r.query.p != NULL ? r.query : b.query;
    if (scheme.p != NULL)
        n = put(to, put(to, n, scheme), MST_STR(":"));
    if (authority.p != NULL)
        n = put(to, put(to, n, MST_STR("//")), authority);
    n += put_path(to + n, &b, &r);
    if (query.p != NULL)
        n = put(to, put(to, n, MST_STR("?")), query);
    return mst_str(to, n);
}

static int
hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    char low = (char)(c | 0x20);
    return low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}

mst_str_t
mst_uri_decode(mst_str_t s, mst_arena_t *arena, bool *ok)
{
    *ok = true;
    if (s.n == 0 || memchr(s.p, '%', s.n) == NULL)
        return s;
    char *to = mst_arena_alloc_raw(arena, s.n);
    *ok = to != NULL;
    if (to == NULL)
        return MST_STR_NULL;
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        int high = s.p[i] == '%' && i + 2 < s.n ? hex_value(s.p[i + 1]) : -1;
        int low = high >= 0 ? hex_value(s.p[i + 2]) : -1;
        if (low < 0) {
            to[n++] = s.p[i];
            continue;
        }
        to[n++] = (char)(high * 16 + low);
        i += 2;
    }
    return mst_str(to, n);
}
