// Rows that several providers have in common, so that the same setting has one name, one range and one help text
// wherever it exists. A provider composes its table of them: {MST_PARAM_MODEL, MST_PARAMS_SAMPLING, {.name = NULL}}.
#ifndef MST_WORKER_COMMON_PARAMS_H
#define MST_WORKER_COMMON_PARAMS_H

// clang-format off
#define MST_PARAM_MODEL                                                                                            \
    {.name = "model", .alias = "model_name", .type = MST_P_STR, .required = true, .help = "model to ask for"}
#define MST_PARAM_MODEL_OPTIONAL                                                                                   \
    {.name = "model", .alias = "model_name", .type = MST_P_STR, .help = "model to ask for; the server has one anyway"}

// base: the default, or NULL together with needed = true
#define MST_PARAMS_ENDPOINT(base, needed, what)                                                                    \
    {.name = "base_url", .type = MST_P_URL, .required = (needed), .dflt = (base), .help = what},                   \
    {.name = "api_key", .type = MST_P_SECRET,                                                                      \
     .help = "key for the Authorization header: env:NAME, file:/path or ${NAME}"}

#define MST_PARAM_STREAM                                                                                           \
    {.name = "stream", .type = MST_P_BOOL, .dflt = "true",                                                         \
     .help = "ask for the answer token by token; needed for ttft"}

#define MST_PARAMS_SAMPLING                                                                                        \
    {.name = "temperature", .type = MST_P_NUM, .min = 0, .max = 10, .help = "sampling temperature"},               \
    {.name = "top_p", .type = MST_P_NUM, .min = 0, .max = 1, .help = "nucleus sampling"},                          \
    {.name = "seed", .type = MST_P_INT, .help = "seed of the first repeat; each further repeat adds 1"},           \
    {.name = "max_tokens", .alias = "max_completion_tokens|max_new_tokens", .type = MST_P_INT, .min = 1,           \
     .max = 100000000, .help = "longest answer, in tokens"},                                                       \
    {.name = "stop", .type = MST_P_STRLIST, .help = "texts that end the answer"}

#define MST_PARAM_TOP_K                                                                                            \
    {.name = "top_k", .type = MST_P_INT, .min = -1, .max = 10000000, .help = "sample from the k likeliest tokens"}
#define MST_PARAM_MIN_P                                                                                            \
    {.name = "min_p", .type = MST_P_NUM, .min = 0, .max = 1,                                                       \
     .help = "leave out tokens less likely than this share of the likeliest"}
#define MST_PARAM_REPETITION                                                                                       \
    {.name = "repetition_penalty", .alias = "repeat_penalty", .type = MST_P_NUM, .min = 0, .max = 100,             \
     .help = "factor against tokens that are there already; 1 is none"}

#define MST_PARAMS_PENALTIES                                                                                       \
    {.name = "presence_penalty", .type = MST_P_NUM, .min = -2, .max = 2,                                           \
     .help = "penalty on tokens already there"},                                                                   \
    {.name = "frequency_penalty", .type = MST_P_NUM, .min = -2, .max = 2,                                          \
     .help = "penalty by how often they are there"}

#define MST_PARAMS_LOGPROBS(most)                                                                                  \
    {.name = "logprobs", .alias = "enable_logprobs", .type = MST_P_BOOL, .dflt = "false",                          \
     .help = "ask for logprobs"},                                                                                  \
    {.name = "top_logprobs", .type = MST_P_INT, .min = 0, .max = (most),                                           \
     .help = "alternatives per token; asks for logprobs"}

#define MST_PARAM_N                                                                                                \
    {.name = "n", .type = MST_P_INT, .min = 1, .max = 128,                                                         \
     .help = "answers to one request; the first is scored, the others are kept"}
#define MST_PARAM_FORMAT                                                                                           \
    {.name = "response_format", .type = MST_P_JSON,                                                                \
     .help = "text, json_object, or {type: json_schema, json_schema: {name: ..., schema: ...}}"}
#define MST_PARAMS_TOOLS                                                                                           \
    {.name = "tools", .type = MST_P_JSON, .help = "list of {type: function, function: {name, parameters}}"},       \
    {.name = "tool_choice", .type = MST_P_JSON, .help = "none, auto, required, or the map that names one"}
#define MST_PARAM_PARALLEL_TOOLS                                                                                   \
    {.name = "parallel_tool_calls", .type = MST_P_BOOL, .help = "may the answer call several tools at once"}
#define MST_PARAM_EFFORT                                                                                           \
    {.name = "reasoning_effort", .type = MST_P_STR, .help = "none, minimal, low, medium, high ..., as the model has it"}

#define MST_PARAMS_MORE                                                                                            \
    {.name = "extra_body", .type = MST_P_JSON, .help = "object whose members are put into the request, over ours"}, \
    {.name = "headers", .type = MST_P_JSON, .help = "object of further header lines; not for secrets"}

// What the worker itself reads, of every provider: connections, times, retries.
#define MST_PARAMS_TRANSPORT                                                                                       \
    {.name = "connect_timeout", .type = MST_P_NUM, .dflt = "5", .min = 0.001, .max = 86400,                        \
     .help = "seconds to connect"},                                                                                \
    {.name = "first_token_timeout", .alias = "ttft_timeout", .type = MST_P_NUM, .dflt = "120", .min = 0.001,       \
     .max = 86400, .help = "seconds until the first token"},                                                       \
    {.name = "idle_timeout", .type = MST_P_NUM, .dflt = "60", .min = 0.001, .max = 86400,                          \
     .help = "seconds between tokens"},                                                                            \
    {.name = "timeout", .alias = "timeout_seconds", .type = MST_P_NUM, .dflt = "600", .min = 0.001,                \
     .max = 864000, .help = "seconds for one try as a whole"},                                                     \
    {.name = "max_retries", .alias = "retries", .type = MST_P_INT, .dflt = "3", .max = 100,                        \
     .help = "tries after the first"},                                                                             \
    {.name = "retry_base_ms", .type = MST_P_INT, .dflt = "500", .min = 1, .max = 600000,                           \
     .help = "first wait before another try; doubles, with jitter"}
// clang-format on

#endif
