#include "common/text/number.h"

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

// [0-9\.\,]
static bool
is_strict(char c)
{
    return is_digit(c) || c == '.' || c == ',';
}

// [$0-9.,]
static bool
is_flexible(char c)
{
    return is_strict(c) || c == '$';
}

// Length of the run of [0-9.,] at s.p[at].
static size_t
strict_run(mst_str_t s, size_t at)
{
    size_t n = 0;
    while (at + n < s.n && is_strict(s.p[at + n]))
        n++;
    return n;
}

// First  PREFIX(\-?[0-9\.\,]+)  and, with a tail, one more character behind it that is no newline: where there is
// none the class gives one of its own back.
static bool
first_after(mst_str_t text, mst_str_t prefix, bool tail, mst_str_t *out)
{
    for (int64_t at = mst_str_find(text, prefix, 0); at >= 0; at = mst_str_find(text, prefix, (size_t)at + 1)) {
        size_t start = (size_t)at + prefix.n;
        size_t sign = start < text.n && text.p[start] == '-' ? 1 : 0;
        size_t run = strict_run(text, start + sign);
        size_t end = start + sign + run;
        if (tail && run > 0 && (end >= text.n || text.p[end] == '\n'))
            run--;
        if (run == 0)
            continue;
        *out = mst_str(text.p + start, sign + run);
        return true;
    }
    return false;
}

// A match is always one whole run of the class, of two characters or more, or of one digit; with the minus before
// it. So the last match is found from the end, without looking at the rest.
static bool
last_flexible(mst_str_t text, mst_str_t *out)
{
    size_t end = text.n;
    while (end > 0) {
        if (!is_flexible(text.p[end - 1])) {
            end--;
            continue;
        }
        size_t start = end - 1;
        while (start > 0 && is_flexible(text.p[start - 1]))
            start--;
        if (end - start >= 2 || is_digit(text.p[start])) {
            start -= start > 0 && text.p[start - 1] == '-' ? 1 : 0;
            *out = mst_str(text.p + start, end - start);
            return true;
        }
        end = start;
    }
    return false;
}

bool
mst_number_extract(mst_number_filter_t filter, mst_str_t text, mst_str_t *out)
{
    switch (filter) {
    case MST_NUMBER_FLEXIBLE:
        return last_flexible(text, out);
    case MST_NUMBER_COT:
        return first_after(text, MST_STR("The answer is "), true, out);
    case MST_NUMBER_STRICT:
    case MST_NUMBER_ORIGINAL:
        break;
    }
    return first_after(text, MST_STR("#### "), false, out);
}

static size_t
without(mst_str_t s, bool dollar, char *out)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] != ',' && !(dollar && s.p[i] == '$'))
            out[n++] = s.p[i];
    }
    return n;
}

mst_str_t
mst_number_original_form(mst_str_t s, char *out)
{
    return mst_str(out, without(s, false, out));
}

mst_str_t
mst_number_harness_form(mst_str_t s, char *out)
{
    size_t n = without(s, true, out);
    for (size_t i = n; i >= 5; i--) {
        if (memcmp(out + i - 5, "#### ", 5) == 0) {
            n -= i;
            out += i;
            break;
        }
    }
    if (n > 0 && out[n - 1] == '.') {
        n--;
    } else if (n > 1 && out[n - 1] == '\n' && out[n - 2] == '.') {
        out[n - 2] = '\n';
        n--;
    }
    for (size_t i = 0; i < n; i++) {
        if (out[i] >= 'A' && out[i] <= 'Z')
            out[i] = (char)(out[i] - 'A' + 'a');
    }
    return mst_str(out, n);
}

// A walk over the significant digits of a number, left to right; the point and the signs to let go are skipped.
typedef struct {
    mst_str_t s;  // sign, leading zeros and a last point removed
    size_t whole; // digits before the point
    bool negative, zero;
} decimal_t;

static bool
skipped(char c)
{
    return c == ',' || c == '$';
}

static mst_str_t
strip_sign(mst_str_t s, bool *negative)
{
    *negative = false;
    while (s.n > 0 && (skipped(s.p[0]) || s.p[0] == '-' || s.p[0] == '+')) {
        if (s.p[0] == '-')
            *negative = !*negative;
        s = mst_str(s.p + 1, s.n - 1);
    }
    return s;
}

static bool
parse(mst_str_t text, decimal_t *d)
{
    mst_str_t s = mst_str_trim(text);
    if (s.n > 0 && s.p[s.n - 1] == '.')
        s.n--;
    d->s = strip_sign(s, &d->negative);
    d->whole = 0;
    d->zero = true;
    size_t digits = 0, points = 0, leading = 0;
    for (size_t i = 0; i < d->s.n; i++) {
        char c = d->s.p[i];
        if (skipped(c))
            continue;
        points += c == '.';
        digits += is_digit(c);
        if (!is_digit(c) && (c != '.' || points > 1))
            return false;
        d->zero = d->zero && (c == '0' || c == '.');
        leading += d->zero && points == 0;
        d->whole += points == 0;
    }
    d->whole -= leading;
    return digits > 0;
}

// The next digit, '.' at the point, or '\0' at the end.
static char
next(const decimal_t *d, size_t *at)
{
    while (*at < d->s.n && skipped(d->s.p[*at]))
        ++*at;
    return *at < d->s.n ? d->s.p[(*at)++] : '\0';
}

static void
skip_leading_zeros(const decimal_t *d, size_t *at)
{
    for (;;) {
        size_t ahead = *at;
        if (next(d, &ahead) != '0')
            return;
        *at = ahead;
    }
}

bool
mst_number_value_eq(mst_str_t a, mst_str_t b)
{
    decimal_t x, y;
    if (!parse(a, &x) || !parse(b, &y))
        return false;
    if (x.zero || y.zero)
        return x.zero && y.zero;
    if (x.negative != y.negative || x.whole != y.whole)
        return false;
    size_t i = 0, k = 0;
    skip_leading_zeros(&x, &i);
    skip_leading_zeros(&y, &k);
    for (;;) {
        char c = next(&x, &i), e = next(&y, &k);
        if (c == '\0' && e == '\0')
            return true;
        // the shorter one goes on with a point or zeros
        c = c == '\0' ? (e == '.' ? '.' : '0') : c;
        e = e == '\0' ? (c == '.' ? '.' : '0') : e;
        if (c != e)
            return false;
    }
}
