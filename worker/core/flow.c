// One function, case_to, changes a case's state and keeps the lists right. Nothing here knows sockets, clocks
// or messages. Order of START: retries whose wait is over come before fresh cases, since their leases are older.
#include "worker/core/flow.h"

#include "worker/core/breaker.h"

#include "common/base/clock.h"
#include "common/base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Each costs tens of microseconds to build and write; others may be due to leave meanwhile.
#define ARRIVALS_A_STEP 4

typedef struct {
    mst_flow_case_t *first, *last;
    size_t count;
} list_t;

struct mst_flow {
    mst_flow_opts_t o;
    mst_flow_mode_t mode;
    bool hold;
    list_t lists[MST_FC_STATES]; // READY to WAITING are used
    mst_heap_t retries;
    mst_prng_t rng;
    mst_breaker_t breaker;
    mst_pace_t *pace; // NULL: no load
    bool more;        // arrivals are due that did not fit this step
    bool broke;       // the next one waits for what those in flight leave of the budget
    mst_err_t fatal;  // set from outside; else the breaker's text speaks
    mst_give_cause_t fatal_cause;
    mst_throttle_t throttle;
    int64_t throttle_due_ns;          // the next one may start then; INT64_MAX = no need to look
    uint64_t first_tries, more_tries; // attempts started
    double mean_tokens;               // of an attempt
    char budget_text[128];
};

static const uint8_t legal[MST_FC_STATES] = {
    // bits: states that may follow
    [MST_FC_NEW] = 1u << MST_FC_READY | 1u << MST_FC_DONE,
    [MST_FC_READY] = 1u << MST_FC_FLYING | 1u << MST_FC_DONE,
    [MST_FC_FLYING] = 1u << MST_FC_JUDGING | 1u << MST_FC_DONE,
    [MST_FC_JUDGING] = 1u << MST_FC_WAITING | 1u << MST_FC_DONE,
    [MST_FC_WAITING] = 1u << MST_FC_READY | 1u << MST_FC_DONE,
};

static bool
listed(mst_flow_state_t s)
{
    return s != MST_FC_NEW && s != MST_FC_DONE;
}

static void
list_remove(list_t *l, mst_flow_case_t *c)
{
    *(c->prev ? &c->prev->next : &l->first) = c->next;
    *(c->next ? &c->next->prev : &l->last) = c->prev;
    c->prev = c->next = NULL;
    l->count--;
}

static void
list_append(list_t *l, mst_flow_case_t *c)
{
    c->prev = l->last;
    *(l->last ? &l->last->next : &l->first) = c;
    l->last = c;
    l->count++;
}

static void
list_prepend(list_t *l, mst_flow_case_t *c)
{
    c->next = l->first;
    *(l->first ? &l->first->prev : &l->last) = c;
    l->first = c;
    l->count++;
}

static void
case_to(mst_flow_t *f, mst_flow_case_t *c, mst_flow_state_t to)
{
    mst_flow_state_t from = c->state;
    MST_ASSERT((legal[from] & 1u << to) != 0);
    if (listed(from))
        list_remove(&f->lists[from], c);
    if (from == MST_FC_WAITING)
        mst_heap_remove(&f->retries, &c->retry);
    c->state = to;
    if (from == MST_FC_WAITING && to == MST_FC_READY)
        list_prepend(&f->lists[to], c);
    else if (listed(to))
        list_append(&f->lists[to], c);
}

static void
put(mst_flow_effects_t *fx, mst_flow_effect_kind_t kind, mst_flow_case_t *c, mst_give_cause_t cause)
{
    if (fx->count == fx->cap) {
        fx->cap = fx->cap ? fx->cap * 2 : 64;
        fx->items = mst_xrealloc(fx->items, fx->cap * sizeof *fx->items);
    }
    fx->items[fx->count++] = (mst_flow_effect_t){.kind = kind, .cause = cause, .c = c};
}

static void
give_back(mst_flow_t *f, mst_flow_case_t *c, mst_give_cause_t cause, mst_flow_effects_t *fx)
{
    if (c->state == MST_FC_FLYING) {
        put(fx, MST_FX_ABORT, c, cause);
        if (f->o.budget)
            mst_budget_settle(f->o.budget, &c->held, &(mst_spend_t){.requests = 1});
    }
    case_to(f, c, MST_FC_DONE);
    put(fx, MST_FX_RETURN, c, c->dropped ? MST_GIVE_FORGET : cause);
}

static void
give_back_all(mst_flow_t *f, mst_flow_state_t state, mst_give_cause_t cause, mst_flow_effects_t *fx)
{
    while (f->lists[state].first)
        give_back(f, f->lists[state].first, cause, fx);
}

static mst_give_cause_t
cause_of_mode(const mst_flow_t *f)
{
    switch (f->mode) {
    case MST_FLOW_DRAIN:
        return MST_GIVE_DRAIN;
    case MST_FLOW_FATAL:
        return f->fatal_cause;
    case MST_FLOW_STOP:
    case MST_FLOW_RUNNING:
        break;
    }
    return MST_GIVE_CANCELLED;
}

static void
set_mode(mst_flow_t *f, mst_flow_mode_t mode, mst_flow_effects_t *fx)
{
    if (f->mode == MST_FLOW_FATAL || mode == f->mode)
        return;
    f->mode = mode;
    if (mode == MST_FLOW_RUNNING)
        return;
    if (mode == MST_FLOW_FATAL)
        put(fx, MST_FX_FATAL, NULL, f->fatal_cause);
    mst_give_cause_t cause = cause_of_mode(f);
    give_back_all(f, MST_FC_READY, cause, fx);
    give_back_all(f, MST_FC_WAITING, cause, fx);
    if (mode != MST_FLOW_DRAIN)
        give_back_all(f, MST_FC_FLYING, cause, fx);
}

static void
granted(mst_flow_t *f, mst_flow_case_t *c, int64_t now_ns, mst_flow_effects_t *fx)
{
    c->admitted_ns = now_ns;
    if (f->pace)
        mst_pace_begin(f->pace, now_ns);
    if (f->mode != MST_FLOW_RUNNING)
        give_back(f, c, cause_of_mode(f), fx);
    else if (f->pace && mst_pace_over(f->pace, now_ns))
        give_back(f, c, MST_GIVE_PLAN_OVER, fx);
    else
        case_to(f, c, MST_FC_READY);
}

// Cases that fail together must not ask a backend in trouble many times over.
static bool
may_retry(const mst_flow_t *f)
{
    return f->more_tries < MST_FLOW_FREE_RETRIES || (double)f->more_tries < f->o.retry_share * (double)f->first_tries;
}

static void
failed(mst_flow_t *f, const mst_flow_event_t *e, int64_t now_ns, mst_flow_effects_t *fx)
{
    static const mst_err_t no_reason = {.rc = MST_INTERNAL};
    const mst_err_t *err = e->err ? e->err : &no_reason;
    int64_t wait_ns = 0;
    bool again = mst_retry_decide(&f->o.retry, err, e->c->tries, &f->rng, &wait_ns) && may_retry(f);
    bool never_again = err->retry == MST_RETRY_NEVER || f->o.retry.tries_max <= 1;
    if (mst_breaker_failed(&f->breaker, now_ns, e->http_status, e->unreachable, never_again, err)) {
        f->fatal_cause = MST_GIVE_BACKEND;
        set_mode(f, MST_FLOW_FATAL, fx);
    }
    if (!again && !never_again && e->unreachable && mst_breaker_in_row(&f->breaker)) {
        wait_ns = mst_retry_backoff(&f->o.retry, e->c->tries, &f->rng);
        again = true;
    }
    if (f->mode == MST_FLOW_STOP || f->mode == MST_FLOW_FATAL || e->c->dropped) {
        give_back(f, e->c, cause_of_mode(f), fx);
    } else if (!again) {
        case_to(f, e->c, MST_FC_DONE);
        put(fx, MST_FX_KEEP, e->c, 0);
    } else if (f->mode == MST_FLOW_DRAIN) {
        give_back(f, e->c, MST_GIVE_DRAIN, fx);
    } else {
        case_to(f, e->c, MST_FC_WAITING);
        mst_heap_set(&f->retries, &e->c->retry, now_ns + wait_ns);
        put(fx, MST_FX_AGAIN, e->c, 0);
    }
}

// A failure of the case or of our own judging says nothing against the backend.
static bool
backend_answered(mst_outcome_t o)
{
    return mst_outcome_measured(o) || o == MST_OUT_SCORER_ERROR || o == MST_OUT_TOO_LARGE;
}

// One step of a case is done and another follows. It goes before fresh cases, so that few are open at a time. A case
// that stops half-way is given back whole.
static void
step_done(mst_flow_t *f, const mst_flow_event_t *e, int64_t now_ns, mst_flow_effects_t *fx)
{
    mst_flow_case_t *c = e->c;
    mst_breaker_measured(&f->breaker);
    if (f->mode != MST_FLOW_RUNNING || c->dropped) {
        give_back(f, c, cause_of_mode(f), fx);
        return;
    }
    c->tries = 0;
    c->admitted_ns = now_ns + e->wait_ns;
    case_to(f, c, MST_FC_WAITING);
    mst_heap_set(&f->retries, &c->retry, c->admitted_ns);
    put(fx, MST_FX_AGAIN, c, 0);
}

static void
settle(mst_flow_t *f, const mst_flow_event_t *e, int64_t now_ns)
{
    mst_throttle_end_t end = MST_THROTTLE_NEUTRAL;
    double used = (double)e->used.tokens;
    if (e->http_status == 429 || e->http_status == 503 || e->outcome == MST_OUT_RATE_LIMITED)
        end = MST_THROTTLE_LIMITED;
    else if (backend_answered(e->outcome))
        end = e->c->tries == 1 && e->used.requests > 0 ? MST_THROTTLE_CLEAN : MST_THROTTLE_NEUTRAL;
    else if (e->http_status >= 500 || e->outcome == MST_OUT_TIMEOUT)
        end = MST_THROTTLE_TROUBLE;
    mst_throttle_ended(&f->throttle, now_ns, end, e->err ? e->err->retry_after_ms * MST_NS_PER_MS : 0);
    mst_throttle_used(&f->throttle, e->c->thought, used);
    if (used > 0.0)
        f->mean_tokens += (used - f->mean_tokens) * (f->mean_tokens > 0.0 ? 0.1 : 1.0);
    if (f->o.budget)
        mst_budget_settle(f->o.budget, &e->c->held, &e->used);
    e->c->held = (mst_spend_t){0};
}

static void
verdict(mst_flow_t *f, const mst_flow_event_t *e, int64_t now_ns, mst_flow_effects_t *fx)
{
    settle(f, e, now_ns);
    bool own = e->outcome == MST_OUT_BAD_CASE;
    if (e->more) {
        step_done(f, e, now_ns, fx);
        return;
    }
    if (!own && !backend_answered(e->outcome)) {
        failed(f, e, now_ns, fx);
        return;
    }
    if (!own)
        mst_breaker_measured(&f->breaker);
    case_to(f, e->c, MST_FC_DONE);
    put(fx, MST_FX_KEEP, e->c, 0);
}

static void
drop_list(mst_flow_t *f, mst_flow_state_t state, uint64_t lease_id, mst_flow_effects_t *fx)
{
    mst_flow_case_t *next = NULL;
    for (mst_flow_case_t *c = f->lists[state].first; c; c = next) {
        next = c->next;
        if (c->lease_id != lease_id)
            continue;
        c->dropped = true; // one that is under way goes on: its result is welcome while the case is open
        if (state == MST_FC_READY || state == MST_FC_WAITING)
            give_back(f, c, MST_GIVE_FORGET, fx);
    }
}

static void
lease_lost(mst_flow_t *f, uint64_t lease_id, mst_flow_effects_t *fx)
{
    for (mst_flow_state_t s = MST_FC_READY; s <= MST_FC_WAITING; s++)
        drop_list(f, s, lease_id, fx);
}

static void
wake_waiting(mst_flow_t *f, int64_t now_ns)
{
    for (mst_heap_node_t *n = mst_heap_peek(&f->retries); n && n->due_ns <= now_ns; n = mst_heap_peek(&f->retries))
        case_to(f, n->owner, MST_FC_READY);
}

// The run ends here, and goes on exactly here with a larger budget: what has no result is given back.
static void
stop_by_budget(mst_flow_t *f, const mst_flow_case_t *c, mst_flow_effects_t *fx)
{
    const mst_spend_t *most = &f->o.budget->most, *spent = &f->o.budget->spent;
    const char *what = mst_budget_short(f->o.budget, &c->need);
    if (strcmp(what, "money") == 0)
        (void)snprintf(f->budget_text, sizeof f->budget_text,
                       "budget of %.6g money: %.6g spent, the next request may take %.3g", most->money, spent->money,
                       c->need.money);
    else
        (void)snprintf(f->budget_text, sizeof f->budget_text, "budget of %llu %s: %llu spent",
                       (unsigned long long)(what[0] == 'r' ? most->requests : most->tokens), what,
                       (unsigned long long)(what[0] == 'r' ? spent->requests : spent->tokens));
    f->mode = MST_FLOW_DRAIN;
    give_back_all(f, MST_FC_READY, MST_GIVE_BUDGET, fx);
    give_back_all(f, MST_FC_WAITING, MST_GIVE_BUDGET, fx);
}

// False: it must wait, or the run has ended.
static bool
afford(mst_flow_t *f, mst_flow_case_t *c, mst_flow_effects_t *fx)
{
    if (!f->o.budget || !mst_budget_any(f->o.budget))
        return true;
    mst_budget_say_t say = mst_budget_ask(f->o.budget, &c->need);
    if (say == MST_BUDGET_STOP)
        stop_by_budget(f, c, fx);
    return say == MST_BUDGET_GO;
}

static void
start(mst_flow_t *f, mst_flow_case_t *c, int64_t now_ns, mst_flow_effects_t *fx)
{
    c->thought = f->mean_tokens;
    mst_throttle_started(&f->throttle, now_ns, c->thought);
    c->held = c->need;
    if (f->o.budget)
        mst_budget_hold(f->o.budget, &c->held);
    f->first_tries += c->tries == 0;
    f->more_tries += c->tries > 0;
    c->tries++;
    case_to(f, c, MST_FC_FLYING);
    put(fx, MST_FX_START, c, 0);
}

// A place for the first of READY? A retry is no arrival of its own: with an open load it goes at once.
static bool
may_start(mst_flow_t *f, const mst_flow_case_t *c, int64_t now_ns)
{
    size_t flying = f->lists[MST_FC_FLYING].count;
    if (!f->pace) {
        f->throttle_due_ns = mst_throttle_when(&f->throttle, now_ns, (uint32_t)flying);
        return f->throttle_due_ns == 0;
    }
    if (c->paced && (mst_pace_open(f->pace) || mst_pace_over(f->pace, now_ns)))
        return flying < f->o.in_flight_max;
    return mst_pace_may(f->pace, now_ns, c->lead_ns > 0 ? c->lead_ns : MST_FLOW_LEAD_NS, flying);
}

// After the plan's last request fresh cases go back; those that are to be tried again stay.
static void
give_back_fresh(mst_flow_t *f, mst_flow_effects_t *fx)
{
    mst_flow_case_t *next = NULL;
    for (mst_flow_case_t *c = f->lists[MST_FC_READY].first; c; c = next) {
        next = c->next;
        if (!c->paced)
            give_back(f, c, MST_GIVE_PLAN_OVER, fx);
    }
}

static void
set_tag(mst_flow_t *f, mst_flow_case_t *c, int64_t now_ns)
{
    if (!f->pace)
        c->tag = (mst_load_tag_t){.admit_mono_ns = now_ns};
    else if (!c->paced)
        mst_pace_take(f->pace, now_ns, &c->tag);
    c->paced = true;
}

static void
fill_places(mst_flow_t *f, int64_t now_ns, mst_flow_effects_t *fx)
{
    f->more = f->broke = false;
    f->throttle_due_ns = INT64_MAX;
    size_t arrivals = 0;
    mst_flow_case_t *c;
    while (f->mode == MST_FLOW_RUNNING && !f->hold && (c = f->lists[MST_FC_READY].first) && may_start(f, c, now_ns)) {
        f->broke = !afford(f, c, fx);
        if (f->broke)
            break;
        if (f->pace && mst_pace_open(f->pace) && ++arrivals > ARRIVALS_A_STEP) {
            f->more = true; // others are due meanwhile: the edge comes back at once
            return;
        }
        set_tag(f, c, now_ns);
        start(f, c, now_ns, fx);
    }
    if (f->throttle_due_ns == 0)
        f->throttle_due_ns = INT64_MAX;
    if (f->pace && f->mode == MST_FLOW_RUNNING && !f->hold && mst_pace_over(f->pace, now_ns))
        give_back_fresh(f, fx);
}

mst_flow_t *
mst_flow_new(const mst_flow_opts_t *opts)
{
    mst_flow_t *f = MST_NEW(mst_flow_t);
    f->o = *opts;
    f->mode = MST_FLOW_RUNNING;
    mst_prng_seed(&f->rng, opts->seed);
    mst_pace_opts_t pace = {.load = opts->load,
                            .places = opts->concurrency,
                            .in_flight_max = opts->in_flight_max,
                            .worker = opts->part,
                            .workers = opts->parts};
    f->pace = mst_pace_new(&pace);
    f->throttle_due_ns = INT64_MAX;
    if (f->o.throttle.places == 0)
        f->o.throttle.places = opts->concurrency;
    mst_throttle_init(&f->throttle, &f->o.throttle);
    mst_breaker_init(&f->breaker, opts->endpoint, opts->unreachable_ns, opts->down_ns);
    return f;
}

void
mst_flow_free(mst_flow_t **flow)
{
    if (!*flow)
        return;
    mst_heap_deinit(&(*flow)->retries);
    mst_pace_free(&(*flow)->pace);
    free(*flow);
    *flow = NULL;
}

void
mst_flow_step(mst_flow_t *f, int64_t now_ns, const mst_flow_event_t *e, mst_flow_effects_t *fx)
{
    switch (e->kind) {
    case MST_FE_GRANTED:
        e->c->retry.owner = e->c;
        granted(f, e->c, now_ns, fx);
        break;
    case MST_FE_ENDED:
        case_to(f, e->c, MST_FC_JUDGING);
        if (f->pace)
            mst_pace_ended(f->pace, now_ns);
        break;
    case MST_FE_VERDICT:
        verdict(f, e, now_ns, fx);
        break;
    case MST_FE_LEASE_LOST:
        lease_lost(f, e->lease_id, fx);
        break;
    case MST_FE_MODE:
        if (e->mode == MST_FLOW_FATAL && e->err) {
            f->fatal = *e->err;
            f->fatal_cause = e->cause != MST_GIVE_FORGET ? e->cause : MST_GIVE_LOCAL;
        }
        set_mode(f, e->mode, fx);
        break;
    case MST_FE_HOLD:
        f->hold = e->hold;
        break;
    case MST_FE_TICK:
        break;
    }
    wake_waiting(f, now_ns);
    fill_places(f, now_ns, fx);
}

int64_t
mst_flow_due(const mst_flow_t *f, int64_t now_ns)
{
    const mst_heap_node_t *n = mst_heap_peek(&f->retries);
    int64_t due = n ? n->due_ns : INT64_MAX;
    if (!f->pace)
        return due < f->throttle_due_ns ? due : f->throttle_due_ns;
    if (f->broke || f->mode != MST_FLOW_RUNNING || f->hold)
        return due;
    if (f->more)
        return now_ns;
    const mst_flow_case_t *c = f->lists[MST_FC_READY].first;
    int64_t lead = c && c->lead_ns > 0 ? c->lead_ns : MST_FLOW_LEAD_NS;
    // an arrival that has no case yet waits for the grant, not for the clock
    bool waits = mst_pace_open(f->pace) && (!c || f->lists[MST_FC_FLYING].count >= f->o.in_flight_max);
    int64_t pace = waits ? INT64_MAX : mst_pace_due(f->pace, now_ns, lead);
    return pace < due ? pace : due;
}

size_t
mst_flow_count(const mst_flow_t *f, mst_flow_state_t state)
{
    return listed(state) ? f->lists[state].count : 0;
}

mst_flow_mode_t
mst_flow_mode(const mst_flow_t *f)
{
    return f->mode;
}

const mst_throttle_t *
mst_flow_throttle(const mst_flow_t *f)
{
    return &f->throttle;
}

uint64_t
mst_flow_retries(const mst_flow_t *f)
{
    return f->more_tries;
}

const char *
mst_flow_budget_text(const mst_flow_t *f)
{
    return f->budget_text;
}

const char *
mst_flow_fatal_text(const mst_flow_t *f)
{
    if (f->mode != MST_FLOW_FATAL)
        return "";
    return f->fatal.rc != MST_OK ? f->fatal.message : f->breaker.text;
}

mst_give_cause_t
mst_flow_fatal_cause(const mst_flow_t *f)
{
    return f->fatal_cause;
}

void
mst_flow_effects_reset(mst_flow_effects_t *fx)
{
    fx->count = 0;
}

void
mst_flow_effects_deinit(mst_flow_effects_t *fx)
{
    free(fx->items);
    *fx = (mst_flow_effects_t){0};
}
