// The I/O thread. One turn: messages and stamped bytes come in (callbacks of links and HTTP), then on_turn takes
// back what the CPU threads have done, hands out what is new, and sends what credit and links allow.
//
// Every timer of a run, an attempt or a batch is in this loop; a tick of 100 ms does what needs no exact time:
// heartbeats, credit, sessions that fell silent.
#include "worker/io.h"

#include "common/base/clock.h"
#include "common/base/limits.h"
#include "common/base/log.h"
#include "worker/blobs.h"
#include "worker/leases.h"
#include "worker/runs.h"

#include <stdlib.h>

#define POP_MAX        64
#define FREE_JOBS_MAX  64
#define JOB_ROWS_MAX   (MST_RESULT_BYTES_MAX + MST_MIB)
#define JOB_ROWS_KEPT  (1 * MST_MIB)
#define BLOB_SILENT_NS (2 * MST_NS_PER_S)

mst_job_t *
mst_io_job(mst_io_t *io)
{
    mst_job_t *job = io->free_jobs;
    if (job) {
        io->free_jobs = job->next;
        io->free_job_count--;
        job->next = NULL;
        return job;
    }
    job = MST_NEW(mst_job_t);
    mst_buf_init(&job->rows, JOB_ROWS_MAX);
    return job;
}

static void
job_free(mst_job_t *job)
{
    mst_run_unref(&job->run);
    mst_buf_deinit(&job->rows);
    free(job);
}

void
mst_io_job_put(mst_io_t *io, mst_job_t *job)
{
    mst_run_unref(&job->run);
    if (io->free_job_count >= FREE_JOBS_MAX || job->rows.cap > JOB_ROWS_KEPT) {
        job_free(job);
        return;
    }
    job->unit = NULL;
    job->attempts = NULL;
    job->count = job->row_count = 0;
    mst_buf_reset(&job->rows);
    job->next = io->free_jobs;
    io->free_jobs = job;
    io->free_job_count++;
}

bool
mst_io_room(const mst_io_t *io)
{
    return io->jobs_out < MST_WORKER_JOBS_MAX;
}

void
mst_io_push(mst_io_t *io, mst_job_t *job)
{
    mst_rc rc = mst_queue_try_push(io->jobs, job);
    MST_ASSERT(rc == MST_OK); // the queue holds MST_WORKER_JOBS_MAX
    io->jobs_out++;
}

static void
job_back(mst_io_t *io, mst_job_t *job)
{
    io->jobs_out--;
    if (job->kind == MST_JOB_UNIT) {
        mst_grants_unit_back(io, job);
    } else {
        for (mst_attempt_t *a = job->attempts, *next = NULL; a; a = next) {
            next = a->next;
            mst_attempt_back(io, a);
        }
    }
    mst_io_job_put(io, job);
}

static void
take_done(mst_io_t *io)
{
    void *items[POP_MAX];
    for (size_t n = POP_MAX; n == POP_MAX;) {
        n = mst_queue_pop(io->done, items, POP_MAX, false);
        for (size_t i = 0; i < n; i++)
            job_back(io, items[i]);
    }
}

static void
hold_if_pressed(mst_io_t *io)
{
    bool pressed = mst_results_pressed(&io->results);
    if (pressed == io->held)
        return;
    io->held = pressed;
    for (size_t i = 0; i < MST_WORKER_RUNS_MAX; i++)
        for (size_t t = 0; t < io->runs[i].target_count; t++)
            mst_grants_hold(io, &io->runs[i].targets[t]);
}

static size_t
in_flight(const mst_io_t *io)
{
    size_t n = 0;
    for (size_t i = 0; i < MST_WORKER_RUNS_MAX; i++)
        for (size_t t = 0; t < io->runs[i].target_count; t++)
            n += mst_flow_count(io->runs[i].targets[t].flow, MST_FC_FLYING);
    return n;
}

static bool
on_turn(void *ud)
{
    mst_io_t *io = ud;
    if (atomic_load_explicit(&io->stop, memory_order_acquire)) {
        mst_loop_stop(io->loop);
        return false;
    }
    take_done(io);
    hold_if_pressed(io);
    mst_attempt_flush(io);
    mst_grants_dispatch(io);
    if (io->jobs_out == 0 && !io->judged && io->results.filling && in_flight(io) == 0)
        mst_results_flush(&io->results); // nothing will join it
    mst_results_pump(&io->results);
    (void)mst_session_flush(&io->control);
    return false;
}

static void
on_done_fd(void *ud, int fd, int events)
{
    (void)ud;
    (void)fd;
    (void)events; // the turn hook takes them
}

static void
tell_credit(mst_io_t *io)
{
    uint32_t want = mst_grants_credit(io);
    uint32_t told = io->credit_told;
    uint32_t apart = want > told ? want - told : told - want;
    if (!io->control.ready || apart == 0 || apart < told / 8)
        return;
    Muster__Credit m = MUSTER__CREDIT__INIT;
    m.cases = want;
    mst_session_try(&io->control, MUSTER__ENVELOPE__BODY_CREDIT, &m);
    io->credit_told = want;
}

static void
ping(mst_io_t *io)
{
    size_t n = 0;
    Muster__LeaseProgress *held = MST_NEW_ARRAY(Muster__LeaseProgress, io->lease_count);
    Muster__LeaseProgress **list = MST_NEW_ARRAY(Muster__LeaseProgress *, io->lease_count);
    for (const mst_lease_t *l = io->leases; l; l = l->next) {
        if (l->lost)
            continue;
        muster__lease_progress__init(&held[n]);
        held[n].lease_id = l->id;
        held[n].has_open = true;
        held[n].open = (uint32_t)l->open;
        list[n] = &held[n];
        n++;
    }
    Muster__Ping m = MUSTER__PING__INIT;
    m.sent_mono_ns = mst_mono_ns();
    m.n_leases = n;
    m.leases = list;
    m.has_in_flight = true;
    m.in_flight = (uint32_t)in_flight(io);
    mst_session_try(&io->control, MUSTER__ENVELOPE__BODY_PING, &m);
    free(list);
    free(held);
}

static void
tick_run(mst_io_t *io, mst_io_run_t *run)
{
    if (!run->used || !run->run)
        return;
    mst_note_tell(io, run, false);
    mst_flow_event_t tick = {.kind = MST_FE_TICK};
    if (mst_budget_any(&run->budget)) // one target may wait for what another has in flight
        mst_grants_event_all(io, run, &tick);
}

static void
on_tick(void *ud)
{
    mst_io_t *io = ud;
    int64_t now = mst_loop_now(io->loop);
    mst_loop_timer(io->loop, &io->tick, now + MST_WORKER_TICK_NS);
    mst_busy_tick(&io->busy, mst_loop_polled_ns(io->loop));
    mst_credit_tick(&io->credit, now, io->settled);
    tell_credit(io);
    if (io->control.ready && now >= io->ping_due_ns) {
        ping(io);
        io->ping_due_ns = now + (int64_t)io->control.heartbeat_ms * MST_NS_PER_MS;
    }
    mst_grants_expire(io, now);
    for (size_t i = 0; i < MST_WORKER_RUNS_MAX; i++)
        tick_run(io, &io->runs[i]);
    (void)mst_session_check(&io->control, now);
    mst_results_check(&io->results, now);
    mst_blob_ask_again(io, BLOB_SILENT_NS);
}

static void
on_hello_ok(mst_io_t *io, const Muster__HelloOk *ok)
{
    mst_session_welcome(&io->control, ok);
    io->lease_ttl_ns = (int64_t)ok->lease_ttl_ms * MST_NS_PER_MS;
    io->credit_told = 0;
    io->ping_due_ns = 0;
    tell_credit(io);
    mst_runs_ask_again(io);
    mst_blob_ask_again(io, 0);
}

static void
control_message(mst_io_t *io, const Muster__Envelope *e)
{
    switch ((int)e->body_case) { // what a coordinator may say to a worker
    case MUSTER__ENVELOPE__BODY_HELLO_OK:
        on_hello_ok(io, e->hello_ok);
        break;
    case MUSTER__ENVELOPE__BODY_PONG:
        mst_grants_renewed(io, e->pong->echo_ns);
        for (size_t i = 0; i < e->pong->n_leases_lost; i++)
            mst_grants_lost(io, e->pong->leases_lost[i]);
        break;
    case MUSTER__ENVELOPE__BODY_UNKNOWN_SESSION:
        if (io->control.ready)
            mst_session_hello(&io->control);
        break;
    case MUSTER__ENVELOPE__BODY_RUN_SPEC:
        mst_grants_spec(io, e->run_spec);
        tell_credit(io);
        break;
    case MUSTER__ENVELOPE__BODY_RUN_CONTROL:
        mst_grants_control(io, e->run_control);
        break;
    case MUSTER__ENVELOPE__BODY_BLOB_CHUNK:
        mst_blob_chunk(io, e->blob_chunk);
        break;
    default:
        mst_debug("message of kind %s ignored on the control link", mst_wire_kind_name(e->body_case));
        break;
    }
}

static void
on_control(void *ud, uint64_t conn, mst_str_t bytes)
{
    mst_io_t *io = ud;
    mst_err_t err = {0};
    Muster__Envelope *e = NULL;
    (void)conn;
    mst_unit_t *unit = mst_unit_new(io); // a grant stays where it was unpacked
    if (mst_wire_unpack(bytes, unit->arena, &e, &err) != MST_OK) {
        mst_error("message from the coordinator dropped: %s", err.message);
        mst_unit_put(io, unit);
        return;
    }
    mst_loop_again(io->loop); // the hook may have run before this message
    bool ours = mst_session_heard(&io->control, e, mst_loop_now(io->loop));
    if (ours && e->body_case == MUSTER__ENVELOPE__BODY_GRANT) {
        mst_grants_take(io, unit, e->grant);
        return;
    }
    if (ours)
        control_message(io, e);
    mst_unit_put(io, unit);
}

static void
on_results(void *ud, uint64_t conn, mst_str_t bytes)
{
    mst_io_t *io = ud;
    mst_err_t err = {0};
    Muster__Envelope *e = NULL;
    (void)conn;
    mst_arena_reset(io->scratch);
    if (mst_wire_unpack(bytes, io->scratch, &e, &err) != MST_OK)
        mst_error("message from the aggregator dropped: %s", err.message);
    else
        mst_results_message(&io->results, e, mst_loop_now(io->loop));
}

static mst_rc
open_sessions(mst_io_t *io, mst_err_t *err)
{
    mst_session_t *c = &io->control, *r = &io->results.session;
    c->loop = r->loop = io->loop;
    c->name = r->name = io->o.name;
    c->ud = r->ud = io;
    memcpy(c->instance, io->instance, sizeof c->instance);
    memcpy(r->instance, io->instance, sizeof r->instance);
    c->endpoint = io->o.control_endpoint;
    r->endpoint = io->o.results_endpoint;
    c->slots = io->o.concurrency;
    c->fn = on_control;
    r->fn = on_results;
    mst_rc rc = mst_session_open(r, err);
    return rc == MST_OK ? mst_session_open(c, err) : rc;
}

void
mst_io_run(mst_io_t *io, mst_io_started_fn *started, void *ud)
{
    mst_err_t err = {0};
    mst_busy_init(&io->busy);
    mst_results_init(&io->results, io);
    mst_origins_init(&io->origins);
    io->ended_end = &io->ended;
    io->judged_end = &io->judged;
    io->scratch = mst_arena_new(MST_WIRE_UNPACK_MAX);
    io->tick = (mst_timer_t){.fn = on_tick, .ud = io};
    mst_rc rc = mst_loop_new(&io->loop, &err);
    if (rc == MST_OK)
        rc = mst_loop_fd(io->loop, mst_queue_fd(io->done), MST_LOOP_READ, on_done_fd, io, &err);
    if (rc == MST_OK)
        rc = open_sessions(io, &err);
    if (rc == MST_OK) {
        mst_loop_on_turn(io->loop, on_turn, io);
        mst_loop_timer(io->loop, &io->tick, mst_mono_ns() + MST_WORKER_TICK_NS);
    }
    started(ud, rc, &err);
    if (rc == MST_OK)
        mst_loop_run(io->loop);
}

// After the CPU threads are joined.
void
mst_io_end(mst_io_t *io)
{
    void *item = NULL;
    while (mst_queue_pop(io->jobs, &item, 1, false) > 0)
        job_free(item);
    while (mst_queue_pop(io->done, &item, 1, false) > 0)
        job_free(item);
    while (io->free_jobs) {
        mst_job_t *job = io->free_jobs;
        io->free_jobs = job->next;
        job_free(job);
    }
    if (io->control.ready) { // its leases are free for others at once
        Muster__Goodbye m = MUSTER__GOODBYE__INIT;
        mst_session_try(&io->control, MUSTER__ENVELOPE__BODY_GOODBYE, &m);
    }
    mst_busy_deinit(&io->busy);
    mst_http_free(&io->http);
    mst_attempt_free_all(io);
    mst_results_deinit(&io->results);
    mst_session_close(&io->control);
    mst_grants_free(io);
    mst_flow_effects_deinit(&io->fx);
    mst_origins_deinit(&io->origins);
    mst_arena_free(&io->scratch);
    mst_loop_free(&io->loop);
}
