// The steps of a case that takes more than one request, or asks for log-likelihoods: turns of a conversation, choices,
// windows of a text. They travel with the result as one JSON text (docs/reference/json.md) and lie in column `steps`;
// the packed column of events then holds the events and logprobs of all steps, one behind the other.
//
// What the case's own completion says (text, stamps) is that of the step which is scored: the last turn, the likeliest
// choice. Of a perplexity it is all windows together. The token counts of a row are those of all its steps.
// Thread: any; a parser belongs to one thread.
#ifndef MST_MODEL_STEP_H
#define MST_MODEL_STEP_H

#include "common/json/json.h"
#include "common/model/ask.h"
#include "common/model/completion.h"
#include "common/model/outcome.h"

#define MST_STEPS_MAX 4096

typedef struct mst_step {
    mst_ask_kind_t kind;
    uint32_t no;           // of the case, from 0
    mst_outcome_t outcome; // a measured one, but for the last step of a case that failed
    mst_str_t text;        // answer of a turn, or the continuation whose likelihood this is
    mst_str_t finish_reason;
    int64_t at_ns; // when its request was sent, after that of the first step
    int64_t queue_ns, ttfb_ns, ttft_ns, ttfo_ns, last_token_ns, close_ns, tpot_ns; // relative to its own request
    int64_t prompt_tokens, completion_tokens, reasoning_tokens, usage_tokens; // MST_NONE = not told, here and above
    mst_token_source_t token_source;
    uint32_t attempts, merged_reads;
    uint32_t event_count, logprob_count; // its share of the case's events and logprobs
    bool conn_reused;
    bool cached; // from the response cache: no time of it was measured
    bool has_loglik, loglik_greedy, loglik_greedy_known, loglik_merged;
    uint32_t loglik_tokens;
    double loglik;
} mst_step_t;

// Which step the completion of the case stands for.
#define MST_STEP_ALL UINT32_MAX

typedef struct {
    mst_str_t kind;  // of the request: "conversation" ...
    uint32_t scored; // its number, or MST_STEP_ALL
    const mst_step_t *items;
    uint32_t count;
} mst_steps_t;

// Appends the JSON text. Errors: out->failed.
void mst_steps_write(const mst_steps_t *s, mst_buf_t *out);
// Reverse of it into arena. MST_PROTO on anything that is not such a text.
MST_NODISCARD mst_rc mst_steps_read(mst_str_t json, mst_json_parser_t *parser, mst_arena_t *arena, mst_steps_t *out,
                                    mst_err_t *err);
// c holds the events and logprobs of all steps: cuts them down to those of step no, and sets stamps, tokens, text and
// likelihood from it. MST_STEP_ALL leaves c as it is. A number or a count that does not fit leaves no events.
void mst_steps_view(const mst_steps_t *s, uint32_t no, mst_completion_t *c);

// What the whole case took: the sums over its steps, or the completion's own when it has none. MST_NONE: not known.
typedef struct {
    int64_t prompt, completion, reasoning, usage;
} mst_step_tokens_t;

mst_step_tokens_t mst_steps_tokens(const mst_completion_t *c);
// As a scorer sees a stored row: the view of the scored step, and c->steps.
void mst_steps_apply(const mst_steps_t *s, mst_completion_t *c);

#endif
