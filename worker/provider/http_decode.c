// Answers of a service that the configuration describes: each thing is looked for where its path says. An answer that
// has no text where the text must be is an error that names the path, not an empty answer. A stream is whole with the
// end that the configuration names, and with nothing else.
#include "common/base/limits.h"
#include "worker/provider/error.h"
#include "worker/provider/extra.h"
#include "worker/provider/http.h"
#include "worker/provider/tools.h"

static mst_str_t
param(const mst_decoder_t *d, const char *name)
{
    return d->cfg != NULL ? mst_params_str(&d->cfg->params, name) : MST_STR_NULL;
}

static const mst_json_t *
at(const mst_decoder_t *d, const mst_json_t *root, const char *name)
{
    mst_str_t path = param(d, name);
    return path.n > 0 ? mst_json_path(root, path) : NULL;
}

// Is there something: neither null, false, 0 nor empty?
static bool
is_true(const mst_json_t *v)
{
    if (v == NULL)
        return false;
    switch (v->type) {
    case MST_JSON_NULL:
        return false;
    case MST_JSON_BOOL:
        return v->u.b;
    case MST_JSON_INT:
        return v->u.i != 0;
    case MST_JSON_DOUBLE:
        return v->u.d < 0.0 || v->u.d > 0.0;
    case MST_JSON_STR:
        return v->u.s.n > 0;
    case MST_JSON_ARR:
    case MST_JSON_OBJ:
        return v->count > 0;
    }
    return false;
}

// A text, or a value as its JSON.
static mst_rc
add_value(mst_buf_t *to, const mst_json_t *v, mst_err_t *err)
{
    mst_str_t s = MST_STR_NULL;
    mst_buf_t b;
    mst_jw_t w;
    if (v == NULL || mst_json_is(v, MST_JSON_NULL))
        return MST_OK;
    if (mst_json_str(v, &s))
        return mst_decoder_text(to, s, err);
    mst_buf_init(&b, MST_HTTP_BODY_MAX);
    mst_jw_init(&w, &b);
    mst_jw_value(&w, v);
    mst_rc rc = b.failed ? MST_ERR(err, MST_LIMIT, "the answer is longer than %lu bytes", MST_HTTP_BODY_MAX)
                         : mst_decoder_text(to, mst_buf_view(&b), err);
    mst_buf_deinit(&b);
    return rc;
}

static mst_rc
take_tool(mst_decoder_t *d, int64_t index, const mst_json_t *tool, mst_err_t *err)
{
    const mst_json_t *function = mst_json_get(tool, "function"), *from = function != NULL ? function : tool;
    const mst_json_t *args = mst_json_get(from, "arguments");
    mst_str_t name = MST_STR_NULL, id = MST_STR_NULL;
    mst_buf_t text;
    if (!mst_json_str(tool, &name))
        (void)mst_json_str(mst_json_get(from, "name"), &name);
    (void)mst_json_str(mst_json_get(tool, "id"), &id);
    mst_buf_init(&text, MST_HTTP_BODY_MAX);
    mst_rc rc = add_value(&text, args, err);
    if (rc == MST_OK)
        rc = mst_tools_fragment(d, true, index, id, name, mst_buf_view(&text), err);
    mst_buf_deinit(&text);
    return rc;
}

static mst_rc
take_tools(mst_decoder_t *d, const mst_json_t *list, bool *any, mst_err_t *err)
{
    mst_rc rc = MST_OK;
    if (!mst_json_is(list, MST_JSON_ARR) || list->count == 0)
        return MST_OK;
    if (d->state == NULL)
        d->state = MST_ARENA_NEW(d->arena, int64_t);
    int64_t *count = d->state;
    if (count == NULL)
        return MST_ERR(err, MST_LIMIT, "the answer does not fit into its memory");
    *any = true;
    for (size_t i = 0; rc == MST_OK && i < list->count; i++)
        rc = take_tool(d, (*count)++, mst_json_at(list, i), err);
    return rc;
}

static mst_rc
take_logprobs(mst_decoder_t *d, const mst_json_t *list, uint32_t *entries, mst_err_t *err)
{
    mst_rc rc = MST_OK;
    for (size_t i = 0; rc == MST_OK && mst_json_is(list, MST_JSON_ARR) && i < list->count; i++) {
        const mst_json_t *v = mst_json_at(list, i);
        double n = 0.0;
        bool told = mst_json_f64(mst_json_is(v, MST_JSON_OBJ) ? mst_json_get(v, "logprob") : v, &n);
        rc = mst_decoder_logprob(d, told ? (float)n : mst_logprob_missing_value(), err);
        (*entries)++;
    }
    return rc;
}

static mst_rc
take_facts(mst_decoder_t *d, const mst_json_t *root, mst_err_t *err)
{
    mst_str_t why = MST_STR_NULL, model = MST_STR_NULL;
    int64_t n = 0;
    (void)mst_json_str(at(d, root, "finish_path"), &why);
    (void)mst_json_str(at(d, root, "model_path"), &model);
    if (mst_json_i64(at(d, root, "prompt_tokens_path"), &n) && n >= 0)
        d->c.prompt_tokens = n;
    if (mst_json_i64(at(d, root, "completion_tokens_path"), &n) && n >= 0)
        d->usage_tokens = n;
    d->truncated = d->truncated || mst_str_eq(why, MST_STR("length")) || mst_str_eq(why, MST_STR("max_tokens"));
    d->filtered = d->filtered || mst_str_eq(why, MST_STR("content_filter"));
    const mst_param_value_t *kept = d->cfg != NULL ? mst_params_get(&d->cfg->params, "keep_paths") : NULL;
    for (size_t i = 0; kept != NULL && kept->set && i < kept->u.list.count; i++) {
        mst_str_t path = mst_str_cut(kept->u.list.items[i], 100);
        char name[104];
        memcpy(name, path.p, path.n);
        name[path.n] = '\0';
        mst_extra_put(d, name, mst_json_path(root, kept->u.list.items[i]));
    }
    mst_rc rc = mst_decoder_keep(d, &d->c.finish_reason, why, err);
    return rc == MST_OK ? mst_decoder_keep(d, &d->c.model, model, err) : rc;
}

static mst_event_kind_t
kind_of(bool content, bool reasoning, bool tool)
{
    return content ? MST_EV_CONTENT : reasoning ? MST_EV_REASONING : tool ? MST_EV_TOOL : MST_EV_EMPTY;
}

static mst_rc
take_json(mst_decoder_t *d, mst_str_t type, const mst_json_t *root, int64_t rx_ns, mst_err_t *err)
{
    mst_str_t path = param(d, "text_path"), wanted = param(d, "text_event");
    bool has_text = d->c.streamed ? wanted.n == 0 || mst_str_eq(type, wanted) : true, tool = false;
    const mst_json_t *text = path.n > 0 ? mst_json_path(root, path) : root;
    if (!d->c.streamed && text == NULL)
        return MST_ERR(err, MST_PROTO, "the answer has no \"%.*s\", where text_path looks for its text",
                       MST_FMT(mst_str_cut(path, 100)));
    if (has_text && text != NULL && mst_str_eq_c(param(d, "text_is"), "whole"))
        mst_buf_reset(&d->text);
    size_t before = d->text.n, thought = d->reasoning.n;
    uint32_t entries = 0;
    mst_rc rc = has_text ? add_value(&d->text, text, err) : MST_OK;
    if (rc == MST_OK)
        rc = add_value(&d->reasoning, at(d, root, "reasoning_path"), err);
    if (rc == MST_OK)
        rc = take_tools(d, at(d, root, "tools_path"), &tool, err);
    if (rc == MST_OK)
        rc = take_logprobs(d, at(d, root, "logprobs_path"), &entries, err);
    if (rc == MST_OK)
        rc = take_facts(d, root, err);
    if (rc != MST_OK)
        return rc;
    d->counted_by_logprobs = d->counted_by_logprobs || entries > 0;
    bool content = d->text.n > before, reasoning = d->reasoning.n > thought;
    return mst_decoder_event(d, kind_of(content, reasoning, tool), entries, rx_ns, err);
}

static mst_rc
take_error(mst_decoder_t *d, const mst_json_t *root, bool named, mst_str_t data, int64_t rx_ns, mst_err_t *err)
{
    const mst_json_t *plain = mst_json_get(root, "error"), *told = at(d, root, "error_path");
    mst_str_t words = MST_STR_NULL;
    bool usual = (plain == NULL || is_true(plain)) && mst_said_error(root, 0, err);
    if (!usual && !named && !is_true(told))
        return MST_OK;
    mst_rc rc = mst_decoder_event(d, MST_EV_ERROR, 0, rx_ns, NULL); // what the server said counts more
    if (usual)
        return err->rc != MST_OK ? err->rc : rc;
    if (!mst_json_str(told, &words))
        (void)mst_json_str(mst_json_get(told, "message"), &words);
    MST_ERR(err, MST_IO, "the service answered with an error: %.*s",
            MST_FMT(mst_str_cut(words.n > 0 ? words : data, 300)));
    for (char *c = err->message; *c != '\0'; c++)
        *c = (unsigned char)*c < 0x20 || *c == 0x7f ? ' ' : *c;
    err->retry = MST_RETRY_LATER;
    return MST_IO;
}

static mst_rc
take_plain(mst_decoder_t *d, mst_str_t type, mst_str_t data, int64_t rx_ns, mst_err_t *err)
{
    mst_str_t wanted = param(d, "text_event");
    bool has_text = !d->c.streamed || wanted.n == 0 || mst_str_eq(type, wanted);
    if (has_text && mst_str_eq_c(param(d, "text_is"), "whole"))
        mst_buf_reset(&d->text);
    mst_rc rc = has_text ? mst_decoder_text(&d->text, data, err) : MST_OK;
    bool content = has_text && data.n > 0;
    return rc == MST_OK ? mst_decoder_event(d, kind_of(content, false, false), 0, rx_ns, err) : rc;
}

static bool
is_end(mst_decoder_t *d, mst_str_t type, mst_str_t data, const mst_json_t *root)
{
    mst_str_t event = param(d, "end_event"), exact = param(d, "end_data");
    return (event.n > 0 && mst_str_eq(event, type)) || (exact.n > 0 && mst_str_eq(exact, mst_str_trim(data))) ||
           is_true(at(d, root, "end_path"));
}

mst_rc
mst_service_on_event(mst_decoder_t *d, mst_str_t name, mst_str_t data, int64_t rx_ns, mst_err_t *err)
{
    const mst_json_t *root = NULL;
    mst_str_t type = name, error = param(d, "error_event");
    mst_err_t why = {0};
    bool lenient = false, text_alone = param(d, "text_path").n == 0;
    if (d->c.streamed && is_end(d, type, data, NULL) && type.n == 0) {
        d->saw_done = true; // data such as [DONE]: no JSON
        return mst_decoder_event(d, MST_EV_DONE, 0, rx_ns, err);
    }
    mst_rc rc = mst_json_parse(d->json, data, d->scratch, &root, &lenient, &why);
    if (rc != MST_OK && !text_alone && mst_str_trim(data).n > 0 && !(error.n > 0 && mst_str_eq(type, error))) {
        rc = why.rc == MST_LIMIT ? MST_LIMIT : MST_PROTO;
        MST_ERR(err, rc, "event %u of the answer is not JSON: %s", d->c.event_count + 1, why.message);
        err->retry = rc == MST_PROTO ? MST_RETRY_LATER : MST_RETRY_NEVER;
        return rc;
    }
    d->c.lenient_json = d->c.lenient_json || (rc == MST_OK && lenient);
    if (type.n == 0)
        (void)mst_json_str(at(d, root, "type_path"), &type);
    rc = take_error(d, root, d->c.streamed && error.n > 0 && mst_str_eq(type, error), data, rx_ns, err);
    if (rc == MST_OK && root != NULL && !text_alone)
        rc = take_json(d, type, root, rx_ns, err);
    else if (rc == MST_OK)
        rc = take_plain(d, type, data, rx_ns, err);
    d->saw_done = d->saw_done || (rc == MST_OK && d->c.streamed && is_end(d, type, data, root));
    return rc;
}

mst_rc
mst_service_on_end(mst_decoder_t *d, mst_err_t *err)
{
    mst_rc rc = mst_tools_end(d, err);
    return rc == MST_OK && d->c.streamed && !d->saw_done ? mst_decoder_cut(d, err) : rc;
}

// Without the configuration at hand any event may be one with text.
bool
mst_service_has_token(mst_str_t name, mst_str_t data)
{
    (void)name;
    return data.n > 0;
}
