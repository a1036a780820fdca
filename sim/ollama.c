// ollama: the native routes, one JSON object a line; the last one says done and how long all took.
#include "sim/dialect.h"
#include "sim/words.h"

#define ADD MST_SIM_ADD

static void
add_head(const mst_sim_answer_t *a, mst_buf_t *out)
{
    ADD(out, "{\"model\":");
    mst_sim_json_str(out, a->model);
    ADD(out, ",\"created_at\":\"" MST_SIM_CREATED_AT "\"");
}

static void
add_entries(const mst_sim_answer_t *a, const mst_sim_choice_t *c, mst_str_t text, uint32_t first, mst_buf_t *out)
{
    for (uint32_t i = first; text.n > 0; i++) {
        mst_str_t token = mst_sim_token(text);
        text = mst_str(text.p + token.n, text.n - token.n);
        if (i > first)
            mst_buf_add_byte(out, ',');
        mst_sim_logprob_render(token, mst_sim_choice_logprob(a, c, i), c->seed, a->wish.top, out);
    }
}

// Its arguments are an object here, and it comes whole.
static void
add_call(const mst_sim_choice_t *c, uint32_t part_no, mst_buf_t *out)
{
    uint32_t call_no = 0;
    for (uint32_t i = 0; i < part_no; i++)
        call_no += c->parts[i].kind == MST_SIM_EV_TOOL;
    ADD(out, "{\"id\":\"");
    mst_sim_add_id(out, "call_", mst_sim_mix(c->seed, 100 + part_no));
    mst_sim_add_count(out, "\",\"function\":{\"index\":", call_no);
    ADD(out, ",\"name\":");
    mst_sim_json_str(out, c->parts[part_no].name);
    ADD(out, ",\"arguments\":");
    mst_buf_add_str(out, c->finish == MST_SIM_FINISH_LENGTH ? MST_STR("{}") : c->parts[part_no].text);
    ADD(out, "}}");
}

static void
add_number(mst_buf_t *out, const char *before, uint64_t v)
{
    if (v > 0) // zero is left out
        mst_sim_add_count(out, before, v);
}

// The members of the last line, behind the message.
static void
add_last(const mst_sim_answer_t *a, const mst_sim_choice_t *c, mst_buf_t *out)
{
    bool counts = a->opts->usage == MST_SIM_USAGE_EXACT;
    ADD(out, ",\"done\":true,\"done_reason\":");
    if (c->finish == MST_SIM_FINISH_TOOLS)
        ADD(out, "\"stop\"");
    else
        mst_sim_add_finish(out, c);
    add_number(out, ",\"total_duration\":", (uint64_t)a->took_ns);
    add_number(out, ",\"prompt_eval_count\":", counts ? c->prompt.tokens : 0);
    add_number(out, ",\"prompt_eval_duration\":", (uint64_t)a->ttft_ns);
    add_number(out, ",\"eval_count\":", counts ? c->tokens : 0);
    add_number(out, ",\"eval_duration\":", (uint64_t)(a->took_ns - a->ttft_ns));
    ADD(out, "}");
}

static void
add_logprobs(const mst_sim_answer_t *a, const mst_sim_step_t *s, mst_buf_t *out)
{
    if (!a->wish.logprobs)
        return;
    ADD(out, ",\"logprobs\":[");
    add_entries(a, s->choice, s->text, s->first, out);
    ADD(out, "]");
}

static void
add_chat_event(const mst_sim_answer_t *a, const mst_sim_cursor_t *c, const mst_sim_step_t *s, mst_buf_t *out)
{
    (void)c;
    if (s->kind == MST_SIM_EV_TOOL && !s->part_ends)
        return;
    add_head(a, out);
    ADD(out, ",\"message\":{\"role\":\"assistant\",\"content\":");
    bool text = s->kind == MST_SIM_EV_CONTENT || s->kind == MST_SIM_EV_REFUSAL;
    mst_sim_json_str(out, text ? s->text : MST_STR_NULL);
    if (s->kind == MST_SIM_EV_REASONING) {
        ADD(out, ",\"thinking\":");
        mst_sim_json_str(out, s->text);
    }
    if (s->kind == MST_SIM_EV_TOOL) {
        ADD(out, ",\"tool_calls\":[");
        add_call(s->choice, s->part_no, out);
        ADD(out, "]");
    }
    ADD(out, "}");
    if (s->kind == MST_SIM_EV_FINISH) {
        add_last(a, s->choice, out);
    } else {
        ADD(out, ",\"done\":false");
        add_logprobs(a, s, out);
        ADD(out, "}");
    }
    ADD(out, "\n");
}

static void
add_generate_event(const mst_sim_answer_t *a, const mst_sim_cursor_t *c, const mst_sim_step_t *s, mst_buf_t *out)
{
    bool thinking = s->kind == MST_SIM_EV_REASONING;
    (void)c;
    add_head(a, out);
    ADD(out, ",\"response\":");
    mst_sim_json_str(out, thinking ? MST_STR_NULL : s->text);
    if (thinking) {
        ADD(out, ",\"thinking\":");
        mst_sim_json_str(out, s->text);
    }
    if (s->kind == MST_SIM_EV_FINISH) {
        ADD(out, ",\"context\":[1]");
        add_last(a, s->choice, out);
    } else {
        ADD(out, ",\"done\":false");
        add_logprobs(a, s, out);
        ADD(out, "}");
    }
    ADD(out, "\n");
}

// What chat and generate share of an answer that is not streamed: thinking and calls are members of the object that is
// open, logprobs of the outer one.
static void
add_thinking(const mst_sim_choice_t *c, mst_buf_t *out)
{
    if (!mst_sim_has_part(c, MST_SIM_EV_REASONING))
        return;
    ADD(out, ",\"thinking\":");
    mst_sim_add_parts(out, c, MST_SIM_EV_REASONING, false);
}

static void
add_all_logprobs(const mst_sim_answer_t *a, const mst_sim_choice_t *c, mst_buf_t *out)
{
    uint32_t first = 0;
    if (!a->wish.logprobs)
        return;
    ADD(out, ",\"logprobs\":[");
    for (uint32_t i = 0; i < c->part_count; first += c->parts[i].tokens, i++) {
        mst_buf_add_c(out, i > 0 ? "," : "");
        add_entries(a, c, c->parts[i].text, first, out);
    }
    ADD(out, "]");
}

static void
add_text(const mst_sim_choice_t *c, mst_buf_t *out)
{
    mst_sim_add_parts(out, c, mst_sim_has_part(c, MST_SIM_EV_REFUSAL) ? MST_SIM_EV_REFUSAL : MST_SIM_EV_CONTENT, false);
}

static void
add_chat_whole(const mst_sim_answer_t *a, mst_buf_t *out)
{
    const mst_sim_choice_t *c = &a->choices[0];
    const char *before = ",\"tool_calls\":[";
    add_head(a, out);
    ADD(out, ",\"message\":{\"role\":\"assistant\",\"content\":");
    add_text(c, out);
    add_thinking(c, out);
    for (uint32_t i = 0; i < c->part_count; i++) {
        if (c->parts[i].kind != MST_SIM_EV_TOOL)
            continue;
        mst_buf_add_c(out, before);
        add_call(c, i, out);
        before = ",";
    }
    mst_buf_add_c(out, before[1] == '\0' ? "]}" : "}");
    add_all_logprobs(a, c, out);
    add_last(a, c, out);
}

static void
add_generate_whole(const mst_sim_answer_t *a, mst_buf_t *out)
{
    const mst_sim_choice_t *c = &a->choices[0];
    add_head(a, out);
    ADD(out, ",\"response\":");
    add_text(c, out);
    add_thinking(c, out);
    ADD(out, ",\"context\":[1]");
    add_all_logprobs(a, c, out);
    add_last(a, c, out);
}

static void
add_error(const mst_sim_refusal_t *why, mst_buf_t *out)
{
    mst_sim_render_error(MST_SIM_OLLAMA, why, out);
    ADD(out, "\n");
}

#define NDJSON "application/x-ndjson"
static const mst_sim_format_t chat = {NDJSON,         MST_SIM_HAS_FINISH, NULL,      NULL,
                                      add_chat_event, add_chat_whole,     add_error, NULL};
static const mst_sim_format_t generate = {
    NDJSON, MST_SIM_HAS_FINISH, NULL, NULL, add_generate_event, add_generate_whole, add_error, NULL};

static bool
read_shared(mst_sim_reader_t *in, mst_sim_request_t *q)
{
    const mst_json_t *root = in->root, *options = mst_json_get(root, "options"), *format = mst_json_get(root, "format");
    int64_t tokens = -1, seed = -1, top = 0;
    bool think = true;
    q->wish.stream = true;
    (void)mst_json_bool(mst_json_get(root, "think"), &think); // may be a word too
    if (!mst_sim_read_str(in, root, "model", &q->model) || !mst_sim_read_bool(in, root, "stream", &q->wish.stream) ||
        !mst_sim_read_bool(in, root, "logprobs", &q->wish.logprobs) ||
        !mst_sim_read_int(in, root, "top_logprobs", 0, MST_SIM_TOP_MAX, &top) ||
        !mst_sim_read_int(in, options, "num_predict", -2, INT32_MAX, &tokens) ||
        !mst_sim_read_int(in, options, "seed", INT64_MIN, INT64_MAX, &seed) ||
        !mst_sim_read_stops(in, options, "stop", q))
        return false;
    q->no_reasoning = !think;
    q->seed = seed < 0 ? 0 : (uint64_t)seed;
    q->wish.top = (uint32_t)top;
    q->tokens_max_given = tokens >= 0;
    q->tokens_max = tokens >= 0 ? (uint64_t)tokens : 0;
    q->json = mst_json_is(format, MST_JSON_STR) || mst_json_is(format, MST_JSON_OBJ);
    q->schema = format;
    return true;
}

static bool
read_chat(mst_sim_reader_t *in, mst_sim_request_t *q)
{
    q->tools = mst_json_get(in->root, "tools");
    return read_shared(in, q) && mst_sim_read_messages(in, q);
}

static bool
read_generate(mst_sim_reader_t *in, mst_sim_request_t *q)
{
    mst_str_t prompt = MST_STR_NULL;
    return read_shared(in, q) && mst_sim_read_str(in, in->root, "prompt", &prompt) &&
           mst_sim_read_one_prompt(in, prompt, q);
}

static bool
read_embed(mst_sim_reader_t *in, mst_sim_request_t *q)
{
    int64_t dimensions = 0;
    const mst_json_t *input = mst_json_get(in->root, "input");
    if (!mst_sim_read_int(in, in->root, "dimensions", 1, 16384, &dimensions))
        return false;
    q->wish.dimensions = (uint32_t)dimensions;
    return mst_sim_read_str(in, in->root, "model", &q->model) &&
           mst_sim_read_inputs(in, input != NULL ? input : mst_json_get(in->root, "prompt"), "input", q);
}

static void
add_embed(const mst_sim_facts_t *f, const mst_sim_request_t *q, mst_buf_t *out)
{
    ADD(out, "{\"model\":");
    mst_sim_json_str(out, q->model.n > 0 ? q->model : MST_STR("sim"));
    ADD(out, ",\"embeddings\":[");
    for (uint32_t i = 0; i < q->input_count; i++) {
        mst_buf_add_c(out, i > 0 ? "," : "");
        mst_sim_add_vector(f, &q->wish, q->inputs[i], out);
    }
    ADD(out, "],\"total_duration\":1000000,\"load_duration\":1000");
    add_number(out, ",\"prompt_eval_count\":", mst_sim_count_inputs(q));
    ADD(out, "}");
}

static void
add_old_embedding(const mst_sim_facts_t *f, const mst_sim_request_t *q, mst_buf_t *out)
{
    ADD(out, "{\"embedding\":");
    mst_sim_add_vector(f, &q->wish, q->inputs[0], out);
    ADD(out, "}");
}

static void
add_version(const mst_sim_facts_t *f, const mst_sim_request_t *q, mst_buf_t *out)
{
    (void)f;
    (void)q;
    ADD(out, "{\"version\":\"" MUSTER_VERSION "+sim\"}");
}

static void
add_model(const mst_sim_facts_t *f, mst_buf_t *out)
{
    mst_str_t model = mst_str_c(f->opts->model != NULL ? f->opts->model : "sim");
    ADD(out, "{\"models\":[{\"name\":");
    mst_sim_json_str(out, model);
    ADD(out, ",\"model\":");
    mst_sim_json_str(out, model);
    ADD(out, ",\"size\":1,\"digest\":\"0\",\"details\":{\"family\":\"sim\",\"parameter_size\":\"0\","
             "\"quantization_level\":\"F32\"}");
}

static void
add_tags(const mst_sim_facts_t *f, const mst_sim_request_t *q, mst_buf_t *out)
{
    (void)q;
    add_model(f, out);
    ADD(out, ",\"modified_at\":\"" MST_SIM_CREATED_AT "\"}]}");
}

static void
add_ps(const mst_sim_facts_t *f, const mst_sim_request_t *q, mst_buf_t *out)
{
    (void)q;
    add_model(f, out);
    mst_sim_add_count(out, ",\"size_vram\":1,\"expires_at\":\"" MST_SIM_CREATED_AT "\",\"context_length\":",
                      f->opts->context_length > 0 ? f->opts->context_length : 131072);
    ADD(out, "}]}");
}

static void
add_running(const mst_sim_facts_t *f, const mst_sim_request_t *q, mst_buf_t *out)
{
    (void)f;
    (void)q;
    ADD(out, "Ollama is running");
}

#define HERE MST_SIM_BIT(MST_SIM_OLLAMA), MST_SIM_OLLAMA

const mst_sim_route_t mst_sim_routes_ollama[] = {
    {"POST", "/api/chat", HERE, .names_model = true, .timed = true, .read = read_chat, .format = &chat},
    {"POST", "/api/generate", HERE, .names_model = true, .timed = true, .read = read_generate, .format = &generate},
    {"POST", "/api/embed", HERE, .timed = true, .read = read_embed, .body = add_embed},
    {"POST", "/api/embeddings", HERE, .timed = true, .read = read_embed, .body = add_old_embedding},
    {"GET", "/api/version", HERE, .body = add_version},
    {"GET", "/api/tags", HERE, .body = add_tags},
    {"GET", "/api/ps", HERE, .body = add_ps},
    {"GET", "/", HERE, .open = true, .body = add_running, .type = "text/plain"},
    {NULL},
};
