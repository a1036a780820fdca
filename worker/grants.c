// From a grant to results or back. A unit's places go through the run's flow (a backend is asked, or a large
// recorded case is fetched), or as a whole to a CPU thread (recorded answers). What comes back to the coordinator
// is gathered by lease, one message each.
#include "worker/io.h"

#include "common/base/clock.h"
#include "common/base/limits.h"
#include "common/base/log.h"
#include "worker/leases.h"
#include "worker/runs.h"

#include <math.h>
#include <stdlib.h>

#define SHORT_RUN     64 // cases; a first grant of fewer is all there is
#define OPEN_WARM_S   0.25
#define OPEN_WARM_MAX 1024
// An open load's large case is fetched this long before it is due.
#define BLOB_LEAD_NS (500 * MST_NS_PER_MS)

static bool
is_inline(const mst_place_t *p)
{
    return p->blob_bytes == 0;
}

// Gives the places of a unit that are not in a flow. inline_only: those of recorded answers.
static void
give_unit(mst_giving_t *g, mst_unit_t *u, mst_give_cause_t cause, bool inline_only)
{
    u->open++;
    for (size_t i = 0; i < u->count; i++)
        if (!inline_only || is_inline(&u->places[i]))
            mst_giving_add(g, &u->places[i], cause);
    mst_unit_release(g->io, u);
}

static void
give_queue(mst_giving_t *g, mst_unit_t **first, mst_unit_t ***end, mst_give_cause_t cause, bool inline_only)
{
    while (*first) {
        mst_unit_t *u = *first;
        *first = u->next;
        give_unit(g, u, cause, inline_only);
    }
    *end = first;
}

static void
keep_row(mst_io_t *io, mst_place_t *p)
{
    mst_attempt_t *a = p->attempt;
    if (a->row.n > MST_RESULT_INLINE_MAX)
        mst_results_add_large(&io->results, p->unit->lease, &a->row);
    else if (a->row.n > 0)
        mst_results_add(&io->results, p->unit->lease, mst_buf_view(&a->row));
    else
        mst_lease_settle(io, p->unit->lease, 1); // could not be packed: not renewed, the lease runs out
    io->settled++;
    mst_unit_release(io, p->unit);
}

static void
do_effect(mst_io_t *io, const mst_io_target_t *t, const mst_flow_effect_t *fx, mst_giving_t *g)
{
    mst_place_t *p = (mst_place_t *)(void *)fx->c;
    switch (fx->kind) {
    case MST_FX_START:
        mst_attempt_begin(io, p);
        break;
    case MST_FX_KEEP:
        mst_plan_free(&p->plan);
        keep_row(io, p);
        break;
    case MST_FX_AGAIN:
        p->attempt = NULL; // let go by whoever brought the verdict
        break;
    case MST_FX_ABORT:
        mst_attempt_abort(io, p);
        break;
    case MST_FX_RETURN:
        mst_plan_free(&p->plan);
        mst_giving_add(g, p, fx->cause);
        break;
    case MST_FX_FATAL:
        mst_debug("%s", mst_flow_fatal_text(t->flow)); // the coordinator is told, and tells the user
        break;
    }
}

// Of equal targets the others take over what a lost one had: the coordinator grants it anew.
static bool
others_take_over(const mst_io_target_t *t)
{
    const mst_io_run_t *run = t->run;
    if (run->run->cfg.placement != MST_PLACE_SHARE || mst_flow_fatal_cause(t->flow) != MST_GIVE_BACKEND)
        return false;
    for (size_t i = 0; i < run->target_count; i++)
        if (mst_flow_mode(run->targets[i].flow) != MST_FLOW_FATAL)
            return true;
    return false;
}

static void
step(mst_io_t *io, mst_io_target_t *t, const mst_flow_event_t *e)
{
    mst_giving_t g;
    mst_io_run_t *run = t->run;
    mst_giving_init(&g, io, false, NULL);
    io->fx.count = 0;
    mst_flow_step(t->flow, mst_loop_now(io->loop), e, &io->fx);
    bool lost = mst_flow_mode(t->flow) == MST_FLOW_FATAL, fatal = lost && !others_take_over(t);
    // told when it happens and to each new grant; what was still under way then comes back without a word
    if (fatal && e->kind != MST_FE_VERDICT)
        mst_giving_init(&g, io, true, mst_flow_fatal_text(t->flow));
    else if (mst_flow_budget_text(t->flow)[0] != '\0')
        mst_giving_init(&g, io, false, mst_flow_budget_text(t->flow));
    for (size_t i = 0; i < io->fx.count; i++) {
        if (io->fx.items[i].kind == MST_FX_FATAL && fatal)
            mst_giving_init(&g, io, true, mst_flow_fatal_text(t->flow));
        else if (io->fx.items[i].kind == MST_FX_FATAL)
            mst_warn("target \"%.*s\": %s; the others take its cases", MST_FMT(t->cfg->cfg->label),
                     mst_flow_fatal_text(t->flow));
        do_effect(io, t, &io->fx.items[i], &g);
    }
    if (fatal)
        give_queue(&g, &run->queued, &run->queued_end, mst_flow_fatal_cause(t->flow), true);
    mst_giving_flush(&g);
}

void
mst_grants_event(mst_io_t *io, mst_io_target_t *t, const mst_flow_event_t *e)
{
    MST_ASSERT(!io->in_effects);
    io->in_effects = true;
    step(io, t, e);
    if (t->pending.rc != MST_OK) {
        mst_err_t err = t->pending;
        t->pending.rc = MST_OK;
        mst_flow_event_t fatal = {.kind = MST_FE_MODE, .mode = MST_FLOW_FATAL, .err = &err};
        step(io, t, &fatal);
    }
    io->in_effects = false;
    int64_t due = mst_flow_due(t->flow, mst_loop_now(io->loop));
    if (due != INT64_MAX)
        mst_loop_timer(io->loop, &t->due, due);
    else if (t->due_armed)
        mst_loop_timer_stop(io->loop, &t->due);
    t->due_armed = due != INT64_MAX;
}

void
mst_grants_hold(mst_io_t *io, mst_io_target_t *t)
{
    mst_flow_event_t e = {.kind = MST_FE_HOLD, .hold = io->held || t->warming};
    mst_grants_event(io, t, &e);
}

void
mst_grants_event_all(mst_io_t *io, mst_io_run_t *run, const mst_flow_event_t *e)
{
    for (size_t i = 0; i < run->target_count; i++)
        mst_grants_event(io, &run->targets[i], e);
}

// A failure of this worker: no target of the run goes on.
void
mst_grants_fatal(mst_io_t *io, mst_io_run_t *run, const mst_err_t *err)
{
    if (run->failed || !run->run)
        return;
    run->failed = true;
    mst_flow_event_t e = {.kind = MST_FE_MODE, .mode = MST_FLOW_FATAL, .err = err};
    mst_grants_event_all(io, run, &e);
    mst_lease_t *l = io->leases;
    while (l && l->run != run)
        l = l->next;
    mst_giving_t g;
    mst_giving_init(&g, io, true, err->message);
    g.lease = l;
    g.cause = MST_GIVE_LOCAL;
    mst_giving_flush(&g); // also when no case was left to give back
}

static bool
make_places(mst_unit_t *u)
{
    u->count = u->open = u->grant->n_cases;
    u->places = MST_ARENA_ARRAY(u->arena, mst_place_t, u->count);
    if (!u->places)
        return false;
    for (size_t i = 0; i < u->count; i++) {
        const Muster__UnitCase *uc = u->grant->cases[i];
        mst_place_t *p = &u->places[i];
        p->unit = u;
        p->flow.lease_id = u->lease->id;
        p->flow.lead_ns = uc->has_body ? 0 : BLOB_LEAD_NS;
        p->key = (mst_key_t){.case_no = uc->case_no, .target_no = uc->target_no, .repeat_no = uc->repeat_no};
        if (uc->has_body)
            p->body = mst_wire_str(uc->body);
        else
            p->blob_bytes = uc->blob_bytes;
    }
    return true;
}

// Recorded answers: the inline places go to a CPU thread as one job.
static void
admit_recorded(mst_io_t *io, mst_io_run_t *run, mst_unit_t *u)
{
    const mst_flow_t *flow = run->targets[0].flow;
    mst_flow_mode_t mode = mst_flow_mode(flow);
    if (mode == MST_FLOW_RUNNING) {
        *run->queued_end = u;
        run->queued_end = &u->next;
        return;
    }
    mst_giving_t g;
    mst_giving_init(&g, io, mode == MST_FLOW_FATAL, mst_flow_fatal_text(flow));
    give_unit(&g, u, g.fatal ? MST_GIVE_LOCAL : MST_GIVE_DRAIN, true);
    mst_giving_flush(&g);
}

static void
refuse_unit(mst_io_t *io, mst_unit_t *u, mst_give_cause_t cause, const char *text)
{
    mst_giving_t g;
    mst_giving_init(&g, io, true, text);
    give_unit(&g, u, cause, false);
    mst_giving_flush(&g);
}

static mst_give_cause_t
refusal_cause(const mst_io_run_t *run)
{
    return run->no_server ? MST_GIVE_BACKEND : MST_GIVE_BAD_SPEC;
}

// Where a place is asked. Equal targets share their cases out: to the one with the most room for its size.
static mst_io_target_t *
target_of(mst_io_run_t *run, const mst_place_t *p)
{
    if (run->run->cfg.placement != MST_PLACE_SHARE || run->target_count == 1)
        return &run->targets[p->key.target_no];
    mst_io_target_t *best = &run->targets[0];
    double least = INFINITY;
    for (size_t i = 0; i < run->target_count; i++) {
        mst_io_target_t *t = &run->targets[i];
        size_t has = mst_flow_count(t->flow, MST_FC_READY) + mst_flow_count(t->flow, MST_FC_FLYING);
        double load = (double)has / (double)t->cfg->concurrency;
        if (mst_flow_mode(t->flow) == MST_FLOW_FATAL || load >= least)
            continue;
        least = load;
        best = t;
    }
    return best;
}

// A prompt has at most a token for each byte of its case and of the system prompt.
static void
set_need(mst_place_t *p)
{
    const mst_run_target_t *t = p->target->cfg;
    if (!t)
        return;
    size_t bytes = (is_inline(p) ? p->body.n : p->blob_bytes) + p->unit->run->run->cfg.system_prompt.n;
    p->flow.need = (mst_spend_t){.requests = 1, .tokens = bytes + (uint64_t)t->answer_tokens};
    p->flow.need.money = mst_price_of(t->price, (int64_t)bytes, 0, t->answer_tokens);
}

// Hands the places of a unit to the flows, or queues the unit for a CPU thread.
static void
admit(mst_io_t *io, mst_io_run_t *run, mst_unit_t *u)
{
    // recorded answers go to a CPU thread a unit at a time, unless a scorer asks about each of them
    bool recorded = run->run->target_count == 0 && run->run->caller_count == 0, known = true;
    size_t inline_count = 0;
    for (size_t i = 0; i < u->count; i++) {
        const mst_place_t *p = &u->places[i];
        mst_credit_case(&io->credit, is_inline(p) ? p->body.n : p->blob_bytes);
        inline_count += is_inline(p);
        known = known && p->key.target_no < mst_run_cfg_key_targets(&run->run->cfg);
    }
    if (!known) {
        refuse_unit(io, u, MST_GIVE_BAD_SPEC, "unit names a target that the run does not have");
        return;
    }
    u->open++;
    for (size_t i = 0; i < u->count; i++) {
        mst_place_t *p = &u->places[i];
        if (recorded && is_inline(p))
            continue;
        p->target = target_of(run, p);
        set_need(p);
        mst_flow_event_t e = {.kind = MST_FE_GRANTED, .c = &p->flow};
        mst_grants_event(io, p->target, &e);
    }
    if (recorded && inline_count > 0)
        admit_recorded(io, run, u);
    mst_unit_release(io, u);
}

void
mst_grants_take(mst_io_t *io, mst_unit_t *u, Muster__Grant *grant)
{
    mst_digest_t digest;
    memcpy(digest.b, grant->spec_digest.data, sizeof digest.b); // 32 bytes: the codec has checked
    mst_io_run_t *run = mst_lease_find(io, grant->lease_id) ? NULL : mst_runs_find(io, grant, &digest);
    if (!run || grant->n_cases == 0) { // a repeated grant, or more runs than there is room for: the lease runs out
        mst_debug("grant ignored lease=%llu", (unsigned long long)grant->lease_id);
        mst_unit_put(io, u);
        return;
    }
    u->grant = grant;
    u->run = run;
    u->lease = mst_lease_new(io, run, grant);
    if (!make_places(u)) {
        mst_error("a unit of %zu cases does not fit into memory", grant->n_cases);
        mst_lease_settle(io, u->lease, grant->n_cases);
        mst_unit_put(io, u);
    } else if (run->error.rc != MST_OK) {
        refuse_unit(io, u, refusal_cause(run), run->error.message);
    } else if (run->run && run->launching == 0 && run->probing == 0) {
        admit(io, run, u);
    } else {
        *run->waiting_end = u;
        run->waiting_end = &u->next;
    }
}

static void
set_budget(mst_io_run_t *run, const Muster__RunSpec *spec)
{
    const mst_budget_cfg_t *b = &run->run->cfg.budget;
    run->budget.most = (mst_spend_t){(uint64_t)b->requests, (uint64_t)b->tokens, b->money};
    run->budget.spent = (mst_spend_t){spec->spent_requests, spec->spent_tokens, spec->spent_money};
}

static void
on_warm(void *ud, size_t open)
{
    mst_io_target_t *t = ud;
    mst_debug("connections opened before the first request run=%u endpoint=%s open=%zu", t->run->run_no, t->endpoint,
              open);
    t->warming = false;
    mst_grants_hold(t->run->io, t);
}

// An open load may have any number under way: connections for what leaves within a quarter of a second at its largest
// rate. Opening and closing thousands more would make requests late.
static size_t
warm_for_load(const mst_load_t *load, size_t n)
{
    double most = 8.0;
    for (size_t i = 0; i < load->level_count; i++)
        most = fmax(most, load->levels[i] * OPEN_WARM_S);
    return most < (double)n ? (size_t)most : n;
}

// Connections for all that will be in flight, so that no first request pays for its own. What was granted so far tells
// a short run: it gets no more than it has cases.
static void
warm_up(mst_io_t *io, mst_io_run_t *run)
{
    size_t granted = 0;
    for (const mst_unit_t *u = run->waiting; u; u = u->next)
        granted += u->count;
    for (size_t i = 0; i < run->target_count; i++) {
        mst_io_target_t *t = &run->targets[i];
        size_t n = t->cfg ? t->cfg->concurrency : 0;
        if (mst_load_open(&run->run->cfg.load))
            n = warm_for_load(&run->run->cfg.load, n < OPEN_WARM_MAX ? n : OPEN_WARM_MAX);
        n = granted < SHORT_RUN && granted < n ? granted : n;
        if (n > 0 && t->cfg->throttle.adaptive && t->cfg->throttle.start < n)
            n = t->cfg->throttle.start;
        if (n < 2)
            continue;
        t->warming = mst_http_warm(io->http, mst_str_c(t->endpoint), t->net, n, on_warm, t);
        if (t->warming)
            mst_grants_hold(io, t);
    }
}

// Its units may begin, or are refused with the run's error.
static void
release_waiting(mst_io_t *io, mst_io_run_t *run)
{
    mst_rc rc = run->error.rc;
    mst_unit_t *u = run->waiting;
    run->waiting = NULL;
    run->waiting_end = &run->waiting;
    while (u) {
        mst_unit_t *next = u->next;
        u->next = NULL;
        if (rc == MST_OK)
            admit(io, run, u);
        else
            refuse_unit(io, u, refusal_cause(run), run->error.message);
        u = next;
    }
    if (rc == MST_OK && run->control != MST_FLOW_RUNNING) {
        mst_flow_event_t e = {.kind = MST_FE_MODE, .mode = run->control};
        mst_grants_event_all(io, run, &e);
    }
}

// Its backends are there: the first bytes go to them.
static void
begin(mst_io_t *io, mst_io_run_t *run)
{
    warm_up(io, run);
    mst_runs_probe(io, run);
    if (run->probing == 0)
        release_waiting(io, run);
}

void
mst_grants_launched(mst_io_t *io, mst_io_run_t *run)
{
    if (run->error.rc != MST_OK) {
        mst_runs_stop(run); // those of the other targets
        release_waiting(io, run);
    } else if (run->launching == 0) {
        begin(io, run);
    }
}

static void
spec_came(mst_io_t *io, mst_io_run_t *run, const Muster__RunSpec *spec)
{
    mst_rc rc = spec->has_spec
                    ? mst_runs_load(io, run, mst_wire_str(spec->spec), &run->error)
                    : MST_ERR(&run->error, MST_NOTFOUND, "coordinator does not know the spec of its own run");
    if (rc == MST_OK)
        set_budget(run, spec);
    if (rc == MST_OK)
        rc = mst_runs_launch(io, run, &run->error);
    if (rc != MST_OK)
        mst_info("run spec refused: %s", run->error.message); // the coordinator tells its people
    if (rc != MST_OK)
        release_waiting(io, run);
    else if (run->launching == 0)
        begin(io, run);
}

void
mst_grants_probed(mst_io_t *io, mst_io_run_t *run)
{
    if (run->error.rc != MST_OK)
        mst_info("run refused: %s", run->error.message);
    release_waiting(io, run);
}

void
mst_grants_spec(mst_io_t *io, const Muster__RunSpec *spec)
{
    for (size_t i = 0; i < MST_WORKER_RUNS_MAX; i++) {
        mst_io_run_t *run = &io->runs[i];
        if (run->used && !run->run && run->error.rc == MST_OK &&
            memcmp(run->digest.b, spec->spec_digest.data, sizeof run->digest.b) == 0)
            spec_came(io, run, spec);
    }
}

static void
control_run(mst_io_t *io, mst_io_run_t *run, mst_flow_mode_t mode)
{
    mst_give_cause_t cause = mode == MST_FLOW_DRAIN ? MST_GIVE_DRAIN : MST_GIVE_CANCELLED;
    run->control = mode;
    if (mode != MST_FLOW_RUNNING) {
        mst_giving_t g;
        mst_giving_init(&g, io, false, NULL);
        give_queue(&g, &run->waiting, &run->waiting_end, cause, false);
        give_queue(&g, &run->queued, &run->queued_end, cause, true);
        mst_giving_flush(&g);
    }
    mst_flow_event_t e = {.kind = MST_FE_MODE, .mode = mode};
    mst_grants_event_all(io, run, &e);
}

void
mst_grants_control(mst_io_t *io, const Muster__RunControl *rc)
{
    mst_flow_mode_t mode = rc->state == 1 ? MST_FLOW_RUNNING : rc->state == 2 ? MST_FLOW_DRAIN : MST_FLOW_STOP;
    for (size_t i = 0; i < MST_WORKER_RUNS_MAX; i++)
        if (io->runs[i].used && io->runs[i].run_no == rc->run_no)
            control_run(io, &io->runs[i], mode);
}

static void
drop_queued(mst_io_t *io, mst_unit_t **first, mst_unit_t ***end, const mst_lease_t *lease, bool inline_only)
{
    mst_giving_t g;
    mst_giving_init(&g, io, false, NULL);
    mst_unit_t **at = first;
    while (*at) {
        mst_unit_t *u = *at;
        if (u->lease != lease) {
            at = &u->next;
            continue;
        }
        *at = u->next;
        give_unit(&g, u, MST_GIVE_FORGET, inline_only);
    }
    *end = at;
    mst_giving_flush(&g);
}

void
mst_grants_lost(mst_io_t *io, uint64_t lease_id)
{
    mst_lease_t *lease = mst_lease_find(io, lease_id);
    if (!lease)
        return;
    mst_io_run_t *run = lease->run;
    lease->lost = true;
    lease->open++; // held, so that it outlives the loop below
    drop_queued(io, &run->waiting, &run->waiting_end, lease, false);
    drop_queued(io, &run->queued, &run->queued_end, lease, true);
    mst_flow_event_t e = {.kind = MST_FE_LEASE_LOST, .lease_id = lease_id};
    mst_grants_event_all(io, run, &e);
    mst_lease_settle(io, lease, 1);
}

void
mst_grants_renewed(mst_io_t *io, int64_t ping_ns)
{
    for (mst_lease_t *l = io->leases; l; l = l->next)
        if (l->made_ns <= ping_ns && l->until_ns < ping_ns + io->lease_ttl_ns)
            l->until_ns = ping_ns + io->lease_ttl_ns;
}

void
mst_grants_expire(mst_io_t *io, int64_t now_ns)
{
    for (mst_lease_t *l = io->leases, *next = NULL; l; l = next) {
        next = l->next; // losing one lease frees no other
        if (l->lost || l->until_ns > now_ns)
            continue;
        mst_warn("lease %llu ran out: the coordinator has not answered", (unsigned long long)l->id);
        mst_grants_lost(io, l->id);
    }
}

static void
dispatch_one(mst_io_t *io, mst_io_run_t *run)
{
    mst_unit_t *u = run->queued;
    mst_job_t *job = mst_io_job(io);
    job->kind = MST_JOB_UNIT;
    job->unit = u;
    job->run = mst_run_ref(run->run);
    job->origin_no = mst_origins_find(&io->origins, MST_STR_NULL, NULL, MST_STR_NULL, MST_STR_NULL);
    run->queued = u->next;
    if (!run->queued)
        run->queued_end = &run->queued;
    u->next = NULL;
    io->units_out++;
    mst_io_push(io, job);
}

void
mst_grants_dispatch(mst_io_t *io)
{
    for (size_t i = 0; i < MST_WORKER_RUNS_MAX && !io->held; i++) {
        mst_io_run_t *run = &io->runs[i];
        while (run->used && run->queued && mst_io_room(io) && io->units_out < 4 * (size_t)io->cpu_threads)
            dispatch_one(io, run);
    }
}

void
mst_grants_unit_back(mst_io_t *io, mst_job_t *job)
{
    mst_unit_t *u = job->unit;
    mst_io_run_t *run = u->run;
    size_t from = 0, row = 0;
    mst_err_t err = {0};
    io->units_out--;
    u->open++;
    mst_giving_t g;
    mst_giving_init(&g, io, false, NULL);
    for (size_t i = 0; i < u->count && row < job->row_count; i++) {
        mst_place_t *p = &u->places[i];
        if (!is_inline(p))
            continue;
        mst_str_t bytes = mst_str(job->rows.p + from, job->row_ends[row] - from);
        from = job->row_ends[row++];
        if (bytes.n == 0 || bytes.n > MST_RESULT_INLINE_MAX) {
            (void)MST_ERR(&err, MST_LIMIT, "result of case %llu could not be packed (%zu bytes)",
                          (unsigned long long)p->key.case_no, bytes.n);
            mst_giving_add(&g, p, MST_GIVE_LOCAL);
            continue;
        }
        mst_results_add(&io->results, u->lease, bytes);
        io->settled++;
        mst_unit_release(io, p->unit);
    }
    mst_giving_flush(&g);
    mst_unit_release(io, u);
    if (err.rc != MST_OK)
        mst_grants_fatal(io, run, &err);
}

uint32_t
mst_grants_credit(mst_io_t *io)
{
    bool any = io->credit.recorded || io->credit.concurrency > 0;
    return any ? mst_credit_cases(&io->credit, MST_WORKER_CASES_BYTES) : MST_UNIT_CASES_MAX;
}

void
mst_grants_free(mst_io_t *io)
{
    mst_leases_free(io);
    for (size_t i = 0; i < MST_WORKER_RUNS_MAX; i++)
        mst_runs_clear(&io->runs[i]);
    mst_units_free(io); // after the flows, which look at the places
}
