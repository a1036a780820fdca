// Tool calls of one choice: the first fragment brings index, id and name, later ones pieces of the arguments. What
// servers do otherwise and is understood: the whole call at once, no index (a new id opens a call, else the last one
// goes on), id and name repeated or null later, arguments as an object, no arguments at all.
#include "worker/provider/tools.h"
#include "common/base/limits.h"

#define CALLS_MAX 256

typedef struct piece {
    struct piece *next;
    mst_str_t text;
} piece_t;

typedef struct {
    int64_t index;
    mst_str_t id, name;
    piece_t *first, *last; // of the arguments
    size_t bytes;
} call_t;

struct mst_tools {
    call_t calls[CALLS_MAX];
    size_t count;
};

typedef struct mst_tools tools_t;

static mst_rc
full(mst_err_t *err)
{
    return MST_ERR(err, MST_LIMIT, "the tool calls of the answer do not fit into its memory");
}

static call_t *
find(tools_t *t, bool has_index, int64_t index, mst_str_t id)
{
    call_t *last = t->count > 0 ? &t->calls[t->count - 1] : NULL;
    if (has_index) {
        for (size_t i = t->count; i > 0; i--) {
            if (t->calls[i - 1].index == index)
                return &t->calls[i - 1];
        }
    } else if (last != NULL && (id.n == 0 || mst_str_eq(id, last->id))) {
        return last;
    } else {
        index = last != NULL ? last->index + (last->index < INT64_MAX) : 0;
    }
    if (t->count == CALLS_MAX)
        return NULL;
    call_t *c = &t->calls[t->count++];
    c->index = index;
    return c;
}

static mst_rc
add_text(mst_decoder_t *d, call_t *call, mst_str_t text, mst_err_t *err)
{
    if (text.n == 0)
        return MST_OK;
    piece_t *p = MST_ARENA_NEW(d->arena, piece_t);
    if (p == NULL)
        return full(err);
    mst_rc rc = mst_decoder_keep(d, &p->text, text, err);
    if (rc != MST_OK)
        return rc;
    if (call->last != NULL)
        call->last->next = p;
    else
        call->first = p;
    call->last = p;
    call->bytes += text.n;
    return MST_OK;
}

mst_rc
mst_tools_fragment(mst_decoder_t *d, bool has_index, int64_t index, mst_str_t id, mst_str_t name, mst_str_t arguments,
                   mst_err_t *err)
{
    if (d->calls == NULL)
        d->calls = MST_ARENA_NEW(d->arena, tools_t);
    if (d->calls == NULL)
        return full(err);
    call_t *call = find(d->calls, has_index, index, id);
    if (call == NULL)
        return MST_ERR(err, MST_LIMIT, "the answer has more than %d tool calls", CALLS_MAX);
    mst_rc rc = mst_decoder_keep(d, &call->id, id, err);
    if (rc == MST_OK)
        rc = mst_decoder_keep(d, &call->name, name, err);
    return rc == MST_OK ? add_text(d, call, arguments, err) : rc;
}

// The arguments as text: a string, or an object or array that should have been one.
static mst_rc
add_call(mst_decoder_t *d, const mst_json_t *delta, mst_err_t *err)
{
    const mst_json_t *function = mst_json_get(delta, "function"), *v = mst_json_get(function, "arguments");
    mst_str_t id = MST_STR_NULL, name = MST_STR_NULL, text = MST_STR_NULL;
    int64_t index = 0;
    bool has_index = mst_json_i64(mst_json_get(delta, "index"), &index);
    (void)mst_json_str(mst_json_get(delta, "id"), &id);
    (void)mst_json_str(mst_json_get(function, "name"), &name);
    if (mst_json_str(v, &text) || !(mst_json_is(v, MST_JSON_OBJ) || mst_json_is(v, MST_JSON_ARR)))
        return mst_tools_fragment(d, has_index, index, id, name, text, err);
    mst_buf_t b;
    mst_jw_t w;
    mst_buf_init(&b, MST_HTTP_BODY_MAX);
    mst_jw_init(&w, &b);
    mst_jw_value(&w, v);
    mst_rc rc = b.failed ? full(err) : mst_tools_fragment(d, has_index, index, id, name, mst_buf_view(&b), err);
    mst_buf_deinit(&b);
    return rc;
}

mst_rc
mst_tools_add(mst_decoder_t *d, const mst_json_t *calls, mst_err_t *err)
{
    mst_rc rc = MST_OK;
    for (size_t i = 0; i < calls->count && rc == MST_OK; i++)
        rc = add_call(d, mst_json_at(calls, i), err);
    return rc;
}

static mst_rc
write_call(mst_decoder_t *d, mst_jw_t *w, const call_t *call, mst_err_t *err)
{
    char *text = mst_arena_alloc_raw(d->arena, call->bytes);
    size_t n = 0;
    if (text == NULL)
        return full(err);
    for (const piece_t *p = call->first; p != NULL; p = p->next) {
        memcpy(text + n, p->text.p, p->text.n);
        n += p->text.n;
    }
    mst_jw_obj(w);
    mst_jw_key(w, "id");
    mst_jw_str(w, call->id);
    mst_jw_key(w, "type");
    mst_jw_str(w, MST_STR("function"));
    mst_jw_key(w, "function");
    mst_jw_obj(w);
    mst_jw_key(w, "name");
    mst_jw_str(w, call->name);
    mst_jw_key(w, "arguments");
    mst_jw_str(w, n > 0 ? mst_str(text, n) : MST_STR("{}"));
    mst_jw_obj_end(w);
    mst_jw_obj_end(w);
    return MST_OK;
}

// The arguments as they came, piece by piece: one list a call.
static void
write_fragments(mst_jw_t *w, const tools_t *t)
{
    mst_jw_arr(w);
    for (size_t i = 0; i < t->count; i++) {
        mst_jw_arr(w);
        for (const piece_t *p = t->calls[i].first; p != NULL; p = p->next)
            mst_jw_str(w, p->text);
        mst_jw_arr_end(w);
    }
    mst_jw_arr_end(w);
}

mst_rc
mst_tools_end(mst_decoder_t *d, mst_err_t *err)
{
    const tools_t *t = d->calls;
    if (t == NULL || t->count == 0)
        return MST_OK;
    mst_jw_t w;
    mst_buf_reset(&d->tools);
    mst_jw_init(&w, &d->tools);
    mst_jw_arr(&w);
    for (size_t i = 0; i < t->count; i++) {
        mst_rc rc = write_call(d, &w, &t->calls[i], err);
        if (rc != MST_OK)
            return rc;
    }
    mst_jw_arr_end(&w);
    mst_buf_reset(&d->fragments);
    mst_jw_init(&w, &d->fragments);
    write_fragments(&w, t);
    return d->tools.failed || d->fragments.failed ? full(err) : MST_OK;
}
