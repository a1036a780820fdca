// Addresses: mail (RFC 5321, 6531) and Internet (RFC 2673, 4291).
#include "common/schema/format.h"

#include "common/base/utf8.h"

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

// Behind the last of up to 3 digits of a number from 0 to 255 without leading zeros; 0 when there is none.
static size_t
octet(mst_str_t s)
{
    int v = 0;
    size_t i = 0;
    for (; i < s.n && i < 4 && is_digit(s.p[i]); i++)
        v = v * 10 + (s.p[i] - '0');
    return i == 0 || i > 3 || v > 255 || (i > 1 && s.p[0] == '0') ? 0 : i;
}

bool
mst_format_ipv4(mst_str_t s)
{
    for (int part = 0; part < 4; part++) {
        size_t n = octet(s);
        if (n == 0)
            return false;
        s = mst_str(s.p + n, s.n - n);
        if (part == 3)
            break;
        if (s.n == 0 || s.p[0] != '.')
            return false;
        s = mst_str(s.p + 1, s.n - 1);
    }
    return s.n == 0;
}

static size_t
hex_digits(mst_str_t s)
{
    size_t i = 0;
    for (; i < s.n; i++) {
        char c = s.p[i], low = (char)(c | 0x20);
        if (!is_digit(c) && !(low >= 'a' && low <= 'f'))
            break;
    }
    return i;
}

bool
mst_format_ipv6(mst_str_t s)
{
    int groups = 0;
    bool gap = false;
    if (mst_str_starts(s, MST_STR("::"))) {
        gap = true;
        s = mst_str(s.p + 2, s.n - 2);
    }
    while (s.n > 0) {
        size_t n = hex_digits(s);
        if (n < s.n && s.p[n] == '.')
            return mst_format_ipv4(s) && (gap ? groups <= 5 : groups == 6);
        if (n == 0 || n > 4)
            return false;
        groups++;
        s = mst_str(s.p + n, s.n - n);
        if (s.n == 0)
            break;
        if (s.p[0] != ':' || s.n == 1)
            return false;
        bool two = s.p[1] == ':';
        if (two && gap)
            return false;
        gap = gap || two;
        s = mst_str(s.p + 1 + two, s.n - 1 - two);
    }
    return gap ? groups <= 7 : groups == 8;
}

static bool
is_atext(char c, bool idn)
{
    return is_alnum(c) || (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL) || (idn && (c & 0x80) != 0);
}

// dot-string of RFC 5321.
static bool
is_dot_string(mst_str_t s, bool idn)
{
    bool dot = true; // as if one came before
    for (size_t i = 0; i < s.n; i++) {
        bool now = s.p[i] == '.';
        if ((now && dot) || (!now && !is_atext(s.p[i], idn)))
            return false;
        dot = now;
    }
    return !dot;
}

static bool
is_quoted_string(mst_str_t s, bool idn)
{
    if (s.n < 2 || s.p[0] != '"' || s.p[s.n - 1] != '"')
        return false;
    for (size_t i = 1; i < s.n - 1; i++) {
        bool escaped = s.p[i] == '\\';
        if (s.p[i] == '"' || (escaped && ++i == s.n - 1))
            return false;
        bool text = s.p[i] >= 0x20 && s.p[i] < 0x7F;
        if (!text && !(idn && !escaped && (s.p[i] & 0x80) != 0))
            return false;
    }
    return true;
}

// "[127.0.0.1]", "[IPv6:::1]".
static bool
is_address_literal(mst_str_t s)
{
    if (s.n < 2 || s.p[0] != '[' || s.p[s.n - 1] != ']')
        return false;
    mst_str_t in = mst_str(s.p + 1, s.n - 2);
    if (in.n > 5 && (mst_str_starts(in, MST_STR("IPv6:")) || mst_str_starts(in, MST_STR("ipv6:"))))
        return mst_format_ipv6(mst_str(in.p + 5, in.n - 5));
    return mst_format_ipv4(in);
}

// Labels of letters, digits and inner hyphens; for RFC 6531 also of anything that is not ASCII.
static bool
is_domain(mst_str_t s, bool idn)
{
    size_t label = 0;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool letter = is_alnum(c) || (idn && (c & 0x80) != 0);
        bool end = i + 1 == s.n || s.p[i + 1] == '.';
        if (c == '.' ? label == 0 : !letter && (c != '-' || label == 0 || end))
            return false;
        label = c == '.' ? 0 : label + 1;
    }
    return label > 0 && s.n <= 255;
}

static bool
is_email(mst_str_t s, bool idn)
{
    size_t at = s.n;
    while (at > 0 && s.p[at - 1] != '@')
        at--;
    if (at < 2 || (idn && !mst_utf8_valid(s)))
        return false;
    mst_str_t local = mst_str(s.p, at - 1), domain = mst_str(s.p + at, s.n - at);
    if (local.n > 64 || (!is_dot_string(local, idn) && !is_quoted_string(local, idn)))
        return false;
    return is_address_literal(domain) || is_domain(domain, idn);
}

bool
mst_format_email(mst_str_t s)
{
    return is_email(s, false);
}

bool
mst_format_idn_email(mst_str_t s)
{
    return is_email(s, true);
}
