// openai: chat completions, as OpenAI writes them and as the servers that speak the same dialect do.
#include "sim/dialect.h"
#include "sim/words.h"

#define ADD MST_SIM_ADD

// In what the servers differ.
typedef struct {
    const char *reasoning;   // key of the reasoning text
    const char *fingerprint; // member of every chunk, or ""
    const char *role;        // delta of the first chunk
    const char *id;
    bool usage_null;    // "usage":null in chunks that have none
    bool role_each;     // the role in every chunk
    bool stop_reason;   // vLLM: beside the finish reason
    bool matched_stop;  // SGLang: the same by another name
    bool timings;       // llama.cpp: on the last chunk
    bool finish_merged; // in the last token's chunk
} flavour_t;

#define ROLE_PLAIN "{\"role\":\"assistant\",\"content\":\"\"}"
#define ROLE_FULL  "{\"role\":\"assistant\",\"content\":\"\",\"refusal\":null}"
#define ROLE_NULL  "{\"role\":\"assistant\",\"content\":null}"

static const flavour_t *
flavour_of(mst_sim_dialect_t d)
{
    static const flavour_t openai = {"reasoning_content", ",\"system_fingerprint\":\"fp_sim\"", ROLE_FULL, "chatcmpl-",
                                     .usage_null = true};
    static const flavour_t vllm = {"reasoning",          "", ROLE_PLAIN, "chatcmpl-", .stop_reason = true,
                                   .finish_merged = true};
    static const flavour_t sglang = {"reasoning_content", "", ROLE_PLAIN, "", .matched_stop = true};
    static const flavour_t tgi = {"reasoning_content", ",\"system_fingerprint\":\"sim-native\"",
                                  ROLE_PLAIN,          NULL,
                                  .role_each = true,   .finish_merged = true};
    static const flavour_t llamacpp = {"reasoning_content", ",\"system_fingerprint\":\"b1-sim\"", ROLE_NULL,
                                       "chatcmpl-", .timings = true};
    static const flavour_t ollama = {"reasoning", ",\"system_fingerprint\":\"fp_ollama\"", ROLE_PLAIN, "chatcmpl-",
                                     .usage_null = false};
    switch (d) {
    case MST_SIM_VLLM:
        return &vllm;
    case MST_SIM_SGLANG:
        return &sglang;
    case MST_SIM_TGI:
        return &tgi;
    case MST_SIM_LLAMACPP:
        return &llamacpp;
    case MST_SIM_OLLAMA:
        return &ollama;
    case MST_SIM_ANY:
    case MST_SIM_OPENAI:
    case MST_SIM_ANTHROPIC:
    case MST_SIM_TEI:
    case MST_SIM_DIALECTS:
        break;
    }
    return &openai;
}

static void
add_head(const mst_sim_answer_t *a, const char *object, mst_buf_t *out)
{
    const flavour_t *f = flavour_of(a->dialect);
    ADD(out, "{\"id\":\"");
    if (f->id != NULL) // TGI: empty
        mst_sim_add_id(out, f->id, a->id);
    ADD(out, "\",\"object\":\"");
    mst_buf_add_c(out, object);
    ADD(out, "\",\"created\":" MST_SIM_CREATED ",\"model\":");
    mst_sim_json_str(out, a->model);
    mst_buf_add_c(out, f->fingerprint);
    ADD(out, ",\"choices\":[");
}

static void
add_prefix(const mst_sim_answer_t *a, mst_buf_t *out)
{
    ADD(out, "data: ");
    add_head(a, "chat.completion.chunk", out);
}

// Entries for the tokens of text; first: number of the first of them in the choice.
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

static void
add_call(const mst_sim_choice_t *c, uint32_t part_no, bool with_index, mst_buf_t *out)
{
    uint32_t call_no = 0;
    for (uint32_t i = 0; i < part_no; i++)
        call_no += c->parts[i].kind == MST_SIM_EV_TOOL;
    ADD(out, "{");
    if (with_index)
        mst_sim_add_count(out, "\"index\":", call_no);
    mst_buf_add_c(out, with_index ? ",\"id\":\"" : "\"id\":\"");
    mst_sim_add_id(out, "call_", mst_sim_mix(c->seed, 100 + part_no));
    ADD(out, "\",\"type\":\"function\",\"function\":{\"name\":");
    mst_sim_json_str(out, c->parts[part_no].name);
    ADD(out, ",\"arguments\":");
    if (with_index) { // fragments follow
        ADD(out, "\"\"}}");
        return;
    }
    mst_sim_json_str(out, c->parts[part_no].text);
    ADD(out, "}}");
}

static void
add_fragment(const mst_sim_step_t *s, mst_buf_t *out)
{
    uint32_t call_no = 0;
    for (uint32_t i = 0; i < s->part_no; i++)
        call_no += s->choice->parts[i].kind == MST_SIM_EV_TOOL;
    mst_sim_add_count(out, "\"tool_calls\":[{\"index\":", call_no);
    ADD(out, ",\"function\":{\"arguments\":");
    mst_sim_json_str(out, s->text);
    ADD(out, "}}]");
}

static void
add_finish(const mst_sim_answer_t *a, const mst_sim_choice_t *c, mst_buf_t *out)
{
    const flavour_t *f = flavour_of(a->dialect);
    ADD(out, ",\"finish_reason\":");
    mst_sim_add_finish(out, c);
    if (!f->stop_reason && !f->matched_stop)
        return;
    mst_buf_add_c(out, f->stop_reason ? ",\"stop_reason\":" : ",\"matched_stop\":");
    if (c->stop.n > 0)
        mst_sim_json_str(out, c->stop);
    else
        ADD(out, "null");
}

// The end of a chunk behind its choices.
static void
add_tail(const mst_sim_answer_t *a, const mst_sim_cursor_t *c, bool last, mst_buf_t *out)
{
    const flavour_t *f = flavour_of(a->dialect);
    ADD(out, "]");
    if (a->wish.token_ids && c->events == 1) { // the first chunk
        ADD(out, ",\"prompt_token_ids\":");
        mst_sim_add_prompt_ids(a->vocab, &a->choices[0].prompt, out);
    }
    if (a->wish.usage_each) {
        ADD(out, ",\"usage\":");
        mst_sim_add_usage(a, c->tokens, c->reasoning_tokens, out);
    } else if (a->wish.include_usage && f->usage_null) {
        ADD(out, ",\"usage\":null");
    }
    if (f->timings && (last || a->wish.timings_each)) {
        ADD(out, ",\"timings\":");
        mst_sim_add_timings(a, c->tokens, out);
    }
    ADD(out, "}\n\n");
}

static void
add_index(const mst_sim_answer_t *a, uint32_t index, mst_buf_t *out)
{
    mst_sim_add_count(out, "{\"index\":", index);
    if (flavour_of(a->dialect)->role_each)
        ADD(out, ",\"delta\":{\"role\":\"assistant\",");
    else
        ADD(out, ",\"delta\":{");
}

// OpenAI names a call in a chunk of its own, without a token.
static void
add_call_chunk(const mst_sim_answer_t *a, const mst_sim_cursor_t *c, const mst_sim_step_t *s, mst_buf_t *out)
{
    mst_buf_add_str(out, a->prefix);
    add_index(a, s->index, out);
    ADD(out, "\"tool_calls\":[");
    add_call(s->choice, s->part_no, true, out);
    ADD(out, "]},\"logprobs\":null,\"finish_reason\":null}");
    add_tail(a, c, false, out);
}

static void
add_tokens(const mst_sim_answer_t *a, const mst_sim_cursor_t *c, const mst_sim_step_t *s, mst_buf_t *out)
{
    const flavour_t *f = flavour_of(a->dialect);
    bool finish = s->last && f->finish_merged;
    if (s->kind == MST_SIM_EV_TOOL && s->part_begins)
        add_call_chunk(a, c, s, out);
    mst_buf_add_str(out, a->prefix);
    add_index(a, s->index, out);
    if (s->kind == MST_SIM_EV_TOOL) {
        add_fragment(s, out);
    } else {
        const char *key = s->kind == MST_SIM_EV_CONTENT ? "content" : "refusal";
        ADD(out, "\"");
        mst_buf_add_c(out, s->kind == MST_SIM_EV_REASONING ? f->reasoning : key);
        ADD(out, "\":");
        mst_sim_json_str(out, s->text);
    }
    if (a->wish.logprobs) {
        bool refusal = s->kind == MST_SIM_EV_REFUSAL;
        mst_buf_add_c(out,
                      refusal ? "},\"logprobs\":{\"content\":null,\"refusal\":[" : "},\"logprobs\":{\"content\":[");
        add_entries(a, s->choice, s->text, s->first, out);
        mst_buf_add_c(out, refusal ? "]}" : "],\"refusal\":null}");
    } else {
        ADD(out, "},\"logprobs\":null");
    }
    if (finish)
        add_finish(a, s->choice, out);
    else
        ADD(out, ",\"finish_reason\":null");
    if (a->wish.token_ids) {
        ADD(out, ",\"token_ids\":");
        mst_sim_add_ids(a->vocab, s->text, out);
    }
    ADD(out, "}");
    add_tail(a, c, finish, out);
}

static void
add_role(const mst_sim_answer_t *a, const mst_sim_cursor_t *c, const mst_sim_step_t *s, mst_buf_t *out)
{
    mst_buf_add_str(out, a->prefix);
    mst_sim_add_count(out, "{\"index\":", s->index);
    ADD(out, ",\"delta\":");
    mst_buf_add_c(out, flavour_of(a->dialect)->role);
    ADD(out, ",\"logprobs\":null,\"finish_reason\":null}");
    add_tail(a, c, false, out);
}

static void
add_event(const mst_sim_answer_t *a, const mst_sim_cursor_t *c, const mst_sim_step_t *s, mst_buf_t *out)
{
    if (s->kind == MST_SIM_EV_DONE) {
        ADD(out, "data: [DONE]\n\n");
    } else if (s->kind == MST_SIM_EV_ROLE) {
        add_role(a, c, s, out);
    } else if (s->kind == MST_SIM_EV_USAGE) {
        mst_buf_add_str(out, a->prefix);
        ADD(out, "],\"usage\":");
        mst_sim_add_usage(a, c->tokens, c->reasoning_tokens, out);
        ADD(out, "}\n\n");
    } else if (s->kind == MST_SIM_EV_FINISH) {
        mst_buf_add_str(out, a->prefix);
        mst_sim_add_count(out, "{\"index\":", s->index);
        ADD(out, ",\"delta\":{},\"logprobs\":null");
        add_finish(a, s->choice, out);
        ADD(out, "}");
        add_tail(a, c, true, out);
    } else {
        add_tokens(a, c, s, out);
    }
}

static void
add_message(const mst_sim_answer_t *a, const mst_sim_choice_t *c, mst_buf_t *out)
{
    const char *before = ",\"tool_calls\":[";
    bool other = mst_sim_has_part(c, MST_SIM_EV_TOOL) || mst_sim_has_part(c, MST_SIM_EV_REFUSAL);
    ADD(out, "{\"role\":\"assistant\",\"content\":");
    mst_sim_add_parts(out, c, MST_SIM_EV_CONTENT, other);
    if (mst_sim_has_part(c, MST_SIM_EV_REASONING)) {
        ADD(out, ",\"");
        mst_buf_add_c(out, flavour_of(a->dialect)->reasoning);
        ADD(out, "\":");
        mst_sim_add_parts(out, c, MST_SIM_EV_REASONING, false);
    }
    for (uint32_t i = 0; i < c->part_count; i++) {
        if (c->parts[i].kind != MST_SIM_EV_TOOL)
            continue;
        mst_buf_add_c(out, before);
        add_call(c, i, false, out);
        before = ",";
    }
    if (before[1] == '\0')
        ADD(out, "]");
    ADD(out, ",\"refusal\":");
    mst_sim_add_parts(out, c, MST_SIM_EV_REFUSAL, true);
    ADD(out, "}");
}

static void
add_choice_logprobs(const mst_sim_answer_t *a, const mst_sim_choice_t *c, mst_buf_t *out)
{
    bool refusal = mst_sim_has_part(c, MST_SIM_EV_REFUSAL);
    uint32_t first = 0;
    mst_buf_add_c(out, refusal ? "{\"content\":null,\"refusal\":[" : "{\"content\":[");
    for (uint32_t i = 0; i < c->part_count; i++) {
        if (i > 0)
            mst_buf_add_byte(out, ',');
        add_entries(a, c, c->parts[i].text, first, out);
        first += c->parts[i].tokens;
    }
    mst_buf_add_c(out, refusal ? "]}" : "],\"refusal\":null}");
}

static void
add_choice_ids(const mst_sim_answer_t *a, const mst_sim_choice_t *c, mst_buf_t *out)
{
    ADD(out, ",\"token_ids\":[");
    for (uint32_t i = 0; i < c->part_count; i++) {
        mst_str_t rest = c->parts[i].text;
        for (mst_str_t token; rest.n > 0; rest = mst_str(rest.p + token.n, rest.n - token.n)) {
            token = mst_sim_token(rest);
            bool first = i == 0 && rest.n == c->parts[i].text.n;
            mst_sim_add_count(out, first ? "" : ",", mst_sim_vocab_id(a->vocab, token));
        }
    }
    ADD(out, "]");
}

static void
add_whole(const mst_sim_answer_t *a, mst_buf_t *out)
{
    add_head(a, "chat.completion", out);
    for (uint32_t i = 0; i < a->choice_count; i++) {
        const mst_sim_choice_t *c = &a->choices[i];
        mst_sim_add_count(out, i > 0 ? ",{\"index\":" : "{\"index\":", i);
        ADD(out, ",\"message\":");
        add_message(a, c, out);
        ADD(out, ",\"logprobs\":");
        if (a->wish.logprobs)
            add_choice_logprobs(a, c, out);
        else
            ADD(out, "null");
        add_finish(a, c, out);
        if (a->wish.token_ids)
            add_choice_ids(a, c, out);
        ADD(out, "}");
    }
    ADD(out, "]");
    if (a->opts->usage != MST_SIM_USAGE_ABSENT) {
        ADD(out, ",\"usage\":");
        mst_sim_add_usage(a, a->tokens, a->reasoning_tokens, out);
    }
    if (flavour_of(a->dialect)->timings) {
        ADD(out, ",\"timings\":");
        mst_sim_add_timings(a, a->tokens, out);
    }
    if (a->wish.prompt_top >= 0) {
        ADD(out, ",\"prompt_logprobs\":");
        mst_sim_add_prompt_logprobs(a, &a->choices[0].prompt, out);
    }
    if (a->wish.token_ids) {
        ADD(out, ",\"prompt_token_ids\":");
        mst_sim_add_prompt_ids(a->vocab, &a->choices[0].prompt, out);
    }
    ADD(out, "}");
}

static void
error_openai(const mst_sim_refusal_t *why, mst_buf_t *out)
{
    mst_sim_add_error_event(MST_SIM_OPENAI, why, out);
}

static void
error_vllm(const mst_sim_refusal_t *why, mst_buf_t *out)
{
    mst_sim_add_error_event(MST_SIM_VLLM, why, out);
}

static void
error_sglang(const mst_sim_refusal_t *why, mst_buf_t *out)
{
    mst_sim_add_error_event(MST_SIM_SGLANG, why, out);
}

static void
error_tgi(const mst_sim_refusal_t *why, mst_buf_t *out)
{
    ADD(out, "data: {\"error\":{\"message\":");
    mst_sim_json_str(out, mst_str_c(why->message));
    mst_sim_add_count(out, ",\"http_status_code\":", (uint64_t)why->status);
    ADD(out, "}}\n\n");
}

static void
error_llamacpp(const mst_sim_refusal_t *why, mst_buf_t *out)
{
    mst_sim_add_error_event(MST_SIM_LLAMACPP, why, out);
}

// Ollama loses errors in the middle of a stream of this dialect: it just ends.
static void
error_ollama(const mst_sim_refusal_t *why, mst_buf_t *out)
{
    (void)why;
    ADD(out, "data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":" MST_SIM_CREATED
             ",\"model\":\"\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"\"},\"finish_reason\":null}]}\n\n");
}

enum { ALL = MST_SIM_HAS_ROLE | MST_SIM_HAS_FINISH | MST_SIM_HAS_USAGE | MST_SIM_HAS_DONE };

enum { MERGED = MST_SIM_HAS_ROLE | MST_SIM_HAS_USAGE | MST_SIM_HAS_DONE };

#define FORMAT(has, error, headers)                                                                                    \
    {                                                                                                                  \
        MST_SIM_SSE, has, MST_SIM_SSE_PING, add_prefix, add_event, add_whole, error, headers                           \
    }
static const mst_sim_format_t chat = FORMAT(ALL, error_openai, mst_sim_add_rate_headers);
static const mst_sim_format_t chat_vllm = FORMAT(MERGED, error_vllm, NULL);
static const mst_sim_format_t chat_sglang = FORMAT(ALL, error_sglang, NULL);
static const mst_sim_format_t chat_tgi = FORMAT(MST_SIM_HAS_USAGE | MST_SIM_HAS_DONE, error_tgi, NULL);
static const mst_sim_format_t chat_llamacpp = FORMAT(ALL, error_llamacpp, NULL);
static const mst_sim_format_t chat_ollama = FORMAT(ALL, error_ollama, NULL);

bool
mst_sim_read_stream(mst_sim_reader_t *in, mst_sim_request_t *q)
{
    const mst_json_t *options = mst_json_get(in->root, "stream_options");
    if (!mst_sim_read_bool(in, in->root, "stream", &q->wish.stream))
        return false;
    if (mst_json_is(options, MST_JSON_OBJ) && !q->wish.stream)
        return mst_sim_bad(in, "stream_options", "needs stream to be true");
    return mst_sim_read_bool(in, options, "include_usage", &q->wish.include_usage) &&
           mst_sim_read_bool(in, options, "continuous_usage_stats", &q->wish.usage_each);
}

bool
mst_sim_read_extras(mst_sim_reader_t *in, mst_sim_request_t *q)
{
    int64_t prompt_top = -1;
    if (!mst_sim_read_int(in, in->root, "prompt_logprobs", 0, MST_SIM_TOP_MAX, &prompt_top) ||
        !mst_sim_read_bool(in, in->root, "return_token_ids", &q->wish.token_ids) ||
        !mst_sim_read_bool(in, in->root, "timings_per_token", &q->wish.timings_each) ||
        !mst_sim_read_bool(in, in->root, "return_tokens_as_token_ids", &q->wish.ids_as_tokens))
        return false;
    if (prompt_top >= 0 && q->wish.stream)
        return mst_sim_bad(in, "prompt_logprobs", "does not go with stream");
    q->wish.prompt_top = (int32_t)prompt_top;
    return q->wish.prompt_top < 0 && !q->wish.token_ids ? true : mst_sim_measure_prompts(in, q);
}

static bool
read_format(mst_sim_reader_t *in, mst_sim_request_t *q)
{
    const mst_json_t *format = mst_json_get(in->root, "response_format");
    mst_str_t type = MST_STR_NULL;
    (void)mst_json_str(mst_json_get(format, "type"), &type);
    if (!mst_str_eq_c(type, "json_object") && !mst_str_eq_c(type, "json_schema"))
        return true;
    q->json = true;
    q->schema = mst_json_path(format, MST_STR("json_schema.schema"));
    if (q->schema == NULL)
        q->schema = mst_json_get(format, "schema"); // llama.cpp
    return true;
}

static bool
read_tools(mst_sim_reader_t *in, mst_sim_request_t *q)
{
    const mst_json_t *choice = mst_json_get(in->root, "tool_choice"), *tools = mst_json_get(in->root, "tools");
    mst_str_t word = MST_STR_NULL;
    if (tools != NULL && !mst_json_is(tools, MST_JSON_NULL) && !mst_json_is(tools, MST_JSON_ARR))
        return mst_sim_bad(in, "tools", "must be a list");
    (void)mst_json_str(choice, &word);
    if (!mst_str_eq_c(word, "none"))
        q->tools = tools;
    q->tool_needed = mst_str_eq_c(word, "required") || mst_json_is(choice, MST_JSON_OBJ);
    (void)mst_json_str(mst_json_path(choice, MST_STR("function.name")), &q->tool_name);
    return true;
}

static bool
read_chat(mst_sim_reader_t *in, mst_sim_request_t *q)
{
    int64_t top = 0;
    if (!mst_sim_read_common(in, q) || !mst_sim_read_stream(in, q) ||
        !mst_sim_read_bool(in, in->root, "logprobs", &q->wish.logprobs) ||
        !mst_sim_read_int(in, in->root, "top_logprobs", 0, MST_SIM_TOP_MAX, &top))
        return false;
    if (top > 0 && !q->wish.logprobs)
        return mst_sim_bad(in, "top_logprobs", "needs logprobs to be true");
    if (q->tokens_max_given && q->tokens_max == 0)
        return mst_sim_bad(in, "max_tokens", "must be 1 or more");
    q->wish.top = (uint32_t)top;
    return read_format(in, q) && read_tools(in, q) && mst_sim_read_messages(in, q) && mst_sim_read_extras(in, q);
}

const mst_sim_route_t mst_sim_routes_openai[] = {
    {"POST", "/v1/chat/completions", MST_SIM_BIT(MST_SIM_OPENAI), MST_SIM_OPENAI, .names_model = true, .timed = true,
     .read = read_chat, .format = &chat},
    {"POST", "/v1/chat/completions", MST_SIM_BIT(MST_SIM_VLLM), MST_SIM_VLLM, .names_model = true, .timed = true,
     .read = read_chat, .format = &chat_vllm},
    {"POST", "/v1/chat/completions", MST_SIM_BIT(MST_SIM_SGLANG), MST_SIM_SGLANG, .names_model = true, .timed = true,
     .read = read_chat, .format = &chat_sglang},
    {"POST", "/v1/chat/completions", MST_SIM_BIT(MST_SIM_TGI), MST_SIM_TGI, .names_model = true, .timed = true,
     .read = read_chat, .format = &chat_tgi},
    {"POST", "/v1/chat/completions", MST_SIM_BIT(MST_SIM_LLAMACPP), MST_SIM_LLAMACPP, .names_model = true,
     .timed = true, .read = read_chat, .format = &chat_llamacpp},
    {"POST", "/v1/chat/completions", MST_SIM_BIT(MST_SIM_OLLAMA), MST_SIM_OLLAMA, .names_model = true, .timed = true,
     .read = read_chat, .format = &chat_ollama},
    {NULL},
};
