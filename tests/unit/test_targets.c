// The section targets of a configuration: several backends, their labels, what they take from the run.
#include "common/config/run_config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/limits.h"
#include "support/kinds.h"

static mst_arena_t *arena;
static mst_err_t err;
static mst_run_cfg_t cfg;

static const mst_config_env_t env = {.scorers = kinds_scorers, .providers = kinds_providers};

#define BASIC "name: t\ndata_source: {path: x.jsonl}\nscorers: [{scorer_name: ttft}]\n"

static int
setup(void **state)
{
    (void)state;
    arena = mst_arena_new(64 * MST_MIB);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    mst_arena_free(&arena);
    return 0;
}

static void
loaded(const char *text)
{
    if (mst_run_cfg_load(mst_str_c(text), "c.yaml", &env, arena, &cfg, &err) != MST_OK)
        fail_msg("%s", err.message);
    mst_run_cfg_t again;
    if (mst_run_cfg_load(cfg.spec, "spec", &env, arena, &again, &err) != MST_OK)
        fail_msg("%s in %.*s", err.message, MST_FMT(cfg.spec));
    assert_true(mst_str_eq(again.spec, cfg.spec));
    assert_int_equal(again.target_count, cfg.target_count);
    assert_int_equal(again.placement, cfg.placement);
    for (size_t i = 0; i < cfg.target_count; i++) {
        assert_true(mst_str_eq(again.targets[i].label, cfg.targets[i].label));
        assert_int_equal(again.targets[i].concurrency, cfg.targets[i].concurrency);
        assert_int_equal(again.targets[i].simulate != NULL, cfg.targets[i].simulate != NULL);
    }
}

static void
refused(const char *text, const char *message)
{
    assert_int_not_equal(mst_run_cfg_load(mst_str_c(text), "c.yaml", &env, arena, &cfg, &err), MST_OK);
    assert_string_equal(err.message, message);
}

static void
assert_label(size_t target_no, const char *label)
{
    const mst_target_cfg_t *t = mst_run_cfg_target(&cfg, target_no);
    assert_non_null(t);
    assert_true(mst_str_eq_c(t->label, label));
}

static void
test_targets_none(void **state)
{
    (void)state;
    loaded(BASIC);
    assert_null(mst_run_cfg_target(&cfg, 0));
    assert_int_equal(mst_run_cfg_key_targets(&cfg), 1);
}

static void
test_targets_short_form(void **state)
{
    (void)state;
    loaded(BASIC "concurrency: 9\nprovider: {provider_type: openai, model: tiny-1}\n");
    assert_label(0, "tiny-1");
    assert_null(mst_run_cfg_target(&cfg, 1));
    assert_int_equal(mst_run_cfg_concurrency(&cfg, cfg.targets), 9);
    mst_str_t one = cfg.spec;
    loaded(BASIC "concurrency: 9\ntargets: [{provider_type: openai, model: tiny-1}]\n");
    assert_true(mst_str_eq(cfg.spec, one));
}

static void
test_targets_several(void **state)
{
    (void)state;
    loaded(BASIC "simulate: {ttft_ms: 1}\n"
                 "targets:\n"
                 "  - {provider_type: openai, model: tiny-1, concurrency: 3, simulate: {ttft_ms: 9}}\n"
                 "  - {provider_type: openai, model: tiny-1}\n"
                 "  - {provider_type: openai, model: tiny-1, label: mine}\n");
    assert_int_equal(cfg.target_count, 3);
    assert_label(0, "tiny-1");
    assert_label(1, "tiny-1#2");
    assert_label(2, "mine");
    assert_int_equal(mst_run_cfg_key_targets(&cfg), 3);
    assert_int_equal(mst_run_cfg_concurrency(&cfg, &cfg.targets[0]), 3);
    assert_int_equal(mst_run_cfg_concurrency(&cfg, &cfg.targets[1]), 5);
    assert_ptr_equal(mst_run_cfg_simulate(&cfg, &cfg.targets[1]), cfg.simulate);
    assert_ptr_not_equal(mst_run_cfg_simulate(&cfg, &cfg.targets[0]), cfg.simulate);
}

static void
test_targets_shared_out(void **state)
{
    (void)state;
    loaded(BASIC "placement: share\ntargets: [{type: openai, model: a}, {type: openai, model: b}]\n");
    assert_int_equal(cfg.placement, MST_PLACE_SHARE);
    assert_int_equal(mst_run_cfg_key_targets(&cfg), 1);
}

static void
test_targets_refused(void **state)
{
    (void)state;
    refused(BASIC "targets: []\n",
            "c.yaml:4:10: \"targets\" must be a list of at least one backend, not an empty list");
    refused(BASIC "targets: [{provider_type: openai, model: a, labl: x}]\n",
            "c.yaml:4:45: unknown key \"labl\" in provider \"openai\"; did you mean \"label\"?");
    refused(BASIC "provider: {provider_type: openai, model: a}\ntargets: [{provider_type: openai, model: a}]\n",
            "c.yaml:5:10: \"provider\" is the short form of \"targets\" with one of them; give one of the two");
    refused(BASIC
            "targets: [{provider_type: openai, model: a, label: x}, {provider_type: openai, model: b, label: x}]\n",
            "c.yaml:4:97: label \"x\" is used by an earlier target");
    refused(BASIC "placement: shard\n",
            "c.yaml:4:12: \"placement\" must be one of replicate, share, not \"shard\"; did you mean \"share\"?");
    refused(BASIC "targets: [{provider_type: openai, model: a, simulate: 3}]\n",
            "c.yaml:4:55: \"simulate\" must be a map of settings, not \"3\"");
}

static void
test_targets_maximum(void **state)
{
    (void)state;
    mst_buf_t b;
    mst_buf_init(&b, MST_MIB);
    mst_buf_add_c(&b, BASIC "targets:\n");
    for (int i = 0; i <= MST_TARGETS_MAX; i++)
        mst_buf_add_c(&b, "  - {provider_type: openai, model: a}\n");
    assert_int_equal(mst_run_cfg_load(mst_buf_view(&b), "c.yaml", &env, arena, &cfg, &err), MST_LIMIT);
    assert_string_equal(err.message, "c.yaml:69:5: more than 64 targets");
    mst_buf_deinit(&b);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_targets_none),       TEST(test_targets_short_form), TEST(test_targets_several),
        TEST(test_targets_shared_out), TEST(test_targets_refused),    TEST(test_targets_maximum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
