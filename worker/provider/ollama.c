// ollama: Ollama's own API, /api/chat, /api/generate and /api/embed, one JSON object a line. Its OpenAI dialect loses
// errors in mid-stream and knows fewer settings. This file: the parameters and the request. Sampling settings go into
// `options`; what is not set there is the model's own default, which the Modelfile may have changed.
#include "worker/provider/ollama.h"
#include "worker/provider/common_params.h"
#include "worker/provider/error.h"
#include "worker/provider/write.h"

static const mst_param_t params[] = {
    MST_PARAM_MODEL,
    MST_PARAMS_ENDPOINT("http://127.0.0.1:11434", false, "where the server is; /api/chat or another route is added"),
    {.name = "endpoint",
     .type = MST_P_ENUM,
     .dflt = "chat",
     .choices = "chat|generate",
     .help = "/api/chat, or /api/generate with one prompt"},
    MST_PARAM_STREAM,
    MST_PARAMS_SAMPLING,
    MST_PARAM_TOP_K,
    MST_PARAM_MIN_P,
    MST_PARAM_REPETITION,
    MST_PARAMS_PENALTIES,
    {.name = "num_ctx",
     .type = MST_P_INT,
     .min = 1,
     .max = 100000000,
     .help = "context length, in tokens; the server's default cuts long prompts without a word"},
    {.name = "truncate", .type = MST_P_BOOL, .help = "false: a prompt that is too long is an error"},
    {.name = "think", .type = MST_P_JSON, .help = "true, false, or low, medium, high; unset: as the model does"},
    {.name = "keep_alive", .type = MST_P_JSON, .help = "how long the model stays loaded: seconds, or text such as 5m"},
    {.name = "raw", .type = MST_P_BOOL, .help = "generate: the prompt as it is, without the model's template"},
    MST_PARAMS_LOGPROBS(20),
    MST_PARAM_FORMAT,
    MST_PARAMS_TOOLS,
    MST_PARAMS_MORE,
    MST_PARAMS_TRANSPORT,
    {.name = NULL},
};

static bool
any_option(const mst_body_t *b)
{
    static const char *const names[] = {"temperature", "top_p", "top_k",   "min_p", "seed",
                                        "max_tokens",  "stop",  "num_ctx", NULL};
    static const char *const penalties[] = {"repetition_penalty", "presence_penalty", "frequency_penalty", NULL};
    bool any = mst_json_get(b->extra[0], "options") != NULL;
    for (const char *const *n = names; *n != NULL; n++)
        any = any || mst_params_set(b->p, *n);
    for (const char *const *n = penalties; *n != NULL; n++)
        any = any || mst_params_set(b->p, *n);
    return any;
}

static void
put_options(mst_body_t *b, uint32_t repeat_no)
{
    if (!any_option(b) || !mst_body_obj(b, "options"))
        return;
    mst_body_num(b, "temperature", "temperature");
    mst_body_num(b, "top_p", "top_p");
    mst_body_int(b, "top_k", "top_k");
    mst_body_num(b, "min_p", "min_p");
    mst_body_seed(b, repeat_no, "seed");
    mst_body_int(b, "max_tokens", "num_predict");
    mst_body_int(b, "num_ctx", "num_ctx");
    mst_body_list(b, "stop", "stop");
    mst_body_num(b, "repetition_penalty", "repeat_penalty");
    mst_body_num(b, "presence_penalty", "presence_penalty");
    mst_body_num(b, "frequency_penalty", "frequency_penalty");
    mst_body_obj_end(b);
}

static void
put_format(mst_body_t *b)
{
    bool json = false;
    const mst_json_t *schema = mst_params_schema(b->p, &json);
    if (!json || !mst_body_key(b, "format"))
        return;
    if (schema != NULL)
        mst_jw_value(&b->w, schema);
    else
        mst_jw_str(&b->w, MST_STR("json"));
}

// A call whose arguments are text, as OpenAI has them; Ollama takes an object only.
static void
put_call(mst_body_t *b, const mst_json_t *call)
{
    const mst_json_t *function = mst_json_get(call, "function"), *args = mst_json_get(function, "arguments");
    mst_str_t text = MST_STR_NULL;
    bool parsed = mst_json_str(args, &text) && mst_json_parse_lenient(text, b->arena, &args, NULL) == MST_OK;
    if (!parsed || !mst_json_is(args, MST_JSON_OBJ)) {
        mst_jw_value(&b->w, call);
        return;
    }
    mst_jw_obj(&b->w);
    mst_jw_key(&b->w, "function");
    mst_jw_obj(&b->w);
    mst_jw_key(&b->w, "name");
    mst_jw_value(&b->w, mst_json_get(function, "name"));
    mst_jw_key(&b->w, "arguments");
    mst_jw_value(&b->w, args);
    mst_jw_obj_end(&b->w);
    mst_jw_obj_end(&b->w);
}

static void
put_message(mst_body_t *b, const mst_json_t *message)
{
    if (!mst_json_is(message, MST_JSON_OBJ) || mst_json_get(message, "tool_calls") == NULL) {
        mst_jw_value(&b->w, message);
        return;
    }
    mst_jw_obj(&b->w);
    for (size_t i = 0; i < message->count; i++) {
        const mst_json_member_t *m = &message->u.members[i];
        mst_jw_key_str(&b->w, m->key);
        if (!mst_str_eq(m->key, MST_STR("tool_calls")) || !mst_json_is(&m->value, MST_JSON_ARR)) {
            mst_jw_value(&b->w, &m->value);
            continue;
        }
        mst_jw_arr(&b->w);
        for (size_t c = 0; c < m->value.count; c++)
            put_call(b, mst_json_at(&m->value, c));
        mst_jw_arr_end(&b->w);
    }
    mst_jw_obj_end(&b->w);
}

static mst_rc
put_chat(mst_body_t *b, const mst_ask_t *ask, mst_err_t *err)
{
    const mst_json_t *list = NULL;
    mst_str_t messages = ask->messages.n > 0 ? ask->messages : ask->c->messages;
    if (messages.n == 0 || mst_str_find(messages, MST_STR("tool_calls"), 0) < 0)
        return mst_body_messages(b, ask, "messages", err);
    mst_rc rc = mst_json_parse_lenient(messages, b->arena, &list, err);
    if (rc != MST_OK || !mst_json_is(list, MST_JSON_ARR))
        return mst_body_messages(b, ask, "messages", err); // it says what is wrong with them
    if (!mst_body_key(b, "messages"))
        return MST_OK;
    mst_jw_arr(&b->w);
    mst_str_t role = MST_STR_NULL;
    (void)mst_json_str(mst_json_get(mst_json_at(list, 0), "role"), &role);
    if (ask->system_prompt.n > 0 && !mst_str_eq(role, MST_STR("system")))
        mst_body_message(b, MST_STR("system"), ask->system_prompt);
    for (size_t i = 0; i < list->count; i++)
        put_message(b, mst_json_at(list, i));
    mst_jw_arr_end(&b->w);
    return MST_OK;
}

static mst_rc
put_generate(mst_body_t *b, const mst_ask_t *ask, mst_err_t *err)
{
    mst_str_t prompt = MST_STR_NULL;
    mst_ask_t plain = *ask;
    plain.system_prompt = MST_STR_NULL;
    mst_rc rc = mst_ask_text(&plain, b->arena, &prompt, err);
    if (rc != MST_OK)
        return rc;
    mst_body_put_str(b, "prompt", prompt);
    if (ask->system_prompt.n > 0)
        mst_body_put_str(b, "system", ask->system_prompt);
    mst_body_bool(b, "raw", "raw");
    return MST_OK;
}

static mst_rc
put_answer(mst_body_t *b, const mst_ask_t *ask, bool chat, mst_err_t *err)
{
    mst_rc rc = chat ? put_chat(b, ask, err) : put_generate(b, ask, err);
    int64_t top = mst_params_int(b->p, "top_logprobs", 0);
    mst_body_put_bool(b, "stream", mst_params_bool(b->p, "stream"));
    put_options(b, ask->repeat_no);
    put_format(b);
    mst_body_json(b, "think", "think");
    if (chat)
        mst_body_json(b, "tools", "tools");
    if (mst_params_bool(b->p, "logprobs") || top > 0)
        mst_body_put_bool(b, "logprobs", true);
    if (top > 0)
        mst_body_put_int(b, "top_logprobs", top);
    return rc;
}

static void
put_texts(mst_body_t *b, const mst_ask_t *ask)
{
    if (!mst_body_key(b, "input"))
        return;
    mst_jw_arr(&b->w);
    for (size_t i = 0; i < ask->text_count; i++)
        mst_jw_str(&b->w, ask->texts[i]);
    mst_jw_arr_end(&b->w);
}

static mst_rc
write_body(const mst_params_t *p, const mst_ask_t *ask, bool chat, mst_arena_t *arena, mst_str_t *out, mst_err_t *err)
{
    mst_body_t b;
    mst_rc rc = mst_body_open(&b, p, arena, err);
    if (rc == MST_OK) {
        mst_body_str(&b, "model", "model");
        if (ask->kind == MST_ASK_EMBED)
            put_texts(&b, ask);
        else
            rc = put_answer(&b, ask, chat, err);
        mst_body_bool(&b, "truncate", "truncate");
        mst_body_json(&b, "keep_alive", "keep_alive");
    }
    return mst_body_close(&b, rc, out, err);
}

static mst_rc
build_request(const mst_provider_cfg_t *cfg, const mst_ask_t *ask, mst_arena_t *arena, mst_request_t *out,
              mst_err_t *err)
{
    const mst_params_t *p = &cfg->params;
    bool embed = ask->kind == MST_ASK_EMBED, chat = mst_str_eq_c(mst_params_str(p, "endpoint"), "chat");
    const char *path = embed ? "/api/embed" : chat ? "/api/chat" : "/api/generate";
    *out = (mst_request_t){.split = !embed && mst_params_bool(p, "stream") ? MST_SPLIT_NDJSON : MST_SPLIT_BODY};
    mst_request_bearer(out, p);
    mst_rc rc =
        mst_request_url(mst_params_str(p, "base_url"), "/api/chat|/api/generate|/api|/v1", path, arena, &out->url, err);
    if (rc == MST_OK)
        rc = mst_request_headers(out, p, 0, arena, err);
    if (rc == MST_OK)
        rc = write_body(p, ask, chat, arena, &out->body, err);
    return rc;
}

const mst_provider_t mst_provider_ollama = {
    .kind = {.name = "ollama", .params = params, .help = "Ollama's own API: chat, generate and embed"},
    .probe = "ollama_version",
    .asks = MST_ASK_BIT(MST_ASK_GENERATE) | MST_ASK_BIT(MST_ASK_EMBED),
    .build_request = build_request,
    .on_event = mst_ollama_on_event,
    .on_end = mst_ollama_on_end,
    .on_http_error = mst_said_http_error,
    .has_token = mst_ollama_has_token,
};
