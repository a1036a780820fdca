// Provider openai: the request that a case becomes, and the stamps that an exchange gives.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/base/limits.h"
#include "conformance/scoring.h"
#include "worker/provider/provider.h"

typedef struct {
    mst_arena_t *arena, *scratch;
    mst_json_parser_t *parser;
    const mst_provider_t *p;
} rig_t;

static int
set_up(void **state)
{
    rig_t *r = MST_NEW(rig_t);
    r->arena = mst_arena_new(16 * MST_MIB);
    r->scratch = mst_arena_new(16 * MST_MIB);
    r->parser = mst_json_parser_new();
    r->p = mst_provider_find(MST_STR("openai"));
    *state = r;
    return r->p == NULL;
}

static int
tear_down(void **state)
{
    rig_t *r = *state;
    mst_arena_free(&r->arena);
    mst_arena_free(&r->scratch);
    mst_json_parser_free(&r->parser);
    free(r);
    return 0;
}

static mst_rc
build(rig_t *r, const char *params, const mst_case_t *c, const char *system_prompt, mst_request_t *q, mst_err_t *err)
{
    const mst_json_t *obj = NULL;
    assert_int_equal(mst_json_parse(r->parser, mst_str_c(params), r->arena, &obj, NULL, err), MST_OK);
    mst_provider_cfg_t cfg = {.kind = &r->p->kind, .params = tst_params(r->p->kind.params, obj, r->arena)};
    mst_ask_t ask = {.c = c, .repeat_no = 2, .system_prompt = mst_str_c(system_prompt)};
    return r->p->build_request(&cfg, &ask, r->arena, q, err);
}

static void
equals(mst_str_t got, const char *want)
{
    if (!mst_str_eq_c(got, want))
        fail_msg("\"%.*s\" instead of \"%s\"", MST_FMT(got), want);
}

static void
body_is(void **state, const char *params, const mst_case_t *c, const char *system_prompt, const char *want)
{
    mst_request_t q;
    mst_err_t err = {0};
    if (build(*state, params, c, system_prompt, &q, &err) != MST_OK)
        fail_msg("%s", err.message);
    equals(q.body, want);
}

static void
refused(void **state, const char *params, const mst_case_t *c, const char *part)
{
    mst_request_t q;
    mst_err_t err = {0};
    assert_int_not_equal(build(*state, params, c, NULL, &q, &err), MST_OK);
    if (strstr(err.message, part) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", err.message, part);
}

static void
test_provider_request_sends_what_is_set(void **state)
{
    mst_case_t c = {.input = MST_STR("2+2 = \"?\"\n")};
    body_is(state, "{\"model\":\"m\"}", &c, NULL,
            "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"2+2 = \\\"?\\\"\\n\"}],\"stream\":true,"
            "\"stream_options\":{\"include_usage\":true}}");
    body_is(
        state, "{\"model_name\":\"m\",\"stream\":false}", &c, "be brief",
        "{\"model\":\"m\",\"messages\":[{\"role\":\"system\",\"content\":\"be brief\"},{\"role\":\"user\",\"content\":"
        "\"2+2 = \\\"?\\\"\\n\"}],\"stream\":false}");
    c.input = MST_STR("q");
    body_is(state,
            "{\"model\":\"m\",\"stream\":false,\"temperature\":0,\"top_p\":0.5,\"seed\":40,\"max_tokens\":9,\"stop\":["
            "\"a\","
            "\"b\"],\"presence_penalty\":-1.5,\"frequency_penalty\":1,\"top_logprobs\":3}",
            &c, NULL,
            "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"q\"}],\"temperature\":0.0,\"top_p\":0.5,"
            "\"presence_penalty\":-1.5,\"frequency_penalty\":1.0,\"seed\":42,\"max_completion_tokens\":9,"
            "\"stop\":[\"a\",\"b\"],\"logprobs\":true,\"top_logprobs\":3,\"stream\":false}");
}

static void
test_provider_request_max_tokens_by_server(void **state)
{
    mst_case_t c = {.input = MST_STR("q")};
    body_is(state, "{\"model\":\"m\",\"stream\":false,\"max_tokens\":9,\"base_url\":\"http://localhost:8000/v1\"}", &c,
            NULL,
            "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"q\"}],\"max_tokens\":9,\"stream\":false}");
    body_is(state, "{\"model\":\"m\",\"stream\":false,\"max_tokens\":9,\"max_tokens_field\":\"max_tokens\"}", &c, NULL,
            "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"q\"}],\"max_tokens\":9,\"stream\":false}");
}

static void
test_provider_request_extra_body_wins(void **state)
{
    mst_case_t c = {.input = MST_STR("q")};
    body_is(
        state,
        "{\"model\":\"m\",\"temperature\":1,\"extra_body\":{\"stream_options\":null,\"temperature\":0.25,\"top_k\":5}}",
        &c, NULL,
        "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"q\"}],\"stream\":true,"
        "\"stream_options\":null,\"temperature\":0.25,\"top_k\":5}");
}

static void
test_provider_request_conversations(void **state)
{
    mst_case_t c = {.messages =
                        MST_STR("[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"assistant\",\"content\":\"b\"}]")};
    body_is(
        state, "{\"model\":\"m\",\"stream\":false}", &c, "s",
        "{\"model\":\"m\",\"messages\":[{\"role\":\"system\",\"content\":\"s\"},{\"role\":\"user\",\"content\":\"a\"},"
        "{\"role\":\"assistant\",\"content\":\"b\"}],\"stream\":false}");
    c.messages = MST_STR("[{\"role\":\"developer\",\"content\":\"own\"}]");
    body_is(state, "{\"model\":\"m\",\"stream\":false}", &c, "s",
            "{\"model\":\"m\",\"messages\":[{\"role\":\"developer\",\"content\":\"own\"}],\"stream\":false}");
    c.messages = MST_STR("[]");
    refused(state, "{\"model\":\"m\"}", &c, "not a list with a message");
    c.messages = MST_STR("[{");
    refused(state, "{\"model\":\"m\"}", &c, "messages of the case");
}

static void
test_provider_request_address_and_headers(void **state)
{
    rig_t *r = *state;
    mst_case_t c = {.input = MST_STR("q")};
    mst_request_t q;
    mst_err_t err = {0};
    assert_int_equal(build(r, "{\"model\":\"m\"}", &c, NULL, &q, &err), MST_OK);
    equals(q.url, "https://api.openai.com/v1/chat/completions");
    assert_int_equal(q.auth_name.n, 0);
    assert_int_equal(q.split, MST_SPLIT_SSE);
    assert_int_equal(
        build(r,
              "{\"model\":\"m\",\"base_url\":\"http://[::1]:8000/v1/\",\"api_key\":\"env:KEY\",\"stream\":false,"
              "\"organization\":\"org\",\"headers\":{\"X-A\":\"1\",\"X-B\":\"\"}}",
              &c, NULL, &q, &err),
        MST_OK);
    equals(q.url, "http://[::1]:8000/v1/chat/completions");
    equals(q.auth_name, "Authorization");
    equals(q.auth_prefix, "Bearer ");
    assert_int_equal(q.split, MST_SPLIT_BODY);
    assert_int_equal(q.header_count, 5);
    equals(q.headers[0], "Content-Type: application/json");
    equals(q.headers[1], "Accept: application/json");
    equals(q.headers[2], "X-A: 1");
    equals(q.headers[3], "X-B: ");
    equals(q.headers[4], "OpenAI-Organization: org");
    assert_int_equal(
        build(r, "{\"model\":\"m\",\"base_url\":\"https://x/openai/chat/completions\"}", &c, NULL, &q, &err), MST_OK);
    equals(q.url, "https://x/openai/chat/completions");
}

static void
test_provider_request_refuses_what_would_break_it(void **state)
{
    mst_case_t c = {.input = MST_STR("q")};
    refused(state, "{\"model\":\"m\",\"base_url\":\"ftp://x\"}", &c, "is no http://");
    refused(state, "{\"model\":\"m\",\"base_url\":\"http://x/\\r\\nEvil: 1\"}", &c, "is no http://");
    refused(state, "{\"model\":\"m\",\"headers\":{\"A\":\"b\\r\\nEvil: 1\"}}", &c, "header \"A\"");
    refused(state, "{\"model\":\"m\",\"headers\":{\"A: b\":\"c\"}}", &c, "header \"A: b\"");
    refused(state, "{\"model\":\"m\",\"headers\":{\"\":\"c\"}}", &c, "header \"\"");
    refused(state, "{\"model\":\"m\",\"headers\":{\"A\":1}}", &c, "is not a string");
    refused(state, "{\"model\":\"m\",\"organization\":\"a\\nb\"}", &c, "OpenAI-Organization");
}

// A setting that a route does not have is said, not left out.
static void
test_provider_request_refuses_what_its_route_has_not(void **state)
{
    static const struct {
        const char *provider, *api, *setting, *value;
    } rows[] = {
        {"openai", "completions", "tools", "[]"},
        {"openai", "completions", "tool_choice", "\"auto\""},
        {"openai", "completions", "parallel_tool_calls", "false"},
        {"openai", "completions", "reasoning_effort", "\"low\""},
        {"vllm", "completions", "chat_template_kwargs", "{}"},
        {"sglang", "completions", "separate_reasoning", "false"},
        {"tgi", "completions", "tools", "[]"},
        {"tgi", "native", "parallel_tool_calls", "true"},
        {"tgi", "native", "dimensions", "3"},
        {"llamacpp", "native", "parallel_tool_calls", "true"},
        {"llamacpp", "native", "dimensions", "3"},
        {"llamacpp", "completions", "chat_template_kwargs", "{}"},
    };

    rig_t *r = *state;
    mst_case_t c = {.input = MST_STR("q")};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char params[256];
        (void)snprintf(params, sizeof params, "{\"model\":\"m\",\"api\":\"%s\",\"%s\":%s}", rows[i].api,
                       rows[i].setting, rows[i].value);
        r->p = mst_provider_find(mst_str_c(rows[i].provider));
        assert_non_null(r->p);
        refused(state, params, &c, rows[i].setting);
    }
}

static void
test_provider_stamps_are_of_the_completing_byte(void **state)
{
    rig_t *r = *state;
    static const char role[] = "data: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\n";
    static const char thought[] = "data: {\"choices\":[{\"delta\":{\"reasoning\":\"r\"}}]}\n\n";
    static const char text[] = "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n";
    static const char end[] = "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
    char bytes[1024];
    int n = snprintf(bytes, sizeof bytes, "%s%s%s%s%s", role, thought, text, text, end);
    uint32_t a = sizeof role - 1, b = sizeof thought - 1, c = sizeof text - 1, d = sizeof end - 1;
    // the last byte of the thought comes late; both texts come in one read
    mst_rx_t pieces[] = {
        {1100, a, false}, {1200, b - 1, false}, {1300, 1, false}, {1500, 2 * c, false}, {1900, d, false}};
    mst_exchange_t x = {.body = mst_str(bytes, (size_t)n),
                        .pieces = pieces,
                        .piece_count = 5,
                        .send_mono_ns = 1000,
                        .http_status = 200,
                        .split = MST_SPLIT_SSE};
    mst_decoder_t dec;
    mst_decoder_init(&dec, r->p, r->parser, r->arena, r->scratch);
    assert_int_equal(mst_decoder_run(&dec, &x), MST_OUT_SCORED);
    assert_int_equal(dec.c.send_mono_ns, 1000);
    assert_int_equal(dec.c.ttfb_ns, 100);
    assert_int_equal(dec.c.ttft_ns, 300);
    assert_int_equal(dec.c.ttfo_ns, 500);
    assert_int_equal(dec.c.last_token_ns, 500);
    assert_int_equal(dec.c.events[0].rx_ns, 100);
    assert_int_equal(dec.c.merged_reads, 2); // the second text, and [DONE] with the finish
    assert_int_equal(dec.c.completion_tokens, 3);
    assert_true(dec.c.streamed);
    mst_decoder_deinit(&dec);
}

static void
test_provider_body_has_no_first_token(void **state)
{
    rig_t *r = *state;
    static const char body[] = "{\"choices\":[{\"message\":{\"content\":\"a\"},\"finish_reason\":\"stop\"}]}";
    mst_rx_t pieces[] = {{1100, 10, false}, {1700, sizeof body - 11, false}};
    mst_exchange_t x = {.body = mst_str_c(body),
                        .pieces = pieces,
                        .piece_count = 2,
                        .send_mono_ns = 1000,
                        .http_status = 200,
                        .split = MST_SPLIT_BODY};
    mst_decoder_t d;
    mst_decoder_init(&d, r->p, r->parser, r->arena, r->scratch);
    assert_int_equal(mst_decoder_run(&d, &x), MST_OUT_SCORED);
    assert_int_equal(d.c.ttfb_ns, 100);
    assert_int_equal(d.c.ttft_ns, MST_NONE);
    assert_int_equal(d.c.last_token_ns, 700);
    assert_false(d.c.streamed);
    mst_decoder_deinit(&d);
}

static void
test_provider_caps_are_too_large(void **state)
{
    rig_t *r = *state;
    size_t count = 300, n = 0;
    char *bytes = malloc(count * 120);
    for (size_t i = 0; i < count; i++)
        n += (size_t)snprintf(bytes + n, 120,
                              "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":%zu}]}}]}\n\n", i);
    mst_exchange_t x = {.body = mst_str(bytes, n), .http_status = 200, .split = MST_SPLIT_SSE};
    mst_decoder_t d;
    mst_decoder_init(&d, r->p, r->parser, r->arena, r->scratch);
    assert_int_equal(mst_decoder_run(&d, &x), MST_OUT_TOO_LARGE);
    assert_non_null(strstr(d.c.error.message, "more than 256 tool calls"));
    mst_decoder_deinit(&d);
    free(bytes);
    // a small arena: the text does not fit
    mst_arena_t *small = mst_arena_new(8192);
    static const char body[] = "{\"choices\":[{\"message\":{\"content\":\"%s\"},\"finish_reason\":\"stop\"}]}";
    char *big = malloc(30000), *json = malloc(40000);
    memset(big, 'a', 30000);
    big[29999] = '\0';
    x.body = mst_str(json, (size_t)snprintf(json, 40000, body, big));
    x.split = MST_SPLIT_BODY;
    mst_decoder_init(&d, r->p, r->parser, small, r->scratch);
    assert_int_equal(mst_decoder_run(&d, &x), MST_OUT_TOO_LARGE);
    mst_decoder_deinit(&d);
    mst_arena_free(&small);
    free(big);
    free(json);
}

static void
test_provider_lines_are_events(void **state)
{
    rig_t *r = *state;
    static const char lines[] = "{\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\r\n"
                                "{\"choices\":[{\"delta\":{\"content\":\"b\"},\"finish_reason\":\"stop\"}]}";
    mst_exchange_t x = {.body = mst_str_c(lines), .http_status = 200, .split = MST_SPLIT_NDJSON};
    mst_decoder_t d;
    mst_decoder_init(&d, r->p, r->parser, r->arena, r->scratch);
    assert_int_equal(mst_decoder_run(&d, &x), MST_OUT_SCORED);
    equals(d.c.text, "ab");
    mst_decoder_deinit(&d);
    x.cut = true;
    x.body.n -= 3;
    mst_decoder_init(&d, r->p, r->parser, r->arena, r->scratch);
    assert_int_equal(mst_decoder_run(&d, &x), MST_OUT_CONNECTION_LOST);
    equals(d.c.text, "a");
    mst_decoder_deinit(&d);
}

static void
test_provider_table(void **state)
{
    (void)state;
    const mst_provider_t *const *all = mst_providers_all();
    for (size_t i = 0; all[i] != NULL; i++) {
        assert_true(i == 0 || strcmp(all[i - 1]->kind.name, all[i]->kind.name) < 0);
        assert_ptr_equal(mst_providers_kinds()[i], &all[i]->kind);
        assert_non_null(all[i]->build_request);
        for (const mst_param_t *p = all[i]->kind.params; p->name != NULL; p++)
            assert_non_null(p->help);
    }
    assert_ptr_equal(mst_provider_find(MST_STR("openai_compatible")), mst_provider_find(MST_STR("openai")));
    assert_null(mst_provider_find(MST_STR("nobody")));
    assert_null(mst_provider_find(MST_STR("")));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_provider_request_sends_what_is_set, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_provider_request_max_tokens_by_server, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_provider_request_extra_body_wins, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_provider_request_conversations, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_provider_request_address_and_headers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_provider_request_refuses_what_would_break_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_provider_request_refuses_what_its_route_has_not, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_provider_stamps_are_of_the_completing_byte, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_provider_body_has_no_first_token, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_provider_caps_are_too_large, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_provider_lines_are_events, set_up, tear_down),
        cmocka_unit_test(test_provider_table),
    };
    return cmocka_run_group_tests_name("provider", tests, NULL, NULL);
}
