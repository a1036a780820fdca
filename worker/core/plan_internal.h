// What the files of a plan share.
//   plan.c           answers in, one completion out
//   plan_talk.c      turns of a conversation
//   plan_likely.c    continuations and windows, for log-likelihoods
#ifndef MST_WORKER_CORE_PLAN_INTERNAL_H
#define MST_WORKER_CORE_PLAN_INTERNAL_H

#include "common/base/buf.h"
#include "worker/core/plan.h"

struct mst_plan {
    const mst_request_cfg_t *cfg;
    mst_arena_t *arena;
    mst_str_t system_prompt;
    uint32_t repeat_no;
    mst_case_t c;
    mst_ask_t ask;
    bool asking; // ask holds
    int64_t wait_ns, started_wall_ns;
    uint32_t attempts;
    // conversation
    const mst_json_t *messages;
    uint32_t message; // next one of the data
    mst_buf_t talk;   // the conversation so far, as a JSON array
    // log-likelihoods
    mst_str_t context;
    const mst_str_t *choices; // continuations
    uint32_t choice_count;
    size_t at; // perplexity: bytes of the input that have their window
    // answers
    mst_step_t *steps;
    uint32_t step_count, step_cap;
    int64_t first_send_ns;
    mst_token_event_t *events;
    float *logprobs;
    uint32_t event_count, event_cap, logprob_count, logprob_cap;
};

// The next ask into p->ask, p->asking false when there is none. begin: what the case must have.
mst_rc mst_plan_talk_begin(mst_plan_t *p, mst_err_t *err);
mst_rc mst_plan_talk_answer(mst_plan_t *p, const mst_completion_t *done, mst_err_t *err);
mst_rc mst_plan_talk_next(mst_plan_t *p, mst_err_t *err);
mst_rc mst_plan_likely_begin(mst_plan_t *p, mst_err_t *err);
void mst_plan_likely_next(mst_plan_t *p);
mst_rc mst_plan_windows_begin(mst_plan_t *p, mst_err_t *err);
void mst_plan_windows_next(mst_plan_t *p);

#endif
