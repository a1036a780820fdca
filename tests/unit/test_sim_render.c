// Answers of the simulated backend, put together from their events as a client would, in the shape of chat
// completions; and what decides on their text.
#include "common/json/json.h"
#include "sim/dialect.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

typedef struct {
    mst_sim_opts_t opts;
    mst_sim_request_t q;
    mst_sim_plan_t plan;
    mst_sim_reply_t reply;
    mst_sim_stock_t stock;
    mst_sim_answer_t answer;
    mst_buf_t prefix, out, text[2], reasoning, refusal, arguments;
    mst_arena_t *arena;
    mst_json_parser_t *parser;
    mst_sim_vocab_t *vocab;
    uint32_t tokens, entries;
    unsigned kinds[MST_SIM_EV_ERROR + 1];
    char finish[32];
} fixture_t;

static const char *const HELLO = "{\"messages\":[{\"role\":\"user\",\"content\":\"hello\"}]}";

// body: of the request; reply: text of the answer, or NULL.
static fixture_t *
set_up(const char *body, const char *reasoning, const char *reply)
{
    fixture_t *f = calloc(1, sizeof *f);
    assert_non_null(f);
    mst_sim_defaults(&f->opts);
    mst_buf_t *const all[] = {&f->prefix, &f->out, &f->text[0], &f->text[1], &f->reasoning, &f->refusal, &f->arguments};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        mst_buf_init(all[i], 1 << 22);
    f->arena = mst_arena_new(16 << 20);
    f->parser = mst_json_parser_new();
    f->vocab = mst_sim_vocab_new();
    mst_sim_stock_init(&f->stock);
    mst_sim_refusal_t why;
    mst_sim_reader_t in = {.opts = &f->opts, .arena = f->arena, .vocab = f->vocab, .why = &why};
    const char *allow;
    const mst_sim_route_t *r =
        mst_sim_route_find(MST_SIM_ANY, MST_STR("POST"), MST_STR("/v1/chat/completions"), &allow);
    assert_non_null(r);
    mst_sim_request_init(&f->q);
    if (!mst_sim_body_parse(f->parser, mst_str_c(body), f->arena, &in.root, &why) || !r->read(&in, &f->q))
        fail_msg("%s", why.message);
    f->reply = (mst_sim_reply_t){.text = mst_str_c(reply), .reasoning = mst_str_c(reasoning)};
    f->answer.format = r->format;
    f->answer.dialect = MST_SIM_OPENAI;
    return f;
}

static void
make(fixture_t *f)
{
    const mst_sim_format_t *format = f->answer.format;
    mst_sim_dialect_t dialect = f->answer.dialect;
    mst_sim_asker_t who = {f->q.prompt, 0, 1, f->q.seed};
    mst_sim_plan(&f->opts, &who, &f->plan);
    assert_true(mst_sim_answer_make(&f->opts, &f->q, &f->plan, f->reply.text.p != NULL ? &f->reply : NULL, &f->stock,
                                    &f->answer));
    f->answer.format = format;
    f->answer.dialect = dialect;
    f->answer.vocab = f->vocab;
}

static void
tear_down(fixture_t *f)
{
    mst_buf_t *const all[] = {&f->prefix, &f->out, &f->text[0], &f->text[1], &f->reasoning, &f->refusal, &f->arguments};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        mst_buf_deinit(all[i]);
    mst_sim_stock_deinit(&f->stock);
    mst_sim_vocab_free(&f->vocab);
    mst_arena_free(&f->arena);
    mst_json_parser_free(&f->parser);
    free(f);
}

static const mst_json_t *
parse(fixture_t *f, mst_str_t text)
{
    const mst_json_t *v;
    mst_err_t err;
    if (mst_json_parse(f->parser, text, f->arena, &v, NULL, &err) != MST_OK)
        fail_msg("%s: %.*s", err.message, MST_FMT(text));
    return v;
}

static mst_str_t
text_at(const mst_json_t *v, const char *path)
{
    mst_str_t s = MST_STR_NULL;
    mst_json_str(mst_json_path(v, mst_str_c(path)), &s);
    return s;
}

static int64_t
number_at(const mst_json_t *v, const char *path)
{
    int64_t i = -1;
    mst_json_i64(mst_json_path(v, mst_str_c(path)), &i);
    return i;
}

static bool
is(const mst_buf_t *b, const char *text)
{
    return mst_str_eq_c(mst_buf_view(b), text);
}

static uint32_t
read_logprobs(const mst_json_t *list, uint32_t top)
{
    for (uint32_t i = 0; list != NULL && i < list->count; i++) {
        const mst_json_t *e = mst_json_at(list, i);
        double v;
        assert_true(mst_json_f64(mst_json_get(e, "logprob"), &v) && isfinite(v) && v < 0);
        assert_int_equal(mst_json_get(e, "bytes")->count, text_at(e, "token").n);
        assert_int_equal(mst_json_get(e, "top_logprobs")->count, top);
    }
    return list ? list->count : 0;
}

static void
take_chunk(fixture_t *f, const mst_json_t *v)
{
    int64_t index = number_at(v, "choices.0.index");
    mst_str_t finish = text_at(v, "choices.0.finish_reason");
    if (index >= 0 && index < 2)
        mst_buf_add_str(&f->text[index], text_at(v, "choices.0.delta.content"));
    mst_buf_add_str(&f->reasoning, text_at(v, "choices.0.delta.reasoning_content"));
    mst_buf_add_str(&f->refusal, text_at(v, "choices.0.delta.refusal"));
    mst_buf_add_str(&f->arguments, text_at(v, "choices.0.delta.tool_calls.0.function.arguments"));
    if (finish.n > 0)
        snprintf(f->finish, sizeof f->finish, "%.*s", MST_FMT(finish));
    f->entries += read_logprobs(mst_json_path(v, MST_STR("choices.0.logprobs.content")), f->q.wish.top);
}

// Renders the whole stream and puts it together.
static void
run_stream(fixture_t *f)
{
    mst_sim_place_t places[8];
    mst_sim_cursor_t c;
    make(f);
    f->answer.format->prefix(&f->answer, &f->prefix);
    f->answer.prefix = mst_buf_view(&f->prefix);
    uint32_t rounds = 0;
    assert_true(f->answer.choice_count <= 8);
    mst_sim_stream_begin(&f->answer, places, &c);
    while (c.next != MST_SIM_EV_END) {
        mst_sim_step_t s;
        rounds += mst_sim_event_has_tokens(c.next) && c.turn == 0;
        mst_buf_reset(&f->out);
        mst_sim_stream_next(&f->answer, &c, false, &f->out, &s);
        f->kinds[s.kind]++;
        f->tokens += s.tokens;
        mst_str_t rest = mst_buf_view(&f->out);
        while (rest.n > 0) {
            int64_t end = mst_str_find(rest, MST_STR("\n\n"), 0);
            assert_true(end > 0 && mst_str_starts(rest, MST_STR("data: ")));
            mst_str_t data = mst_str(rest.p + 6, (size_t)end - 6);
            rest = mst_str(rest.p + end + 2, rest.n - (size_t)end - 2);
            if (!mst_str_eq_c(data, "[DONE]"))
                take_chunk(f, parse(f, data));
        }
    }
    assert_int_equal(f->tokens, f->answer.tokens);
    assert_int_equal(c.tokens, f->answer.tokens);
    if (f->answer.choice_count == 1)
        assert_int_equal(rounds, mst_sim_stream_rounds(&f->answer));
}

#define TEXT      "Some \"quoted\" text,\nwith \xc3\xa9t\xc3\xa9 and \xf0\x9f\x98\x80 in it."
#define REASONING "let me see"

static void
test_sim_render_stream(void **state)
{
    (void)state;
    for (uint32_t k = 1; k < 7; k++) {
        for (int logprobs = 0; logprobs < 2; logprobs++) {
            fixture_t *f = set_up(HELLO, k % 2 ? REASONING : "", TEXT);
            f->opts.tokens_per_event = k;
            f->opts.tokens_per_event_max = k > 4 ? k + 3 : 0;
            f->q.wish.logprobs = logprobs;
            f->q.wish.top = logprobs ? k : 0;
            f->q.wish.include_usage = k > 2;
            run_stream(f);
            assert_true(is(&f->text[0], TEXT));
            assert_true(is(&f->reasoning, k % 2 ? REASONING : ""));
            assert_string_equal(f->finish, "stop");
            assert_int_equal(f->entries, logprobs ? f->tokens : 0);
            assert_int_equal(f->kinds[MST_SIM_EV_ROLE], 1);
            assert_int_equal(f->kinds[MST_SIM_EV_USAGE], k > 2);
            tear_down(f);
        }
    }
}

// Whatever the bound, stream and whole body agree, and "length" is said exactly when something is missing.
static void
test_sim_render_tokens_max(void **state)
{
    (void)state;
    static const char *const reasonings[] = {"", REASONING}, *const texts[] = {"", "one two three"};
    for (int i = 0; i < 4; i++) {
        for (uint32_t max = 1; max < 9; max++) {
            fixture_t *f = set_up(HELLO, reasonings[i / 2], texts[i % 2]);
            f->q.tokens_max = max;
            f->q.tokens_max_given = true;
            run_stream(f);
            bool whole = is(&f->text[0], texts[i % 2]) && is(&f->reasoning, reasonings[i / 2]);
            assert_string_equal(f->finish, whole ? "stop" : "length");
            assert_true(f->tokens <= max);
            mst_buf_reset(&f->out);
            f->answer.format->whole(&f->answer, &f->out);
            const mst_json_t *v = parse(f, mst_buf_view(&f->out));
            assert_true(mst_str_eq(text_at(v, "choices.0.message.content"), mst_buf_view(&f->text[0])));
            assert_true(mst_str_eq(text_at(v, "choices.0.message.reasoning_content"), mst_buf_view(&f->reasoning)));
            assert_true(mst_str_eq_c(text_at(v, "choices.0.finish_reason"), f->finish));
            assert_int_equal(number_at(v, "usage.total_tokens"), f->answer.prompt_tokens + f->tokens);
            tear_down(f);
        }
    }
}

static void
test_sim_render_given_logprobs(void **state)
{
    (void)state;
    static const double given[] = {-0.25, (double)NAN, HUGE_VAL, -1.0000004};
    fixture_t *f = set_up(HELLO, "", "a b c d e");
    f->q.wish.logprobs = true;
    f->reply.logprobs = given;
    f->reply.logprob_count = 4;
    make(f);
    f->answer.format->whole(&f->answer, &f->out);
    mst_buf_add_byte(&f->out, '\0');
    assert_non_null(strstr(f->out.p, "\"a\",\"logprob\":-0.250000,"));
    assert_non_null(strstr(f->out.p, "\" b\",\"logprob\":NaN,"));
    assert_non_null(strstr(f->out.p, "\" c\",\"logprob\":null,"));
    assert_non_null(strstr(f->out.p, "\" d\",\"logprob\":-1.000000,"));
    assert_non_null(strstr(f->out.p, "\" e\",\"logprob\":-"));
    tear_down(f);
}

static void
test_sim_render_malformed_and_line_ends(void **state)
{
    (void)state;
    for (int crlf = 0; crlf < 2; crlf++) {
        fixture_t *f = set_up(HELLO, "", "a b");
        mst_err_t err;
        const mst_json_t *v;
        mst_sim_place_t places[1];
        mst_sim_cursor_t c;
        mst_sim_step_t s;
        f->opts.crlf = crlf;
        f->opts.ping_every = 2;
        make(f);
        mst_sim_stream_begin(&f->answer, places, &c);
        for (int i = 0; i < 3; i++) {
            mst_buf_reset(&f->out);
            f->answer.prefix = MST_STR("data: {\"choices\":[");
            mst_sim_stream_next(&f->answer, &c, i == 1, &f->out, &s);
            mst_str_t line = mst_buf_view(&f->out), ping = crlf ? MST_STR(": ping\r\n\r\n") : MST_STR(": ping\n\n");
            assert_int_equal(mst_str_starts(line, ping), i % 2 == 0);
            line = i % 2 == 0 ? mst_str(line.p + ping.n, line.n - ping.n) : line;
            assert_true(mst_str_ends(line, crlf ? MST_STR("\r\n\r\n") : MST_STR("\n\n")));
            line = mst_str_trim(mst_str(line.p + 6, line.n - 6));
            assert_int_equal(mst_json_parse(f->parser, line, f->arena, &v, NULL, &err), i == 1 ? MST_PROTO : MST_OK);
        }
        tear_down(f);
    }
}

static void
test_sim_render_choices(void **state)
{
    (void)state;
    fixture_t *f = set_up("{\"n\":2,\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}", "", NULL);
    f->q.wish.logprobs = true;
    run_stream(f);
    assert_int_equal(f->kinds[MST_SIM_EV_ROLE], 2);
    assert_int_equal(f->kinds[MST_SIM_EV_FINISH], 2);
    assert_false(mst_str_eq(mst_buf_view(&f->text[0]), mst_buf_view(&f->text[1])));
    mst_buf_reset(&f->out);
    f->answer.format->whole(&f->answer, &f->out);
    const mst_json_t *v = parse(f, mst_buf_view(&f->out));
    assert_true(mst_str_eq(text_at(v, "choices.1.message.content"), mst_buf_view(&f->text[1])));
    assert_int_equal(number_at(v, "usage.completion_tokens"), f->tokens);
    tear_down(f);
}

static void
test_sim_render_stop_text(void **state)
{
    (void)state;
    fixture_t *f = set_up("{\"stop\":[\"nowhere\",\" text\",\"ed\\\"\"],"
                          "\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}",
                          "", TEXT);
    run_stream(f);
    assert_true(is(&f->text[0], "Some \"quot"));
    assert_string_equal(f->finish, "stop");
    assert_true(mst_str_eq_c(f->answer.choices[0].stop, "ed\""));
    tear_down(f);
}

#define TOOLS                                                                                                          \
    "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"other\"}},{\"type\":\"function\",\"function\":"        \
    "{\"name\":\"weather\",\"parameters\":{\"type\":\"object\",\"properties\":{\"city\":{\"type\":\"string\"},"        \
    "\"days\":{\"type\":\"integer\",\"minimum\":1000},\"unit\":{\"enum\":[\"C\",\"F\"]},"                              \
    "\"hours\":{\"type\":\"array\",\"items\":{\"type\":\"number\"}}}}}}]"

static void
test_sim_render_tool_calls(void **state)
{
    (void)state;
    fixture_t *f = set_up("{" TOOLS ",\"tool_choice\":{\"type\":\"function\",\"function\":{\"name\":\"weather\"}},"
                          "\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}",
                          "", NULL);
    run_stream(f);
    assert_string_equal(f->finish, "tool_calls");
    assert_true(f->kinds[MST_SIM_EV_TOOL] > 3);
    const mst_json_t *v = parse(f, mst_buf_view(&f->arguments));
    assert_true(text_at(v, "city").n > 0 && text_at(v, "unit").n == 1);
    assert_true(number_at(v, "days") >= 1000);
    assert_int_equal(mst_json_get(v, "hours")->count, 2);
    mst_buf_reset(&f->out);
    f->answer.format->whole(&f->answer, &f->out);
    v = parse(f, mst_buf_view(&f->out));
    assert_true(mst_str_eq_c(text_at(v, "choices.0.message.tool_calls.0.function.name"), "weather"));
    assert_true(
        mst_str_eq(text_at(v, "choices.0.message.tool_calls.0.function.arguments"), mst_buf_view(&f->arguments)));
    assert_true(mst_json_is(mst_json_path(v, MST_STR("choices.0.message.content")), MST_JSON_NULL));
    tear_down(f);
    // without insisting, only the option makes calls
    f = set_up("{" TOOLS ",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}", "", NULL);
    run_stream(f);
    assert_int_equal(f->kinds[MST_SIM_EV_TOOL], 0);
    tear_down(f);
    f = set_up("{" TOOLS ",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}", "", NULL);
    f->opts.tool_calls = 3;
    run_stream(f);
    assert_int_equal(f->answer.choices[0].part_count, 3);
    tear_down(f);
}

static void
test_sim_render_refusal_and_json(void **state)
{
    (void)state;
    fixture_t *f = set_up(HELLO, "", NULL);
    f->opts.p_refusal = 1;
    run_stream(f);
    assert_true(f->refusal.n > 0 && f->text[0].n == 0);
    assert_string_equal(f->finish, "stop");
    tear_down(f);
    f = set_up("{\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"schema\":{\"type\":\"object\","
               "\"properties\":{\"ok\":{\"type\":\"boolean\"},\"in\":{\"properties\":{\"x\":{\"const\":7}}}}}}},"
               "\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}",
               "", NULL);
    run_stream(f);
    const mst_json_t *v = parse(f, mst_buf_view(&f->text[0]));
    bool ok;
    assert_true(mst_json_bool(mst_json_get(v, "ok"), &ok));
    assert_int_equal(number_at(v, "in.x"), 7);
    tear_down(f);
}

// The log-probability of a text is a function of that text: a longer one begins with the same numbers.
static void
test_sim_render_prompt_logprobs(void **state)
{
    (void)state;
    static const char *const prompts[] = {"one two three", "one two three four"};
    double seen[2][4] = {{0}};
    for (int i = 0; i < 2; i++) {
        char body[128];
        snprintf(body, sizeof body,
                 "{\"prompt_logprobs\":2,\"return_token_ids\":true,\"messages\":[{\"role\":\"user\","
                 "\"content\":\"%s\"}]}",
                 prompts[i]);
        fixture_t *f = set_up(body, "", "ok");
        make(f);
        f->answer.format->whole(&f->answer, &f->out);
        const mst_json_t *v = parse(f, mst_buf_view(&f->out)), *list = mst_json_get(v, "prompt_logprobs");
        const mst_json_t *ids = mst_json_get(v, "prompt_token_ids");
        assert_true(list->count == ids->count && list->count >= 3);
        assert_true(mst_json_is(mst_json_at(list, 0), MST_JSON_NULL));
        for (uint32_t k = 1; k < 3; k++) {
            int64_t id;
            char key[24];
            assert_true(mst_json_i64(mst_json_at(ids, k), &id));
            snprintf(key, sizeof key, "%lld", (long long)id);
            const mst_json_t *own = mst_json_get(mst_json_at(list, k), key);
            assert_true(mst_json_f64(mst_json_get(own, "logprob"), &seen[i][k]) && seen[i][k] < 0);
            assert_int_equal(number_at(own, "rank"), seen[i][k] < -0.693147 ? 2 : 1);
        }
        tear_down(f);
    }
    assert_true(seen[0][1] == seen[1][1] && seen[0][2] == seen[1][2]);
}

static void
test_sim_render_vocab(void **state)
{
    (void)state;
    mst_sim_vocab_t *v = mst_sim_vocab_new(), *other = mst_sim_vocab_new();
    for (int i = 0; i < 3000; i++) {
        char token[16];
        snprintf(token, sizeof token, " %d", i);
        uint32_t id = mst_sim_vocab_id(v, mst_str_c(token));
        assert_int_equal(mst_sim_vocab_id(v, mst_str_c(token)), id);
        assert_int_equal(mst_sim_vocab_id(other, mst_str_c(token)), id);
        assert_true(mst_str_eq_c(mst_sim_vocab_text(v, id), token));
    }
    assert_true(mst_sim_vocab_text(v, UINT64_MAX).n > 0);
    mst_sim_vocab_free(&v);
    mst_sim_vocab_free(&other);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sim_render_stream),          cmocka_unit_test(test_sim_render_tokens_max),
        cmocka_unit_test(test_sim_render_given_logprobs),  cmocka_unit_test(test_sim_render_malformed_and_line_ends),
        cmocka_unit_test(test_sim_render_choices),         cmocka_unit_test(test_sim_render_stop_text),
        cmocka_unit_test(test_sim_render_tool_calls),      cmocka_unit_test(test_sim_render_refusal_and_json),
        cmocka_unit_test(test_sim_render_prompt_logprobs), cmocka_unit_test(test_sim_render_vocab),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
