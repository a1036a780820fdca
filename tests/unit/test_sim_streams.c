// How the simulated backend streams and fails: the options of the way, faults drawn and by schedule, several ports.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sim/dialect.h"
#include "sim/faults.h"
#include "sim_client.h"

// The bodies of the chunks of a chunked answer, joined.
static char *
unchunk(const char *answer)
{
    const char *p = strstr(answer, "\r\n\r\n");
    assert_non_null(p);
    char *out = calloc(1, strlen(answer) + 1), *to = out;
    assert_non_null(out);
    for (p += 4;;) {
        char *end;
        unsigned long n = strtoul(p, &end, 16);
        if (n == 0)
            return out;
        memcpy(to, end + 2, n);
        to += n;
        p = end + 2 + n + 2;
    }
}

static char *
stream_of(const mst_sim_opts_t *o)
{
    mst_sim_t *s = start(o);
    char *a = ask(s, "x-request-id: r\r\n", HELLO_STREAM), *body = unchunk(a);
    free(a);
    mst_sim_stop(&s);
    return body;
}

static mst_sim_opts_t
twelve_tokens(void)
{
    mst_sim_opts_t o = defaults();
    o.tokens_min = o.tokens_max = 12;
    return o;
}

// However a stream is sent, its bytes are the same.
static void
test_sim_streams_the_way_changes_no_byte(void **state)
{
    (void)state;
    mst_sim_opts_t o = twelve_tokens();
    char *plain = stream_of(&o);
    for (int i = 0; i < 6; i++) {
        o = twelve_tokens();
        o.split_writes = i == 0 ? 3 : i == 1 ? 1000 : 1;
        o.split_ms = i == 0 ? 1 : 0;
        o.ttft_ms = i > 1 ? 2 : 0;
        o.itl_ms = i > 2 ? 1 : 0;
        o.burst = i == 3 ? 5 : 1;
        o.head_late = i == 4;
        o.prefill_stall_ms = i == 5 ? 2 : 0;
        char *other = stream_of(&o);
        assert_string_equal(plain, other);
        free(other);
    }
    free(plain);
}

static void
test_sim_streams_line_ends_and_pings(void **state)
{
    (void)state;
    mst_sim_opts_t o = twelve_tokens();
    char *plain = stream_of(&o);
    o.crlf = true;
    o.ping_every = 1;
    char *other = stream_of(&o);
    assert_int_equal(count(other, ": ping\r\n\r\n"), 16); // role, 12 tokens, finish, usage, done
    assert_int_equal(count(other, "\n"), count(other, "\r\n"));
    char *to = other; // without both, the same
    for (const char *p = other; *p != '\0';) {
        if (strncmp(p, ": ping\r\n\r\n", 10) == 0)
            p += 10;
        else if (*p == '\r')
            p++;
        else
            *to++ = *p++;
    }
    *to = '\0';
    assert_string_equal(plain, other);
    free(plain);
    free(other);
}

static void
test_sim_streams_tokens_per_event(void **state)
{
    (void)state;
    mst_sim_opts_t o = twelve_tokens();
    o.tokens_per_event = 5;
    char *a = stream_of(&o);
    assert_int_equal(count(a, "\"content\":\" "), 2); // and the first, without a blank
    free(a);
    o.tokens_per_event = 1;
    o.tokens_per_event_max = 4;
    a = stream_of(&o);
    size_t events = count(a, "\"delta\":{\"content\":");
    assert_true(events > 3 && events < 12);
    free(a);
}

static void
test_sim_streams_usage(void **state)
{
    (void)state;
    mst_sim_opts_t o = twelve_tokens();
    o.usage = MST_SIM_USAGE_ABSENT;
    char *a = stream_of(&o);
    assert_int_equal(count(a, "usage"), 0);
    free(a);
    o.usage = MST_SIM_USAGE_ZERO;
    o.usage_delay_ms = 3;
    a = stream_of(&o);
    assert_int_equal(count(a, "\"completion_tokens\":0"), 1);
    assert_int_equal(count(a, "[DONE]"), 1);
    free(a);
}

static void
test_sim_streams_error_inside(void **state)
{
    (void)state;
    mst_sim_opts_t o = twelve_tokens();
    o.p_error = 1;
    o.dialect = MST_SIM_VLLM;
    char *a = stream_of(&o);
    assert_int_equal(count(a, "data: {\"error\":{"), 1);
    assert_int_equal(count(a, "data: [DONE]"), 1);            // it comes all the same
    assert_int_equal(count(a, "\"delta\":{\"content\":"), 6); // half of the tokens
    assert_int_equal(count(a, "\"finish_reason\":\"stop\""), 0);
    free(a);
    mst_sim_t *s = start(&o); // not streamed: there is no middle
    expect(s, "", HELLO, 500, "InternalServerError");
    mst_sim_stop(&s);
}

static void
test_sim_streams_schedule(void **state)
{
    (void)state;
    mst_sim_schedule_t plan;
    mst_err_t err;
    assert_int_equal(mst_sim_schedule_read(" 429@2, cut@4-5,slow@1.5s , 500@3s-5s", &plan, &err), MST_OK);
    assert_int_equal(plan.count, 4);
    int64_t s = 1000000000;
    assert_int_equal(mst_sim_schedule_find(&plan, 1, 0, MST_SIM_FAULT_NONE), MST_SIM_FAULT_NONE);
    assert_int_equal(mst_sim_schedule_find(&plan, 2, 0, MST_SIM_FAULT_NONE), MST_SIM_FAULT_429);
    assert_int_equal(mst_sim_schedule_find(&plan, 5, 0, MST_SIM_FAULT_500), MST_SIM_FAULT_CUT);
    assert_int_equal(mst_sim_schedule_find(&plan, 6, 0, MST_SIM_FAULT_500), MST_SIM_FAULT_500);
    assert_int_equal(mst_sim_schedule_find(&plan, 7, 2 * s, MST_SIM_FAULT_NONE), MST_SIM_FAULT_SLOW);
    assert_int_equal(mst_sim_schedule_find(&plan, 8, 2 * s, MST_SIM_FAULT_NONE), MST_SIM_FAULT_NONE); // only once
    assert_int_equal(mst_sim_schedule_find(&plan, 9, 4 * s, MST_SIM_FAULT_NONE), MST_SIM_FAULT_500);
    static const char *const bad[] = {"429",      "what@1",  "429@", "429@x",  "429@5-3",
                                      "429@1-2s", "429@-1s", "@1",   "429@1,,"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(mst_sim_schedule_read(bad[i], &plan, &err), MST_INVAL);
        assert_non_null(strstr(err.message, "faults has \""));
    }
    mst_sim_opts_t o = defaults();
    o.faults = "503@2,429@3";
    mst_sim_t *sim = start(&o);
    expect(sim, "", HELLO, 200, "chat.completion");
    expect(sim, "", HELLO, 503, "overloaded");
    expect(sim, "", HELLO, 429, "Retry-After: 1");
    expect(sim, "", HELLO, 200, "chat.completion");
    mst_sim_stop(&sim);
}

static void
test_sim_streams_context_length(void **state)
{
    (void)state;
    mst_sim_opts_t o = defaults();
    o.context_length = 6;
    mst_sim_t *s = start(&o);
    expect(s, "", HELLO, 200, "chat.completion");
    expect(s, "", "{\"max_tokens\":50,\"messages\":[{\"role\":\"user\",\"content\":\"hello\"}]}", 400,
           "context_length_exceeded");
    mst_sim_stop(&s);
}

// Ports of their own have only the routes and the shapes of their dialect.
static void
test_sim_streams_ports(void **state)
{
    (void)state;
    mst_sim_opts_t o = defaults();
    mst_err_t err;
    const char *name = NULL;
    o.dialect = MST_SIM_ANTHROPIC;
    o.listen = "vllm@0, tei";
    mst_sim_t *s = start(&o);
    assert_true(mst_sim_port_at(s, 0, &name) == mst_sim_port(s));
    assert_string_equal(name, "anthropic");
    assert_true(mst_sim_port_at(s, 1, &name) != 0);
    assert_string_equal(name, "vllm");
    assert_true(mst_sim_port_at(s, 2, &name) != 0);
    assert_string_equal(name, "tei");
    assert_int_equal(mst_sim_port_at(s, 3, &name), 0);
    expect(s, "", HELLO, 404, "\"type\":\"not_found_error\""); // chat completions at Anthropic
    mst_sim_stop(&s);
    static const char *const bad[] = {"nobody@1", "vllm@70000", "vllm@x", "@1", "vllm@1,,"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        o.listen = bad[i];
        assert_int_equal(mst_sim_opts_check(&o, &err), MST_INVAL);
        assert_non_null(strstr(err.message, "listen has \""));
    }
}

static void
test_sim_streams_choices_of_words(void **state)
{
    (void)state;
    mst_sim_opts_t o = defaults();
    mst_err_t err;
    assert_int_equal(mst_sim_opts_set(&o, "dialect", "ollama", &err), MST_OK);
    assert_int_equal(o.dialect, MST_SIM_OLLAMA);
    assert_int_equal(mst_sim_opts_set(&o, "usage", "zero", &err), MST_OK);
    assert_int_equal(o.usage, MST_SIM_USAGE_ZERO);
    assert_int_equal(mst_sim_opts_set(&o, "usage", "zer", &err), MST_INVAL);
    assert_non_null(strstr(err.message, "exact|absent|zero"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sim_streams_the_way_changes_no_byte),
        cmocka_unit_test(test_sim_streams_line_ends_and_pings),
        cmocka_unit_test(test_sim_streams_tokens_per_event),
        cmocka_unit_test(test_sim_streams_usage),
        cmocka_unit_test(test_sim_streams_error_inside),
        cmocka_unit_test(test_sim_streams_schedule),
        cmocka_unit_test(test_sim_streams_context_length),
        cmocka_unit_test(test_sim_streams_ports),
        cmocka_unit_test(test_sim_streams_choices_of_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
