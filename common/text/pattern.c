#include "common/text/pattern.h"

// Where Python's `re` and PCRE2 read the same text differently, and what is written instead:
//
//   \Z            the very end (PCRE2: also before a last newline)          \z
//   \v            vertical tab (PCRE2: any vertical space)                  \x0b
//   \uXXXX, \U..  a code point                                              \x{...}
//   \s, \S        with Unicode: U+001C..U+001F are white space too          [\s\x1c-\x1f]
//   {,n}          from 0 to n times (PCRE2: these four characters)          {0,n}
//   [ in a class  itself (PCRE2: may begin a POSIX class)                   \[
//   (?u)          nothing: it is the default                                (?)
//
// The same in both and passed on: (?P<name>...), (?P=name), look-around, possessive and atomic groups, $ before a
// last newline, "." for all but \n. Left as PCRE2 has it: \S and \s as an end of a range, U+180E counts as white
// space, (?a) is refused, and PCRE2's own escapes (\h, \K, \R, \p{..}) work although Python knows them not.

typedef struct {
    mst_str_t in;
    size_t at;
    bool in_class, ucp;
    mst_buf_t *out;
} scan_t;

static bool
is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static char
peek(const scan_t *s, size_t ahead)
{
    return s->at + ahead < s->in.n ? s->in.p[s->at + ahead] : '\0';
}

static void
copy(scan_t *s, size_t n)
{
    n = n < s->in.n - s->at ? n : s->in.n - s->at;
    (void)mst_buf_add(s->out, s->in.p + s->at, n);
    s->at += n;
}

// \u and \U; false when the digits are not there.
static bool
code_point(scan_t *s, size_t digits)
{
    for (size_t i = 0; i < digits; i++) {
        if (!is_hex(peek(s, 2 + i)))
            return false;
    }
    (void)mst_buf_add_c(s->out, "\\x{");
    (void)mst_buf_add(s->out, s->in.p + s->at + 2, digits);
    (void)mst_buf_add_byte(s->out, '}');
    s->at += 2 + digits;
    return true;
}

static const char *
replacement(const scan_t *s, char escape)
{
    if (escape == 'v')
        return "\\x0b";
    if (escape == 'Z' && !s->in_class)
        return "\\z";
    if (escape == 's' && s->ucp)
        return s->in_class ? "\\s\\x1c-\\x1f" : "[\\s\\x1c-\\x1f]";
    if (escape == 'S' && s->ucp && !s->in_class)
        return "[^\\s\\x1c-\\x1f]";
    return NULL;
}

static void
escape(scan_t *s)
{
    char c = peek(s, 1);
    if ((c == 'u' && code_point(s, 4)) || (c == 'U' && code_point(s, 8)))
        return;
    const char *text = replacement(s, c);
    if (text == NULL) {
        copy(s, 2);
        return;
    }
    (void)mst_buf_add_c(s->out, text);
    s->at += 2;
}

static void
open_class(scan_t *s)
{
    s->in_class = true;
    copy(s, 1);
    if (peek(s, 0) == '^')
        copy(s, 1);
    if (peek(s, 0) == ']') // the first one stands for itself
        copy(s, 1);
}

static void
in_class(scan_t *s)
{
    if (peek(s, 0) == '[')
        (void)mst_buf_add_byte(s->out, '\\');
    if (peek(s, 0) == ']')
        s->in_class = false;
    copy(s, 1);
}

// "{,n}" and "{,}".
static bool
open_range(scan_t *s)
{
    size_t i = 2;
    while (is_digit(peek(s, i)))
        i++;
    if (peek(s, 1) != ',' || peek(s, i) != '}')
        return false;
    (void)mst_buf_add_c(s->out, "{0");
    s->at += 1;
    copy(s, i);
    return true;
}

// "(?#...)" whole, and "(?flags)" or "(?flags:" without u.
static void
open_group(scan_t *s)
{
    if (peek(s, 1) != '?') {
        copy(s, 1);
        return;
    }
    if (peek(s, 2) == '#') {
        while (s->at < s->in.n && peek(s, 0) != ')')
            copy(s, 1);
        return;
    }
    size_t end = 2;
    while (peek(s, end) != '\0' && strchr("aiLmsux-", peek(s, end)) != NULL)
        end++;
    bool flags = peek(s, end) == ')' || peek(s, end) == ':';
    copy(s, 2);
    for (size_t i = 2; flags && i < end; i++) {
        if (peek(s, 0) == 'u')
            s->at++;
        else
            copy(s, 1);
    }
}

void
mst_pattern_translate(mst_str_t python, bool ucp, mst_buf_t *out)
{
    scan_t s = {.in = python, .ucp = ucp, .out = out};
    while (s.at < s.in.n) {
        char c = s.in.p[s.at];
        if (c == '\\')
            escape(&s);
        else if (s.in_class)
            in_class(&s);
        else if (c == '[')
            open_class(&s);
        else if (c == '(')
            open_group(&s);
        else if (c != '{' || !open_range(&s))
            copy(&s, 1);
    }
}
