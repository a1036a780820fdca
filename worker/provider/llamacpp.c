// llamacpp: llama-server. Its chat route speaks the OpenAI dialect, with samplers of its own; its own /completion takes
// one prompt text, tells token ids and ends with an event that has "stop": true. There are no log-probabilities of a
// prompt, so nothing here measures log-likelihoods.
#include "worker/provider/llamacpp.h"

#include "worker/provider/error.h"

static const mst_param_t params[] = {
    MST_PARAM_MODEL_OPTIONAL,
    MST_PARAMS_ENDPOINT("http://127.0.0.1:8080", false, "where the server is; with or without /v1"),
    MST_PARAM_API("chat|completions|native", "route of generated answers: messages, one prompt text, or /completion"),
    MST_PARAMS_OPENAI(1000000),
    MST_PARAM_TOP_K,
    MST_PARAM_MIN_P,
    MST_PARAM_REPETITION,
    {.name = "cache_prompt",
     .type = MST_P_BOOL,
     .help = "reuse what the server has of the prompt; true there, and results depend on it"},
    {.name = "id_slot", .type = MST_P_INT, .min = -1, .max = 1000000, .help = "slot of the server to use"},
    {.name = "grammar", .type = MST_P_STR, .help = "GBNF grammar of the answer"},
    {.name = "ignore_eos", .type = MST_P_BOOL, .help = "go on behind the end of the answer, up to max_tokens"},
    {.name = "chat_template_kwargs", .type = MST_P_JSON, .help = "map for the chat template: {enable_thinking: false}"},
    MST_PARAMS_MORE,
    MST_PARAMS_TRANSPORT,
    {.name = NULL},
};

#define NATIVE_LACKS                                                                                                   \
    "n|tools|tool_choice|parallel_tool_calls|logit_bias|reasoning_effort|dimensions|chat_template_kwargs"
#define NATIVE_KNOWN "/completion|" MST_V1_KNOWN

// What both kinds of routes have under one name.
static void
put_own(mst_body_t *b)
{
    mst_body_int(b, "top_k", "top_k");
    mst_body_num(b, "min_p", "min_p");
    mst_body_num(b, "repetition_penalty", "repeat_penalty");
    mst_body_bool(b, "cache_prompt", "cache_prompt");
    mst_body_int(b, "id_slot", "id_slot");
    mst_body_str(b, "grammar", "grammar");
    mst_body_bool(b, "ignore_eos", "ignore_eos");
}

static void
more(mst_body_t *b, const mst_ask_t *ask)
{
    (void)ask;
    put_own(b);
    if (mst_str_eq_c(mst_params_str(b->p, "api"), "chat"))
        mst_body_json(b, "chat_template_kwargs", "chat_template_kwargs");
}

static void
put_native(mst_body_t *b, const mst_ask_t *ask, bool stream)
{
    bool json = false;
    const mst_json_t *schema = mst_params_schema(b->p, &json);
    int64_t top = mst_params_int(b->p, "top_logprobs", 0);
    mst_body_num(b, "temperature", "temperature");
    mst_body_num(b, "top_p", "top_p");
    mst_body_num(b, "presence_penalty", "presence_penalty");
    mst_body_num(b, "frequency_penalty", "frequency_penalty");
    mst_body_seed(b, ask->repeat_no, "seed");
    mst_body_int(b, "max_tokens", "n_predict");
    mst_body_list(b, "stop", "stop");
    put_own(b);
    if (mst_params_bool(b->p, "logprobs") || top > 0)
        mst_body_put_int(b, "n_probs", top > 0 ? top : 1);
    if (json && mst_body_key(b, "json_schema")) {
        if (schema != NULL) {
            mst_jw_value(&b->w, schema);
        } else {
            mst_jw_obj(&b->w); // any JSON
            mst_jw_obj_end(&b->w);
        }
    }
    mst_body_put_bool(b, "return_tokens", true);
    mst_body_put_bool(b, "stream", stream);
}

static mst_rc
build_native(const mst_params_t *p, const mst_ask_t *ask, mst_arena_t *arena, mst_request_t *out, mst_err_t *err)
{
    bool stream = mst_params_bool(p, "stream");
    mst_body_t b;
    mst_str_t text = MST_STR_NULL;
    *out = (mst_request_t){.split = stream ? MST_SPLIT_SSE : MST_SPLIT_BODY};
    mst_rc rc = mst_params_refuse(p, NATIVE_LACKS, "llama-server's own route", err);
    if (rc == MST_OK)
        rc = mst_request_url(mst_params_str(p, "base_url"), NATIVE_KNOWN, "/completion", arena, &out->url, err);
    if (rc == MST_OK)
        rc = mst_ask_text(ask, arena, &text, err);
    if (rc != MST_OK)
        return rc;
    rc = mst_body_open(&b, p, arena, err);
    mst_body_put_str(&b, "prompt", text);
    put_native(&b, ask, stream);
    rc = mst_body_close(&b, rc, &out->body, err);
    mst_request_bearer(out, p);
    return rc == MST_OK ? mst_request_headers(out, p, 0, arena, err) : rc;
}

static mst_rc
build_request(const mst_provider_cfg_t *cfg, const mst_ask_t *ask, mst_arena_t *arena, mst_request_t *out,
              mst_err_t *err)
{
    static const mst_openai_dialect_t dialect = {
        .known = NATIVE_KNOWN, .prefix = "/v1", .max_field = "max_tokens", .more = more};
    if (ask->kind == MST_ASK_GENERATE && mst_str_eq_c(mst_params_str(&cfg->params, "api"), "native"))
        return build_native(&cfg->params, ask, arena, out, err);
    return mst_openai_build_plain(&dialect, cfg, ask, arena, out, err);
}

const mst_provider_t mst_provider_llamacpp = {
    .kind = {.name = "llamacpp",
             .aliases = "llama.cpp|llama_cpp",
             .params = params,
             .help = "llama.cpp's server: its OpenAI routes with its own samplers, or its own /completion"},
    .asks = MST_ASK_BIT(MST_ASK_GENERATE) | MST_ASK_BIT(MST_ASK_EMBED),
    .build_request = build_request,
    .on_event = mst_llamacpp_on_event,
    .on_end = mst_openai_on_end,
    .on_http_error = mst_said_http_error,
    .has_token = mst_openai_has_token,
};
