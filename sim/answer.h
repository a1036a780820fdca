// What one answer says: its choices, each a row of parts (reasoning, text, refusal, calls of tools), cut to length
// before anything is sent. Made once per request; after that only read, by the walker (stream.h) and the dialects.
#ifndef MST_SIM_ANSWER_H
#define MST_SIM_ANSWER_H

#include "common/base/buf.h"
#include "sim/plan.h"
#include "sim/replies.h"
#include "sim/request.h"
#include "sim/sim.h"
#include "sim/vocab.h"

enum { MST_SIM_CHOICES_MAX = 1024, MST_SIM_CALLS_MAX = 16 };

typedef enum {
    MST_SIM_EV_ROLE = 0,
    MST_SIM_EV_REASONING,
    MST_SIM_EV_CONTENT,
    MST_SIM_EV_REFUSAL,
    MST_SIM_EV_TOOL,
    MST_SIM_EV_FINISH,
    MST_SIM_EV_USAGE,
    MST_SIM_EV_DONE,
    MST_SIM_EV_END,  // nothing comes any more
    MST_SIM_EV_BODY, // a whole answer, not streamed
    MST_SIM_EV_ERROR,
} mst_sim_event_kind_t;

const char *mst_sim_event_name(mst_sim_event_kind_t kind); // as in the truth file

typedef enum {
    MST_SIM_FINISH_STOP = 0,
    MST_SIM_FINISH_LENGTH,
    MST_SIM_FINISH_TOOLS,
    MST_SIM_FINISH_REFUSAL,
    MST_SIM_FINISH_GIVEN, // by the replies file
} mst_sim_finish_t;

typedef struct {
    mst_sim_event_kind_t kind; // REASONING to TOOL
    mst_str_t text;            // of a call: its arguments
    mst_str_t name;            // of a call: the function
    uint32_t tokens;
} mst_sim_part_t;

typedef struct {
    const mst_sim_part_t *parts;
    uint32_t part_count;
    uint32_t tokens, reasoning_tokens; // of the parts
    mst_sim_finish_t finish;
    mst_str_t finish_given, stop; // stop: the request's text that ended it
    uint64_t seed;                // of words and logprobs
    const double *logprobs;       // of the first tokens behind the reasoning, or NULL
    uint32_t logprob_count;
    mst_sim_prompt_t prompt;
} mst_sim_choice_t;

typedef struct mst_sim_format mst_sim_format_t;

typedef struct {
    const mst_sim_opts_t *opts;
    const mst_sim_format_t *format;
    mst_sim_dialect_t dialect;
    mst_sim_vocab_t *vocab; // NULL: token ids are not known
    uint64_t id;            // of the answer
    mst_str_t model;
    const mst_sim_choice_t *choices;
    uint32_t choice_count;
    uint32_t prompt_tokens, tokens, reasoning_tokens; // of all choices
    mst_sim_wish_t wish;
    int64_t ttft_ns, took_ns; // from the request to the first token and to the end, as it was planned
    mst_str_t prefix;         // of every event, or empty; from the format
} mst_sim_answer_t;

// Where an answer lies for as long as it is sent.
typedef struct {
    mst_buf_t text, lens, choices, parts;
} mst_sim_stock_t;

void mst_sim_stock_init(mst_sim_stock_t *s);
void mst_sim_stock_deinit(mst_sim_stock_t *s);
void mst_sim_stock_each(mst_sim_stock_t *s, void (*fn)(mst_buf_t *b));

// Decides what is answered; reply may be NULL. Everything that *out points to lies in the stock, the replies or the
// options. False: it does not fit.
MST_NODISCARD bool mst_sim_answer_make(const mst_sim_opts_t *o, const mst_sim_request_t *q, const mst_sim_plan_t *plan,
                                       const mst_sim_reply_t *reply, mst_sim_stock_t *stock, mst_sim_answer_t *out);

#endif
