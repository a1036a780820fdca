// What a request's body asks for, in whatever dialect. Pure, but for the parser's memory.
#ifndef MST_SIM_REQUEST_H
#define MST_SIM_REQUEST_H

#include "common/base/mem.h"
#include "common/json/json.h"
#include "sim/sim.h"
#include "sim/vocab.h"

enum { MST_SIM_STOPS_MAX = 16, MST_SIM_TOP_MAX = 20, MST_SIM_INPUTS_MAX = 2048 };

// How a refusal looks to the client is the dialect's business.
typedef struct {
    int status;
    const char *type, *param, *code; // param and code may be NULL
    char message[256];
} mst_sim_refusal_t;

typedef struct {
    mst_str_t text;
    const uint8_t *lens; // bytes of each token; NULL until somebody needs them
    uint32_t tokens;
} mst_sim_prompt_t;

// How the answer is to be written down.
typedef struct {
    bool stream, logprobs, include_usage;
    bool usage_each;      // usage in every event
    bool echo;            // the prompt goes first
    bool token_ids;       // of the answer and of the prompt
    bool ids_as_tokens;   // "token_id:5" in place of the token's text
    bool timings_each;    // llama.cpp: timings in every event
    bool details;         // TGI
    bool progress;        // llama.cpp: the prompt's, before the first token
    bool per_token;       // vectors: one a token
    bool base64;          // vectors
    uint32_t top;         // alternatives for a token
    int32_t prompt_top;   // log-probabilities of the prompt with so many alternatives; -1: none
    uint32_t prompt_from; // the first token of the prompt whose log-probability is wanted
    uint32_t n;           // answers to each prompt
    uint32_t dimensions;  // of vectors; 0 = the backend's
} mst_sim_wish_t;

typedef struct {
    mst_str_t model;  // empty = not given
    mst_str_t prompt; // text of the last user message, else of the last one
    uint64_t seed;    // 0 = not given
    uint64_t tokens_max;
    bool tokens_max_given;
    mst_sim_prompt_t *prompts; // one for a chat: all its messages' text
    uint32_t prompt_count;
    mst_str_t stops[MST_SIM_STOPS_MAX];
    uint32_t stop_count;
    bool plain;               // one text: neither reasoning nor calls nor refusals apart from it
    bool no_reasoning;        // the request switches it off
    bool json;                // the answer is to be JSON
    const mst_json_t *schema; // by this, or NULL
    const mst_json_t *tools;  // list in the dialect's own shape, or NULL
    bool tool_needed;         // tool_choice says so
    mst_str_t tool_name;      // the one that must be called, or empty
    mst_str_t *inputs;        // texts to embed, to count
    uint32_t input_count;
    mst_sim_wish_t wish;
} mst_sim_request_t; // slices live in the arena

// What a dialect reads with.
typedef struct {
    const mst_sim_opts_t *opts;
    const mst_json_t *root; // an object
    mst_arena_t *arena;
    mst_sim_vocab_t *vocab;
    mst_sim_refusal_t *why;
} mst_sim_reader_t;

void mst_sim_refuse(mst_sim_refusal_t *why, int status, const char *param, const char *code, const char *fmt, ...)
    MST_PRINTF(5, 6);
// Parses a body that must be an object. False: *why is filled.
MST_NODISCARD bool mst_sim_body_parse(mst_json_parser_t *parser, mst_str_t body, mst_arena_t *arena,
                                      const mst_json_t **out, mst_sim_refusal_t *why);
void mst_sim_request_init(mst_sim_request_t *q);

// Fields. Absent and null leave *out as it is; false: refused, *why is filled.
bool mst_sim_bad(mst_sim_reader_t *in, const char *param, const char *what); // refuses; always false
bool mst_sim_read_bool(mst_sim_reader_t *in, const mst_json_t *obj, const char *key, bool *out);
bool mst_sim_read_int(mst_sim_reader_t *in, const mst_json_t *obj, const char *key, int64_t min, int64_t max,
                      int64_t *out);
bool mst_sim_read_str(mst_sim_reader_t *in, const mst_json_t *obj, const char *key, mst_str_t *out);
bool mst_sim_read_stops(mst_sim_reader_t *in, const mst_json_t *obj, const char *key, mst_sim_request_t *q);
// messages: [{role, content}]; content a text or a list of parts with text.
bool mst_sim_read_messages(mst_sim_reader_t *in, mst_sim_request_t *q);
bool mst_sim_read_content(mst_sim_reader_t *in, const mst_json_t *content, mst_str_t *out);
// A text, a list of texts, token ids, lists of token ids: each one prompt.
bool mst_sim_read_prompts(mst_sim_reader_t *in, const mst_json_t *v, const char *param, mst_sim_request_t *q);
// A text or a list of texts (or of lists of token ids), for vectors and counts.
bool mst_sim_read_inputs(mst_sim_reader_t *in, const mst_json_t *v, const char *param, mst_sim_request_t *q);
bool mst_sim_read_one_prompt(mst_sim_reader_t *in, mst_str_t text, mst_sim_request_t *q);
// model, seed, stop, n and the token limits, as OpenAI and its likes name them.
bool mst_sim_read_common(mst_sim_reader_t *in, mst_sim_request_t *q);
// Token lengths for the prompts, where they are not there yet.
bool mst_sim_measure_prompts(mst_sim_reader_t *in, mst_sim_request_t *q);

#endif
