#include "worker/provider/sse.h"

#include "common/base/limits.h"

// A line ends at LF, CR or CR LF. Where a CR is the last byte so far the line is over all the same, and an LF that
// follows is swallowed by the next call: so an event is complete with the first byte that can complete it, however
// the bytes are cut.

#define BOM_PAST 4

static const char bom[3] = {'\xef', '\xbb', '\xbf'};

void
mst_sse_init(mst_sse_t *s)
{
    *s = (mst_sse_t){.line_max = MST_SSE_LINE_MAX, .event_max = MST_SSE_EVENT_MAX};
    mst_buf_init(&s->line, MST_SSE_LINE_MAX);
    mst_buf_init(&s->data, MST_SSE_EVENT_MAX);
    mst_buf_init(&s->name, MST_SSE_LINE_MAX);
}

void
mst_sse_deinit(mst_sse_t *s)
{
    mst_buf_deinit(&s->line);
    mst_buf_deinit(&s->data);
    mst_buf_deinit(&s->name);
}

static void
reset_event(mst_sse_t *s)
{
    s->has_data = s->has_ref = s->dispatched = false;
    mst_buf_reset(&s->data);
    mst_buf_reset(&s->name);
}

// Moves the one data line out of the input, which is about to go.
static bool
keep(mst_sse_t *s)
{
    if (s->has_ref)
        (void)mst_buf_add_str(&s->data, s->ref);
    s->has_ref = false;
    return !s->data.failed;
}

static bool
add_data(mst_sse_t *s, mst_str_t value, bool direct)
{
    size_t before = s->has_ref ? s->ref.n : s->data.n;
    if (value.n > s->event_max || before + s->has_data > s->event_max - value.n)
        return false;
    if (!s->has_data && direct) {
        s->ref = value;
        s->has_ref = true;
    } else {
        if (!keep(s))
            return false;
        if (s->has_data)
            (void)mst_buf_add_byte(&s->data, '\n');
        (void)mst_buf_add_str(&s->data, value);
    }
    s->has_data = true;
    return !s->data.failed;
}

static bool
set_name(mst_sse_t *s, mst_str_t name)
{
    mst_buf_reset(&s->name);
    return mst_buf_add_str(&s->name, name) == MST_OK;
}

// A line that is not blank and no comment. direct: it lies in the input. Unknown fields, id and retry are let go.
static bool
take_field(mst_sse_t *s, mst_str_t line, bool direct)
{
    const char *colon = memchr(line.p, ':', line.n);
    mst_str_t field = colon != NULL ? mst_str(line.p, (size_t)(colon - line.p)) : line;
    mst_str_t value = MST_STR_NULL;
    if (colon != NULL)
        value = mst_str(colon + 1, line.n - field.n - 1);
    if (value.n > 0 && value.p[0] == ' ')
        value = mst_str(value.p + 1, value.n - 1);
    if (mst_str_eq(field, MST_STR("data")))
        return add_data(s, value, direct);
    if (mst_str_eq(field, MST_STR("event")))
        return set_name(s, value);
    if (mst_str_eq(field, MST_STR("error"))) // older llama.cpp servers
        return set_name(s, field) && add_data(s, value, direct);
    return true;
}

static void
fill(const mst_sse_t *s, mst_sse_event_t *out)
{
    out->name = mst_buf_view(&s->name);
    out->data = s->has_ref ? s->ref : mst_buf_view(&s->data);
}

// MST_SSE_MORE: go on.
static mst_sse_got_t
take_line(mst_sse_t *s, mst_str_t line, bool direct, mst_sse_event_t *out)
{
    if (line.n > s->line_max)
        return MST_SSE_TOO_LARGE;
    if (line.n == 0) {
        if (!s->has_data) {
            reset_event(s);
            return MST_SSE_MORE;
        }
        fill(s, out);
        s->dispatched = true; // the slices live on until the next call
        return MST_SSE_EVENT;
    }
    if (line.p[0] == ':')
        return MST_SSE_COMMENT;
    return take_field(s, line, direct) ? MST_SSE_MORE : MST_SSE_TOO_LARGE;
}

// Takes the byte order mark, whole or in pieces; false: the input is used up in the middle of it.
static bool
skip_bom(mst_sse_t *s, mst_str_t *in)
{
    while (s->bom_seen < 3) {
        if (in->n == 0)
            return false;
        if (in->p[0] != bom[s->bom_seen]) {
            (void)mst_buf_add(&s->line, bom, s->bom_seen); // they were the start of a line after all
            break;
        }
        s->bom_seen++;
        *in = mst_str(in->p + 1, in->n - 1);
    }
    s->bom_seen = BOM_PAST;
    return true;
}

// Bytes before the first CR or LF; in.n when there is none.
static size_t
line_length(mst_str_t in)
{
    const char *lf = memchr(in.p, '\n', in.n);
    size_t n = lf != NULL ? (size_t)(lf - in.p) : in.n;
    const char *cr = memchr(in.p, '\r', n);
    return cr != NULL ? (size_t)(cr - in.p) : n;
}

static mst_sse_got_t
next(mst_sse_t *s, mst_str_t *in, mst_sse_event_t *out)
{
    while (in->n > 0) {
        if (s->after_cr && in->p[0] == '\n')
            *in = mst_str(in->p + 1, in->n - 1);
        s->after_cr = false;
        if (in->n == 0)
            break;
        size_t n = line_length(*in);
        bool whole = n < in->n, direct = s->line.n == 0;
        mst_str_t line = mst_str(in->p, n);
        if (n > s->line_max || s->line.n > s->line_max - n)
            return MST_SSE_TOO_LARGE;
        if (!whole || !direct) {
            (void)mst_buf_add_str(&s->line, line);
            line = mst_buf_view(&s->line);
        }
        s->after_cr = whole && in->p[n] == '\r';
        *in = mst_str(in->p + n + whole, in->n - n - whole);
        if (!whole)
            break;
        mst_sse_got_t got = take_line(s, line, direct, out);
        mst_buf_reset(&s->line);
        if (got == MST_SSE_COMMENT && !keep(s)) // in the middle of an event, and the input may be gone by the next call
            return MST_SSE_TOO_LARGE;
        if (got != MST_SSE_MORE)
            return got;
    }
    return s->line.failed || !keep(s) ? MST_SSE_TOO_LARGE : MST_SSE_MORE;
}

mst_sse_got_t
mst_sse_next(mst_sse_t *s, mst_str_t *in, mst_sse_event_t *out)
{
    *out = (mst_sse_event_t){MST_STR_NULL, MST_STR_NULL};
    if (s->failed)
        return MST_SSE_TOO_LARGE;
    if (s->dispatched)
        reset_event(s);
    if (s->bom_seen != BOM_PAST && !skip_bom(s, in))
        return MST_SSE_MORE;
    mst_sse_got_t got = next(s, in, out);
    s->failed = got == MST_SSE_TOO_LARGE;
    return got;
}

// Does the text hold one JSON object or array, whole, and nothing behind it? Brackets outside strings are counted:
// enough to tell a complete event from a cut one.
static bool
is_closed_json(mst_str_t s)
{
    s = mst_str_trim(s);
    size_t depth = 0;
    bool quoted = false;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (quoted) {
            i += c == '\\';
            quoted = c != '"';
            continue;
        }
        quoted = c == '"';
        depth += c == '{' || c == '[';
        if (depth == 0)
            return false;
        depth -= c == '}' || c == ']';
        if (depth == 0)
            return i + 1 == s.n;
    }
    return false;
}

bool
mst_sse_end(mst_sse_t *s, mst_sse_event_t *out)
{
    *out = (mst_sse_event_t){MST_STR_NULL, MST_STR_NULL};
    if (s->failed)
        return false;
    if (s->dispatched)
        reset_event(s);
    if (s->line.n > 0 && take_line(s, mst_buf_view(&s->line), false, out) == MST_SSE_TOO_LARGE)
        return false;
    mst_buf_reset(&s->line);
    if (!s->has_data)
        return false;
    fill(s, out);
    s->dispatched = true;
    return mst_str_eq(mst_str_trim(out->data), MST_STR("[DONE]")) || is_closed_json(out->data);
}
