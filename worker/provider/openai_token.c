// Does an event carry a generated token? Asked by the I/O thread of every event until the first one, so it must be
// cheap: a walk from string to string that looks at the keys that stand for tokens and at the start of their values.
// It agrees with openai_decode.c on every chunk of the documented shape, whatever texts it holds; a test says so.
#include "worker/provider/openai.h"

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

// Is the value at s.p[at] a string that is not empty (text), or a list that is not empty (list)?
static bool
is_filled(mst_str_t s, size_t at, bool text, bool list)
{
    if (at < s.n && s.p[at] == '"')
        return text && at + 1 < s.n && s.p[at + 1] != '"';
    if (at >= s.n || s.p[at] != '[')
        return false;
    at = skip_blanks(s, at + 1);
    return list && at < s.n && s.p[at] != ']';
}

static bool
stands_for_token(mst_str_t key, mst_str_t s, size_t value)
{
    if (mst_str_eq(key, MST_STR("content")))
        return is_filled(s, value, true, true);
    if (mst_str_eq(key, MST_STR("text")))
        return is_filled(s, value, true, false);
    if (mst_str_eq(key, MST_STR("reasoning_content")) || mst_str_eq(key, MST_STR("reasoning")) ||
        mst_str_eq(key, MST_STR("thinking")))
        return is_filled(s, value, true, false);
    if (mst_str_eq(key, MST_STR("refusal")))
        return is_filled(s, value, true, true);
    if (mst_str_eq(key, MST_STR("tool_calls")) || mst_str_eq(key, MST_STR("token_ids")))
        return is_filled(s, value, false, true);
    return mst_str_eq(key, MST_STR("function_call")) && value < s.n && s.p[value] == '{';
}

bool
mst_openai_has_token(mst_str_t name, mst_str_t data)
{
    (void)name;
    size_t at = 0;
    while (at < data.n) {
        const char *quote = memchr(data.p + at, '"', data.n - at);
        if (quote == NULL)
            return false;
        mst_str_t key;
        at = skip_blanks(data, take_string(data, (size_t)(quote - data.p), &key));
        if (at >= data.n || data.p[at] != ':')
            continue;
        at = skip_blanks(data, at + 1);
        if (stands_for_token(key, data, at))
            return true;
    }
    return false;
}
