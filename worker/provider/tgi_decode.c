// Answers of /generate_stream and /generate. A stream has one event a token; the one whose generated_text is no null
// ends it and has the whole text. Special tokens (</s>) are tokens without text.
#include "worker/provider/extra.h"
#include "worker/provider/loglik.h"
#include "worker/provider/tgi.h"

static mst_rc
take_top(mst_decoder_t *d, const mst_json_t *top, mst_err_t *err)
{
    mst_rc rc = MST_OK;
    for (size_t i = 0; mst_json_is(top, MST_JSON_ARR) && i < top->count && rc == MST_OK; i++) {
        const mst_json_t *one = mst_json_at(top, i);
        mst_str_t text = MST_STR_NULL;
        double v = 0.0;
        int64_t id = MST_NONE;
        (void)mst_json_str(mst_json_get(one, "text"), &text);
        (void)mst_json_i64(mst_json_get(one, "id"), &id);
        bool told = mst_json_f64(mst_json_get(one, "logprob"), &v);
        rc = mst_decoder_alternative(d, text, id, told ? (float)v : mst_logprob_missing_value(), err);
    }
    return rc;
}

// The token's text goes to the answer unless it is special.
static mst_rc
take_token(mst_decoder_t *d, const mst_json_t *token, const mst_json_t *top, bool *has_text, mst_err_t *err)
{
    mst_str_t text = MST_STR_NULL;
    double v = 0.0;
    bool special = false, told = mst_json_f64(mst_json_get(token, "logprob"), &v);
    (void)mst_json_bool(mst_json_get(token, "special"), &special);
    (void)mst_json_str(mst_json_get(token, "text"), &text);
    *has_text = !special && text.n > 0;
    d->counted_by_logprobs = true;
    mst_rc rc = mst_decoder_logprob(d, told ? (float)v : mst_logprob_missing_value(), err);
    if (rc == MST_OK && *has_text)
        rc = mst_decoder_text(&d->text, text, err);
    return rc == MST_OK ? take_top(d, top, err) : rc;
}

static mst_rc
take_details(mst_decoder_t *d, const mst_json_t *details, mst_err_t *err)
{
    mst_str_t why = MST_STR_NULL;
    int64_t n = 0;
    (void)mst_json_str(mst_json_get(details, "finish_reason"), &why);
    d->truncated = mst_str_eq(why, MST_STR("length"));
    if (mst_json_i64(mst_json_get(details, "input_length"), &n) && n > 0)
        d->c.prompt_tokens = n;
    const mst_json_t *prefill = mst_json_get(details, "prefill");
    if (mst_json_is(prefill, MST_JSON_ARR) && prefill->count > 0)
        d->c.prompt_tokens = prefill->count;
    if (mst_json_i64(mst_json_get(details, "generated_tokens"), &n) && n >= 0)
        d->usage_tokens = n;
    mst_extra_put(d, "seed", mst_json_get(details, "seed"));
    return mst_decoder_keep(d, &d->c.finish_reason, why, err);
}

// The whole text, as the server put it together: it counts more than the sum of the tokens.
static mst_rc
take_whole(mst_decoder_t *d, mst_str_t text, mst_err_t *err)
{
    mst_buf_reset(&d->text);
    d->saw_finish = true;
    return mst_decoder_text(&d->text, text, err);
}

static mst_rc
take_streamed(mst_decoder_t *d, const mst_json_t *root, int64_t rx_ns, mst_err_t *err)
{
    const mst_json_t *token = mst_json_get(root, "token");
    mst_str_t whole = MST_STR_NULL;
    bool has_text = false, there = mst_json_is(token, MST_JSON_OBJ);
    mst_rc rc = MST_OK;
    if (there)
        rc = take_token(d, token, mst_json_get(root, "top_tokens"), &has_text, err);
    if (rc == MST_OK)
        rc = mst_decoder_event(d, has_text ? MST_EV_CONTENT : MST_EV_EMPTY, there ? 1 : 0, rx_ns, err);
    if (rc == MST_OK && mst_json_str(mst_json_get(root, "generated_text"), &whole)) {
        rc = take_details(d, mst_json_get(root, "details"), err);
        d->saw_done = true;
        if (rc == MST_OK)
            rc = take_whole(d, whole, err);
    }
    return rc;
}

static mst_rc
take_body(mst_decoder_t *d, const mst_json_t *root, int64_t rx_ns, mst_err_t *err)
{
    const mst_json_t *details = mst_json_get(root, "details"), *tokens = mst_json_get(details, "tokens"),
                     *top = mst_json_get(details, "top_tokens");
    mst_str_t whole = MST_STR_NULL;
    mst_rc rc = MST_OK;
    bool any = false, lists = mst_json_is(top, MST_JSON_ARR);
    if (!mst_json_str(mst_json_get(root, "generated_text"), &whole))
        return MST_ERR(err, MST_PROTO, "the answer is JSON without generated_text: it is none of /generate");
    uint32_t n = mst_json_is(tokens, MST_JSON_ARR) ? tokens->count : 0;
    for (uint32_t i = 0; i < n && rc == MST_OK; i++)
        rc = take_token(d, mst_json_at(tokens, i), lists ? mst_json_at(top, i) : NULL, &any, err);
    if (rc == MST_OK)
        rc = take_details(d, details, err);
    if (rc == MST_OK)
        rc = take_whole(d, whole, err);
    return rc == MST_OK ? mst_decoder_event(d, whole.n > 0 ? MST_EV_CONTENT : MST_EV_EMPTY, n, rx_ns, err) : rc;
}

// The server does not say which token would have been the likeliest.
static mst_rc
take_score(mst_decoder_t *d, const mst_json_t *root, int64_t rx_ns, mst_err_t *err)
{
    const mst_json_t *list = mst_json_path(root, MST_STR("details.prefill"));
    if (!mst_json_is(list, MST_JSON_ARR) || list->count == 0) {
        (void)MST_ERR(err, MST_PROTO, "the answer has no details.prefill: the server gives no logprobs of a prompt");
        err->retry = MST_RETRY_NEVER;
        return MST_PROTO;
    }
    mst_prompt_token_t *tokens = MST_ARENA_ARRAY(d->scratch, mst_prompt_token_t, list->count);
    if (tokens == NULL)
        return MST_ERR(err, MST_LIMIT, "the answer does not fit into its memory");
    for (size_t i = 0; i < list->count; i++) {
        const mst_json_t *one = mst_json_at(list, i);
        (void)mst_json_str(mst_json_get(one, "text"), &tokens[i].text);
        tokens[i].told = mst_json_f64(mst_json_get(one, "logprob"), &tokens[i].logprob);
    }
    mst_rc rc = mst_loglik_take(d, tokens, list->count, 0, err);
    d->c.prompt_tokens = list->count;
    d->saw_finish = rc == MST_OK;
    return rc == MST_OK ? mst_decoder_event(d, MST_EV_EMPTY, 0, rx_ns, err) : rc;
}

// Is it an answer of the OpenAI routes?
static bool
is_openai(const mst_decoder_t *d)
{
    return d->cfg != NULL && !mst_str_eq_c(mst_params_str(&d->cfg->params, "api"), "native");
}

mst_rc
mst_tgi_on_event(mst_decoder_t *d, mst_str_t name, mst_str_t data, int64_t rx_ns, mst_err_t *err)
{
    const mst_json_t *root = NULL;
    bool score = d->ask != NULL && d->ask->kind != MST_ASK_GENERATE;
    data = mst_str_trim(data);
    if (data.n == 0)
        return MST_OK;
    if (!score && is_openai(d))
        return mst_openai_on_event(d, name, data, rx_ns, err);
    mst_rc rc = mst_decoder_json(d, name, data, rx_ns, &root, err);
    if (rc != MST_OK)
        return rc;
    if (mst_json_is(root, MST_JSON_ARR) && root->count == 1)
        root = mst_json_at(root, 0); // as older servers and proxies send it
    if (!mst_json_is(root, MST_JSON_OBJ))
        return MST_ERR(err, MST_PROTO, "event %u of the answer is JSON, but no object", d->c.event_count + 1);
    if (score)
        return take_score(d, root, rx_ns, err);
    return d->c.streamed ? take_streamed(d, root, rx_ns, err) : take_body(d, root, rx_ns, err);
}
