// The plan of a case in several requests: what is asked, and what the answers come to.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "worker/core/plan.h"

static void
assert_str(mst_str_t s, const char *text)
{
    assert_int_equal(s.n, strlen(text));
    assert_memory_equal(s.p, text, s.n);
}

typedef struct {
    mst_request_cfg_t cfg;
    mst_case_t c;
    mst_plan_t *plan;
    mst_err_t err;
} fix_t;

static mst_rc
begin(fix_t *f, mst_request_kind_t kind)
{
    f->cfg.kind = kind;
    if (f->cfg.delimiter.p == NULL)
        f->cfg.delimiter = MST_STR(" ");
    f->c.id = MST_STR("c1");
    f->plan = mst_plan_new(&f->cfg, MST_STR_NULL, 0);
    return mst_plan_begin(f->plan, &f->c, &f->err);
}

static mst_completion_t
answer(const char *text, int64_t send_ns)
{
    return (mst_completion_t){.text = mst_str_c(text),
                              .send_mono_ns = send_ns,
                              .ttft_ns = 5,
                              .last_token_ns = 9,
                              .ttfb_ns = 4,
                              .ttfo_ns = 5,
                              .close_ns = 10,
                              .queue_ns = 1,
                              .prompt_tokens = 3,
                              .completion_tokens = 2,
                              .reasoning_tokens = MST_NONE,
                              .attempts = 1};
}

static mst_completion_t
likely(double loglik, int64_t send_ns)
{
    mst_completion_t c = answer("", send_ns);
    c.has_loglik = true;
    c.loglik = loglik;
    c.loglik_tokens = 2;
    return c;
}

static void
test_plan_conversation_inserts_answers(void **state)
{
    (void)state;
    fix_t f = {.c.messages = MST_STR("[{\"role\":\"system\",\"content\":\"s\"},{\"role\":\"user\",\"content\":\"a\"},"
                                     "{\"role\":\"user\",\"content\":\"b\"}]")};
    assert_int_equal(begin(&f, MST_REQUEST_CONVERSATION), MST_OK);
    const mst_ask_t *ask = mst_plan_ask(f.plan);
    assert_non_null(ask);
    assert_int_equal(ask->kind, MST_ASK_GENERATE);
    assert_str(ask->messages, "[{\"role\":\"system\",\"content\":\"s\"},{\"role\":\"user\",\"content\":\"a\"}]");
    mst_token_event_t ev[2] = {{.rx_ns = 5, .kind = MST_EV_CONTENT, .n_tokens = 1},
                               {.rx_ns = 9, .kind = MST_EV_CONTENT, .n_tokens = 1}};
    mst_completion_t one = answer("x\"y", 1000);
    one.events = ev;
    one.event_count = 2;
    assert_int_equal(mst_plan_take(f.plan, MST_OUT_SCORED, &one, &f.err), MST_OK);
    ask = mst_plan_ask(f.plan);
    assert_non_null(ask);
    assert_int_equal(ask->step_no, 1);
    assert_str(ask->messages, "[{\"role\":\"system\",\"content\":\"s\"},{\"role\":\"user\",\"content\":\"a\"},"
                              "{\"role\":\"assistant\",\"content\":\"x\\\"y\"},{\"role\":\"user\",\"content\":\"b\"}]");
    mst_completion_t two = answer("last", 1700);
    two.ttft_ns = 6;
    two.events = ev;
    two.event_count = 1;
    assert_int_equal(mst_plan_take(f.plan, MST_OUT_TRUNCATED, &two, &f.err), MST_OK);
    assert_null(mst_plan_ask(f.plan));
    mst_plan_count(f.plan, 3);
    assert_int_equal(mst_plan_finish(f.plan, &two), MST_OUT_TRUNCATED);
    assert_str(two.text, "last");
    assert_int_equal(two.ttft_ns, 6);
    assert_int_equal(two.send_mono_ns, 1700);
    assert_int_equal(two.event_count, 1);
    assert_int_equal(two.attempts, 3);
    assert_int_equal(two.step_count, 2);
    assert_int_equal(two.steps[1].at_ns, 700);
    assert_int_equal(mst_plan_events(f.plan).event_count, 3);
    mst_plan_free(&f.plan);
}

static void
test_plan_conversation_recorded_turns(void **state)
{
    (void)state;
    const char *text = "[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"assistant\",\"content\":\"A\"},"
                       "{\"role\":\"user\",\"content\":\"b\"},{\"role\":\"assistant\",\"content\":\"B\"}]";
    fix_t f = {.c.messages = mst_str_c(text)};
    assert_int_equal(begin(&f, MST_REQUEST_CONVERSATION), MST_INVAL);
    assert_non_null(strstr(f.err.message, "recorded_turns"));
    mst_plan_free(&f.plan);
    f.cfg.ask_recorded = true;
    assert_int_equal(begin(&f, MST_REQUEST_CONVERSATION), MST_OK);
    mst_completion_t one = answer("mine", 1);
    assert_int_equal(mst_plan_take(f.plan, MST_OUT_SCORED, &one, &f.err), MST_OK);
    assert_non_null(mst_plan_ask(f.plan));
    assert_str(mst_plan_ask(f.plan)->messages,
               "[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"assistant\",\"content\":\"mine\"},"
               "{\"role\":\"user\",\"content\":\"b\"}]");
    assert_int_equal(mst_plan_take(f.plan, MST_OUT_SCORED, &one, &f.err), MST_OK);
    assert_null(mst_plan_ask(f.plan));
    mst_plan_free(&f.plan);
}

static void
test_plan_choices_the_likeliest(void **state)
{
    (void)state;
    fix_t f = {.c = {.input = MST_STR("Q:"), .metadata = MST_STR("{\"choices\":[\"one\",\" two\",\"three\"]}")}};
    assert_int_equal(begin(&f, MST_REQUEST_MULTIPLE_CHOICE), MST_OK);
    const double ll[] = {-3.0, -1.5, -1.5};
    const char *const asked[] = {" one", " two", " three"};
    mst_completion_t c = likely(0, 0);
    for (size_t i = 0; i < 3; i++) {
        const mst_ask_t *ask = mst_plan_ask(f.plan);
        assert_non_null(ask);
        assert_int_equal(ask->kind, MST_ASK_LOGLIKELIHOOD);
        assert_str(ask->context, "Q:");
        assert_str(ask->continuation, asked[i]);
        c = likely(ll[i], (int64_t)(100 * i));
        assert_int_equal(mst_plan_take(f.plan, MST_OUT_SCORED, &c, &f.err), MST_OK);
    }
    assert_null(mst_plan_ask(f.plan));
    assert_int_equal(mst_plan_finish(f.plan, &c), MST_OUT_SCORED);
    assert_str(c.text, " two");
    assert_true(fabs(c.loglik + 1.5) < 1e-12);
    assert_int_equal(c.send_mono_ns, 100);
    mst_plan_free(&f.plan);
}

static void
test_plan_refuses_what_lacks_its_parts(void **state)
{
    (void)state;

    static const struct {
        mst_request_kind_t kind;
        mst_case_t c;
        const char *says;
    } rows[] = {
        {MST_REQUEST_MULTIPLE_CHOICE, {.input = {"q", 1}}, "0 choices"},
        {MST_REQUEST_MULTIPLE_CHOICE, {.input = {"q", 1}, .metadata = {"{\"choices\":[1,2]}", 17}}, "is no text"},
        {MST_REQUEST_MULTIPLE_CHOICE, {.input = {"q", 1}, .metadata = {"{\"choices\":", 11}}, "c1"},
        {MST_REQUEST_LOGLIKELIHOOD, {.input = {"q", 1}}, "neither an expected answer nor choices"},
        {MST_REQUEST_LOGLIKELIHOOD, {.expected = {"q", 1}, .has_expected = true}, "no input"},
        {MST_REQUEST_PERPLEXITY, {.id = {"x", 1}}, "no input"},
        {MST_REQUEST_CONVERSATION, {.id = {"x", 1}}, "neither messages nor input"},
        {MST_REQUEST_CONVERSATION, {.messages = {"{}", 2}}, "no list"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        fix_t f = {.c = rows[i].c};
        assert_int_equal(begin(&f, rows[i].kind),
                         rows[i].kind == MST_REQUEST_MULTIPLE_CHOICE && i == 2 ? MST_PROTO : MST_INVAL);
        assert_non_null(strstr(f.err.message, rows[i].says));
        mst_plan_free(&f.plan);
    }
}

static void
test_plan_an_answer_without_likelihood(void **state)
{
    (void)state;
    fix_t f = {.c = {.input = MST_STR("q"), .expected = MST_STR("a"), .has_expected = true}};
    assert_int_equal(begin(&f, MST_REQUEST_LOGLIKELIHOOD), MST_OK);
    mst_completion_t c = answer("x", 1);
    assert_int_equal(mst_plan_take(f.plan, MST_OUT_SCORED, &c, &f.err), MST_PROTO);
    c = likely((double)NAN, 1);
    assert_int_equal(mst_plan_take(f.plan, MST_OUT_SCORED, &c, &f.err), MST_PROTO);
    c = likely(-(double)INFINITY, 1);
    assert_int_equal(mst_plan_take(f.plan, MST_OUT_SCORED, &c, &f.err), MST_OK);
    assert_null(mst_plan_ask(f.plan));
    mst_plan_free(&f.plan);
}

// Every byte of the text is asked for once, in order, whatever window and stride are.
static void
test_plan_windows_cover_the_text_once(void **state)
{
    (void)state;
    static const char text[] = "Some words of \xc3\xa4 text that is long enough for several windows, "
                               "and\xe2\x82\xacwith-a-very-long-word-without-any-blank-in-it-at-all and an end";
    for (int64_t window = 16; window < 140; window += 7) {
        for (int64_t stride = 1; stride <= window; stride += 5) {
            fix_t f = {.c.input = mst_str(text, sizeof text - 1), .cfg = {.window = window, .stride = stride}};
            assert_int_equal(begin(&f, MST_REQUEST_PERPLEXITY), MST_OK);
            size_t at = 0;
            mst_completion_t c = likely(-1.0, 0);
            float lp[2] = {-0.25F, -0.75F};
            c.logprobs = lp;
            c.logprob_count = 2;
            uint32_t n = 0;
            for (const mst_ask_t *ask = mst_plan_ask(f.plan); ask != NULL; ask = mst_plan_ask(f.plan), n++) {
                assert_true(ask->continuation.p == text + at && ask->continuation.n > 0);
                assert_true(ask->context.n == 0 || ask->context.p + ask->context.n == ask->continuation.p);
                assert_int_equal(ask->kind, ask->context.n > 0 ? MST_ASK_LOGLIKELIHOOD : MST_ASK_ROLLING);
                assert_true((text[at] & 0xc0) != 0x80);
                at += ask->continuation.n;
                assert_int_equal(mst_plan_take(f.plan, MST_OUT_SCORED, &c, &f.err), MST_OK);
            }
            assert_int_equal(at, sizeof text - 1);
            mst_completion_t done = c;
            assert_int_equal(mst_plan_finish(f.plan, &done), MST_OUT_SCORED);
            assert_int_equal(done.logprob_count, 2 * n);
            assert_true(fabs(done.loglik + n) < 1e-9);
            assert_int_equal(done.text.n, sizeof text - 1);
            mst_plan_free(&f.plan);
        }
    }
}

// What is written reads back, and the view of the scored step is what the scorers saw.
static void
test_plan_steps_survive_storage(void **state)
{
    (void)state;
    fix_t f = {.c.messages = MST_STR("[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"user\",\"content\":\"b\"}]")};
    assert_int_equal(begin(&f, MST_REQUEST_CONVERSATION), MST_OK);
    mst_token_event_t ev[3] = {{.rx_ns = 5}, {.rx_ns = 9}, {.rx_ns = 11}};
    float lp[2] = {-1.0F, -2.0F};
    mst_completion_t c = answer("first", 10);
    c.events = ev;
    c.event_count = 2;
    c.logprobs = lp;
    c.logprob_count = 1;
    c.finish_reason = MST_STR("stop");
    assert_int_equal(mst_plan_take(f.plan, MST_OUT_SCORED, &c, &f.err), MST_OK);
    c = answer("second", 30);
    c.events = ev + 2;
    c.event_count = 1;
    c.logprobs = lp + 1;
    c.logprob_count = 1;
    assert_int_equal(mst_plan_take(f.plan, MST_OUT_EMPTY, &c, &f.err), MST_OK);
    assert_int_equal(mst_plan_finish(f.plan, &c), MST_OUT_EMPTY);
    mst_steps_t steps = mst_plan_steps(f.plan), back;
    mst_buf_t text;
    mst_buf_init(&text, 65536);
    mst_steps_write(&steps, &text);
    mst_json_parser_t *parser = mst_json_parser_new();
    mst_arena_t *arena = mst_arena_new(1 << 20);
    assert_int_equal(mst_steps_read(mst_buf_view(&text), parser, arena, &back, &f.err), MST_OK);
    assert_int_equal(back.count, 2);
    assert_int_equal(back.scored, 1);
    assert_str(back.kind, "conversation");
    assert_str(back.items[0].finish_reason, "stop");
    assert_int_equal(back.items[1].at_ns, 20);
    assert_int_equal(back.items[0].reasoning_tokens, MST_NONE);
    mst_completion_t stored = c;
    stored.events = ev;
    stored.event_count = 3;
    stored.logprobs = lp;
    stored.logprob_count = 2;
    mst_steps_apply(&back, &stored);
    assert_int_equal(stored.event_count, 1);
    assert_ptr_equal(stored.events, ev + 2);
    assert_ptr_equal(stored.logprobs, lp + 1);
    assert_int_equal(stored.send_mono_ns, 30);
    mst_steps_view(&back, 0, &stored);
    assert_str(stored.text, "first");
    assert_int_equal(stored.send_mono_ns, 10);
    mst_json_parser_free(&parser);
    mst_arena_free(&arena);
    mst_buf_deinit(&text);
    mst_plan_free(&f.plan);
}

static void
test_plan_steps_hostile(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "{}",
        "[]",
        "{\"steps\":1}",
        "{\"steps\":[1]}",
        "{\"steps\":[{}]}",
        "{\"steps\":[{\"ask\":\"generate\",\"outcome\":\"scored\",\"text\":\"\",\"token_source\":\"usage\","
        "\"events\":-1}]}",
        "{\"steps\":[{\"ask\":\"generate\",\"outcome\":\"no\",\"text\":\"\",\"token_source\":\"usage\"}]}",
    };
    mst_json_parser_t *parser = mst_json_parser_new();
    mst_arena_t *arena = mst_arena_new(1 << 20);
    mst_steps_t out;
    mst_err_t err;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(mst_steps_read(mst_str_c(bad[i]), parser, arena, &out, &err), MST_PROTO);
    // counts that the events do not bear out leave no events, and no crash
    const char *more =
        "{\"kind\":\"conversation\",\"scored\":0,\"steps\":[{\"ask\":\"generate\",\"outcome\":\"scored\","
        "\"text\":\"t\",\"token_source\":\"usage\",\"events\":4294967295,\"logprobs\":7}]}";
    assert_int_equal(mst_steps_read(mst_str_c(more), parser, arena, &out, &err), MST_OK);
    mst_token_event_t ev[1] = {{.rx_ns = 1}};
    mst_completion_t c = answer("x", 1);
    c.events = ev;
    c.event_count = 1;
    mst_steps_apply(&out, &c);
    assert_int_equal(c.event_count, 0);
    assert_int_equal(c.logprob_count, 0);
    mst_json_parser_free(&parser);
    mst_arena_free(&arena);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plan_conversation_inserts_answers),
        cmocka_unit_test(test_plan_conversation_recorded_turns),
        cmocka_unit_test(test_plan_choices_the_likeliest),
        cmocka_unit_test(test_plan_refuses_what_lacks_its_parts),
        cmocka_unit_test(test_plan_an_answer_without_likelihood),
        cmocka_unit_test(test_plan_windows_cover_the_text_once),
        cmocka_unit_test(test_plan_steps_survive_storage),
        cmocka_unit_test(test_plan_steps_hostile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
