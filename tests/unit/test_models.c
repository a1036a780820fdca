// Models by a name of one's own, in the configuration and in a file beside it.
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

static const char *
lookup(void *ud, const char *name)
{
    (void)ud;
    return strcmp(name, "WHICH") == 0 ? "small" : NULL;
}

static mst_rc
read_file(void *ud, const char *path, size_t max, mst_arena_t *to, mst_str_t *out, mst_err_t *e)
{
    (void)ud;
    (void)max;
    (void)to;
    if (strcmp(path, "models.yaml") == 0)
        *out = MST_STR("models:\n  large: {provider: openai, model_name: large-70b, temprature: 1}\n");
    else if (strcmp(path, "bare.yaml") == 0)
        *out = MST_STR("remote: {type: openai, api_key: env:REMOTE_KEY, base_url: https://a.example/v1}\n");
    else
        return MST_ERR(e, MST_NOTFOUND, "no file \"%s\"", path);
    return MST_OK;
}

static const mst_config_env_t env = {
    .scorers = kinds_scorers, .providers = kinds_providers, .getenv_fn = lookup, .read_fn = read_file};
static const mst_config_env_t plain_env = {.scorers = kinds_scorers, .providers = kinds_providers};

#define BASIC "name: t\ndata_source: {path: x.jsonl}\nscorers: [{scorer_name: ttft}]\n"
#define MODELS                                                                                                         \
    BASIC "models:\n  small: {provider_type: openai, model: small-1b, temperature: 0, seed: 3}\n"                      \
          "  bare: {provider_type: openai}\n"

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

// The stored text names no model of one's own any more: it is whole without the file.
static void
loaded(const char *text)
{
    mst_run_cfg_t again;
    if (mst_run_cfg_load(mst_str_c(text), "c.yaml", &env, arena, &cfg, &err) != MST_OK)
        fail_msg("%s", err.message);
    if (mst_run_cfg_load(cfg.spec, "spec", &plain_env, arena, &again, &err) != MST_OK)
        fail_msg("%s in %.*s", err.message, MST_FMT(cfg.spec));
    assert_true(mst_str_eq(again.spec, cfg.spec));
    assert_true(mst_str_find(cfg.spec, MST_STR("models"), 0) < 0);
}

static void
refused(const char *text, const char *message)
{
    assert_int_not_equal(mst_run_cfg_load(mst_str_c(text), "c.yaml", &env, arena, &cfg, &err), MST_OK);
    assert_string_equal(err.message, message);
}

static void
assert_target(size_t i, const char *label, const char *model)
{
    assert_true(i < cfg.target_count);
    assert_true(mst_str_eq_c(cfg.targets[i].label, label));
    assert_true(mst_str_eq_c(mst_params_str(&cfg.targets[i].provider.params, "model"), model));
}

static void
test_models_by_name(void **state)
{
    (void)state;
    loaded(MODELS "provider: small\n");
    assert_target(0, "small", "small-1b");
    assert_int_equal(mst_params_int(&cfg.targets[0].provider.params, "seed", 0), 3);
    loaded(MODELS "provider: {model: bare}\n");
    assert_target(0, "bare", "bare");
    loaded(MODELS "provider: {model_name: \"${WHICH}\"}\n");
    assert_target(0, "small", "small-1b");
}

static void
test_models_own_settings_win(void **state)
{
    (void)state;
    loaded(MODELS "targets:\n  - small\n  - {model: small, seed: 9, label: other}\n  - {model: small, seed: 7}\n");
    assert_target(0, "small", "small-1b");
    assert_target(1, "other", "small-1b");
    assert_target(2, "small#2", "small-1b");
    assert_int_equal(mst_params_int(&cfg.targets[1].provider.params, "seed", 0), 9);
    assert_int_equal(mst_params_int(&cfg.targets[2].provider.params, "seed", 0), 7);
}

// Who names a provider describes it whole: its model is what the backend calls it.
static void
test_models_leave_descriptions_alone(void **state)
{
    (void)state;
    loaded(MODELS "provider: {provider_type: openai, model: small}\n");
    assert_target(0, "small", "small");
    assert_int_equal(mst_params_int(&cfg.targets[0].provider.params, "seed", 0), 0);
}

static void
test_models_file(void **state)
{
    (void)state;
    loaded(BASIC "models_file: bare.yaml\nprovider: remote\n");
    assert_target(0, "remote", "remote");
    assert_true(mst_str_eq_c(mst_params_str(&cfg.targets[0].provider.params, "api_key"), "env:REMOTE_KEY"));
    // places are those of the file
    refused(BASIC "models_file: models.yaml\nprovider: large\n",
            "models.yaml:2:52: unknown key \"temprature\" in provider \"openai\"; did you mean \"temperature\"?");
    refused(BASIC "models_file: none.yaml\n", "no file \"none.yaml\"");
}

static void
test_models_refused(void **state)
{
    (void)state;
    refused(MODELS "targets: [smal]\n", "c.yaml:7:11: unknown model \"smal\" (without \"provider_type\" it names one "
                                        "of models); did you mean \"small\"?");
    refused(MODELS "provider: {model: gpt}\n", "c.yaml:7:19: unknown model \"gpt\" (without \"provider_type\" it "
                                               "names one of models); known are small, bare");
    refused(BASIC "models: [a]\n", "c.yaml:4:9: \"models\" must be a map of name: settings, not a list");
    refused(BASIC "models: {a: 3}\n", "c.yaml:4:13: model \"a\" must be a map of settings, not \"3\"");
    refused(BASIC "models: {a: {model: x}}\n", "c.yaml:4:13: model \"a\" says no provider_type");
    refused(BASIC "provider: small\n",
            "c.yaml:4:11: a provider must be a map of settings, not \"small\"; write {provider_type: ...}");
    mst_run_cfg_t c;
    assert_int_equal(
        mst_run_cfg_load(MST_STR(BASIC "models_file: models.yaml\n"), "c.yaml", &plain_env, arena, &c, &err),
        MST_UNSUPPORTED);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_models_by_name), TEST(test_models_own_settings_win), TEST(test_models_leave_descriptions_alone),
        TEST(test_models_file),    TEST(test_models_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
