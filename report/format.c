// Locale-free formatting. Nothing here depends on the environment: a report is the same everywhere.
#include "report/format.h"

#include "common/base/utf8.h"

#include <math.h>

void
mst_fmt_count(uint64_t n, mst_buf_t *out)
{
    char text[32];
    size_t at = sizeof text, digits = 0;
    do {
        if (digits > 0 && digits % 3 == 0)
            text[--at] = ',';
        text[--at] = (char)('0' + n % 10);
        n /= 10;
        digits++;
    } while (n > 0);
    mst_buf_add(out, text + at, sizeof text - at);
}

void
mst_fmt_tokens(int64_t prompt, int64_t completion, mst_buf_t *out)
{
    if (prompt >= 0) {
        mst_fmt_count((uint64_t)prompt, out);
        mst_buf_add_c(out, completion >= 0 ? " prompt, " : " prompt");
    }
    if (completion >= 0) {
        mst_fmt_count((uint64_t)completion, out);
        mst_buf_add_c(out, " completion");
    }
    mst_buf_add_byte(out, '\n');
}

void
mst_fmt_ms(double ms, mst_buf_t *out)
{
    if (!isfinite(ms))
        mst_buf_add_c(out, "-");
    else if (ms < 0.9995)
        mst_buf_addf(out, "%.0f us", ms * 1000);
    else if (ms < 99.95)
        mst_buf_addf(out, "%.1f ms", ms);
    else if (ms < 9999.5)
        mst_buf_addf(out, "%.0f ms", ms);
    else if (ms < 119995)
        mst_buf_addf(out, "%.2f s", ms / 1000);
    else
        mst_buf_addf(out, "%.0f m %.0f s", floor(ms / 60000), floor(fmod(ms, 60000) / 1000));
}

void
mst_fmt_percent(double part, mst_buf_t *out)
{
    if (!isfinite(part)) {
        mst_buf_add_c(out, "-");
        return;
    }
    double shown = round(part * 1000) / 10;
    if (shown >= 100 && part < 1)
        shown = 99.9; // one failure in ten thousand is not "all"
    if (shown <= 0 && part > 0)
        shown = 0.1;
    mst_buf_addf(out, "%.1f %%", shown);
}

void
mst_fmt_rate(double per_s, mst_buf_t *out)
{
    if (!isfinite(per_s))
        mst_buf_add_c(out, "-");
    else if (per_s < 99.95)
        mst_buf_addf(out, "%.1f", per_s);
    else
        mst_fmt_count((uint64_t)llround(fmin(per_s, 1e15)), out);
}

void
mst_fmt_score(double v, mst_buf_t *out)
{
    if (!isfinite(v))
        mst_buf_add_c(out, "-");
    else if (fabs(v) < 1e6)
        mst_buf_addf(out, "%.3f", v);
    else
        mst_buf_addf(out, "%.3g", v);
}

static bool
is_control(uint32_t cp)
{
    bool c1 = cp >= 0x7f && cp < 0xa0;
    bool direction = (cp >= 0x202a && cp <= 0x202e) || (cp >= 0x2066 && cp <= 0x2069);
    return cp < 0x20 || c1 || direction;
}

void
mst_fmt_safe(mst_str_t s, bool lines, mst_buf_t *out)
{
    while (s.n > 0) {
        uint32_t cp;
        size_t n = mst_utf8_next(s, &cp);
        if (lines && (cp == '\n' || cp == '\t'))
            mst_buf_add_byte(out, (char)cp);
        else if (is_control(cp) && cp <= 0xff)
            mst_buf_addf(out, "\\x%02x", cp);
        else if (is_control(cp))
            mst_buf_addf(out, "\\u%04x", cp);
        else if (cp == 0xfffd)
            mst_buf_add_c(out, "\xef\xbf\xbd");
        else
            mst_buf_add(out, s.p, n);
        s = mst_str(s.p + n, s.n - n);
    }
}

static const char *const codes[] = {
    [MST_PLAIN] = "",       [MST_BOLD] = "\x1b[1m",   [MST_DIM] = "\x1b[2m",
    [MST_RED] = "\x1b[31m", [MST_GREEN] = "\x1b[32m", [MST_YELLOW] = "\x1b[33m",
};

void
mst_fmt_style(bool colour, mst_style_t style, mst_buf_t *out)
{
    if (colour)
        mst_buf_add_c(out, codes[style]);
}

void
mst_fmt_style_end(bool colour, mst_style_t style, mst_buf_t *out)
{
    if (colour && style != MST_PLAIN)
        mst_buf_add_c(out, "\x1b[0m");
}
