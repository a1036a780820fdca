#include "worker/provider/write.h"

#include "common/base/limits.h"

static mst_rc
full(mst_err_t *err)
{
    return MST_ERR(err, MST_LIMIT, "the request does not fit into its memory");
}

mst_rc
mst_body_open(mst_body_t *b, const mst_params_t *p, mst_arena_t *arena, mst_err_t *err)
{
    const mst_param_value_t *extra = mst_params_get(p, "extra_body");
    *b = (mst_body_t){.p = p, .arena = arena};
    mst_buf_init(&b->text, MST_HTTP_BODY_MAX);
    mst_jw_init(&b->w, &b->text);
    mst_jw_obj(&b->w);
    if (extra->set && !mst_json_is(extra->u.json, MST_JSON_OBJ))
        return MST_ERR(err, MST_INVAL, "extra_body is no map of settings");
    b->extra[0] = extra->set ? extra->u.json : NULL;
    return MST_OK;
}

// A member that was opened as an object of ours took its part of extra_body in already.
static void
put_rest(mst_body_t *b)
{
    const mst_json_t *extra = b->extra[b->depth];
    for (size_t i = 0; extra != NULL && i < extra->count; i++) {
        mst_jw_key_str(&b->w, extra->u.members[i].key);
        mst_jw_value(&b->w, &extra->u.members[i].value);
    }
}

mst_rc
mst_body_close(mst_body_t *b, mst_rc rc, mst_str_t *out, mst_err_t *err)
{
    bool ok = true;
    put_rest(b);
    mst_jw_obj_end(&b->w);
    if (rc == MST_OK)
        *out = mst_arena_dup(b->arena, mst_buf_view(&b->text), &ok);
    if (rc == MST_OK && (b->text.failed || !ok))
        rc = full(err);
    mst_buf_deinit(&b->text);
    return rc;
}

bool
mst_body_key(mst_body_t *b, const char *name)
{
    if (mst_json_get(b->extra[b->depth], name) != NULL)
        return false;
    mst_jw_key(&b->w, name);
    return true;
}

// The parent's extra object without one member, since that is written here.
static const mst_json_t *
without(mst_arena_t *arena, const mst_json_t *obj, const mst_json_t *value)
{
    mst_json_t *less = MST_ARENA_NEW(arena, mst_json_t);
    mst_json_member_t *members = MST_ARENA_ARRAY(arena, mst_json_member_t, obj->count);
    if (less == NULL || members == NULL)
        return NULL;
    *less = (mst_json_t){.type = MST_JSON_OBJ, .u.members = members};
    for (size_t i = 0; i < obj->count; i++) {
        if (&obj->u.members[i].value != value)
            members[less->count++] = obj->u.members[i];
    }
    return less;
}

bool
mst_body_obj(mst_body_t *b, const char *name)
{
    const mst_json_t *inner = mst_json_get(b->extra[b->depth], name);
    if (b->depth + 1 >= MST_BODY_DEPTH || (inner != NULL && !mst_json_is(inner, MST_JSON_OBJ)))
        return false;
    if (inner != NULL)
        b->extra[b->depth] = without(b->arena, b->extra[b->depth], inner);
    b->extra[++b->depth] = inner;
    mst_jw_key(&b->w, name);
    mst_jw_obj(&b->w);
    return true;
}

void
mst_body_obj_end(mst_body_t *b)
{
    put_rest(b);
    mst_jw_obj_end(&b->w);
    b->depth--;
}

void
mst_body_put_str(mst_body_t *b, const char *name, mst_str_t v)
{
    if (mst_body_key(b, name))
        mst_jw_str(&b->w, v);
}

void
mst_body_put_int(mst_body_t *b, const char *name, int64_t v)
{
    if (mst_body_key(b, name))
        mst_jw_i64(&b->w, v);
}

void
mst_body_put_bool(mst_body_t *b, const char *name, bool v)
{
    if (mst_body_key(b, name))
        mst_jw_bool(&b->w, v);
}

void
mst_body_num(mst_body_t *b, const char *param, const char *name)
{
    if (mst_params_set(b->p, param) && mst_body_key(b, name))
        mst_jw_f64(&b->w, mst_params_num(b->p, param, 0.0));
}

void
mst_body_int(mst_body_t *b, const char *param, const char *name)
{
    if (mst_params_set(b->p, param))
        mst_body_put_int(b, name, mst_params_int(b->p, param, 0));
}

void
mst_body_bool(mst_body_t *b, const char *param, const char *name)
{
    if (mst_params_set(b->p, param))
        mst_body_put_bool(b, name, mst_params_bool(b->p, param));
}

void
mst_body_str(mst_body_t *b, const char *param, const char *name)
{
    if (mst_params_set(b->p, param))
        mst_body_put_str(b, name, mst_params_str(b->p, param));
}

void
mst_body_list(mst_body_t *b, const char *param, const char *name)
{
    const mst_param_value_t *v = mst_params_get(b->p, param);
    if (!v->set || v->u.list.count == 0 || !mst_body_key(b, name))
        return;
    mst_jw_arr(&b->w);
    for (size_t i = 0; i < v->u.list.count; i++)
        mst_jw_str(&b->w, v->u.list.items[i]);
    mst_jw_arr_end(&b->w);
}

void
mst_body_json(mst_body_t *b, const char *param, const char *name)
{
    const mst_param_value_t *v = mst_params_get(b->p, param);
    if (v->set && v->u.json != NULL && mst_body_key(b, name))
        mst_jw_value(&b->w, v->u.json);
}

void
mst_body_seed(mst_body_t *b, uint32_t repeat_no, const char *name)
{
    if (mst_params_set(b->p, "seed"))
        mst_body_put_int(b, name, (int64_t)((uint64_t)mst_params_int(b->p, "seed", 0) + repeat_no));
}

void
mst_body_message(mst_body_t *b, mst_str_t role, mst_str_t text)
{
    mst_jw_obj(&b->w);
    mst_jw_key(&b->w, "role");
    mst_jw_str(&b->w, role);
    mst_jw_key(&b->w, "content");
    mst_jw_str(&b->w, text);
    mst_jw_obj_end(&b->w);
}

static mst_rc
parse_messages(mst_str_t messages, mst_arena_t *arena, const mst_json_t **out, mst_err_t *err)
{
    mst_rc rc = mst_json_parse_lenient(messages, arena, out, err);
    if (rc != MST_OK) {
        mst_err_prefix(err, "messages of the case");
        return rc;
    }
    if (!mst_json_is(*out, MST_JSON_ARR) || (*out)->count == 0)
        return MST_ERR(err, MST_INVAL, "messages of the case are not a list with a message in it");
    return MST_OK;
}

static bool
has_system(const mst_json_t *list)
{
    mst_str_t role = MST_STR_NULL;
    (void)mst_json_str(mst_json_get(mst_json_at(list, 0), "role"), &role);
    return mst_str_eq(role, MST_STR("system")) || mst_str_eq(role, MST_STR("developer"));
}

mst_rc
mst_body_messages(mst_body_t *b, const mst_ask_t *ask, const char *name, mst_err_t *err)
{
    const mst_json_t *list = NULL;
    mst_str_t messages = ask->messages.n > 0 ? ask->messages : ask->c->messages;
    if (mst_json_get(b->extra[b->depth], name) != NULL)
        return MST_OK;
    if (messages.n > 0) {
        mst_rc rc = parse_messages(messages, b->arena, &list, err);
        if (rc != MST_OK)
            return rc;
    }
    mst_jw_key(&b->w, name);
    mst_jw_arr(&b->w);
    if (ask->system_prompt.n > 0 && (list == NULL || !has_system(list)))
        mst_body_message(b, MST_STR("system"), ask->system_prompt);
    for (size_t i = 0; list != NULL && i < list->count; i++)
        mst_jw_value(&b->w, mst_json_at(list, i));
    if (list == NULL)
        mst_body_message(b, MST_STR("user"), ask->c->input);
    mst_jw_arr_end(&b->w);
    return MST_OK;
}

// The text of a message: a string, or a list of parts with text.
static void
add_content(mst_buf_t *b, const mst_json_t *content)
{
    mst_str_t s = MST_STR_NULL;
    if (mst_json_str(content, &s)) {
        mst_buf_add_str(b, s);
        return;
    }
    for (size_t i = 0; mst_json_is(content, MST_JSON_ARR) && i < content->count; i++) {
        if (mst_json_str(mst_json_get(mst_json_at(content, i), "text"), &s))
            mst_buf_add_str(b, s);
    }
}

static mst_rc
add_conversation(mst_buf_t *b, const mst_ask_t *ask, mst_str_t messages, mst_arena_t *arena, mst_err_t *err)
{
    const mst_json_t *list = NULL;
    mst_rc rc = parse_messages(messages, arena, &list, err);
    if (rc != MST_OK)
        return rc;
    if (ask->system_prompt.n > 0 && !has_system(list)) {
        mst_buf_add_str(b, ask->system_prompt);
        mst_buf_add_c(b, "\n\n");
    }
    for (size_t i = 0; i < list->count; i++) {
        if (i > 0)
            mst_buf_add_c(b, "\n\n");
        add_content(b, mst_json_get(mst_json_at(list, i), "content"));
    }
    return MST_OK;
}

mst_rc
mst_ask_text(const mst_ask_t *ask, mst_arena_t *arena, mst_str_t *out, mst_err_t *err)
{
    mst_buf_t b;
    mst_rc rc = MST_OK;
    bool ok = true;
    mst_str_t messages = ask->messages.n > 0 ? ask->messages : ask->c->messages;
    mst_buf_init(&b, MST_HTTP_BODY_MAX);
    if (ask->kind == MST_ASK_LOGLIKELIHOOD || ask->kind == MST_ASK_ROLLING) {
        mst_buf_add_str(&b, ask->context);
        mst_buf_add_str(&b, ask->continuation);
    } else if (messages.n > 0) {
        rc = add_conversation(&b, ask, messages, arena, err);
    } else {
        if (ask->system_prompt.n > 0) {
            mst_buf_add_str(&b, ask->system_prompt);
            mst_buf_add_c(&b, "\n\n");
        }
        mst_buf_add_str(&b, ask->c->input);
    }
    if (rc == MST_OK)
        *out = mst_arena_dup(arena, mst_buf_view(&b), &ok);
    if (rc == MST_OK && (b.failed || !ok))
        rc = full(err);
    mst_buf_deinit(&b);
    return rc;
}

const mst_json_t *
mst_params_schema(const mst_params_t *p, bool *json)
{
    const mst_param_value_t *v = mst_params_get(p, "response_format");
    const mst_json_t *format = v->set ? v->u.json : NULL;
    mst_str_t type = MST_STR_NULL;
    if (!mst_json_str(format, &type))
        (void)mst_json_str(mst_json_get(format, "type"), &type);
    *json = type.n > 0 && !mst_str_eq(type, MST_STR("text"));
    const mst_json_t *outer = mst_json_get(format, "json_schema"), *inner = mst_json_get(outer, "schema");
    if (inner == NULL)
        inner = mst_json_get(format, "schema");
    return inner;
}

mst_rc
mst_params_refuse(const mst_params_t *p, const char *names, const char *route, mst_err_t *err)
{
    for (const mst_param_t *t = p->table; t->name != NULL; t++) {
        mst_str_t rest = mst_str_c(names), name = mst_str_c(t->name);
        while (rest.n > 0) {
            const char *bar = memchr(rest.p, '|', rest.n);
            size_t n = bar != NULL ? (size_t)(bar - rest.p) : rest.n;
            if (mst_str_eq(mst_str(rest.p, n), name) && mst_params_set(p, t->name))
                return MST_ERR(err, MST_UNSUPPORTED, "%s has no %s; leave it out or take api: chat", route, t->name);
            n += bar != NULL;
            rest = mst_str(rest.p + n, rest.n - n);
        }
    }
    return MST_OK;
}
