// Tool calls of one choice: the first fragment brings index, id and name, later ones pieces of the arguments. What
// servers do otherwise and is understood: the whole call at once, no index (a new id opens a call, else the last one
// goes on), id and name repeated or null later, arguments as an object, no arguments at all.
#include "common/base/limits.h"
#include "worker/provider/openai.h"

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

typedef struct {
    call_t calls[CALLS_MAX];
    size_t count;
} tools_t;

static mst_rc
full(mst_err_t *err)
{
    return MST_ERR(err, MST_LIMIT, "the tool calls of the answer do not fit into its memory");
}

static call_t *
find(tools_t *t, const mst_json_t *delta)
{
    int64_t index = 0;
    mst_str_t id = MST_STR_NULL;
    bool has_index = mst_json_i64(mst_json_get(delta, "index"), &index);
    (void)mst_json_str(mst_json_get(delta, "id"), &id);
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

// A string, or an object or array that should have been one.
static mst_rc
add_arguments(mst_decoder_t *d, call_t *call, const mst_json_t *v, mst_err_t *err)
{
    mst_str_t text = MST_STR_NULL;
    if (mst_json_str(v, &text))
        return add_text(d, call, text, err);
    if (!mst_json_is(v, MST_JSON_OBJ) && !mst_json_is(v, MST_JSON_ARR))
        return MST_OK;
    mst_buf_t b;
    mst_jw_t w;
    mst_buf_init(&b, MST_HTTP_BODY_MAX);
    mst_jw_init(&w, &b);
    mst_jw_value(&w, v);
    mst_rc rc = b.failed ? full(err) : add_text(d, call, mst_buf_view(&b), err);
    mst_buf_deinit(&b);
    return rc;
}

mst_rc
mst_openai_tools_add(mst_decoder_t *d, const mst_json_t *calls, mst_err_t *err)
{
    if (d->state == NULL)
        d->state = MST_ARENA_NEW(d->arena, tools_t);
    tools_t *t = d->state;
    if (t == NULL)
        return full(err);
    for (size_t i = 0; i < calls->count; i++) {
        const mst_json_t *delta = mst_json_at(calls, i), *function = mst_json_get(delta, "function");
        mst_str_t id = MST_STR_NULL, name = MST_STR_NULL;
        call_t *call = find(t, delta);
        if (call == NULL)
            return MST_ERR(err, MST_LIMIT, "the answer has more than %d tool calls", CALLS_MAX);
        (void)mst_json_str(mst_json_get(delta, "id"), &id);
        (void)mst_json_str(mst_json_get(function, "name"), &name);
        mst_rc rc = mst_decoder_keep(d, &call->id, id, err);
        if (rc == MST_OK)
            rc = mst_decoder_keep(d, &call->name, name, err);
        if (rc == MST_OK)
            rc = add_arguments(d, call, mst_json_get(function, "arguments"), err);
        if (rc != MST_OK)
            return rc;
    }
    return MST_OK;
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

mst_rc
mst_openai_tools_end(mst_decoder_t *d, mst_err_t *err)
{
    const tools_t *t = d->state;
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
    return d->tools.failed ? full(err) : MST_OK;
}
