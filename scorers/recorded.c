#include "scorers/recorded.h"

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

mst_rc
mst_completion_from_metadata(const mst_case_t *c, mst_json_parser_t *parser, mst_arena_t *arena, mst_completion_t *out,
                             mst_err_t *err)
{
    *out = (mst_completion_t){
        .text = c->actual,
        .prompt_tokens = MST_NONE,
        .completion_tokens = MST_NONE,
        .reasoning_tokens = MST_NONE,
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
    if (out->completion_tokens >= 0)
        out->token_source = MST_TOK_METADATA;
    if (out->ttft_ns >= 0 || out->last_token_ns >= 0)
        out->send_source = out->rx_source = MST_STAMP_RECORDED;
    out->streamed = out->ttft_ns >= 0;
    (void)mst_json_str(mst_json_get(meta, "finish_reason"), &out->finish_reason);
    (void)mst_json_str(mst_json_get(meta, "model"), &out->model);
    return MST_OK;
}
