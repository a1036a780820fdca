#include "scorers/say.h"

#include "common/text/normalise.h"

#include <math.h>
#include <stdio.h>

#define NUMBER_BYTES 32

static size_t
put_u64(uint64_t v, char *out)
{
    char digits[20];
    size_t n = 0;
    do
        digits[n++] = (char)('0' + v % 10);
    while ((v /= 10) > 0);
    for (size_t i = 0; i < n; i++)
        out[i] = digits[n - 1 - i];
    return n;
}

static size_t
put_i64(int64_t v, char *out)
{
    if (v >= 0)
        return put_u64((uint64_t)v, out);
    out[0] = '-';
    return 1 + put_u64(~(uint64_t)v + 1, out + 1);
}

// 1234567 ns is 1.234567; at least one decimal, so that it reads as a number of milliseconds.
static size_t
put_ms(int64_t ns, char *out)
{
    size_t n = 0;
    uint64_t v = ns < 0 ? ~(uint64_t)ns + 1 : (uint64_t)ns;
    if (ns < 0)
        out[n++] = '-';
    n += put_u64(v / 1000000, out + n);
    out[n++] = '.';
    uint64_t rest = v % 1000000;
    size_t decimals = 6;
    while (decimals > 1 && rest % 10 == 0) {
        rest /= 10;
        decimals--;
    }
    for (size_t i = decimals; i > 0; i--) {
        out[n + i - 1] = (char)('0' + rest % 10);
        rest /= 10;
    }
    return n + decimals;
}

// What "%.6g" writes for d between 0.001 and 1000, where most scores are. 0: not such a number, or one so close to the
// middle of two that rounding it takes more care.
static size_t
put_common(double d, char *out)
{
    static const double below[] = {0.01, 0.1, 1, 10, 100, 1000}, scale[] = {1e8, 1e7, 1e6, 1e5, 1e4, 1e3};
    uint32_t k = 0, decimals = 8;
    if (!(d >= 0.001 && d < 1000))
        return 0;
    for (; d >= below[k]; k++)
        decimals--;
    double scaled = d * scale[k];
    uint64_t v = (uint64_t)scaled;
    double rest = scaled - (double)v;
    v += rest > 0.5;
    if (fabs(rest - 0.5) < 1e-6 || v >= 1000000)
        return 0;
    for (; decimals > 0 && v % 10 == 0; v /= 10)
        decimals--;
    char digits[16];
    size_t n = 0, at = 0;
    for (; v > 0 || n <= decimals; v /= 10)
        digits[n++] = (char)('0' + v % 10);
    while (n > 0) {
        if (n == decimals)
            out[at++] = '.';
        out[at++] = digits[--n];
    }
    return at;
}

static size_t
put_num(double d, char *out)
{
    if (d == floor(d) && fabs(d) < 1e15)
        return put_i64((int64_t)d, out);
    size_t common = put_common(d, out);
    if (common > 0)
        return common;
    int n = snprintf(out, NUMBER_BYTES, "%.6g", d);
    return n > 0 && n < NUMBER_BYTES ? (size_t)n : 0;
}

// The fewest digits that read back as the same number.
static size_t
put_f64(double d, char *out)
{
    const char *word = isnan(d) ? "null" : d > 0 ? "\"Infinity\"" : "\"-Infinity\"";
    int n = 0;
    if (isfinite(d)) {
        double back = 0.0;
        for (int digits = 15; digits <= 17; digits++) {
            n = snprintf(out, NUMBER_BYTES, "%.*g", digits, d);
            if (mst_str_to_f64(mst_str(out, (size_t)n), false, &back) && memcmp(&back, &d, sizeof d) == 0)
                break;
        }
        return (size_t)n;
    }
    memcpy(out, word, strlen(word));
    return strlen(word);
}

static size_t
room(const mst_say_t *part)
{
    if (part->type == MST_SAY_TEXT)
        return part->s.n;
    if (part->type == MST_SAY_EXCERPT_OF)
        return (part->s.n < MST_SAY_EXCERPT ? part->s.n : MST_SAY_EXCERPT) + 5; // quotes and dots
    return NUMBER_BYTES;
}

static size_t
put(const mst_say_t *part, char *out)
{
    switch (part->type) {
    case MST_SAY_TEXT:
        if (part->s.n > 0)
            memcpy(out, part->s.p, part->s.n);
        return part->s.n;
    case MST_SAY_EXCERPT_OF: {
        out[0] = '"';
        size_t n = 1 + mst_text_excerpt(part->s, MST_SAY_EXCERPT, out + 1);
        out[n] = '"';
        return n + 1;
    }
    case MST_SAY_INT:
        return put_i64(part->i, out);
    case MST_SAY_MS:
        return put_ms(part->i, out);
    case MST_SAY_F64:
        return put_f64(part->d, out);
    case MST_SAY_NUM:
        break;
    }
    return put_num(part->d, out);
}

mst_str_t
mst_say_all(mst_arena_t *arena, const mst_say_t *parts, size_t count)
{
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++)
        bytes += room(&parts[i]);
    char *text = mst_arena_alloc_raw(arena, bytes);
    if (text == NULL)
        return MST_STR_NULL;
    size_t n = 0;
    for (size_t i = 0; i < count; i++)
        n += put(&parts[i], text + n);
    return mst_str(text, n);
}

double
mst_score_decay(double value, double limit)
{
    if (value <= limit)
        return 1.0;
    double left = 1.0 - (value - limit) / limit;
    return left > 0.0 ? left : 0.0;
}

mst_rc
mst_score_reference(const mst_scorer_cfg_t *cfg, const mst_case_t *c, mst_str_t *ref, mst_score_t *out, mst_err_t *err)
{
    if (mst_params_set(&cfg->params, "expected")) {
        *ref = mst_params_str(&cfg->params, "expected");
        return MST_OK;
    }
    if (c->has_expected) {
        *ref = c->expected;
        return MST_OK;
    }
    return mst_score_no_reference(cfg, out, err);
}

mst_rc
mst_score_no_reference(const mst_scorer_cfg_t *cfg, mst_score_t *out, mst_err_t *err)
{
    if (cfg->on_missing == MST_MISSING_PASS)
        return MST_ERR(err, MST_INVAL,
                       "the case has no expected answer: give it one, set `expected`, or say on_missing: skip or fail");
    out->state = MST_SCORE_NOT_MEASURED;
    out->reason = MST_STR("not measured: the case has no expected answer");
    return MST_NOTFOUND;
}
