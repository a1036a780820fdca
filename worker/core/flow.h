// The flow of cases through one run of a worker: from grant to a final result or back to the coordinator.
// Pure: time and random numbers are arguments, what is to be done comes out as effects.
//
//            GRANTED                START              ENDED               VERDICT
//   (edge) ─────────► READY ─────────────────► FLYING ──────► JUDGING ─────────────► DONE  (KEEP: has its result)
//                       ▲   a place is free                      │ failed, may be tried again
//                       └───────────── WAITING ◄─────────────────┘ (AGAIN; also a case with another step)
//
// With a load, a place is free when the pace says so, and after the last of its requests fresh cases are given back.
//
//   READY, WAITING, FLYING ──► DONE by drain, stop, a lost lease or a fatal failure (RETURN, ABORT first if flying)
//
// The records are embedded in the edge's own, so that the core allocates nothing per case.
// Thread: belongs to one thread.
#ifndef MST_WORKER_CORE_FLOW_H
#define MST_WORKER_CORE_FLOW_H

#include "common/base/heap.h"
#include "common/model/outcome.h"
#include "worker/core/budget.h"
#include "worker/core/pace.h"
#include "worker/core/retry.h"
#include "worker/core/throttle.h"

typedef enum {
    MST_FC_NEW = 0, // not given to the flow yet
    MST_FC_READY,   // waits for a free place
    MST_FC_FLYING,  // an attempt is under way
    MST_FC_JUDGING, // the attempt is over, its answer is being decoded and scored
    MST_FC_WAITING, // to be tried again at retry.due_ns
    MST_FC_DONE,    // has its result, or was given back
    MST_FC_STATES,
} mst_flow_state_t;

typedef struct mst_flow_case {
    mst_flow_state_t state;
    uint32_t tries; // attempts started, of its present step
    bool paced;     // it has had its place in the load: its retries and further steps need none
    bool dropped;   // its lease is lost, or the run was stopped: no further attempt
    uint64_t lease_id;
    int64_t admitted_ns; // when it was granted, or its next step became due
    int64_t lead_ns;     // open load: how long before its time it is started; 0 = MST_FLOW_LEAD_NS
    mst_load_tag_t tag;  // set with the START of its first attempt
    mst_spend_t need;    // the most that one attempt can take, as far as is known; the edge's
    mst_spend_t held;    // of the budget, while an attempt is under way
    double thought;      // tokens that the throttle has counted for it
    mst_heap_node_t retry;
    struct mst_flow_case *prev, *next; // list of its state
} mst_flow_case_t;

typedef enum {
    MST_FLOW_RUNNING = 1, // the numbers of RunControl.state
    MST_FLOW_DRAIN = 2,
    MST_FLOW_STOP = 3,
    MST_FLOW_FATAL = 4, // the run cannot go on
} mst_flow_mode_t;

typedef enum {           // causes of LeaseReturn
    MST_GIVE_FORGET = 0, // tell nobody: the lease is lost
    MST_GIVE_DRAIN = 1,
    MST_GIVE_BACKEND = 2,
    MST_GIVE_BAD_SPEC = 3,
    MST_GIVE_CANCELLED = 4,
    MST_GIVE_LOCAL = 5,
    MST_GIVE_PLAN_OVER = 6, // the load has sent its last request
    MST_GIVE_BUDGET = 7,
} mst_give_cause_t;

typedef enum {
    MST_FE_GRANTED,    // c
    MST_FE_ENDED,      // c: its attempt is over, the place at the backend is free; a verdict follows
    MST_FE_VERDICT,    // c, outcome, err, status, unreachable; or of one step of several: more, wait_ns
    MST_FE_LEASE_LOST, // lease_id
    MST_FE_MODE,       // mode; FATAL comes from inside, or with err from the edge
    MST_FE_HOLD,       // hold: start nothing now, results pile up
    MST_FE_TICK,       // time passed
} mst_flow_event_kind_t;

typedef struct {
    mst_flow_event_kind_t kind;
    mst_flow_case_t *c;
    uint64_t lease_id;
    mst_flow_mode_t mode;
    bool hold;
    mst_outcome_t outcome;
    const mst_err_t *err; // why, when the outcome is not measured
    mst_spend_t used;     // by the attempt
    int http_status;      // 0 = no answer
    bool unreachable;     // no connection could be made, or the request never left
    bool more;            // the outcome is that of one step; the case has another, due wait_ns from now
    int64_t wait_ns;
    mst_give_cause_t cause; // of a FATAL from the edge; MST_GIVE_LOCAL unless set
} mst_flow_event_t;

typedef enum {
    MST_FX_START,  // begin attempt number c->tries of c
    MST_FX_KEEP,   // the verdict is final: its row is the result of c
    MST_FX_AGAIN,  // let the row go; c is tried again later
    MST_FX_ABORT,  // end the transfer of c now; no ENDED and no VERDICT is wanted. A RETURN follows
    MST_FX_RETURN, // give c back, cause says why
    MST_FX_FATAL,  // the run cannot go on: mst_flow_fatal_text. RETURNs follow
} mst_flow_effect_kind_t;

typedef struct {
    mst_flow_effect_kind_t kind;
    mst_give_cause_t cause;
    mst_flow_case_t *c;
} mst_flow_effect_t;

typedef struct { // grows as needed, at most one START, ABORT and RETURN a case; zero it to begin
    mst_flow_effect_t *items;
    size_t count, cap;
} mst_flow_effects_t;

typedef struct {
    uint32_t concurrency; // places at the backend; >= 1
    mst_retry_policy_t retry;
    int64_t unreachable_ns; // a backend that never answered is given up after this long
    int64_t down_ns;        // one that did answer once, after this long without any connection
    const char *endpoint;   // for the sentence of a fatal failure; borrowed
    uint64_t seed;
    const mst_load_t *load;       // NULL, or of model NONE: none; borrowed
    uint32_t in_flight_max;       // of an open load
    uint32_t part, parts;         // of its schedule: arrivals with index = part modulo parts; 0 of 0: all
    mst_throttle_opts_t throttle; // places 0: `concurrency`, fixed; with a load it only counts
    // further tries of all cases, per first try; the first MST_FLOW_FREE_RETRIES do not count
    double retry_share;
    mst_budget_t *budget; // borrowed, shared by the flows of a run; NULL = none
} mst_flow_opts_t;

// An open load's request is built and written this long before it is due; only its last segment waits.
#define MST_FLOW_LEAD_NS 3000000

#define MST_FLOW_FREE_RETRIES 100

typedef struct mst_flow mst_flow_t;

mst_flow_t *mst_flow_new(const mst_flow_opts_t *opts);
void mst_flow_free(mst_flow_t **flow); // the cases are the edge's
// Takes one event at now_ns and appends what is to be done to fx.
void mst_flow_step(mst_flow_t *flow, int64_t now_ns, const mst_flow_event_t *event, mst_flow_effects_t *fx);
// When a TICK is due; INT64_MAX = never.
int64_t mst_flow_due(const mst_flow_t *flow, int64_t now_ns);
size_t mst_flow_count(const mst_flow_t *flow, mst_flow_state_t state); // of READY ... WAITING
mst_flow_mode_t mst_flow_mode(const mst_flow_t *flow);
const mst_throttle_t *mst_flow_throttle(const mst_flow_t *flow);
uint64_t mst_flow_retries(const mst_flow_t *flow);        // attempts after the first of their case
const char *mst_flow_budget_text(const mst_flow_t *flow); // why the budget ended it; empty = it has not
const char *mst_flow_fatal_text(const mst_flow_t *flow);  // one sentence; empty unless FATAL
mst_give_cause_t mst_flow_fatal_cause(const mst_flow_t *flow);

void mst_flow_effects_reset(mst_flow_effects_t *fx);
void mst_flow_effects_deinit(mst_flow_effects_t *fx);

#endif
