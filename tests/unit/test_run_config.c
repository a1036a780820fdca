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
    if (strcmp(name, "MODEL") == 0)
        return "tiny-1";
    if (strcmp(name, "N") == 0)
        return "7";
    if (strcmp(name, "LATIN1") == 0)
        return "caf\xe9";
    if (strcmp(name, "NESTED") == 0)
        return "${MODEL}";
    if (strcmp(name, "KEY") == 0)
        return "sk-very-secret";
    return NULL;
}

static const mst_config_env_t env = {.scorers = kinds_scorers, .providers = kinds_providers, .getenv_fn = lookup};
static const mst_config_env_t plain_env = {.scorers = kinds_scorers, .providers = kinds_providers};

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

static mst_rc
load(const char *text)
{
    err = (mst_err_t){0};
    mst_rc rc = mst_run_cfg_load(mst_str_c(text), "c.yaml", &env, arena, &cfg, &err);
    assert_int_equal(err.rc, rc);
    return rc;
}

static void
loaded(const char *text)
{
    if (load(text) != MST_OK)
        fail_msg("%s", err.message);
}

static void
refused(const char *text, const char *message)
{
    assert_int_not_equal(load(text), MST_OK);
    assert_string_equal(err.message, message);
}

// The spec is read again without variables and gives itself.
static void
round_trip(void)
{
    mst_run_cfg_t again;
    if (mst_run_cfg_load(cfg.spec, "spec", &plain_env, arena, &again, &err) != MST_OK)
        fail_msg("%s in %.*s", err.message, MST_FMT(cfg.spec));
    assert_int_equal(again.spec.n, cfg.spec.n);
    assert_memory_equal(again.spec.p, cfg.spec.p, cfg.spec.n);
}

static bool
spec_has(const char *text)
{
    return mst_str_find(cfg.spec, mst_str_c(text), 0) >= 0;
}

#define HEAD  "name: t\ndata_source: {path: x.jsonl}\n"
#define BASIC HEAD "scorers: [{scorer_name: ttft}]\n"

static void
test_run_config_minimal(void **state)
{
    (void)state;
    loaded(BASIC);
    assert_true(mst_str_eq_c(cfg.name, "t"));
    assert_int_equal(cfg.source.type, MST_SRC_JSONL);
    assert_true(mst_str_eq_c(cfg.source.path, "x.jsonl"));
    assert_int_equal(cfg.source.limit, -1);
    assert_int_equal(cfg.scorer_count, 1);
    assert_ptr_equal(cfg.scorers[0].kind, &kinds_ttft);
    assert_true(mst_str_eq_c(cfg.scorers[0].label, "ttft"));
    assert_true(cfg.scorers[0].threshold > 0.79 && cfg.scorers[0].threshold < 0.81);
    assert_int_equal(cfg.scorers[0].on_missing, MST_MISSING_PASS);
    assert_int_equal(cfg.target_count, 0);
    assert_int_equal(cfg.concurrency, 5);
    assert_int_equal(cfg.repeats, 1);
    assert_false(cfg.fail_fast || cfg.strict || cfg.keep_raw);
    assert_true(cfg.min_coverage > 0.98 && cfg.min_coverage < 1);
    assert_null(cfg.wandb_tags);
    round_trip();
    assert_true(mst_str_eq_c(
        cfg.spec, "{\"concurrency\":5,\"data_source\":{\"path\":\"x.jsonl\",\"source_type\":\"jsonl\"},"
                  "\"fail_fast\":false,\"keep_raw\":false,\"min_coverage\":0.99,\"name\":\"t\",\"repeats\":1,"
                  "\"scorers\":[{\"label\":\"ttft\",\"on_missing\":\"pass\",\"scorer_name\":\"ttft\","
                  "\"threshold\":0.8,\"tier\":\"L4\"}],\"strict\":false}"));
}

static const char *const full =
    "name: \"my evaluation\"\n"
    "description: |\n  Two\n  lines\n"
    "data_source:\n"
    "  source_type: jsonl\n"
    "  path: \"data/${MODEL}.jsonl\"\n"
    "  field_mapping:\n    input: question\n    expected_output: gold.text\n"
    "  limit: 100\n"
    "scorers:\n"
    "  - tier: L1\n    scorer_name: length\n    min: 1\n    max_length: 5000\n    threshold: 1\n"
    "  - type: length\n    unit: words\n    on_missing: fail\n"
    "  - name: keywords\n    keywords: answer\n    forbidden_keywords: [\"a\", 'b', 3]\n    label: words\n"
    "  - scorer_name: json_schema\n    json_schema: {\"type\": \"object\", \"required\": [\"${MODEL}\"], n: 1.50}\n"
    "  - scorer_name: length\n    threshold: 0.5\n"
    "provider:\n"
    "  provider_type: openai\n  model_name: \"${MODEL}\"\n  api_key: \"${OPENAI_API_KEY}\"\n  temperature: 0\n"
    "  seed: ${N}\n  stop: \"\\n\"\n"
    "concurrency: \"${N}\"\n"
    "repeats: 3\nfail_fast: true\nstrict: true\nkeep_raw: true\nmin_coverage: 1\n"
    "system_prompt: You are ${MODEL}, $5 {x} $MODEL.\n"
    "wandb_project: p\nwandb_tags: [a, b]\n"
    "numerical_guard: {sigma_threshold: 2.5, window_size: 20}\n"
    "slo: {ttft_ms: 500, tpot_ms: 12.5}\n"
    "simulate: {ttft_ms: 20, label: \"${MODEL}\"}\n";

static void
test_run_config_full(void **state)
{
    (void)state;
    loaded(full);
    assert_true(mst_str_eq_c(cfg.source.path, "data/tiny-1.jsonl"));
    assert_int_equal(cfg.source.mapping_count, 2);
    assert_true(mst_str_eq_c(cfg.source.mapping[1].source, "gold.text"));
    assert_int_equal(cfg.source.limit, 100);
    assert_int_equal(cfg.scorer_count, 6); // the guard's own behind the five
    assert_ptr_equal(cfg.scorers[5].kind, &kinds_guard);
    assert_true(mst_str_eq_c(cfg.scorers[0].label, "length"));
    assert_true(mst_str_eq_c(cfg.scorers[1].label, "length#2"));
    assert_true(mst_str_eq_c(cfg.scorers[2].label, "words"));
    assert_true(mst_str_eq_c(cfg.scorers[4].label, "length#3"));
    assert_int_equal(cfg.scorers[1].on_missing, MST_MISSING_FAIL);
    assert_int_equal(mst_params_int(&cfg.scorers[0].params, "min_length", -1), 1);
    assert_int_equal(mst_params_int(&cfg.scorers[1].params, "min_length", -1), 0);
    assert_true(mst_str_eq_c(mst_params_str(&cfg.scorers[1].params, "unit"), "words"));
    assert_false(mst_params_set(&cfg.scorers[1].params, "max_length"));
    const mst_param_value_t *words = mst_params_get(&cfg.scorers[2].params, "expected_keywords");
    assert_int_equal(words->u.list.count, 1);
    assert_true(mst_str_eq_c(words->u.list.items[0], "answer"));
    const mst_param_value_t *forbidden = mst_params_get(&cfg.scorers[2].params, "forbidden_keywords");
    assert_int_equal(forbidden->u.list.count, 3);
    assert_true(mst_str_eq_c(forbidden->u.list.items[2], "3"));
    assert_ptr_equal(cfg.targets[0].provider.kind, &kinds_openai);
    assert_true(mst_str_eq_c(mst_params_str(&cfg.targets[0].provider.params, "model"), "tiny-1"));
    assert_true(mst_str_eq_c(mst_params_str(&cfg.targets[0].provider.params, "api_key"), "env:OPENAI_API_KEY"));
    assert_int_equal(mst_params_int(&cfg.targets[0].provider.params, "seed", 0), 7);
    assert_int_equal(cfg.concurrency, 7);
    assert_true(mst_str_eq_c(cfg.system_prompt, "You are tiny-1, $5 {x} $MODEL."));
    assert_true(cfg.fail_fast && cfg.strict && cfg.keep_raw);
    int64_t window;
    bool on;
    assert_true(mst_json_i64(mst_json_get(cfg.numerical_guard, "window_size"), &window));
    assert_int_equal(window, 20);
    assert_true(mst_json_bool(mst_json_get(cfg.numerical_guard, "enable_nan_check"), &on) && on);
    assert_true(cfg.slo.ms[MST_SLO_TTFT] == 500 && cfg.slo.ms[MST_SLO_TPOT] == 12.5 && cfg.slo.ms[MST_SLO_E2E] == 0);
    assert_int_equal(cfg.wandb_tags->count, 2);
    assert_true(spec_has("\"simulate\":{\"label\":\"tiny-1\",\"ttft_ms\":20}"));
    assert_true(spec_has("\"schema\":{\"n\":1.5,\"required\":[\"tiny-1\"],\"type\":\"object\"}"));
    round_trip();
}

static double
guard_sigma(size_t scorer)
{
    return mst_params_num(&cfg.scorers[scorer].params, "sigma_threshold", 0);
}

// numerical_guard adds its scorer, or gives its settings to those that are listed and do not say otherwise.
static void
test_run_config_guard(void **state)
{
    (void)state;
    loaded(BASIC "numerical_guard: {sigma_threshold: 2.5, enable_nan_check: false}\n");
    assert_int_equal(cfg.scorer_count, 2);
    assert_ptr_equal(cfg.scorers[1].kind, &kinds_guard);
    assert_true(mst_str_eq_c(cfg.scorers[1].label, "numerical_stability"));
    assert_true(guard_sigma(1) > 2.49 && guard_sigma(1) < 2.51);
    assert_false(mst_params_bool(&cfg.scorers[1].params, "enable_nan_check"));
    assert_false(mst_params_set(&cfg.scorers[1].params, "window_size"));
    assert_int_equal(cfg.scorers[1].on_missing, MST_MISSING_PASS);
    round_trip();
    loaded(HEAD "scorers: [{scorer_name: numerical_stability, sigma_threshold: 4}, "
                "{scorer_name: numerical_stability}, {scorer_name: ttft}]\n"
                "numerical_guard: {sigma_threshold: 2.5, window_size: 20}\n");
    assert_int_equal(cfg.scorer_count, 3);
    assert_true(guard_sigma(0) > 3.9 && guard_sigma(1) < 2.51);
    assert_int_equal(mst_params_int(&cfg.scorers[0].params, "window_size", 0), 20);
    assert_int_equal(mst_params_int(&cfg.scorers[1].params, "window_size", 0), 20);
    round_trip();
    loaded(BASIC "numerical_guard: {enabled: false, sigma_threshold: 2.5}\n");
    assert_int_equal(cfg.scorer_count, 1);
    round_trip();
    loaded(HEAD "scorers: [{scorer_name: ttft, label: numerical_stability}]\nnumerical_guard: {}\n");
    assert_true(mst_str_eq_c(cfg.scorers[1].label, "numerical_stability#2"));
    round_trip();
}

// Scorers that read log-probabilities have them asked for, unless the configuration says no.
static void
test_run_config_logprobs(void **state)
{
    (void)state;
    loaded(BASIC "numerical_guard: {}\nprovider: {type: openai, model: m}\n");
    assert_true(mst_params_bool(&cfg.targets[0].provider.params, "logprobs"));
    round_trip();
    loaded(BASIC "numerical_guard: {}\nprovider: {type: openai, model: m, logprobs: false}\n");
    assert_false(mst_params_bool(&cfg.targets[0].provider.params, "logprobs"));
    round_trip();
    loaded(BASIC "provider: {type: openai, model: m}\n");
    assert_false(mst_params_bool(&cfg.targets[0].provider.params, "logprobs"));
}

static void
test_run_config_reduce(void **state)
{
    (void)state;
    size_t count;
    char text[MST_REDUCE_TEXT_MAX];
    loaded(HEAD "repeats: 5\nreduce: pass_at_3\nscorers: [{scorer_name: ttft}, "
                "{scorer_name: length, reduce: [mean, at_least_2, pass^5]}]\n");
    const mst_reduce_t *reduce = mst_run_cfg_reduce(&cfg, &cfg.scorers[0], &count);
    assert_int_equal(count, 1);
    assert_string_equal(mst_reduce_text(reduce[0], text).p, "pass@3");
    reduce = mst_run_cfg_reduce(&cfg, &cfg.scorers[1], &count);
    assert_int_equal(count, 3);
    assert_string_equal(mst_reduce_text(reduce[1], text).p, "at_least@2");
    assert_true(spec_has("\"reduce\":[\"mean\",\"at_least@2\",\"pass^5\"]") && spec_has("\"reduce\":[\"pass@3\"]"));
    assert_true(mst_run_cfg_reduces(&cfg));
    assert_int_equal(mst_run_cfg_check(&cfg, &err), MST_OK);
    round_trip();
    cfg.repeats = 4;
    assert_int_equal(mst_run_cfg_check(&cfg, &err), MST_INVAL);
    assert_string_equal(err.message, "reduction pass^5 of scorer \"length\" needs 5 repeats, but each case is asked 4 "
                                     "times; set `repeats`");
    loaded(BASIC);
    reduce = mst_run_cfg_reduce(&cfg, &cfg.scorers[0], &count);
    assert_true(count == 1 && reduce[0].kind == MST_REDUCE_MEAN);
    assert_false(mst_run_cfg_reduces(&cfg));
    refused(BASIC "reduce: [mean, best]\n", "c.yaml:4:9: unknown reduction \"best\"; known are mean, median, max, "
                                            "majority, pass@K, pass^K, at_least@K");
    refused(BASIC "reduce: pass@0\n", "c.yaml:4:9: reduction \"pass@0\" needs a number of repeats from 1 behind "
                                      "\"pass@\"");
}

static void
test_run_config_respec(void **state)
{
    (void)state;
    loaded(BASIC);
    cfg.source.limit = 3;
    cfg.repeats = 9;
    assert_int_equal(mst_run_cfg_spec(&cfg, arena, &cfg.spec, &err), MST_OK);
    assert_true(spec_has("\"limit\":3") && spec_has("\"repeats\":9"));
    round_trip();
}

static void
test_run_config_null_is_not_given(void **state)
{
    (void)state;
    loaded(BASIC "provider: null\ndescription:\nconcurrency: ~\nnumerical_guard:\nsimulate:\n");
    assert_int_equal(cfg.target_count, 0);
    assert_int_equal(cfg.concurrency, 5);
    assert_null(cfg.numerical_guard);
    assert_null(cfg.simulate);
}

static void
test_run_config_inline_records(void **state)
{
    (void)state;
    loaded("name: t\ndata_source:\n  source_type: dict\n  records:\n    - {input: \"${MODEL}\", n: 1}\n    - input: b\n"
           "scorers: [{scorer_name: ttft}]\n");
    assert_int_equal(cfg.source.type, MST_SRC_INLINE);
    assert_int_equal(cfg.source.records->count, 2);
    mst_str_t s;
    assert_true(mst_json_str(mst_json_path(cfg.source.records, MST_STR("0.input")), &s));
    assert_true(mst_str_eq_c(s, "tiny-1"));
    round_trip();
}

// Whatever a string holds must come back from the spec as it was.
static void
test_run_config_spec_keeps_every_character(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "\\0\\x01\\x07\\b\\x1f",
        "\\x7f\\u0080\\u0084\\u0085\\u0086\\u009f\\u00a0",
        "\\u2027\\u2028\\u2029\\u202a",
        "\\ufefe\\ufeff\\uff00\\ufffd\\ufffe\\uffff",
        "\\U0001F600 \xf0\x9f\x98\x80 \\U0010ffff",
        "\\\\ \\\" \\/ \\t\\n\\r ' # : {}",
        "  leading and trailing  ",
        "\\\\u0041 \\\\\\\\u2028 \\\\\\u2028 \\\"\\u2028\\\"",
        "$${MODEL} ${NESTED}",
        "null",
        "1e5",
        "",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        char text[1024];
        snprintf(text, sizeof text,
                 "name: t\ndescription: \"%s\"\ndata_source:\n  records:\n    - \"k%s\": [\"%s\"]\n"
                 "scorers: [{scorer_name: keyword, keywords: [\"%s\"]}]\nsystem_prompt: \"%s\"\n",
                 texts[i], i == 8 ? "" : texts[i], texts[i], texts[i], texts[i]);
        loaded(text);
        mst_str_t description = cfg.description;
        round_trip();
        mst_run_cfg_t again;
        assert_int_equal(mst_run_cfg_load(cfg.spec, "spec", &plain_env, arena, &again, &err), MST_OK);
        assert_true(mst_str_eq(again.description, description));
        assert_true(mst_str_eq(again.system_prompt, description));
        mst_str_t value;
        assert_true(mst_json_str(mst_json_at(&mst_json_at(again.source.records, 0)->u.members[0].value, 0), &value));
        assert_true(mst_str_eq(value, description));
    }
}

static void
test_run_config_spec_numbers(void **state)
{
    (void)state;
    loaded("name: t\ndata_source:\n  records:\n    - x: [0, -0, -0.0, 1.0, 1e300, 5e-324, 0.1, 9223372036854775807, "
           "9223372036854775808, 1e400, .inf, .nan, 0x10, true, null, '1']\nscorers: [{scorer_name: ttft}]\n");
    assert_true(spec_has("[0,0,-0.0,1.0,1e+300,5e-324,0.1,9223372036854775807,9.223372036854775808e+18,") ||
                spec_has("[0,0,-0.0,1.0,1e+300,5e-324,0.1,9223372036854775807,9.223372036854776e+18,"));
    assert_true(spec_has(",\"Infinity\",\"NaN\",16,true,null,\"1\"]"));
    round_trip();
}

static void
test_run_config_variables(void **state)
{
    (void)state;
    loaded(BASIC "description: \"${NESTED}\"\n");
    assert_true(mst_str_eq_c(cfg.description, "${MODEL}")); // not expanded again
    round_trip();
    refused(BASIC "description: a ${NOT_SET} b\n", "c.yaml:4:14: environment variable \"NOT_SET\" is not set");
    refused(BASIC "description: \"${MODEL\"\n", "c.yaml:4:14: \"${\" without a closing \"}\"");
    refused(BASIC "description: \"${MODEL:-x}\"\n",
            "c.yaml:4:14: \"${MODEL:-x}\" does not name a variable; write ${NAME}");
    refused(BASIC "description: \"${}\"\n", "c.yaml:4:14: \"${}\" does not name a variable; write ${NAME}");
    refused(BASIC "description: ${LATIN1}\n", "c.yaml:4:14: environment variable \"LATIN1\" is not valid UTF-8");
    refused(BASIC "simulate: {a: [1, {b: \"x${NOT_SET}\"}]}\n",
            "c.yaml:4:23: environment variable \"NOT_SET\" is not set");
    refused(BASIC "concurrency: ${MODEL}\n",
            "c.yaml:4:14: \"concurrency\" must be a whole number from 1 to 8192, not \"${MODEL}\"");
}

static void
test_run_config_unknown_keys(void **state)
{
    (void)state;
    refused(BASIC "concurency: 3\n", "c.yaml:4:1: unknown key \"concurency\"; did you mean \"concurrency\"?");
    refused("name: t\ndata_source: {path: x, limt: 3}\nscorers: [{scorer_name: ttft}]\n",
            "c.yaml:2:24: unknown key \"limt\" in data_source; did you mean \"limit\"?");
    refused(HEAD "scorers:\n  - scorer_name: length\n    min_lenght: 3\n",
            "c.yaml:5:5: unknown key \"min_lenght\" in scorer \"length\"; did you mean \"min_length\"?");
    refused(HEAD "scorers:\n  - scorer_name: length\n    treshold: 3\n",
            "c.yaml:5:5: unknown key \"treshold\" in scorer \"length\"; did you mean \"threshold\"?");
    refused(HEAD "scorers:\n  - scorer_name: length\n    zzzzzz: 3\n",
            "c.yaml:5:5: unknown key \"zzzzzz\" in scorer \"length\"; known are min_length, max_length, unit, "
            "scorer_name, tier, threshold, on_missing, label, reduce, negate, weight");
    refused(BASIC "provider: {type: openai, model: m, api_ky: x}\n",
            "c.yaml:4:36: unknown key \"api_ky\" in provider \"openai\"; did you mean \"api_key\"?");
    refused(BASIC "numerical_guard: {sigma: 2}\n",
            "c.yaml:4:19: unknown key \"sigma\" in numerical_guard; known are enabled, sigma_threshold, "
            "enable_nan_check, enable_inf_check, window_size");
    refused("name: t\ndata_source: {path: x, field_mapping: {inptu: q}}\nscorers: [{scorer_name: ttft}]\n",
            "c.yaml:2:40: unknown field \"inptu\" in field_mapping; did you mean \"input\"?");
    refused("name: t\ndata_source: {path: x, field_mapping: {question: q}}\nscorers: [{scorer_name: ttft}]\n",
            "c.yaml:2:40: unknown field \"question\" in field_mapping; known are id, input, expected_output, "
            "actual_output, context, retrieval_context, metadata, messages, turns, choices");
}

static void
test_run_config_unknown_kinds(void **state)
{
    (void)state;
    refused(HEAD "scorers: [{scorer_name: lenght}]",
            "c.yaml:3:25: unknown scorer \"lenght\"; did you mean \"length\"?");
    refused(HEAD "scorers: [{scorer_name: vibes}]",
            "c.yaml:3:25: unknown scorer \"vibes\"; known are json_schema, keyword, length, numerical_stability, ttft");
    refused(BASIC "provider: {type: opnai}", "c.yaml:4:18: unknown provider \"opnai\"; did you mean \"openai\"?");
    refused(BASIC "provider: {type: anthropic}", "c.yaml:4:18: unknown provider \"anthropic\"; known are openai");
    refused(HEAD "scorers: [{tier: L1}]", "c.yaml:3:11: \"scorer_name\" is missing: which scorer is it");
    refused(HEAD "scorers: [{scorer_name: length, tier: L4}]", "c.yaml:3:39: scorer \"length\" is of tier L1, not L4");
    refused(HEAD "scorers: [{scorer_name: length, tier: L9}]",
            "c.yaml:3:39: \"tier\" must be one of L1, L2, L3, L4, RAG, not \"L9\"; did you mean \"L1\"?");
    refused(
        "name: t\ndata_source: {source_type: huggingface, path: a/b, split: test}\nscorers: [{scorer_name: ttft}]\n",
        "c.yaml:2:28: source_type \"huggingface\" is not available in this version; save the dataset as JSONL and "
        "use source_type jsonl");
    assert_int_equal(err.rc, MST_UNSUPPORTED);
    refused("name: t\ndata_source: {source_type: json, path: a/b}\nscorers: [{scorer_name: ttft}]\n",
            "c.yaml:2:28: \"source_type\" must be one of jsonl, dict, inline, huggingface, not \"json\"; did you mean "
            "\"jsonl\"?");
}

static void
test_run_config_missing(void **state)
{
    (void)state;
    refused("data_source: {path: x}\nscorers: [{scorer_name: ttft}]\n", "c.yaml:1:1: \"name\" is missing");
    refused("name: t\nscorers: [{scorer_name: ttft}]\n", "c.yaml:1:1: \"data_source\" is missing");
    refused(HEAD, "c.yaml:1:1: \"scorers\" is missing");
    refused(HEAD "scorers: []", "c.yaml:3:10: \"scorers\" must be a list of at least one scorer, not an empty list");
    refused("name: t\ndata_source: {limit: 3}\nscorers: [{scorer_name: ttft}]\n",
            "c.yaml:2:14: \"path\" is missing in data_source: source_type jsonl needs it");
    refused("name: t\ndata_source: {type: dict}\nscorers: [{scorer_name: ttft}]\n",
            "c.yaml:2:14: \"records\" is missing in data_source: source_type inline needs it");
    refused(BASIC "provider: {type: openai}", "c.yaml:4:11: \"model\" is missing in provider \"openai\"");
    refused(HEAD "scorers: [{scorer_name: json_schema}]",
            "c.yaml:3:11: \"schema\" is missing in scorer \"json_schema\"");
    refused("[1]", "c.yaml:1:1: the configuration must be a map of settings, not a list");
    refused("text", "c.yaml:1:1: the configuration must be a map of settings, not \"text\"");
}

static void
test_run_config_wrong_types(void **state)
{
    (void)state;
    refused(BASIC "concurrency: many\n",
            "c.yaml:4:14: \"concurrency\" must be a whole number from 1 to 8192, not \"many\"");
    refused(BASIC "concurrency: 0\n", "c.yaml:4:14: \"concurrency\" must be a whole number from 1 to 8192, not \"0\"");
    refused(BASIC "concurrency: 9000\n",
            "c.yaml:4:14: \"concurrency\" must be a whole number from 1 to 8192, not \"9000\"");
    refused(BASIC "concurrency: 1.5\n",
            "c.yaml:4:14: \"concurrency\" must be a whole number from 1 to 8192, not \"1.5\"");
    refused(BASIC "concurrency: [1]\n",
            "c.yaml:4:14: \"concurrency\" must be a whole number from 1 to 8192, not a list");
    refused(BASIC "concurrency: \"5\"\n",
            "c.yaml:4:14: \"concurrency\" must be a whole number from 1 to 8192, not \"5\"");
    refused(BASIC "min_coverage: 1.01\n", "c.yaml:4:15: \"min_coverage\" must be a number from 0 to 1, not \"1.01\"");
    refused(BASIC "min_coverage: .nan\n", "c.yaml:4:15: \"min_coverage\" must be a number from 0 to 1, not \".nan\"");
    refused(BASIC "fail_fast: yes\n", "c.yaml:4:12: \"fail_fast\" must be true or false, not \"yes\"");
    refused(BASIC "description: {a: 1}\n", "c.yaml:4:14: \"description\" must be a string, not a map");
    refused(BASIC "wandb_tags: [a, [b]]\n", "c.yaml:4:17: \"wandb_tags\" must be a list of strings, not a list");
    refused(BASIC "wandb_tags: {a: b}\n", "c.yaml:4:13: \"wandb_tags\" must be a list of strings, not a map");
    refused(BASIC "wandb_tags: [a, ~]\n", "c.yaml:4:17: \"wandb_tags\" must be a list of strings, not nothing");
    refused(BASIC "simulate: [1]\n", "c.yaml:4:11: \"simulate\" must be a map of settings, not a list");
    refused(HEAD "scorers: ttft\n", "c.yaml:3:10: \"scorers\" must be a list of at least one scorer, not \"ttft\"");
    refused(HEAD "scorers: [ttft]\n",
            "c.yaml:3:11: a scorer must be a map of settings, not \"ttft\"; write {scorer_name: ...}");
    refused(HEAD "scorers: [{scorer_name: ttft, threshold: 1.5}]\n",
            "c.yaml:3:42: \"threshold\" must be a number from 0 to 1, not \"1.5\"");
    refused(HEAD "scorers: [{scorer_name: ttft, on_missing: skp}]\n",
            "c.yaml:3:43: \"on_missing\" must be one of pass, skip, fail, not \"skp\"; did you mean \"skip\"?");
    refused(BASIC "provider: openai\n",
            "c.yaml:4:11: a provider must be a map of settings, not \"openai\"; write {provider_type: ...}");
    refused(BASIC "provider: {type: openai, model: m, seed: 99999999999999999999}\n",
            "c.yaml:4:42: \"seed\" must be a whole number, not \"99999999999999999999\"");
    refused(HEAD "scorers: [{scorer_name: ttft, label: \"a\\tb\"}]\n",
            "c.yaml:3:38: \"label\" must be a line of 1 to 200 bytes without control characters");
    refused("name: t\ndata_source: {path: x, field_mapping: [input]}\nscorers: [{scorer_name: ttft}]\n",
            "c.yaml:2:39: \"field_mapping\" must be a map of field: column, not a list");
    refused("name: \"a\\nb\"\ndata_source: {path: x}\nscorers: [{scorer_name: ttft}]\n",
            "c.yaml:1:7: \"name\" must be a line of 1 to 200 bytes without control characters");
    refused("name: t\ndata_source: {path: \"a\\0b\"}\nscorers: [{scorer_name: ttft}]\n",
            "c.yaml:2:21: \"path\" must be the name of a file");
    refused("name: t\ndata_source: {records: [1]}\nscorers: [{scorer_name: ttft}]\n",
            "c.yaml:2:25: a row of \"records\" must be a map, not \"1\"");
    refused("name: t\ndata_source: {records: []}\nscorers: [{scorer_name: ttft}]\n",
            "c.yaml:2:24: \"records\" must be a list of at least one row, not an empty list");
    refused("name: t\ndata_source: {path: x, records: [{a: 1}]}\nscorers: [{scorer_name: ttft}]\n",
            "c.yaml:2:21: \"path\" does not belong to source_type inline");
    refused("name: t\ndata_source: {path: x, field_mapping: {input: [q]}}\nscorers: [{scorer_name: ttft}]\n",
            "c.yaml:2:47: field_mapping: \"input\" must be the dotted path of a column, not a list");
}

static void
test_run_config_given_twice(void **state)
{
    (void)state;
    refused(HEAD "scorers: [{scorer_name: json_schema, schema: {}, json_schema: {}}]",
            "c.yaml:3:50: \"schema\" and \"json_schema\" are two names of one setting; give one of them");
    refused(HEAD "scorers: [{scorer_name: ttft, label: a}, {scorer_name: length, label: a}]",
            "c.yaml:3:71: label \"a\" is used by an earlier scorer");
}

static void
test_run_config_labels_avoid_given_ones(void **state)
{
    (void)state;
    loaded(HEAD
           "scorers: [{scorer_name: ttft}, {scorer_name: length, label: ttft}, {scorer_name: length, label: length},"
           "{scorer_name: length}]");
    assert_true(mst_str_eq_c(cfg.scorers[0].label, "ttft#2"));
    assert_true(mst_str_eq_c(cfg.scorers[3].label, "length#2"));
    round_trip();
}

static void
test_run_config_secrets(void **state)
{
    (void)state;
    static const char *const good[][2] = {
        {"\"${KEY}\"", "env:KEY"}, {"env:KEY", "env:KEY"}, {"file:/run/secrets/key", "file:/run/secrets/key"}};
    char text[512];
    for (size_t i = 0; i < 3; i++) {
        snprintf(text, sizeof text, BASIC "provider: {type: openai, model: m, api_key: %s}", good[i][0]);
        loaded(text);
        assert_true(mst_str_eq_c(mst_params_str(&cfg.targets[0].provider.params, "api_key"), good[i][1]));
        assert_false(spec_has("sk-very-secret"));
        round_trip();
    }
    // a default says where a worker may look; it does not travel, so that it stays an offer there
    loaded(BASIC "provider: {type: openai, model: m}");
    assert_true(mst_str_eq_c(mst_params_str(&cfg.targets[0].provider.params, "api_key"), "env:TEST_API_KEY"));
    assert_false(mst_params_get(&cfg.targets[0].provider.params, "api_key")->given);
    assert_false(spec_has("api_key"));
    round_trip();
    static const char *const bad[] = {"sk-12345", "\"Bearer ${KEY}\"", "\"${KEY}${KEY}\"", "\"${}\"", "env:a b",
                                      "\"env:\"", "file:relative",     "\"file:/a\\0b\"",  "[a]",     "\"${\"",
                                      "\"\""};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        snprintf(text, sizeof text, BASIC "provider: {type: openai, model: m, api_key: %s}", bad[i]);
        refused(text, "c.yaml:4:45: \"api_key\" must say where the secret is, never hold it: write \"${NAME}\" or "
                      "\"env:NAME\" for an environment variable, \"file:/path\" for a file");
    }
}

// What is accepted must be readable again: a spec that grew over the limits of YAML is refused at once.
static void
test_run_config_limits(void **state)
{
    (void)state;
    mst_buf_t b;
    mst_buf_init(&b, MST_YAML_BYTES_MAX);
    mst_buf_add_c(&b, "name: t\ndata_source: {path: x}\nscorers: [{scorer_name: ttft}]\ndescription: \"");
    while (b.n < 400000)
        mst_buf_add_c(&b, "\\0"); // two bytes, six in the spec
    mst_buf_add_c(&b, "\"");
    mst_buf_add_byte(&b, '\0');
    refused(b.p, "c.yaml: written out, the configuration is larger than 1048576 bytes; move the records to a file");
    mst_buf_reset(&b);
    mst_buf_add_c(&b, "name: t\nscorers: [{scorer_name: ttft}]\ndata_source:\n  records: [{x: [");
    for (int i = 0; i < 99970; i++)
        mst_buf_add_c(&b, "1,");
    mst_buf_add_c(&b, "]}]");
    mst_buf_add_byte(&b, '\0');
    refused(b.p, "c.yaml: written out, the configuration has more than 100000 nodes; move the records to a file");
    mst_buf_reset(&b);
    mst_buf_add_c(&b, HEAD "scorers: [");
    for (int i = 0; i < 65; i++)
        mst_buf_add_c(&b, "{type: ttft},");
    mst_buf_add_c(&b, "]");
    mst_buf_add_byte(&b, '\0');
    refused(b.p, "c.yaml:3:843: more than 64 scorers");
    mst_buf_deinit(&b);
}

// However little memory there is, the answer is an error, not a crash; and with enough it is always the same.
static void
test_run_config_every_arena_size(void **state)
{
    (void)state;
    loaded(full);
    mst_str_t spec = cfg.spec;
    bool fits = false;
    for (size_t cap = 64; cap < 200000; cap += cap / 16 + 16) {
        mst_arena_t *small = mst_arena_new(cap);
        mst_run_cfg_t got;
        err = (mst_err_t){0};
        mst_rc rc = mst_run_cfg_load(mst_str_c(full), "c.yaml", &env, small, &got, &err);
        assert_true(rc == MST_OK || rc == MST_LIMIT);
        assert_false(fits && rc != MST_OK);
        fits = rc == MST_OK;
        if (fits)
            assert_true(mst_str_eq(got.spec, spec));
        else
            assert_ptr_equal(strstr(err.message, "c.yaml:"), err.message);
        mst_arena_free(&small);
    }
    assert_true(fits);
}

static void
test_params_parse_with_left_keys(void **state)
{
    (void)state;
    static const char *const also[] = {"other", NULL};
    const mst_ynode_t *root;
    mst_params_t p;
    assert_int_equal(mst_yaml_parse(MST_STR("{other: [1], min: 4}"), "p.yaml", arena, &root, &err), MST_OK);
    assert_int_equal(mst_params_parse(kinds_length_params, root, "p.yaml", also, arena, &p, &err), MST_OK);
    assert_int_equal(mst_params_int(&p, "min_length", 0), 4);
    assert_int_equal(mst_params_parse(kinds_length_params, root, "p.yaml", NULL, arena, &p, &err), MST_INVAL);
    assert_int_equal(mst_yaml_parse(MST_STR("{unit: \"${X}\"}"), "p.yaml", arena, &root, &err), MST_OK);
    assert_int_equal(mst_params_parse(kinds_length_params, root, "p.yaml", NULL, arena, &p, &err), MST_INVAL);
    assert_string_equal(err.message, "p.yaml:1:8: \"unit\" must be one of chars, words, bytes, not \"${X}\"");
}

static void
test_run_config_request(void **state)
{
    (void)state;
    loaded(BASIC);
    assert_int_equal(cfg.request.kind, MST_REQUEST_GENERATE);
    assert_int_equal(cfg.probe, MST_PROBE_LIGHT);
    loaded(BASIC "request: conversation\nprobe: full\n");
    assert_int_equal(cfg.request.kind, MST_REQUEST_CONVERSATION);
    assert_int_equal(cfg.probe, MST_PROBE_FULL);
    round_trip();
    loaded(BASIC "request: {kind: perplexity, window: 100}\n");
    assert_int_equal(cfg.request.stride, 50);
    round_trip();
    loaded(BASIC "request: {kind: multiple_choice, delimiter: \"\"}\n");
    assert_int_equal(cfg.request.delimiter.n, 0);
    round_trip();
    assert_int_equal(cfg.request.delimiter.n, 0);
    loaded(BASIC "request: {kind: conversation, recorded_turns: ask}\n");
    assert_true(cfg.request.ask_recorded);
    round_trip();
    refused(BASIC "request: chat\n", "c.yaml:4:10: \"kind\" must be one of generate, conversation, loglikelihood, "
                                     "multiple_choice, perplexity, not \"chat\"");
    refused(BASIC "request: {kind: generate, window: 100}\n",
            "c.yaml:4:35: \"window\" means nothing for requests of kind generate");
    refused(BASIC "request: {kind: perplexity, window: 100, stride: 101}\n",
            "c.yaml:4:50: \"stride\" must be at most \"window\", which is smaller");
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_run_config_request),
        TEST(test_run_config_minimal),          TEST(test_run_config_full),
        TEST(test_run_config_respec),           TEST(test_run_config_null_is_not_given),
        TEST(test_run_config_inline_records),   TEST(test_run_config_spec_keeps_every_character),
        TEST(test_run_config_spec_numbers),     TEST(test_run_config_variables),
        TEST(test_run_config_unknown_keys),     TEST(test_run_config_unknown_kinds),
        TEST(test_run_config_missing),          TEST(test_run_config_wrong_types),
        TEST(test_run_config_given_twice),      TEST(test_run_config_labels_avoid_given_ones),
        TEST(test_run_config_secrets),          TEST(test_run_config_limits),
        TEST(test_run_config_every_arena_size), TEST(test_run_config_guard),
        TEST(test_run_config_logprobs),         TEST(test_run_config_reduce),
        TEST(test_params_parse_with_left_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
