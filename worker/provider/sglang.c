// sglang: OpenAI's routes as SGLang has them, with its further sampling parameters; log-likelihoods from its own
// /generate, whose tuples [logprob, token id, text] cover the prompt from logprob_start_len on.
#include "worker/provider/error.h"
#include "worker/provider/extra.h"
#include "worker/provider/loglik.h"
#include "worker/provider/openai.h"

static const mst_param_t params[] = {
    MST_PARAM_MODEL,
    MST_PARAMS_ENDPOINT("http://127.0.0.1:30000/v1", false, "where the server is; with or without /v1"),
    MST_PARAM_API("chat|completions", "route of generated answers: chat messages, or one prompt text"),
    MST_PARAMS_OPENAI(100000),
    MST_PARAM_TOP_K,
    MST_PARAM_MIN_P,
    MST_PARAM_REPETITION,
    {.name = "min_tokens", .type = MST_P_INT, .max = 100000000, .help = "shortest answer, in tokens"},
    {.name = "ignore_eos", .type = MST_P_BOOL, .help = "go on behind the end of the answer, up to max_tokens"},
    {.name = "stop_token_ids", .type = MST_P_JSON, .help = "list of token ids that end the answer"},
    {.name = "skip_special_tokens", .type = MST_P_BOOL, .help = "leave special tokens out of the text"},
    {.name = "separate_reasoning", .type = MST_P_BOOL, .help = "false: leave reasoning in the text"},
    {.name = "chat_template_kwargs", .type = MST_P_JSON, .help = "map for the chat template: {enable_thinking: false}"},
    {.name = "continuous_usage_stats",
     .type = MST_P_BOOL,
     .dflt = "true",
     .help = "have each event of a stream tell the tokens so far, so that events with several tokens are known"},
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
    if (!mst_str_eq_c(mst_params_str(b->p, "api"), "chat"))
        return;
    mst_body_bool(b, "separate_reasoning", "separate_reasoning");
    mst_body_json(b, "chat_template_kwargs", "chat_template_kwargs");
}

static void
stream(mst_body_t *b)
{
    mst_body_bool(b, "continuous_usage_stats", "continuous_usage_stats");
}

// One token is generated, as everywhere; it is no part of the input's list.
static mst_rc
build_score(const mst_params_t *p, const mst_ask_t *ask, mst_arena_t *arena, mst_request_t *out, mst_err_t *err)
{
    mst_body_t b;
    mst_str_t text = MST_STR_NULL;
    *out = (mst_request_t){.split = MST_SPLIT_BODY};
    mst_rc rc = mst_request_url(mst_params_str(p, "base_url"), MST_V1_KNOWN, "/generate", arena, &out->url, err);
    if (rc == MST_OK)
        rc = mst_ask_text(ask, arena, &text, err);
    if (rc != MST_OK)
        return rc;
    rc = mst_body_open(&b, p, arena, err);
    mst_body_put_str(&b, "text", text);
    if (mst_body_obj(&b, "sampling_params")) {
        mst_body_put_int(&b, "max_new_tokens", 1);
        mst_body_put_int(&b, "temperature", 0);
        mst_body_obj_end(&b);
    }
    mst_body_put_bool(&b, "return_logprob", true);
    mst_body_put_int(&b, "logprob_start_len", 0);
    mst_body_put_int(&b, "top_logprobs_num", 1);
    mst_body_put_bool(&b, "return_text_in_logprobs", true);
    mst_body_put_bool(&b, "stream", false);
    rc = mst_body_close(&b, rc, &out->body, err);
    mst_request_bearer(out, p);
    return rc == MST_OK ? mst_request_headers(out, p, 0, arena, err) : rc;
}

static mst_rc
build_request(const mst_provider_cfg_t *cfg, const mst_ask_t *ask, mst_arena_t *arena, mst_request_t *out,
              mst_err_t *err)
{
    static const mst_openai_dialect_t dialect = {
        .known = MST_V1_KNOWN, .prefix = "/v1", .max_field = "max_completion_tokens", .more = more, .stream = stream};
    if (ask->kind == MST_ASK_LOGLIKELIHOOD || ask->kind == MST_ASK_ROLLING)
        return build_score(&cfg->params, ask, arena, out, err);
    return mst_openai_build_plain(&dialect, cfg, ask, arena, out, err);
}

static void
take_meta(mst_decoder_t *d, const mst_json_t *meta)
{
    int64_t n = 0;
    if (mst_json_i64(mst_json_get(meta, "prompt_tokens"), &n) && n > 0)
        d->c.prompt_tokens = n;
    if (mst_json_i64(mst_json_get(meta, "cached_tokens"), &n) && n >= 0)
        d->c.cached_tokens = n;
    mst_extra_put(d, "e2e_latency", mst_json_get(meta, "e2e_latency"));
    mst_extra_put(d, "weight_version", mst_json_get(meta, "weight_version"));
}

static mst_rc
take_score(mst_decoder_t *d, const mst_json_t *root, mst_err_t *err)
{
    const mst_json_t *meta = mst_json_get(root, "meta_info"), *list = mst_json_get(meta, "input_token_logprobs"),
                     *top = mst_json_get(meta, "input_top_logprobs");
    if (!mst_json_is(list, MST_JSON_ARR) || list->count == 0) {
        (void)MST_ERR(err, MST_PROTO, "the answer has no input_token_logprobs: it is none of /generate");
        err->retry = MST_RETRY_NEVER;
        return MST_PROTO;
    }
    mst_prompt_token_t *tokens = MST_ARENA_ARRAY(d->scratch, mst_prompt_token_t, list->count);
    if (tokens == NULL)
        return MST_ERR(err, MST_LIMIT, "the answer does not fit into its memory");
    for (size_t i = 0; i < list->count; i++) {
        const mst_json_t *one = mst_json_at(list, i), *best = mst_json_at(mst_json_at(top, i), 0);
        int64_t id = 0, best_id = 0;
        tokens[i].told = mst_json_f64(mst_json_at(one, 0), &tokens[i].logprob);
        (void)mst_json_str(mst_json_at(one, 2), &tokens[i].text);
        bool ids = mst_json_i64(mst_json_at(one, 1), &id) && mst_json_i64(mst_json_at(best, 1), &best_id);
        tokens[i].best_told = ids;
        tokens[i].best = ids && id == best_id;
    }
    take_meta(d, meta);
    return mst_loglik_take(d, tokens, list->count, 0, err);
}

static mst_rc
on_event(mst_decoder_t *d, mst_str_t name, mst_str_t data, int64_t rx_ns, mst_err_t *err)
{
    const mst_json_t *root = NULL;
    bool score = d->ask != NULL && (d->ask->kind == MST_ASK_LOGLIKELIHOOD || d->ask->kind == MST_ASK_ROLLING);
    if (!score)
        return mst_openai_on_event(d, name, data, rx_ns, err);
    mst_rc rc = mst_decoder_json(d, name, data, rx_ns, &root, err);
    if (rc == MST_OK)
        rc = take_score(d, root, err);
    d->saw_finish = rc == MST_OK;
    return rc == MST_OK ? mst_decoder_event(d, MST_EV_EMPTY, 0, rx_ns, err) : rc;
}

const mst_provider_t mst_provider_sglang = {
    .kind = {.name = "sglang",
             .params = params,
             .help = "SGLang's OpenAI routes with its own parameters; log-likelihoods by /generate"},
    .asks = MST_ASK_BIT(MST_ASK_GENERATE) | MST_ASK_BIT(MST_ASK_LOGLIKELIHOOD) | MST_ASK_BIT(MST_ASK_ROLLING) |
            MST_ASK_BIT(MST_ASK_EMBED),
    .build_request = build_request,
    .on_event = on_event,
    .on_end = mst_openai_on_end,
    .on_http_error = mst_said_http_error,
    .has_token = mst_openai_has_token,
};
