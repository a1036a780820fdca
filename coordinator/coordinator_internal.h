// Inside the coordinator: the thread's state, and what its files offer each other. All of it belongs to the one
// thread; only `stopping` is set from outside.
#ifndef MST_COORDINATOR_COORDINATOR_INTERNAL_H
#define MST_COORDINATOR_COORDINATOR_INTERNAL_H

#include "common/loop/loop.h"
#include "common/net/link.h"
#include "common/wire/wire.h"
#include "coordinator/coordinator.h"
#include "coordinator/core/core.h"
#include "coordinator/payload.h"

#include <pthread.h>
#include <stdatomic.h>

#define MST_REQ_ID_BYTES 16

// What one worker says about a run: its sums.
typedef struct {
    uint64_t session;
    uint64_t requests, tokens, retries, raises, cuts;
    double money;
    uint32_t places, lowest;
} mst_crun_note_t;

// A run, from its submission on. The core knows its keys, this knows its bytes and its people.
typedef struct {
    bool submitted; // a run was ever submitted; the rest holds
    uint8_t req_id[MST_REQ_ID_BYTES];
    uint32_t run_no, generation;
    mst_arena_t *arena; // run lifetime: configuration and spec
    mst_run_cfg_t cfg;
    mst_str_t spec; // as submitted: what workers get
    mst_digest_t spec_digest;
    mst_dataset_t *dataset; // NULL when read to its end
    mst_arena_t *row;       // scratch of one row
    mst_buf_t packed;       // scratch of one packed case
    uint64_t rows;          // read so far, over all passes
    uint64_t pass_cases;    // cases of one pass; 0 = the first one is not over
    uint64_t total_cases;   // upper bound, from the dataset's lines and the limit
    bool ended, paused;
    bool known; // refused_rows, dataset_hash and the number of cases are: the first pass is over
    uint64_t refused_rows;
    mst_digest_t dataset_hash;
    mst_payloads_t payloads;
    int64_t started_mono_ns; // first grant; 0 = none yet
    // how it failed, when it did
    bool refused; // never started: the state is aborted whatever the core says
    mst_err_t error;
    // the aggregator's numbers
    uint64_t passed, measured, unmeasured;
    bool has_ttft;
    int64_t ttft_p50_ns;
    // the workers' numbers
    mst_crun_note_t before; // what earlier sessions of the run have spent
    mst_crun_note_t *notes; // one for each session of a worker that told something
    size_t note_count;
} mst_crun_t;

struct mst_coordinator {
    mst_coordinator_opts_t opts;
    char *control_endpoint, *feed_endpoint, *client_endpoint;
    mst_dataset_t *dataset; // given already open, for the first run
    pthread_t thread;
    atomic_bool stopping;
    // start: the thread says how binding went
    pthread_mutex_t mutex;
    pthread_cond_t started_cond;
    bool started;
    mst_rc start_rc;
    mst_err_t start_err;

    mst_loop_t *loop;
    mst_link_t *control, *feed, *client;
    mst_timer_t tick, status, retry;
    mst_arena_t *scratch; // one message
    mst_buf_t out;        // one packed envelope
    mst_coord_t *core;
    mst_coord_effects_t fx;
    int64_t ping_echo_ns; // of the ping that is being answered
    uint64_t want_keys;   // rows that the core would like
    uint64_t *keys;       // scratch of key numbers
    size_t key_cap;
    uint64_t client_conn;   // who follows the run; 0 = nobody
    mst_coord_state_t told; // state of the run that the client was told last
    bool status_due;
    mst_crun_t run;
};

// coordinator.c
// Steps the core, carries its effects out, and again while it has more.
void mst_coordinator_step(mst_coordinator_t *c, const mst_coord_event_t *ev);
// Packs and sends. Failures are the caller's: MST_AGAIN, MST_NOTFOUND.
MST_NODISCARD mst_rc mst_coordinator_send(mst_coordinator_t *c, mst_link_t *link, uint64_t conn, uint64_t session,
                                          Muster__Envelope__BodyCase kind, void *body);
uint64_t *mst_coordinator_keys(mst_coordinator_t *c, size_t count); // room for key numbers

// control.c: workers
void mst_control_message(void *ud, uint64_t conn, mst_str_t bytes);
// MST_OK also for what may be lost; MST_AGAIN and MST_NOTFOUND for a grant that was not sent.
MST_NODISCARD mst_rc mst_control_effect(mst_coordinator_t *c, const mst_coord_effect_t *e);

// feed.c: the aggregator
void mst_feed_message(void *ud, uint64_t conn, mst_str_t bytes);

// client.c: clients
void mst_client_message(void *ud, uint64_t conn, mst_str_t bytes);
void mst_client_status(mst_coordinator_t *c); // sends it now, or marks it due

// run.c
void mst_crun_submit(mst_coordinator_t *c, const Muster__Submit *m);
void mst_crun_deinit(mst_coordinator_t *c);
bool mst_crun_read(mst_coordinator_t *c); // some rows; true when it should be called again at once
void mst_crun_abort(mst_coordinator_t *c, const mst_err_t *err);
void mst_crun_release(mst_coordinator_t *c, const uint64_t *keys, size_t count); // payloads of cases that are all done
bool mst_crun_active(const mst_coordinator_t *c);
mst_coord_state_t mst_crun_state(const mst_coordinator_t *c);
uint32_t mst_crun_cost(void *ud, uint64_t key); // for the core

// Keys as numbers: by row, then target, then repeat. A row is a case. With a load that goes through its dataset as
// often as it needs, each pass has rows of its own, and the pass is the repeat of the case.
static inline bool
mst_crun_wraps(const mst_crun_t *r)
{
    return mst_load_bounded(&r->cfg.load) && r->cfg.load.repeat_dataset;
}

static inline uint32_t
mst_crun_keys_per_row(const mst_crun_t *r)
{
    return mst_run_cfg_key_targets(&r->cfg) * (uint32_t)r->cfg.repeats;
}

static inline uint64_t
mst_crun_key(const mst_crun_t *r, uint64_t case_no, uint32_t target_no, uint32_t repeat_no)
{
    uint64_t repeats = (uint64_t)r->cfg.repeats, targets = mst_run_cfg_key_targets(&r->cfg);
    if (mst_crun_wraps(r))
        return (repeat_no * r->pass_cases + case_no) * targets + target_no;
    return (case_no * targets + target_no) * repeats + repeat_no;
}

static inline bool
mst_crun_has_key(const mst_crun_t *r, uint64_t case_no, uint32_t target_no, uint32_t repeat_no)
{
    if (case_no >= MST_CASES_MAX || target_no >= mst_run_cfg_key_targets(&r->cfg))
        return false;
    if (!mst_crun_wraps(r))
        return repeat_no < (uint64_t)r->cfg.repeats;
    return r->pass_cases > 0 ? case_no < r->pass_cases && repeat_no < MST_REPEAT_NO_MAX : repeat_no == 0;
}

static inline uint64_t
mst_crun_row_of(const mst_crun_t *r, uint64_t key)
{
    return key / mst_crun_keys_per_row(r);
}

static inline mst_key_t
mst_crun_key_parts(const mst_crun_t *r, uint64_t key)
{
    uint64_t repeats = (uint64_t)r->cfg.repeats, targets = mst_run_cfg_key_targets(&r->cfg);
    uint64_t row = mst_crun_row_of(r, key);
    mst_key_t k = {.case_no = row,
                   .target_no = (uint32_t)(key / repeats % targets),
                   .repeat_no = (uint32_t)(key % repeats)};
    if (mst_crun_wraps(r) && r->pass_cases > 0) {
        k.case_no = row % r->pass_cases;
        k.repeat_no = (uint32_t)(row / r->pass_cases);
    }
    return k;
}

// note.c
void mst_note_before(mst_coordinator_t *c, const Muster__RunNote *spent); // NULL: nothing
void mst_note_take(mst_coordinator_t *c, uint64_t session, const Muster__RunNote *m);
mst_crun_note_t mst_note_sum(const mst_crun_t *r);
void mst_note_deinit(mst_crun_t *r);

#endif
