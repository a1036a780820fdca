// /tokenize and /detokenize: the same path at several servers, in shapes of their own.
#include "sim/dialect.h"
#include "sim/words.h"

#define ADD    MST_SIM_ADD
#define BIT(d) MST_SIM_BIT(MST_SIM_##d)

static bool
read_text(mst_sim_reader_t *in, mst_sim_request_t *q, const char *key)
{
    mst_str_t text;
    if (!mst_json_str(mst_json_get(in->root, key), &text))
        return mst_sim_bad(in, key, "must be a text");
    return mst_sim_read_one_prompt(in, text, q) && mst_sim_measure_prompts(in, q);
}

static bool
read_vllm(mst_sim_reader_t *in, mst_sim_request_t *q)
{
    if (!mst_sim_read_bool(in, in->root, "return_token_strs", &q->wish.details))
        return false;
    if (mst_json_get(in->root, "messages") != NULL)
        return mst_sim_read_messages(in, q) && mst_sim_measure_prompts(in, q);
    return read_text(in, q, "prompt");
}

static bool
read_llamacpp(mst_sim_reader_t *in, mst_sim_request_t *q)
{
    return mst_sim_read_bool(in, in->root, "with_pieces", &q->wish.details) && read_text(in, q, "content");
}

static bool
read_tgi(mst_sim_reader_t *in, mst_sim_request_t *q)
{
    return read_text(in, q, "inputs");
}

static void
add_vllm(const mst_sim_facts_t *f, const mst_sim_request_t *q, mst_buf_t *out)
{
    const mst_sim_prompt_t *p = &q->prompts[0];
    mst_sim_add_count(out, "{\"count\":", p->tokens);
    mst_sim_add_count(out, ",\"max_model_len\":", f->opts->context_length > 0 ? f->opts->context_length : 131072);
    ADD(out, ",\"tokens\":");
    mst_sim_add_prompt_ids(f->vocab, p, out);
    if (q->wish.details) {
        size_t at = 0;
        ADD(out, ",\"token_strs\":[");
        for (uint32_t i = 0; i < p->tokens; at += p->lens[i], i++) {
            mst_buf_add_c(out, i > 0 ? "," : "");
            mst_sim_json_str(out, mst_str(p->text.p + at, p->lens[i]));
        }
        ADD(out, "]");
    }
    ADD(out, "}");
}

static void
add_llamacpp(const mst_sim_facts_t *f, const mst_sim_request_t *q, mst_buf_t *out)
{
    const mst_sim_prompt_t *p = &q->prompts[0];
    size_t at = 0;
    ADD(out, "{\"tokens\":");
    if (!q->wish.details) {
        mst_sim_add_prompt_ids(f->vocab, p, out);
        ADD(out, "}");
        return;
    }
    ADD(out, "[");
    for (uint32_t i = 0; i < p->tokens; at += p->lens[i], i++) {
        mst_str_t token = mst_str(p->text.p + at, p->lens[i]);
        mst_sim_add_count(out, i > 0 ? ",{\"id\":" : "{\"id\":", mst_sim_vocab_id(f->vocab, token));
        ADD(out, ",\"piece\":");
        mst_sim_json_str(out, token);
        ADD(out, "}");
    }
    ADD(out, "]}");
}

static void
add_tgi(const mst_sim_facts_t *f, const mst_sim_request_t *q, mst_buf_t *out)
{
    const mst_sim_prompt_t *p = &q->prompts[0];
    size_t at = 0;
    ADD(out, "[");
    for (uint32_t i = 0; i < p->tokens; at += p->lens[i], i++) {
        mst_str_t token = mst_str(p->text.p + at, p->lens[i]);
        mst_sim_add_count(out, i > 0 ? ",{\"id\":" : "{\"id\":", mst_sim_vocab_id(f->vocab, token));
        ADD(out, ",\"text\":");
        mst_sim_json_str(out, token);
        mst_sim_add_count(out, ",\"start\":", at);
        mst_sim_add_count(out, ",\"stop\":", at + p->lens[i]);
        ADD(out, "}");
    }
    ADD(out, "]");
}

static bool
read_ids(mst_sim_reader_t *in, mst_sim_request_t *q)
{
    const mst_json_t *v = mst_json_get(in->root, "tokens");
    if (mst_json_is(v, MST_JSON_ARR) && v->count == 0)
        return mst_sim_read_one_prompt(in, MST_STR_NULL, q);
    if (!mst_json_is(mst_json_at(v, 0), MST_JSON_INT))
        return mst_sim_bad(in, "tokens", "must be a list of token ids");
    return mst_sim_read_prompts(in, v, "tokens", q);
}

static void
add_text(const mst_sim_facts_t *f, const mst_sim_request_t *q, mst_buf_t *out)
{
    mst_buf_add_c(out, f->dialect == MST_SIM_LLAMACPP ? "{\"content\":" : "{\"prompt\":");
    mst_sim_json_str(out, q->prompts[0].text);
    ADD(out, "}");
}

const mst_sim_route_t mst_sim_routes_tokens[] = {
    {"POST", "/tokenize", BIT(VLLM) | BIT(SGLANG), MST_SIM_VLLM, .read = read_vllm, .body = add_vllm},
    {"POST", "/tokenize", BIT(LLAMACPP), MST_SIM_LLAMACPP, "content", .read = read_llamacpp, .body = add_llamacpp},
    {"POST", "/tokenize", BIT(TGI) | BIT(TEI), MST_SIM_TGI, "inputs", .read = read_tgi, .body = add_tgi},
    {"POST", "/detokenize", BIT(VLLM) | BIT(SGLANG) | BIT(LLAMACPP), MST_SIM_VLLM, .read = read_ids, .body = add_text},
    {NULL},
};
