// How fast a backend is asked, and what a run may spend. No I/O, no clock: time is a number.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/prng.h"
#include "worker/core/budget.h"
#include "worker/core/flow.h"
#include "worker/core/throttle.h"

#define S MST_NS_PER_S

static mst_throttle_opts_t
adaptive(uint32_t most)
{
    return (mst_throttle_opts_t){
        .places = most, .adaptive = true, .start = 20, .least = 2, .growth = 1.05, .cut = 0.8, .cooldown_ns = 15 * S};
}

static void
clean_round(mst_throttle_t *p, int64_t now)
{
    for (uint32_t n = mst_throttle_places(p); n > 0; n--)
        mst_throttle_ended(p, now, MST_THROTTLE_CLEAN, 0);
}

static void
test_worker_throttle_doubles_then_creeps(void **state)
{
    (void)state;
    mst_throttle_t p;
    mst_throttle_opts_t o = adaptive(100);
    mst_throttle_init(&p, &o);
    assert_int_equal(mst_throttle_places(&p), 20);
    clean_round(&p, S);
    assert_int_equal(mst_throttle_places(&p), 40);
    clean_round(&p, S);
    clean_round(&p, S);
    assert_int_equal(mst_throttle_places(&p), 100); // at most
    mst_throttle_ended(&p, 2 * S, MST_THROTTLE_LIMITED, 0);
    assert_int_equal(mst_throttle_places(&p), 80);
    mst_throttle_ended(&p, 3 * S, MST_THROTTLE_LIMITED, 0); // the same episode
    assert_int_equal(mst_throttle_places(&p), 80);
    clean_round(&p, 10 * S); // in the cool-down
    assert_int_equal(mst_throttle_places(&p), 80);
    clean_round(&p, 18 * S);
    assert_int_equal(mst_throttle_places(&p), 84); // 5 %
    assert_int_equal(p.cuts, 1);
    assert_int_equal(p.raises, 4);
    assert_int_equal(p.lowest, 20);
}

static void
test_worker_throttle_retry_after_stretches(void **state)
{
    (void)state;
    mst_throttle_t p;
    mst_throttle_opts_t o = adaptive(100);
    mst_throttle_init(&p, &o);
    mst_throttle_ended(&p, S, MST_THROTTLE_LIMITED, 60 * S);
    assert_int_equal(mst_throttle_places(&p), 16);
    assert_int_equal(mst_throttle_when(&p, 2 * S, 0), 61 * S); // nothing starts before
    assert_int_equal(mst_throttle_when(&p, 61 * S, 0), 0);
    clean_round(&p, 40 * S);
    assert_int_equal(mst_throttle_places(&p), 16);
    mst_throttle_ended(&p, 62 * S, MST_THROTTLE_LIMITED, 0);
    assert_int_equal(mst_throttle_places(&p), 12);
}

static void
test_worker_throttle_trouble_and_retries_hold_it(void **state)
{
    (void)state;
    mst_throttle_t p;
    mst_throttle_opts_t o = adaptive(100);
    mst_throttle_init(&p, &o);
    for (int i = 0; i < 19; i++)
        mst_throttle_ended(&p, S, MST_THROTTLE_CLEAN, 0);
    mst_throttle_ended(&p, S, MST_THROTTLE_TROUBLE, 0);
    mst_throttle_ended(&p, S, MST_THROTTLE_CLEAN, 0);
    assert_int_equal(mst_throttle_places(&p), 20); // the round began anew
    for (int i = 0; i < 100; i++)
        mst_throttle_ended(&p, S, MST_THROTTLE_NEUTRAL, 0);
    assert_int_equal(mst_throttle_places(&p), 20);
    for (int i = 1; i < 100; i++)
        mst_throttle_ended(&p, 20 * i * S, MST_THROTTLE_LIMITED, 0);
    assert_int_equal(mst_throttle_places(&p), 2); // not below the least
    assert_int_equal(p.lowest, 2);
}

// Whatever happens: between the least and the most, and a fixed one never moves.
static void
test_worker_throttle_bounds(void **state)
{
    (void)state;
    mst_prng_t rng;
    mst_prng_seed(&rng, 7);
    for (int round = 0; round < 200; round++) {
        mst_throttle_opts_t o = adaptive(1 + (uint32_t)(mst_prng_unit(&rng) * 50));
        o.adaptive = round % 4 != 0;
        mst_throttle_t p;
        mst_throttle_init(&p, &o);
        int64_t now = 0;
        for (int i = 0; i < 500; i++) {
            now += (int64_t)(mst_prng_unit(&rng) * 5e9);
            mst_throttle_ended(&p, now, (mst_throttle_end_t)(mst_prng_unit(&rng) * 4),
                               (int64_t)(mst_prng_unit(&rng) * 3e9));
            assert_true(mst_throttle_places(&p) >= 1 && mst_throttle_places(&p) <= o.places);
            assert_true(o.adaptive || mst_throttle_places(&p) == o.places);
        }
    }
}

// A simulated minute after minute: never more than the limit and a second's worth.
static void
test_worker_throttle_requests_a_minute(void **state)
{
    (void)state;
    mst_throttle_t p;
    mst_throttle_opts_t o = {.places = 1000, .requests_per_minute = 120, .tokens_per_minute = 6000};
    mst_throttle_init(&p, &o);
    int64_t now = S, starts[2000];
    size_t count = 0;
    while (now < 300 * S && count < 2000) {
        int64_t at = mst_throttle_when(&p, now, 0);
        if (at != 0) {
            assert_true(at > now);
            now = at;
            continue;
        }
        starts[count++] = now;
        mst_throttle_started(&p, now, 50);
        mst_throttle_used(&p, 50, 100); // it took twice as many tokens: 60 a minute are left
    }
    for (size_t i = 0; i < count; i++) {
        size_t n = 0;
        while (i + n < count && starts[i + n] < starts[i] + 60 * S)
            n++;
        assert_true(n <= 62);
    }
    assert_true(count > 4 * 58); // and not much less than that
}

static void
test_worker_budget_holds_back(void **state)
{
    (void)state;
    mst_budget_t b = {.most = {.requests = 10, .tokens = 1000, .money = 1.0}};
    mst_spend_t need = {1, 300, 0.1}, used = {1, 100, 0.05};
    assert_true(mst_budget_any(&b));
    for (int i = 0; i < 3; i++) {
        assert_int_equal(mst_budget_ask(&b, &need), MST_BUDGET_GO);
        mst_budget_hold(&b, &need);
    }
    assert_int_equal(mst_budget_ask(&b, &need), MST_BUDGET_WAIT); // 1,200 tokens
    mst_budget_settle(&b, &need, &used);
    assert_int_equal(mst_budget_ask(&b, &need), MST_BUDGET_GO); // 100 + 900
    mst_budget_settle(&b, &need, &used);
    mst_budget_settle(&b, &need, &used);
    b.spent.tokens = 701;
    assert_int_equal(mst_budget_ask(&b, &need), MST_BUDGET_STOP);
    assert_string_equal(mst_budget_short(&b, &need), "tokens");
    b.spent = (mst_spend_t){10, 0, 0};
    assert_string_equal(mst_budget_short(&b, &need), "requests");
    b.spent = (mst_spend_t){0, 0, 0.95};
    assert_string_equal(mst_budget_short(&b, &need), "money");
}

// The flow with a budget: many in flight, each may take all that it needs, and the budget is never passed.
static void
test_worker_budget_in_the_flow(void **state)
{
    (void)state;
    mst_budget_t b = {.most = {.tokens = 1000}};
    mst_flow_opts_t o = {.concurrency = 64,
                         .retry = mst_retry_policy_default(),
                         .unreachable_ns = S,
                         .down_ns = S,
                         .endpoint = "",
                         .budget = &b};
    mst_flow_t *f = mst_flow_new(&o);
    mst_flow_effects_t fx = {0};
    mst_flow_case_t c[100] = {{0}};
    size_t kept = 0, given = 0;
    for (size_t i = 0; i < 100; i++) {
        c[i].need = (mst_spend_t){1, 90, 0};
        mst_flow_step(f, 0, &(mst_flow_event_t){.kind = MST_FE_GRANTED, .c = &c[i]}, &fx);
    }
    assert_int_equal(mst_flow_count(f, MST_FC_FLYING), 11);
    for (size_t i = 0; i < fx.count; i++) {
        mst_flow_effect_t e = fx.items[i];
        kept += e.kind == MST_FX_KEEP;
        given += e.kind == MST_FX_RETURN && e.cause == MST_GIVE_BUDGET;
        if (e.kind != MST_FX_START)
            continue;
        mst_flow_step(f, 0, &(mst_flow_event_t){.kind = MST_FE_ENDED, .c = e.c}, &fx);
        mst_flow_event_t v = {.kind = MST_FE_VERDICT, .c = e.c, .outcome = MST_OUT_SCORED, .http_status = 200};
        v.used = (mst_spend_t){1, i % 2 ? 90 : 30, 0};
        mst_flow_step(f, 0, &v, &fx);
        assert_true(b.spent.tokens + b.held.tokens <= 1000);
    }
    assert_int_equal(kept + given, 100);
    assert_true(kept > 11 && given > 0);
    assert_true(b.spent.tokens + 90 > 1000);
    assert_non_null(strstr(mst_flow_budget_text(f), "budget of 1000 tokens"));
    mst_flow_free(&f);
    mst_flow_effects_deinit(&fx);
}

// All cases fail for ever: the tries together stay within the share.
static void
test_worker_retry_budget(void **state)
{
    (void)state;
    mst_flow_opts_t o = {.concurrency = 10, .retry = mst_retry_policy_default(), .endpoint = "", .retry_share = 0.1};
    o.unreachable_ns = o.down_ns = 1000 * S;
    mst_flow_t *f = mst_flow_new(&o);
    mst_flow_effects_t fx = {0};
    mst_flow_case_t *c = calloc(3000, sizeof *c);
    mst_err_t err = {.rc = MST_IO, .retry = MST_RETRY_NOW};
    int64_t now = 0;
    assert_non_null(c);
    for (size_t i = 0; i < 3000; i++)
        mst_flow_step(f, now, &(mst_flow_event_t){.kind = MST_FE_GRANTED, .c = &c[i]}, &fx);
    for (size_t i = 0; i < fx.count; i++) {
        mst_flow_effect_t e = fx.items[i];
        if (e.kind != MST_FX_START)
            continue;
        mst_flow_step(f, now, &(mst_flow_event_t){.kind = MST_FE_ENDED, .c = e.c}, &fx);
        mst_flow_event_t v = {
            .kind = MST_FE_VERDICT, .c = e.c, .outcome = MST_OUT_PROVIDER_ERROR, .err = &err, .http_status = 500};
        mst_flow_step(f, now, &v, &fx);
    }
    assert_int_equal(mst_flow_count(f, MST_FC_READY) + mst_flow_count(f, MST_FC_WAITING), 0);
    assert_true(mst_flow_retries(f) >= 100 && mst_flow_retries(f) <= 3000 / 10 + 100);
    free(c);
    mst_flow_free(&f);
    mst_flow_effects_deinit(&fx);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_worker_throttle_doubles_then_creeps),
        cmocka_unit_test(test_worker_throttle_retry_after_stretches),
        cmocka_unit_test(test_worker_throttle_trouble_and_retries_hold_it),
        cmocka_unit_test(test_worker_throttle_bounds),
        cmocka_unit_test(test_worker_throttle_requests_a_minute),
        cmocka_unit_test(test_worker_budget_holds_back),
        cmocka_unit_test(test_worker_budget_in_the_flow),
        cmocka_unit_test(test_worker_retry_budget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
