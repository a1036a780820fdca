// Bodies of the simulated backend, read back as JSON; and the replies file.
#include "common/json/json.h"
#include "sim/render.h"
#include "sim/replies.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

typedef struct {
    mst_sim_opts_t opts;
    mst_sim_answer_t answer;
    mst_buf_t prefix, out, text, reasoning;
    mst_arena_t *arena;
    mst_json_parser_t *parser;
    uint32_t tokens;
    unsigned kinds[MST_SIM_EV_ERROR + 1];
    char finish[32];
} fixture_t;

static fixture_t *
set_up(const char *reasoning, const char *text)
{
    fixture_t *f = calloc(1, sizeof *f);
    assert_non_null(f);
    mst_sim_defaults(&f->opts);
    mst_buf_init(&f->prefix, 4096);
    mst_buf_init(&f->out, 1 << 20);
    mst_buf_init(&f->text, 1 << 20);
    mst_buf_init(&f->reasoning, 1 << 20);
    f->arena = mst_arena_new(16 << 20);
    f->parser = mst_json_parser_new();
    f->answer = (mst_sim_answer_t){.opts = &f->opts,
                                   .id = 0xab,
                                   .seed = 3,
                                   .model = MST_STR("m \"1\""),
                                   .reasoning = mst_str_c(reasoning),
                                   .text = mst_str_c(text),
                                   .prompt_tokens = 11,
                                   .tokens_max = UINT32_MAX,
                                   .malformed = UINT32_MAX};
    return f;
}

static void
tear_down(fixture_t *f)
{
    mst_buf_deinit(&f->prefix);
    mst_buf_deinit(&f->out);
    mst_buf_deinit(&f->text);
    mst_buf_deinit(&f->reasoning);
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

// Text of the tokens in a logprobs object; every number is negative and finite.
static uint32_t
read_logprobs(const mst_json_t *list, uint32_t top, mst_buf_t *text)
{
    mst_buf_init(text, 1 << 16);
    for (uint32_t i = 0; list != NULL && i < list->count; i++) {
        const mst_json_t *e = mst_json_at(list, i);
        double v;
        assert_true(mst_json_f64(mst_json_get(e, "logprob"), &v) && isfinite(v) && v < 0);
        mst_buf_add_str(text, text_at(e, "token"));
        assert_int_equal(mst_json_get(e, "bytes")->count, text_at(e, "token").n);
        assert_int_equal(mst_json_get(e, "top_logprobs")->count, top);
    }
    return list ? list->count : 0;
}

// Renders the whole stream and puts it together as a client would.
static void
run_stream(fixture_t *f)
{
    mst_sim_cursor_t c = {0};
    mst_sim_stream_prefix(&f->answer, &f->prefix);
    f->answer.prefix = mst_buf_view(&f->prefix);
    uint32_t token_events, events = mst_sim_stream_count(&f->answer, &token_events), seen = 0;
    while (c.next != MST_SIM_EV_END) {
        uint32_t tokens;
        mst_buf_reset(&f->out);
        mst_sim_event_kind_t kind = mst_sim_stream_next(&f->answer, &c, &f->out, &tokens);
        mst_str_t line = mst_buf_view(&f->out);
        f->kinds[kind]++;
        f->tokens += tokens;
        seen += tokens > 0;
        assert_true(mst_str_starts(line, MST_STR("data: ")) && mst_str_ends(line, MST_STR("\n\n")));
        assert_true(tokens <= f->opts.tokens_per_event);
        if (kind == MST_SIM_EV_DONE) {
            assert_true(mst_str_eq_c(line, "data: [DONE]\n\n"));
            continue;
        }
        const mst_json_t *v = parse(f, mst_str(line.p + 6, line.n - 8));
        assert_true(mst_str_eq_c(text_at(v, "model"), "m \"1\""));
        mst_str_t piece = text_at(v, "choices.0.delta.content"),
                  thought = text_at(v, "choices.0.delta.reasoning_content");
        mst_buf_add_str(&f->text, piece);
        mst_buf_add_str(&f->reasoning, thought);
        mst_str_t finish = text_at(v, "choices.0.finish_reason");
        if (finish.n > 0)
            snprintf(f->finish, sizeof f->finish, "%.*s", MST_FMT(finish));
        mst_buf_t joined;
        uint32_t entries =
            read_logprobs(mst_json_path(v, MST_STR("choices.0.logprobs.content")), f->answer.top_logprobs, &joined);
        if (f->answer.with_logprobs) {
            assert_int_equal(entries, tokens);
            assert_true(tokens == 0 || mst_str_eq(mst_buf_view(&joined), piece.n > 0 ? piece : thought));
        }
        mst_buf_deinit(&joined);
        if (kind == MST_SIM_EV_USAGE)
            assert_int_equal(number_at(v, "usage.completion_tokens"), f->tokens);
    }
    assert_int_equal(c.events, events);
    assert_int_equal(seen, token_events);
}

#define TEXT      "Some \"quoted\" text,\nwith \xc3\xa9t\xc3\xa9 and \xf0\x9f\x98\x80 in it."
#define REASONING "let me see"

static void
test_sim_render_stream(void **state)
{
    (void)state;
    for (uint32_t k = 1; k < 5; k++) {
        for (int logprobs = 0; logprobs < 2; logprobs++) {
            fixture_t *f = set_up(k % 2 ? REASONING : "", TEXT);
            f->opts.tokens_per_event = k;
            f->answer.with_logprobs = logprobs;
            f->answer.top_logprobs = logprobs ? k : 0;
            f->answer.include_usage = k > 2;
            run_stream(f);
            assert_true(mst_str_eq_c(mst_buf_view(&f->text), TEXT));
            assert_true(mst_str_eq_c(mst_buf_view(&f->reasoning), k % 2 ? REASONING : ""));
            assert_string_equal(f->finish, "stop");
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
            fixture_t *f = set_up(reasonings[i / 2], texts[i % 2]);
            f->answer.tokens_max = max;
            f->answer.include_usage = true;
            run_stream(f);
            bool whole = f->text.n == strlen(texts[i % 2]) && f->reasoning.n == strlen(reasonings[i / 2]);
            assert_string_equal(f->finish, whole ? "stop" : "length");
            assert_true(f->tokens <= max);
            mst_buf_reset(&f->out);
            assert_int_equal(mst_sim_render_completion(&f->answer, &f->out), f->tokens);
            const mst_json_t *v = parse(f, mst_buf_view(&f->out));
            assert_true(mst_str_eq(text_at(v, "choices.0.message.content"), mst_buf_view(&f->text)));
            assert_true(mst_str_eq(text_at(v, "choices.0.message.reasoning_content"), mst_buf_view(&f->reasoning)));
            assert_true(mst_str_eq_c(text_at(v, "choices.0.finish_reason"), f->finish));
            assert_int_equal(number_at(v, "usage.total_tokens"), 11 + f->tokens);
            tear_down(f);
        }
    }
}

static void
test_sim_render_whole_logprobs(void **state)
{
    (void)state;
    fixture_t *f = set_up(REASONING, TEXT);
    f->answer.with_logprobs = true;
    f->answer.top_logprobs = 3;
    uint32_t tokens = mst_sim_render_completion(&f->answer, &f->out);
    const mst_json_t *v = parse(f, mst_buf_view(&f->out));
    mst_buf_t joined;
    assert_int_equal(read_logprobs(mst_json_path(v, MST_STR("choices.0.logprobs.content")), 3, &joined), tokens);
    assert_true(mst_str_eq_c(mst_buf_view(&joined), REASONING TEXT));
    mst_buf_deinit(&joined);
    tear_down(f);
}

static void
test_sim_render_given_logprobs(void **state)
{
    (void)state;
    static const double given[] = {-0.25, (double)NAN, HUGE_VAL, -1.0000004};
    fixture_t *f = set_up("", "a b c d e");
    f->answer.with_logprobs = true;
    f->answer.logprobs = given;
    f->answer.logprob_count = 4;
    mst_sim_render_completion(&f->answer, &f->out);
    mst_buf_add_byte(&f->out, '\0');
    assert_non_null(strstr(f->out.p, "\"a\",\"logprob\":-0.250000,"));
    assert_non_null(strstr(f->out.p, "\" b\",\"logprob\":NaN,"));
    assert_non_null(strstr(f->out.p, "\" c\",\"logprob\":null,"));
    assert_non_null(strstr(f->out.p, "\" d\",\"logprob\":-1.000000,"));
    assert_non_null(strstr(f->out.p, "\" e\",\"logprob\":-"));
    tear_down(f);
}

static void
test_sim_render_malformed(void **state)
{
    (void)state;
    fixture_t *f = set_up("", "a b");
    mst_err_t err;
    const mst_json_t *v;
    f->answer.malformed = 1;
    mst_sim_cursor_t c = {0};
    mst_sim_stream_prefix(&f->answer, &f->prefix);
    f->answer.prefix = mst_buf_view(&f->prefix);
    for (uint32_t i = 0, tokens; i < 3; i++) {
        mst_buf_reset(&f->out);
        mst_sim_stream_next(&f->answer, &c, &f->out, &tokens);
        mst_rc rc = mst_json_parse(f->parser, mst_str(f->out.p + 6, f->out.n - 8), f->arena, &v, NULL, &err);
        assert_int_equal(rc, i == 1 ? MST_PROTO : MST_OK);
    }
    mst_buf_reset(&f->out);
    mst_sim_render_completion(&f->answer, &f->out);
    assert_int_equal(mst_json_parse(f->parser, mst_buf_view(&f->out), f->arena, &v, NULL, &err), MST_PROTO);
    tear_down(f);
}

// --- the replies file --------------------------------------------------------------------------------------

static mst_rc
open_text(const char *text, size_t n, mst_sim_replies_t **out, mst_err_t *err)
{
    char path[] = "/tmp/test_sim_replies.XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_true(write(fd, text, n) == (ssize_t)n);
    close(fd);
    mst_rc rc = mst_sim_replies_open(path, out, err);
    unlink(path);
    return rc;
}

static void
expect_reply(const mst_sim_replies_t *r, const char *id, const char *prompt, const char *text)
{
    const mst_sim_reply_t *reply = mst_sim_replies_find(r, mst_str_c(id), mst_str_c(prompt));
    assert_int_equal(reply != NULL, text != NULL);
    if (text != NULL)
        assert_true(mst_str_eq_c(reply->text, text));
}

static void
test_sim_replies_find(void **state)
{
    (void)state;
    static const char text[] =
        "\xef\xbb\xbf{\"id\":\"a\",\"reply\":\"by "
        "id\",\"finish_reason\":\"length\",\"reasoning\":\"hm\",\"logprobs\":[-1,null,\"NaN\"]}\r\n"
        "\n"
        "{\"id\":17,\"reply\":\"by number\"}\n"
        "{\"prompt\":\"hello\",\"reply\":\"by prompt\"}\n"
        // SHA-256 of "abc"
        "{\"prompt_sha256\":\"BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD\",\"reply\":\"by "
        "hash\"}\n"
        "{\"id\":\"a\",\"prompt\":\"again\",\"reply\":\"by id\"}"; // the same key twice, the same reply; no line end
    mst_sim_replies_t *r;
    mst_err_t err;
    if (open_text(text, sizeof text - 1, &r, &err) != MST_OK)
        fail_msg("%s", err.message);
    assert_int_equal(mst_sim_replies_count(r), 5);
    expect_reply(r, "a", "nothing", "by id");
    expect_reply(r, "17", "", "by number");
    expect_reply(r, "", "hello", "by prompt");
    expect_reply(r, "other", "abc", "by hash");
    expect_reply(r, "a", "hello", "by id"); // the id goes first
    expect_reply(r, "", "again", "by id");
    expect_reply(r, "b", "Hello", NULL);
    expect_reply(NULL, "a", "hello", NULL);
    const mst_sim_reply_t *a = mst_sim_replies_find(r, MST_STR("a"), MST_STR_NULL);
    assert_true(mst_str_eq_c(a->finish_reason, "length") && mst_str_eq_c(a->reasoning, "hm"));
    assert_int_equal(a->logprob_count, 3);
    assert_true(a->logprobs[0] < 0 && isinf(a->logprobs[1]) && isnan(a->logprobs[2]));
    mst_sim_replies_free(&r);
}

static void
test_sim_replies_refusals(void **state)
{
    (void)state;

    static const struct {
        const char *text;
        mst_rc rc;
        const char *part;
    } samples[] = {
        {"{\"id\":\"a\",\"reply\":\"x\"}\n\n{\"id\":\"b\",\"reply\":\n", MST_PROTO, "line 3: "},
        {"{\"id\":\"a\"}\n", MST_INVAL, "line 1: no \"reply\""},
        {"{\"id\":\"a\",\"reply\":1}", MST_INVAL, "line 1: no \"reply\""},
        {"[]", MST_INVAL, "line 1: no \"reply\""},
        {"{\"reply\":\"x\"}\n", MST_INVAL, "to find the reply by"},
        {"{\"id\":\"\",\"reply\":\"x\"}\n", MST_INVAL, "\"id\" is neither"},
        {"{\"id\":1.5,\"reply\":\"x\"}\n", MST_INVAL, "\"id\" is neither"},
        {"{\"prompt\":1,\"reply\":\"x\"}\n", MST_INVAL, "\"prompt\" is not a text"},
        {"{\"prompt_sha256\":\"abc\",\"reply\":\"x\"}\n", MST_INVAL, "64 hexadecimal"},
        {"{\"id\":\"a\",\"reply\":\"x\",\"finish_reason\":1}\n", MST_INVAL, "\"finish_reason\" is not a text"},
        {"{\"id\":\"a\",\"reply\":\"x\",\"logprobs\":1}\n", MST_INVAL, "not a list"},
        {"{\"id\":\"a\",\"reply\":\"x\",\"logprobs\":[\"y\"]}\n", MST_INVAL, "other than numbers"},
        {"{\"id\":\"a\",\"reply\":\"x\"}\n{\"id\":\"a\",\"reply\":\"y\"}\n", MST_CONFLICT,
         "line 2: same key as line 1"},
    };

    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        mst_sim_replies_t *r;
        mst_err_t err;
        assert_int_equal(open_text(samples[i].text, strlen(samples[i].text), &r, &err), samples[i].rc);
        assert_null(r);
        if (strstr(err.message, samples[i].part) == NULL)
            fail_msg("no %s in %s", samples[i].part, err.message);
    }
}

// A reply of a megabyte passes, a line over the maximum is refused.
static void
test_sim_replies_sizes(void **state)
{
    (void)state;
    size_t n = MST_JSONL_LINE_MAX + (1 << 20);
    char *text = malloc(n);
    assert_non_null(text);
    memset(text, 'x', n);
    static const char start[] = "{\"id\":\"a\",\"reply\":\"";
    memcpy(text, start, sizeof start - 1);
    size_t row = sizeof start - 1 + (1 << 20);
    memcpy(text + row, "\"}\n", 3);
    mst_sim_replies_t *r;
    mst_err_t err;
    assert_int_equal(open_text(text, row + 3, &r, &err), MST_OK);
    assert_int_equal(mst_sim_replies_find(r, MST_STR("a"), MST_STR_NULL)->text.n, 1 << 20);
    mst_sim_replies_free(&r);
    memset(text + row, 'x', 3);
    assert_int_equal(open_text(text, n, &r, &err), MST_LIMIT);
    assert_non_null(strstr(err.message, "line 1: the line is longer"));
    free(text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sim_render_stream),         cmocka_unit_test(test_sim_render_tokens_max),
        cmocka_unit_test(test_sim_render_whole_logprobs), cmocka_unit_test(test_sim_render_given_logprobs),
        cmocka_unit_test(test_sim_render_malformed),      cmocka_unit_test(test_sim_replies_find),
        cmocka_unit_test(test_sim_replies_refusals),      cmocka_unit_test(test_sim_replies_sizes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
