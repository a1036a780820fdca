#include "common/schema/format.h"

#include "common/schema/schema.h"
#include "common/text/ecma.h"

typedef struct {
    const char *name;
    mst_format_fn fn;
} format_t;

static const format_t formats[] = {
    {"date", mst_format_date},
    {"date-time", mst_format_date_time},
    {"duration", mst_format_duration},
    {"email", mst_format_email},
    {"hostname", mst_format_hostname},
    {"idn-email", mst_format_idn_email},
    {"idn-hostname", mst_format_idn_hostname},
    {"ipv4", mst_format_ipv4},
    {"ipv6", mst_format_ipv6},
    {"iri", mst_format_iri},
    {"iri-reference", mst_format_iri_reference},
    {"json-pointer", mst_format_json_pointer},
    {"regex", mst_ecma_valid},
    {"relative-json-pointer", mst_format_relative_json_pointer},
    {"time", mst_format_time},
    {"uri", mst_format_uri},
    {"uri-reference", mst_format_uri_reference},
    {"uri-template", mst_format_uri_template},
    {"uuid", mst_format_uuid},
};

mst_format_fn
mst_format_find(mst_str_t name)
{
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        if (mst_str_eq_c(name, formats[i].name))
            return formats[i].fn;
    }
    return NULL;
}

bool
mst_schema_format_ok(mst_str_t format, mst_str_t text)
{
    mst_format_fn fn = mst_format_find(format);
    return fn == NULL || fn(text);
}

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

bool
mst_format_json_pointer(mst_str_t s)
{
    if (s.n > 0 && s.p[0] != '/')
        return false;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '~' && (i + 1 == s.n || (s.p[i + 1] != '0' && s.p[i + 1] != '1')))
            return false;
    }
    return true;
}

// A number without leading zeros, then a pointer or "#". Later drafts of the text allow "+n" or "-n" between them
// (0+1/a); the draft that JSON Schema names does not.
bool
mst_format_relative_json_pointer(mst_str_t s)
{
    size_t i = 0;
    while (i < s.n && is_digit(s.p[i]))
        i++;
    if (i == 0 || (i > 1 && s.p[0] == '0'))
        return false;
    mst_str_t rest = mst_str(s.p + i, s.n - i);
    return mst_str_eq_c(rest, "#") || mst_format_json_pointer(rest);
}

bool
mst_format_uuid(mst_str_t s)
{
    if (s.n != 36)
        return false;
    for (size_t i = 0; i < 36; i++) {
        char c = s.p[i], low = (char)(c | 0x20);
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? c != '-' : !(is_digit(c) || (low >= 'a' && low <= 'f')))
            return false;
    }
    return true;
}

bool
mst_format_base64(mst_str_t s)
{
    if (s.n % 4 != 0)
        return false;
    size_t n = s.n;
    while (n > 0 && s.n - n < 2 && s.p[n - 1] == '=')
        n--;
    for (size_t i = 0; i < n; i++) {
        char c = s.p[i], low = (char)(c | 0x20);
        if (!(is_digit(c) || (low >= 'a' && low <= 'z') || c == '+' || c == '/'))
            return false;
    }
    return true;
}
