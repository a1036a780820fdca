// The packed column of token events: every value comes back bit by bit, and no bytes from outside hurt.
#include "common/model/completion.h"

#include "common/base/limits.h"
#include "common/base/mem.h"
#include "common/base/prng.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static uint32_t
bits_of(float v)
{
    uint32_t b;
    memcpy(&b, &v, sizeof b);
    return b;
}

static void
check_round_trip(const mst_completion_t *c)
{
    mst_buf_t out;
    mst_buf_init(&out, 64 * MST_MIB);
    mst_events_pack(c, &out);
    assert_false(out.failed);
    mst_arena_t *arena = mst_arena_new(128 * MST_MIB);
    mst_completion_t back = {0};
    mst_err_t err = {0};
    assert_int_equal(mst_events_unpack(mst_buf_view(&out), arena, &back, &err), MST_OK);
    uint64_t events, logprobs;
    mst_events_counts(mst_buf_view(&out), &events, &logprobs);
    assert_int_equal(events, c->event_count);
    assert_int_equal(logprobs, c->logprob_count);
    assert_int_equal(back.event_count, c->event_count);
    assert_int_equal(back.logprob_count, c->logprob_count);
    for (uint32_t i = 0; i < c->event_count; i++) {
        assert_true(back.events[i].rx_ns == c->events[i].rx_ns);
        assert_int_equal(back.events[i].kind, c->events[i].kind);
        assert_int_equal(back.events[i].n_tokens, c->events[i].n_tokens);
    }
    for (uint32_t i = 0; i < c->logprob_count; i++)
        assert_int_equal(bits_of(back.logprobs[i]), bits_of(c->logprobs[i]));
    mst_arena_free(&arena);
    mst_buf_deinit(&out);
}

static void
test_events_empty_is_no_bytes(void **state)
{
    (void)state;
    mst_completion_t c = {0};
    mst_buf_t out;
    mst_buf_init(&out, 100);
    mst_events_pack(&c, &out);
    assert_int_equal(out.n, 0);
    mst_buf_deinit(&out);
    check_round_trip(&c);
}

static void
test_events_alternatives_round_trip(void **state)
{
    (void)state;
    const float logprobs[] = {-0.5f, mst_logprob_missing_value(), -2.0f};
    const mst_alternative_t list[] = {{.text = MST_STR("a"), .id = 7, .logprob = -0.5f},
                                      {.text = MST_STR("\xe2\x82"), .id = MST_NONE, .logprob = -INFINITY},
                                      {.text = MST_STR(""), .id = INT64_MAX, .logprob = mst_logprob_missing_value()}};
    const uint32_t ends[] = {2, 2, 3};
    const mst_completion_t c = {.logprobs = logprobs,
                                .logprob_count = 3,
                                .alternatives = list,
                                .alternative_ends = ends,
                                .alternative_count = 3};
    mst_buf_t out;
    mst_buf_init(&out, MST_MIB);
    check_round_trip(&c);
    mst_events_pack(&c, &out);
    mst_arena_t *arena = mst_arena_new(MST_MIB);
    mst_completion_t back = {0};
    mst_err_t err = {0};
    assert_int_equal(mst_events_unpack(mst_buf_view(&out), arena, &back, &err), MST_OK);
    assert_int_equal(back.alternative_count, 3);
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(back.alternative_ends[i], ends[i]);
        assert_true(mst_str_eq(back.alternatives[i].text, list[i].text) && back.alternatives[i].id == list[i].id);
        assert_int_equal(bits_of(back.alternatives[i].logprob), bits_of(list[i].logprob));
    }
    for (size_t n = 1; n < out.n; n++) // no beginning of it passes for the whole
        assert_int_not_equal(mst_events_unpack(mst_str(out.p, n), arena, &back, &err), MST_OK);
    mst_arena_free(&arena);
    mst_buf_deinit(&out);
}

static void
test_events_round_trip(void **state)
{
    (void)state;
    mst_prng_t r;
    mst_prng_seed(&r, 11);
    mst_token_event_t e[500];
    float l[500];
    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < 500; i++) {
            e[i].rx_ns = (int64_t)(mst_prng_u64(&r) >> mst_prng_below(&r, 64));
            if (mst_prng_below(&r, 4) == 0)
                e[i].rx_ns = -e[i].rx_ns;
            e[i].kind = (mst_event_kind_t)mst_prng_below(&r, MST_EV_COMMENT + 1);
            e[i].n_tokens = (uint32_t)(mst_prng_u64(&r) >> (32 + mst_prng_below(&r, 32)));
            uint32_t bits = (uint32_t)mst_prng_u64(&r); // any bit pattern, signalling NaNs too
            memcpy(&l[i], &bits, sizeof bits);
        }
        e[0].rx_ns = INT64_MIN;
        e[1].rx_ns = INT64_MAX;
        mst_completion_t c = {
            .events = e, .event_count = 500, .logprobs = l, .logprob_count = (uint32_t)mst_prng_below(&r, 501)};
        check_round_trip(&c);
    }
}

static void
test_events_about_nine_bytes_a_token(void **state)
{
    (void)state;
    mst_token_event_t e[1000];
    float l[1000];
    for (int i = 0; i < 1000; i++) {
        e[i] =
            (mst_token_event_t){.rx_ns = 200000000 + i * 15000000LL + i % 977, .kind = MST_EV_CONTENT, .n_tokens = 1};
        l[i] = -0.25F;
    }
    mst_completion_t c = {.events = e, .event_count = 1000, .logprobs = l, .logprob_count = 1000};
    mst_buf_t out;
    mst_buf_init(&out, MST_MIB);
    mst_events_pack(&c, &out);
    assert_true(out.n <= 9 * 1000 + 16);
    mst_buf_deinit(&out);
}

static void
test_events_special_logprobs_stay_apart(void **state)
{
    (void)state;
    float missing = mst_logprob_missing_value();
    assert_true(mst_logprob_missing(missing));
    assert_true(isnan(missing));
    assert_false(mst_logprob_missing((float)NAN));
    assert_false(mst_logprob_missing(-(float)NAN));
    assert_false(mst_logprob_missing(-9999.0F));
    assert_false(mst_logprob_missing(0.0F));
    float l[] = {missing, (float)NAN, -9999.0F, -INFINITY, 0.0F, -0.0F};
    mst_completion_t c = {.logprobs = l, .logprob_count = 6};
    check_round_trip(&c);
}

static mst_rc
unpack(const char *p, size_t n)
{
    mst_arena_t *arena = mst_arena_new(64 * MST_MIB);
    mst_completion_t c = {0};
    mst_err_t err = {0};
    // a copy of its own size, so that a sanitizer sees a read past the end
    char *copy = malloc(n ? n : 1);
    assert_non_null(copy);
    memcpy(copy, p, n);
    mst_rc rc = mst_events_unpack(mst_str(copy, n), arena, &c, &err);
    assert_true(rc == MST_OK || err.message[0] != 0);
    free(copy);
    mst_arena_free(&arena);
    return rc;
}

static void
test_events_hostile(void **state)
{
    (void)state;
    assert_int_equal(unpack("\x02\x00\x00", 3), MST_PROTO);                 // version
    assert_int_equal(unpack("\x01", 1), MST_PROTO);                         // no counts
    assert_int_equal(unpack("\x01\x01\x00", 3), MST_PROTO);                 // no event
    assert_int_equal(unpack("\x01\x01\x00\x05\x0f", 5), MST_PROTO);         // kind 15
    assert_int_equal(unpack("\x01\x01\x00\x05\x11", 5), MST_OK);            // one token of content
    assert_int_equal(unpack("\x01\x01\x00\x05\x11x", 6), MST_PROTO);        // rest
    assert_int_equal(unpack("\x01\x00\x01\x00\x00\x00", 6), MST_PROTO);     // logprob cut
    assert_int_equal(unpack("\x01\xff\xff\xff\x7f\x00", 6), MST_LIMIT);     // 268 million events
    assert_int_equal(unpack("\x01\x80\x89\x7a\x80\x89\x7a", 7), MST_PROTO); // 2 million of both in 7 bytes
    assert_int_equal(unpack("\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f\x00", 12), MST_PROTO); // varint too long
}

static void
test_events_cut_and_flipped(void **state)
{
    (void)state;
    mst_token_event_t e[40];
    float l[40];
    for (int i = 0; i < 40; i++) {
        e[i] = (mst_token_event_t){.rx_ns = i * 1000000LL, .kind = MST_EV_CONTENT, .n_tokens = 1};
        l[i] = -1.0F;
    }
    mst_completion_t c = {.events = e, .event_count = 40, .logprobs = l, .logprob_count = 40};
    mst_buf_t out;
    mst_buf_init(&out, MST_MIB);
    mst_events_pack(&c, &out);
    for (size_t n = 1; n < out.n; n++)
        assert_int_equal(unpack(out.p, n), MST_PROTO);
    mst_prng_t r;
    mst_prng_seed(&r, 5);
    for (int i = 0; i < 20000; i++) {
        size_t at = mst_prng_below(&r, out.n);
        char keep = out.p[at];
        out.p[at] = (char)mst_prng_u64(&r);
        mst_rc rc = unpack(out.p, out.n);
        assert_true(rc == MST_OK || rc == MST_PROTO || rc == MST_LIMIT);
        out.p[at] = keep;
    }
    mst_buf_deinit(&out);
}

static void
test_events_rates(void **state)
{
    (void)state;
    mst_completion_t none = {.completion_tokens = MST_NONE, .last_token_ns = MST_NONE};
    assert_true(isnan(mst_completion_tps(&none)));
    assert_true(isnan(mst_completion_tpot_ns(&none)));
    mst_token_event_t e[] = {
        {.rx_ns = 100, .kind = MST_EV_ROLE},
        {.rx_ns = 1000, .kind = MST_EV_CONTENT, .n_tokens = 2},
        {.rx_ns = 9000, .kind = MST_EV_CONTENT, .n_tokens = 8},
        {.rx_ns = 9500, .kind = MST_EV_DONE},
    };
    mst_completion_t c = {.events = e, .event_count = 4, .completion_tokens = 10, .last_token_ns = 9000};
    assert_true(mst_completion_tpot_ns(&c) == 1000.0);
    assert_true(fabs(mst_completion_tps(&c) - 10e9 / 9000) < 1e-6);
    c.completion_tokens = 2; // all in the first event: no gap was seen
    assert_true(isnan(mst_completion_tpot_ns(&c)));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_events_empty_is_no_bytes),
        cmocka_unit_test(test_events_alternatives_round_trip),
        cmocka_unit_test(test_events_round_trip),
        cmocka_unit_test(test_events_about_nine_bytes_a_token),
        cmocka_unit_test(test_events_special_logprobs_stay_apart),
        cmocka_unit_test(test_events_hostile),
        cmocka_unit_test(test_events_cut_and_flipped),
        cmocka_unit_test(test_events_rates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
