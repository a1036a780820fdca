// The sentence of a violation.
#include "common/schema/check.h"

#include "common/text/normalise.h"

#include <stdarg.h>
#include <stdio.h>

#define EXCERPT 48

const char *
mst_check_show_str(mst_str_t s, char out[MST_SHOW_BYTES])
{
    out[0] = '"';
    size_t n = 1 + mst_text_excerpt(s, EXCERPT, out + 1);
    out[n] = '"';
    out[n + 1] = '\0';
    return out;
}

const char *
mst_check_show(const mst_json_t *value, char out[MST_SHOW_BYTES])
{
    mst_buf_t text;
    mst_jw_t w;
    switch (value->type) {
    case MST_JSON_STR:
        return mst_check_show_str(value->u.s, out);
    case MST_JSON_ARR:
        snprintf(out, MST_SHOW_BYTES, "an array of %u", value->count);
        return out;
    case MST_JSON_OBJ:
        snprintf(out, MST_SHOW_BYTES, "an object of %u", value->count);
        return out;
    case MST_JSON_NULL:
    case MST_JSON_BOOL:
    case MST_JSON_INT:
    case MST_JSON_DOUBLE:
        break;
    }
    mst_buf_init(&text, MST_SHOW_BYTES);
    mst_jw_init(&w, &text);
    mst_jw_value(&w, value);
    snprintf(out, MST_SHOW_BYTES, "%.*s", MST_FMT(mst_buf_view(&text)));
    mst_buf_deinit(&text);
    return out;
}

static void
add_step(mst_buf_t *out, const step_t *s)
{
    (void)mst_buf_add_byte(out, '/');
    if (s->key.p == NULL) {
        (void)mst_buf_addf(out, "%u", s->index);
        return;
    }
    for (size_t i = 0; i < s->key.n; i++) {
        char c = s->key.p[i];
        if (c == '~' || c == '/')
            (void)mst_buf_add_c(out, c == '~' ? "~0" : "~1");
        else
            (void)mst_buf_add_byte(out, c);
    }
}

// The way to a place; returns its length, at most MST_JSON_DEPTH_MAX.
static uint32_t
steps_of(const spot_t *spot, step_t *out)
{
    uint32_t n = spot->depth < MST_JSON_DEPTH_MAX ? spot->depth : MST_JSON_DEPTH_MAX;
    for (uint32_t i = n; i > 0 && spot->up != NULL; i--, spot = spot->up)
        out[i - 1] = (step_t){.key = spot->key, .index = spot->index};
    return n;
}

static void
add_path(mst_buf_t *out, const step_t *steps, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        add_step(out, &steps[i]);
}

// The start of the sentence. False in an attempt: there only the deepest place is remembered.
static bool
begin(check_t *v, const spot_t *spot, const char *keyword)
{
    if (v->rc != MST_OK || v->failed)
        return false;
    if (v->quiet > 0) {
        if (spot->depth > v->near_depth) {
            v->near_depth = steps_of(spot, v->near);
            v->near_keyword = keyword;
        }
        return false;
    }
    step_t steps[MST_JSON_DEPTH_MAX];
    add_path(&v->path, steps, steps_of(spot, steps));
    v->failed = true;
    v->keyword = keyword;
    mst_str_t path = mst_buf_view(&v->path);
    if (path.n == 0)
        (void)mst_buf_add_c(&v->message, "at the root: ");
    else
        (void)mst_buf_addf(&v->message, "at \"%.*s\": ", MST_FMT(path));
    (void)mst_buf_addf(&v->message, "%s: ", keyword);
    return true;
}

bool
mst_check_fail(check_t *v, const spot_t *spot, const char *keyword, const char *fmt, ...)
{
    if (!begin(v, spot, keyword))
        return false;
    char text[512];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    (void)mst_buf_add_c(&v->message, text);
    return false;
}

bool
mst_check_miss(check_t *v, const spot_t *spot, const char *keyword)
{
    (void)begin(v, spot, keyword);
    return false;
}

bool
mst_check_fail_near(check_t *v, const spot_t *spot, const char *keyword, uint32_t count)
{
    if (!begin(v, spot, keyword))
        return false;
    (void)mst_buf_addf(&v->message, "fits none of %u schemas", count);
    if (v->near_keyword == NULL)
        return false;
    (void)mst_buf_add_c(&v->message, ", nearest: \"");
    add_path(&v->message, v->near, v->near_depth);
    (void)mst_buf_addf(&v->message, "\" fails %s", v->near_keyword);
    return false;
}
