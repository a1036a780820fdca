// tgi: Text Generation Inference. Its chat route speaks the OpenAI dialect; its own routes take one prompt text and
// send one event a token, whose last has the whole text; log-likelihoods from decoder_input_details.
#include "worker/provider/tgi.h"

#include "worker/provider/error.h"

static const mst_param_t params[] = {
    MST_PARAM_MODEL_OPTIONAL,
    MST_PARAMS_ENDPOINT("http://127.0.0.1:3000", false, "where the server is; with or without /v1"),
    MST_PARAM_API("chat|completions|native", "route of generated answers: messages, one prompt text, or /generate"),
    MST_PARAMS_OPENAI(20),
    MST_PARAM_TOP_K,
    MST_PARAM_REPETITION,
    {.name = "typical_p", .type = MST_P_NUM, .min = 0, .max = 1, .help = "typical sampling; api: native"},
    {.name = "truncate", .type = MST_P_INT, .min = 1, .max = 100000000, .help = "keep so many tokens of the prompt"},
    {.name = "adapter_id", .type = MST_P_STR, .help = "LoRA adapter; api: native"},
    MST_PARAMS_MORE,
    MST_PARAMS_TRANSPORT,
    {.name = NULL},
};

#define NATIVE_LACKS "n|tools|tool_choice|parallel_tool_calls|presence_penalty|logit_bias|reasoning_effort|dimensions"
#define NATIVE_KNOWN "/generate_stream|/generate|" MST_V1_KNOWN

// The schema as the server's grammar. MST_UNSUPPORTED: JSON without a schema.
static mst_rc
put_grammar(mst_body_t *b, mst_err_t *err)
{
    bool json = false;
    const mst_json_t *schema = mst_params_schema(b->p, &json);
    if (!json)
        return MST_OK;
    if (schema == NULL)
        return MST_ERR(err, MST_UNSUPPORTED, "response_format of tgi's own route needs a json_schema");
    if (!mst_body_key(b, "grammar"))
        return MST_OK;
    mst_jw_obj(&b->w);
    mst_jw_key(&b->w, "type");
    mst_jw_str(&b->w, MST_STR("json"));
    mst_jw_key(&b->w, "value");
    mst_jw_value(&b->w, schema);
    mst_jw_obj_end(&b->w);
    return MST_OK;
}

// A temperature of 0 is refused by the server: greedy decoding is no sampling there.
static mst_rc
put_generate(mst_body_t *b, const mst_ask_t *ask, mst_err_t *err)
{
    bool warm = mst_params_num(b->p, "temperature", 0.0) > 0;
    int64_t top = mst_params_int(b->p, "top_logprobs", 0);
    mst_body_int(b, "max_tokens", "max_new_tokens");
    if (mst_params_set(b->p, "temperature"))
        mst_body_put_bool(b, "do_sample", warm);
    if (warm)
        mst_body_num(b, "temperature", "temperature");
    mst_body_num(b, "top_p", "top_p");
    mst_body_int(b, "top_k", "top_k");
    mst_body_num(b, "typical_p", "typical_p");
    mst_body_num(b, "repetition_penalty", "repetition_penalty");
    mst_body_num(b, "frequency_penalty", "frequency_penalty");
    mst_body_seed(b, ask->repeat_no, "seed");
    mst_body_list(b, "stop", "stop");
    mst_body_int(b, "truncate", "truncate");
    mst_body_str(b, "adapter_id", "adapter_id");
    if (top > 0)
        mst_body_put_int(b, "top_n_tokens", top);
    return put_grammar(b, err);
}

static mst_rc
put_native(mst_body_t *b, const mst_ask_t *ask, mst_arena_t *arena, mst_err_t *err)
{
    mst_str_t text = MST_STR_NULL;
    mst_rc rc = mst_ask_text(ask, arena, &text, err);
    mst_body_put_str(b, "inputs", text);
    if (rc != MST_OK || !mst_body_obj(b, "parameters"))
        return rc;
    mst_body_put_bool(b, "details", true);
    if (ask->kind == MST_ASK_GENERATE) {
        rc = put_generate(b, ask, err);
    } else {
        mst_body_put_int(b, "max_new_tokens", 1);
        mst_body_put_bool(b, "do_sample", false);
        mst_body_put_bool(b, "decoder_input_details", true);
    }
    mst_body_obj_end(b);
    return rc;
}

static mst_rc
build_native(const mst_params_t *p, const mst_ask_t *ask, mst_arena_t *arena, mst_request_t *out, mst_err_t *err)
{
    bool stream = ask->kind == MST_ASK_GENERATE && mst_params_bool(p, "stream");
    mst_body_t b;
    *out = (mst_request_t){.split = stream ? MST_SPLIT_SSE : MST_SPLIT_BODY};
    mst_rc rc = mst_request_url(mst_params_str(p, "base_url"), NATIVE_KNOWN, stream ? "/generate_stream" : "/generate",
                                arena, &out->url, err);
    if (rc == MST_OK && ask->kind == MST_ASK_GENERATE)
        rc = mst_params_refuse(p, NATIVE_LACKS, "tgi's own route", err);
    if (rc != MST_OK)
        return rc;
    rc = mst_body_open(&b, p, arena, err);
    if (rc == MST_OK)
        rc = put_native(&b, ask, arena, err);
    rc = mst_body_close(&b, rc, &out->body, err);
    mst_request_bearer(out, p);
    return rc == MST_OK ? mst_request_headers(out, p, 0, arena, err) : rc;
}

static mst_rc
build_request(const mst_provider_cfg_t *cfg, const mst_ask_t *ask, mst_arena_t *arena, mst_request_t *out,
              mst_err_t *err)
{
    static const mst_openai_dialect_t dialect = {.known = NATIVE_KNOWN, .prefix = "/v1", .max_field = "max_tokens"};
    const mst_params_t *p = &cfg->params;
    if (ask->kind != MST_ASK_GENERATE || mst_str_eq_c(mst_params_str(p, "api"), "native"))
        return build_native(p, ask, arena, out, err);
    mst_rc rc =
        mst_params_refuse(p, "top_k|repetition_penalty|typical_p|truncate|adapter_id", "tgi's OpenAI route", err);
    return rc == MST_OK ? mst_openai_build_plain(&dialect, cfg, ask, arena, out, err) : rc;
}

const mst_provider_t mst_provider_tgi = {
    .kind = {.name = "tgi",
             .params = params,
             .help =
                 "Text Generation Inference: its OpenAI routes, or its own; log-likelihoods by decoder_input_details"},
    .asks = MST_ASK_BIT(MST_ASK_GENERATE) | MST_ASK_BIT(MST_ASK_LOGLIKELIHOOD) | MST_ASK_BIT(MST_ASK_ROLLING),
    .build_request = build_request,
    .on_event = mst_tgi_on_event,
    .on_end = mst_openai_on_end,
    .on_http_error = mst_said_http_error,
    .has_token = mst_openai_has_token,
};
