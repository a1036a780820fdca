// Events are put together from constant pieces, one prefix made per answer, and the token's text; nothing is
// allocated per token. The shapes follow OpenAI's: role first, tokens, finish reason, usage when asked, [DONE].
#include "sim/render.h"

#include "sim/logprobs.h"
#include "sim/words.h"

#define CREATED     "1790000000" // a fixed second: answers are the same every time
#define ADD(o, lit) mst_buf_add((o), lit, sizeof(lit) - 1)

const char *
mst_sim_event_name(mst_sim_event_kind_t kind)
{
    static const char *const names[] = {"role", "reasoning", "content", "finish", "usage",
                                        "done", "end",       "body",    "error"};
    return names[kind];
}

static void
add_str(mst_buf_t *out, mst_str_t s)
{
    mst_sim_json_str(out, s);
}

static void
add_id(const mst_sim_answer_t *a, mst_buf_t *out)
{
    char id[] = "chatcmpl-0123456789abcdef";
    for (int i = 0; i < 16; i++)
        id[9 + i] = "0123456789abcdef"[a->id >> (60 - 4 * i) & 15];
    ADD(out, "{\"id\":\"");
    mst_buf_add(out, id, sizeof id - 1);
}

void
mst_sim_stream_prefix(const mst_sim_answer_t *a, mst_buf_t *out)
{
    ADD(out, "data: ");
    add_id(a, out);
    ADD(out, "\",\"object\":\"chat.completion.chunk\",\"created\":" CREATED ",\"model\":");
    add_str(out, a->model);
    ADD(out, ",\"system_fingerprint\":\"fp_sim\",\"choices\":[");
}

static void
add_usage(const mst_sim_answer_t *a, const mst_sim_cursor_t *c, mst_buf_t *out)
{
    ADD(out, "{\"prompt_tokens\":");
    mst_sim_json_u64(out, a->prompt_tokens);
    ADD(out, ",\"completion_tokens\":");
    mst_sim_json_u64(out, c->tokens);
    ADD(out, ",\"total_tokens\":");
    mst_sim_json_u64(out, (uint64_t)a->prompt_tokens + c->tokens);
    ADD(out, ",\"completion_tokens_details\":{\"reasoning_tokens\":");
    mst_sim_json_u64(out, c->reasoning_tokens);
    ADD(out, "}}");
}

static bool
is_cut_short(const mst_sim_answer_t *a, const mst_sim_cursor_t *c)
{
    bool in_reasoning = c->reasoning_tokens == c->tokens && a->reasoning.n > 0;
    return c->tokens >= a->tokens_max && (in_reasoning ? c->at < a->reasoning.n || a->text.n > 0 : c->at < a->text.n);
}

static void
add_finish_reason(const mst_sim_answer_t *a, const mst_sim_cursor_t *c, mst_buf_t *out)
{
    if (is_cut_short(a, c))
        ADD(out, "\"length\"");
    else if (a->finish_reason.n > 0)
        add_str(out, a->finish_reason);
    else
        ADD(out, "\"stop\"");
}

// What is sent after a token event: more of the same text, the text behind the reasoning, or the end.
static void
advance(const mst_sim_answer_t *a, mst_sim_cursor_t *c)
{
    bool room = c->tokens < a->tokens_max;
    if (c->next == MST_SIM_EV_ROLE && a->reasoning.n > 0 && room)
        c->next = MST_SIM_EV_REASONING;
    else if (c->next == MST_SIM_EV_REASONING && c->at < a->reasoning.n && room)
        return;
    else if (c->next == MST_SIM_EV_CONTENT)
        c->next = c->at < a->text.n && room ? MST_SIM_EV_CONTENT : MST_SIM_EV_FINISH;
    else if (a->text.n > 0 && room) {
        c->next = MST_SIM_EV_CONTENT;
        c->at = 0;
    } else
        c->next = MST_SIM_EV_FINISH;
}

// The tokens of one event: moves the cursor and returns their text, which is one piece.
static mst_str_t
take_tokens(const mst_sim_answer_t *a, mst_sim_cursor_t *c, uint32_t *out_tokens)
{
    mst_str_t text = c->next == MST_SIM_EV_REASONING ? a->reasoning : a->text;
    size_t from = c->at;
    uint32_t tokens = 0;
    while (c->at < text.n && tokens < a->opts->tokens_per_event && c->tokens + tokens < a->tokens_max) {
        c->at += mst_sim_token(mst_str(text.p + c->at, text.n - c->at)).n;
        tokens++;
    }
    c->tokens += tokens;
    c->reasoning_tokens += c->next == MST_SIM_EV_REASONING ? tokens : 0;
    *out_tokens = tokens;
    return mst_str(text.p + from, c->at - from);
}

// first: number of the first of these tokens in the whole answer.
static void
add_logprobs(const mst_sim_answer_t *a, mst_str_t text, uint32_t first, uint32_t reasoning_tokens, mst_buf_t *out)
{
    for (uint32_t i = first; text.n > 0; i++) {
        mst_str_t token = mst_sim_token(text);
        text = mst_str(text.p + token.n, text.n - token.n);
        bool given = i >= reasoning_tokens && i - reasoning_tokens < a->logprob_count;
        mst_sim_logprob_t lp = given ? mst_sim_logprob_given(a->logprobs[i - reasoning_tokens])
                                     : mst_sim_logprob_draw(a->opts, a->seed, i);
        if (i > first)
            mst_buf_add_byte(out, ',');
        mst_sim_logprob_render(token, lp, a->seed, a->top_logprobs, out);
    }
}

static void
add_token_event(const mst_sim_answer_t *a, mst_sim_cursor_t *c, mst_buf_t *out, uint32_t *out_tokens)
{
    uint32_t first = c->tokens;
    mst_str_t text = take_tokens(a, c, out_tokens);
    if (c->next == MST_SIM_EV_REASONING)
        ADD(out, "{\"index\":0,\"delta\":{\"reasoning_content\":");
    else
        ADD(out, "{\"index\":0,\"delta\":{\"content\":");
    add_str(out, text);
    if (a->with_logprobs) {
        ADD(out, "},\"logprobs\":{\"content\":[");
        // the reasoning is not at its end while it is being sent, so nothing given applies to it
        add_logprobs(a, text, first, c->next == MST_SIM_EV_REASONING ? UINT32_MAX : c->reasoning_tokens, out);
        ADD(out, "],\"refusal\":null},\"finish_reason\":null}]");
    } else {
        ADD(out, "},\"logprobs\":null,\"finish_reason\":null}]");
    }
}

mst_sim_event_kind_t
mst_sim_stream_next(const mst_sim_answer_t *a, mst_sim_cursor_t *c, mst_buf_t *out, uint32_t *out_tokens)
{
    mst_sim_event_kind_t kind = c->next;
    *out_tokens = 0;
    if (kind == MST_SIM_EV_DONE) {
        ADD(out, "data: [DONE]\n\n");
        c->next = MST_SIM_EV_END;
        c->events++;
        return kind;
    }
    mst_buf_add_str(out, a->prefix);
    if (kind == MST_SIM_EV_USAGE) {
        ADD(out, "],\"usage\":");
        add_usage(a, c, out);
        c->next = MST_SIM_EV_DONE;
    } else if (kind == MST_SIM_EV_FINISH) {
        ADD(out, "{\"index\":0,\"delta\":{},\"logprobs\":null,\"finish_reason\":");
        add_finish_reason(a, c, out);
        ADD(out, "}]");
        c->next = a->include_usage ? MST_SIM_EV_USAGE : MST_SIM_EV_DONE;
    } else if (kind == MST_SIM_EV_ROLE) {
        ADD(out, "{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\",\"refusal\":null},"
                 "\"logprobs\":null,\"finish_reason\":null}]");
        advance(a, c);
    } else {
        add_token_event(a, c, out, out_tokens);
        advance(a, c);
    }
    if (a->include_usage && kind != MST_SIM_EV_USAGE)
        ADD(out, ",\"usage\":null");
    if (c->events == a->malformed && !out->failed)
        out->n -= 2; // a brace or a bracket is lost, and something more
    else
        ADD(out, "}");
    ADD(out, "\n\n");
    c->events++;
    return kind;
}

uint32_t
mst_sim_stream_count(const mst_sim_answer_t *a, uint32_t *out_token_events)
{
    uint32_t k = a->opts->tokens_per_event, reasoning = mst_sim_token_count(a->reasoning, a->tokens_max);
    uint32_t content = mst_sim_token_count(a->text, a->tokens_max - reasoning);
    *out_token_events = reasoning / k + (reasoning % k > 0) + content / k + (content % k > 0);
    return *out_token_events + 3 + a->include_usage;
}

// The part of text that tokens_max lets through, in tokens_max's own order: reasoning first.
static mst_str_t
allowed(mst_str_t text, uint32_t tokens_max, mst_sim_cursor_t *c)
{
    for (c->at = 0; c->at < text.n && c->tokens < tokens_max; c->tokens++)
        c->at += mst_sim_token(mst_str(text.p + c->at, text.n - c->at)).n;
    return mst_str(text.p, c->at);
}

uint32_t
mst_sim_render_completion(const mst_sim_answer_t *a, mst_buf_t *out)
{
    mst_sim_cursor_t c = {0};
    mst_str_t reasoning = allowed(a->reasoning, a->tokens_max, &c);
    c.reasoning_tokens = c.tokens;
    bool to_text = reasoning.n == a->reasoning.n && a->text.n > 0;
    mst_str_t text = to_text ? allowed(a->text, a->tokens_max, &c) : MST_STR_NULL;
    size_t from = out->n;
    add_id(a, out);
    ADD(out, "\",\"object\":\"chat.completion\",\"created\":" CREATED ",\"model\":");
    add_str(out, a->model);
    ADD(out, ",\"system_fingerprint\":\"fp_sim\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\","
             "\"content\":");
    add_str(out, text);
    if (a->reasoning.n > 0) {
        ADD(out, ",\"reasoning_content\":");
        add_str(out, reasoning);
    }
    ADD(out, ",\"refusal\":null},\"logprobs\":");
    if (a->with_logprobs) {
        ADD(out, "{\"content\":[");
        add_logprobs(a, reasoning, 0, UINT32_MAX, out);
        if (reasoning.n > 0 && text.n > 0)
            mst_buf_add_byte(out, ',');
        add_logprobs(a, text, c.reasoning_tokens, c.reasoning_tokens, out);
        ADD(out, "],\"refusal\":null}");
    } else {
        ADD(out, "null");
    }
    ADD(out, ",\"finish_reason\":");
    add_finish_reason(a, &c, out);
    ADD(out, "}],\"usage\":");
    add_usage(a, &c, out);
    if (a->malformed != UINT32_MAX && !out->failed)
        out->n -= (out->n - from) / 3;
    else
        ADD(out, "}");
    return c.tokens;
}

static void
add_str_or_null(mst_buf_t *out, const char *z)
{
    if (z == NULL)
        ADD(out, "null");
    else
        add_str(out, mst_str_c(z));
}

void
mst_sim_render_error(const mst_sim_refusal_t *why, mst_buf_t *out)
{
    ADD(out, "{\"error\":{\"message\":");
    add_str(out, mst_str_c(why->message));
    ADD(out, ",\"type\":");
    add_str_or_null(out, why->type);
    ADD(out, ",\"param\":");
    add_str_or_null(out, why->param);
    ADD(out, ",\"code\":");
    add_str_or_null(out, why->code);
    ADD(out, "}}");
}

void
mst_sim_render_models(const mst_sim_opts_t *o, mst_buf_t *out)
{
    ADD(out, "{\"object\":\"list\",\"data\":[{\"id\":");
    add_str(out, mst_str_c(o->model ? o->model : "sim"));
    ADD(out, ",\"object\":\"model\",\"created\":" CREATED ",\"owned_by\":\"muster\"}]}");
}
