// Is a text JSON? Grammar alone, at any size and depth, without a tree.
#include "common/json/json.h"

#include "common/base/utf8.h"

typedef struct {
    mst_str_t text;
    size_t at;
    bool python;
    mst_buf_t open; // '{' or '[' of every open container
} scan_t;

static int
peek(const scan_t *s)
{
    return s->at < s->text.n ? (unsigned char)s->text.p[s->at] : -1;
}

static void
skip_blanks(scan_t *s)
{
    int c;
    while ((c = peek(s)) == ' ' || c == '\n' || c == '\r' || c == '\t')
        s->at++;
}

static bool
take(scan_t *s, char c)
{
    if (peek(s) != c)
        return false;
    s->at++;
    return true;
}

static bool
take_word(scan_t *s, const char *word)
{
    size_t n = strlen(word);
    if (s->text.n - s->at < n || memcmp(s->text.p + s->at, word, n) != 0)
        return false;
    s->at += n;
    return true;
}

static bool
is_hex(int c)
{
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

static bool
take_escape(scan_t *s)
{
    int c = peek(s);
    s->at++;
    if (c != 'u')
        return c > 0 && strchr("\"\\/bfnrt", c) != NULL;
    for (int i = 0; i < 4; i++) {
        if (!is_hex(peek(s)))
            return false;
        s->at++;
    }
    return true;
}

static bool
take_string(scan_t *s)
{
    if (!take(s, '"'))
        return false;
    for (;;) {
        int c = peek(s);
        if (c < 0x20)
            return false; // the end, or a bare control character
        s->at++;
        if (c == '"')
            return true;
        if (c == '\\' && !take_escape(s))
            return false;
    }
}

static bool
take_digits(scan_t *s)
{
    size_t from = s->at;
    while (peek(s) >= '0' && peek(s) <= '9')
        s->at++;
    return s->at > from;
}

static bool
take_number(scan_t *s)
{
    if (s->python && (take_word(s, "NaN") || take_word(s, "Infinity") || take_word(s, "-Infinity")))
        return true;
    (void)take(s, '-');
    if (!take(s, '0') && !take_digits(s))
        return false;
    if (take(s, '.') && !take_digits(s))
        return false;
    if (!take(s, 'e') && !take(s, 'E'))
        return true;
    if (!take(s, '+'))
        (void)take(s, '-');
    return take_digits(s);
}

static bool
take_scalar(scan_t *s)
{
    int c = peek(s);
    if (c == '"')
        return take_string(s);
    return take_word(s, "true") || take_word(s, "false") || take_word(s, "null") || take_number(s);
}

static bool
take_key(scan_t *s)
{
    skip_blanks(s);
    if (!take_string(s))
        return false;
    skip_blanks(s);
    return take(s, ':');
}

// A scalar, an empty container, or the way to the first value inside one: *inside.
static bool
take_value(scan_t *s, bool *inside)
{
    *inside = false;
    skip_blanks(s);
    int c = peek(s);
    if (c != '{' && c != '[')
        return take_scalar(s);
    s->at++;
    skip_blanks(s);
    if (take(s, c == '{' ? '}' : ']'))
        return true;
    *inside = true;
    return mst_buf_add_byte(&s->open, (char)c) == MST_OK && (c == '[' || take_key(s));
}

// Behind a value: closes what ends here. *more: a comma was taken, and a value must follow.
static bool
close_values(scan_t *s, bool *more)
{
    *more = false;
    while (s->open.n > 0) {
        bool object = s->open.p[s->open.n - 1] == '{';
        skip_blanks(s);
        if (take(s, ',')) {
            *more = true;
            return !object || take_key(s);
        }
        if (!take(s, object ? '}' : ']'))
            return false;
        s->open.n--;
    }
    return true;
}

bool
mst_json_valid(mst_str_t text, bool python)
{
    scan_t s = {.text = text.n > 0 ? text : MST_STR(""), .python = python};
    bool ok = python || mst_utf8_valid(text), more = true, inside;
    mst_buf_init(&s.open, text.n + 1);
    while (ok && more) {
        ok = take_value(&s, &inside);
        if (ok && !inside)
            ok = close_values(&s, &more);
    }
    skip_blanks(&s);
    mst_buf_deinit(&s.open);
    return ok && s.at == s.text.n;
}
