// One try of one case, on the I/O thread: fetch what is large, build the request, stamp and keep what comes
// back, watch the clock. Nothing is parsed here but for the first token, which ends the first-token timer; the
// bytes with their stamps go to a CPU thread.
#include "worker/attempts.h"

#include "common/base/clock.h"
#include "common/base/limits.h"
#include "common/base/log.h"
#include "worker/blobs.h"
#include "worker/blot.h"
#include "worker/caching.h"
#include "worker/calls.h"
#include "worker/request.h"

#include <stdio.h>
#include <stdlib.h>

#define FREE_ATTEMPTS_MAX 256
#define JOB_ATTEMPTS_MIN  8 // fewer are not worth a second thread
#define KEPT_BUFFER       (64 * MST_KIB)
#define ATTEMPT_ARENA     (8 * MST_CASE_BYTES_MAX) // the case, and its text once more as escaped JSON

static void on_timer(void *ud);

static mst_attempt_t *
attempt_new(mst_io_t *io)
{
    mst_attempt_t *a = io->free_attempts;
    if (a) {
        io->free_attempts = a->next;
        io->free_attempt_count--;
        a->next = NULL;
        return a;
    }
    a = MST_NEW(mst_attempt_t);
    a->io = io;
    a->all_next = io->all_attempts;
    if (a->all_next)
        a->all_next->all_prev = a;
    io->all_attempts = a;
    a->arena = mst_arena_new(ATTEMPT_ARENA);
    a->timer = (mst_timer_t){.fn = on_timer, .ud = a};
    mst_buf_init(&a->blob, MST_CASE_BYTES_MAX);
    mst_buf_init(&a->body, MST_HTTP_BODY_MAX);
    mst_buf_init(&a->row, MST_RESULT_BYTES_MAX + MST_MIB);
    return a;
}

static void
attempt_free(mst_attempt_t *a)
{
    *(a->all_prev ? &a->all_prev->all_next : &a->io->all_attempts) = a->all_next;
    if (a->all_next)
        a->all_next->all_prev = a->all_prev;
    mst_loop_timer_stop(a->io->loop, &a->timer);
    if (a->scanning)
        mst_sse_deinit(&a->sse);
    mst_called_free(&a->called);
    mst_plan_free(&a->plan); // before the run, whose configuration it borrows
    mst_run_unref(&a->run);
    mst_arena_free(&a->arena);
    mst_buf_deinit(&a->blob);
    mst_buf_deinit(&a->body);
    mst_buf_deinit(&a->row);
    free(a->pieces);
    free(a);
}

static void
shrink(mst_buf_t *b)
{
    if (b->cap > KEPT_BUFFER) {
        size_t max = b->max;
        mst_buf_deinit(b);
        mst_buf_init(b, max);
    }
    mst_buf_reset(b);
}

static void
stop_scan(mst_attempt_t *a)
{
    if (a->scanning)
        mst_sse_deinit(&a->sse);
    a->scanning = false;
}

static void
attempt_put(mst_io_t *io, mst_attempt_t *a)
{
    io->rx_bytes -= a->body.n;
    stop_scan(a);
    if (io->free_attempt_count >= FREE_ATTEMPTS_MAX) {
        attempt_free(a);
        return;
    }
    mst_called_free(&a->called);
    mst_plan_free(&a->plan);
    mst_run_unref(&a->run);
    mst_arena_reset(a->arena);
    shrink(&a->blob);
    shrink(&a->body);
    shrink(&a->row);
    if (a->piece_cap * sizeof *a->pieces > KEPT_BUFFER) {
        free(a->pieces);
        a->pieces = NULL;
        a->piece_cap = 0;
    }
    mst_attempt_t kept = *a;
    *a = (mst_attempt_t){.io = io,
                         .arena = kept.arena,
                         .timer = {.fn = on_timer, .ud = a},
                         .blob = kept.blob,
                         .body = kept.body,
                         .row = kept.row,
                         .pieces = kept.pieces,
                         .piece_cap = kept.piece_cap,
                         .next = io->free_attempts,
                         .all_prev = kept.all_prev,
                         .all_next = kept.all_next};
    io->free_attempts = a;
    io->free_attempt_count++;
}

static void
end(mst_io_t *io, mst_attempt_t *a)
{
    a->finished_wall_ns = mst_wall_ns();
    a->next = NULL;
    *io->ended_end = a;
    io->ended_end = &a->next;
    mst_loop_again(io->loop); // the turn hook may have run already
}

void
mst_attempt_fail(mst_attempt_t *a, mst_outcome_t outcome, const mst_err_t *err)
{
    a->outcome = outcome;
    a->err = *err;
    end(a->io, a);
}

// Does this piece bring anything but keep-alive comments? A line of its own state, since pieces end anywhere.
static bool
is_progress(mst_attempt_t *a, mst_str_t bytes)
{
    bool progress = false;
    const char *p = bytes.p, *stop = bytes.p + bytes.n;
    while (p < stop) {
        if (!a->line_started) {
            a->in_comment = *p == ':';
            if (*p == '\n' || *p == '\r') {
                p++;
                continue;
            }
            a->line_started = true;
        }
        if (!a->in_comment)
            progress = true;
        const char *lf = memchr(p, '\n', (size_t)(stop - p));
        if (!lf)
            break;
        a->line_started = false;
        p = lf + 1;
    }
    return progress;
}

static void
watch(mst_attempt_t *a, int64_t from_ns, int64_t limit_ms)
{
    if (limit_ms > 0)
        mst_loop_timer(a->io->loop, &a->timer, from_ns + limit_ms * MST_NS_PER_MS);
}

static void
first_token(mst_attempt_t *a)
{
    stop_scan(a);
    mst_loop_timer_stop(a->io->loop, &a->timer);
    watch(a, a->progress_ns, a->target->idle_ms);
}

// Lines of JSON: all bytes are kept, so a line is whole where its end is.
static void
scan_lines(mst_attempt_t *a)
{
    while (a->scan_at < a->body.n) {
        const char *from = a->body.p + a->scan_at, *lf = memchr(from, '\n', a->body.n - a->scan_at);
        if (!lf)
            return;
        a->scan_at += (size_t)(lf - from) + 1;
        if (a->target->provider->has_token(MST_STR_NULL, mst_str(from, (size_t)(lf - from)))) {
            first_token(a);
            return;
        }
    }
}

static void
scan(mst_attempt_t *a, mst_str_t bytes)
{
    mst_sse_event_t ev;
    if (a->request.split == MST_SPLIT_NDJSON) {
        scan_lines(a);
        return;
    }
    for (;;) {
        mst_sse_got_t got = mst_sse_next(&a->sse, &bytes, &ev);
        if (got == MST_SSE_MORE)
            return;
        bool token = got == MST_SSE_EVENT && a->target->provider->has_token(ev.name, ev.data);
        if (token || got == MST_SSE_TOO_LARGE) {
            first_token(a);
            return;
        }
    }
}

static void
on_timer(void *ud)
{
    mst_attempt_t *a = ud;
    int64_t now = mst_loop_now(a->io->loop);
    int64_t limit_ms = a->scanning ? a->target->first_token_ms : a->target->idle_ms;
    if (!a->scanning && now < a->progress_ns + limit_ms * MST_NS_PER_MS) {
        watch(a, a->progress_ns, limit_ms); // something came since: timers are not moved for every event
        return;
    }
    char text[96];
    (void)snprintf(text, sizeof text, "no %s within %.3g s", a->scanning ? "first token" : "further token",
                   (double)limit_ms / 1000.0);
    if (a->call)
        mst_http_abort(a->io->http, a->call, MST_TIMEOUT, text);
}

static bool
keep_piece(mst_attempt_t *a, size_t n, int64_t rx_ns, bool merged)
{
    mst_rx_t *last = a->piece_count > 0 ? &a->pieces[a->piece_count - 1] : NULL;
    bool full = a->piece_count >= MST_TOKENS_MAX;
    if (last && last->n + n <= UINT32_MAX && (full || (last->rx_ns == rx_ns && last->merged == merged))) {
        last->n += (uint32_t)n;
        last->merged |= full;
        return true;
    }
    if (a->piece_count == a->piece_cap) {
        size_t cap = a->piece_cap ? a->piece_cap * 2 : 64;
        mst_rx_t *grown = realloc(a->pieces, cap * sizeof *grown);
        if (!grown)
            return false;
        a->pieces = grown;
        a->piece_cap = cap;
    }
    a->pieces[a->piece_count++] = (mst_rx_t){.rx_ns = rx_ns, .n = (uint32_t)n, .merged = merged};
    return true;
}

static bool
on_data(void *ud, mst_str_t bytes, int64_t rx_mono_ns, bool merged)
{
    mst_attempt_t *a = ud;
    mst_io_t *io = a->io;
    if (!a->place)
        return false;
    if (io->rx_bytes + bytes.n > MST_WORKER_RX_BYTES || mst_buf_add_str(&a->body, bytes) != MST_OK) {
        a->over_budget = true;
        return false;
    }
    io->rx_bytes += bytes.n;
    if (!keep_piece(a, bytes.n, rx_mono_ns, merged)) {
        a->over_budget = true;
        return false;
    }
    if (is_progress(a, bytes))
        a->progress_ns = mst_loop_now(io->loop);
    if (a->scanning)
        scan(a, bytes);
    return true;
}

static void
take_result(mst_attempt_t *a, const mst_http_result_t *r)
{
    a->has_http = true;
    a->http = *r;
    a->http.content_type = mst_arena_dup(a->arena, r->content_type, NULL);
    a->http.server = mst_arena_dup(a->arena, mst_blot_str(a->arena, r->server, a->key_text), NULL);
    a->http.request_id = mst_arena_dup(a->arena, mst_blot_str(a->arena, r->request_id, a->key_text), NULL);
    a->http.kept = mst_arena_dup(a->arena, mst_blot_str(a->arena, r->kept, a->key_text), NULL);
    if (a->over_budget) {
        (void)MST_ERR(&a->http.err, MST_LIMIT, "answers in flight are larger than %lu bytes", MST_WORKER_RX_BYTES);
    } else if (r->err.rc == MST_TIMEOUT) {
        // an answer that was under way is not asked for again: it would favour the short ones
        a->http.err.retry = a->scanning || a->piece_count == 0 ? MST_RETRY_LATER : MST_RETRY_NEVER;
    }
    const mst_probing_t *probing = a->place->target->probing;
    a->origin_no = mst_origins_find(&a->io->origins, a->http.server,
                                    probing ? mst_probe_facts(mst_probing_probe(probing)) : NULL,
                                    mst_request_model(a->target), a->request.url);
}

static void
on_done(void *ud, const mst_http_result_t *result)
{
    mst_attempt_t *a = ud;
    a->call = NULL;
    mst_loop_timer_stop(a->io->loop, &a->timer);
    if (!a->place) {
        attempt_put(a->io, a);
        return;
    }
    take_result(a, result);
    stop_scan(a);
    end(a->io, a);
}

static const mst_http_handler_t handler = {.on_data = on_data, .on_done = on_done};

// The case itself, or the plan of its steps: made with the first attempt, and lasting until the last.
static mst_rc
take_case(mst_attempt_t *a, mst_str_t packed, mst_err_t *err)
{
    const mst_run_cfg_t *cfg = &a->run->cfg;
    bool ok = true;
    if (a->plan) {
        a->c = *mst_plan_case(a->plan);
        return MST_OK;
    }
    if (cfg->request.kind == MST_REQUEST_GENERATE)
        return mst_wire_case_unpack(packed, a->arena, &a->c, err);
    a->plan = mst_plan_new(&cfg->request, cfg->system_prompt, a->key.repeat_no);
    *mst_plan_started(a->plan) = a->started_wall_ns;
    mst_arena_t *arena = mst_plan_arena(a->plan);
    if (a->blob.n > 0) // the buffer goes with this attempt
        packed = mst_arena_dup(arena, packed, &ok);
    if (!ok)
        return MST_ERR(err, MST_LIMIT, "the case does not fit into memory");
    mst_rc rc = mst_wire_case_unpack(packed, arena, &a->c, err);
    return rc == MST_OK ? mst_plan_begin(a->plan, &a->c, err) : rc;
}

static bool
keep_bytes(mst_attempt_t *a, const mst_replayed_t *got)
{
    if (a->io->rx_bytes + got->body.n > MST_WORKER_RX_BYTES || mst_buf_add_str(&a->body, got->body) != MST_OK)
        return false;
    a->io->rx_bytes += got->body.n;
    for (size_t i = 0; i < got->piece_count; i++) {
        if (!keep_piece(a, got->pieces[i].n, got->pieces[i].rx_ns, got->pieces[i].merged))
            return false;
    }
    return true;
}

static void
deliver(mst_attempt_t *a, const mst_replayed_t *got)
{
    a->request.split = got->split;
    if (!keep_bytes(a, got))
        a->over_budget = true;
    take_result(a, &got->http);
    end(a->io, a);
}

// The answer that such a request had before.
static bool
known(mst_attempt_t *a)
{
    mst_replayed_t got = {0};
    if (!mst_caching_find(a, &got))
        return false;
    deliver(a, &got);
    mst_caching_done(a);
    return true;
}

// What a transport would have left, from the file of exchanges.
static void
replay(mst_attempt_t *a)
{
    mst_err_t err = {0};
    mst_replayed_t got = {.split = a->request.split};
    mst_rc rc = mst_replay_find(a->target->replay, &a->ask, a->number, mst_loop_now(a->io->loop), a->arena, &got, &err);
    if (rc != MST_OK) {
        mst_attempt_fail(a, MST_OUT_BAD_CASE, &err);
        return;
    }
    deliver(a, &got);
}

static void
send_request(mst_attempt_t *a, mst_io_target_t *t, mst_str_t packed)
{
    mst_err_t err = {0};
    mst_io_t *io = a->io;
    if (take_case(a, packed, &err) != MST_OK) {
        mst_attempt_fail(a, MST_OUT_BAD_CASE, &err);
        return;
    }
    mst_http_req_t req = {0};
    mst_rc rc = mst_request_build(a, t, io->o.env, &req, &err);
    if (rc == MST_DENIED) {
        t->pending = err; // the effects under way are carried out first
        return;
    }
    if (rc != MST_OK) {
        mst_attempt_fail(a, MST_OUT_BAD_CASE, &err);
        return;
    }
    if (a->target->replay) {
        replay(a);
        return;
    }
    if (known(a))
        return;
    a->scanning = a->request.split != MST_SPLIT_BODY;
    if (a->scanning)
        mst_sse_init(&a->sse);
    a->progress_ns = mst_loop_now(io->loop);
    if (a->number == 1) // a retry is late already
        req.not_before_mono_ns = a->tag.sched_mono_ns;
    rc = mst_http_start(io->http, &req, &handler, a, &a->call, &err);
    if (rc != MST_OK) {
        a->call = NULL;
        mst_attempt_fail(a, MST_OUT_CONNECTION_LOST, &err);
        return;
    }
    // a whole body has no first token to wait for: only the total timeout watches it
    if (a->scanning)
        watch(a, a->progress_ns, a->target->first_token_ms);
}

void
mst_attempt_case(mst_attempt_t *a, mst_str_t packed)
{
    a->packed = packed;
    if (a->target)
        send_request(a, a->place->target, packed);
    else
        end(a->io, a); // a recorded case that is large, or whose scorers ask: the CPU thread unpacks it
}

void
mst_attempt_begin(mst_io_t *io, mst_place_t *place)
{
    mst_attempt_t *a = attempt_new(io);
    const Muster__Grant *g = place->unit->grant;
    a->place = place;
    place->attempt = a;
    a->run = mst_run_ref(place->unit->run->run);
    a->key = place->key;
    a->lease_id = g->lease_id;
    a->generation = g->generation;
    a->number = place->flow.tries;
    a->admitted_ns = place->flow.admitted_ns;
    a->plan = place->plan;
    place->plan = NULL;
    a->tag = place->flow.tag;
    a->tag.io_busy = io->busy.busy;
    a->tag.io_wait = io->busy.wait;
    a->started_wall_ns = mst_wall_ns();
    a->target = place->target->cfg;
    if (!a->target)
        a->origin_no = mst_origins_find(&io->origins, MST_STR_NULL, NULL, MST_STR_NULL, MST_STR_NULL);
    if (place->blob_bytes > 0 && !a->plan)
        mst_blob_fetch(io, a);
    else
        mst_attempt_case(a, place->body);
}

void
mst_attempt_abort(mst_io_t *io, mst_place_t *place)
{
    mst_attempt_t *a = place->attempt;
    place->attempt = NULL;
    if (!a)
        return;
    a->place = NULL;
    if (a->call) {
        mst_http_abort(io->http, a->call, MST_CANCELED, "run stopped"); // on_done lets it go
        return;
    }
    bool ended = false;
    for (mst_attempt_t *e = io->ended; e && !ended; e = e->next)
        ended = e == a;
    if (ended)
        return; // flush lets it go
    mst_blob_forget(io, a);
    attempt_put(io, a);
}

// The answers that the scorers of a case waited for are there: it goes to a CPU thread once more.
static void
on_called(void *ud)
{
    mst_attempt_t *a = ud;
    mst_io_t *io = a->io;
    a->waits = false;
    a->next = NULL;
    *io->judged_end = a;
    io->judged_end = &a->next;
    io->judged_count++;
    mst_loop_again(io->loop);
}

// Before the next step of a case: what its plan says, or a user's time to think.
static int64_t
wait_of(const mst_attempt_t *a)
{
    int64_t wait_ns = mst_plan_wait_ns(a->plan);
    if (wait_ns > 0)
        return wait_ns;
    return mst_load_think_ns(&a->run->cfg.load, a->key.case_no * MST_REPEAT_NO_MAX + a->key.repeat_no,
                             mst_plan_step_no(a->plan));
}

void
mst_attempt_back(mst_io_t *io, mst_attempt_t *a)
{
    if (a->waits) {
        mst_calls_ask(a->place->unit->run->calls, a->called, on_called, a);
        return;
    }
    mst_place_t *p = a->place;
    const mst_http_result_t *h = &a->http;
    mst_flow_event_t e = {.kind = MST_FE_VERDICT, .c = &p->flow, .outcome = a->outcome, .err = &a->err};
    e.used = a->used;
    e.more = a->more;
    e.wait_ns = a->more ? wait_of(a) : 0;
    p->plan = a->plan;
    a->plan = NULL;
    e.http_status = a->has_http ? h->status : 0;
    e.unreachable = a->has_http && h->status == 0 && !h->sent && h->err.rc != MST_LIMIT && h->err.rc != MST_CANCELED;
    mst_io_run_t *run = p->unit->run;
    run->spent.requests += a->used.requests;
    run->spent.tokens += a->used.tokens;
    run->spent.money += a->used.money;
    mst_grants_event(io, p->target, &e);
    mst_note_tell(io, run, true);
    attempt_put(io, a);
}

// Tells the flow that the places of those that ended are free, and puts them behind the ones that wait for a CPU
// thread.
static void
tell_ended(mst_io_t *io)
{
    while (io->ended) {
        mst_attempt_t *a = io->ended;
        io->ended = a->next;
        if (!io->ended)
            io->ended_end = &io->ended;
        a->next = NULL;
        if (!a->place) {
            attempt_put(io, a);
            continue;
        }
        *io->judged_end = a;
        io->judged_end = &a->next;
        io->judged_count++;
        mst_flow_event_t e = {.kind = MST_FE_ENDED, .c = &a->place->flow};
        mst_grants_event(io, a->place->target, &e); // may begin others, which may end at once
    }
}

static void
push_judged(mst_io_t *io, size_t count)
{
    mst_job_t *job = mst_io_job(io);
    job->kind = MST_JOB_ATTEMPTS;
    job->attempts = io->judged;
    job->count = count;
    mst_attempt_t *last = io->judged;
    for (size_t i = 1; i < count; i++)
        last = last->next;
    io->judged = last->next;
    last->next = NULL;
    io->judged_count -= count;
    if (!io->judged)
        io->judged_end = &io->judged;
    mst_io_push(io, job);
}

void
mst_attempt_flush(mst_io_t *io)
{
    tell_ended(io);
    // While every CPU thread has work, answers gather: a queue operation and two wake-ups are paid once for many.
    while (io->judged && mst_io_room(io) &&
           (io->jobs_out < io->cpu_threads || io->judged_count >= MST_JOB_ATTEMPTS_MAX)) {
        size_t idle = io->jobs_out < io->cpu_threads ? io->cpu_threads - io->jobs_out : 1;
        size_t share = (io->judged_count + idle - 1) / idle;
        if (share < JOB_ATTEMPTS_MIN)
            share = io->judged_count < JOB_ATTEMPTS_MIN ? io->judged_count : JOB_ATTEMPTS_MIN;
        push_judged(io, share < MST_JOB_ATTEMPTS_MAX ? share : MST_JOB_ATTEMPTS_MAX);
    }
}

void
mst_attempt_free_all(mst_io_t *io)
{
    while (io->all_attempts)
        attempt_free(io->all_attempts);
}
