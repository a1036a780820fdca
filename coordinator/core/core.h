// The coordinator's rules without I/O: sessions of workers, leases over keys, what is done. One entry,
// mst_coord_step(core, now, event, effects); the edge carries out the effects. It reads no clock, opens nothing,
// draws no random numbers: the same events give the same effects, in the process, in a cluster and in the simulator.
//
// A key is one (case, target, repeat) of the run, as a number in that order. Each target has a lane of its own, whose
// keys are granted in order; a lease holds keys of one lane. The core knows no payload. One run at a time.
//
//   session: LIVE <-> SUSPECT -> LOST -> gone        lease: open -> closed (all committed, returned, expired)
//   lane: open -> down (a worker said that its target is lost: the others go on, then the run is ABORTED)
//   run: RUNNING -> DONE | ABORTED;  RUNNING -> DRAINING -> INTERRUPTED | FAILED_FAST | BUDGET | DONE | ABORTED
//
// A lease is an efficiency device: only COMMITTED makes a key done, whoever held it, however late.
// Memory: pools with the maxima below; bitmaps grow with the window of keys that are neither all done nor untouched.
// Thread: belongs to one thread.
#ifndef MST_COORD_CORE_CORE_H
#define MST_COORD_CORE_CORE_H

#include "common/base/err.h"
#include "common/base/limits.h"
#include "common/model/case.h"

#define MST_COORD_SESSIONS_MAX 1024
#define MST_COORD_LEASES_MAX   (1U << 20)
#define MST_COORD_KEYS_MAX     (1ULL << 34)
#define MST_COORD_EFFECTS_MAX  64
#define MST_COORD_INSTANCE     16 // bytes of a worker's instance

typedef struct mst_coord mst_coord_t;

typedef struct {
    uint32_t epoch;                    // of this coordinator's start; part of session and lease numbers
    int64_t suspect_ns;                // silence after which a session gets no new grants
    int64_t lost_ns;                   // and after which it is over
    int64_t ttl_ns;                    // of a lease, counted by the worker from its last answered ping
    uint32_t sessions_max, leases_max; // at most the maxima above
    uint32_t unit_max;                 // keys of one lease, at most MST_UNIT_CASES_MAX
    uint32_t read_ahead;               // open keys wanted beyond the free credit
    // Inline bytes of a key's payload: a pure look-up, called only for keys that rows made available. NULL = 0.
    uint32_t (*cost)(void *ud, uint64_t key);
    void *ud;
} mst_coord_cfg_t;

void mst_coord_cfg_default(mst_coord_cfg_t *cfg); // the start values: 15 s, 45 s, 60 s

typedef enum { // the numbers of RunStatus.state
    MST_COORD_IDLE = 0,
    MST_COORD_RUNNING,
    MST_COORD_DRAINING,    // no new grants; waits for the leases
    MST_COORD_DONE,        // every key committed
    MST_COORD_INTERRUPTED, // canceled
    MST_COORD_ABORTED,
    MST_COORD_FAILED_FAST,
    MST_COORD_BUDGET, // stopped by its budget
} mst_coord_state_t;

typedef enum {
    MST_CE_PUMP = 0, // nothing new: send what did not fit the last effects
    MST_CE_TICK,     // about once a second
    // from a worker; conn names its connection, session what its envelope said
    MST_CE_HELLO,
    MST_CE_PING,
    MST_CE_CREDIT,
    MST_CE_LEASE_RETURN,
    MST_CE_GOODBYE,
    MST_CE_CONN_GONE, // a send found nobody there
    MST_CE_UNSENT,    // a grant could not be queued: its keys are open again
    // of the run
    MST_CE_RUN_START,
    MST_CE_KEYS_DONE, // keys that had a result before this session of the run (resume)
    MST_CE_ROWS,      // cases [0, cases) can be granted
    MST_CE_COMMITTED,
    MST_CE_CANCEL,
    MST_CE_BUDGET, // it is spent
    MST_CE_ABORT,
} mst_coord_event_kind_t;

enum { // causes of a returned lease, as on the wire
    MST_RETURN_DRAIN = 1,
    MST_RETURN_BACKEND_DOWN,
    MST_RETURN_BAD_SPEC,
    MST_RETURN_CANCELLED,
    MST_RETURN_LOCAL_LIMIT,
    MST_RETURN_PLAN_OVER, // its load has sent the last request: no more grants; when all have, the run is done
    MST_RETURN_BUDGET = 7,
};

typedef struct {
    mst_coord_event_kind_t kind;
    uint64_t conn, session;

    union {
        struct {
            uint8_t instance[MST_COORD_INSTANCE];
            uint32_t seq; // grows with each socket of the instance
            uint32_t slots;
        } hello;

        struct {
            const uint64_t *leases; // that it holds; count at most MST_LEASES_MAX
            size_t count;
        } ping;

        struct {
            uint32_t cases;
        } credit;

        struct {
            uint64_t lease_id;
            uint32_t cause;
            bool fatal;
            const uint64_t *keys;
            size_t count;
        } back;

        struct {
            uint64_t lease_id;
        } unsent;

        struct {
            uint32_t run_no, generation;
            uint32_t targets, repeats; // keys of a case, each from 1; at most MST_TARGETS_MAX, MST_REPEATS_MAX
            const uint32_t *weights;   // shares of a worker's credit by target; NULL = equal. Valid during the step
            uint64_t cases_hint;    // upper bound of the cases, for unit sizes and progress
            bool fail_fast;
        } start;

        struct { // KEYS_DONE, COMMITTED
            uint32_t run_no, generation;
            const uint64_t *keys;
            size_t count;
            bool failed; // a measured case among them did not pass
        } done;

        struct {
            uint64_t cases;
            bool ended;  // no more will come: cases is exact
            bool paused; // no more for now: the edge holds enough bytes
        } rows;

        struct {
            bool now;
        } cancel;
    } u;
} mst_coord_event_t;

typedef enum {
    MST_CF_HELLO_OK,
    MST_CF_UNKNOWN_SESSION,
    MST_CF_GOODBYE_OK,
    MST_CF_GRANT,
    MST_CF_PONG,
    MST_CF_RUN_CONTROL,
} mst_coord_effect_kind_t;

typedef struct {
    mst_coord_effect_kind_t kind;
    uint64_t conn, session;
    uint64_t lease_id;    // GRANT
    const uint64_t *list; // GRANT: keys, ascending; PONG: lost leases. Valid until the next step
    size_t count;
    uint32_t state; // RUN_CONTROL: 2 drain, 3 stop now
} mst_coord_effect_t;

typedef struct {
    mst_coord_effect_t items[MST_COORD_EFFECTS_MAX];
    size_t count;
    bool more;          // there was no room for all: step again with MST_CE_PUMP
    uint64_t want_keys; // open keys that the rows should bring; 0 = enough, or no more will come
} mst_coord_effects_t;

// Copies cfg. Aborts only without memory.
mst_coord_t *mst_coord_new(const mst_coord_cfg_t *cfg);
void mst_coord_free(mst_coord_t **core);
// Overwrites *fx. Nothing from outside can make it fail: what does not fit the state is ignored and counted.
void mst_coord_step(mst_coord_t *core, int64_t now_ns, const mst_coord_event_t *ev, mst_coord_effects_t *fx);

typedef struct {
    mst_coord_state_t state;
    uint32_t run_no, generation;
    uint64_t done;  // committed keys of the run
    uint64_t total; // an upper bound until total_exact
    bool total_exact;
    uint64_t leased;   // granted and not committed
    uint64_t open;     // can be granted now
    uint64_t down;     // bits of the targets that are lost
    uint32_t sessions; // LIVE or SUSPECT
    uint32_t leases;
    bool plan_over;                             // DONE because the load's plan ended, not the cases
    bool granted;                               // since the start of the run
    uint64_t grants, expired, returned, strays; // counters of the run
} mst_coord_status_t;

void mst_coord_status(const mst_coord_t *core, mst_coord_status_t *out);
bool mst_coord_key_done(const mst_coord_t *core, uint64_t key);
bool mst_coord_case_done(const mst_coord_t *core, uint64_t case_no); // all of its keys: its payload may go
// Asserts the invariants that concern the core alone (README.md). MST_INTERNAL names the one that is broken.
MST_NODISCARD mst_rc mst_coord_check(const mst_coord_t *core, mst_err_t *err);

#endif
