#include "scorers/recorded.h"

#include "common/base/limits.h"

#include <math.h>

#define MS_MAX 9e12 // beyond it nanoseconds do not fit

static int64_t
ms_to_ns(const mst_json_t *v)
{
    double ms = 0.0;
    if (mst_json_is(v, MST_JSON_STR) || !mst_json_f64(v, &ms) || !(ms >= 0.0) || ms > MS_MAX)
        return MST_NONE;
    return llround(ms * 1e6);
}

static int64_t
tokens(const mst_json_t *v)
{
    int64_t n = 0;
    return mst_json_i64(v, &n) && n >= 0 ? n : MST_NONE;
}

// One entry: a number, one of the words for what is no number, or an object that holds it, as servers send it.
static double
logprob(const mst_json_t *v, bool *missing)
{
    double d = (double)NAN;
    if (mst_json_is(v, MST_JSON_OBJ))
        v = mst_json_get(v, "logprob");
    *missing = !mst_json_f64(v, &d);
    return d;
}

// The list, or what a server sends: an object with the list under "content".
static mst_rc
logprobs(const mst_json_t *list, mst_arena_t *arena, mst_completion_t *out, mst_err_t *err)
{
    if (mst_json_is(list, MST_JSON_OBJ))
        list = mst_json_get(list, "content");
    if (!mst_json_is(list, MST_JSON_ARR) || list->count == 0)
        return MST_OK;
    if (list->count > MST_TOKENS_MAX)
        return MST_ERR(err, MST_LIMIT, "%u logprobs are over the limit of %d", list->count, MST_TOKENS_MAX);
    float *rounded = mst_arena_alloc_raw(arena, list->count * sizeof *rounded);
    double *exact = mst_arena_alloc_raw(arena, list->count * sizeof *exact);
    if (rounded == NULL || exact == NULL)
        return MST_ERR(err, MST_LIMIT, "no room for %u logprobs", list->count);
    for (uint32_t i = 0; i < list->count; i++) {
        bool missing;
        exact[i] = logprob(mst_json_at(list, i), &missing);
        rounded[i] = missing ? mst_logprob_missing_value() : (float)exact[i];
    }
    out->logprobs = rounded;
    out->logprobs_exact = exact;
    out->logprob_count = list->count;
    return MST_OK;
}

mst_rc
mst_completion_from_metadata(const mst_case_t *c, mst_json_parser_t *parser, mst_arena_t *arena, mst_completion_t *out,
                             mst_err_t *err)
{
    *out = (mst_completion_t){
        .text = c->actual,
        .prompt_tokens = MST_NONE,
        .completion_tokens = MST_NONE,
        .cached_tokens = MST_NONE,
        .reasoning_tokens = MST_NONE,
        .usage_tokens = MST_NONE,
        .ttfb_ns = MST_NONE,
        .ttft_ns = MST_NONE,
        .ttfo_ns = MST_NONE,
        .last_token_ns = MST_NONE,
        .close_ns = MST_NONE,
        .queue_ns = MST_NONE,
        .finished = true,
        .attempts = 1,
    };
    if (c->metadata.n == 0)
        return MST_OK;
    const mst_json_t *meta = NULL;
    mst_rc rc = mst_json_parse(parser, c->metadata, arena, &meta, NULL, err);
    if (rc != MST_OK) {
        mst_err_prefix(err, "metadata of case \"%.*s\"", MST_FMT(mst_str_cut(c->id, 80)));
        return rc;
    }
    if (!mst_json_is(meta, MST_JSON_OBJ))
        return MST_ERR(err, MST_PROTO, "metadata of case \"%.*s\" is not a JSON object",
                       MST_FMT(mst_str_cut(c->id, 80)));
    const mst_json_t *latency = mst_json_get(meta, "total_latency_ms");
    out->ttft_ns = ms_to_ns(mst_json_get(meta, "ttft_ms"));
    out->last_token_ns = ms_to_ns(latency != NULL ? latency : mst_json_get(meta, "latency_ms"));
    out->completion_tokens = tokens(mst_json_get(meta, "tokens_generated"));
    out->prompt_tokens = tokens(mst_json_get(meta, "prompt_tokens"));
    out->reasoning_tokens = tokens(mst_json_get(meta, "reasoning_tokens"));
    if (out->completion_tokens >= 0)
        out->token_source = MST_TOK_METADATA;
    if (out->ttft_ns >= 0 || out->last_token_ns >= 0)
        out->send_source = out->rx_source = MST_STAMP_RECORDED;
    out->streamed = out->ttft_ns >= 0;
    (void)mst_json_str(mst_json_get(meta, "finish_reason"), &out->finish_reason);
    (void)mst_json_str(mst_json_get(meta, "model"), &out->model);
    rc = logprobs(mst_json_get(meta, "logprobs"), arena, out, err);
    if (rc != MST_OK)
        mst_err_prefix(err, "metadata of case \"%.*s\"", MST_FMT(mst_str_cut(c->id, 80)));
    return rc;
}
