// The bodies that the simulated backend sends: chat completions whole and as a stream of events, errors, the list
// of models. Pure: the same answer gives the same bytes. `created` is fixed for that reason.
#ifndef MST_SIM_RENDER_H
#define MST_SIM_RENDER_H

#include "common/base/buf.h"
#include "sim/request.h"
#include "sim/sim.h"

typedef enum {
    MST_SIM_EV_ROLE = 0,
    MST_SIM_EV_REASONING,
    MST_SIM_EV_CONTENT,
    MST_SIM_EV_FINISH,
    MST_SIM_EV_USAGE,
    MST_SIM_EV_DONE,
    MST_SIM_EV_END,  // nothing comes any more
    MST_SIM_EV_BODY, // a whole answer, not streamed
    MST_SIM_EV_ERROR,
} mst_sim_event_kind_t;

const char *mst_sim_event_name(mst_sim_event_kind_t kind); // as in the truth file

// One answer; slices are borrowed for as long as it is rendered.
typedef struct {
    const mst_sim_opts_t *opts;
    uint64_t id;   // of the answer: "chatcmpl-" and 16 hexadecimal digits
    uint64_t seed; // of the logprobs
    mst_str_t model, reasoning, text;
    mst_str_t finish_reason; // when the text came to its end
    const double *logprobs;  // of the first tokens of text, or NULL
    uint32_t logprob_count;
    uint32_t prompt_tokens;
    uint32_t tokens_max; // answer is cut behind so many, with finish_reason "length"
    uint32_t top_logprobs;
    uint32_t malformed; // number of the event whose JSON is broken; UINT32_MAX = none
    bool with_logprobs, include_usage;
    mst_str_t prefix; // of every event; from mst_sim_stream_prefix
} mst_sim_answer_t;

// How far a stream has come. {0} is its beginning.
typedef struct {
    mst_sim_event_kind_t next; // what the next event will be
    size_t at;                 // in reasoning or text
    uint32_t tokens, reasoning_tokens;
    uint32_t events; // rendered so far
} mst_sim_cursor_t;

// The bytes that every event of this answer begins with; put into answer->prefix by the caller.
void mst_sim_stream_prefix(const mst_sim_answer_t *a, mst_buf_t *out);
// Appends the next event, "data: ...\n\n"; returns its kind and tokens. Not to be called at MST_SIM_EV_END.
mst_sim_event_kind_t mst_sim_stream_next(const mst_sim_answer_t *a, mst_sim_cursor_t *c, mst_buf_t *out,
                                         uint32_t *out_tokens);
// Events that the whole stream will have, and how many of them carry tokens.
uint32_t mst_sim_stream_count(const mst_sim_answer_t *a, uint32_t *out_token_events);
// Appends a whole, unstreamed answer; returns its tokens.
uint32_t mst_sim_render_completion(const mst_sim_answer_t *a, mst_buf_t *out);
void mst_sim_render_error(const mst_sim_refusal_t *why, mst_buf_t *out);
void mst_sim_render_models(const mst_sim_opts_t *o, mst_buf_t *out);

#endif
