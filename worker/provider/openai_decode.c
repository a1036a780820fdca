// Answers of the OpenAI dialect: /v1/chat/completions and /v1/completions, streamed and whole; log-likelihoods and
// embeddings whole. Choice 0 is the answer, further ones (n > 1) are kept beside it. Any key may be absent, null or
// empty; content may be a string or a list of parts.
//
// What ends a good answer: a finish_reason, or the stream's [DONE]. Servers that cut a stream may close it cleanly, so
// an end without either is a lost connection, however it came.
#include "common/base/limits.h"
#include "worker/provider/choices.h"
#include "worker/provider/embed.h"
#include "worker/provider/extra.h"
#include "worker/provider/loglik.h"
#include "worker/provider/openai.h"
#include "worker/provider/tools.h"

typedef struct {
    int64_t by_usage; // tokens since the server's count before this one
    bool along;       // there was one before: the server counts along, event by event
    uint32_t entries; // logprobs: one per token
    bool content, reasoning, refusal, tool;
} seen_t;

// A string, or a list of {"type":"text","text":...}.
static mst_rc
take_text(mst_buf_t *to, const mst_json_t *v, bool *any, mst_err_t *err)
{
    mst_str_t s = MST_STR_NULL;
    if (mst_json_str(v, &s)) {
        *any = s.n > 0;
        return mst_decoder_text(to, s, err);
    }
    for (size_t i = 0; mst_json_is(v, MST_JSON_ARR) && i < v->count; i++) {
        if (!mst_json_str(mst_json_get(mst_json_at(v, i), "text"), &s))
            continue;
        *any = *any || s.n > 0;
        mst_rc rc = mst_decoder_text(to, s, err);
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

// The old form of one tool call, as the new form's list of one.
static mst_rc
take_function_call(mst_decoder_t *d, const mst_json_t *call, mst_err_t *err)
{
    const mst_json_member_t member = {.key = MST_STR("function"), .value = *call};
    const mst_json_t item = {.type = MST_JSON_OBJ, .count = 1, .u.members = &member};
    const mst_json_t list = {.type = MST_JSON_ARR, .count = 1, .u.items = &item};
    return mst_tools_add(d, &list, err);
}

static mst_rc
take_tools(mst_decoder_t *d, const mst_json_t *delta, seen_t *seen, mst_err_t *err)
{
    const mst_json_t *calls = mst_json_get(delta, "tool_calls"), *old = mst_json_get(delta, "function_call");
    mst_rc rc = MST_OK;
    if (mst_json_is(calls, MST_JSON_ARR) && calls->count > 0) {
        seen->tool = true;
        rc = mst_tools_add(d, calls, err);
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
    mst_extra_put(d, "stop_reason", mst_json_get(choice, "stop_reason"));
    mst_extra_put(d, "matched_stop", mst_json_get(choice, "matched_stop"));
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

static void
take_details(mst_decoder_t *d, const mst_json_t *usage)
{
    int64_t n = 0;
    const mst_json_t *of_answer = mst_json_get(usage, "completion_tokens_details"),
                     *of_prompt = mst_json_get(usage, "prompt_tokens_details");
    bool told = mst_json_i64(mst_json_get(of_answer, "reasoning_tokens"), &n) ||
                mst_json_i64(mst_json_get(usage, "reasoning_tokens"), &n); // SGLang
    if (told && n >= 0)
        d->c.reasoning_tokens = n;
    if (mst_json_i64(mst_json_get(of_prompt, "cached_tokens"), &n) && n >= 0)
        d->c.cached_tokens = n;
}

// Tokens since the last count of the server, when it counts along (continuous usage); remembers the count.
static int64_t
counted(mst_decoder_t *d, const mst_json_t *usage)
{
    int64_t prompt = 0, total = 0, before = d->usage_tokens > 0 ? d->usage_tokens : 0;
    bool has_prompt = mst_json_i64(mst_json_get(usage, "prompt_tokens"), &prompt) && prompt > 0;
    if (has_prompt)
        d->c.prompt_tokens = prompt;
    if (!mst_json_i64(mst_json_get(usage, "completion_tokens"), &total) || total < 0)
        return 0;
    if (!has_prompt && total == 0)
        return 0; // all zeros: the server does not count
    take_details(d, usage);
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

static const mst_json_t *
delta_of(const mst_json_t *choice)
{
    const mst_json_t *delta = mst_json_get(choice, "delta");
    return mst_json_is(delta, MST_JSON_OBJ) ? delta : mst_json_get(choice, "message");
}

static mst_rc
take_choice(mst_decoder_t *d, const mst_json_t *choice, seen_t seen, int64_t rx_ns, mst_err_t *err)
{
    const mst_json_t *delta = delta_of(choice);
    // completions have no message: their text is the choice's own
    const mst_json_t *content = delta != NULL ? mst_json_get(delta, "content") : mst_json_get(choice, "text");
    mst_rc rc = take_text(&d->text, content, &seen.content, err);
    if (rc == MST_OK)
        rc = take_text(&d->reasoning, reasoning_of(delta), &seen.reasoning, err);
    if (rc == MST_OK)
        rc = take_text(&d->refusal, mst_json_get(delta, "refusal"), &seen.refusal, err);
    if (rc == MST_OK)
        rc = take_tools(d, delta, &seen, err);
    if (rc == MST_OK)
        rc = mst_openai_logprobs(d, mst_json_get(choice, "logprobs"), &seen.entries, err);
    if (rc == MST_OK)
        rc = take_finish(d, choice, err);
    if (rc != MST_OK)
        return rc;
    return mst_decoder_event(d, kind_of(&seen, delta, choice), tokens_of(d, choice, &seen), rx_ns, err);
}

// A choice beside the answer: its texts are kept, its events and tokens are not the answer's.
static mst_rc
take_other(mst_decoder_t *d, const mst_json_t *choice, int64_t index, mst_err_t *err)
{
    const mst_json_t *delta = delta_of(choice);
    const mst_json_t *content = delta != NULL ? mst_json_get(delta, "content") : mst_json_get(choice, "text");
    mst_choice_t *c = mst_choice_get(d, index, err);
    mst_str_t why = MST_STR_NULL;
    seen_t seen = {0};
    if (c == NULL)
        return MST_LIMIT;
    mst_rc rc = take_text(&c->text, content, &seen.content, err);
    if (rc == MST_OK)
        rc = take_text(&c->reasoning, reasoning_of(delta), &seen.reasoning, err);
    if (rc == MST_OK)
        rc = take_text(&c->refusal, mst_json_get(delta, "refusal"), &seen.refusal, err);
    struct mst_tools *own = d->calls;
    d->calls = c->calls;
    if (rc == MST_OK)
        rc = take_tools(d, delta, &seen, err);
    c->calls = d->calls;
    d->calls = own;
    (void)mst_json_str(mst_json_get(choice, "finish_reason"), &why);
    return rc == MST_OK ? mst_decoder_keep(d, &c->finish_reason, why, err) : rc;
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

// What the last events bring beside the text, under the names that servers have for it.
static void
take_extras(mst_decoder_t *d, const mst_json_t *root)
{
    static const char *const names[] = {"timings", "metrics", "service_tier", "metadata", "sglext", "meta_info"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        mst_extra_put(d, names[i], mst_json_get(root, names[i]));
}

static mst_rc
take_choices(mst_decoder_t *d, const mst_json_t *choices, seen_t seen, int64_t rx_ns, bool *any, mst_err_t *err)
{
    mst_rc rc = MST_OK;
    for (size_t i = 0; mst_json_is(choices, MST_JSON_ARR) && i < choices->count && rc == MST_OK; i++) {
        const mst_json_t *choice = mst_json_at(choices, i);
        int64_t index = 0;
        if (mst_json_i64(mst_json_get(choice, "index"), &index) && index != 0) {
            rc = take_other(d, choice, index, err);
            continue;
        }
        *any = true;
        rc = take_choice(d, choice, seen, rx_ns, err);
        seen.by_usage = 0;
    }
    return rc;
}

static mst_rc
take_chunk(mst_decoder_t *d, const mst_json_t *root, int64_t rx_ns, mst_err_t *err)
{
    const mst_json_t *choices = mst_json_get(root, "choices"), *usage = mst_json_get(root, "usage");
    mst_rc rc = take_names(d, root, err);
    seen_t seen = {.along = d->usage_tokens >= 0};
    bool any = false, counts = mst_json_is(usage, MST_JSON_OBJ);
    seen.by_usage = counts ? counted(d, usage) : 0;
    if (!mst_json_is(choices, MST_JSON_ARR) && !d->c.streamed)
        return MST_ERR(err, MST_PROTO, "the answer is JSON without choices: it is not a completion");
    if (rc == MST_OK)
        rc = take_choices(d, choices, seen, rx_ns, &any, err);
    if (d->saw_finish)
        take_extras(d, root);
    if (rc != MST_OK || any)
        return rc;
    return mst_decoder_event(d, counts ? MST_EV_USAGE : MST_EV_EMPTY, 0, rx_ns, err);
}

// The whole answer to an ask that generates nothing.
static mst_rc
take_measured(mst_decoder_t *d, const mst_json_t *root, int64_t rx_ns, mst_err_t *err)
{
    const mst_json_t *usage = mst_json_get(root, "usage");
    mst_rc rc = take_names(d, root, err);
    if (mst_json_is(usage, MST_JSON_OBJ))
        (void)counted(d, usage);
    d->usage_tokens = MST_NONE; // the token that had to be generated is no part of the answer
    if (rc == MST_OK)
        rc = d->ask->kind == MST_ASK_EMBED ? mst_embed_openai(d, root, err) : mst_loglik_openai(d, root, err);
    d->saw_finish = rc == MST_OK;
    return rc == MST_OK ? mst_decoder_event(d, MST_EV_EMPTY, 0, rx_ns, err) : rc;
}

mst_rc
mst_openai_on_event(mst_decoder_t *d, mst_str_t name, mst_str_t data, int64_t rx_ns, mst_err_t *err)
{
    const mst_json_t *root = NULL;
    data = mst_str_trim(data);
    if (data.n == 0)
        return MST_OK;
    if (mst_str_starts(data, MST_STR("[DONE]"))) {
        d->saw_done = true;
        return mst_decoder_event(d, MST_EV_DONE, 0, rx_ns, err);
    }
    mst_rc rc = mst_decoder_json(d, name, data, rx_ns, &root, err);
    if (rc != MST_OK)
        return rc;
    if (!mst_json_is(root, MST_JSON_OBJ))
        return MST_ERR(err, MST_PROTO, "event %u of the answer is JSON, but no object", d->c.event_count + 1);
    return d->ask != NULL && d->ask->kind != MST_ASK_GENERATE ? take_measured(d, root, rx_ns, err)
                                                              : take_chunk(d, root, rx_ns, err);
}

mst_rc
mst_openai_on_end(mst_decoder_t *d, mst_err_t *err)
{
    mst_rc rc = mst_tools_end(d, err);
    // of several choices each has its end: only the stream's own is the end of all
    bool ended = d->saw_done || (d->saw_finish && d->choices == NULL);
    return rc != MST_OK || ended || !d->c.streamed ? rc : mst_decoder_cut(d, err);
}
