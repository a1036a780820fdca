// Dates, times and durations of RFC 3339.
#include "common/schema/format.h"

#include <stdint.h>

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

// `digits` decimal digits at the front, taken from s; -1 when they are not there.
static int
take(mst_str_t *s, size_t digits)
{
    int v = 0;
    if (s->n < digits)
        return -1;
    for (size_t i = 0; i < digits; i++) {
        if (!is_digit(s->p[i]))
            return -1;
        v = v * 10 + (s->p[i] - '0');
    }
    *s = mst_str(s->p + digits, s->n - digits);
    return v;
}

static bool
take_char(mst_str_t *s, char c)
{
    if (s->n == 0 || s->p[0] != c)
        return false;
    *s = mst_str(s->p + 1, s->n - 1);
    return true;
}

static bool
take_date(mst_str_t *s)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int year = take(s, 4);
    if (year < 0 || !take_char(s, '-'))
        return false;
    int month = take(s, 2);
    if (month < 1 || month > 12 || !take_char(s, '-'))
        return false;
    int day = take(s, 2);
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return day >= 1 && day <= days[month - 1] + (month == 2 && leap);
}

// "Z" or "+hh:mm"; minutes east of UTC.
static bool
take_offset(mst_str_t *s, int *minutes)
{
    *minutes = 0;
    if (take_char(s, 'Z') || take_char(s, 'z'))
        return true;
    bool west = s->n > 0 && s->p[0] == '-';
    if (!take_char(s, '+') && !take_char(s, '-'))
        return false;
    int h = take(s, 2);
    if (h < 0 || h > 23 || !take_char(s, ':'))
        return false;
    int m = take(s, 2);
    *minutes = (h * 60 + m) * (west ? -1 : 1);
    return m >= 0 && m <= 59;
}

static bool
take_time(mst_str_t *s)
{
    int h = take(s, 2);
    if (h < 0 || h > 23 || !take_char(s, ':'))
        return false;
    int m = take(s, 2);
    if (m < 0 || m > 59 || !take_char(s, ':'))
        return false;
    int second = take(s, 2);
    if (second < 0 || second > 60)
        return false;
    if (take_char(s, '.')) {
        if (s->n == 0 || !is_digit(s->p[0]))
            return false;
        while (s->n > 0 && is_digit(s->p[0]))
            *s = mst_str(s->p + 1, s->n - 1);
    }
    int offset;
    if (!take_offset(s, &offset))
        return false;
    // a leap second ends a day of UTC
    int utc = ((h * 60 + m - offset) % 1440 + 1440) % 1440;
    return second < 60 || utc == 1439;
}

bool
mst_format_date(mst_str_t s)
{
    return take_date(&s) && s.n == 0;
}

bool
mst_format_time(mst_str_t s)
{
    return take_time(&s) && s.n == 0;
}

bool
mst_format_date_time(mst_str_t s)
{
    return take_date(&s) && (take_char(&s, 'T') || take_char(&s, 't')) && take_time(&s) && s.n == 0;
}

// Units of `order` that follow one another without a gap: "3Y6M" of "YMD", not "3Y6D" (RFC 3339, appendix A). False
// when there is none.
static bool
take_units(mst_str_t *s, const char *order)
{
    bool any = false;
    while (s->n > 0 && is_digit(s->p[0])) {
        while (s->n > 0 && is_digit(s->p[0]))
            *s = mst_str(s->p + 1, s->n - 1);
        const char *unit = s->n > 0 && s->p[0] != '\0' ? strchr(order, s->p[0]) : NULL;
        if (unit == NULL || (any && unit != order))
            return false;
        any = true;
        order = unit + 1;
        *s = mst_str(s->p + 1, s->n - 1);
    }
    return any;
}

bool
mst_format_duration(mst_str_t s)
{
    if (!take_char(&s, 'P'))
        return false;
    mst_str_t weeks = s;
    if (take_units(&weeks, "W"))
        return weeks.n == 0;
    bool date = s.n > 0 && s.p[0] != 'T';
    if (date && !take_units(&s, "YMD"))
        return false;
    if (s.n == 0)
        return date;
    return take_char(&s, 'T') && take_units(&s, "HMS") && s.n == 0;
}
