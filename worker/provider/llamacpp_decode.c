// Answers of /completion. A stream ends with the event that has "stop": true; what comes behind it ([DONE], of old
// builds) is not looked at. Probabilities are completion_probabilities[{id, token, bytes, logprob, top_logprobs}], or
// with post_sampling_probs prob and top_probs, from 0 to 1.
#include "common/base/limits.h"
#include "worker/provider/extra.h"
#include "worker/provider/llamacpp.h"

#include <math.h>

static float
logprob_of(const mst_json_t *entry)
{
    double v = 0.0;
    if (mst_json_f64(mst_json_get(entry, "logprob"), &v))
        return (float)v;
    if (mst_json_f64(mst_json_get(entry, "prob"), &v) && v >= 0)
        return (float)log(v); // 0 gives minus infinity, which is kept
    return mst_logprob_missing_value();
}

static mst_rc
take_top(mst_decoder_t *d, const mst_json_t *entry, mst_err_t *err)
{
    const mst_json_t *top = mst_json_get(entry, "top_logprobs");
    mst_rc rc = MST_OK;
    if (!mst_json_is(top, MST_JSON_ARR))
        top = mst_json_get(entry, "top_probs");
    for (size_t i = 0; mst_json_is(top, MST_JSON_ARR) && i < top->count && rc == MST_OK; i++) {
        const mst_json_t *one = mst_json_at(top, i);
        mst_str_t text = MST_STR_NULL;
        int64_t id = MST_NONE;
        (void)mst_json_str(mst_json_get(one, "token"), &text);
        (void)mst_json_i64(mst_json_get(one, "id"), &id);
        rc = mst_decoder_alternative(d, text, id, logprob_of(one), err);
    }
    return rc;
}

static mst_rc
take_probabilities(mst_decoder_t *d, const mst_json_t *list, uint32_t *entries, mst_err_t *err)
{
    mst_rc rc = MST_OK;
    for (size_t i = 0; mst_json_is(list, MST_JSON_ARR) && i < list->count && rc == MST_OK; i++) {
        const mst_json_t *entry = mst_json_at(list, i);
        rc = mst_decoder_logprob(d, logprob_of(entry), err);
        if (rc == MST_OK)
            rc = take_top(d, entry, err);
        ++*entries;
    }
    return rc;
}

// How it ended: stop_type, or one flag a reason (builds of 2024).
static mst_str_t
why_of(const mst_json_t *root)
{
    static const char *const flags[][2] = {
        {"stopped_limit", "limit"}, {"stopped_word", "word"}, {"stopped_eos", "eos"}};
    mst_str_t why = MST_STR_NULL;
    bool yes = false;
    if (mst_json_str(mst_json_get(root, "stop_type"), &why) && !mst_str_eq(why, MST_STR("none")))
        return why;
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        if (mst_json_bool(mst_json_get(root, flags[i][0]), &yes) && yes)
            return mst_str_c(flags[i][1]);
    }
    return MST_STR("stop");
}

static mst_rc
take_end(mst_decoder_t *d, const mst_json_t *root, mst_err_t *err)
{
    const mst_json_t *timings = mst_json_get(root, "timings");
    mst_str_t why = why_of(root), word = MST_STR_NULL;
    int64_t n = 0;
    d->saw_finish = d->saw_done = true;
    d->truncated = mst_str_eq(why, MST_STR("limit"));
    if (mst_json_i64(mst_json_get(root, "tokens_evaluated"), &n) && n > 0)
        d->c.prompt_tokens = n;
    if (mst_json_i64(mst_json_get(root, "tokens_predicted"), &n) && n >= 0)
        d->usage_tokens = n;
    if (mst_json_i64(mst_json_get(timings, "cache_n"), &n) && n >= 0)
        d->c.cached_tokens = n;
    mst_extra_put(d, "timings", timings);
    mst_extra_put(d, "truncated", mst_json_get(root, "truncated"));
    (void)mst_json_str(mst_json_get(root, "stopping_word"), &word);
    mst_extra_put_str(d, "stopping_word", word);
    return mst_decoder_keep(d, &d->c.finish_reason, why, err);
}

static mst_rc
take_completion(mst_decoder_t *d, const mst_json_t *root, int64_t rx_ns, mst_err_t *err)
{
    const mst_json_t *content = mst_json_get(root, "content"), *tokens = mst_json_get(root, "tokens");
    mst_str_t text = MST_STR_NULL, model = MST_STR_NULL;
    uint32_t entries = 0;
    bool stop = false, has_text = mst_json_str(content, &text) && text.n > 0;
    if (!d->c.streamed && !mst_json_is(content, MST_JSON_STR))
        return MST_ERR(err, MST_PROTO, "the answer is JSON without content: it is none of /completion");
    mst_rc rc = mst_decoder_text(&d->text, text, err);
    if (rc == MST_OK)
        rc = take_probabilities(d, mst_json_get(root, "completion_probabilities"), &entries, err);
    if (rc == MST_OK && mst_json_str(mst_json_get(root, "model"), &model))
        rc = mst_decoder_keep(d, &d->c.model, model, err);
    if (rc != MST_OK)
        return rc;
    d->counted_by_logprobs = d->counted_by_logprobs || entries > 0;
    uint32_t n = entries > 0 ? entries : mst_json_is(tokens, MST_JSON_ARR) ? tokens->count : 0;
    rc = mst_decoder_event(d, has_text ? MST_EV_CONTENT : MST_EV_EMPTY, n, rx_ns, err);
    (void)mst_json_bool(mst_json_get(root, "stop"), &stop);
    return rc == MST_OK && (stop || !d->c.streamed) ? take_end(d, root, err) : rc;
}

// Is it an answer of the OpenAI routes?
static bool
is_openai(const mst_decoder_t *d)
{
    return d->cfg != NULL && !mst_str_eq_c(mst_params_str(&d->cfg->params, "api"), "native");
}

mst_rc
mst_llamacpp_on_event(mst_decoder_t *d, mst_str_t name, mst_str_t data, int64_t rx_ns, mst_err_t *err)
{
    const mst_json_t *root = NULL;
    bool embed = d->ask != NULL && d->ask->kind != MST_ASK_GENERATE;
    data = mst_str_trim(data);
    if (data.n == 0)
        return MST_OK;
    if (embed || is_openai(d))
        return mst_openai_on_event(d, name, data, rx_ns, err);
    if (mst_str_starts(data, MST_STR("[DONE]"))) {
        d->saw_done = d->saw_finish; // it is no end of its own here
        return mst_decoder_event(d, MST_EV_DONE, 0, rx_ns, err);
    }
    mst_rc rc = mst_decoder_json(d, name, data, rx_ns, &root, err);
    if (rc != MST_OK)
        return rc;
    if (!mst_json_is(root, MST_JSON_OBJ))
        return MST_ERR(err, MST_PROTO, "event %u of the answer is JSON, but no object", d->c.event_count + 1);
    return take_completion(d, root, rx_ns, err);
}
