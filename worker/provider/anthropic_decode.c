// Answers of /v1/messages, streamed (message_start, blocks, message_delta, message_stop) and whole. An event is known
// by the `type` in its JSON: some proxies drop the names of events. Unknown events, blocks and deltas are let go, as
// the API asks of its readers.
//
// What ends a good answer is message_stop; a stop_reason alone does not. Thinking is reasoning; a tool_use block is a
// tool call, its input put together from input_json_delta; the prompt's size is what was read anew plus what was read
// from and written to the cache.
#include "common/base/limits.h"
#include "worker/provider/anthropic.h"
#include "worker/provider/scan.h"
#include "worker/provider/tools.h"

static mst_str_t
text_at(const mst_json_t *obj, const char *key)
{
    mst_str_t s = MST_STR_NULL;
    (void)mst_json_str(mst_json_get(obj, key), &s);
    return s;
}

// Counts of `usage`: cumulative, and a later one may leave out what an earlier one said.
static void
take_usage(mst_decoder_t *d, const mst_json_t *usage, bool last)
{
    static const char *const of_prompt[] = {"input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens"};
    int64_t n = 0, prompt = 0;
    bool told = mst_json_i64(mst_json_get(usage, "input_tokens"), &n) && n >= 0;
    for (size_t i = 0; told && i < sizeof of_prompt / sizeof of_prompt[0]; i++) {
        if (mst_json_i64(mst_json_get(usage, of_prompt[i]), &n) && n > 0 && n <= MST_TOKENS_MAX * 64L)
            prompt += n;
    }
    if (told)
        d->c.prompt_tokens = prompt;
    if (mst_json_i64(mst_json_get(usage, "cache_read_input_tokens"), &n) && n >= 0)
        d->c.cached_tokens = n;
    if (last && mst_json_i64(mst_json_get(usage, "output_tokens"), &n) && n >= 0)
        d->usage_tokens = n;
}

static mst_rc
take_stop(mst_decoder_t *d, const mst_json_t *from, mst_err_t *err)
{
    mst_str_t why = text_at(from, "stop_reason");
    if (why.n == 0)
        return MST_OK;
    d->saw_finish = true;
    d->truncated = mst_str_eq(why, MST_STR("max_tokens")) || mst_str_eq(why, MST_STR("pause_turn")) ||
                   mst_str_eq(why, MST_STR("model_context_window_exceeded"));
    d->filtered = mst_str_eq(why, MST_STR("refusal"));
    mst_rc rc = MST_OK;
    if (d->filtered && d->refusal.n == 0)
        rc = mst_decoder_text(&d->refusal, text_at(mst_json_get(from, "stop_details"), "explanation"), err);
    return rc == MST_OK ? mst_decoder_keep(d, &d->c.finish_reason, why, err) : rc;
}

// A whole input: an object, which the call keeps as its text.
static mst_rc
take_input(mst_decoder_t *d, int64_t index, const mst_json_t *block, mst_err_t *err)
{
    const mst_json_t *input = mst_json_get(block, "input");
    mst_buf_t text;
    mst_jw_t w;
    mst_buf_init(&text, MST_HTTP_BODY_MAX);
    mst_jw_init(&w, &text);
    if (mst_json_is(input, MST_JSON_OBJ) && input->count > 0) // {} opens a call, its pieces follow
        mst_jw_value(&w, input);
    mst_rc rc = text.failed ? MST_ERR(err, MST_LIMIT, "the input of a tool call does not fit into its memory")
                            : mst_tools_fragment(d, true, index, text_at(block, "id"), text_at(block, "name"),
                                                 mst_buf_view(&text), err);
    mst_buf_deinit(&text);
    return rc;
}

// A block as it opens, or whole.
static mst_rc
take_block(mst_decoder_t *d, int64_t index, const mst_json_t *block, mst_event_kind_t *kind, mst_err_t *err)
{
    mst_str_t type = text_at(block, "type"), text = MST_STR_NULL;
    *kind = MST_EV_EMPTY;
    if (mst_str_eq(type, MST_STR("text"))) {
        text = text_at(block, "text");
        *kind = text.n > 0 ? MST_EV_CONTENT : MST_EV_EMPTY;
        return mst_decoder_text(&d->text, text, err);
    }
    if (mst_str_eq(type, MST_STR("thinking"))) {
        text = text_at(block, "thinking");
        *kind = text.n > 0 ? MST_EV_REASONING : MST_EV_EMPTY;
        return mst_decoder_text(&d->reasoning, text, err);
    }
    if (!mst_str_eq(type, MST_STR("tool_use")))
        return MST_OK;
    *kind = MST_EV_TOOL;
    return take_input(d, index, block, err);
}

static mst_rc
take_delta(mst_decoder_t *d, int64_t index, const mst_json_t *delta, mst_event_kind_t *kind, mst_err_t *err)
{
    mst_str_t type = text_at(delta, "type"), text = text_at(delta, "text");
    *kind = MST_EV_EMPTY;
    if (mst_str_eq(type, MST_STR("text_delta"))) {
        *kind = text.n > 0 ? MST_EV_CONTENT : MST_EV_EMPTY;
        return mst_decoder_text(&d->text, text, err);
    }
    if (mst_str_eq(type, MST_STR("thinking_delta"))) {
        text = text_at(delta, "thinking");
        *kind = text.n > 0 ? MST_EV_REASONING : MST_EV_EMPTY;
        return mst_decoder_text(&d->reasoning, text, err);
    }
    if (!mst_str_eq(type, MST_STR("input_json_delta")))
        return MST_OK;
    text = text_at(delta, "partial_json");
    *kind = text.n > 0 ? MST_EV_TOOL : MST_EV_EMPTY;
    return mst_tools_fragment(d, true, index, MST_STR_NULL, MST_STR_NULL, text, err);
}

static mst_rc
take_message(mst_decoder_t *d, const mst_json_t *message, int64_t rx_ns, mst_err_t *err)
{
    const mst_json_t *content = mst_json_get(message, "content");
    mst_rc rc = mst_decoder_keep(d, &d->c.model, text_at(message, "model"), err);
    if (!mst_json_is(content, MST_JSON_ARR))
        return MST_ERR(err, MST_PROTO, "the answer is JSON without content: it is not a message");
    take_usage(d, mst_json_get(message, "usage"), true);
    for (size_t i = 0; rc == MST_OK && i < content->count; i++) {
        mst_event_kind_t kind;
        rc = take_block(d, (int64_t)i, mst_json_at(content, i), &kind, err);
        if (rc == MST_OK)
            rc = mst_decoder_event(d, kind, 0, rx_ns, err);
    }
    if (rc == MST_OK)
        rc = take_stop(d, message, err);
    d->saw_done = d->saw_finish;
    return rc;
}

static mst_rc
take_event(mst_decoder_t *d, mst_str_t type, const mst_json_t *root, int64_t rx_ns, mst_err_t *err)
{
    mst_event_kind_t kind = MST_EV_EMPTY;
    int64_t index = 0;
    mst_rc rc = MST_OK;
    (void)mst_json_i64(mst_json_get(root, "index"), &index);
    if (mst_str_eq(type, MST_STR("message_start"))) {
        const mst_json_t *message = mst_json_get(root, "message");
        kind = MST_EV_ROLE;
        take_usage(d, mst_json_get(message, "usage"), false);
        rc = mst_decoder_keep(d, &d->c.model, text_at(message, "model"), err);
    } else if (mst_str_eq(type, MST_STR("content_block_start"))) {
        rc = take_block(d, index, mst_json_get(root, "content_block"), &kind, err);
    } else if (mst_str_eq(type, MST_STR("content_block_delta"))) {
        rc = take_delta(d, index, mst_json_get(root, "delta"), &kind, err);
    } else if (mst_str_eq(type, MST_STR("message_delta"))) {
        kind = MST_EV_USAGE;
        take_usage(d, mst_json_get(root, "usage"), true);
        rc = take_stop(d, mst_json_get(root, "delta"), err);
    } else if (mst_str_eq(type, MST_STR("message_stop"))) {
        kind = MST_EV_DONE;
        d->saw_done = true;
    } else if (mst_str_eq(type, MST_STR("ping"))) {
        kind = MST_EV_COMMENT;
    }
    return rc == MST_OK ? mst_decoder_event(d, kind, 0, rx_ns, err) : rc;
}

// Errors name a type where others give a status.
static void
settle_error(mst_str_t type, mst_err_t *err)
{
    static const struct {
        const char *type;
        int status;
        mst_rc rc;
        mst_retry_t retry;
    } known[] = {
        {"invalid_request_error", 400, MST_INVAL, MST_RETRY_NEVER},
        {"authentication_error", 401, MST_DENIED, MST_RETRY_NEVER},
        {"billing_error", 402, MST_DENIED, MST_RETRY_NEVER},
        {"permission_error", 403, MST_DENIED, MST_RETRY_NEVER},
        {"not_found_error", 404, MST_NOTFOUND, MST_RETRY_NEVER},
        {"request_too_large", 413, MST_INVAL, MST_RETRY_NEVER},
        {"rate_limit_error", 429, MST_AGAIN, MST_RETRY_LATER},
        {"api_error", 500, MST_IO, MST_RETRY_LATER},
        {"timeout_error", 504, MST_IO, MST_RETRY_LATER},
        {"overloaded_error", 529, MST_IO, MST_RETRY_LATER},
    };

    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (!mst_str_eq_c(type, known[i].type))
            continue;
        err->rc = known[i].rc;
        err->sub = known[i].status;
        err->retry = known[i].retry;
    }
}

mst_rc
mst_anthropic_on_event(mst_decoder_t *d, mst_str_t name, mst_str_t data, int64_t rx_ns, mst_err_t *err)
{
    const mst_json_t *root = NULL;
    if (mst_str_trim(data).n == 0)
        return MST_OK;
    mst_rc rc = mst_decoder_json(d, name, data, rx_ns, &root, err);
    if (rc != MST_OK) {
        settle_error(text_at(mst_json_get(root, "error"), "type"), err);
        return err->rc;
    }
    if (!mst_json_is(root, MST_JSON_OBJ))
        return MST_ERR(err, MST_PROTO, "event %u of the answer is JSON, but no object", d->c.event_count + 1);
    mst_str_t type = text_at(root, "type");
    if (!d->c.streamed)
        return take_message(d, root, rx_ns, err);
    return take_event(d, type.n > 0 ? type : name, root, rx_ns, err);
}

mst_rc
mst_anthropic_on_end(mst_decoder_t *d, mst_err_t *err)
{
    mst_rc rc = mst_tools_end(d, err);
    return rc == MST_OK && !d->saw_done ? mst_decoder_cut(d, err) : rc;
}

bool
mst_anthropic_has_token(mst_str_t name, mst_str_t data)
{
    static const mst_scan_key_t keys[] = {
        {"text", MST_FILLED_TEXT, NULL},
        {"thinking", MST_FILLED_TEXT, NULL},
        {"partial_json", MST_FILLED_TEXT, NULL},
        {"type", MST_FILLED_TEXT, "tool_use"},
        {NULL, 0, NULL},
    };
    (void)name;
    return mst_scan_filled(data, keys);
}
