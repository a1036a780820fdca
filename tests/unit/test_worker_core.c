// The worker's core: flow of cases, retry, breaker, credit. No I/O, no clock: time is a number.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/limits.h"
#include "worker/core/breaker.h"
#include "worker/core/credit.h"
#include "worker/core/flow.h"

#define MS MST_NS_PER_MS

static mst_flow_opts_t
options(uint32_t concurrency)
{
    mst_flow_opts_t o = {.concurrency = concurrency,
                         .retry = mst_retry_policy_default(),
                         .unreachable_ns = 3000 * MS,
                         .down_ns = 30000 * MS,
                         .endpoint = "http://127.0.0.1:9/v1",
                         .seed = 1};
    return o;
}

static size_t
count(const mst_flow_effects_t *fx, mst_flow_effect_kind_t kind)
{
    size_t n = 0;
    for (size_t i = 0; i < fx->count; i++)
        n += fx->items[i].kind == kind;
    return n;
}

static void
grant(mst_flow_t *f, mst_flow_case_t *c, uint64_t lease, int64_t now, mst_flow_effects_t *fx)
{
    c->lease_id = lease;
    mst_flow_step(f, now, &(mst_flow_event_t){.kind = MST_FE_GRANTED, .c = c}, fx);
}

static void
ended(mst_flow_t *f, mst_flow_case_t *c, int64_t now, mst_flow_effects_t *fx)
{
    mst_flow_step(f, now, &(mst_flow_event_t){.kind = MST_FE_ENDED, .c = c}, fx);
}

static void
measured(mst_flow_t *f, mst_flow_case_t *c, int64_t now, mst_flow_effects_t *fx)
{
    ended(f, c, now, fx);
    mst_flow_step(
        f, now, &(mst_flow_event_t){.kind = MST_FE_VERDICT, .c = c, .outcome = MST_OUT_SCORED, .http_status = 200}, fx);
}

static void
failed_with(mst_flow_t *f, mst_flow_case_t *c, int64_t now, int status, mst_retry_t retry, mst_flow_effects_t *fx)
{
    mst_err_t err = {.rc = MST_IO, .retry = retry, .message = "it failed"};
    mst_flow_event_t e = {
        .kind = MST_FE_VERDICT, .c = c, .err = &err, .http_status = status, .unreachable = status == 0};
    e.outcome = status == 0 ? MST_OUT_CONNECTION_LOST : MST_OUT_PROVIDER_ERROR;
    ended(f, c, now, fx);
    mst_flow_step(f, now, &e, fx);
}

static void
mode(mst_flow_t *f, mst_flow_mode_t m, mst_flow_effects_t *fx)
{
    mst_flow_step(f, 0, &(mst_flow_event_t){.kind = MST_FE_MODE, .mode = m}, fx);
}

static void
test_worker_core_fills_places(void **state)
{
    (void)state;
    mst_flow_opts_t o = options(3);
    mst_flow_t *f = mst_flow_new(&o);
    mst_flow_effects_t fx = {0};
    mst_flow_case_t c[5] = {{0}};
    for (size_t i = 0; i < 5; i++)
        grant(f, &c[i], 1, 0, &fx);
    assert_int_equal(count(&fx, MST_FX_START), 3);
    assert_ptr_equal(fx.items[0].c, &c[0]);
    assert_int_equal(mst_flow_count(f, MST_FC_FLYING), 3);
    assert_int_equal(mst_flow_count(f, MST_FC_READY), 2);
    mst_flow_effects_reset(&fx);
    ended(f, &c[1], 5, &fx); // its place is free before its verdict is known
    assert_int_equal(fx.count, 1);
    assert_ptr_equal(fx.items[0].c, &c[3]);
    assert_int_equal(c[3].tries, 1);
    mst_flow_free(&f);
    mst_flow_effects_deinit(&fx);
}

static void
test_worker_core_hold_starts_nothing(void **state)
{
    (void)state;
    mst_flow_opts_t o = options(3);
    mst_flow_t *f = mst_flow_new(&o);
    mst_flow_effects_t fx = {0};
    mst_flow_case_t c = {0};
    mst_flow_step(f, 0, &(mst_flow_event_t){.kind = MST_FE_HOLD, .hold = true}, &fx);
    grant(f, &c, 1, 0, &fx);
    assert_int_equal(fx.count, 0);
    mst_flow_step(f, 0, &(mst_flow_event_t){.kind = MST_FE_HOLD, .hold = false}, &fx);
    assert_int_equal(count(&fx, MST_FX_START), 1);
    mst_flow_free(&f);
    mst_flow_effects_deinit(&fx);
}

static void
test_worker_core_retries_then_keeps_failure(void **state)
{
    (void)state;
    mst_flow_opts_t o = options(1);
    mst_flow_t *f = mst_flow_new(&o);
    mst_flow_effects_t fx = {0};
    mst_flow_case_t c = {0};
    int64_t now = 0;
    grant(f, &c, 1, now, &fx);
    for (uint32_t i = 1; i < o.retry.tries_max; i++) {
        mst_flow_effects_reset(&fx);
        failed_with(f, &c, now, 500, MST_RETRY_LATER, &fx);
        assert_int_equal(count(&fx, MST_FX_AGAIN), 1);
        int64_t due = mst_flow_due(f, 0);
        assert_true(due >= now && due <= now + (500 << (i - 1)) * MS);
        now = due;
        mst_flow_step(f, now, &(mst_flow_event_t){.kind = MST_FE_TICK}, &fx);
        assert_int_equal(count(&fx, MST_FX_START), 1);
        assert_int_equal(c.tries, i + 1);
    }
    mst_flow_effects_reset(&fx);
    failed_with(f, &c, now, 500, MST_RETRY_LATER, &fx);
    assert_int_equal(fx.count, 1);
    assert_int_equal(fx.items[0].kind, MST_FX_KEEP);
    assert_int_equal(c.state, MST_FC_DONE);
    mst_flow_free(&f);
    mst_flow_effects_deinit(&fx);
}

static void
test_worker_core_drain_gives_back_the_unstarted(void **state)
{
    (void)state;
    mst_flow_opts_t o = options(1);
    mst_flow_t *f = mst_flow_new(&o);
    mst_flow_effects_t fx = {0};
    mst_flow_case_t c[3] = {{0}};
    for (size_t i = 0; i < 3; i++)
        grant(f, &c[i], 1, 0, &fx);
    mst_flow_effects_reset(&fx);
    mode(f, MST_FLOW_DRAIN, &fx);
    assert_int_equal(count(&fx, MST_FX_RETURN), 2);
    assert_int_equal(count(&fx, MST_FX_ABORT), 0);
    assert_int_equal(fx.items[0].cause, MST_GIVE_DRAIN);
    mst_flow_effects_reset(&fx);
    failed_with(f, &c[0], 1, 429, MST_RETRY_LATER, &fx); // no second try while draining
    assert_int_equal(fx.count, 1);
    assert_int_equal(fx.items[0].kind, MST_FX_RETURN);
    mst_flow_case_t late = {0};
    mst_flow_effects_reset(&fx);
    grant(f, &late, 2, 2, &fx);
    assert_int_equal(count(&fx, MST_FX_RETURN), 1);
    mst_flow_free(&f);
    mst_flow_effects_deinit(&fx);
}

static void
test_worker_core_stop_aborts(void **state)
{
    (void)state;
    mst_flow_opts_t o = options(2);
    mst_flow_t *f = mst_flow_new(&o);
    mst_flow_effects_t fx = {0};
    mst_flow_case_t c[4] = {{0}};
    for (size_t i = 0; i < 4; i++)
        grant(f, &c[i], 1, 0, &fx);
    ended(f, &c[0], 1, &fx); // its verdict is still to come
    mst_flow_effects_reset(&fx);
    mode(f, MST_FLOW_STOP, &fx);
    assert_int_equal(count(&fx, MST_FX_ABORT), 2);
    assert_int_equal(count(&fx, MST_FX_RETURN), 3);
    mst_flow_effects_reset(&fx);
    mst_flow_step(f, 2, &(mst_flow_event_t){.kind = MST_FE_VERDICT, .c = &c[0], .outcome = MST_OUT_SCORED}, &fx);
    assert_int_equal(count(&fx, MST_FX_KEEP), 1); // a finished answer is not thrown away
    mst_flow_free(&f);
    mst_flow_effects_deinit(&fx);
}

static void
test_worker_core_lost_lease(void **state)
{
    (void)state;
    mst_flow_opts_t o = options(1);
    mst_flow_t *f = mst_flow_new(&o);
    mst_flow_effects_t fx = {0};
    mst_flow_case_t a = {0}, b = {0}, other = {0};
    grant(f, &a, 7, 0, &fx);
    grant(f, &b, 7, 0, &fx);
    grant(f, &other, 8, 0, &fx);
    mst_flow_effects_reset(&fx);
    mst_flow_step(f, 0, &(mst_flow_event_t){.kind = MST_FE_LEASE_LOST, .lease_id = 7}, &fx);
    assert_int_equal(fx.count, 1);
    assert_ptr_equal(fx.items[0].c, &b);
    assert_int_equal(fx.items[0].cause, MST_GIVE_FORGET);
    mst_flow_effects_reset(&fx);
    failed_with(f, &a, 1, 500, MST_RETRY_LATER, &fx); // neither tried again nor told
    assert_int_equal(count(&fx, MST_FX_AGAIN), 0);
    assert_int_equal(count(&fx, MST_FX_KEEP), 0);
    assert_int_equal(mst_flow_count(f, MST_FC_FLYING), 1); // `other`
    mst_flow_free(&f);
    mst_flow_effects_deinit(&fx);
}

static void
test_worker_core_refused_key_is_fatal_at_first(void **state)
{
    (void)state;
    mst_flow_opts_t o = options(2);
    mst_flow_t *f = mst_flow_new(&o);
    mst_flow_effects_t fx = {0};
    mst_flow_case_t c[3] = {{0}};
    for (size_t i = 0; i < 3; i++)
        grant(f, &c[i], 1, 0, &fx);
    mst_flow_effects_reset(&fx);
    failed_with(f, &c[0], 1, 401, MST_RETRY_NEVER, &fx);
    assert_int_equal(count(&fx, MST_FX_FATAL), 1);
    assert_int_equal(count(&fx, MST_FX_RETURN), 3);
    assert_int_equal(count(&fx, MST_FX_KEEP), 0);
    assert_non_null(strstr(mst_flow_fatal_text(f), "refused the key"));
    assert_non_null(strstr(mst_flow_fatal_text(f), o.endpoint));
    mst_flow_free(&f);
    mst_flow_effects_deinit(&fx);
}

static void
test_worker_core_refused_key_later_is_a_failure_of_its_case(void **state)
{
    (void)state;
    mst_flow_opts_t o = options(2);
    mst_flow_t *f = mst_flow_new(&o);
    mst_flow_effects_t fx = {0};
    mst_flow_case_t c[2] = {{0}};
    grant(f, &c[0], 1, 0, &fx);
    grant(f, &c[1], 1, 0, &fx);
    measured(f, &c[0], 1, &fx);
    mst_flow_effects_reset(&fx);
    failed_with(f, &c[1], 2, 401, MST_RETRY_NEVER, &fx);
    assert_int_equal(fx.count, 1);
    assert_int_equal(fx.items[0].kind, MST_FX_KEEP);
    assert_int_equal(mst_flow_mode(f), MST_FLOW_RUNNING);
    mst_flow_free(&f);
    mst_flow_effects_deinit(&fx);
}

static void
test_worker_core_unreachable_is_given_up(void **state)
{
    (void)state;
    mst_flow_opts_t o = options(4);
    mst_flow_t *f = mst_flow_new(&o);
    mst_flow_effects_t fx = {0};
    mst_flow_case_t c[20] = {{0}};
    int64_t now = 0;
    for (size_t i = 0; i < 20; i++)
        grant(f, &c[i], 1, now, &fx);
    while (mst_flow_mode(f) == MST_FLOW_RUNNING && now < 60000 * MS) {
        bool any = false;
        for (size_t i = 0; i < 20; i++)
            if (c[i].state == MST_FC_FLYING) {
                failed_with(f, &c[i], now, 0, MST_RETRY_LATER, &fx);
                any = true;
            }
        if (!any) {
            now = mst_flow_due(f, 0);
            mst_flow_step(f, now, &(mst_flow_event_t){.kind = MST_FE_TICK}, &fx);
        }
    }
    assert_int_equal(mst_flow_mode(f), MST_FLOW_FATAL);
    assert_true(now <= 10000 * MS);
    assert_int_equal(count(&fx, MST_FX_KEEP), 0); // no case was made to pay for it
    assert_int_equal(count(&fx, MST_FX_RETURN), 20);
    assert_non_null(strstr(mst_flow_fatal_text(f), "cannot be reached"));
    mst_flow_free(&f);
    mst_flow_effects_deinit(&fx);
}

static void
test_worker_core_no_retry_wanted_gives_up_at_once(void **state)
{
    (void)state;
    mst_flow_opts_t o = options(4);
    o.retry.tries_max = 1;
    mst_flow_t *f = mst_flow_new(&o);
    mst_flow_effects_t fx = {0};
    mst_flow_case_t c[4] = {{0}};
    for (size_t i = 0; i < 4; i++)
        grant(f, &c[i], 1, 0, &fx);
    for (size_t i = 0; i < 3; i++)
        failed_with(f, &c[i], 1, 0, MST_RETRY_LATER, &fx);
    assert_int_equal(mst_flow_mode(f), MST_FLOW_FATAL);
    mst_flow_free(&f);
    mst_flow_effects_deinit(&fx);
}

// A backend that is being started beside the run: nothing listens for two seconds, then all goes well.
static void
test_worker_core_waits_for_a_late_backend(void **state)
{
    (void)state;
    mst_flow_opts_t o = options(64);
    mst_flow_t *f = mst_flow_new(&o);
    mst_flow_effects_t fx = {0};
    mst_flow_case_t c[200] = {{0}};
    int64_t now = 0;
    for (size_t i = 0; i < 200; i++)
        grant(f, &c[i], 1, now, &fx);
    while (now < 60000 * MS) {
        bool any = false;
        for (size_t i = 0; i < 200; i++) {
            if (c[i].state != MST_FC_FLYING)
                continue;
            any = true;
            if (now < 2000 * MS)
                failed_with(f, &c[i], now, 0, MST_RETRY_LATER, &fx);
            else
                measured(f, &c[i], now, &fx);
        }
        if (!any && mst_flow_due(f, 0) == INT64_MAX)
            break;
        if (!any) {
            now = mst_flow_due(f, 0);
            mst_flow_step(f, now, &(mst_flow_event_t){.kind = MST_FE_TICK}, &fx);
        }
    }
    assert_int_equal(mst_flow_mode(f), MST_FLOW_RUNNING);
    assert_int_equal(count(&fx, MST_FX_KEEP), 200);
    for (size_t i = 0; i < 200; i++)
        assert_int_equal(c[i].state, MST_FC_DONE);
    mst_flow_free(&f);
    mst_flow_effects_deinit(&fx);
}

static void
test_worker_core_fatal_from_outside(void **state)
{
    (void)state;
    mst_flow_opts_t o = options(1);
    mst_flow_t *f = mst_flow_new(&o);
    mst_flow_effects_t fx = {0};
    mst_flow_case_t c = {0};
    mst_err_t err = {.rc = MST_DENIED, .message = "no key"};
    grant(f, &c, 1, 0, &fx);
    mst_flow_effects_reset(&fx);
    mst_flow_step(f, 0, &(mst_flow_event_t){.kind = MST_FE_MODE, .mode = MST_FLOW_FATAL, .err = &err}, &fx);
    assert_int_equal(count(&fx, MST_FX_ABORT), 1);
    assert_int_equal(count(&fx, MST_FX_RETURN), 1);
    assert_string_equal(mst_flow_fatal_text(f), "no key");
    mode(f, MST_FLOW_RUNNING, &fx); // fatal stays
    assert_int_equal(mst_flow_mode(f), MST_FLOW_FATAL);
    mst_flow_free(&f);
    mst_flow_effects_deinit(&fx);
}

static void
test_retry_honours_what_was_asked(void **state)
{
    (void)state;
    mst_retry_policy_t p = mst_retry_policy_default();
    mst_prng_t r;
    mst_prng_seed(&r, 3);
    mst_err_t err = {.rc = MST_IO, .retry = MST_RETRY_LATER, .retry_after_ms = 2000};
    int64_t wait = 0;
    for (int i = 0; i < 100; i++) {
        assert_true(mst_retry_decide(&p, &err, 1, &r, &wait));
        assert_true(wait >= 2000 * MS && wait <= 2200 * MS);
    }
    err.retry_after_ms = 500000; // not slept on
    assert_true(mst_retry_decide(&p, &err, 1, &r, &wait));
    assert_true(wait <= 500 * MS);
    err.retry = MST_RETRY_NEVER;
    assert_false(mst_retry_decide(&p, &err, 1, &r, &wait));
    err.retry = MST_RETRY_NOW;
    assert_true(mst_retry_decide(&p, &err, 1, &r, &wait));
    assert_int_equal(wait, 0);
    assert_false(mst_retry_decide(&p, &err, p.tries_max, &r, &wait));
}

static void
test_retry_grows_and_is_capped(void **state)
{
    (void)state;
    mst_retry_policy_t p = mst_retry_policy_default();
    p.tries_max = 100;
    mst_prng_t r;
    mst_prng_seed(&r, 4);
    mst_err_t err = {.rc = MST_IO, .retry = MST_RETRY_LATER};
    int64_t longest = 0, wait = 0;
    for (int i = 0; i < 200; i++) {
        assert_true(mst_retry_decide(&p, &err, 60, &r, &wait));
        assert_true(wait >= 0 && wait <= p.cap_ns);
        longest = wait > longest ? wait : longest;
    }
    assert_true(longest > p.cap_ns / 2);
}

static void
test_credit_follows_rate_and_memory(void **state)
{
    (void)state;
    mst_credit_t c = {.concurrency = 64};
    assert_int_equal(mst_credit_cases(&c, 32 * MST_MIB), 128);
    for (int i = 1; i <= 50; i++)
        mst_credit_tick(&c, i * 100 * MS, (uint64_t)i * 1000); // 10,000 cases a second
    uint32_t n = mst_credit_cases(&c, 32 * MST_MIB);
    assert_true(n > 2400 && n < 2700);
    for (int i = 0; i < 50; i++)
        mst_credit_case(&c, 64 * MST_KIB);
    assert_true(mst_credit_cases(&c, 32 * MST_MIB) < 520); // growth is believed soon
    mst_credit_t recorded = {.recorded = true};
    assert_int_equal(mst_credit_cases(&recorded, 32 * MST_MIB), MST_CREDIT_CASES_MAX);
    mst_credit_case(&recorded, 1024 * MST_MIB);
    assert_int_equal(mst_credit_cases(&recorded, 32 * MST_MIB), 1);
}

static void
test_breaker_needs_a_row(void **state)
{
    (void)state;
    mst_breaker_t b;
    mst_err_t err = {.rc = MST_IO, .message = "connection refused"};
    mst_breaker_init(&b, "http://x", 1000, 5000);
    assert_false(mst_breaker_failed(&b, 0, 0, true, true, &err));
    assert_false(mst_breaker_failed(&b, 900, 0, true, true, &err));
    assert_true(mst_breaker_failed(&b, 900, 0, true, true, &err));
    mst_breaker_init(&b, "http://x", 1000, 5000);
    mst_breaker_measured(&b); // it worked once: more patience
    for (int64_t t = 0; t < 5000; t += 100)
        assert_false(mst_breaker_failed(&b, t, 0, true, true, &err));
    assert_true(mst_breaker_failed(&b, 5000, 0, true, true, &err));
    assert_non_null(strstr(b.text, "is gone"));
}

// Random events against a model: what each case may do is asserted at every effect.
typedef struct {
    mst_flow_case_t flow;
    uint32_t left; // 1 kept, 2 returned
    bool flying, judging;
} model_case_t;

typedef struct {
    mst_flow_t *f;
    mst_flow_effects_t fx;
    model_case_t c[64];
    size_t flying, left;
    mst_flow_mode_t mode;
    uint64_t hash; // of all that happened: the same seed gives the same
} model_t;

static void
model_step(model_t *m, int64_t now, const mst_flow_event_t *e)
{
    mst_flow_effects_reset(&m->fx);
    mst_flow_step(m->f, now, e, &m->fx);
    for (size_t i = 0; i < m->fx.count; i++) {
        const mst_flow_effect_t *fx = &m->fx.items[i];
        model_case_t *c = (model_case_t *)(void *)fx->c;
        m->hash =
            (m->hash ^ ((uint64_t)fx->kind << 8 | fx->cause) ^ (c ? (uint64_t)(c - m->c) << 16 : 0)) * 1099511628211U;
        switch (fx->kind) {
        case MST_FX_START:
            assert_true(m->mode == MST_FLOW_RUNNING && !c->left && !c->flying && !c->judging && !c->flow.dropped);
            c->flying = true;
            assert_true(++m->flying <= 5);
            break;
        case MST_FX_ABORT:
            assert_true(c->flying);
            c->flying = false;
            m->flying--;
            break;
        case MST_FX_KEEP:
        case MST_FX_RETURN:
            assert_true(!c->left && !c->flying);
            c->judging = false;
            c->left = fx->kind == MST_FX_KEEP ? 1 : 2;
            m->left++;
            break;
        case MST_FX_AGAIN:
            assert_true(c->judging && !c->left);
            c->judging = false;
            break;
        case MST_FX_FATAL:
            m->mode = MST_FLOW_FATAL;
            break;
        }
    }
}

static void
model_verdict(model_t *m, mst_prng_t *r, model_case_t *c, int64_t now)
{
    mst_err_t err = {.rc = MST_IO, .retry = mst_prng_below(r, 3) == 0 ? MST_RETRY_NEVER : MST_RETRY_LATER};
    mst_flow_event_t e = {.kind = MST_FE_VERDICT, .c = &c->flow, .err = &err};
    uint64_t dice = mst_prng_below(r, 100);
    e.outcome = dice < 50 ? MST_OUT_SCORED : dice < 60 ? MST_OUT_SCORER_ERROR : MST_OUT_PROVIDER_ERROR;
    e.http_status = dice == 99 ? 401 : dice < 90 ? 500 : 0;
    e.unreachable = e.http_status == 0;
    model_step(m, now, &e);
}

static void
model_act(model_t *m, mst_prng_t *r, int64_t now)
{
    model_case_t *c = &m->c[mst_prng_below(r, 64)];
    uint64_t dice = mst_prng_below(r, 1000);
    if (dice < 3) {
        mst_flow_mode_t mode = (mst_flow_mode_t)(1 + mst_prng_below(r, 3));
        if (m->mode != MST_FLOW_FATAL)
            m->mode = mode;
        model_step(m, now, &(mst_flow_event_t){.kind = MST_FE_MODE, .mode = mode});
    } else if (dice < 10) {
        model_step(m, now, &(mst_flow_event_t){.kind = MST_FE_LEASE_LOST, .lease_id = mst_prng_below(r, 8)});
    } else if (c->flow.state == MST_FC_NEW) {
        c->flow.lease_id = mst_prng_below(r, 8);
        model_step(m, now, &(mst_flow_event_t){.kind = MST_FE_GRANTED, .c = &c->flow});
    } else if (c->flying) {
        c->flying = false;
        c->judging = true;
        m->flying--;
        model_step(m, now, &(mst_flow_event_t){.kind = MST_FE_ENDED, .c = &c->flow});
    } else if (c->judging) {
        model_verdict(m, r, c, now);
    } else {
        model_step(m, now, &(mst_flow_event_t){.kind = MST_FE_TICK});
    }
}

static uint64_t
model_run(uint64_t seed)
{
    mst_flow_opts_t o = options(5);
    mst_prng_t r;
    model_t m = {.mode = MST_FLOW_RUNNING, .hash = 14695981039346656037U};
    mst_prng_seed(&r, seed);
    o.seed = seed;
    m.f = mst_flow_new(&o);
    int64_t now = 0;
    for (size_t i = 0; i < 3000; i++) {
        now += (int64_t)mst_prng_below(&r, 200) * MS;
        model_act(&m, &r, now);
    }
    // then nothing more goes wrong: every case that was granted leaves
    model_step(&m, now, &(mst_flow_event_t){.kind = MST_FE_MODE, .mode = MST_FLOW_STOP});
    for (size_t i = 0; i < 64; i++)
        if (m.c[i].judging)
            model_step(&m, now,
                       &(mst_flow_event_t){.kind = MST_FE_VERDICT, .c = &m.c[i].flow, .outcome = MST_OUT_SCORED});
    for (size_t i = 0; i < 64; i++)
        if (m.c[i].flow.state != MST_FC_NEW && !m.c[i].left)
            fail_msg("seed %llu: case %zu was lost in state %d", (unsigned long long)seed, i, (int)m.c[i].flow.state);
    mst_flow_free(&m.f);
    mst_flow_effects_deinit(&m.fx);
    return m.hash;
}

static void
test_worker_core_random_histories(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 300; seed++)
        assert_int_equal(model_run(seed), model_run(seed));
    assert_int_not_equal(model_run(1), model_run(2));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_worker_core_fills_places),
        cmocka_unit_test(test_worker_core_hold_starts_nothing),
        cmocka_unit_test(test_worker_core_retries_then_keeps_failure),
        cmocka_unit_test(test_worker_core_drain_gives_back_the_unstarted),
        cmocka_unit_test(test_worker_core_stop_aborts),
        cmocka_unit_test(test_worker_core_lost_lease),
        cmocka_unit_test(test_worker_core_refused_key_is_fatal_at_first),
        cmocka_unit_test(test_worker_core_refused_key_later_is_a_failure_of_its_case),
        cmocka_unit_test(test_worker_core_unreachable_is_given_up),
        cmocka_unit_test(test_worker_core_no_retry_wanted_gives_up_at_once),
        cmocka_unit_test(test_worker_core_waits_for_a_late_backend),
        cmocka_unit_test(test_worker_core_fatal_from_outside),
        cmocka_unit_test(test_worker_core_random_histories),
        cmocka_unit_test(test_retry_honours_what_was_asked),
        cmocka_unit_test(test_retry_grows_and_is_capped),
        cmocka_unit_test(test_credit_follows_rate_and_memory),
        cmocka_unit_test(test_breaker_needs_a_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
