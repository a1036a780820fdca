// anthropic: /v1/messages. An answer is a row of blocks, each begun, filled and ended by events with names.
#include "sim/dialect.h"
#include "sim/words.h"

#define ADD MST_SIM_ADD

#define PING "event: ping\ndata: {\"type\": \"ping\"}\n\n"

static const char *
stop_reason(const mst_sim_choice_t *c)
{
    switch (c->finish) {
    case MST_SIM_FINISH_LENGTH:
        return "max_tokens";
    case MST_SIM_FINISH_TOOLS:
        return "tool_use";
    case MST_SIM_FINISH_REFUSAL:
        return "refusal";
    case MST_SIM_FINISH_STOP:
    case MST_SIM_FINISH_GIVEN:
        break;
    }
    return c->stop.n > 0 ? "stop_sequence" : "end_turn";
}

static void
add_stop(const mst_sim_choice_t *c, mst_buf_t *out)
{
    ADD(out, "\"stop_reason\":");
    mst_sim_json_str(out, c->finish == MST_SIM_FINISH_GIVEN ? c->finish_given : mst_str_c(stop_reason(c)));
    ADD(out, ",\"stop_sequence\":");
    if (c->stop.n > 0)
        mst_sim_json_str(out, c->stop);
    else
        ADD(out, "null");
}

static void
add_usage(const mst_sim_answer_t *a, uint32_t tokens, mst_buf_t *out)
{
    bool counts = a->opts->usage == MST_SIM_USAGE_EXACT;
    mst_sim_add_count(out, "{\"input_tokens\":", counts ? a->prompt_tokens : 0);
    mst_sim_add_count(out, ",\"cache_creation_input_tokens\":0,\"cache_read_input_tokens\":0,\"output_tokens\":",
                      counts ? tokens : 0);
    ADD(out, "}");
}

static void
add_head(const mst_sim_answer_t *a, mst_buf_t *out)
{
    ADD(out, "{\"id\":\"");
    mst_sim_add_id(out, "msg_", a->id);
    ADD(out, "\",\"type\":\"message\",\"role\":\"assistant\",\"model\":");
    mst_sim_json_str(out, a->model);
    ADD(out, ",\"content\":[");
}

static void
add_start(const mst_sim_answer_t *a, mst_buf_t *out)
{
    ADD(out, "event: message_start\ndata: {\"type\":\"message_start\",\"message\":");
    add_head(a, out);
    ADD(out, "],\"stop_reason\":null,\"stop_sequence\":null");
    if (a->opts->usage != MST_SIM_USAGE_ABSENT) {
        ADD(out, ",\"usage\":");
        add_usage(a, 1, out);
    }
    ADD(out, "}}\n\n" PING);
}

// The block of a part; empty: as it is when it begins.
static void
add_block(const mst_sim_choice_t *c, uint32_t part_no, bool empty, mst_buf_t *out)
{
    const mst_sim_part_t *p = &c->parts[part_no];
    mst_str_t text = empty ? MST_STR_NULL : p->text;
    if (p->kind == MST_SIM_EV_TOOL) {
        ADD(out, "{\"type\":\"tool_use\",\"id\":\"");
        mst_sim_add_id(out, "toolu_", mst_sim_mix(c->seed, 100 + part_no));
        ADD(out, "\",\"name\":");
        mst_sim_json_str(out, p->name);
        ADD(out, ",\"input\":");
        mst_buf_add_str(out, empty || c->finish == MST_SIM_FINISH_LENGTH ? MST_STR("{}") : text);
    } else if (p->kind == MST_SIM_EV_REASONING) {
        ADD(out, "{\"type\":\"thinking\",\"thinking\":");
        mst_sim_json_str(out, text);
        mst_buf_add_c(out, empty ? ",\"signature\":\"\"" : ",\"signature\":\"c2ln\"");
    } else {
        ADD(out, "{\"type\":\"text\",\"text\":");
        mst_sim_json_str(out, text);
    }
    ADD(out, "}");
}

static void
add_delta(const mst_sim_step_t *s, mst_buf_t *out)
{
    const char *type = "{\"type\":\"text_delta\",\"text\":";
    if (s->kind == MST_SIM_EV_TOOL)
        type = "{\"type\":\"input_json_delta\",\"partial_json\":";
    else if (s->kind == MST_SIM_EV_REASONING)
        type = "{\"type\":\"thinking_delta\",\"thinking\":";
    mst_sim_add_count(out,
                      "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":", s->part_no);
    ADD(out, ",\"delta\":");
    mst_buf_add_c(out, type);
    mst_sim_json_str(out, s->text);
    ADD(out, "}}\n\n");
}

static void
add_tokens(const mst_sim_step_t *s, mst_buf_t *out)
{
    if (s->part_begins) {
        mst_sim_add_count(out,
                          "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":", s->part_no);
        ADD(out, ",\"content_block\":");
        add_block(s->choice, s->part_no, true, out);
        ADD(out, "}\n\n");
    }
    add_delta(s, out);
    if (s->part_ends && s->kind == MST_SIM_EV_REASONING) {
        mst_sim_add_count(out,
                          "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":", s->part_no);
        ADD(out, ",\"delta\":{\"type\":\"signature_delta\",\"signature\":\"c2ln\"}}\n\n");
    }
    if (s->part_ends) {
        mst_sim_add_count(out,
                          "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":", s->part_no);
        ADD(out, "}\n\n");
    }
}

static void
add_event(const mst_sim_answer_t *a, const mst_sim_cursor_t *c, const mst_sim_step_t *s, mst_buf_t *out)
{
    if (s->kind == MST_SIM_EV_ROLE) {
        add_start(a, out);
    } else if (s->kind == MST_SIM_EV_DONE) {
        ADD(out, "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n");
    } else if (s->kind == MST_SIM_EV_FINISH) {
        ADD(out, "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{");
        add_stop(s->choice, out);
        ADD(out, "}");
        if (a->opts->usage != MST_SIM_USAGE_ABSENT) {
            ADD(out, ",\"usage\":");
            add_usage(a, c->tokens, out);
        }
        ADD(out, "}\n\n");
    } else {
        add_tokens(s, out);
    }
}

static void
add_whole(const mst_sim_answer_t *a, mst_buf_t *out)
{
    const mst_sim_choice_t *c = &a->choices[0];
    add_head(a, out);
    for (uint32_t i = 0; i < c->part_count; i++) {
        mst_buf_add_c(out, i > 0 ? "," : "");
        add_block(c, i, false, out);
    }
    ADD(out, "],");
    add_stop(c, out);
    if (a->opts->usage != MST_SIM_USAGE_ABSENT) {
        ADD(out, ",\"usage\":");
        add_usage(a, a->tokens, out);
    }
    ADD(out, "}");
}

static void
add_error(const mst_sim_refusal_t *why, mst_buf_t *out)
{
    mst_sim_refusal_t overloaded = *why;
    overloaded.status = 503; // overloaded_error is what happens in the middle of a stream
    ADD(out, "event: error\ndata: ");
    mst_sim_render_error(MST_SIM_ANTHROPIC, &overloaded, out);
    ADD(out, "\n\n");
}

static void
add_headers(const mst_sim_answer_t *a, mst_buf_t *out)
{
    mst_sim_add_id(out, "request-id: req_", a->id);
    ADD(out, "\r\nanthropic-ratelimit-requests-limit: 4000\r\nanthropic-ratelimit-requests-remaining: 3999\r\n"
             "anthropic-ratelimit-requests-reset: " MST_SIM_CREATED_AT "\r\n");
}

static const mst_sim_format_t messages = {
    MST_SIM_SSE, MST_SIM_HAS_ROLE | MST_SIM_HAS_FINISH | MST_SIM_HAS_DONE, PING, NULL, add_event, add_whole, add_error,
    add_headers};

static bool
read_system(mst_sim_reader_t *in, mst_sim_request_t *q)
{
    mst_str_t text;
    if (!mst_sim_read_content(in, mst_json_get(in->root, "system"), &text))
        return false;
    q->prompts[0].tokens += mst_sim_token_count(text, UINT32_MAX - q->prompts[0].tokens);
    return true;
}

static bool
read_messages(mst_sim_reader_t *in, mst_sim_request_t *q)
{
    const mst_json_t *choice = mst_json_get(in->root, "tool_choice");
    mst_str_t thinking = MST_STR_NULL, type = MST_STR_NULL;
    int64_t tokens = -1;
    if (!mst_sim_read_str(in, in->root, "model", &q->model) ||
        !mst_sim_read_bool(in, in->root, "stream", &q->wish.stream) ||
        !mst_sim_read_int(in, in->root, "max_tokens", 1, INT32_MAX, &tokens) ||
        !mst_sim_read_stops(in, in->root, "stop_sequences", q))
        return false;
    if (tokens < 0)
        return mst_sim_bad(in, "max_tokens", "is required");
    q->tokens_max = (uint64_t)tokens;
    q->tokens_max_given = true;
    (void)mst_json_str(mst_json_path(in->root, MST_STR("thinking.type")), &thinking);
    (void)mst_json_str(mst_json_get(choice, "type"), &type);
    (void)mst_json_str(mst_json_get(choice, "name"), &q->tool_name);
    q->no_reasoning = thinking.n == 0 || mst_str_eq_c(thinking, "disabled");
    q->tools = mst_str_eq_c(type, "none") ? NULL : mst_json_get(in->root, "tools");
    q->tool_needed = mst_str_eq_c(type, "any") || mst_str_eq_c(type, "tool");
    return mst_sim_read_messages(in, q) && read_system(in, q);
}

static bool
read_count(mst_sim_reader_t *in, mst_sim_request_t *q)
{
    return mst_sim_read_messages(in, q) && read_system(in, q);
}

static void
add_count(const mst_sim_facts_t *f, const mst_sim_request_t *q, mst_buf_t *out)
{
    (void)f;
    mst_sim_add_count(out, "{\"input_tokens\":", q->prompts[0].tokens);
    ADD(out, "}");
}

#define HERE                                                                                                           \
    MST_SIM_BIT(MST_SIM_ANTHROPIC) | MST_SIM_BIT(MST_SIM_VLLM) | MST_SIM_BIT(MST_SIM_LLAMACPP) |                       \
        MST_SIM_BIT(MST_SIM_OLLAMA),                                                                                   \
        MST_SIM_ANTHROPIC

const mst_sim_route_t mst_sim_routes_anthropic[] = {
    {"POST", "/v1/messages", HERE, .names_model = true, .timed = true, .read = read_messages, .format = &messages},
    {"POST", "/v1/messages/count_tokens", HERE, .read = read_count, .body = add_count},
    {NULL},
};
