// The I/O thread of a worker: the objects it owns, and the doors between its files.
//   io.c        the thread: loop, links, sessions, jobs out and back
//   runs.c      the runs that it knows
//   leases.c    leases, units, giving back
//   grants.c    from a grant to results or back
//   attempts.c  one try of one case: large case fetched, request sent, bytes stamped and kept, timers
//   results.c   rows into batches, batches sent, kept and acknowledged
//   origin.c    where a result was made
// Everything here belongs to that one thread, but for stop, which worker.c sets.
#ifndef MST_WORKER_IO_H
#define MST_WORKER_IO_H

#include "common/base/queue.h"
#include "common/http/client.h"
#include "common/loop/loop.h"
#include "common/net/link.h"
#include "common/wire/wire.h"
#include "worker/busy.h"
#include "worker/core/credit.h"
#include "worker/core/flow.h"
#include "worker/job.h"
#include "worker/origin.h"
#include "worker/probing.h"
#include "worker/results.h"
#include "worker/session.h"
#include "worker/note.h"
#include "worker/worker.h"

#include <stdatomic.h>

#define MST_WORKER_RUNS_MAX    16
#define MST_WORKER_JOBS_MAX    1024            // given to the CPU threads and not back
#define MST_WORKER_CASES_BYTES (32 * MST_MIB)  // granted cases, by their mean size
#define MST_WORKER_ROWS_BYTES  (32 * MST_MIB)  // results not acknowledged; above it nothing new is started
#define MST_WORKER_RX_BYTES    (256 * MST_MIB) // answers in flight
#define MST_WORKER_TICK_NS     (100 * MST_NS_PER_MS)

struct mst_io_run;

// A backend of a run as the I/O thread drives it: its cases, its key, its failures are its own. Recorded answers
// have one too, for their large cases.
typedef struct mst_io_target {
    struct mst_io_run *run;
    const mst_run_target_t *cfg; // NULL: recorded answers
    mst_flow_t *flow;
    char *endpoint;  // for sentences: base_url
    char *secret;    // whole header line with the key; wiped when the run goes
    const char *key; // in it
    bool secret_read;
    const mst_http_net_t *net; // how its server is reached; the client's
    bool warming;      // its connections are being opened: nothing is sent yet
    bool loopback;     // trace headers are for our own machine only
    mst_err_t pending; // it cannot go on: why, found while effects are carried out
    mst_timer_t due;   // next retry
    bool due_armed;
    struct mst_launch *launch; // the server that was started for it
    bool launch_ready;
    mst_probing_t *probing; // what its backend can do; stays for the facts. NULL: not looked at
} mst_io_target_t;

// A run as the I/O thread drives it.
typedef struct mst_io_run {
    bool used;
    uint32_t run_no, generation;
    mst_digest_t digest;
    mst_run_t *run;          // NULL until the spec has come
    struct mst_calls *calls;  // with run, when scorers of it ask endpoints of their own
    mst_io_target_t *targets; // with run: one for each of its targets, and at least one
    size_t target_count;
    size_t launching; // targets whose servers are not ready yet: its units wait
    size_t probing; // targets that are being probed: its units wait
    mst_flow_mode_t control; // what the coordinator said
    size_t leases;
    uint64_t last_used;
    mst_spend_t spent;                  // here, in this session
    mst_budget_t budget;                // of the run
    mst_run_note_t told;                // what the coordinator knows
    mst_unit_t *waiting, **waiting_end; // for the spec
    mst_unit_t *queued, **queued_end;   // recorded: for a CPU thread
    mst_err_t error;                    // the spec cannot be used: why, in a sentence
    bool no_server;                     // the error is that of a server that was to be started
    bool failed;                        // this worker cannot go on with it
    struct mst_io *io;
} mst_io_run_t;

typedef struct mst_io {
    mst_worker_opts_t o;
    mst_config_env_t env;
    atomic_bool stop;
    mst_loop_t *loop;
    mst_http_t *http; // made with the first run that asks a backend
    mst_session_t control;
    mst_results_t results;
    mst_origins_t origins;
    mst_arena_t *scratch;     // of one message
    mst_queue_t *jobs, *done; // to and from the CPU threads
    uint32_t cpu_threads;
    size_t jobs_out, units_out;
    mst_io_run_t runs[MST_WORKER_RUNS_MAX];
    uint64_t turn;
    mst_lease_t *leases;
    size_t lease_count;
    mst_attempt_t *fetching; // attempts whose large case is on its way
    mst_credit_t credit;
    uint32_t credit_told;
    uint8_t instance[16]; // of this process start
    int64_t ping_due_ns;
    int64_t lease_ttl_ns;
    uint64_t settled; // cases with a result, ever
    size_t rx_bytes;  // kept answers of attempts in flight
    mst_timer_t tick;
    mst_busy_t busy; // this thread
    mst_flow_effects_t fx;
    bool in_effects, held;
    mst_attempt_t *ended, **ended_end;   // the flow does not know it yet
    mst_attempt_t *judged, **judged_end; // for the next job
    size_t judged_count;
    mst_attempt_t *all_attempts, *free_attempts;
    mst_unit_t *all_units, *free_units;
    mst_job_t *free_jobs;
    size_t free_attempt_count, free_unit_count, free_job_count;
} mst_io_t;

// io.c
typedef void mst_io_started_fn(void *ud, mst_rc rc, const mst_err_t *err);
void mst_io_run(mst_io_t *io, mst_io_started_fn *started, void *ud); // until stop; the thread's main
void mst_io_end(mst_io_t *io);                                       // after the CPU threads are joined
mst_job_t *mst_io_job(mst_io_t *io);                                 // empty
void mst_io_job_put(mst_io_t *io, mst_job_t *job);
bool mst_io_room(const mst_io_t *io);           // one more job may go out
void mst_io_push(mst_io_t *io, mst_job_t *job); // takes the job; there is room

// grants.c
void mst_grants_take(mst_io_t *io, mst_unit_t *unit, Muster__Grant *grant); // takes the unit with the message in it
void mst_grants_spec(mst_io_t *io, const Muster__RunSpec *spec);
void mst_grants_launched(mst_io_t *io, mst_io_run_t *run); // its servers are ready, or one will never be
void mst_grants_probed(mst_io_t *io, mst_io_run_t *run); // its backends are known: its units begin, or are refused
void mst_grants_control(mst_io_t *io, const Muster__RunControl *rc);
void mst_grants_lost(mst_io_t *io, uint64_t lease_id);
void mst_grants_renewed(mst_io_t *io, int64_t ping_ns); // a PING sent then was answered
void mst_grants_expire(mst_io_t *io, int64_t now_ns);   // leases that ran out: nothing of them is started any more
void mst_grants_dispatch(mst_io_t *io);                 // queued units to the CPU threads
void mst_grants_event(mst_io_t *io, mst_io_target_t *t, const mst_flow_event_t *e); // steps the flow, does what it says
void mst_grants_hold(mst_io_t *io, mst_io_target_t *t); // tells its flow whether it may send
void mst_grants_event_all(mst_io_t *io, mst_io_run_t *run, const mst_flow_event_t *e); // of every target
void mst_grants_fatal(mst_io_t *io, mst_io_run_t *run, const mst_err_t *err);
void mst_grants_unit_back(mst_io_t *io, mst_job_t *job); // rows of a unit
void mst_grants_ask_specs(mst_io_t *io);                 // again, in a new session
uint32_t mst_grants_credit(mst_io_t *io);                // cases to ask for
void mst_grants_free(mst_io_t *io);

// attempts.c
void mst_attempt_begin(mst_io_t *io, mst_place_t *place); // START
void mst_attempt_abort(mst_io_t *io, mst_place_t *place); // ABORT
void mst_attempt_back(mst_io_t *io, mst_attempt_t *a);    // verdict from a CPU thread
void mst_attempt_flush(mst_io_t *io);                     // ended ones to the CPU threads
void mst_attempt_free_all(mst_io_t *io);

#endif
