#include "common/model/slices.h"

#include "common/base/limits.h"
#include "common/base/utf8.h"

typedef struct {
    mst_arena_t *arena;
    mst_str_t names[MST_CASE_SLICES_MAX];
    size_t count;
} found_t;

static bool
is_known(const found_t *f, mst_str_t name)
{
    for (size_t i = 0; i < f->count; i++)
        if (mst_str_eq(f->names[i], name))
            return true;
    return false;
}

static void
keep(found_t *f, const char *kind, mst_str_t text)
{
    mst_str_t name = mst_str_cut(mst_utf8_trim(text), MST_SLICE_NAME_MAX);
    size_t kind_n = strlen(kind);
    if (name.n == 0 || f->count == MST_CASE_SLICES_MAX)
        return;
    char *p = mst_arena_alloc_raw(f->arena, kind_n + name.n);
    if (p == NULL)
        return;
    memcpy(p, kind, kind_n);
    memcpy(p + kind_n, name.p, name.n);
    if (!is_known(f, mst_str(p, kind_n + name.n)))
        f->names[f->count++] = mst_str(p, kind_n + name.n);
}

// A number or a bool by its JSON text.
static void
keep_value(found_t *f, const char *kind, const mst_json_t *v)
{
    mst_buf_t text;
    mst_jw_t w;
    if (v->type == MST_JSON_STR)
        keep(f, kind, v->u.s);
    if (v->type != MST_JSON_BOOL && v->type != MST_JSON_INT && v->type != MST_JSON_DOUBLE)
        return;
    mst_buf_init(&text, 64);
    mst_jw_init(&w, &text);
    mst_jw_value(&w, v);
    keep(f, kind, mst_buf_view(&text));
    mst_buf_deinit(&text);
}

static void
keep_member(found_t *f, const char *kind, const mst_json_t *v)
{
    if (v == NULL)
        return;
    if (v->type != MST_JSON_ARR) {
        keep_value(f, kind, v);
        return;
    }
    for (uint32_t i = 0; i < v->count && f->count < MST_CASE_SLICES_MAX; i++)
        keep_value(f, kind, mst_json_at(v, i));
}

static mst_str_t
write_array(const found_t *f)
{
    mst_buf_t text;
    mst_jw_t w;
    mst_buf_init(&text, MST_CASE_SLICES_MAX * (MST_SLICE_NAME_MAX + 16) * 6);
    mst_jw_init(&w, &text);
    mst_jw_arr(&w);
    for (size_t i = 0; i < f->count; i++)
        mst_jw_str(&w, f->names[i]);
    mst_jw_arr_end(&w);
    mst_str_t out = text.failed ? MST_STR_NULL : mst_arena_dup(f->arena, mst_buf_view(&text), NULL);
    mst_buf_deinit(&text);
    return out;
}

mst_str_t
mst_case_slices(mst_str_t metadata, mst_json_parser_t *parser, mst_arena_t *arena)
{
    static const char *const keys[][2] = {
        {"slice", "slice:"}, {"slices", "slice:"}, {"tag", "tag:"}, {"tags", "tag:"}};
    found_t f = {.arena = arena};
    const mst_json_t *meta = NULL;
    // most metadata names none: not worth a parse
    if (mst_str_find(metadata, MST_STR("slice"), 0) < 0 && mst_str_find(metadata, MST_STR("tag"), 0) < 0)
        return MST_STR_NULL;
    if (mst_json_parse(parser, metadata, arena, &meta, NULL, NULL) != MST_OK)
        return MST_STR_NULL;
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        keep_member(&f, keys[i][1], mst_json_get(meta, keys[i][0]));
    return f.count > 0 ? write_array(&f) : MST_STR_NULL;
}

void
mst_slice_split(mst_str_t slice, mst_str_t *kind, mst_str_t *name)
{
    const char *colon = slice.n > 0 ? memchr(slice.p, ':', slice.n) : NULL;
    size_t n = colon != NULL ? (size_t)(colon - slice.p) : 0;
    *kind = mst_str(slice.p, n);
    *name = colon != NULL ? mst_str(colon + 1, slice.n - n - 1) : slice;
}
