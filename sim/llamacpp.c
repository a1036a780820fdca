// llamacpp: the native /completion with timings and per-token ids, and what the server tells of itself.
#include "sim/dialect.h"
#include "sim/words.h"

#define ADD MST_SIM_ADD

static void
add_probabilities(const mst_sim_answer_t *a, const mst_sim_choice_t *c, mst_str_t text, uint32_t first, mst_buf_t *out)
{
    ADD(out, ",\"completion_probabilities\":[");
    for (uint32_t i = first; text.n > 0; i++) {
        mst_str_t token = mst_sim_token(text);
        text = mst_str(text.p + token.n, text.n - token.n);
        mst_buf_add_c(out, i > first ? "," : "");
        mst_sim_add_count(out, "{\"id\":", mst_sim_vocab_id(a->vocab, token));
        size_t brace = out->n;
        mst_sim_logprob_render(token, mst_sim_choice_logprob(a, c, i), c->seed, a->wish.top, out);
        if (!out->failed)
            out->p[brace] = ','; // the entry's own members follow the id
    }
    ADD(out, "]");
}

static const char *
stop_type(const mst_sim_choice_t *c)
{
    return c->finish == MST_SIM_FINISH_LENGTH ? "limit" : c->stop.n > 0 ? "word" : "eos";
}

// The members of the last object, behind content and tokens.
static void
add_last(const mst_sim_answer_t *a, const mst_sim_choice_t *c, mst_buf_t *out)
{
    bool counts = a->opts->usage == MST_SIM_USAGE_EXACT;
    ADD(out, ",\"id_slot\":0,\"stop\":true,\"model\":");
    mst_sim_json_str(out, a->model);
    if (a->opts->usage != MST_SIM_USAGE_ABSENT) {
        mst_sim_add_count(out, ",\"tokens_predicted\":", counts ? c->tokens : 0);
        mst_sim_add_count(out, ",\"tokens_evaluated\":", counts ? c->prompt.tokens : 0);
    }
    ADD(out, ",\"generation_settings\":{},\"prompt\":\"\",\"has_new_line\":false,\"truncated\":false,\"stop_type\":\"");
    mst_buf_add_c(out, stop_type(c));
    ADD(out, "\",\"stopping_word\":");
    mst_sim_json_str(out, c->stop);
    mst_sim_add_count(out, ",\"tokens_cached\":", c->prompt.tokens);
    ADD(out, ",\"timings\":");
    mst_sim_add_timings(a, c->tokens, out);
    ADD(out, "}");
}

static void
add_progress(const mst_sim_answer_t *a, const mst_sim_step_t *s, mst_buf_t *out)
{
    mst_sim_add_count(out, "data: {\"index\":", s->index);
    mst_sim_add_count(out,
                      ",\"content\":\"\",\"tokens\":[],\"stop\":false,\"id_slot\":0,\"tokens_predicted\":0,"
                      "\"tokens_evaluated\":",
                      a->prompt_tokens);
    mst_sim_add_count(out, ",\"prompt_progress\":{\"total\":", a->prompt_tokens);
    mst_sim_add_count(out, ",\"cache\":0,\"processed\":", a->prompt_tokens);
    ADD(out, ",\"time_ms\":1}}\n\n");
}

static void
add_event(const mst_sim_answer_t *a, const mst_sim_cursor_t *c, const mst_sim_step_t *s, mst_buf_t *out)
{
    if (s->kind == MST_SIM_EV_ROLE) {
        if (a->wish.progress)
            add_progress(a, s, out);
        return;
    }
    mst_sim_add_count(out, "data: {\"index\":", s->index);
    ADD(out, ",\"content\":");
    mst_sim_json_str(out, s->text);
    ADD(out, ",\"tokens\":");
    if (a->wish.token_ids)
        mst_sim_add_ids(a->vocab, s->text, out);
    else
        ADD(out, "[]");
    if (s->kind == MST_SIM_EV_FINISH) {
        add_last(a, s->choice, out);
        ADD(out, "\n\n");
        return;
    }
    ADD(out, ",\"stop\":false,\"id_slot\":0");
    mst_sim_add_count(out, ",\"tokens_predicted\":", s->first + s->tokens);
    mst_sim_add_count(out, ",\"tokens_evaluated\":", s->choice->prompt.tokens);
    if (a->wish.logprobs)
        add_probabilities(a, s->choice, s->text, s->first, out);
    if (a->wish.timings_each) {
        ADD(out, ",\"timings\":");
        mst_sim_add_timings(a, c->tokens, out);
    }
    ADD(out, "}\n\n");
}

static void
add_whole(const mst_sim_answer_t *a, mst_buf_t *out)
{
    bool list = a->choice_count > 1;
    if (list)
        ADD(out, "[");
    for (uint32_t i = 0; i < a->choice_count; i++) {
        const mst_sim_choice_t *c = &a->choices[i];
        mst_str_t text = c->part_count > 0 ? c->parts[0].text : MST_STR_NULL;
        mst_sim_add_count(out, i > 0 ? ",{\"index\":" : "{\"index\":", i);
        ADD(out, ",\"content\":");
        mst_sim_json_str(out, text);
        ADD(out, ",\"tokens\":");
        if (a->wish.token_ids)
            mst_sim_add_ids(a->vocab, text, out);
        else
            ADD(out, "[]");
        if (a->wish.logprobs)
            add_probabilities(a, c, text, 0, out);
        add_last(a, c, out);
    }
    if (list)
        ADD(out, "]");
}

static void
add_error(const mst_sim_refusal_t *why, mst_buf_t *out)
{
    mst_sim_add_error_event(MST_SIM_LLAMACPP, why, out);
}

static const mst_sim_format_t completion = {
    MST_SIM_SSE, MST_SIM_HAS_ROLE | MST_SIM_HAS_FINISH, MST_SIM_SSE_PING, NULL, add_event, add_whole, add_error, NULL};

static bool
read_completion(mst_sim_reader_t *in, mst_sim_request_t *q)
{
    int64_t tokens = -1, seed = -1, top = 0;
    const mst_json_t *root = in->root, *schema = mst_json_get(root, "json_schema");
    q->plain = true;
    if (!mst_sim_read_prompts(in, mst_json_get(root, "prompt"), "prompt", q) ||
        !mst_sim_read_bool(in, root, "stream", &q->wish.stream) ||
        !mst_sim_read_bool(in, root, "return_tokens", &q->wish.token_ids) ||
        !mst_sim_read_bool(in, root, "timings_per_token", &q->wish.timings_each) ||
        !mst_sim_read_bool(in, root, "return_progress", &q->wish.progress) ||
        !mst_sim_read_int(in, root, "n_predict", -1, INT32_MAX, &tokens) ||
        !mst_sim_read_int(in, root, "n_probs", 0, MST_SIM_TOP_MAX, &top) ||
        !mst_sim_read_int(in, root, "seed", INT64_MIN, INT64_MAX, &seed) || !mst_sim_read_stops(in, root, "stop", q))
        return false;
    q->tokens_max_given = tokens >= 0;
    q->tokens_max = tokens >= 0 ? (uint64_t)tokens : 0;
    q->seed = seed < 0 ? 0 : (uint64_t)seed;
    q->wish.top = (uint32_t)top;
    q->wish.logprobs = top > 0;
    q->json = mst_json_is(schema, MST_JSON_OBJ);
    q->schema = schema;
    return true;
}

static void
add_props(const mst_sim_facts_t *f, const mst_sim_request_t *q, mst_buf_t *out)
{
    uint64_t length = f->opts->context_length > 0 ? f->opts->context_length : 131072;
    (void)q;
    mst_sim_add_count(out, "{\"default_generation_settings\":{\"n_ctx\":", length);
    ADD(out, ",\"params\":{}},\"total_slots\":4,\"model_path\":");
    mst_sim_json_str(out, mst_str_c(f->opts->model != NULL ? f->opts->model : "sim"));
    ADD(out, ",\"chat_template\":\"\",\"modalities\":{\"vision\":false,\"audio\":false},"
             "\"build_info\":\"b1-" MUSTER_VERSION "+sim\",\"is_sleeping\":false}");
}

static void
add_slots(const mst_sim_facts_t *f, const mst_sim_request_t *q, mst_buf_t *out)
{
    (void)q;
    mst_sim_add_count(out, "[{\"id\":0,\"n_ctx\":", f->opts->context_length > 0 ? f->opts->context_length : 131072);
    mst_buf_add_c(out, f->metrics->running > 0 ? ",\"is_processing\":true}]" : ",\"is_processing\":false}]");
}

static bool
read_content(mst_sim_reader_t *in, mst_sim_request_t *q)
{
    const mst_json_t *v = mst_json_get(in->root, "content");
    return mst_sim_read_inputs(in, v != NULL ? v : mst_json_get(in->root, "input"), "content", q);
}

// Nested even for one vector a text.
static void
add_embedding(const mst_sim_facts_t *f, const mst_sim_request_t *q, mst_buf_t *out)
{
    for (uint32_t i = 0; i < q->input_count; i++) {
        mst_sim_add_count(out, i > 0 ? ",{\"index\":" : "[{\"index\":", i);
        ADD(out, ",\"embedding\":[");
        mst_sim_add_vector(f, &q->wish, q->inputs[i], out);
        ADD(out, "]}");
    }
    mst_buf_add_c(out, q->input_count > 0 ? "]" : "[]");
}

#define HERE MST_SIM_BIT(MST_SIM_LLAMACPP), MST_SIM_LLAMACPP

const mst_sim_route_t mst_sim_routes_llamacpp[] = {
    {"POST", "/completion", HERE, .timed = true, .read = read_completion, .format = &completion},
    {"POST", "/completions", HERE, .timed = true, .read = read_completion, .format = &completion},
    {"POST", "/embedding", HERE, .timed = true, .read = read_content, .body = add_embedding},
    {"POST", "/embeddings", HERE, .timed = true, .read = read_content, .body = add_embedding},
    {"GET", "/props", HERE, .open = true, .body = add_props},
    {"GET", "/slots", HERE, .body = add_slots},
    {NULL},
};
