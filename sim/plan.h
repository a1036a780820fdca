// What one request will meet: its fault, its delays, the length of its answer. Pure: a function of the options
// and of who asks, so that the order of arrival changes nothing and two runs with one seed agree.
#ifndef MST_SIM_PLAN_H
#define MST_SIM_PLAN_H

#include "common/base/prng.h"
#include "sim/sim.h"

typedef enum {
    MST_SIM_FAULT_NONE = 0,
    MST_SIM_FAULT_429,
    MST_SIM_FAULT_500,
    MST_SIM_FAULT_CUT,         // closed after half of the events
    MST_SIM_FAULT_HANG_BEFORE, // no answer
    MST_SIM_FAULT_HANG_AFTER,  // silence after the first token
    MST_SIM_FAULT_MALFORMED,   // one event's JSON is broken
    MST_SIM_FAULT_SLOW,        // delays ten times as long
    MST_SIM_FAULT_ERROR,       // an error in the middle of a stream, with status 200 before it
    MST_SIM_FAULT_503,         // only by schedule
} mst_sim_fault_t;

typedef struct {
    mst_str_t identity;    // X-Case-Id, or the last user message
    uint64_t repeat;       // X-Repeat; 0 = none
    uint64_t attempt;      // X-Attempt, from 1
    uint64_t request_seed; // "seed" of the request; 0 = none
} mst_sim_asker_t;

typedef struct {
    mst_sim_fault_t fault;
    uint64_t answer_seed;  // of words and logprobs; the same for every attempt, as a retry asks for the same answer
    uint64_t attempt_seed; // of delays and faults; also the answer's id
    int64_t ttft_ns;
    double slowness; // factor of the gaps: 1 or 10
    mst_prng_t gaps; // state from which the gaps are drawn
    uint32_t tokens; // of a made-up answer
    uint32_t reasoning_tokens;
    bool refuses; // the answer is a refusal
} mst_sim_plan_t;

// One of several choices of an answer; the first is the plan's own.
typedef struct {
    uint64_t seed;
    uint32_t tokens, reasoning_tokens;
} mst_sim_share_t;

void mst_sim_plan(const mst_sim_opts_t *o, const mst_sim_asker_t *who, mst_sim_plan_t *out);
// The delays again, after the fault was changed.
void mst_sim_plan_delays(const mst_sim_opts_t *o, mst_sim_plan_t *plan);
// salt tells apart answers to several prompts of one request; 0: there is one prompt.
void mst_sim_plan_share(const mst_sim_opts_t *o, const mst_sim_plan_t *plan, uint64_t salt, uint32_t index,
                        mst_sim_share_t *out);
// Time between the event before and the next one; draws.
int64_t mst_sim_plan_gap_ns(const mst_sim_opts_t *o, mst_sim_plan_t *plan);
// When something due at this time happens: with sync_steps at the next multiple of itl_ms, else then.
int64_t mst_sim_plan_align(const mst_sim_opts_t *o, int64_t due_ns);
// Numbers that depend on seed and index alone: any, and in [0, 1).
uint64_t mst_sim_mix(uint64_t seed, uint64_t index);
double mst_sim_unit(uint64_t seed, uint64_t index);

#endif
