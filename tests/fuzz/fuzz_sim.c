// A request's body, hostile, through the simulated backend's readers of every dialect: "DIALECT PATH" is the
// first line, the rest is the body. What is read must be answered in JSON, whole and as a stream that comes to its end.
#include "common/base/limits.h"
#include "sim/dialect.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { EVENTS_MAX = 4096, TOKENS_MAX = 500, CHOICES_MAX = 64 };

static void
must_parse(mst_json_parser_t *parser, mst_str_t text)
{
    mst_arena_t *arena = mst_arena_new(64 * MST_MIB);
    const mst_json_t *v;
    if (mst_json_parse(parser, text, arena, &v, NULL, NULL) != MST_OK)
        abort();
    mst_arena_free(&arena);
}

// Every line of an event that holds JSON.
static void
must_parse_lines(mst_json_parser_t *parser, mst_str_t event)
{
    while (event.n > 0) {
        int64_t end = mst_str_find(event, MST_STR("\n"), 0);
        if (end < 0)
            abort();
        mst_str_t line = mst_str(event.p, (size_t)end);
        event = mst_str(event.p + end + 1, event.n - (size_t)end - 1);
        bool data = mst_str_starts(line, MST_STR("data:"));
        mst_str_t json = mst_str_trim(data ? mst_str(line.p + 5, line.n - 5) : line);
        bool holds = (data && !mst_str_eq(json, MST_STR("[DONE]"))) || mst_str_starts(line, MST_STR("{"));
        if (holds)
            must_parse(parser, json);
    }
}

static void
render(mst_json_parser_t *parser, mst_sim_answer_t *a)
{
    mst_buf_t prefix, out;
    mst_sim_place_t places[CHOICES_MAX];
    mst_sim_cursor_t c;
    mst_buf_init(&prefix, 4 * MST_MIB);
    mst_buf_init(&out, 256 * MST_MIB);
    if (a->format->prefix != NULL)
        a->format->prefix(a, &prefix);
    a->prefix = mst_buf_view(&prefix);
    mst_sim_stream_begin(a, places, &c);
    for (int i = 0; i < EVENTS_MAX && c.next != MST_SIM_EV_END; i++) {
        mst_sim_step_t step;
        mst_buf_reset(&out);
        mst_sim_stream_next(a, &c, false, &out, &step);
        if (out.failed)
            abort();
        must_parse_lines(parser, mst_buf_view(&out));
    }
    if (c.next == MST_SIM_EV_END && c.tokens != a->tokens)
        abort();
    mst_buf_reset(&out);
    a->format->whole(a, &out);
    if (!out.failed)
        must_parse(parser, mst_buf_view(&out));
    mst_buf_deinit(&prefix);
    mst_buf_deinit(&out);
}

static void
answer(mst_json_parser_t *parser, const mst_sim_opts_t *opts, const mst_sim_route_t *route, mst_sim_vocab_t *vocab,
       const mst_sim_request_t *q)
{
    mst_sim_asker_t who = {q->prompt, 0, 1, q->seed};
    mst_sim_plan_t plan;
    mst_sim_stock_t stock;
    mst_sim_answer_t a;
    mst_sim_plan(opts, &who, &plan);
    mst_sim_stock_init(&stock);
    if (mst_sim_answer_make(opts, q, &plan, NULL, &stock, &a) && a.choice_count <= CHOICES_MAX) {
        a.format = route->format;
        a.dialect = route->home;
        a.vocab = vocab;
        render(parser, &a);
    }
    mst_sim_stock_deinit(&stock);
}

static void
error(mst_json_parser_t *parser, const mst_sim_route_t *route, const mst_sim_refusal_t *why)
{
    mst_buf_t out;
    mst_buf_init(&out, MST_MIB);
    mst_sim_render_error(route->home, why, &out);
    must_parse(parser, mst_buf_view(&out));
    mst_buf_reset(&out);
    if (route->format != NULL) {
        route->format->error(why, &out);
        must_parse_lines(parser, mst_buf_view(&out));
    }
    mst_buf_deinit(&out);
}

// The route of the first line; *body is what follows.
static const mst_sim_route_t *
route_of(mst_str_t *body, mst_json_parser_t *parser, mst_arena_t *arena)
{
    int64_t end = mst_str_find(*body, MST_STR("\n"), 0), blank = mst_str_find(*body, MST_STR(" "), 0);
    mst_sim_dialect_t d;
    const char *allow;
    const mst_json_t *root;
    if (end < 0 || blank < 0 || blank > end || !mst_sim_dialect_find(mst_str(body->p, (size_t)blank), &d))
        return NULL;
    mst_str_t path = mst_str(body->p + blank + 1, (size_t)(end - blank - 1));
    *body = mst_str(body->p + end + 1, body->n - (size_t)end - 1);
    const mst_sim_route_t *r = mst_sim_route_find(d, MST_STR("POST"), path, &allow);
    if (r != NULL && mst_json_parse(parser, *body, arena, &root, NULL, NULL) == MST_OK)
        r = mst_sim_route_fit(r, d, root);
    return r;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    mst_json_parser_t *parser = mst_json_parser_new();
    mst_arena_t *arena = mst_arena_new(64 * MST_MIB);
    mst_sim_vocab_t *vocab = mst_sim_vocab_new();
    mst_sim_opts_t opts;
    mst_sim_defaults(&opts);
    opts.tokens_per_event = 1 + (uint32_t)(size % 5);
    opts.tokens_per_event_max = (uint32_t)(size % 11);
    opts.logprob_null = 0.1;
    opts.reasoning = size % 3 == 0;
    opts.echo = size % 2 == 0;
    opts.tool_calls = (uint32_t)(size % 4);
    opts.p_refusal = size % 7 == 0 ? 1 : 0;
    mst_str_t body = mst_str((const char *)data, size);
    const mst_sim_route_t *route = route_of(&body, parser, arena);
    mst_sim_request_t q;
    mst_sim_refusal_t why;
    mst_sim_reader_t in = {.opts = &opts, .arena = arena, .vocab = vocab, .why = &why};
    mst_sim_request_init(&q);
    if (route == NULL) {
        // no such route: nothing is read
    } else if (!mst_sim_body_parse(parser, body, arena, &in.root, &why) || !route->read(&in, &q)) {
        error(parser, route, &why);
    } else if (route->format != NULL) {
        q.tokens_max = !q.tokens_max_given || q.tokens_max > TOKENS_MAX ? TOKENS_MAX : q.tokens_max;
        q.tokens_max_given = true;
        answer(parser, &opts, route, vocab, &q);
    } else {
        mst_buf_t out;
        mst_sim_metrics_t metrics = {0};
        mst_sim_facts_t facts = {&opts, route->home, vocab, &metrics};
        mst_buf_init(&out, 256 * MST_MIB);
        route->body(&facts, &q, &out);
        if (!out.failed)
            must_parse(parser, mst_buf_view(&out));
        mst_buf_deinit(&out);
    }
    mst_sim_vocab_free(&vocab);
    mst_arena_free(&arena);
    mst_json_parser_free(&parser);
    return 0;
}
