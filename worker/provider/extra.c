#include "worker/provider/extra.h"

#include "common/base/limits.h"

#define EXTRAS_MAX      32
#define EXTRA_BYTES_MAX (256 * MST_KIB) // of one value

struct mst_extra {
    const char *names[EXTRAS_MAX];
    mst_buf_t values[EXTRAS_MAX];
    size_t count;
};

// The emptied buffer of a name; NULL: there is no room.
static mst_buf_t *
slot(mst_decoder_t *d, const char *name)
{
    if (d->extra == NULL)
        d->extra = MST_ARENA_NEW(d->arena, struct mst_extra);
    struct mst_extra *e = d->extra;
    if (e == NULL)
        return NULL;
    for (size_t i = 0; i < e->count; i++) {
        if (strcmp(e->names[i], name) == 0) {
            mst_buf_reset(&e->values[i]);
            return &e->values[i];
        }
    }
    if (e->count == EXTRAS_MAX)
        return NULL;
    e->names[e->count] = name;
    mst_buf_init(&e->values[e->count], EXTRA_BYTES_MAX);
    return &e->values[e->count++];
}

void
mst_extra_put(mst_decoder_t *d, const char *name, const mst_json_t *v)
{
    if (v == NULL || v->type == MST_JSON_NULL)
        return;
    mst_buf_t *b = slot(d, name);
    mst_jw_t w;
    if (b == NULL)
        return;
    mst_jw_init(&w, b);
    mst_jw_value(&w, v);
}

void
mst_extra_put_str(mst_decoder_t *d, const char *name, mst_str_t v)
{
    const mst_json_t s = {.type = MST_JSON_STR, .u.s = v};
    mst_extra_put(d, name, v.n > 0 ? &s : NULL);
}

void
mst_extra_headers(mst_decoder_t *d, mst_str_t lines)
{
    mst_buf_t *b = lines.n > 0 ? slot(d, "headers") : NULL;
    mst_jw_t w;
    if (b == NULL)
        return;
    mst_jw_init(&w, b);
    mst_jw_obj(&w);
    while (lines.n > 0) {
        const char *end = memchr(lines.p, '\n', lines.n);
        mst_str_t line = mst_str(lines.p, end != NULL ? (size_t)(end - lines.p) : lines.n);
        size_t n = line.n + (end != NULL);
        const char *colon = line.n > 0 ? memchr(line.p, ':', line.n) : NULL;
        lines = mst_str(lines.p + n, lines.n - n);
        if (colon == NULL)
            continue;
        size_t name = (size_t)(colon - line.p);
        mst_jw_key_str(&w, mst_str(line.p, name));
        mst_jw_str(&w, mst_str_trim(mst_str(colon + 1, line.n - name - 1)));
    }
    mst_jw_obj_end(&w);
}

mst_rc
mst_extra_close(mst_decoder_t *d, mst_err_t *err)
{
    const struct mst_extra *e = d->extra;
    bool tools = d->fragments.n > 0;
    if (e == NULL && !tools)
        return MST_OK;
    mst_buf_t b;
    mst_jw_t w;
    mst_buf_init(&b, MST_HTTP_BODY_MAX);
    mst_jw_init(&w, &b);
    mst_jw_obj(&w);
    for (size_t i = 0; e != NULL && i < e->count; i++) {
        if (e->values[i].failed || e->values[i].n == 0)
            continue;
        mst_jw_key(&w, e->names[i]);
        mst_jw_raw(&w, mst_buf_view(&e->values[i]));
    }
    if (tools) {
        mst_jw_key(&w, "tool_fragments");
        mst_jw_raw(&w, mst_buf_view(&d->fragments));
    }
    mst_jw_obj_end(&w);
    mst_rc rc = b.failed ? MST_ERR(err, MST_LIMIT, "the answer does not fit into its memory")
                         : mst_decoder_keep(d, &d->c.extra, mst_buf_view(&b), err);
    mst_buf_deinit(&b);
    return rc;
}

void
mst_extra_free(mst_decoder_t *d)
{
    for (size_t i = 0; d->extra != NULL && i < d->extra->count; i++)
        mst_buf_deinit(&d->extra->values[i]);
    d->extra = NULL;
}
