// The simulated backend's pure parts: options, plans, tokens.
#include "sim/plan.h"
#include "sim/words.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static mst_sim_opts_t
defaults(void)
{
    mst_sim_opts_t o;
    mst_sim_defaults(&o);
    return o;
}

static mst_sim_plan_t
plan(const mst_sim_opts_t *o, const char *identity, uint64_t repeat, uint64_t attempt)
{
    mst_sim_plan_t p;
    mst_sim_asker_t who = {mst_str_c(identity), repeat, attempt, 0};
    mst_sim_plan(o, &who, &p);
    return p;
}

static void
test_sim_plan_same_asker_same_plan(void **state)
{
    (void)state;
    mst_sim_opts_t o = defaults();
    o.ttft_ms = 20;
    o.ttft_sigma = o.itl_sigma = 0.5;
    o.itl_ms = 5;
    o.p_429 = o.p_slow = 0.3;
    for (int i = 0; i < 100; i++) {
        char id[32];
        snprintf(id, sizeof id, "case-%d", i);
        mst_sim_plan_t a = plan(&o, id, 0, 1), b = plan(&o, id, 0, 1);
        assert_int_equal(a.fault, b.fault);
        assert_int_equal(a.ttft_ns, b.ttft_ns);
        assert_int_equal(a.tokens, b.tokens);
        for (int k = 0; k < 5; k++)
            assert_int_equal(mst_sim_plan_gap_ns(&o, &a), mst_sim_plan_gap_ns(&o, &b));
    }
}

static void
test_sim_plan_what_changes_it(void **state)
{
    (void)state;
    mst_sim_opts_t o = defaults(), other = o;
    other.seed = 2;
    mst_sim_plan_t a = plan(&o, "c", 0, 1), retry = plan(&o, "c", 0, 2), repeat = plan(&o, "c", 1, 1);
    // a retry asks for the same answer and meets other weather; a repeat asks anew
    assert_true(a.answer_seed == retry.answer_seed && a.attempt_seed != retry.attempt_seed);
    assert_true(a.answer_seed != repeat.answer_seed);
    assert_true(a.answer_seed != plan(&o, "d", 0, 1).answer_seed);
    assert_true(a.answer_seed != plan(&other, "c", 0, 1).answer_seed);
    mst_sim_asker_t who = {MST_STR("c"), 0, 1, 7};
    mst_sim_plan_t seeded;
    mst_sim_plan(&o, &who, &seeded);
    assert_true(a.answer_seed != seeded.answer_seed);
}

static void
test_sim_plan_fault_rates(void **state)
{
    (void)state;

    enum { N = 20000 };

    mst_sim_opts_t o = defaults();
    o.p_429 = 0.05;
    o.p_500 = 0.10;
    o.p_cut = 0.02;
    o.p_hang_before = 0.03;
    o.p_hang_after = 0.04;
    o.p_malformed = 0.06;
    o.p_slow = 0.20;
    const double wanted[] = {0.5, 0.05, 0.10, 0.02, 0.03, 0.04, 0.06, 0.20};
    unsigned seen[8] = {0}, again = 0, first = 0;
    for (int i = 0; i < N; i++) {
        char id[32];
        snprintf(id, sizeof id, "%d", i);
        mst_sim_fault_t fault = plan(&o, id, 0, 1).fault;
        seen[fault]++;
        first += fault == MST_SIM_FAULT_500;
        again += fault == MST_SIM_FAULT_500 && plan(&o, id, 0, 2).fault == MST_SIM_FAULT_500;
    }
    for (int i = 0; i < 8; i++) {
        double got = (double)seen[i] / N;
        assert_true(got > wanted[i] - 0.012 && got < wanted[i] + 0.012);
    }
    assert_true(again > 0 && again < first / 4); // attempts are independent: about one in ten
}

static int
compare(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static void
test_sim_plan_delays_are_log_normal(void **state)
{
    (void)state;

    enum { N = 4001 };

    mst_sim_opts_t o = defaults();
    o.ttft_ms = 40;
    o.ttft_sigma = 0.5;
    static int64_t ttft[N];
    for (int i = 0; i < N; i++) {
        char id[32];
        snprintf(id, sizeof id, "%d", i);
        ttft[i] = plan(&o, id, 0, 1).ttft_ns;
    }
    qsort(ttft, N, sizeof ttft[0], compare);
    double median = (double)ttft[N / 2] / 1e6, p84 = (double)ttft[(int)(N * 0.8413)] / 1e6;
    assert_true(median > 38 && median < 42);
    assert_true(p84 > 40 * 1.6487 * 0.94 && p84 < 40 * 1.6487 * 1.06); // exp(sigma) away from the median
    o.ttft_sigma = 0;
    assert_int_equal(plan(&o, "x", 0, 1).ttft_ns, 40000000);
    o.p_slow = 1;
    assert_int_equal(plan(&o, "x", 0, 1).ttft_ns, 400000000);
}

static void
test_sim_plan_steps(void **state)
{
    (void)state;
    mst_sim_opts_t o = defaults();
    o.itl_ms = 20;
    assert_int_equal(mst_sim_plan_align(&o, 123), 123);
    o.sync_steps = true;
    assert_int_equal(mst_sim_plan_align(&o, 123), 20000000);
    assert_int_equal(mst_sim_plan_align(&o, 40000000), 40000000);
    assert_int_equal(mst_sim_plan_align(&o, 40000001), 60000000);
}

static void
test_sim_words_tokens(void **state)
{
    (void)state;

    static const struct {
        const char *text, *tokens;
    } samples[] = {
        {"", ""},
        {"word", "word|"},
        {"a longer sentence", "a| long|er| sent|ence|"},
        {"  two", "  |two|"},
        {"a\n\n\n\n\nb", "a|\n\n\n\n|\nb|"},
        {"h\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9", "h\xc3\xa9\xc3\xa9\xc3\xa9|\xc3\xa9|"},
        {" \xf0\x9f\x98\x80", " \xf0\x9f\x98\x80|"},
        {"\xff\xfe", "\xff\xfe|"},
        {" ", " |"},
    };

    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        char got[128];
        size_t n = 0;
        uint32_t count = 0;
        for (mst_str_t rest = mst_str_c(samples[i].text); rest.n > 0; count++) {
            mst_str_t t = mst_sim_token(rest);
            assert_true(t.n > 0);
            memcpy(got + n, t.p, t.n);
            n += t.n;
            got[n++] = '|';
            rest = mst_str(rest.p + t.n, rest.n - t.n);
        }
        assert_true(mst_str_eq_c(mst_str(got, n), samples[i].tokens));
        assert_int_equal(mst_sim_token_count(mst_str_c(samples[i].text), UINT32_MAX), count);
    }
    assert_int_equal(mst_sim_token_count(MST_STR("a b c d e"), 3), 3);
}

static void
test_sim_words_count_is_exact(void **state)
{
    (void)state;
    mst_buf_t a, b;
    mst_buf_init(&a, 1 << 20);
    mst_buf_init(&b, 1 << 20);
    for (uint64_t seed = 0; seed < 200; seed++) {
        mst_buf_reset(&a);
        mst_buf_reset(&b);
        assert_int_equal(mst_sim_words(seed, 97, &a), MST_OK);
        assert_int_equal(mst_sim_words(seed, 97, &b), MST_OK);
        assert_int_equal(mst_sim_token_count(mst_buf_view(&a), UINT32_MAX), 97);
        assert_true(mst_str_eq(mst_buf_view(&a), mst_buf_view(&b)));
    }
    for (uint64_t i = 0; i < 64; i++)
        assert_int_equal(mst_sim_token(mst_sim_word(i)).n, mst_sim_word(i).n);
    mst_buf_deinit(&a);
    mst_buf_deinit(&b);
}

static void
refused(const char *name, const char *value, const char *part)
{
    mst_sim_opts_t o = defaults();
    mst_err_t err;
    assert_int_equal(mst_sim_opts_set(&o, name, value, &err), MST_INVAL);
    assert_non_null(strstr(err.message, part));
}

static void
test_sim_options_set(void **state)
{
    (void)state;
    mst_sim_opts_t o = defaults();
    mst_err_t err;
    assert_int_equal(mst_sim_opts_set(&o, "ttft-ms", "12.5", &err), MST_OK);
    assert_int_equal(mst_sim_opts_set(&o, "port", "65535", &err), MST_OK);
    assert_int_equal(mst_sim_opts_set(&o, "tokens_max", "7", &err), MST_OK);
    assert_int_equal(mst_sim_opts_set(&o, "seed", "18446744073709551615", &err), MST_OK);
    assert_int_equal(mst_sim_opts_set(&o, "echo", "true", &err), MST_OK);
    assert_int_equal(mst_sim_opts_set(&o, "replies", "x.jsonl", &err), MST_OK);
    assert_true(o.ttft_ms > 12.4 && o.ttft_ms < 12.6);
    assert_int_equal(o.port, 65535);
    assert_int_equal(o.tokens_max, 7);
    assert_true(o.seed == UINT64_MAX && o.echo);
    assert_string_equal(o.replies_path, "x.jsonl");
    refused("ttft_mss", "1", "did you mean \"ttft_ms\"");
    refused("ttft_ms", "-1", "between 0 and 3.6e+06");
    refused("ttft_ms", "nan", "must be a number");
    refused("port", "65536", "between 0 and 65535");
    refused("port", "-1", "whole number");
    refused("tokens_min", "0", "between 1 and");
    refused("p_429", "1.5", "between 0 and 1");
    refused("echo", "yes", "true or false");
}

static void
test_sim_options_json(void **state)
{
    (void)state;
    mst_json_parser_t *parser = mst_json_parser_new();
    mst_arena_t *arena = mst_arena_new(1 << 20);
    const mst_json_t *v;
    mst_err_t err;
    mst_sim_opts_t o = defaults();
    assert_int_equal(mst_json_parse(parser, MST_STR("{\"model\":\"m\",\"itl_ms\":3,\"port\":80,\"reasoning\":true}"),
                                    arena, &v, NULL, &err),
                     MST_OK);
    assert_int_equal(mst_sim_opts_json(&o, v, arena, &err), MST_OK);
    assert_string_equal(o.model, "m");
    assert_true(o.itl_ms > 2.9 && o.itl_ms < 3.1 && o.port == 80 && o.reasoning);
    static const char *const bad[] = {"[]",
                                      "{\"nope\":1}",
                                      "{\"port\":-1}",
                                      "{\"port\":1.5}",
                                      "{\"port\":\"1\"}",
                                      "{\"model\":1}",
                                      "{\"model\":\"a\\u0000b\"}",
                                      "{\"echo\":1}",
                                      "{\"p_cut\":2}"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(mst_json_parse(parser, mst_str_c(bad[i]), arena, &v, NULL, &err), MST_OK);
        assert_int_equal(mst_sim_opts_json(&o, v, arena, &err), MST_INVAL);
    }
    mst_arena_free(&arena);
    mst_json_parser_free(&parser);
}

static void
test_sim_options_check(void **state)
{
    (void)state;
    mst_sim_opts_t o = defaults();
    mst_err_t err;
    assert_int_equal(mst_sim_opts_check(&o, &err), MST_OK);
    o.p_429 = o.p_500 = 0.6;
    assert_int_equal(mst_sim_opts_check(&o, &err), MST_INVAL);
    assert_non_null(strstr(err.message, "add up to 1.2"));
    o = defaults();
    o.logprob_nan = o.logprob_null = 0.6;
    assert_int_equal(mst_sim_opts_check(&o, &err), MST_INVAL);
    o = defaults();
    o.tokens_min = 65;
    assert_int_equal(mst_sim_opts_check(&o, &err), MST_INVAL);
    o = defaults();
    o.sync_steps = true;
    assert_int_equal(mst_sim_opts_check(&o, &err), MST_INVAL);
    o = defaults();
    o.tokens_per_event = 0;
    assert_int_equal(mst_sim_opts_check(&o, &err), MST_INVAL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sim_plan_same_asker_same_plan),
        cmocka_unit_test(test_sim_plan_what_changes_it),
        cmocka_unit_test(test_sim_plan_fault_rates),
        cmocka_unit_test(test_sim_plan_delays_are_log_normal),
        cmocka_unit_test(test_sim_plan_steps),
        cmocka_unit_test(test_sim_words_tokens),
        cmocka_unit_test(test_sim_words_count_is_exact),
        cmocka_unit_test(test_sim_options_set),
        cmocka_unit_test(test_sim_options_json),
        cmocka_unit_test(test_sim_options_check),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
