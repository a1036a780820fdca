// What a dialect is: rows of a table of routes. A row says which path it serves, how its body is read, and how the
// answer is written, as a format of events (stream.h) or as one body made at once. One file a dialect; routes.c
// lists them.
#ifndef MST_SIM_DIALECT_H
#define MST_SIM_DIALECT_H

#include "sim/logprobs.h"
#include "sim/metrics.h"
#include "sim/stream.h"

#define MST_SIM_DIALECT_NAMES "any|openai|vllm|sglang|tgi|llamacpp|ollama|anthropic|tei" // in the order of the enum
#define MST_SIM_BIT(d)        (1u << (d))
#define MST_SIM_CREATED       "1790000000" // a fixed second: answers are the same every time
#define MST_SIM_CREATED_AT    "2026-09-21T14:13:20Z"

// Appends literal text.
#define MST_SIM_ADD(out, lit) mst_buf_add((out), lit, sizeof(lit) - 1)

// What fixed answers are made from.
typedef struct {
    const mst_sim_opts_t *opts;
    mst_sim_dialect_t dialect;
    mst_sim_vocab_t *vocab;
    const mst_sim_metrics_t *metrics;
} mst_sim_facts_t;

typedef struct {
    const char *method, *path;
    uint32_t dialects;      // MST_SIM_BIT of each port that has it; every MST_SIM_ANY port does
    mst_sim_dialect_t home; // whose shapes it has on an MST_SIM_ANY port
    const char *key;        // among rows of one path: this one is meant when the body has such a member
    bool open;              // needs no key
    bool names_model;       // a body without a model is refused by a port that has one
    bool timed;             // delays and faults apply; always with a format
    bool (*read)(mst_sim_reader_t *in, mst_sim_request_t *q); // NULL: there is no body to read
    const mst_sim_format_t *format;
    void (*body)(const mst_sim_facts_t *f, const mst_sim_request_t *q, mst_buf_t *out); // without a format
    const char *type; // Content-Type of that body; NULL = JSON
} mst_sim_route_t;

// The first row for method and path. NULL: no such path, or *out_allow is the method that it takes.
const mst_sim_route_t *mst_sim_route_find(mst_sim_dialect_t d, mst_str_t method, mst_str_t path,
                                          const char **out_allow);
// That row, or a later one of the same path that the body speaks for.
const mst_sim_route_t *mst_sim_route_fit(const mst_sim_route_t *first, mst_sim_dialect_t d, const mst_json_t *root);
const char *mst_sim_dialect_name(mst_sim_dialect_t d);
bool mst_sim_dialect_find(mst_str_t name, mst_sim_dialect_t *out);

typedef struct {
    mst_sim_dialect_t dialect;
    uint16_t port;
} mst_sim_listen_t;

// "vllm@8001,ollama@0"; text NULL: none. MST_INVAL names the bad entry.
MST_NODISCARD mst_rc mst_sim_listen_read(const char *text, mst_sim_listen_t *out, uint32_t max, uint32_t *out_count,
                                         mst_err_t *err);
void mst_sim_render_error(mst_sim_dialect_t d, const mst_sim_refusal_t *why, mst_buf_t *out);

// Rows of each file; the last has no path.
extern const mst_sim_route_t mst_sim_routes_openai[], mst_sim_routes_completions[], mst_sim_routes_common[],
    mst_sim_routes_vectors[], mst_sim_routes_tokens[], mst_sim_routes_sglang[], mst_sim_routes_tgi[],
    mst_sim_routes_llamacpp[], mst_sim_routes_ollama[], mst_sim_routes_anthropic[];

// Pieces that several dialects share (pieces.c).
void mst_sim_add_id(mst_buf_t *out, const char *prefix, uint64_t id);     // prefix and 16 hexadecimal digits
void mst_sim_add_count(mst_buf_t *out, const char *before, uint64_t v);   // text, number
void mst_sim_add_micro(mst_buf_t *out, int64_t micro);                    // millionths as a decimal number
void mst_sim_add_ids(mst_sim_vocab_t *v, mst_str_t text, mst_buf_t *out); // [1,2]: ids of the text's tokens
void mst_sim_add_prompt_ids(mst_sim_vocab_t *v, const mst_sim_prompt_t *p, mst_buf_t *out);
const char *mst_sim_finish_word(const mst_sim_choice_t *c);         // OpenAI's; not for GIVEN
void mst_sim_add_finish(mst_buf_t *out, const mst_sim_choice_t *c); // the same, quoted, GIVEN too
// All text of one kind of part; JSON string, or null when there is no such part and `null` says so.
void mst_sim_add_parts(mst_buf_t *out, const mst_sim_choice_t *c, mst_sim_event_kind_t kind, bool null);
bool mst_sim_has_part(const mst_sim_choice_t *c, mst_sim_event_kind_t kind);
// {"prompt_tokens": ...} of OpenAI and its likes, with so many tokens of the answer.
void mst_sim_add_usage(const mst_sim_answer_t *a, uint32_t tokens, uint32_t reasoning_tokens, mst_buf_t *out);
// vLLM's list: null, then one object a token, keyed by token ids.
void mst_sim_add_prompt_logprobs(const mst_sim_answer_t *a, const mst_sim_prompt_t *p, mst_buf_t *out);
// llama.cpp's "timings" object.
void mst_sim_add_timings(const mst_sim_answer_t *a, uint32_t tokens, mst_buf_t *out);
// data: {"error": ...} in the shape of d, with the [DONE] that follows.
void mst_sim_add_error_event(mst_sim_dialect_t d, const mst_sim_refusal_t *why, mst_buf_t *out);
// OpenAI's headers: x-ratelimit-..., openai-processing-ms.
void mst_sim_add_rate_headers(const mst_sim_answer_t *a, mst_buf_t *out);
// The vector of a text, of unit length, as a JSON list or base64 of little-endian floats. Texts with words in common
// have similar ones.
void mst_sim_add_vector(const mst_sim_facts_t *f, const mst_sim_wish_t *w, mst_str_t text, mst_buf_t *out);
double mst_sim_similarity(const mst_sim_facts_t *f, mst_str_t a, mst_str_t b); // of their vectors, from -1 to 1
uint32_t mst_sim_count_inputs(const mst_sim_request_t *q);                     // tokens of all inputs
// Fields of vLLM and its likes beyond OpenAI's: top_k etc. pass unseen; these count.
bool mst_sim_read_extras(mst_sim_reader_t *in, mst_sim_request_t *q);
bool mst_sim_read_stream(mst_sim_reader_t *in, mst_sim_request_t *q); // stream, stream_options
mst_sim_logprob_t mst_sim_choice_logprob(const mst_sim_answer_t *a, const mst_sim_choice_t *c, uint32_t token);

#endif
