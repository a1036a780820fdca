// A completion: what the backend gave, with its stamps. Open records; slices borrow from the unit's arena.
#ifndef MST_MODEL_COMPLETION_H
#define MST_MODEL_COMPLETION_H

#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/base/str.h"

// "not known" for every nanosecond or count below
#define MST_NONE (-1)

typedef enum {
    MST_EV_ROLE = 0,  // opens the message; carries no token
    MST_EV_CONTENT,
    MST_EV_REASONING,
    MST_EV_TOOL,
    MST_EV_REFUSAL,
    MST_EV_EMPTY,     // a choice without text; n_tokens may still be > 0 (part of a character)
    MST_EV_USAGE,
    MST_EV_DONE,
    MST_EV_ERROR,
    MST_EV_COMMENT,   // keep-alive
} mst_event_kind_t;

typedef struct {
    int64_t rx_ns;     // arrival of the bytes that complete the event, relative to send_ns
    mst_event_kind_t kind;
    uint32_t n_tokens; // generated tokens in it; 0 = none or unknown
} mst_token_event_t;

typedef struct { // one token that could have been chosen in a place
    mst_str_t text;
    int64_t id;        // in the model's vocabulary; MST_NONE = not told
    float logprob;     // as received, like logprobs
} mst_alternative_t;

typedef enum { // where completion_tokens comes from, best first
    MST_TOK_UNKNOWN = 0,
    MST_TOK_LOGPROBS,  // one entry per token
    MST_TOK_USAGE,     // the server's count
    MST_TOK_EVENTS,    // estimated: one per content event
    MST_TOK_METADATA,  // recorded with the answer
} mst_token_source_t;

typedef enum { MST_STAMP_NONE = 0, MST_STAMP_USER, MST_STAMP_KERNEL, MST_STAMP_RECORDED } mst_stamp_source_t;

// A logprob that the server left out, sent as null or as something that is no number; a quiet NaN with a
// payload of its own, so that a real NaN from the wire stays apart. Test with mst_logprob_missing.
float mst_logprob_missing_value(void);
bool mst_logprob_missing(float v);

typedef struct {
    mst_str_t text;          // answer
    mst_str_t reasoning;
    mst_str_t refusal;
    mst_str_t tool_calls;    // JSON array as assembled, or empty
    mst_str_t choices;       // JSON array of the further choices (n > 1), or empty: text is choice 0 alone
    mst_str_t extra;         // JSON object of what else came back: timings, tool fragments, headers; or empty
    mst_str_t finish_reason; // as the server spelt it; empty = none
    mst_str_t model;         // the name that the server gave
    mst_str_t system_fingerprint;
    mst_str_t request_id;    // x-request-id of the response
    mst_str_t server;        // Server header or engine hint, for provenance
    int64_t prompt_tokens, completion_tokens, reasoning_tokens; // MST_NONE = not told
    int64_t cached_tokens;   // of the prompt, taken from the server's cache
    int64_t usage_tokens;    // generated tokens by the server's own count, whichever was taken; MST_NONE = not told
    mst_token_source_t token_source;
    // stamps: send_mono_ns is CLOCK_MONOTONIC, all others are relative to it; MST_NONE = not measured
    int64_t send_mono_ns;    // last byte of the request accepted by the kernel
    mst_stamp_source_t send_source, rx_source;
    int64_t ttfb_ns;         // first byte of anything
    int64_t ttft_ns;         // first event with a generated token of any channel (latency.md 1.3)
    int64_t ttfo_ns;         // first content or tool call, reasoning left out
    int64_t last_token_ns;   // = end-to-end latency
    int64_t close_ns;        // transfer over
    int64_t queue_ns;        // admitted by the worker until sent
    const mst_token_event_t *events;
    uint32_t event_count;
    const float *logprobs;   // one per token, as received: NaN, infinities and sentinels kept
    const double *logprobs_exact; // of recorded answers: the same before they were rounded, finite and not; else NULL
    uint32_t logprob_count;
    // the likeliest tokens of each place: those of logprob i are alternatives[alternative_ends[i - 1] (0 for i = 0)
    // .. alternative_ends[i]); both NULL when the server sent none
    const mst_alternative_t *alternatives;
    const uint32_t *alternative_ends; // logprob_count of them
    uint32_t alternative_count;
    // of an ask for log-likelihood: the logprobs above are those of the continuation's tokens then
    bool has_loglik;         // false: not measured, the error says why
    bool loglik_merged;      // its first token begins before it, in the context: counted whole
    bool loglik_greedy;      // each token was the most likely one
    bool loglik_greedy_known; // the server told
    uint32_t loglik_tokens;  // tokens in the sum
    double loglik;           // natural logarithm
    const float *vectors;    // of an ask for embeddings: rows of vector_dim numbers, one behind the other
    const uint32_t *vector_rows; // rows of each text (one vector per token); NULL: one each
    uint32_t vector_count, vector_dim; // rows in all
    const struct mst_step *steps; // of a case that took several requests, each with its own stamps (model/step.h)
    uint32_t step_count;
    uint32_t merged_reads;   // events that shared a read with an earlier one: their stamp is an upper bound
    uint32_t comments;
    bool streamed, conn_reused, lenient_json, finished; // finished: the format's own terminator was seen
    bool cached; // from the response cache, some of it at least: not measured now, so it has no stamps and no events
    int http_status;
    uint32_t attempts;       // tries made, >= 1
    // when the case failed: outcome other than the measured ones, and why
    mst_err_t error;
} mst_completion_t;

// Tokens per second over the answer: tokens / (last_token_ns). NaN when not measured.
double mst_completion_tps(const mst_completion_t *c);
// (last - first) / (n - n_first_event) in ns (latency.md 1.3); NaN when not measured or n too small.
double mst_completion_tpot_ns(const mst_completion_t *c);

// The packed column of token events and logprobs, about 8 bytes a token. Format: docs/protocol.md.
// out: appended. Errors: out->failed.
void mst_events_pack(const mst_completion_t *c, mst_buf_t *out);

// The counts of a packed column, from its first bytes; 0 and 0 when it is none.
void mst_events_counts(mst_str_t packed, uint64_t *events, uint64_t *logprobs);

typedef struct mst_arena mst_arena_t;
// Reverse of it into arena: fills events, event_count, logprobs, logprob_count of c.
// MST_PROTO on anything that is not such a column, MST_LIMIT over MST_TOKENS_MAX.
MST_NODISCARD mst_rc mst_events_unpack(mst_str_t packed, mst_arena_t *arena, mst_completion_t *c,
                                       mst_err_t *err);

#endif
