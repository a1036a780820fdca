#include "worker/provider/scan.h"

static size_t
skip_blanks(mst_str_t s, size_t at)
{
    while (at < s.n && (s.p[at] == ' ' || s.p[at] == '\t' || s.p[at] == '\n' || s.p[at] == '\r'))
        at++;
    return at;
}

// The string that opens at s.p[at] == '"': its text into *out; returns the offset behind its closing quote.
static size_t
take_string(mst_str_t s, size_t at, mst_str_t *out)
{
    size_t start = at + 1;
    for (size_t i = start; i < s.n;) {
        const char *quote = memchr(s.p + i, '"', s.n - i);
        if (quote == NULL)
            break;
        size_t end = (size_t)(quote - s.p), slashes = 0;
        while (slashes < end - start && quote[-1 - (ptrdiff_t)slashes] == '\\')
            slashes++;
        if (slashes % 2 == 0) {
            *out = mst_str(s.p + start, end - start);
            return end + 1;
        }
        i = end + 1;
    }
    *out = MST_STR_NULL;
    return s.n;
}

static bool
is_filled(mst_str_t s, size_t at, const mst_scan_key_t *key)
{
    mst_str_t text;
    if (at >= s.n)
        return false;
    if (s.p[at] == '"') {
        if ((key->as & MST_FILLED_TEXT) == 0 || at + 1 >= s.n || s.p[at + 1] == '"')
            return false;
        if (key->value == NULL)
            return true;
        (void)take_string(s, at, &text);
        return mst_str_eq_c(text, key->value);
    }
    if (s.p[at] == '{')
        return (key->as & MST_FILLED_MAP) != 0;
    if (s.p[at] != '[' || (key->as & MST_FILLED_LIST) == 0)
        return false;
    at = skip_blanks(s, at + 1);
    return at < s.n && s.p[at] != ']';
}

bool
mst_scan_filled(mst_str_t json, const mst_scan_key_t *keys)
{
    for (size_t at = 0; at < json.n;) {
        const char *quote = memchr(json.p + at, '"', json.n - at);
        if (quote == NULL)
            return false;
        mst_str_t name;
        at = skip_blanks(json, take_string(json, (size_t)(quote - json.p), &name));
        if (at >= json.n || json.p[at] != ':')
            continue;
        at = skip_blanks(json, at + 1);
        for (const mst_scan_key_t *k = keys; k->key != NULL; k++) {
            if (mst_str_eq_c(name, k->key) && is_filled(json, at, k))
                return true;
        }
    }
    return false;
}
