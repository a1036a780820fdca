// The writer. It puts the commas and keeps the output valid whatever the input; wrong nesting is the caller's bug.
#include "common/json/json.h"

#include "common/base/limits.h"
#include "common/base/utf8.h"
#include "common/json/simd.h"

#include <math.h>

void
mst_jw_init(mst_jw_t *w, mst_buf_t *out)
{
    *w = (mst_jw_t){.out = out};
}

// The comma in front of a value or key, where one is due.
static void
separate(mst_jw_t *w)
{
    if (w->after_key) {
        w->after_key = false;
        return;
    }
    if (w->depth == 0)
        return;
    uint64_t bit = 1ULL << (w->depth - 1);
    if ((w->need_comma & bit) != 0)
        mst_buf_add_byte(w->out, ',');
    w->need_comma |= bit;
}

static void
open_container(mst_jw_t *w, char c)
{
    separate(w);
    if (w->depth == MST_JSON_DEPTH_MAX) {
        w->out->failed = true;
        return;
    }
    w->need_comma &= ~(1ULL << w->depth);
    w->depth++;
    mst_buf_add_byte(w->out, c);
}

static void
close_container(mst_jw_t *w, char c)
{
    MST_ASSERT((w->depth > 0 && !w->after_key) || w->out->failed);
    if (w->depth > 0)
        w->depth--;
    mst_buf_add_byte(w->out, c);
}

void
mst_jw_obj(mst_jw_t *w)
{
    open_container(w, '{');
}

void
mst_jw_obj_end(mst_jw_t *w)
{
    close_container(w, '}');
}

void
mst_jw_arr(mst_jw_t *w)
{
    open_container(w, '[');
}

void
mst_jw_arr_end(mst_jw_t *w)
{
    close_container(w, ']');
}

static bool
needs_escape(unsigned char c)
{
    return c < 0x20 || c == '"' || c == '\\';
}

static void
put_escape(mst_buf_t *out, unsigned char c)
{
    static const char digits[] = "0123456789abcdef";
    char text[6] = {'\\', 'u', '0', '0', digits[c >> 4], digits[c & 15]};
    size_t n = 2;
    switch (c) {
    case '"':
    case '\\':
        text[1] = (char)c;
        break;
    case '\b':
        text[1] = 'b';
        break;
    case '\f':
        text[1] = 'f';
        break;
    case '\n':
        text[1] = 'n';
        break;
    case '\r':
        text[1] = 'r';
        break;
    case '\t':
        text[1] = 't';
        break;
    default:
        n = 6;
        break;
    }
    mst_buf_add(out, text, n);
}

// True when one of eight bytes is a control character, a quote, a backslash or no ASCII. Per byte: the high bit of
// x - k borrows for x < k, and of (x ^ k) - 1 for x == k; a byte over 0x7f is caught by itself. A borrow may pass
// on to the byte above and call it special when it is not: that only sends it the slow way.
static bool
any_special(uint64_t x)
{
    const uint64_t ones = 0x0101010101010101ULL, high = 0x8080808080808080ULL;
    uint64_t control = x - ones * 0x20;
    uint64_t quote = (x ^ ones * '"') - ones;
    uint64_t backslash = (x ^ ones * '\\') - ones;
    return ((control | quote | backslash | x) & high) != 0;
}

// Bytes at the front that can be written as they are.
static size_t
plain_run(mst_str_t s)
{
    size_t i = 0;
    for (;;) {
        uint64_t x;
        while (s.n - i >= 8 && (memcpy(&x, s.p + i, 8), !any_special(x)))
            i += 8;
        size_t stop = s.n - i >= 8 ? i + 8 : s.n;
        while (i < stop) {
            unsigned char c = (unsigned char)s.p[i];
            if (needs_escape(c))
                return i;
            uint32_t cp;
            size_t n = c < 0x80 ? 1 : mst_utf8_next(mst_str(s.p + i, s.n - i), &cp);
            if (n == 1 && c >= 0x80)
                return i;
            i += n;
        }
        if (i >= s.n)
            return s.n;
    }
}

static void
put_string(mst_buf_t *out, mst_str_t s)
{
    size_t run = plain_run(s);
    char *to = run == s.n ? mst_buf_reserve(out, s.n + 2) : NULL;
    if (to != NULL) { // most strings: nothing to escape
        to[0] = '"';
        if (s.n > 0)
            memcpy(to + 1, s.p, s.n);
        to[s.n + 1] = '"';
        out->n += s.n + 2;
        return;
    }
    mst_buf_add_byte(out, '"');
    for (; s.n > 0; run = plain_run(s)) {
        mst_buf_add(out, s.p, run);
        s = mst_str(s.p + run, s.n - run);
        if (s.n == 0)
            break;
        unsigned char c = (unsigned char)s.p[0];
        if (needs_escape(c))
            put_escape(out, c);
        else
            mst_buf_add(out, "\xEF\xBF\xBD", 3);
        s = mst_str(s.p + 1, s.n - 1);
    }
    mst_buf_add_byte(out, '"');
}

void
mst_jw_key_str(mst_jw_t *w, mst_str_t key)
{
    separate(w);
    put_string(w->out, key);
    mst_buf_add_byte(w->out, ':');
    w->after_key = true;
}

void
mst_jw_key(mst_jw_t *w, const char *key)
{
    mst_jw_key_str(w, mst_str_c(key));
}

void
mst_jw_str(mst_jw_t *w, mst_str_t s)
{
    separate(w);
    put_string(w->out, s);
}

static void
put_u64(mst_buf_t *out, uint64_t v, bool negative)
{
    char text[24];
    size_t at = sizeof text;
    do {
        text[--at] = (char)('0' + v % 10);
        v /= 10;
    } while (v > 0);
    if (negative)
        text[--at] = '-';
    mst_buf_add(out, text + at, sizeof text - at);
}

static void
put_i64(mst_buf_t *out, int64_t v)
{
    put_u64(out, v < 0 ? 0 - (uint64_t)v : (uint64_t)v, v < 0);
}

void
mst_jw_i64(mst_jw_t *w, int64_t v)
{
    separate(w);
    put_i64(w->out, v);
}

void
mst_jw_u64(mst_jw_t *w, uint64_t v)
{
    separate(w);
    put_u64(w->out, v, false);
}

// Copies n bytes to text at *at.
static inline void
append(char *text, size_t *at, const char *p, size_t n)
{
    memcpy(text + *at, p, n);
    *at += n;
}

#define F64_TEXT_MAX 48

// Lays out the shortest digits (at most 17) as Python's repr does: with an exponent below 1e-4 and from 1e16 on.
static size_t
layout_f64(double v, char to[F64_TEXT_MAX])
{
    char text[MST_SIMD_F64_MAX], digits[MST_SIMD_F64_MAX];
    size_t n = mst_simd_f64(v, text), at = 0, count = 0, used = 0;
    if (text[0] == '-')
        to[used++] = text[at++];
    for (; at < n && text[at] != 'e'; at++) {
        if (text[at] != '.')
            digits[count++] = text[at];
    }
    int64_t exponent = 0;
    (void)mst_str_to_i64(mst_str(text + at + 1, n - at - 1), &exponent);
    static const char zeros[] = "0000000000000000";
    if (exponent < -4 || exponent >= 16) {
        append(to, &used, digits, 1);
        append(to, &used, ".", count > 1 ? 1 : 0);
        append(to, &used, digits + 1, count - 1);
        append(to, &used, text + at, n - at);
    } else if (exponent < 0) {
        append(to, &used, "0.", 2);
        append(to, &used, zeros, (size_t)(-exponent) - 1);
        append(to, &used, digits, count);
    } else {
        size_t whole = (size_t)exponent + 1, given = count < whole ? count : whole;
        append(to, &used, digits, given);
        append(to, &used, zeros, whole - given);
        append(to, &used, ".", 1);
        append(to, &used, count > whole ? digits + whole : "0", count > whole ? count - whole : 1);
    }
    return used;
}

static void
put_f64(mst_buf_t *out, double v)
{
    char text[F64_TEXT_MAX];
    size_t n = layout_f64(v, text);
    mst_buf_add(out, text, n);
}

void
mst_jw_f64(mst_jw_t *w, double v)
{
    separate(w);
    if (isnan(v))
        mst_buf_add(w->out, "\"NaN\"", 5);
    else if (isinf(v))
        mst_buf_add_c(w->out, v > 0 ? "\"Infinity\"" : "\"-Infinity\"");
    else if (fabs(v) < 1e15 && v == (double)(int64_t)v && !(v == 0 && signbit(v))) {
        put_i64(w->out, (int64_t)v); // most numbers are small and whole
        mst_buf_add(w->out, ".0", 2);
    } else {
        put_f64(w->out, v);
    }
}

void
mst_jw_bool(mst_jw_t *w, bool v)
{
    separate(w);
    mst_buf_add_c(w->out, v ? "true" : "false");
}

void
mst_jw_null(mst_jw_t *w)
{
    separate(w);
    mst_buf_add(w->out, "null", 4);
}

void
mst_jw_raw(mst_jw_t *w, mst_str_t json)
{
    separate(w);
    mst_buf_add_str(w->out, json);
}
