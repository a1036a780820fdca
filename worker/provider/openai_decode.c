// Answers of /v1/chat/completions, streamed (chat.completion.chunk) and whole (chat.completion). Only choice 0 counts:
// we ask for one. Any key may be absent, null or empty; content may be a string or a list of parts.
//
// What ends a good answer: a finish_reason, or the stream's [DONE]. Servers that cut a stream may close it cleanly, so
// an end without either is a lost connection, however it came.
#include "common/base/limits.h"
#include "worker/provider/openai.h"

typedef struct {
    int64_t by_usage; // tokens since the server's count before this one
    bool along;       // there was one before: the server counts along, event by event
    uint32_t entries; // logprobs: one per token
    bool content, reasoning, refusal, tool;
} seen_t;

static mst_rc
add(mst_buf_t *b, mst_str_t s, mst_err_t *err)
{
    return mst_buf_add_str(b, s) == MST_OK
               ? MST_OK
               : MST_ERR(err, MST_LIMIT, "the answer is longer than %lu bytes", MST_HTTP_BODY_MAX);
}

// A string, or a list of {"type":"text","text":...}.
static mst_rc
take_text(mst_buf_t *to, const mst_json_t *v, bool *any, mst_err_t *err)
{
    mst_str_t s = MST_STR_NULL;
    if (mst_json_str(v, &s)) {
        *any = s.n > 0;
        return add(to, s, err);
    }
    for (size_t i = 0; mst_json_is(v, MST_JSON_ARR) && i < v->count; i++) {
        if (!mst_json_str(mst_json_get(mst_json_at(v, i), "text"), &s))
            continue;
        *any = *any || s.n > 0;
        mst_rc rc = add(to, s, err);
        if (rc != MST_OK)
            return rc;
    }
    return MST_OK;
}

// Servers name it differently, and some send the same text under two names: the first that is not empty counts.
static const mst_json_t *
reasoning_of(const mst_json_t *delta)
{
    static const char *const keys[] = {"reasoning_content", "reasoning", "thinking"};
    mst_str_t s = MST_STR_NULL;
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        const mst_json_t *v = mst_json_get(delta, keys[i]);
        if (mst_json_str(v, &s) && s.n > 0)
            return v;
    }
    return NULL;
}

static mst_rc
take_logprobs(mst_decoder_t *d, const mst_json_t *list, seen_t *seen, mst_err_t *err)
{
    for (size_t i = 0; mst_json_is(list, MST_JSON_ARR) && i < list->count; i++) {
        double v = 0.0;
        bool told = mst_json_f64(mst_json_get(mst_json_at(list, i), "logprob"), &v);
        mst_rc rc = mst_decoder_logprob(d, told ? (float)v : mst_logprob_missing_value(), err);
        if (rc != MST_OK)
            return rc;
        seen->entries++;
    }
    return MST_OK;
}

// The old form of one tool call, as the new form's list of one.
static mst_rc
take_function_call(mst_decoder_t *d, const mst_json_t *call, mst_err_t *err)
{
    const mst_json_member_t member = {.key = MST_STR("function"), .value = *call};
    const mst_json_t item = {.type = MST_JSON_OBJ, .count = 1, .u.members = &member};
    const mst_json_t list = {.type = MST_JSON_ARR, .count = 1, .u.items = &item};
    return mst_openai_tools_add(d, &list, err);
}

static mst_rc
take_tools(mst_decoder_t *d, const mst_json_t *delta, seen_t *seen, mst_err_t *err)
{
    const mst_json_t *calls = mst_json_get(delta, "tool_calls"), *old = mst_json_get(delta, "function_call");
    mst_rc rc = MST_OK;
    if (mst_json_is(calls, MST_JSON_ARR) && calls->count > 0) {
        seen->tool = true;
        rc = mst_openai_tools_add(d, calls, err);
    } else if (mst_json_is(old, MST_JSON_OBJ)) {
        seen->tool = true;
        rc = take_function_call(d, old, err);
    }
    return rc;
}

static mst_rc
take_finish(mst_decoder_t *d, const mst_json_t *choice, mst_err_t *err)
{
    mst_str_t why = MST_STR_NULL;
    (void)mst_json_str(mst_json_get(choice, "finish_reason"), &why);
    if (why.n == 0)
        return MST_OK;
    d->saw_finish = true;
    d->truncated = mst_str_eq(why, MST_STR("length")) || mst_str_eq(why, MST_STR("max_tokens"));
    d->filtered = mst_str_eq(why, MST_STR("content_filter"));
    return mst_decoder_keep(d, &d->c.finish_reason, why, err);
}

static mst_event_kind_t
kind_of(const seen_t *seen, const mst_json_t *delta, const mst_json_t *choice)
{
    if (seen->content)
        return MST_EV_CONTENT;
    if (seen->reasoning)
        return MST_EV_REASONING;
    if (seen->tool)
        return MST_EV_TOOL;
    if (seen->refusal)
        return MST_EV_REFUSAL;
    bool role = seen->entries == 0 && mst_json_is(mst_json_get(delta, "role"), MST_JSON_STR);
    return role && !mst_json_is(mst_json_get(choice, "finish_reason"), MST_JSON_STR) ? MST_EV_ROLE : MST_EV_EMPTY;
}

// Tokens since the last count of the server, when it counts along (continuous usage); remembers the count.
static int64_t
counted(mst_decoder_t *d, const mst_json_t *usage)
{
    int64_t prompt = 0, total = 0, before = d->usage_tokens > 0 ? d->usage_tokens : 0;
    bool has_prompt = mst_json_i64(mst_json_get(usage, "prompt_tokens"), &prompt);
    if (!mst_json_i64(mst_json_get(usage, "completion_tokens"), &total) || total < 0)
        return 0;
    if (has_prompt && prompt > 0)
        d->c.prompt_tokens = prompt;
    else if (total == 0)
        return 0; // all zeros: the server does not count
    int64_t reasoning = 0;
    const mst_json_t *details = mst_json_get(usage, "completion_tokens_details");
    if (mst_json_i64(mst_json_get(details, "reasoning_tokens"), &reasoning) && reasoning >= 0)
        d->c.reasoning_tokens = reasoning;
    if (total < d->usage_tokens)
        return 0;
    d->usage_tokens = total;
    return total - before;
}

// A count that comes for the first time with a late event is a total, not the event's own.
static uint32_t
tokens_of(mst_decoder_t *d, const mst_json_t *choice, const seen_t *seen)
{
    const mst_json_t *ids = mst_json_get(choice, "token_ids");
    if (seen->entries > 0) {
        d->counted_by_logprobs = true;
        return seen->entries;
    }
    if (mst_json_is(ids, MST_JSON_ARR) && ids->count > 0)
        return ids->count;
    bool text = seen->content || seen->reasoning || seen->refusal || seen->tool;
    bool own = seen->along || (text && d->bare_events == 0);
    return own && seen->by_usage > 0 && seen->by_usage <= MST_TOKENS_MAX ? (uint32_t)seen->by_usage : 0;
}

static mst_rc
take_choice(mst_decoder_t *d, const mst_json_t *choice, seen_t seen, int64_t rx_ns, mst_err_t *err)
{
    const mst_json_t *delta = mst_json_get(choice, "delta"), *logprobs = mst_json_get(choice, "logprobs");
    if (!mst_json_is(delta, MST_JSON_OBJ))
        delta = mst_json_get(choice, "message");
    mst_rc rc = take_text(&d->text, mst_json_get(delta, "content"), &seen.content, err);
    if (rc == MST_OK)
        rc = take_text(&d->reasoning, reasoning_of(delta), &seen.reasoning, err);
    if (rc == MST_OK)
        rc = take_text(&d->refusal, mst_json_get(delta, "refusal"), &seen.refusal, err);
    if (rc == MST_OK)
        rc = take_tools(d, delta, &seen, err);
    if (rc == MST_OK)
        rc = take_logprobs(d, mst_json_get(logprobs, "content"), &seen, err);
    if (rc == MST_OK)
        rc = take_logprobs(d, mst_json_get(logprobs, "refusal"), &seen, err);
    if (rc == MST_OK)
        rc = take_finish(d, choice, err);
    if (rc != MST_OK)
        return rc;
    return mst_decoder_event(d, kind_of(&seen, delta, choice), tokens_of(d, choice, &seen), rx_ns, err);
}

static mst_rc
take_names(mst_decoder_t *d, const mst_json_t *root, mst_err_t *err)
{
    mst_str_t model = MST_STR_NULL, print = MST_STR_NULL;
    if (d->c.model.n == 0)
        (void)mst_json_str(mst_json_get(root, "model"), &model);
    if (d->c.system_fingerprint.n == 0)
        (void)mst_json_str(mst_json_get(root, "system_fingerprint"), &print);
    mst_rc rc = mst_decoder_keep(d, &d->c.model, model, err);
    return rc == MST_OK ? mst_decoder_keep(d, &d->c.system_fingerprint, print, err) : rc;
}

static mst_rc
take_chunk(mst_decoder_t *d, const mst_json_t *root, int64_t rx_ns, mst_err_t *err)
{
    const mst_json_t *choices = mst_json_get(root, "choices"), *usage = mst_json_get(root, "usage");
    mst_rc rc = take_names(d, root, err);
    seen_t seen = {.along = d->usage_tokens >= 0};
    seen.by_usage = mst_json_is(usage, MST_JSON_OBJ) ? counted(d, usage) : 0;
    bool any = false;
    if (!mst_json_is(choices, MST_JSON_ARR) && !d->c.streamed)
        return MST_ERR(err, MST_PROTO, "the answer is JSON without choices: it is not a chat completion");
    for (size_t i = 0; mst_json_is(choices, MST_JSON_ARR) && i < choices->count && rc == MST_OK; i++) {
        const mst_json_t *choice = mst_json_at(choices, i);
        int64_t index = 0;
        if (mst_json_i64(mst_json_get(choice, "index"), &index) && index != 0)
            continue;
        any = true;
        rc = take_choice(d, choice, seen, rx_ns, err);
        seen.by_usage = 0;
    }
    if (rc != MST_OK || any)
        return rc;
    return mst_decoder_event(d, mst_json_is(usage, MST_JSON_OBJ) ? MST_EV_USAGE : MST_EV_EMPTY, 0, rx_ns, err);
}

mst_rc
mst_openai_on_event(mst_decoder_t *d, mst_str_t name, mst_str_t data, int64_t rx_ns, mst_err_t *err)
{
    const mst_json_t *root = NULL;
    bool lenient = false;
    data = mst_str_trim(data);
    if (data.n == 0)
        return MST_OK;
    if (mst_str_starts(data, MST_STR("[DONE]"))) {
        d->saw_done = true;
        return mst_decoder_event(d, MST_EV_DONE, 0, rx_ns, err);
    }
    mst_err_t why;
    if (mst_json_parse(d->json, data, d->scratch, &root, &lenient, &why) != MST_OK) {
        mst_rc rc = why.rc == MST_LIMIT ? MST_LIMIT : MST_PROTO;
        MST_ERR(err, rc, "event %u of the answer is not JSON: %s", d->c.event_count + 1, why.message);
        err->retry = rc == MST_PROTO ? MST_RETRY_LATER : MST_RETRY_NEVER;
        return rc;
    }
    d->c.lenient_json = d->c.lenient_json || lenient;
    // an error comes first: a reader that fills in defaults would make an empty chunk of it
    bool failed = mst_openai_error(root, 0, err);
    if (!failed && mst_str_eq(name, MST_STR("error"))) {
        MST_ERR(err, MST_IO, "the server broke off its answer with an error: %.*s", MST_FMT(mst_str_cut(data, 300)));
        failed = true;
        err->retry = MST_RETRY_LATER;
    }
    if (failed) {
        mst_rc rc = mst_decoder_event(d, MST_EV_ERROR, 0, rx_ns, NULL); // what the server said counts more
        return err->rc != MST_OK ? err->rc : rc;
    }
    if (!mst_json_is(root, MST_JSON_OBJ))
        return MST_ERR(err, MST_PROTO, "event %u of the answer is JSON, but no object", d->c.event_count + 1);
    return take_chunk(d, root, rx_ns, err);
}

mst_rc
mst_openai_on_end(mst_decoder_t *d, mst_err_t *err)
{
    mst_rc rc = mst_openai_tools_end(d, err);
    if (rc != MST_OK || d->saw_finish || d->saw_done || !d->c.streamed)
        return rc;
    MST_ERR(err, MST_CLOSED, "the stream ended without its terminator, after %u events and %zu bytes of text",
            d->c.event_count, d->text.n);
    err->retry = MST_RETRY_LATER;
    return MST_CLOSED;
}
