// Slices to numbers, without a look at the locale.
#include "common/base/str.h"

#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <strings.h>

bool
mst_str_to_u64(mst_str_t s, uint64_t *out)
{
    if (s.n == 0)
        return false;
    uint64_t v = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
        uint64_t digit = (uint64_t)(s.p[i] - '0');
        if (v > (UINT64_MAX - digit) / 10)
            return false;
        v = v * 10 + digit;
    }
    *out = v;
    return true;
}

bool
mst_str_to_i64(mst_str_t s, int64_t *out)
{
    bool negative = s.n > 0 && s.p[0] == '-';
    if (s.n > 0 && (s.p[0] == '-' || s.p[0] == '+'))
        s = mst_str(s.p + 1, s.n - 1);
    uint64_t v;
    if (!mst_str_to_u64(s, &v))
        return false;
    if (v > (uint64_t)INT64_MAX + (negative ? 1 : 0))
        return false;
    if (!negative)
        *out = (int64_t)v;
    else
        *out = v == 0 ? 0 : -(int64_t)(v - 1) - 1;
    return true;
}

// Correct rounding needs at most 768 significant digits and the knowledge whether anything but zero follows.
#define DIGITS_MAX 800
#define TEXT_MAX   (DIGITS_MAX + 64)

typedef struct {
    char text[TEXT_MAX]; // digits, "e", exponent, NUL
    size_t n;            // digits in text
    int64_t exponent;    // of ten, to be added
    bool sticky;         // a digit other than zero was left out
} shorten_t;

static void
shorten_digit(shorten_t *w, char c, bool fraction)
{
    if (w->n == 0 && c == '0') {
        w->exponent -= fraction;
    } else if (w->n < DIGITS_MAX) {
        w->text[w->n++] = c;
        w->exponent -= fraction;
    } else {
        w->sticky = w->sticky || c != '0';
        w->exponent += !fraction;
    }
}

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

// [eE][+-]digits over the whole rest; values beyond 10^9 stay there: they give infinity or zero all the same.
static bool
read_exponent(mst_str_t s, int64_t *out)
{
    if (s.n < 2 || (s.p[0] | 0x20) != 'e')
        return false;
    size_t i = 1;
    bool negative = s.p[i] == '-';
    i += s.p[i] == '-' || s.p[i] == '+';
    if (i == s.n)
        return false;
    int64_t v = 0;
    for (; i < s.n; i++) {
        if (!is_digit(s.p[i]))
            return false;
        if (v < 1000000000)
            v = v * 10 + (s.p[i] - '0');
    }
    *out = negative ? -v : v;
    return true;
}

// Rewrites a long decimal number as up to 800 digits and an exponent that give the same double.
static bool
shorten(mst_str_t s, shorten_t *w)
{
    size_t i = 0, digits = 0;
    for (; i < s.n && is_digit(s.p[i]); i++, digits++)
        shorten_digit(w, s.p[i], false);
    if (i < s.n && s.p[i] == '.') {
        for (i++; i < s.n && is_digit(s.p[i]); i++, digits++)
            shorten_digit(w, s.p[i], true);
    }
    int64_t exponent = 0;
    if (digits == 0 || (i < s.n && !read_exponent(mst_str(s.p + i, s.n - i), &exponent)))
        return false;
    if (w->n == 0)
        w->text[w->n++] = '0';
    if (w->sticky) {
        w->text[w->n++] = '1';
        w->exponent--;
    }
    exponent += w->exponent;
    // written by hand: printf would look at the locale
    size_t at = w->n;
    w->text[at++] = 'e';
    w->text[at++] = exponent < 0 ? '-' : '+';
    uint64_t rest = exponent < 0 ? (uint64_t)-exponent : (uint64_t)exponent;
    char reversed[24];
    size_t n = 0;
    do {
        reversed[n++] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    while (n > 0)
        w->text[at++] = reversed[--n];
    w->text[at] = '\0';
    return true;
}

static pthread_once_t c_locale_once = PTHREAD_ONCE_INIT;
static locale_t c_locale; // written once, never freed: lives as long as the process

static void
c_locale_make(void)
{
    c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

static bool
is_word(mst_str_t s, const char *a, const char *b)
{
    return (s.n == strlen(a) && strncasecmp(s.p, a, s.n) == 0) || (s.n == strlen(b) && strncasecmp(s.p, b, s.n) == 0);
}

bool
mst_str_to_f64(mst_str_t s, bool allow_nonfinite, double *out)
{
    bool negative = s.n > 0 && s.p[0] == '-';
    if (s.n > 0 && (s.p[0] == '-' || s.p[0] == '+'))
        s = mst_str(s.p + 1, s.n - 1);
    if (s.n == 0)
        return false;
    if (!is_digit(s.p[0]) && s.p[0] != '.') {
        bool nan = is_word(s, "nan", "nan");
        if (!allow_nonfinite || (!nan && !is_word(s, "inf", "infinity")))
            return false;
        double v = nan ? (double)NAN : (double)INFINITY;
        *out = negative ? -v : v;
        return true;
    }
    shorten_t w;
    w.n = 0;
    w.exponent = 0;
    w.sticky = false; // text is written as far as it is read: no need to clear it
    if (!shorten(s, &w))
        return false;
    pthread_once(&c_locale_once, c_locale_make);
    double v = strtod_l(w.text, NULL, c_locale);
    if (!isfinite(v) && !allow_nonfinite)
        return false;
    *out = negative ? -v : v;
    return true;
}
