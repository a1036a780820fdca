// Made-up scorers and providers with every type of parameter, for tests of the configuration.
#ifndef MST_TESTS_KINDS_H
#define MST_TESTS_KINDS_H

#include "common/config/run_config.h"

static const mst_param_t kinds_length_params[] = {
    {.name = "min_length", .alias = "min|at_least", .type = MST_P_INT, .min = 0, .max = 1000000, .dflt = "0"},
    {.name = "max_length", .alias = "max", .type = MST_P_INT, .min = 0, .max = 1000000},
    {.name = "unit", .type = MST_P_ENUM, .choices = "chars|words|bytes", .dflt = "chars"},
    {.name = NULL},
};

static const mst_param_t kinds_keyword_params[] = {
    {.name = "expected_keywords", .alias = "keywords", .type = MST_P_STRLIST},
    {.name = "forbidden_keywords", .type = MST_P_STRLIST, .dflt = "[]"},
    {.name = "case_sensitive", .type = MST_P_BOOL, .dflt = "false"},
    {.name = "strength", .type = MST_P_NUM, .min = 0, .max = 10, .dflt = "1.0"},
    {.name = NULL},
};

static const mst_param_t kinds_schema_params[] = {
    {.name = "schema", .alias = "json_schema", .type = MST_P_JSON, .required = true},
    {.name = NULL},
};

static const mst_param_t kinds_guard_params[] = {
    {.name = "sigma_threshold", .type = MST_P_NUM, .dflt = "3.0", .min = 0, .max = 1000},
    {.name = "window_size", .type = MST_P_INT, .min = 1, .max = 1000000},
    {.name = "enable_nan_check", .type = MST_P_BOOL, .dflt = "true"},
    {.name = NULL},
};

static const mst_param_t kinds_provider_params[] = {
    {.name = "model", .alias = "model_name", .type = MST_P_STR, .required = true},
    {.name = "base_url", .type = MST_P_STR, .dflt = "https://api.example.com/v1"},
    {.name = "api_key", .type = MST_P_SECRET, .dflt = "env:TEST_API_KEY"},
    {.name = "temperature", .type = MST_P_NUM, .min = 0, .max = 2},
    {.name = "stream", .type = MST_P_BOOL, .dflt = "true"},
    {.name = "extra_body", .type = MST_P_JSON, .dflt = "{}"},
    {.name = "stop", .type = MST_P_STRLIST},
    {.name = "seed", .type = MST_P_INT},
    {.name = "logprobs", .type = MST_P_BOOL, .dflt = "false"},
    {.name = NULL},
};

static const mst_kind_t kinds_length = {
    .name = "length", .tier = "L1", .threshold = 1.0, .params = kinds_length_params};
static const mst_kind_t kinds_keyword = {
    .name = "keyword", .aliases = "keywords", .tier = "L1", .threshold = 1.0, .params = kinds_keyword_params};
static const mst_kind_t kinds_schema = {
    .name = "json_schema", .tier = "L1", .threshold = 1.0, .params = kinds_schema_params};
static const mst_kind_t kinds_ttft = {.name = "ttft", .tier = "L4", .threshold = 0.8};
static const mst_kind_t kinds_guard = {
    .name = "numerical_stability", .tier = "L4", .threshold = 0.8, .params = kinds_guard_params, .logprobs = true};
static const mst_kind_t kinds_openai = {.name = "openai", .aliases = "openai_chat", .params = kinds_provider_params};

static const mst_kind_t *const kinds_scorers[] = {&kinds_schema, &kinds_keyword, &kinds_length, &kinds_guard,
                                                &kinds_ttft, NULL};
static const mst_kind_t *const kinds_providers[] = {&kinds_openai, NULL};

#endif
