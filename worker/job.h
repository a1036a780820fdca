// What travels between the I/O thread and the CPU threads. A job belongs to whoever holds it: the I/O thread
// until it is pushed, one CPU thread until it comes back. Jobs carry many cases at once, so that a queue
// operation and a wake-up are paid once for a batch.
#ifndef MST_WORKER_JOB_H
#define MST_WORKER_JOB_H

#include "common/base/buf.h"
#include "common/base/limits.h"
#include "common/base/mem.h"
#include "common/http/client.h"
#include "common/loop/loop.h"
#include "common/model/result.h"
#include "common/wire/wire.h"
#include "worker/core/flow.h"
#include "worker/core/plan.h"
#include "worker/provider/sse.h"
#include "worker/run.h"

#define MST_JOB_ATTEMPTS_MAX 32

struct mst_io;
struct mst_io_run;
struct mst_io_target;
typedef struct mst_unit mst_unit_t;
typedef struct mst_attempt mst_attempt_t;

// A lease as the worker sees it. Lives until each of its cases is acknowledged or given back. I/O thread only.
typedef struct mst_lease {
    struct mst_lease *prev, *next;
    struct mst_io_run *run;
    uint64_t id;
    size_t open;               // cases neither acknowledged nor given back
    bool lost;                 // the coordinator has taken it back, or it ran out
    int64_t made_ns, until_ns; // renewed by each answered PING, counted from when that was sent
} mst_lease_t;

// One place of a unit. The flow record comes first: a flow case is cast back to it.
typedef struct mst_place {
    mst_flow_case_t flow;
    mst_unit_t *unit;
    mst_key_t key;
    mst_str_t body; // packed Case; empty while it is a blob
    uint64_t blob_bytes;
    struct mst_io_target *target; // whose flow it is in
    mst_attempt_t *attempt;       // under way; NULL between attempts
    mst_plan_t *plan;             // of a case in steps, between attempts; else the attempt has it
} mst_place_t;

// A granted unit: the message with its cases. Lives until the last of its cases is settled.
struct mst_unit {
    mst_unit_t *next;                // free list, waiting list
    mst_unit_t *all_prev, *all_next; // every unit there is
    mst_lease_t *lease;
    struct mst_io_run *run;
    mst_arena_t *arena; // holds grant and places
    Muster__Grant *grant;
    mst_place_t *places;
    size_t count;
    size_t open; // places not settled
};

// One try of one case. The I/O thread fills it, a CPU thread reads it and writes the verdict.
struct mst_attempt {
    mst_attempt_t *next;                // free list, fetching list, or chain of a job
    mst_attempt_t *all_prev, *all_next; // every attempt there is
    struct mst_io *io;
    mst_place_t *place; // NULL: cancelled, nobody waits for it
    mst_run_t *run;     // reference
    const mst_run_target_t *target; // who is asked; of the run; NULL: recorded answers
    mst_arena_t *arena; // case, request, copies of response headers
    mst_case_t c;
    mst_plan_t *plan; // NULL: one plain answer
    mst_ask_t ask;    // what the request is for
    mst_request_t request;
    size_t own_headers_at; // those of the request before are the provider's
    mst_digest_t cache_key;
    bool has_cache_key, cached; // cached: the exchange is from the response cache
    mst_str_t key_text; // the key, to be blotted out of what a server sends back; the run's
    mst_key_t key;
    uint64_t lease_id;
    uint32_t generation, number; // number: 1 for the first try of its case
    mst_load_tag_t tag;
    // blob of a large case, until it is whole
    mst_buf_t blob;
    uint64_t blob_asked;  // asked up to this offset
    int64_t blob_seen_ns; // when the last piece came
    // transfer
    mst_http_call_t *call;
    mst_timer_t timer; // first token, then idle
    mst_sse_t sse;     // until the first token is seen
    size_t scan_at;    // lines: up to here they were looked at
    bool scanning, in_comment, line_started, over_budget;
    int64_t progress_ns, admitted_ns;
    mst_buf_t body;
    mst_rx_t *pieces; // heap
    size_t piece_count, piece_cap;
    mst_http_result_t http; // its strings are copies in arena
    bool has_http;          // false: err says why nothing was sent
    int64_t started_wall_ns, finished_wall_ns;
    uint32_t origin_no;
    // verdict
    mst_outcome_t outcome;
    mst_err_t err; // MST_OK when measured
    // what its scorers ask of endpoints of their own
    mst_str_t packed;           // of a recorded case
    struct mst_called *called;  // NULL: nothing
    bool waits;                 // its scorers wait for answers: there is no verdict yet
    mst_buf_t row;              // packed Result
    bool more;     // the case has another step: there is no row
    mst_spend_t used;
};

typedef enum {
    MST_JOB_UNIT,     // recorded answers: every inline case of a unit
    MST_JOB_ATTEMPTS, // answers of a backend, or single recorded cases
} mst_job_kind_t;

typedef struct mst_job {
    struct mst_job *next;
    mst_job_kind_t kind;
    mst_run_t *run; // UNIT: reference
    mst_unit_t *unit;
    uint32_t origin_no;
    mst_attempt_t *attempts; // chain
    size_t count;
    // UNIT: rows in the order of the unit's inline places, one behind the other
    mst_buf_t rows;
    size_t row_ends[MST_UNIT_CASES_MAX];
    size_t row_count;
} mst_job_t;

#endif
