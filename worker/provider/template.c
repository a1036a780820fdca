#include "worker/provider/template.h"

#include "common/base/limits.h"
#include "worker/provider/write.h"

static mst_rc
full(mst_err_t *err)
{
    return MST_ERR(err, MST_LIMIT, "the request does not fit into its memory");
}

static mst_json_t *
make(const mst_template_t *t, mst_json_type_t type)
{
    mst_json_t *v = MST_ARENA_NEW(t->arena, mst_json_t);
    if (v != NULL)
        v->type = type;
    return v;
}

static mst_rc
of_text(const mst_template_t *t, mst_str_t s, const mst_json_t **out, mst_err_t *err)
{
    mst_json_t *v = make(t, MST_JSON_STR);
    if (v == NULL)
        return full(err);
    v->u.s = s;
    *out = v;
    return MST_OK;
}

static mst_rc
of_number(const mst_template_t *t, uint64_t n, const mst_json_t **out, mst_err_t *err)
{
    mst_json_t *v = make(t, MST_JSON_INT);
    if (v == NULL)
        return full(err);
    v->u.i = (int64_t)n;
    *out = v;
    return MST_OK;
}

// JSON that a case brought; empty is null.
static mst_rc
of_json(const mst_template_t *t, mst_str_t json, const char *what, const mst_json_t **out, mst_err_t *err)
{
    if (json.n == 0) {
        *out = make(t, MST_JSON_NULL);
        return *out != NULL ? MST_OK : full(err);
    }
    mst_rc rc = mst_json_parse_lenient(json, t->arena, out, err);
    if (rc != MST_OK)
        mst_err_prefix(err, "%s of the case", what);
    return rc;
}

static mst_str_t
own_messages(const mst_template_t *t)
{
    return t->ask->messages.n > 0 ? t->ask->messages : t->ask->c->messages;
}

// The text of a message: a string, or the texts of its parts.
static mst_rc
text_of(const mst_template_t *t, const mst_json_t *content, mst_str_t *out, mst_err_t *err)
{
    mst_buf_t b;
    mst_str_t s = MST_STR_NULL;
    bool ok = true;
    if (mst_json_str(content, out))
        return MST_OK;
    mst_buf_init(&b, MST_HTTP_BODY_MAX);
    for (size_t i = 0; mst_json_is(content, MST_JSON_ARR) && i < content->count; i++) {
        if (mst_json_str(mst_json_get(mst_json_at(content, i), "text"), &s))
            (void)mst_buf_add_str(&b, s);
    }
    *out = mst_arena_dup(t->arena, mst_buf_view(&b), &ok);
    mst_rc rc = b.failed || !ok ? full(err) : MST_OK;
    mst_buf_deinit(&b);
    return rc;
}

static mst_rc
value_of_input(const mst_template_t *t, const mst_json_t **out, mst_err_t *err)
{
    const mst_json_t *list = NULL;
    mst_str_t messages = own_messages(t), text = t->ask->c->input, role = MST_STR_NULL;
    if (messages.n == 0 || (t->ask->messages.n == 0 && text.n > 0))
        return of_text(t, text, out, err);
    mst_rc rc = of_json(t, messages, "messages", &list, err);
    for (size_t i = mst_json_is(list, MST_JSON_ARR) ? list->count : 0; rc == MST_OK && i-- > 0;) {
        const mst_json_t *message = mst_json_at(list, i);
        if (!mst_json_str(mst_json_get(message, "role"), &role) || !mst_str_eq(role, MST_STR("user")))
            continue;
        rc = text_of(t, mst_json_get(message, "content"), &text, err);
        break;
    }
    return rc == MST_OK ? of_text(t, text, out, err) : rc;
}

// As every provider writes it, read again.
static mst_rc
value_of_messages(const mst_template_t *t, const mst_json_t **out, mst_err_t *err)
{
    static const mst_param_t none[] = {{.name = "extra_body", .type = MST_P_JSON}, {.name = NULL}};
    static const mst_param_value_t unset[] = {{.set = false}};
    const mst_params_t params = {.table = none, .values = unset};
    const mst_json_t *root = NULL;
    mst_body_t b;
    mst_str_t text = MST_STR_NULL;
    mst_rc rc = mst_body_open(&b, &params, t->arena, err);
    if (rc == MST_OK)
        rc = mst_body_messages(&b, t->ask, "messages", err);
    rc = mst_body_close(&b, rc, &text, err);
    if (rc == MST_OK)
        rc = of_json(t, text, "messages", &root, err);
    *out = mst_json_get(root, "messages");
    return rc;
}

// A parameter of the provider by name; NULL: there is none. Secrets are none.
static const mst_param_t *
param_row(const mst_template_t *t, mst_str_t name, const mst_param_value_t **value)
{
    const mst_param_t *table = t->cfg->params.table;
    for (size_t i = 0; table != NULL && table[i].name != NULL; i++) {
        if (!mst_str_eq_c(name, table[i].name) || table[i].type == MST_P_SECRET)
            continue;
        *value = &t->cfg->params.values[i];
        return &table[i];
    }
    return NULL;
}

static mst_rc
value_of_list(const mst_template_t *t, const mst_param_value_t *v, const mst_json_t **out, mst_err_t *err)
{
    mst_json_t *list = make(t, MST_JSON_ARR), *items = MST_ARENA_ARRAY(t->arena, mst_json_t, v->u.list.count + 1);
    if (list == NULL || items == NULL)
        return full(err);
    for (size_t i = 0; i < v->u.list.count; i++)
        items[i] = (mst_json_t){.type = MST_JSON_STR, .u.s = v->u.list.items[i]};
    list->count = (uint32_t)v->u.list.count;
    list->u.items = items;
    *out = list;
    return MST_OK;
}

static mst_rc
value_of_param(const mst_template_t *t, const mst_param_t *row, const mst_param_value_t *v, const mst_json_t **out,
               mst_err_t *err)
{
    mst_json_t *made = make(t, MST_JSON_NULL);
    if (made == NULL)
        return full(err);
    *out = made;
    if (!v->set)
        return MST_OK;
    switch (row->type) {
    case MST_P_STR:
    case MST_P_URL:
    case MST_P_ENUM:
        return of_text(t, v->u.s, out, err);
    case MST_P_BOOL:
        *made = (mst_json_t){.type = MST_JSON_BOOL, .u.b = v->u.b};
        break;
    case MST_P_INT:
        *made = (mst_json_t){.type = MST_JSON_INT, .u.i = v->u.i};
        if (strcmp(row->name, "seed") == 0)
            made->u.i = (int64_t)((uint64_t)v->u.i + t->ask->repeat_no);
        break;
    case MST_P_NUM:
        *made = (mst_json_t){.type = MST_JSON_DOUBLE, .u.d = v->u.d};
        break;
    case MST_P_STRLIST:
        return value_of_list(t, v, out, err);
    case MST_P_JSON:
        *out = v->u.json;
        break;
    case MST_P_SECRET:
        break;
    }
    return MST_OK;
}

static mst_rc
value_of_metadata(const mst_template_t *t, mst_str_t name, const mst_json_t **out, mst_err_t *err)
{
    mst_str_t path = mst_str(name.p + 8, name.n - 8);
    mst_rc rc = of_json(t, t->ask->c->metadata, "metadata", out, err);
    if (rc != MST_OK || path.n == 0)
        return rc;
    *out = mst_json_path(*out, mst_str(path.p + 1, path.n - 1));
    if (*out != NULL)
        return MST_OK;
    return MST_ERR(err, MST_NOTFOUND, "the case has no %.*s, which the request of this provider needs",
                   MST_FMT(mst_str_cut(name, 100)));
}

static mst_rc
value_of(const mst_template_t *t, mst_str_t name, const mst_json_t **out, mst_err_t *err)
{
    const mst_case_t *c = t->ask->c;
    const mst_param_value_t *v = NULL;
    if (mst_str_eq(name, MST_STR("input")))
        return value_of_input(t, out, err);
    if (mst_str_eq(name, MST_STR("messages")))
        return value_of_messages(t, out, err);
    if (mst_str_eq(name, MST_STR("system_prompt")))
        return of_text(t, t->ask->system_prompt, out, err);
    if (mst_str_eq(name, MST_STR("id")))
        return of_text(t, c->id, out, err);
    if (mst_str_eq(name, MST_STR("context")))
        return of_json(t, c->context, "context", out, err);
    if (mst_str_eq(name, MST_STR("retrieval_context")))
        return of_json(t, c->retrieval_context, "retrieval_context", out, err);
    if (mst_str_eq(name, MST_STR("metadata")) || mst_str_starts(name, MST_STR("metadata.")))
        return value_of_metadata(t, name, out, err);
    if (mst_str_eq(name, MST_STR("repeat_no")))
        return of_number(t, t->ask->repeat_no, out, err);
    if (mst_str_eq(name, MST_STR("step_no")))
        return of_number(t, t->ask->step_no, out, err);
    if (mst_str_eq(name, MST_STR("case_no")))
        return of_number(t, c->case_no, out, err);
    const mst_param_t *row = param_row(t, name, &v);
    if (row != NULL)
        return value_of_param(t, row, v, out, err);
    return MST_ERR(err, MST_INVAL,
                   "{{%.*s}} names nothing; there are input, messages, system_prompt, id, context, retrieval_context, "
                   "metadata.PATH, repeat_no, step_no, case_no, model and other settings of the provider",
                   MST_FMT(mst_str_cut(name, 60)));
}

// The first place in s from offset at: its name, where it begins and the offset behind it. False: there is none.
static bool
next_place(mst_str_t s, size_t at, mst_str_t *name, size_t *begin, size_t *end)
{
    int64_t open = mst_str_find(s, MST_STR("{{"), at);
    if (open < 0)
        return false;
    int64_t close = mst_str_find(s, MST_STR("}}"), (size_t)open + 2);
    if (close < 0)
        return false;
    *begin = (size_t)open;
    *end = (size_t)close + 2;
    *name = mst_str_trim(mst_str(s.p + open + 2, (size_t)(close - open) - 2));
    return true;
}

static void
add_encoded(mst_buf_t *out, mst_str_t s)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] != '\0' && strchr(plain, s.p[i]) != NULL)
            (void)mst_buf_add_byte(out, s.p[i]);
        else
            (void)mst_buf_addf(out, "%%%02X", (unsigned)(unsigned char)s.p[i]);
    }
}

static void
add_value(mst_buf_t *out, const mst_json_t *v, mst_fill_t fill)
{
    mst_buf_t b;
    mst_jw_t w;
    mst_str_t s = MST_STR_NULL;
    mst_buf_init(&b, MST_HTTP_BODY_MAX);
    mst_jw_init(&w, &b);
    if (!mst_json_str(v, &s) && !mst_json_is(v, MST_JSON_NULL)) {
        mst_jw_value(&w, v);
        s = mst_buf_view(&b);
    }
    if (fill == MST_FILL_URL)
        add_encoded(out, s);
    else
        (void)mst_buf_add_str(out, s);
    out->failed = out->failed || b.failed;
    mst_buf_deinit(&b);
}

mst_rc
mst_template_text(const mst_template_t *t, mst_str_t text, mst_fill_t fill, mst_buf_t *out, mst_err_t *err)
{
    mst_str_t name;
    size_t at = 0, begin = 0, end = 0;
    while (next_place(text, at, &name, &begin, &end)) {
        const mst_json_t *v = NULL;
        mst_rc rc = value_of(t, name, &v, err);
        if (rc != MST_OK)
            return rc;
        (void)mst_buf_add(out, text.p + at, begin - at);
        add_value(out, v, fill);
        at = end;
    }
    (void)mst_buf_add_str(out, mst_str(text.p + at, text.n - at));
    return out->failed ? full(err) : MST_OK;
}

// One text of the tree.
static mst_rc
put_text(const mst_template_t *t, mst_str_t text, mst_jw_t *w, mst_err_t *err)
{
    mst_str_t name;
    size_t begin = 0, end = 0;
    const mst_json_t *v = NULL;
    if (next_place(text, 0, &name, &begin, &end) && begin == 0 && end == text.n) {
        mst_rc rc = value_of(t, name, &v, err);
        if (rc == MST_OK)
            mst_jw_value(w, v);
        return rc;
    }
    mst_buf_t b;
    mst_buf_init(&b, MST_HTTP_BODY_MAX);
    mst_rc rc = mst_template_text(t, text, MST_FILL_PLAIN, &b, err);
    if (rc == MST_OK)
        mst_jw_str(w, mst_buf_view(&b));
    mst_buf_deinit(&b);
    return rc;
}

typedef struct {
    const mst_json_t *v;
    uint32_t next;
} level_t;

static void
close_level(mst_jw_t *w, const mst_json_t *v)
{
    if (v->type == MST_JSON_OBJ)
        mst_jw_obj_end(w);
    else
        mst_jw_arr_end(w);
}

mst_rc
mst_template_json(const mst_template_t *t, const mst_json_t *tree, mst_jw_t *w, mst_err_t *err)
{
    level_t levels[MST_JSON_DEPTH_MAX];
    size_t depth = 0;
    const mst_json_t *v = tree;
    for (;;) {
        mst_rc rc = MST_OK;
        if (v->type == MST_JSON_OBJ || v->type == MST_JSON_ARR) {
            if (depth == MST_JSON_DEPTH_MAX)
                return MST_ERR(err, MST_LIMIT, "body is nested deeper than %d levels", MST_JSON_DEPTH_MAX);
            levels[depth++] = (level_t){.v = v};
            if (v->type == MST_JSON_OBJ)
                mst_jw_obj(w);
            else
                mst_jw_arr(w);
        } else if (v->type == MST_JSON_STR) {
            rc = put_text(t, v->u.s, w, err);
        } else {
            mst_jw_value(w, v);
        }
        if (rc != MST_OK)
            return rc;
        while (depth > 0 && levels[depth - 1].next == levels[depth - 1].v->count)
            close_level(w, levels[--depth].v);
        if (depth == 0)
            return w->out->failed ? full(err) : MST_OK;
        level_t *l = &levels[depth - 1];
        if (l->v->type == MST_JSON_OBJ) {
            mst_jw_key_str(w, l->v->u.members[l->next].key);
            v = &l->v->u.members[l->next++].value;
        } else {
            v = &l->v->u.items[l->next++];
        }
    }
}

mst_rc
mst_template_form(const mst_template_t *t, const mst_json_t *map, mst_buf_t *out, mst_err_t *err)
{
    if (!mst_json_is(map, MST_JSON_OBJ))
        return MST_ERR(err, MST_INVAL, "body is no map; a form is a map of names and texts");
    for (size_t i = 0; i < map->count; i++) {
        const mst_json_t *v = &map->u.members[i].value;
        mst_buf_t b;
        mst_buf_init(&b, MST_HTTP_BODY_MAX);
        mst_rc rc = MST_OK;
        if (v->type == MST_JSON_STR)
            rc = mst_template_text(t, v->u.s, MST_FILL_PLAIN, &b, err);
        else
            add_value(&b, v, MST_FILL_PLAIN);
        (void)mst_buf_add_c(out, i > 0 ? "&" : "");
        add_encoded(out, map->u.members[i].key);
        (void)mst_buf_add_byte(out, '=');
        add_encoded(out, mst_buf_view(&b));
        out->failed = out->failed || b.failed;
        mst_buf_deinit(&b);
        if (rc != MST_OK)
            return rc;
    }
    return out->failed ? full(err) : MST_OK;
}
