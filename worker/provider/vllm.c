// vllm: OpenAI's routes as vLLM has them, with its further sampling parameters; log-likelihoods from prompt_logprobs,
// which are keyed by token id and tell ranks, or from an echoed prompt.
#include "worker/provider/error.h"
#include "worker/provider/openai.h"

static const mst_param_t params[] = {
    MST_PARAM_MODEL,
    MST_PARAMS_ENDPOINT("http://127.0.0.1:8000/v1", false, "where the server is; with or without /v1"),
    MST_PARAM_API("chat|completions", "route of generated answers: chat messages, or one prompt text"),
    MST_PARAMS_OPENAI(100000),
    MST_PARAM_TOP_K,
    MST_PARAM_MIN_P,
    MST_PARAM_REPETITION,
    {.name = "min_tokens", .type = MST_P_INT, .max = 100000000, .help = "shortest answer, in tokens"},
    {.name = "ignore_eos", .type = MST_P_BOOL, .help = "go on behind the end of the answer, up to max_tokens"},
    {.name = "stop_token_ids", .type = MST_P_JSON, .help = "list of token ids that end the answer"},
    {.name = "skip_special_tokens", .type = MST_P_BOOL, .help = "leave special tokens out of the text"},
    {.name = "include_stop_str_in_output", .type = MST_P_BOOL, .help = "leave the text that ended the answer in it"},
    {.name = "chat_template_kwargs", .type = MST_P_JSON, .help = "map for the chat template: {enable_thinking: false}"},
    {.name = "continuous_usage_stats",
     .type = MST_P_BOOL,
     .dflt = "true",
     .help = "have each event of a stream tell the tokens so far, so that events with several tokens are known"},
    {.name = "return_token_ids", .type = MST_P_BOOL, .help = "have each event of a stream name its tokens"},
    {.name = "loglik_route",
     .type = MST_P_ENUM,
     .choices = "prompt_logprobs|echo",
     .dflt = "prompt_logprobs",
     .help = "where log-likelihoods come from: prompt_logprobs (by token id), or an echoed prompt"},
    MST_PARAMS_MORE,
    MST_PARAMS_TRANSPORT,
    {.name = NULL},
};

static void
more(mst_body_t *b, const mst_ask_t *ask)
{
    (void)ask;
    mst_body_int(b, "top_k", "top_k");
    mst_body_num(b, "min_p", "min_p");
    mst_body_num(b, "repetition_penalty", "repetition_penalty");
    mst_body_int(b, "min_tokens", "min_tokens");
    mst_body_bool(b, "ignore_eos", "ignore_eos");
    mst_body_json(b, "stop_token_ids", "stop_token_ids");
    mst_body_bool(b, "skip_special_tokens", "skip_special_tokens");
    mst_body_bool(b, "include_stop_str_in_output", "include_stop_str_in_output");
    if (mst_str_eq_c(mst_params_str(b->p, "api"), "chat"))
        mst_body_json(b, "chat_template_kwargs", "chat_template_kwargs");
    mst_body_bool(b, "return_token_ids", "return_token_ids");
}

static void
stream(mst_body_t *b)
{
    mst_body_bool(b, "continuous_usage_stats", "continuous_usage_stats");
}

// The ids of the prompt say which of the entries of a place is the token that stands there.
static void
score(mst_body_t *b, const mst_ask_t *ask)
{
    (void)ask;
    mst_body_put_int(b, "prompt_logprobs", 1);
    mst_body_put_bool(b, "return_token_ids", true);
}

static mst_rc
build_request(const mst_provider_cfg_t *cfg, const mst_ask_t *ask, mst_arena_t *arena, mst_request_t *out,
              mst_err_t *err)
{
    bool echo = mst_str_eq_c(mst_params_str(&cfg->params, "loglik_route"), "echo");
    const mst_openai_dialect_t dialect = {.known = MST_V1_KNOWN,
                                          .prefix = "/v1",
                                          .max_field = "max_completion_tokens",
                                          .more = more,
                                          .stream = stream,
                                          .score = echo ? NULL : score};
    return mst_openai_build_plain(&dialect, cfg, ask, arena, out, err);
}

const mst_provider_t mst_provider_vllm = {
    .kind = {.name = "vllm",
             .params = params,
             .help = "vLLM's OpenAI routes with its own parameters; log-likelihoods by prompt_logprobs"},
    .asks = MST_ASK_BIT(MST_ASK_GENERATE) | MST_ASK_BIT(MST_ASK_LOGLIKELIHOOD) | MST_ASK_BIT(MST_ASK_ROLLING) |
            MST_ASK_BIT(MST_ASK_EMBED),
    .build_request = build_request,
    .on_event = mst_openai_on_event,
    .on_end = mst_openai_on_end,
    .on_http_error = mst_said_http_error,
    .has_token = mst_openai_has_token,
};
