// URIs (RFC 3986), IRIs (RFC 3987) and URI templates (RFC 6570). The splitting is uri.c's; here every part is held
// against its characters.
#include "common/schema/format.h"

#include "common/base/utf8.h"
#include "common/schema/uri.h"

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool
is_alnum(char c)
{
    char low = (char)(c | 0x20);
    return is_digit(c) || (low >= 'a' && low <= 'z');
}

static bool
is_hex(char c)
{
    char low = (char)(c | 0x20);
    return is_digit(c) || (low >= 'a' && low <= 'f');
}

// ucschar of RFC 3987; with `private` also iprivate.
static bool
is_ucschar(uint32_t cp, bool private)
{
    if (private && ((cp >= 0xE000 && cp <= 0xF8FF) || cp >= 0xF0000))
        return (cp & 0xFFFE) != 0xFFFE;
    if (cp >= 0x10000)
        return cp < 0xF0000 && (cp & 0xFFFE) != 0xFFFE && !(cp >= 0xE0000 && cp < 0xE1000);
    return (cp >= 0xA0 && cp <= 0xD7FF) || (cp >= 0xF900 && cp <= 0xFDCF) || (cp >= 0xFDF0 && cp <= 0xFFEF);
}

// Letters, digits, %XX, the marks of `others`, and for IRIs what is not ASCII.
static bool
all_of(mst_str_t s, const char *others, bool iri, bool private)
{
    for (size_t i = 0; i < s.n;) {
        char c = s.p[i];
        if (is_alnum(c) || (c != '\0' && strchr(others, c) != NULL)) {
            i++;
        } else if (c == '%') {
            if (i + 2 >= s.n || !is_hex(s.p[i + 1]) || !is_hex(s.p[i + 2]))
                return false;
            i += 3;
        } else {
            uint32_t cp;
            size_t n = mst_utf8_next(mst_str(s.p + i, s.n - i), &cp);
            if (!iri || n < 2 || !is_ucschar(cp, private))
                return false;
            i += n;
        }
    }
    return true;
}

#define MARKS "-._~!$&'()*+,;="

// "v1.x" in brackets: an address of a kind to come.
static bool
is_future_address(mst_str_t s)
{
    size_t i = 1;
    while (i < s.n && is_hex(s.p[i]))
        i++;
    if (s.n < 4 || (s.p[0] | 0x20) != 'v' || i == 1 || i + 1 >= s.n || s.p[i] != '.')
        return false;
    mst_str_t rest = mst_str(s.p + i + 1, s.n - i - 1);
    return memchr(rest.p, '%', rest.n) == NULL && all_of(rest, MARKS ":", false, false);
}

static bool
is_host(mst_str_t s, bool iri)
{
    if (s.n >= 2 && s.p[0] == '[' && s.p[s.n - 1] == ']') {
        mst_str_t in = mst_str(s.p + 1, s.n - 2);
        return (in.n > 0 && mst_format_ipv6(in)) || is_future_address(in);
    }
    return all_of(s, MARKS, iri, false);
}

static bool
is_authority(mst_str_t s, bool iri)
{
    const char *at = s.n > 0 ? memchr(s.p, '@', s.n) : NULL;
    if (at != NULL) {
        size_t n = (size_t)(at - s.p);
        if (!all_of(mst_str(s.p, n), MARKS ":", iri, false))
            return false;
        s = mst_str(at + 1, s.n - n - 1);
    }
    size_t port = s.n;
    while (port > 0 && is_digit(s.p[port - 1]))
        port--;
    if (port > 0 && s.p[port - 1] == ':')
        s.n = port - 1;
    return is_host(s, iri);
}

static bool
is_reference(mst_str_t s, bool iri, bool absolute)
{
    mst_uri_t u = mst_uri_split(s);
    if (absolute && u.scheme.p == NULL)
        return false;
    if (!all_of(u.path, MARKS ":@/", iri, false) || !all_of(u.query, MARKS ":@/?", iri, true) ||
        !all_of(u.fragment, MARKS ":@/?", iri, false))
        return false;
    if (u.authority.p != NULL)
        return is_authority(u.authority, iri);
    // a colon in the first segment would be read as the end of a scheme
    mst_str_t first = u.path;
    const char *slash = first.n > 0 ? memchr(first.p, '/', first.n) : NULL;
    first.n = slash != NULL ? (size_t)(slash - first.p) : first.n;
    return u.scheme.p != NULL || first.n == 0 || memchr(first.p, ':', first.n) == NULL;
}

bool
mst_format_uri(mst_str_t s)
{
    return is_reference(s, false, true);
}

bool
mst_format_uri_reference(mst_str_t s)
{
    return is_reference(s, false, false);
}

bool
mst_format_iri(mst_str_t s)
{
    return mst_utf8_valid(s) && is_reference(s, true, true);
}

bool
mst_format_iri_reference(mst_str_t s)
{
    return mst_utf8_valid(s) && is_reference(s, true, false);
}

// A literal of a template: anything but controls, blanks and marks that must not stand bare. The apostrophe is let go,
// as an erratum to RFC 6570 wants it.
static bool
is_template_literal(mst_str_t s)
{
    for (size_t i = 0; i < s.n;) {
        uint32_t cp;
        size_t n = mst_utf8_next(mst_str(s.p + i, s.n - i), &cp);
        bool percent = cp == '%';
        if (percent && (i + 2 >= s.n || !is_hex(s.p[i + 1]) || !is_hex(s.p[i + 2])))
            return false;
        bool ascii = cp > 0x20 && cp < 0x7F && strchr("\"<>\\^`{|}", (int)cp) == NULL;
        if (!ascii && !(n > 1 && is_ucschar(cp, true)))
            return false;
        i += n;
    }
    return true;
}

// "name", "a.b", "name:3" or "name*"
static bool
is_varspec(mst_str_t s)
{
    bool start = true; // of the name or of a part behind a dot
    size_t i = 0;
    for (; i < s.n && s.p[i] != ':' && s.p[i] != '*'; i++) {
        bool dot = s.p[i] == '.', percent = s.p[i] == '%';
        if (percent && (i + 2 >= s.n || !is_hex(s.p[i + 1]) || !is_hex(s.p[i + 2])))
            return false;
        if (dot ? start : !percent && !is_alnum(s.p[i]) && s.p[i] != '_')
            return false;
        start = dot;
        i += percent ? 2 : 0;
    }
    if (start)
        return false;
    if (i == s.n || s.p[i] == '*')
        return i == s.n || i + 1 == s.n;
    size_t digits = s.n - i - 1;
    if (digits == 0 || digits > 4 || s.p[i + 1] == '0')
        return false;
    for (i++; i < s.n; i++) {
        if (!is_digit(s.p[i]))
            return false;
    }
    return true;
}

// What stands between braces.
static bool
is_expression(mst_str_t s)
{
    if (s.n > 0 && s.p[0] != '\0' && strchr("+#./;?&=,!@|", s.p[0]) != NULL)
        s = mst_str(s.p + 1, s.n - 1);
    for (;;) {
        const char *comma = s.n > 0 ? memchr(s.p, ',', s.n) : NULL;
        size_t n = comma != NULL ? (size_t)(comma - s.p) : s.n;
        if (!is_varspec(mst_str(s.p, n)))
            return false;
        if (comma == NULL)
            return true;
        s = mst_str(s.p + n + 1, s.n - n - 1);
    }
}

bool
mst_format_uri_template(mst_str_t s)
{
    while (s.n > 0) {
        const char *open = memchr(s.p, '{', s.n);
        size_t n = open != NULL ? (size_t)(open - s.p) : s.n;
        if (!is_template_literal(mst_str(s.p, n)))
            return false;
        if (open == NULL)
            return true;
        s = mst_str(s.p + n + 1, s.n - n - 1);
        const char *close = s.n > 0 ? memchr(s.p, '}', s.n) : NULL;
        if (close == NULL || !is_expression(mst_str(s.p, (size_t)(close - s.p))))
            return false;
        n = (size_t)(close - s.p) + 1;
        s = mst_str(s.p + n, s.n - n);
    }
    return true;
}
