// anthropic: POST /v1/messages, at Anthropic and at servers that speak its dialect (vLLM, Ollama, llama.cpp ...). This
// file: the parameters and the request. Messages come in the form that data sets use (OpenAI's) and are rewritten: the
// system prompt is a field of its own, a tool's answer is a block of a user message, a call's input is an object.
#include "worker/provider/anthropic.h"
#include "worker/provider/common_params.h"
#include "worker/provider/error.h"
#include "worker/provider/services.h"
#include "worker/provider/write.h"

static const mst_param_t params[] = {
    MST_PARAM_MODEL,
    MST_PARAMS_ENDPOINT("https://api.anthropic.com", false, "where the API lies; /v1/messages is added"),
    {.name = "auth",
     .type = MST_P_ENUM,
     .dflt = "x-api-key",
     .choices = "x-api-key|bearer",
     .help = "how api_key is sent: as x-api-key, or as a bearer token"},
    {.name = "anthropic_version", .type = MST_P_STR, .dflt = "2023-06-01", .help = "sent as anthropic-version"},
    {.name = "anthropic_beta", .type = MST_P_STR, .help = "sent as anthropic-beta"},
    MST_PARAM_STREAM,
    {.name = "max_tokens",
     .alias = "max_completion_tokens",
     .type = MST_P_INT,
     .required = true,
     .min = 1,
     .max = 100000000,
     .help = "longest answer, in tokens; the API asks for it"},
    {.name = "temperature", .type = MST_P_NUM, .min = 0, .max = 1, .help = "sampling temperature"},
    {.name = "top_p", .type = MST_P_NUM, .min = 0, .max = 1, .help = "nucleus sampling"},
    MST_PARAM_TOP_K,
    {.name = "stop", .alias = "stop_sequences", .type = MST_P_STRLIST, .help = "texts that end the answer"},
    {.name = "thinking",
     .type = MST_P_JSON,
     .help = "tokens that it may think, or adaptive, disabled, or the API's own map"},
    MST_PARAMS_TOOLS,
    MST_PARAMS_MORE,
    MST_PARAMS_TRANSPORT,
    {.name = NULL},
};

static mst_str_t
text_at(const mst_json_t *obj, const char *key)
{
    mst_str_t s = MST_STR_NULL;
    (void)mst_json_str(mst_json_get(obj, key), &s);
    return s;
}

static bool
is_system(const mst_json_t *message)
{
    mst_str_t role = text_at(message, "role");
    return mst_str_eq(role, MST_STR("system")) || mst_str_eq(role, MST_STR("developer"));
}

// The text of a message's content: a string, or parts with text.
static void
add_text(mst_buf_t *out, const mst_json_t *content)
{
    mst_str_t s = MST_STR_NULL;
    if (mst_json_str(content, &s))
        (void)mst_buf_add_str(out, s);
    for (size_t i = 0; mst_json_is(content, MST_JSON_ARR) && i < content->count; i++)
        (void)mst_buf_add_str(out, text_at(mst_json_at(content, i), "text"));
}

// The messages' own system prompt wins over the run's.
static void
put_system(mst_body_t *b, const mst_ask_t *ask, const mst_json_t *list)
{
    mst_buf_t text;
    mst_buf_init(&text, b->text.max);
    for (size_t i = 0; mst_json_is(list, MST_JSON_ARR) && i < list->count; i++) {
        const mst_json_t *message = mst_json_at(list, i);
        if (!is_system(message))
            continue;
        if (text.n > 0)
            (void)mst_buf_add_c(&text, "\n\n");
        add_text(&text, mst_json_get(message, "content"));
    }
    if (text.n == 0)
        (void)mst_buf_add_str(&text, ask->system_prompt);
    if (text.n > 0)
        mst_body_put_str(b, "system", mst_buf_view(&text));
    mst_buf_deinit(&text);
}

static void
put_pair(mst_jw_t *w, const char *key, mst_str_t text)
{
    mst_jw_key(w, key);
    mst_jw_str(w, text);
}

// Text before the calls of an assistant's message. A content that is a list is copied part by part.
static void
put_parts(mst_jw_t *w, const mst_json_t *content)
{
    mst_str_t s = MST_STR_NULL;
    if (mst_json_str(content, &s) && s.n > 0) {
        mst_jw_obj(w);
        put_pair(w, "type", MST_STR("text"));
        put_pair(w, "text", s);
        mst_jw_obj_end(w);
    }
    for (size_t i = 0; mst_json_is(content, MST_JSON_ARR) && i < content->count; i++)
        mst_jw_value(w, mst_json_at(content, i));
}

static void
put_call(mst_body_t *b, const mst_json_t *call)
{
    const mst_json_t *function = mst_json_get(call, "function"), *input = mst_json_get(function, "arguments");
    mst_str_t text = MST_STR_NULL;
    if (mst_json_str(input, &text) && mst_json_parse_lenient(text, b->arena, &input, NULL) != MST_OK)
        input = NULL;
    mst_jw_obj(&b->w);
    put_pair(&b->w, "type", MST_STR("tool_use"));
    put_pair(&b->w, "id", text_at(call, "id"));
    put_pair(&b->w, "name", text_at(function, "name"));
    mst_jw_key(&b->w, "input");
    if (mst_json_is(input, MST_JSON_OBJ))
        mst_jw_value(&b->w, input);
    else
        mst_jw_raw(&b->w, MST_STR("{}"));
    mst_jw_obj_end(&b->w);
}

static void
put_tool_result(mst_jw_t *w, const mst_json_t *message)
{
    const mst_json_t *content = mst_json_get(message, "content");
    mst_jw_obj(w);
    put_pair(w, "role", MST_STR("user"));
    mst_jw_key(w, "content");
    mst_jw_arr(w);
    mst_jw_obj(w);
    put_pair(w, "type", MST_STR("tool_result"));
    put_pair(w, "tool_use_id", text_at(message, "tool_call_id"));
    if (content != NULL && !mst_json_is(content, MST_JSON_NULL)) {
        mst_jw_key(w, "content");
        mst_jw_value(w, content);
    }
    mst_jw_obj_end(w);
    mst_jw_arr_end(w);
    mst_jw_obj_end(w);
}

static void
put_message(mst_body_t *b, const mst_json_t *message)
{
    const mst_json_t *calls = mst_json_get(message, "tool_calls"), *content = mst_json_get(message, "content");
    mst_str_t role = text_at(message, "role"), none = MST_STR("");
    if (mst_str_eq(role, MST_STR("tool"))) {
        put_tool_result(&b->w, message);
        return;
    }
    mst_jw_obj(&b->w);
    put_pair(&b->w, "role", role);
    mst_jw_key(&b->w, "content");
    if (mst_json_is(calls, MST_JSON_ARR) && calls->count > 0) {
        mst_jw_arr(&b->w);
        put_parts(&b->w, content);
        for (size_t i = 0; i < calls->count; i++)
            put_call(b, mst_json_at(calls, i));
        mst_jw_arr_end(&b->w);
    } else if (content == NULL || mst_json_is(content, MST_JSON_NULL)) {
        mst_jw_str(&b->w, none);
    } else {
        mst_jw_value(&b->w, content);
    }
    mst_jw_obj_end(&b->w);
}

static mst_rc
put_messages(mst_body_t *b, const mst_ask_t *ask, mst_err_t *err)
{
    const mst_json_t *list = NULL;
    mst_str_t messages = ask->messages.n > 0 ? ask->messages : ask->c->messages;
    if (messages.n > 0) {
        mst_rc rc = mst_json_parse_lenient(messages, b->arena, &list, err);
        if (rc != MST_OK) {
            mst_err_prefix(err, "messages of the case");
            return rc;
        }
        if (!mst_json_is(list, MST_JSON_ARR) || list->count == 0)
            return MST_ERR(err, MST_INVAL, "messages of the case are not a list with a message in it");
    }
    put_system(b, ask, list);
    if (!mst_body_key(b, "messages"))
        return MST_OK;
    mst_jw_arr(&b->w);
    for (size_t i = 0; list != NULL && i < list->count; i++) {
        if (!is_system(mst_json_at(list, i)))
            put_message(b, mst_json_at(list, i));
    }
    if (list == NULL)
        mst_body_message(b, MST_STR("user"), ask->c->input);
    mst_jw_arr_end(&b->w);
    return MST_OK;
}

// {type: function, function: {...}} as {name, description, input_schema}; a tool of the API's own form stays as it is.
static void
put_tools(mst_body_t *b)
{
    const mst_param_value_t *v = mst_params_get(b->p, "tools");
    if (!v->set || !mst_json_is(v->u.json, MST_JSON_ARR) || !mst_body_key(b, "tools"))
        return;
    mst_jw_arr(&b->w);
    for (size_t i = 0; i < v->u.json->count; i++) {
        const mst_json_t *tool = mst_json_at(v->u.json, i), *f = mst_json_get(tool, "function");
        const mst_json_t *schema = mst_json_get(f, "parameters");
        if (f == NULL) {
            mst_jw_value(&b->w, tool);
            continue;
        }
        mst_jw_obj(&b->w);
        put_pair(&b->w, "name", text_at(f, "name"));
        if (text_at(f, "description").n > 0)
            put_pair(&b->w, "description", text_at(f, "description"));
        mst_jw_key(&b->w, "input_schema");
        if (schema != NULL)
            mst_jw_value(&b->w, schema);
        else
            mst_jw_raw(&b->w, MST_STR("{\"type\":\"object\"}"));
        mst_jw_obj_end(&b->w);
    }
    mst_jw_arr_end(&b->w);
}

static void
put_tool_choice(mst_body_t *b)
{
    const mst_param_value_t *v = mst_params_get(b->p, "tool_choice");
    mst_str_t word = MST_STR_NULL, name = MST_STR_NULL;
    if (!v->set || !mst_body_key(b, "tool_choice"))
        return;
    name = text_at(mst_json_get(v->u.json, "function"), "name");
    if (name.n == 0 && !mst_json_str(v->u.json, &word)) {
        mst_jw_value(&b->w, v->u.json);
        return;
    }
    mst_jw_obj(&b->w);
    if (name.n > 0) {
        put_pair(&b->w, "type", MST_STR("tool"));
        put_pair(&b->w, "name", name);
    } else {
        put_pair(&b->w, "type", mst_str_eq(word, MST_STR("required")) ? MST_STR("any") : word);
    }
    mst_jw_obj_end(&b->w);
}

static void
put_thinking(mst_body_t *b)
{
    const mst_param_value_t *v = mst_params_get(b->p, "thinking");
    mst_str_t word = MST_STR_NULL;
    int64_t budget = 0;
    if (!v->set || !mst_body_key(b, "thinking"))
        return;
    if (!mst_json_str(v->u.json, &word) && !mst_json_i64(v->u.json, &budget)) {
        mst_jw_value(&b->w, v->u.json);
        return;
    }
    mst_jw_obj(&b->w);
    put_pair(&b->w, "type", word.n > 0 ? word : MST_STR("enabled"));
    if (word.n == 0) {
        mst_jw_key(&b->w, "budget_tokens");
        mst_jw_i64(&b->w, budget);
    }
    mst_jw_obj_end(&b->w);
}

static mst_rc
write_body(const mst_params_t *p, const mst_ask_t *ask, mst_arena_t *arena, mst_str_t *out, mst_err_t *err)
{
    mst_body_t b;
    mst_rc rc = mst_body_open(&b, p, arena, err);
    if (rc == MST_OK) {
        mst_body_str(&b, "model", "model");
        mst_body_int(&b, "max_tokens", "max_tokens");
        rc = put_messages(&b, ask, err);
        mst_body_num(&b, "temperature", "temperature");
        mst_body_num(&b, "top_p", "top_p");
        mst_body_int(&b, "top_k", "top_k");
        mst_body_list(&b, "stop", "stop_sequences");
        put_thinking(&b);
        put_tools(&b);
        put_tool_choice(&b);
        mst_body_put_bool(&b, "stream", mst_params_bool(p, "stream"));
    }
    return mst_body_close(&b, rc, out, err);
}

static mst_rc
build_request(const mst_provider_cfg_t *cfg, const mst_ask_t *ask, mst_arena_t *arena, mst_request_t *out,
              mst_err_t *err)
{
    const mst_params_t *p = &cfg->params;
    *out = (mst_request_t){.split = mst_params_bool(p, "stream") ? MST_SPLIT_SSE : MST_SPLIT_BODY};
    if (mst_params_set(p, "api_key") && mst_str_eq_c(mst_params_str(p, "auth"), "bearer"))
        mst_request_bearer(out, p);
    else if (mst_params_set(p, "api_key"))
        out->auth_name = MST_STR("x-api-key");
    mst_rc rc = mst_request_url(mst_params_str(p, "base_url"), "/v1/messages|/messages|/v1", "/v1/messages", arena,
                                &out->url, err);
    if (rc == MST_OK)
        rc = mst_request_headers(out, p, 2, arena, err);
    if (rc == MST_OK)
        rc = mst_request_header(out, MST_STR("anthropic-version"), mst_params_str(p, "anthropic_version"), arena, err);
    if (rc == MST_OK && mst_params_set(p, "anthropic_beta"))
        rc = mst_request_header(out, MST_STR("anthropic-beta"), mst_params_str(p, "anthropic_beta"), arena, err);
    if (rc == MST_OK)
        rc = write_body(p, ask, arena, &out->body, err);
    return rc;
}

const mst_provider_t mst_provider_anthropic = {
    .kind = {.name = "anthropic",
             .aliases = "claude",
             .params = params,
             .services = mst_services_anthropic,
             .help = "Messages API of Anthropic and of servers that speak its dialect"},
    .asks = MST_ASK_BIT(MST_ASK_GENERATE),
    .build_request = build_request,
    .on_event = mst_anthropic_on_event,
    .on_end = mst_anthropic_on_end,
    .on_http_error = mst_said_http_error,
    .has_token = mst_anthropic_has_token,
};
