#include "common/config/scalar.h"

#include <math.h>

static bool
is_any(mst_str_t s, const char *const *words)
{
    for (; *words != NULL; words++)
        if (mst_str_eq_c(s, *words))
            return true;
    return false;
}

static size_t
digits(mst_str_t s, size_t from)
{
    size_t i = from;
    while (i < s.n && s.p[i] >= '0' && s.p[i] <= '9')
        i++;
    return i - from;
}

static int
digit_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : 99;
}

// 0o17 and 0x1f. A number beyond int64_t stays a string: nobody means it as one.
static bool
based(mst_str_t s, mst_json_t *out)
{
    if (s.n < 3 || s.p[0] != '0' || (s.p[1] != 'o' && s.p[1] != 'x'))
        return false;
    int base = s.p[1] == 'o' ? 8 : 16;
    uint64_t v = 0;
    for (size_t i = 2; i < s.n; i++) {
        int d = digit_value(s.p[i]);
        if (d >= base || v > (uint64_t)INT64_MAX / (uint64_t)base)
            return false;
        v = v * (uint64_t)base + (uint64_t)d;
    }
    if (v > (uint64_t)INT64_MAX)
        return false;
    *out = (mst_json_t){.type = MST_JSON_INT, .u.i = (int64_t)v};
    return true;
}

// [-+]? ( . [0-9]+ | [0-9]+ ( . [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?
static bool
decimal(mst_str_t s, mst_json_t *out)
{
    size_t i = s.n > 0 && (s.p[0] == '-' || s.p[0] == '+');
    size_t whole = digits(s, i);
    i += whole;
    bool integer = i == s.n && whole > 0;
    if (i < s.n && s.p[i] == '.') {
        size_t fraction = digits(s, i + 1);
        if (whole + fraction == 0)
            return false;
        i += 1 + fraction;
    } else if (whole == 0) {
        return false;
    }
    if (i < s.n && (s.p[i] == 'e' || s.p[i] == 'E')) {
        i++;
        if (i < s.n && (s.p[i] == '-' || s.p[i] == '+'))
            i++;
        size_t exponent = digits(s, i);
        if (exponent == 0)
            return false;
        i += exponent;
    }
    if (i != s.n)
        return false;
    if (s.p[0] == '+')
        s = mst_str(s.p + 1, s.n - 1);
    out->type = MST_JSON_INT;
    if (integer && mst_str_to_i64(s, &out->u.i))
        return true;
    out->type = MST_JSON_DOUBLE;
    return mst_str_to_f64(s, true, &out->u.d);
}

static bool
nonfinite(mst_str_t s, mst_json_t *out)
{
    static const char *const nans[] = {".nan", ".NaN", ".NAN", NULL};
    static const char *const infs[] = {".inf", ".Inf", ".INF", NULL};
    out->type = MST_JSON_DOUBLE;
    out->u.d = (double)NAN;
    if (is_any(s, nans))
        return true;
    bool minus = s.n > 0 && s.p[0] == '-';
    out->u.d = minus ? -(double)INFINITY : (double)INFINITY;
    if (minus || (s.n > 0 && s.p[0] == '+'))
        s = mst_str(s.p + 1, s.n - 1);
    return is_any(s, infs);
}

mst_json_t
mst_yaml_scalar(mst_str_t text, bool plain)
{
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL", NULL};
    static const char *const trues[] = {"true", "True", "TRUE", NULL};
    static const char *const falses[] = {"false", "False", "FALSE", NULL};
    mst_json_t v = {.type = MST_JSON_STR, .u.s = text};
    if (!plain)
        return v;
    if (is_any(text, nulls))
        return (mst_json_t){.type = MST_JSON_NULL};
    if (is_any(text, trues))
        return (mst_json_t){.type = MST_JSON_BOOL, .u.b = true};
    if (is_any(text, falses))
        return (mst_json_t){.type = MST_JSON_BOOL, .u.b = false};
    mst_json_t number = {0};
    if (based(text, &number) || decimal(text, &number) || nonfinite(text, &number))
        return number;
    return v;
}

bool
mst_yaml_is_null(const mst_ynode_t *n)
{
    return n->kind == MST_Y_SCALAR && mst_yaml_scalar(n->text, n->plain).type == MST_JSON_NULL;
}
