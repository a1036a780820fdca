// tgi: the native /generate and /generate_stream, one event a token; and what TEI, its sister for vectors, shares.
#include "sim/dialect.h"
#include "sim/words.h"

#define ADD MST_SIM_ADD

static void
add_token(const mst_sim_answer_t *a, mst_str_t token, const mst_sim_logprob_t *lp, bool with_special, mst_buf_t *out)
{
    mst_sim_add_count(out, "{\"id\":", mst_sim_vocab_id(a->vocab, token));
    ADD(out, ",\"text\":");
    mst_sim_json_str(out, token);
    ADD(out, ",\"logprob\":");
    if (lp == NULL)
        ADD(out, "null");
    else
        mst_sim_logprob_add(*lp, out);
    mst_buf_add_c(out, with_special ? ",\"special\":false}" : "}");
}

static void
add_top(const mst_sim_answer_t *a, const mst_sim_choice_t *c, mst_str_t token, mst_sim_logprob_t lp, mst_buf_t *out)
{
    mst_sim_alternative_t others[MST_SIM_TOP_MAX];
    uint32_t rank, count = mst_sim_alternatives(token, lp, c->seed, false, a->wish.top, others, &rank);
    ADD(out, "[");
    for (uint32_t i = 0; i < count; i++) {
        if (i > 0)
            mst_buf_add_byte(out, ',');
        add_token(a, others[i].token, &others[i].lp, true, out);
    }
    ADD(out, "]");
}

// The end of the sequence is a token of its own here; a length or a stop text is not.
static bool
has_eos(const mst_sim_choice_t *c)
{
    return c->tokens == 0 || (c->finish != MST_SIM_FINISH_LENGTH && c->stop.n == 0);
}

static const char *
finish_word(const mst_sim_choice_t *c)
{
    return c->finish == MST_SIM_FINISH_LENGTH ? "length" : c->stop.n > 0 ? "stop_sequence" : "eos_token";
}

static mst_str_t
text_of(const mst_sim_choice_t *c)
{
    return c->part_count > 0 ? c->parts[0].text : MST_STR_NULL;
}

static void
add_finish(const mst_sim_answer_t *a, const mst_sim_choice_t *c, mst_buf_t *out)
{
    bool counts = a->opts->usage == MST_SIM_USAGE_EXACT;
    ADD(out, "{\"finish_reason\":\"");
    mst_buf_add_c(out, finish_word(c));
    ADD(out, "\"");
    if (a->opts->usage == MST_SIM_USAGE_ABSENT)
        return;
    mst_sim_add_count(out, ",\"generated_tokens\":", counts ? c->tokens + has_eos(c) : 0);
    mst_sim_add_count(out, ",\"input_length\":", counts ? c->prompt.tokens : 0);
    ADD(out, ",\"seed\":null");
}

static void
add_last(const mst_sim_answer_t *a, const mst_sim_choice_t *c, mst_buf_t *out)
{
    ADD(out, ",\"generated_text\":");
    mst_sim_json_str(out, text_of(c));
    ADD(out, ",\"details\":");
    add_finish(a, c, out);
    ADD(out, "}}\n\n");
}

static void
add_event(const mst_sim_answer_t *a, const mst_sim_cursor_t *cursor, const mst_sim_step_t *s, mst_buf_t *out)
{
    const mst_sim_choice_t *c = s->choice;
    mst_str_t text = s->text;
    (void)cursor;
    for (uint32_t i = s->first; text.n > 0; i++) {
        mst_str_t token = mst_sim_token(text);
        mst_sim_logprob_t lp = mst_sim_choice_logprob(a, c, i);
        text = mst_str(text.p + token.n, text.n - token.n);
        mst_sim_add_count(out, "data:{\"index\":", i + 1);
        ADD(out, ",\"token\":");
        add_token(a, token, &lp, true, out);
        if (a->wish.top > 0) {
            ADD(out, ",\"top_tokens\":");
            add_top(a, c, token, lp, out);
        }
        if (text.n == 0 && s->last && !has_eos(c))
            add_last(a, c, out);
        else
            ADD(out, ",\"generated_text\":null,\"details\":null}\n\n");
    }
    if (s->kind != MST_SIM_EV_FINISH || !has_eos(c))
        return;
    mst_sim_add_count(out, "data:{\"index\":", c->tokens + 1);
    ADD(out, ",\"token\":{\"id\":2,\"text\":\"</s>\",\"logprob\":-0.010000,\"special\":true}");
    add_last(a, c, out);
}

static void
add_prefill(const mst_sim_answer_t *a, const mst_sim_prompt_t *p, mst_buf_t *out)
{
    uint64_t chain = mst_sim_chain_begin(a->opts);
    size_t at = 0;
    for (uint32_t i = 0; p->lens != NULL && i < p->tokens; at += p->lens[i], i++) {
        mst_str_t token = mst_str(p->text.p + at, p->lens[i]);
        chain = mst_sim_chain_add(chain, token);
        mst_sim_logprob_t lp = mst_sim_prompt_logprob(a->opts, chain);
        if (i > 0)
            mst_buf_add_byte(out, ',');
        add_token(a, token, i > 0 ? &lp : NULL, false, out);
    }
}

static void
add_tokens(const mst_sim_answer_t *a, const mst_sim_choice_t *c, bool top, mst_buf_t *out)
{
    mst_str_t text = text_of(c);
    for (uint32_t i = 0; text.n > 0; i++) {
        mst_str_t token = mst_sim_token(text);
        mst_sim_logprob_t lp = mst_sim_choice_logprob(a, c, i);
        text = mst_str(text.p + token.n, text.n - token.n);
        if (i > 0)
            mst_buf_add_byte(out, ',');
        if (top)
            add_top(a, c, token, lp, out);
        else
            add_token(a, token, &lp, true, out);
    }
}

static void
add_whole(const mst_sim_answer_t *a, mst_buf_t *out)
{
    const mst_sim_choice_t *c = &a->choices[0];
    ADD(out, "{\"generated_text\":");
    mst_sim_json_str(out, text_of(c));
    if (a->wish.details) {
        ADD(out, ",\"details\":");
        add_finish(a, c, out);
        ADD(out, ",\"prefill\":[");
        if (a->wish.prompt_top >= 0)
            add_prefill(a, &c->prompt, out);
        ADD(out, "],\"tokens\":[");
        add_tokens(a, c, false, out);
        if (has_eos(c)) {
            mst_buf_add_c(out, c->tokens > 0 ? "," : "");
            ADD(out, "{\"id\":2,\"text\":\"</s>\",\"logprob\":-0.010000,\"special\":true}");
        }
        ADD(out, "]");
        if (a->wish.top > 0) {
            ADD(out, ",\"top_tokens\":[");
            add_tokens(a, c, true, out);
            ADD(out, "]");
        }
        ADD(out, "}");
    }
    ADD(out, "}");
}

static void
add_error(const mst_sim_refusal_t *why, mst_buf_t *out)
{
    ADD(out, "data:");
    mst_sim_render_error(MST_SIM_TGI, why, out);
    ADD(out, "\n\n");
}

static void
add_headers(const mst_sim_answer_t *a, mst_buf_t *out)
{
    uint64_t total_ms = (uint64_t)(a->took_ns / 1000000), tokens = a->tokens > 0 ? a->tokens : 1;
    ADD(out, "x-compute-type: sim");
    if (a->wish.stream) {
        ADD(out, "\r\nX-Accel-Buffering: no\r\n");
        return;
    }
    mst_sim_add_count(out, "\r\nx-total-time: ", total_ms);
    mst_sim_add_count(out, "\r\nx-validation-time: 0\r\nx-queue-time: 0\r\nx-inference-time: ", total_ms);
    mst_sim_add_count(out, "\r\nx-time-per-token: ", total_ms / tokens);
    mst_sim_add_count(out, "\r\nx-prompt-tokens: ", a->prompt_tokens);
    mst_sim_add_count(out, "\r\nx-generated-tokens: ", a->tokens);
    ADD(out, "\r\n");
}

static const mst_sim_format_t generate = {MST_SIM_SSE, MST_SIM_HAS_FINISH, ":\n\n",   NULL,
                                          add_event,   add_whole,          add_error, add_headers};

static bool
read_generate(mst_sim_reader_t *in, mst_sim_request_t *q)
{
    const mst_json_t *p = mst_json_get(in->root, "parameters");
    int64_t tokens = 100, seed = 0, top = 0;
    bool prefill = false;
    mst_str_t text;
    if (!mst_json_str(mst_json_get(in->root, "inputs"), &text))
        return mst_sim_bad(in, "inputs", "must be a text");
    q->plain = true;
    if (!mst_sim_read_one_prompt(in, text, q) || !mst_sim_read_int(in, p, "max_new_tokens", 1, INT32_MAX, &tokens) ||
        !mst_sim_read_int(in, p, "seed", 0, INT64_MAX, &seed) ||
        !mst_sim_read_int(in, p, "top_n_tokens", 0, MST_SIM_TOP_MAX, &top) ||
        !mst_sim_read_bool(in, p, "details", &q->wish.details) ||
        !mst_sim_read_bool(in, p, "decoder_input_details", &prefill) || !mst_sim_read_stops(in, p, "stop", q))
        return false;
    q->tokens_max = (uint64_t)tokens;
    q->tokens_max_given = true;
    q->seed = (uint64_t)seed;
    q->wish.top = (uint32_t)top;
    q->wish.logprobs = true;
    q->wish.prompt_top = prefill ? 0 : -1;
    return !prefill || mst_sim_measure_prompts(in, q);
}

static bool
read_stream(mst_sim_reader_t *in, mst_sim_request_t *q)
{
    q->wish.stream = true;
    if (!read_generate(in, q))
        return false;
    return q->wish.prompt_top < 0 || mst_sim_bad(in, "decoder_input_details", "does not go with a stream");
}

static bool
read_root(mst_sim_reader_t *in, mst_sim_request_t *q)
{
    bool stream = false;
    return mst_sim_read_bool(in, in->root, "stream", &stream) && (stream ? read_stream(in, q) : read_generate(in, q));
}

static void
add_info(const mst_sim_facts_t *f, const mst_sim_request_t *q, mst_buf_t *out)
{
    uint64_t length = f->opts->context_length > 0 ? f->opts->context_length : 131072;
    (void)q;
    ADD(out, "{\"model_id\":");
    mst_sim_json_str(out, mst_str_c(f->opts->model != NULL ? f->opts->model : "sim"));
    mst_sim_add_count(out, ",\"max_concurrent_requests\":128,\"max_input_tokens\":", length - 1);
    mst_sim_add_count(out, ",\"max_total_tokens\":", length);
    ADD(out, ",\"model_dtype\":\"float32\",\"router\":\"sim\",\"version\":\"" MUSTER_VERSION "+sim\"}");
}

#define TGI MST_SIM_BIT(MST_SIM_TGI), MST_SIM_TGI

const mst_sim_route_t mst_sim_routes_tgi[] = {
    {"POST", "/generate", TGI, .key = "inputs", .timed = true, .read = read_generate, .format = &generate},
    {"POST", "/generate_stream", TGI, .timed = true, .read = read_stream, .format = &generate},
    {"POST", "/", TGI, .timed = true, .read = read_root, .format = &generate},
    {"GET", "/info", MST_SIM_BIT(MST_SIM_TGI) | MST_SIM_BIT(MST_SIM_TEI), MST_SIM_TGI, .body = add_info},
    {NULL},
};
