// The older completions: a prompt in, its continuation out, with the prompt's own log-probabilities on demand (echo).
#include "sim/dialect.h"
#include "sim/words.h"

#define ADD MST_SIM_ADD

enum { OFFSET_SCAN_MAX = 1 << 16 };

// One side of a "logprobs" object: four lists that grow together.
typedef struct {
    const mst_sim_answer_t *a;
    mst_buf_t tokens, numbers, tops, offsets;
    uint64_t offset;
    uint32_t count;
} lists_t;

static void
lists_init(lists_t *l, const mst_sim_answer_t *a, uint64_t offset)
{
    *l = (lists_t){.a = a, .offset = offset};
    mst_buf_init(&l->tokens, 1 << 28);
    mst_buf_init(&l->numbers, 1 << 28);
    mst_buf_init(&l->tops, 1 << 28);
    mst_buf_init(&l->offsets, 1 << 28);
}

static void
lists_deinit(lists_t *l)
{
    mst_buf_deinit(&l->tokens);
    mst_buf_deinit(&l->numbers);
    mst_buf_deinit(&l->tops);
    mst_buf_deinit(&l->offsets);
}

static void
add_token(const lists_t *l, mst_str_t token, mst_buf_t *out)
{
    if (!l->a->wish.ids_as_tokens) {
        mst_sim_json_str(out, token);
        return;
    }
    mst_sim_add_count(out, "\"token_id:", mst_sim_vocab_id(l->a->vocab, token));
    ADD(out, "\"");
}

static void
add_top(lists_t *l, mst_str_t token, mst_sim_logprob_t lp, uint64_t seed, bool prompt)
{
    mst_sim_alternative_t others[MST_SIM_TOP_MAX + 1];
    uint32_t rank, count = mst_sim_alternatives(token, lp, seed, prompt, l->a->wish.top, others, &rank);
    if (rank > count) // the token itself is always among them
        others[count++] = (mst_sim_alternative_t){token, lp};
    ADD(&l->tops, "{");
    for (uint32_t i = 0; i < count; i++) {
        if (i > 0)
            mst_buf_add_byte(&l->tops, ',');
        add_token(l, others[i].token, &l->tops);
        mst_buf_add_byte(&l->tops, ':');
        mst_sim_logprob_add(others[i].lp, &l->tops);
    }
    ADD(&l->tops, "}");
}

static uint64_t
characters(mst_str_t s)
{
    uint64_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        n += ((unsigned char)s.p[i] & 0xc0) != 0x80;
    return n;
}

// lp NULL: the first token of a prompt, of which nothing is known.
static void
lists_add(lists_t *l, mst_str_t token, const mst_sim_logprob_t *lp, uint64_t seed, bool prompt)
{
    mst_buf_t *const all[] = {&l->tokens, &l->numbers, &l->tops, &l->offsets};
    for (int i = 0; i < 4 && l->count > 0; i++)
        mst_buf_add_byte(all[i], ',');
    l->count++;
    add_token(l, token, &l->tokens);
    mst_sim_json_u64(&l->offsets, l->offset);
    l->offset += characters(token);
    if (lp == NULL) {
        ADD(&l->numbers, "null");
        ADD(&l->tops, "null");
        return;
    }
    mst_sim_logprob_add(*lp, &l->numbers);
    add_top(l, token, *lp, seed, prompt);
}

static void
add_prompt(lists_t *l, const mst_sim_prompt_t *p)
{
    uint64_t chain = mst_sim_chain_begin(l->a->opts);
    size_t at = 0;
    for (uint32_t i = 0; p->lens != NULL && i < p->tokens; at += p->lens[i], i++) {
        mst_str_t token = mst_str(p->text.p + at, p->lens[i]);
        chain = mst_sim_chain_add(chain, token);
        mst_sim_logprob_t lp = mst_sim_prompt_logprob(l->a->opts, chain);
        lists_add(l, token, i > 0 ? &lp : NULL, chain, true);
    }
}

static void
add_text(lists_t *l, const mst_sim_choice_t *c, mst_str_t text, uint32_t first)
{
    for (uint32_t i = first; text.n > 0; i++) {
        mst_str_t token = mst_sim_token(text);
        mst_sim_logprob_t lp = mst_sim_choice_logprob(l->a, c, i);
        lists_add(l, token, &lp, c->seed, false);
        text = mst_str(text.p + token.n, text.n - token.n);
    }
}

// llama.cpp has the shape of the chat here too.
static void
add_chat_shape(const mst_sim_answer_t *a, const mst_sim_choice_t *c, mst_str_t text, uint32_t first, mst_buf_t *out)
{
    ADD(out, "{\"content\":[");
    for (uint32_t i = first; text.n > 0; i++) {
        mst_str_t token = mst_sim_token(text);
        text = mst_str(text.p + token.n, text.n - token.n);
        if (i > first)
            mst_buf_add_byte(out, ',');
        mst_sim_logprob_render(token, mst_sim_choice_logprob(a, c, i), c->seed, a->wish.top, out);
    }
    ADD(out, "]}");
}

// with_prompt: the echo goes with this piece.
static void
add_logprobs(const mst_sim_answer_t *a, const mst_sim_choice_t *c, mst_str_t text, uint32_t first, bool with_prompt,
             uint64_t offset, mst_buf_t *out)
{
    if (!a->wish.logprobs) {
        ADD(out, "null");
        return;
    }
    if (a->dialect == MST_SIM_LLAMACPP) {
        add_chat_shape(a, c, text, first, out);
        return;
    }
    lists_t l;
    lists_init(&l, a, offset);
    if (with_prompt)
        add_prompt(&l, &c->prompt);
    add_text(&l, c, text, first);
    ADD(out, "{\"tokens\":[");
    mst_buf_add_str(out, mst_buf_view(&l.tokens));
    ADD(out, "],\"token_logprobs\":[");
    mst_buf_add_str(out, mst_buf_view(&l.numbers));
    ADD(out, "],\"top_logprobs\":[");
    mst_buf_add_str(out, mst_buf_view(&l.tops));
    ADD(out, "],\"text_offset\":[");
    mst_buf_add_str(out, mst_buf_view(&l.offsets));
    ADD(out, "]}");
    lists_deinit(&l);
}

static void
add_head(const mst_sim_answer_t *a, mst_buf_t *out)
{
    ADD(out, "{\"id\":\"");
    if (a->dialect != MST_SIM_TGI)
        mst_sim_add_id(out, "cmpl-", a->id);
    ADD(out, "\",\"object\":\"text_completion\",\"created\":" MST_SIM_CREATED ",\"model\":");
    mst_sim_json_str(out, a->model);
    ADD(out, ",\"choices\":[");
}

static void
add_prefix(const mst_sim_answer_t *a, mst_buf_t *out)
{
    ADD(out, "data: ");
    add_head(a, out);
}

// "text" of a piece, the echoed prompt in front of the first one.
static void
add_piece(const mst_sim_choice_t *c, mst_str_t text, bool with_prompt, mst_buf_t *out)
{
    ADD(out, "\"text\":");
    if (!with_prompt) {
        mst_sim_json_str(out, text);
        return;
    }
    mst_buf_t joined;
    mst_buf_init(&joined, c->prompt.text.n + text.n + 1);
    mst_buf_add_str(&joined, c->prompt.text);
    mst_buf_add_str(&joined, text);
    mst_sim_json_str(out, mst_buf_view(&joined));
    mst_buf_deinit(&joined);
}

static void
add_finish(const mst_sim_answer_t *a, const mst_sim_choice_t *c, mst_buf_t *out)
{
    ADD(out, ",\"finish_reason\":");
    mst_sim_add_finish(out, c);
    if (a->dialect != MST_SIM_VLLM)
        return;
    ADD(out, ",\"stop_reason\":");
    if (c->stop.n > 0)
        mst_sim_json_str(out, c->stop);
    else
        ADD(out, "null");
}

static uint64_t
offset_of(const mst_sim_answer_t *a, const mst_sim_step_t *s)
{
    uint64_t before = a->wish.echo && s->first > 0 ? characters(s->choice->prompt.text) : 0;
    mst_str_t sent = s->part == NULL ? MST_STR_NULL : mst_str(s->part->text.p, (size_t)(s->text.p - s->part->text.p));
    return before + (sent.n > OFFSET_SCAN_MAX ? sent.n : characters(sent)); // far on, as if every byte were a character
}

static void
add_choice_event(const mst_sim_answer_t *a, const mst_sim_step_t *s, mst_buf_t *out)
{
    bool finish = s->kind == MST_SIM_EV_FINISH,
         with_prompt = a->wish.echo && (finish ? s->choice->tokens : s->first) == 0;
    mst_sim_add_count(out, "{\"index\":", s->index);
    ADD(out, ",");
    add_piece(s->choice, s->text, with_prompt, out);
    ADD(out, ",\"logprobs\":");
    if (finish && !with_prompt)
        ADD(out, "null");
    else
        add_logprobs(a, s->choice, s->text, s->first, with_prompt, a->wish.logprobs ? offset_of(a, s) : 0, out);
    if (finish)
        add_finish(a, s->choice, out);
    else if (a->dialect == MST_SIM_TGI)
        ADD(out, ",\"finish_reason\":\"\"");
    else
        ADD(out, ",\"finish_reason\":null");
    if (a->wish.token_ids) {
        ADD(out, ",\"token_ids\":");
        mst_sim_add_ids(a->vocab, s->text, out);
    }
    if (a->wish.token_ids && s->first == 0 && !finish) {
        ADD(out, ",\"prompt_token_ids\":");
        mst_sim_add_prompt_ids(a->vocab, &s->choice->prompt, out);
    }
    ADD(out, "}]");
}

static void
add_event(const mst_sim_answer_t *a, const mst_sim_cursor_t *c, const mst_sim_step_t *s, mst_buf_t *out)
{
    if (s->kind == MST_SIM_EV_DONE) {
        ADD(out, "data: [DONE]\n\n");
        return;
    }
    mst_buf_add_str(out, a->prefix);
    if (s->kind == MST_SIM_EV_USAGE)
        ADD(out, "]");
    else
        add_choice_event(a, s, out);
    if (s->kind == MST_SIM_EV_USAGE || a->wish.usage_each) {
        ADD(out, ",\"usage\":");
        mst_sim_add_usage(a, c->tokens, 0, out);
    } else if (a->wish.include_usage && a->dialect == MST_SIM_OPENAI) {
        ADD(out, ",\"usage\":null");
    }
    ADD(out, "}\n\n");
}

static void
add_whole(const mst_sim_answer_t *a, mst_buf_t *out)
{
    add_head(a, out);
    for (uint32_t i = 0; i < a->choice_count; i++) {
        const mst_sim_choice_t *c = &a->choices[i];
        mst_str_t text = c->part_count > 0 ? c->parts[0].text : MST_STR_NULL;
        mst_sim_add_count(out, i > 0 ? ",{\"index\":" : "{\"index\":", i);
        ADD(out, ",");
        add_piece(c, text, a->wish.echo, out);
        ADD(out, ",\"logprobs\":");
        add_logprobs(a, c, text, 0, a->wish.echo, 0, out);
        add_finish(a, c, out);
        if (a->wish.prompt_top >= 0) {
            ADD(out, ",\"prompt_logprobs\":");
            mst_sim_add_prompt_logprobs(a, &c->prompt, out);
        }
        if (a->wish.token_ids) {
            ADD(out, ",\"token_ids\":");
            mst_sim_add_ids(a->vocab, text, out);
            ADD(out, ",\"prompt_token_ids\":");
            mst_sim_add_prompt_ids(a->vocab, &c->prompt, out);
        }
        ADD(out, "}");
    }
    ADD(out, "]");
    if (a->opts->usage != MST_SIM_USAGE_ABSENT) {
        ADD(out, ",\"usage\":");
        mst_sim_add_usage(a, a->tokens, 0, out);
    }
    ADD(out, "}");
}

static void
add_error(const mst_sim_refusal_t *why, mst_buf_t *out)
{
    mst_sim_add_error_event(MST_SIM_VLLM, why, out);
}

static const mst_sim_format_t completions = {
    MST_SIM_SSE,      MST_SIM_HAS_FINISH | MST_SIM_HAS_USAGE | MST_SIM_HAS_DONE,
    MST_SIM_SSE_PING, add_prefix,
    add_event,        add_whole,
    add_error,        mst_sim_add_rate_headers};

static bool
read_any(mst_sim_reader_t *in, mst_sim_request_t *q)
{
    const mst_json_t *logprobs = mst_json_get(in->root, "logprobs");
    int64_t top = 0;
    bool flag = false;
    if (mst_json_bool(logprobs, &flag))
        q->wish.logprobs = flag; // llama.cpp takes both
    else if (!mst_sim_read_int(in, in->root, "logprobs", 0, MST_SIM_TOP_MAX, &top))
        return false;
    else
        q->wish.logprobs = logprobs != NULL && !mst_json_is(logprobs, MST_JSON_NULL);
    q->plain = true;
    q->wish.top = (uint32_t)top;
    if (!mst_sim_read_common(in, q) || !mst_sim_read_stream(in, q) ||
        !mst_sim_read_bool(in, in->root, "echo", &q->wish.echo) ||
        !mst_sim_read_prompts(in, mst_json_get(in->root, "prompt"), "prompt", q))
        return false;
    if ((uint64_t)q->prompt_count * q->wish.n > MST_SIM_CHOICES_MAX)
        return mst_sim_bad(in, "n", "makes more than 1024 answers of these prompts");
    if (!q->tokens_max_given) {
        q->tokens_max = 16;
        q->tokens_max_given = true;
    }
    bool measured = !(q->wish.echo || q->wish.logprobs) || mst_sim_measure_prompts(in, q);
    return measured && mst_sim_read_extras(in, q);
}

// SGLang will not answer with nothing.
static bool
read_sglang(mst_sim_reader_t *in, mst_sim_request_t *q)
{
    int64_t tokens = 1;
    return mst_sim_read_int(in, in->root, "max_tokens", 1, INT64_MAX, &tokens) && read_any(in, q);
}

static bool
read_llamacpp(mst_sim_reader_t *in, mst_sim_request_t *q)
{
    bool echo = false;
    if (!mst_sim_read_bool(in, in->root, "echo", &echo))
        return false;
    if (echo)
        return mst_sim_bad(in, "echo", "is not supported: Only no echo is supported");
    return read_any(in, q);
}

#define ROW(bit, home, read)                                                                                           \
    {                                                                                                                  \
        "POST", "/v1/completions", bit, home, NULL, false, true, true, read, &completions, NULL, NULL                  \
    }

const mst_sim_route_t mst_sim_routes_completions[] = {
    ROW(MST_SIM_BIT(MST_SIM_OPENAI), MST_SIM_OPENAI, read_any),
    ROW(MST_SIM_BIT(MST_SIM_VLLM), MST_SIM_VLLM, read_any),
    ROW(MST_SIM_BIT(MST_SIM_SGLANG), MST_SIM_SGLANG, read_sglang),
    ROW(MST_SIM_BIT(MST_SIM_TGI), MST_SIM_TGI, read_any),
    ROW(MST_SIM_BIT(MST_SIM_LLAMACPP), MST_SIM_LLAMACPP, read_llamacpp),
    ROW(MST_SIM_BIT(MST_SIM_OLLAMA), MST_SIM_OLLAMA, read_any),
    {NULL},
};
