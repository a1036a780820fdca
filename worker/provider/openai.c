// openai: POST /v1/chat/completions, at OpenAI and at every server that speaks its dialect (vLLM, SGLang, llama.cpp,
// TGI, Ollama's /v1 ...). This file: the parameters and the request. A parameter that is not set is not sent, so that
// the server's default holds. What else a server knows goes into extra_body.
#include "worker/provider/openai.h"

#include "common/base/limits.h"

static const mst_param_t params[] = {
    {.name = "model", .alias = "model_name", .type = MST_P_STR, .required = true, .help = "model to ask for"},
    {.name = "base_url",
     .type = MST_P_URL,
     .dflt = "https://api.openai.com/v1",
     .help = "where the API lies; /chat/completions is added"},
    {.name = "api_key",
     .type = MST_P_SECRET,
     .help = "key for the Authorization header: env:NAME, file:/path or ${NAME}"},
    {.name = "organization", .type = MST_P_STR, .help = "sent as OpenAI-Organization"},
    {.name = "stream",
     .type = MST_P_BOOL,
     .dflt = "true",
     .help = "ask for the answer token by token; needed for ttft"},
    {.name = "temperature", .type = MST_P_NUM, .min = 0, .max = 10, .help = "sampling temperature"},
    {.name = "top_p", .type = MST_P_NUM, .min = 0, .max = 1, .help = "nucleus sampling"},
    {.name = "seed", .type = MST_P_INT, .help = "seed of the first repeat; each further repeat adds 1"},
    {.name = "max_tokens", .type = MST_P_INT, .min = 1, .max = 100000000, .help = "longest answer, in tokens"},
    {.name = "max_tokens_field",
     .type = MST_P_ENUM,
     .choices = "max_completion_tokens|max_tokens",
     .help = "what the server calls it; default: max_completion_tokens at api.openai.com, else max_tokens"},
    {.name = "stop", .type = MST_P_STRLIST, .help = "texts that end the answer"},
    {.name = "presence_penalty", .type = MST_P_NUM, .min = -2, .max = 2, .help = "penalty on tokens already there"},
    {.name = "frequency_penalty",
     .type = MST_P_NUM,
     .min = -2,
     .max = 2,
     .help = "penalty by how often they are there"},
    {.name = "logprobs", .alias = "enable_logprobs", .type = MST_P_BOOL, .dflt = "false", .help = "ask for logprobs"},
    {.name = "top_logprobs",
     .type = MST_P_INT,
     .min = 0,
     .max = 20,
     .help = "alternatives per token; asks for logprobs"},
    {.name = "extra_body", .type = MST_P_JSON, .help = "object whose members are put into the request, over ours"},
    {.name = "headers", .type = MST_P_JSON, .help = "object of further header lines; not for secrets"},
    {.name = "connect_timeout",
     .type = MST_P_NUM,
     .dflt = "5",
     .min = 0.001,
     .max = 86400,
     .help = "seconds to connect"},
    {.name = "first_token_timeout",
     .alias = "ttft_timeout",
     .type = MST_P_NUM,
     .dflt = "120",
     .min = 0.001,
     .max = 86400,
     .help = "seconds until the first token"},
    {.name = "idle_timeout",
     .type = MST_P_NUM,
     .dflt = "60",
     .min = 0.001,
     .max = 86400,
     .help = "seconds between tokens"},
    {.name = "timeout",
     .alias = "timeout_seconds",
     .type = MST_P_NUM,
     .dflt = "600",
     .min = 0.001,
     .max = 864000,
     .help = "seconds for one try as a whole"},
    {.name = "max_retries",
     .alias = "retries",
     .type = MST_P_INT,
     .dflt = "3",
     .max = 100,
     .help = "tries after the first"},
    {.name = "retry_base_ms",
     .type = MST_P_INT,
     .dflt = "500",
     .min = 1,
     .max = 600000,
     .help = "first wait before another try; doubles, with jitter"},
    {.name = NULL},
};

typedef struct {
    mst_jw_t w;
    const mst_params_t *p;
    const mst_json_t *extra; // object or NULL; its members win
} body_t;

// Opens a member, unless extra_body has it.
static bool
key(body_t *b, const char *name)
{
    if (mst_json_get(b->extra, name) != NULL)
        return false;
    mst_jw_key(&b->w, name);
    return true;
}

static void
put_num(body_t *b, const char *name)
{
    if (mst_params_set(b->p, name) && key(b, name))
        mst_jw_f64(&b->w, mst_params_num(b->p, name, 0.0));
}

static void
put_message(body_t *b, mst_str_t role, mst_str_t text)
{
    mst_jw_obj(&b->w);
    mst_jw_key(&b->w, "role");
    mst_jw_str(&b->w, role);
    mst_jw_key(&b->w, "content");
    mst_jw_str(&b->w, text);
    mst_jw_obj_end(&b->w);
}

// The case's own messages. The run's system prompt goes first, unless they bring their own.
static mst_rc
put_conversation(body_t *b, mst_str_t system_prompt, mst_str_t messages, mst_arena_t *arena, mst_err_t *err)
{
    const mst_json_t *list = NULL;
    mst_str_t role = MST_STR_NULL;
    mst_rc rc = mst_json_parse_lenient(messages, arena, &list, err);
    if (rc != MST_OK) {
        mst_err_prefix(err, "messages of the case");
        return rc;
    }
    if (!mst_json_is(list, MST_JSON_ARR) || list->count == 0)
        return MST_ERR(err, MST_INVAL, "messages of the case are not a list with a message in it");
    (void)mst_json_str(mst_json_get(mst_json_at(list, 0), "role"), &role);
    bool own = mst_str_eq(role, MST_STR("system")) || mst_str_eq(role, MST_STR("developer"));
    if (system_prompt.n > 0 && !own)
        put_message(b, MST_STR("system"), system_prompt);
    for (size_t i = 0; i < list->count; i++)
        mst_jw_value(&b->w, mst_json_at(list, i));
    return MST_OK;
}

static mst_rc
put_messages(body_t *b, const mst_ask_t *ask, mst_arena_t *arena, mst_err_t *err)
{
    mst_rc rc = MST_OK;
    if (!key(b, "messages"))
        return MST_OK;
    mst_jw_arr(&b->w);
    mst_str_t messages = ask->messages.n > 0 ? ask->messages : ask->c->messages;
    if (messages.n > 0) {
        rc = put_conversation(b, ask->system_prompt, messages, arena, err);
    } else {
        if (ask->system_prompt.n > 0)
            put_message(b, MST_STR("system"), ask->system_prompt);
        put_message(b, MST_STR("user"), ask->c->input);
    }
    mst_jw_arr_end(&b->w);
    return rc;
}

// Is the host of the URL api.openai.com?
static bool
is_openai(mst_str_t url)
{
    return mst_str_starts(url, MST_STR("https://api.openai.com/")) ||
           mst_str_eq(url, MST_STR("https://api.openai.com"));
}

static void
put_sampling(body_t *b, uint32_t repeat_no)
{
    put_num(b, "temperature");
    put_num(b, "top_p");
    put_num(b, "presence_penalty");
    put_num(b, "frequency_penalty");
    if (mst_params_set(b->p, "seed") && key(b, "seed"))
        mst_jw_i64(&b->w, (int64_t)((uint64_t)mst_params_int(b->p, "seed", 0) + repeat_no));
    mst_str_t url = mst_params_str(b->p, "base_url");
    const char *field = is_openai(url) ? "max_completion_tokens" : "max_tokens";
    if (mst_params_set(b->p, "max_tokens_field")) {
        bool plain = mst_str_eq_c(mst_params_str(b->p, "max_tokens_field"), "max_tokens");
        field = plain ? "max_tokens" : "max_completion_tokens";
    }
    if (mst_params_set(b->p, "max_tokens") && key(b, field))
        mst_jw_i64(&b->w, mst_params_int(b->p, "max_tokens", 0));
    const mst_param_value_t *stop = mst_params_get(b->p, "stop");
    if (stop->set && stop->u.list.count > 0 && key(b, "stop")) {
        mst_jw_arr(&b->w);
        for (size_t i = 0; i < stop->u.list.count; i++)
            mst_jw_str(&b->w, stop->u.list.items[i]);
        mst_jw_arr_end(&b->w);
    }
    int64_t top = mst_params_int(b->p, "top_logprobs", 0);
    if ((mst_params_bool(b->p, "logprobs") || top > 0) && key(b, "logprobs"))
        mst_jw_bool(&b->w, true);
    if (top > 0 && key(b, "top_logprobs"))
        mst_jw_i64(&b->w, top);
}

static void
put_stream(body_t *b)
{
    bool stream = mst_params_bool(b->p, "stream");
    if (key(b, "stream"))
        mst_jw_bool(&b->w, stream);
    if (!stream || !key(b, "stream_options"))
        return;
    mst_jw_obj(&b->w);
    mst_jw_key(&b->w, "include_usage");
    mst_jw_bool(&b->w, true);
    mst_jw_obj_end(&b->w);
}

static mst_rc
write_body(const mst_params_t *p, const mst_ask_t *ask, mst_arena_t *arena, mst_str_t *out, mst_err_t *err)
{
    const mst_param_value_t *extra = mst_params_get(p, "extra_body");
    body_t b = {.p = p, .extra = extra->set && mst_json_is(extra->u.json, MST_JSON_OBJ) ? extra->u.json : NULL};
    mst_buf_t text;
    bool ok = true;
    if (extra->set && b.extra == NULL)
        return MST_ERR(err, MST_INVAL, "extra_body is no map of settings");
    mst_buf_init(&text, MST_HTTP_BODY_MAX);
    mst_jw_init(&b.w, &text);
    mst_jw_obj(&b.w);
    if (key(&b, "model"))
        mst_jw_str(&b.w, mst_params_str(p, "model"));
    mst_rc rc = put_messages(&b, ask, arena, err);
    put_sampling(&b, ask->repeat_no);
    put_stream(&b);
    for (size_t i = 0; b.extra != NULL && i < b.extra->count; i++) {
        mst_jw_key_str(&b.w, b.extra->u.members[i].key);
        mst_jw_value(&b.w, &b.extra->u.members[i].value);
    }
    mst_jw_obj_end(&b.w);
    *out = mst_arena_dup(arena, mst_buf_view(&text), &ok);
    if (rc == MST_OK && (text.failed || !ok))
        rc = MST_ERR(err, MST_LIMIT, "the request does not fit into its memory");
    mst_buf_deinit(&text);
    return rc;
}

static bool
is_clean(mst_str_t s)
{
    for (size_t i = 0; i < s.n; i++) {
        if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
            return false;
    }
    return true;
}

static mst_rc
put_header(mst_request_t *q, mst_str_t name, mst_str_t value, mst_arena_t *arena, mst_err_t *err)
{
    if (name.n == 0 || !is_clean(name) || !is_clean(value) || memchr(name.p, ':', name.n) != NULL)
        return MST_ERR(err, MST_INVAL, "header \"%.*s\" has a character that a header may not have",
                       MST_FMT(mst_str_cut(name, 60)));
    char *line = mst_arena_alloc_raw(arena, name.n + 2 + value.n);
    if (line == NULL)
        return MST_ERR(err, MST_LIMIT, "the request does not fit into its memory");
    memcpy(line, name.p, name.n);
    memcpy(line + name.n, ": ", 2);
    if (value.n > 0)
        memcpy(line + name.n + 2, value.p, value.n);
    q->headers[q->header_count++] = mst_str(line, name.n + 2 + value.n);
    return MST_OK;
}

static mst_rc
write_headers(const mst_params_t *p, bool stream, mst_arena_t *arena, mst_request_t *q, mst_err_t *err)
{
    const mst_param_value_t *more = mst_params_get(p, "headers");
    const mst_json_t *map = more->set && mst_json_is(more->u.json, MST_JSON_OBJ) ? more->u.json : NULL;
    q->headers = MST_ARENA_ARRAY(arena, mst_str_t, 3 + (map != NULL ? map->count : 0));
    if (more->set && map == NULL)
        return MST_ERR(err, MST_INVAL, "headers is no map of names and texts");
    if (q->headers == NULL)
        return MST_ERR(err, MST_LIMIT, "the request does not fit into its memory");
    mst_str_t organization = mst_params_str(p, "organization");
    q->headers[q->header_count++] = MST_STR("Content-Type: application/json");
    q->headers[q->header_count++] = stream ? MST_STR("Accept: text/event-stream") : MST_STR("Accept: application/json");
    mst_rc rc = MST_OK;
    if (organization.n > 0)
        rc = put_header(q, MST_STR("OpenAI-Organization"), organization, arena, err);
    for (size_t i = 0; map != NULL && i < map->count && rc == MST_OK; i++) {
        mst_str_t value = MST_STR_NULL;
        if (!mst_json_str(&map->u.members[i].value, &value))
            rc = MST_ERR(err, MST_INVAL, "header \"%.*s\" is not a string",
                         MST_FMT(mst_str_cut(map->u.members[i].key, 60)));
        else
            rc = put_header(q, map->u.members[i].key, value, arena, err);
    }
    return rc;
}

static mst_rc
write_url(mst_str_t base, mst_arena_t *arena, mst_str_t *out, mst_err_t *err)
{
    static const char path[] = "/chat/completions";
    mst_str_t url = mst_str_trim(base);
    while (url.n > 0 && url.p[url.n - 1] == '/')
        url.n--;
    bool http = mst_str_starts(url, MST_STR("http://")) || mst_str_starts(url, MST_STR("https://"));
    if (!http || !is_clean(url))
        return MST_ERR(err, MST_INVAL, "base_url \"%.*s\" is no http:// or https:// address",
                       MST_FMT(mst_str_cut(url, 200)));
    size_t more = mst_str_ends(url, mst_str(path, sizeof path - 1)) ? 0 : sizeof path - 1;
    char *text = mst_arena_alloc_raw(arena, url.n + more);
    if (text == NULL)
        return MST_ERR(err, MST_LIMIT, "the request does not fit into its memory");
    memcpy(text, url.p, url.n);
    memcpy(text + url.n, path, more);
    *out = mst_str(text, url.n + more);
    return MST_OK;
}

static mst_rc
build_request(const mst_provider_cfg_t *cfg, const mst_ask_t *ask, mst_arena_t *arena, mst_request_t *out,
              mst_err_t *err)
{
    const mst_params_t *p = &cfg->params;
    bool stream = mst_params_bool(p, "stream");
    *out = (mst_request_t){.split = stream ? MST_SPLIT_SSE : MST_SPLIT_BODY};
    if (mst_params_set(p, "api_key")) {
        out->auth_name = MST_STR("Authorization");
        out->auth_prefix = MST_STR("Bearer ");
    }
    mst_rc rc = write_url(mst_params_str(p, "base_url"), arena, &out->url, err);
    if (rc == MST_OK)
        rc = write_headers(p, stream, arena, out, err);
    if (rc == MST_OK)
        rc = write_body(p, ask, arena, &out->body, err);
    return rc;
}

const mst_provider_t mst_provider_openai = {
    .kind = {.name = "openai",
             .aliases = "openai_compatible",
             .params = params,
             .help = "chat completions of OpenAI and of servers that speak its dialect"},
    .asks = MST_ASK_BIT(MST_ASK_GENERATE),
    .build_request = build_request,
    .on_event = mst_openai_on_event,
    .on_end = mst_openai_on_end,
    .on_http_error = mst_openai_on_http_error,
    .has_token = mst_openai_has_token,
};
