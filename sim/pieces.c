// Pieces of answers that several dialects share. Numbers are written digit by digit: printf would be the dearest part
// of an event.
#include "sim/dialect.h"

#include "sim/logprobs.h"
#include "sim/words.h"

void
mst_sim_add_id(mst_buf_t *out, const char *prefix, uint64_t id)
{
    char digits[16];
    for (unsigned i = 0; i < 16; i++)
        digits[i] = "0123456789abcdef"[id >> (60 - 4 * i) & 15];
    mst_buf_add_c(out, prefix);
    mst_buf_add(out, digits, sizeof digits);
}

void
mst_sim_add_count(mst_buf_t *out, const char *before, uint64_t v)
{
    mst_buf_add_c(out, before);
    mst_sim_json_u64(out, v);
}

void
mst_sim_add_micro(mst_buf_t *out, int64_t micro)
{
    mst_sim_logprob_add((mst_sim_logprob_t){MST_SIM_LP_NUMBER, micro}, out);
}

void
mst_sim_add_ids(mst_sim_vocab_t *v, mst_str_t text, mst_buf_t *out)
{
    const char *before = "[";
    if (text.n == 0)
        mst_buf_add_byte(out, '[');
    for (mst_str_t token; text.n > 0; text = mst_str(text.p + token.n, text.n - token.n), before = ",") {
        token = mst_sim_token(text);
        mst_sim_add_count(out, before, mst_sim_vocab_id(v, token));
    }
    mst_buf_add_byte(out, ']');
}

void
mst_sim_add_prompt_ids(mst_sim_vocab_t *v, const mst_sim_prompt_t *p, mst_buf_t *out)
{
    size_t at = 0;
    mst_buf_add_byte(out, '[');
    for (uint32_t i = 0; p->lens != NULL && i < p->tokens; at += p->lens[i], i++)
        mst_sim_add_count(out, i > 0 ? "," : "", mst_sim_vocab_id(v, mst_str(p->text.p + at, p->lens[i])));
    mst_buf_add_byte(out, ']');
}

const char *
mst_sim_finish_word(const mst_sim_choice_t *c)
{
    static const char *const words[] = {"stop", "length", "tool_calls", "stop", "stop"};
    return words[c->finish];
}

void
mst_sim_add_finish(mst_buf_t *out, const mst_sim_choice_t *c)
{
    mst_sim_json_str(out, c->finish == MST_SIM_FINISH_GIVEN ? c->finish_given : mst_str_c(mst_sim_finish_word(c)));
}

bool
mst_sim_has_part(const mst_sim_choice_t *c, mst_sim_event_kind_t kind)
{
    for (uint32_t i = 0; i < c->part_count; i++)
        if (c->parts[i].kind == kind)
            return true;
    return false;
}

void
mst_sim_add_parts(mst_buf_t *out, const mst_sim_choice_t *c, mst_sim_event_kind_t kind, bool null)
{
    mst_str_t text = MST_STR_NULL;
    if (null && !mst_sim_has_part(c, kind)) {
        MST_SIM_ADD(out, "null");
        return;
    }
    for (uint32_t i = 0; i < c->part_count; i++) // of all kinds but TOOL there is one at most
        text = c->parts[i].kind == kind ? c->parts[i].text : text;
    mst_sim_json_str(out, text);
}

mst_sim_logprob_t
mst_sim_choice_logprob(const mst_sim_answer_t *a, const mst_sim_choice_t *c, uint32_t token)
{
    bool given = token >= c->reasoning_tokens && token - c->reasoning_tokens < c->logprob_count;
    return given ? mst_sim_logprob_given(c->logprobs[token - c->reasoning_tokens])
                 : mst_sim_logprob_draw(a->opts, c->seed, token);
}

void
mst_sim_add_usage(const mst_sim_answer_t *a, uint32_t tokens, uint32_t reasoning_tokens, mst_buf_t *out)
{
    bool zero = a->opts->usage == MST_SIM_USAGE_ZERO;
    uint64_t prompt = zero ? 0 : a->prompt_tokens, completion = zero ? 0 : tokens;
    mst_sim_add_count(out, "{\"prompt_tokens\":", prompt);
    mst_sim_add_count(out, ",\"completion_tokens\":", completion);
    mst_sim_add_count(out, ",\"total_tokens\":", prompt + completion);
    mst_sim_add_count(out, ",\"completion_tokens_details\":{\"reasoning_tokens\":", zero ? 0 : reasoning_tokens);
    MST_SIM_ADD(out, "}}");
}

static void
add_prompt_logprob(const mst_sim_answer_t *a, mst_str_t token, mst_sim_logprob_t lp, uint64_t rank, mst_buf_t *out)
{
    mst_sim_add_count(out, "\"", mst_sim_vocab_id(a->vocab, token));
    MST_SIM_ADD(out, "\":{\"logprob\":");
    mst_sim_logprob_add(lp, out);
    mst_sim_add_count(out, ",\"rank\":", rank);
    MST_SIM_ADD(out, ",\"decoded_token\":");
    mst_sim_json_str(out, token);
    MST_SIM_ADD(out, "}");
}

void
mst_sim_add_prompt_logprobs(const mst_sim_answer_t *a, const mst_sim_prompt_t *p, mst_buf_t *out)
{
    uint64_t chain = mst_sim_chain_begin(a->opts);
    size_t at = 0;
    mst_buf_add_byte(out, '[');
    for (uint32_t i = 0; p->lens != NULL && i < p->tokens; at += p->lens[i], i++) {
        mst_str_t token = mst_str(p->text.p + at, p->lens[i]);
        chain = mst_sim_chain_add(chain, token);
        if (i == 0) {
            MST_SIM_ADD(out, "null");
            continue;
        }
        mst_sim_alternative_t others[MST_SIM_TOP_MAX];
        mst_sim_logprob_t lp = mst_sim_prompt_logprob(a->opts, chain);
        uint32_t rank,
            count = mst_sim_alternatives(token, lp, chain, true, (uint32_t)a->wish.prompt_top, others, &rank);
        MST_SIM_ADD(out, ",{");
        add_prompt_logprob(a, token, lp, rank, out); // always there, then the others
        for (uint32_t k = 0; k < count; k++) {
            if (k + 1 == rank)
                continue;
            mst_buf_add_byte(out, ',');
            add_prompt_logprob(a, others[k].token, others[k].lp, k + 1, out);
        }
        mst_buf_add_byte(out, '}');
    }
    mst_buf_add_byte(out, ']');
}

// before, then milliseconds with six digits
static void
add_ms(mst_buf_t *out, const char *before, int64_t ns)
{
    mst_buf_add_c(out, before);
    mst_sim_add_micro(out, ns);
}

void
mst_sim_add_timings(const mst_sim_answer_t *a, uint32_t tokens, mst_buf_t *out)
{
    // planned times, so that the bytes are the same every time; at least a microsecond, as rates divide by them
    int64_t decode_ns = a->took_ns > a->ttft_ns ? a->took_ns - a->ttft_ns : 0, micro = 1000000;
    int64_t prompt_ns = a->ttft_ns < 1000 ? 1000 : a->ttft_ns, n = tokens > 0 ? tokens : 1, p = a->prompt_tokens;
    decode_ns = decode_ns < 1000 ? 1000 : decode_ns;
    mst_sim_add_count(out, "{\"cache_n\":0,\"prompt_n\":", a->prompt_tokens);
    add_ms(out, ",\"prompt_ms\":", prompt_ns);
    add_ms(out, ",\"prompt_per_token_ms\":", p > 0 ? prompt_ns / p : 0);
    add_ms(out, ",\"prompt_per_second\":", (int64_t)((double)p * 1e9 / (double)prompt_ns * (double)micro));
    mst_sim_add_count(out, ",\"predicted_n\":", tokens);
    add_ms(out, ",\"predicted_ms\":", decode_ns);
    add_ms(out, ",\"predicted_per_token_ms\":", decode_ns / n);
    add_ms(out, ",\"predicted_per_second\":", (int64_t)((double)tokens * 1e9 / (double)decode_ns * (double)micro));
    MST_SIM_ADD(out, "}");
}

void
mst_sim_add_error_event(mst_sim_dialect_t d, const mst_sim_refusal_t *why, mst_buf_t *out)
{
    bool nested = d == MST_SIM_SGLANG; // flat as a body, wrapped in a stream
    MST_SIM_ADD(out, "data: ");
    if (nested)
        MST_SIM_ADD(out, "{\"error\":");
    mst_sim_render_error(d, why, out);
    if (nested)
        MST_SIM_ADD(out, "}");
    MST_SIM_ADD(out, "\n\n");
    if (d == MST_SIM_VLLM || d == MST_SIM_SGLANG || d == MST_SIM_ANY || d == MST_SIM_OPENAI)
        MST_SIM_ADD(out, "data: [DONE]\n\n");
}

void
mst_sim_add_rate_headers(const mst_sim_answer_t *a, mst_buf_t *out)
{
    mst_sim_add_count(out, "openai-processing-ms: ", (uint64_t)(a->ttft_ns / 1000000));
    MST_SIM_ADD(out, "\r\nopenai-version: 2020-10-01\r\nx-ratelimit-limit-requests: 10000\r\n"
                     "x-ratelimit-remaining-requests: 9999\r\nx-ratelimit-reset-requests: 6ms\r\n");
}
