// Answers of Ollama's own API: a line a JSON object, the last one with done: true; or that object alone. /api/chat has
// message {content, thinking, tool_calls}, /api/generate response and thinking.
//
// done: true is the only terminator: the server ends its stream without it when a model repeats itself without end, and
// when a number cannot be written as JSON. Durations are nanoseconds by the server's clock and are kept as such. Counts
// that are zero are left out by the server, so an absent one is not known.
#include "common/base/limits.h"
#include "worker/provider/embed.h"
#include "worker/provider/extra.h"
#include "worker/provider/ollama.h"
#include "worker/provider/scan.h"
#include "worker/provider/tools.h"

typedef struct {
    bool content, reasoning, tool;
    uint32_t entries;
} seen_t;

static mst_str_t
text_at(const mst_json_t *obj, const char *key)
{
    mst_str_t s = MST_STR_NULL;
    (void)mst_json_str(mst_json_get(obj, key), &s);
    return s;
}

static mst_rc
take_logprob(mst_decoder_t *d, const mst_json_t *entry, mst_err_t *err)
{
    const mst_json_t *top = mst_json_get(entry, "top_logprobs");
    double v = 0.0;
    bool told = mst_json_f64(mst_json_get(entry, "logprob"), &v);
    mst_rc rc = mst_decoder_logprob(d, told ? (float)v : mst_logprob_missing_value(), err);
    for (size_t i = 0; rc == MST_OK && mst_json_is(top, MST_JSON_ARR) && i < top->count; i++) {
        const mst_json_t *other = mst_json_at(top, i);
        told = mst_json_f64(mst_json_get(other, "logprob"), &v);
        rc = mst_decoder_alternative(d, text_at(other, "token"), MST_NONE,
                                     told ? (float)v : mst_logprob_missing_value(), err);
    }
    return rc;
}

static mst_rc
take_logprobs(mst_decoder_t *d, const mst_json_t *list, seen_t *seen, mst_err_t *err)
{
    mst_rc rc = MST_OK;
    for (size_t i = 0; rc == MST_OK && mst_json_is(list, MST_JSON_ARR) && i < list->count; i++) {
        rc = take_logprob(d, mst_json_at(list, i), err);
        seen->entries++;
    }
    return rc;
}

// Each line brings whole calls; the assembler gives each its place.
static mst_rc
take_tools(mst_decoder_t *d, const mst_json_t *calls, seen_t *seen, mst_err_t *err)
{
    if (!mst_json_is(calls, MST_JSON_ARR) || calls->count == 0)
        return MST_OK;
    if (d->state == NULL)
        d->state = MST_ARENA_NEW(d->arena, int64_t);
    int64_t *count = d->state;
    if (count == NULL)
        return MST_ERR(err, MST_LIMIT, "the answer does not fit into its memory");
    seen->tool = true;
    mst_rc rc = MST_OK;
    for (size_t i = 0; rc == MST_OK && i < calls->count; i++) {
        const mst_json_t *call = mst_json_at(calls, i), *function = mst_json_get(call, "function");
        const mst_json_t *args = mst_json_get(function, "arguments");
        mst_buf_t text;
        mst_jw_t w;
        mst_buf_init(&text, MST_HTTP_BODY_MAX);
        mst_jw_init(&w, &text);
        if (mst_json_is(args, MST_JSON_STR))
            (void)mst_buf_add_str(&text, args->u.s);
        else if (args != NULL && !mst_json_is(args, MST_JSON_NULL))
            mst_jw_value(&w, args);
        rc = text.failed ? MST_ERR(err, MST_LIMIT, "the arguments of a tool call do not fit into their memory")
                         : mst_tools_fragment(d, true, (*count)++, text_at(call, "id"), text_at(function, "name"),
                                              mst_buf_view(&text), err);
        mst_buf_deinit(&text);
    }
    return rc;
}

static mst_rc
take_end(mst_decoder_t *d, const mst_json_t *root, mst_err_t *err)
{
    static const char *const times[] = {"total_duration", "load_duration", "prompt_eval_duration", "eval_duration"};
    mst_str_t why = text_at(root, "done_reason");
    int64_t n = 0;
    d->saw_done = d->saw_finish = true;
    d->truncated = mst_str_eq(why, MST_STR("length"));
    if (mst_str_eq(why, MST_STR("load")) || mst_str_eq(why, MST_STR("unload")))
        return MST_ERR(err, MST_PROTO, "the server did no more than %.*s the model: the request held no prompt",
                       MST_FMT(why));
    if (mst_json_i64(mst_json_get(root, "prompt_eval_count"), &n) && n > 0)
        d->c.prompt_tokens = n;
    if (mst_json_i64(mst_json_get(root, "eval_count"), &n) && n > 0)
        d->usage_tokens = n;
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++)
        mst_extra_put(d, times[i], mst_json_get(root, times[i]));
    return mst_decoder_keep(d, &d->c.finish_reason, why.n > 0 ? why : MST_STR("done"), err);
}

static mst_event_kind_t
kind_of(const seen_t *seen, bool done)
{
    if (seen->content)
        return MST_EV_CONTENT;
    if (seen->reasoning)
        return MST_EV_REASONING;
    if (seen->tool)
        return MST_EV_TOOL;
    return done && seen->entries == 0 ? MST_EV_DONE : MST_EV_EMPTY;
}

static mst_rc
take_line(mst_decoder_t *d, const mst_json_t *root, int64_t rx_ns, mst_err_t *err)
{
    const mst_json_t *message = mst_json_get(root, "message");
    const mst_json_t *from = mst_json_is(message, MST_JSON_OBJ) ? message : root;
    mst_str_t text = text_at(from, from == message ? "content" : "response"), thought = text_at(from, "thinking");
    seen_t seen = {.content = text.n > 0, .reasoning = thought.n > 0};
    bool done = false;
    (void)mst_json_bool(mst_json_get(root, "done"), &done);
    if (mst_json_get(root, "done") == NULL && from == root && mst_json_get(root, "response") == NULL)
        return MST_ERR(err, MST_PROTO,
                       "event %u of the answer has no message, response or done: it is none of Ollama's",
                       d->c.event_count + 1);
    mst_rc rc = mst_decoder_keep(d, &d->c.model, text_at(root, "model"), err);
    if (rc == MST_OK)
        rc = mst_decoder_text(&d->text, text, err);
    if (rc == MST_OK)
        rc = mst_decoder_text(&d->reasoning, thought, err);
    if (rc == MST_OK)
        rc = take_tools(d, mst_json_get(from, "tool_calls"), &seen, err);
    if (rc == MST_OK)
        rc = take_logprobs(d, mst_json_get(root, "logprobs"), &seen, err);
    if (rc == MST_OK && done)
        rc = take_end(d, root, err);
    if (seen.entries > 0)
        d->counted_by_logprobs = true;
    return rc == MST_OK ? mst_decoder_event(d, kind_of(&seen, done), seen.entries, rx_ns, err) : rc;
}

static mst_rc
take_embeddings(mst_decoder_t *d, const mst_json_t *root, mst_err_t *err)
{
    int64_t n = 0;
    mst_rc rc = mst_embed_rows(d, mst_json_get(root, "embeddings"), err);
    if (mst_json_i64(mst_json_get(root, "prompt_eval_count"), &n) && n > 0)
        d->c.prompt_tokens = n;
    d->saw_done = true;
    return rc == MST_OK ? mst_decoder_keep(d, &d->c.model, text_at(root, "model"), err) : rc;
}

mst_rc
mst_ollama_on_event(mst_decoder_t *d, mst_str_t name, mst_str_t data, int64_t rx_ns, mst_err_t *err)
{
    const mst_json_t *root = NULL;
    if (mst_str_trim(data).n == 0)
        return MST_OK;
    mst_rc rc = mst_decoder_json(d, name, data, rx_ns, &root, err);
    if (rc != MST_OK)
        return rc;
    if (!mst_json_is(root, MST_JSON_OBJ))
        return MST_ERR(err, MST_PROTO, "event %u of the answer is JSON, but no object", d->c.event_count + 1);
    if (d->ask != NULL && d->ask->kind == MST_ASK_EMBED)
        return take_embeddings(d, root, err);
    return take_line(d, root, rx_ns, err);
}

mst_rc
mst_ollama_on_end(mst_decoder_t *d, mst_err_t *err)
{
    mst_rc rc = mst_tools_end(d, err);
    return rc == MST_OK && !d->saw_done ? mst_decoder_cut(d, err) : rc;
}

bool
mst_ollama_has_token(mst_str_t name, mst_str_t data)
{
    static const mst_scan_key_t keys[] = {
        {"content", MST_FILLED_TEXT, NULL},    {"response", MST_FILLED_TEXT, NULL}, {"thinking", MST_FILLED_TEXT, NULL},
        {"tool_calls", MST_FILLED_LIST, NULL}, {"logprobs", MST_FILLED_LIST, NULL}, {NULL, 0, NULL},
    };
    (void)name;
    return mst_scan_filled(data, keys);
}
