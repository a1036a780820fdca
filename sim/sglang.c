// sglang: the native /generate, where log-probabilities are tuples of number, token id and text. The text of a stream
// is the whole text so far in each event.
#include "sim/dialect.h"
#include "sim/words.h"

#define ADD MST_SIM_ADD

// One tuple; lp NULL: the first token of a prompt.
static void
add_tuple(const mst_sim_answer_t *a, mst_str_t token, const mst_sim_logprob_t *lp, mst_buf_t *out)
{
    ADD(out, "[");
    if (lp == NULL)
        ADD(out, "null");
    else
        mst_sim_logprob_add(*lp, out);
    mst_sim_add_count(out, ",", mst_sim_vocab_id(a->vocab, token));
    ADD(out, ",");
    if (a->wish.details)
        mst_sim_json_str(out, token);
    else
        ADD(out, "null");
    ADD(out, "]");
}

static void
add_top(const mst_sim_answer_t *a, mst_str_t token, mst_sim_logprob_t lp, uint64_t seed, bool prompt, mst_buf_t *out)
{
    mst_sim_alternative_t others[MST_SIM_TOP_MAX];
    uint32_t rank, count = mst_sim_alternatives(token, lp, seed, prompt, a->wish.top, others, &rank);
    ADD(out, "[");
    for (uint32_t i = 0; i < count; i++) {
        if (i > 0)
            mst_buf_add_byte(out, ',');
        add_tuple(a, others[i].token, &others[i].lp, out);
    }
    ADD(out, "]");
}

// "input_token_logprobs", or the alternatives of the same tokens.
static void
add_input(const mst_sim_answer_t *a, const mst_sim_prompt_t *p, bool top, mst_buf_t *out)
{
    uint64_t chain = mst_sim_chain_begin(a->opts);
    const char *before = "";
    size_t at = 0;
    for (uint32_t i = 0; p->lens != NULL && i < p->tokens; at += p->lens[i], i++) {
        mst_str_t token = mst_str(p->text.p + at, p->lens[i]);
        chain = mst_sim_chain_add(chain, token);
        if (i < a->wish.prompt_from)
            continue;
        bool first = i == a->wish.prompt_from; // of the list: nothing is said about it
        mst_sim_logprob_t lp = mst_sim_prompt_logprob(a->opts, chain);
        mst_buf_add_c(out, before);
        before = ",";
        if (top && first)
            ADD(out, "null");
        else if (top)
            add_top(a, token, lp, chain, true, out);
        else
            add_tuple(a, token, first ? NULL : &lp, out);
    }
}

static void
add_output(const mst_sim_answer_t *a, const mst_sim_choice_t *c, mst_str_t text, bool top, mst_buf_t *out)
{
    for (uint32_t i = 0; text.n > 0; i++) {
        mst_str_t token = mst_sim_token(text);
        mst_sim_logprob_t lp = mst_sim_choice_logprob(a, c, i);
        text = mst_str(text.p + token.n, text.n - token.n);
        if (i > 0)
            mst_buf_add_byte(out, ',');
        if (top)
            add_top(a, token, lp, c->seed, false, out);
        else
            add_tuple(a, token, &lp, out);
    }
}

static void
add_finish(const mst_sim_choice_t *c, mst_buf_t *out)
{
    if (c->finish == MST_SIM_FINISH_LENGTH) {
        mst_sim_add_count(out, "{\"type\":\"length\",\"length\":", c->tokens);
        ADD(out, "}");
        return;
    }
    ADD(out, "{\"type\":");
    mst_sim_add_finish(out, c);
    ADD(out, ",\"matched\":");
    if (c->stop.n > 0)
        mst_sim_json_str(out, c->stop);
    else
        ADD(out, "2"); // the end of the sequence
    ADD(out, "}");
}

// One result: all of the text so far.
static void
add_result(const mst_sim_answer_t *a, uint32_t index, mst_str_t text, uint32_t tokens, bool last, mst_buf_t *out)
{
    const mst_sim_choice_t *c = &a->choices[index];
    bool counts = a->opts->usage == MST_SIM_USAGE_EXACT;
    ADD(out, "{\"text\":");
    mst_sim_json_str(out, text);
    ADD(out, ",\"output_ids\":");
    mst_sim_add_ids(a->vocab, text, out);
    ADD(out, ",\"meta_info\":{\"id\":\"");
    mst_sim_add_id(out, "", a->id + index);
    ADD(out, "\",\"finish_reason\":");
    if (last)
        add_finish(c, out);
    else
        ADD(out, "null");
    if (a->opts->usage != MST_SIM_USAGE_ABSENT) {
        mst_sim_add_count(out, ",\"prompt_tokens\":", counts ? c->prompt.tokens : 0);
        mst_sim_add_count(out, ",\"completion_tokens\":", counts ? tokens : 0);
    }
    ADD(out, ",\"cached_tokens\":0,\"weight_version\":\"default\"");
    if (a->wish.logprobs) {
        ADD(out, ",\"input_token_logprobs\":[");
        add_input(a, &c->prompt, false, out);
        ADD(out, "],\"output_token_logprobs\":[");
        add_output(a, c, text, false, out);
        ADD(out, "]");
    }
    if (a->wish.logprobs && a->wish.top > 0) {
        ADD(out, ",\"input_top_logprobs\":[");
        add_input(a, &c->prompt, true, out);
        ADD(out, "],\"output_top_logprobs\":[");
        add_output(a, c, text, true, out);
        ADD(out, "]");
    }
    ADD(out, ",\"e2e_latency\":");
    mst_sim_add_micro(out, a->took_ns / 1000);
    ADD(out, "}");
}

static void
add_event(const mst_sim_answer_t *a, const mst_sim_cursor_t *c, const mst_sim_step_t *s, mst_buf_t *out)
{
    (void)c;
    if (s->kind == MST_SIM_EV_DONE) {
        ADD(out, "data: [DONE]\n\n");
        return;
    }
    mst_str_t text = MST_STR_NULL;
    if (s->part != NULL)
        text = mst_str(s->part->text.p, (size_t)(s->text.p - s->part->text.p) + s->text.n);
    ADD(out, "data: ");
    add_result(a, s->index, text, s->first + s->tokens, s->last || s->kind == MST_SIM_EV_FINISH, out);
    if (a->choice_count > 1)
        mst_sim_add_count(out, ",\"index\":", s->index);
    ADD(out, "}\n\n");
}

static void
add_whole(const mst_sim_answer_t *a, mst_buf_t *out)
{
    bool list = a->choice_count > 1 || a->wish.echo;
    if (list)
        ADD(out, "[");
    for (uint32_t i = 0; i < a->choice_count; i++) {
        const mst_sim_choice_t *c = &a->choices[i];
        if (i > 0)
            mst_buf_add_byte(out, ',');
        add_result(a, i, c->part_count > 0 ? c->parts[0].text : MST_STR_NULL, c->tokens, true, out);
        ADD(out, "}");
    }
    if (list)
        ADD(out, "]");
}

static void
add_error(const mst_sim_refusal_t *why, mst_buf_t *out)
{
    mst_sim_add_error_event(MST_SIM_SGLANG, why, out);
}

static const mst_sim_format_t generate = {MST_SIM_SSE, MST_SIM_HAS_DONE, MST_SIM_SSE_PING, NULL,
                                          add_event,   add_whole,        add_error,        NULL};

static bool
read_sampling(mst_sim_reader_t *in, mst_sim_request_t *q)
{
    const mst_json_t *p = mst_json_get(in->root, "sampling_params");
    int64_t n = 1, tokens = 128, seed = 0;
    mst_str_t schema = MST_STR_NULL;
    if (!mst_sim_read_int(in, p, "max_new_tokens", 0, INT64_MAX, &tokens) ||
        !mst_sim_read_int(in, p, "n", 1, 128, &n) ||
        !mst_sim_read_int(in, p, "sampling_seed", INT64_MIN, INT64_MAX, &seed) ||
        !mst_sim_read_stops(in, p, "stop", q) || !mst_sim_read_str(in, p, "json_schema", &schema))
        return false;
    q->tokens_max = (uint64_t)tokens;
    q->tokens_max_given = true;
    q->wish.n = (uint32_t)n;
    q->seed = (uint64_t)seed;
    q->json = schema.n > 0;
    return true;
}

static bool
read_generate(mst_sim_reader_t *in, mst_sim_request_t *q)
{
    const mst_json_t *text = mst_json_get(in->root, "text"), *ids = mst_json_get(in->root, "input_ids");
    int64_t top = 0, from = -1;
    bool with_ids = text == NULL || mst_json_is(text, MST_JSON_NULL);
    q->plain = true;
    if (!mst_sim_read_prompts(in, with_ids ? ids : text, with_ids ? "input_ids" : "text", q) ||
        !mst_sim_read_bool(in, in->root, "stream", &q->wish.stream) ||
        !mst_sim_read_bool(in, in->root, "return_logprob", &q->wish.logprobs) ||
        !mst_sim_read_bool(in, in->root, "return_text_in_logprobs", &q->wish.details) ||
        !mst_sim_read_int(in, in->root, "top_logprobs_num", 0, MST_SIM_TOP_MAX, &top) ||
        !mst_sim_read_int(in, in->root, "logprob_start_len", -1, INT32_MAX, &from) || !read_sampling(in, q))
        return false;
    if ((uint64_t)q->prompt_count * q->wish.n > MST_SIM_CHOICES_MAX)
        return mst_sim_bad(in, "text", "has more than 1024 answers to give");
    q->wish.top = (uint32_t)top;
    const mst_json_t *first = mst_json_at(with_ids ? ids : text, 0);
    q->wish.echo = first != NULL && !mst_json_is(first, MST_JSON_INT); // a list is answered with a list
    if (!q->wish.logprobs || from < 0) {
        q->wish.prompt_from = UINT32_MAX;
        return true;
    }
    q->wish.prompt_from = (uint32_t)from;
    q->wish.token_ids = true; // the prompt is kept
    return mst_sim_measure_prompts(in, q);
}

static bool
read_encode(mst_sim_reader_t *in, mst_sim_request_t *q)
{
    return mst_sim_read_inputs(in, mst_json_get(in->root, "text"), "text", q);
}

static void
add_encoded(const mst_sim_facts_t *f, const mst_sim_request_t *q, mst_buf_t *out)
{
    bool list = q->input_count > 1;
    if (list)
        ADD(out, "[");
    for (uint32_t i = 0; i < q->input_count; i++) {
        mst_buf_add_c(out, i > 0 ? ",{\"embedding\":" : "{\"embedding\":");
        mst_sim_add_vector(f, &q->wish, q->inputs[i], out);
        mst_sim_add_count(out, ",\"meta_info\":{\"prompt_tokens\":", mst_sim_token_count(q->inputs[i], UINT32_MAX));
        ADD(out, "}}");
    }
    if (list)
        ADD(out, "]");
}

static void
add_info(const mst_sim_facts_t *f, const mst_sim_request_t *q, mst_buf_t *out)
{
    mst_str_t model = mst_str_c(f->opts->model != NULL ? f->opts->model : "sim");
    (void)q;
    ADD(out, "{\"model_path\":");
    mst_sim_json_str(out, model);
    ADD(out, ",\"tokenizer_path\":");
    mst_sim_json_str(out, model);
    mst_sim_add_count(out, ",\"is_generation\":true,\"weight_version\":\"default\",\"max_total_num_tokens\":",
                      f->opts->context_length > 0 ? f->opts->context_length : 131072);
    ADD(out, ",\"version\":\"" MUSTER_VERSION "+sim\"}");
}

static void
add_nothing(const mst_sim_facts_t *f, const mst_sim_request_t *q, mst_buf_t *out)
{
    (void)f;
    (void)q;
    ADD(out, "");
}

#define HERE MST_SIM_BIT(MST_SIM_SGLANG), MST_SIM_SGLANG

const mst_sim_route_t mst_sim_routes_sglang[] = {
    {"POST", "/generate", HERE, .timed = true, .read = read_generate, .format = &generate},
    {"POST", "/encode", HERE, .timed = true, .read = read_encode, .body = add_encoded},
    {"GET", "/get_server_info", HERE, .body = add_info},
    {"GET", "/server_info", HERE, .body = add_info},
    {"GET", "/get_model_info", HERE, .body = add_info},
    {"GET", "/model_info", HERE, .body = add_info},
    {"GET", "/health_generate", HERE, .open = true, .body = add_nothing},
    {"POST", "/flush_cache", HERE, .body = add_nothing},
    {NULL},
};
