// The plan of one case that takes more than one request, or another one than a plain answer: what to ask next, what the
// answers so far were, and what they come to as one completion. Pure: answers go in, asks come out.
//
//   conversation     one ask for each user message; the backend's own answers stand between them
//   loglikelihood    one ask for the expected answer, or for each of `choices`
//   multiple_choice  one ask for each of `choices`
//   perplexity       one ask for each window of the input
//
// A plan lives from a case's first attempt until its result, on whichever thread holds the attempt; it is lost with the
// lease, and the case is then asked anew from its beginning.
#ifndef MST_WORKER_CORE_PLAN_H
#define MST_WORKER_CORE_PLAN_H

#include "common/base/mem.h"
#include "common/config/run_config.h"
#include "common/model/ask.h"
#include "common/model/step.h"

#define MST_PLAN_CHOICES_MAX 1024

typedef struct mst_plan mst_plan_t;

// cfg is borrowed and is not of kind generate; so is system_prompt.
mst_plan_t *mst_plan_new(const mst_request_cfg_t *cfg, mst_str_t system_prompt, uint32_t repeat_no);
void mst_plan_free(mst_plan_t **plan);         // NULL and *NULL allowed
mst_arena_t *mst_plan_arena(mst_plan_t *plan); // for the case, so that it lives as long
// Takes the case; its slices are borrowed. MST_INVAL: it lacks what this kind of request needs.
MST_NODISCARD mst_rc mst_plan_begin(mst_plan_t *plan, const mst_case_t *c, mst_err_t *err);
const mst_case_t *mst_plan_case(const mst_plan_t *plan);

// MST_ASK_BIT of every kind of ask that such plans make.
uint32_t mst_plan_asks(const mst_request_cfg_t *cfg);
// MST_UNSUPPORTED when a provider with routes for those asks cannot do it.
MST_NODISCARD mst_rc mst_plan_possible(const mst_request_cfg_t *cfg, const char *provider, uint32_t asks,
                                       mst_err_t *err);

// What is asked now; its texts hold until the next take. NULL: every step has its answer.
const mst_ask_t *mst_plan_ask(const mst_plan_t *plan);
uint32_t mst_plan_step_no(const mst_plan_t *plan);
// How long the next ask waits after the answer before it: nothing, unless set from outside (a user's time to think).
int64_t mst_plan_wait_ns(const mst_plan_t *plan);
void mst_plan_set_wait(mst_plan_t *plan, int64_t wait_ns);

// The answer to the ask; outcome is a measured one. MST_PROTO: it has no likelihood though one was asked for.
// MST_LIMIT: all of them together are too large.
MST_NODISCARD mst_rc mst_plan_take(mst_plan_t *plan, mst_outcome_t outcome, const mst_completion_t *done,
                                   mst_err_t *err);
// An attempt of the ask came to nothing, or to an answer: counted for the case.
void mst_plan_count(mst_plan_t *plan, uint32_t attempts);
uint32_t mst_plan_attempts(const mst_plan_t *plan); // all steps and tries

// The case as one completion, in place of that of its last step: what a scorer sees. Every step has its answer.
// Returns the case's outcome.
mst_outcome_t mst_plan_finish(const mst_plan_t *plan, mst_completion_t *done);
// The answers so far, for the row: a failed case keeps them too.
mst_steps_t mst_plan_steps(const mst_plan_t *plan);
// A completion with the events and logprobs of all of them and nothing else.
mst_completion_t mst_plan_events(const mst_plan_t *plan);
int64_t *mst_plan_started(mst_plan_t *plan); // wall clock of the first attempt, for whoever keeps it; 0 = not set

#endif
