// The OpenAI dialect, which many servers speak with additions of their own: their providers are made of these parts.
// Thread: the decoder's.
#ifndef MST_WORKER_OPENAI_H
#define MST_WORKER_OPENAI_H

#include "worker/provider/common_params.h"
#include "worker/provider/write.h"

// clang-format off
// The parameters that mst_openai_build reads. most: alternatives per token that the server gives.
#define MST_PARAM_API(routes, what)                                                                                \
    {.name = "api", .type = MST_P_ENUM, .dflt = "chat", .choices = (routes), .help = what}
#define MST_PARAMS_OPENAI(most)                                                                                    \
    MST_PARAM_STREAM, MST_PARAMS_SAMPLING, MST_PARAMS_PENALTIES, MST_PARAMS_LOGPROBS(most), MST_PARAM_N,           \
    MST_PARAM_FORMAT, MST_PARAMS_TOOLS, MST_PARAM_PARALLEL_TOOLS, MST_PARAM_EFFORT,                                \
    {.name = "logit_bias", .type = MST_P_JSON, .help = "map of token ids to what is added to their logits"},       \
    {.name = "dimensions", .type = MST_P_INT, .min = 1, .max = 1000000, .help = "length of the vectors of embeddings"}

// clang-format on

// How a server's routes and requests differ from OpenAI's own.
typedef struct {
    const char *known;     // what may stand at the end of base_url and is cut: "a|b"
    const char *prefix;    // before "/chat/completions": "" or "/v1"
    const char *max_field; // name of the token limit in a chat
    // Further members of a generate request; NULL = none.
    void (*more)(mst_body_t *b, const mst_ask_t *ask);
    void (*stream)(mst_body_t *b); // further members of stream_options; NULL = none
    // Members that make a request of prompt and temperature bring log-probabilities of the prompt; NULL: echo.
    void (*score)(mst_body_t *b, const mst_ask_t *ask);
} mst_openai_dialect_t;

#define MST_OPENAI_KNOWN "/chat/completions|/completions|/embeddings"
#define MST_V1_KNOWN     "/v1/chat/completions|/v1/completions|/v1/embeddings|/v1"

// openai_request.c: the request of any ask. GENERATE goes to the chat or to the completions route, LOGLIKELIHOOD and
// ROLLING to the completions, EMBED to the embeddings. base: the address, usually parameter base_url. No header lines
// are added yet: see mst_request_headers.
MST_NODISCARD mst_rc mst_openai_build(const mst_openai_dialect_t *dialect, mst_str_t base, const mst_params_t *p,
                                      const mst_ask_t *ask, mst_arena_t *arena, mst_request_t *out, mst_err_t *err);
// build_request of a provider that has base_url, api_key and headers and no headers of its own.
MST_NODISCARD mst_rc mst_openai_build_plain(const mst_openai_dialect_t *dialect, const mst_provider_cfg_t *cfg,
                                            const mst_ask_t *ask, mst_arena_t *arena, mst_request_t *out,
                                            mst_err_t *err);

// openai_decode.c: one event of a stream, or the whole body, of any of the routes.
mst_rc mst_openai_on_event(mst_decoder_t *d, mst_str_t name, mst_str_t data, int64_t rx_ns, mst_err_t *err);
mst_rc mst_openai_on_end(mst_decoder_t *d, mst_err_t *err);

// openai_logprobs.c: the logprobs of a choice and their alternatives, in either form: {content: [{token, logprob,
// top_logprobs}]} or {tokens, token_logprobs, top_logprobs}. Counts the entries.
MST_NODISCARD mst_rc mst_openai_logprobs(mst_decoder_t *d, const mst_json_t *logprobs, uint32_t *entries,
                                         mst_err_t *err);

// openai_token.c: does an event carry a generated token? A walk over the text, without building a tree.
bool mst_openai_has_token(mst_str_t name, mst_str_t data);

#endif
