// The coordinator's real core in a simulated world: lost and repeated messages, connections that break, workers and
// the aggregator that die, a slow store whose commits fail before and after they were applied, a coordinator that
// restarts, clocks that run apart, clients that cancel. One seed is one history.
//
//   des_coordinator [--seeds N] [--seed S] [--verbose] [--fault early-ack|lost-requeue|double-grant]
//
// Without options: the same seed twice gives the same history; three planted bugs are found; 10,000 seeds pass (2,000
// with MUSTER_QUICK in the environment).
#include "tests/des/nodes.h"

#include <string.h>

#define SEEDS_DEFAULT  10000
#define SEEDS_QUICK    2000 // with MUSTER_QUICK in the environment
#define SEEDS_REPLAYED 20
#define SEEDS_TO_CATCH 300
#define SAFETY_SPANS   4 // times the lease's time to live, with faults
#define LIVENESS_SPANS 4 // of a lease, without faults: within it one more key must be done

static uint32_t
pick(mst_prng_t *r, uint32_t min, uint32_t max)
{
    return min + (uint32_t)mst_prng_below(r, max - min + 1);
}

// Half of the seeds lack a given fault altogether: histories differ in kind and not only in detail.
static uint32_t
maybe(mst_prng_t *r, uint32_t max)
{
    return mst_prng_below(r, 2) == 0 ? 0 : pick(r, 1, max);
}

static void
draw_swarm(swarm_t *s, mst_prng_t *r)
{
    static const int64_t ttls[] = {5 * MST_NS_PER_S, 12 * MST_NS_PER_S, 60 * MST_NS_PER_S};
    s->repeats = mst_prng_below(r, 3) == 0 ? pick(r, 2, 3) : 1;
    s->targets = mst_prng_below(r, 2) == 0 ? pick(r, 2, TARGETS_MAX) : 1;
    uint32_t per_case = s->targets * s->repeats, most = KEYS_MAX / per_case;
    s->keys = pick(r, 1, mst_prng_below(r, 3) == 0 || most < 24 ? most : 24) * per_case;
    s->workers = pick(r, 1, WORKERS_MAX);
    s->unit_max = pick(r, 1, 8);
    s->read_ahead = pick(r, 1, 32);
    s->ttl_ns = ttls[mst_prng_below(r, 3)];
    s->delay_ns = mst_prng_below(r, 4) == 0 ? s->ttl_ns / 15 : s->ttl_ns / 2000;
    s->service_ns = s->ttl_ns / (mst_prng_below(r, 2) == 0 ? 2 : 20);
    s->commit_ns = mst_prng_below(r, 3) == 0 ? s->ttl_ns / 5 : s->ttl_ns / 500;
    s->chaos_ns = s->ttl_ns / pick(r, 2, 12);
    s->loss = maybe(r, 200);
    s->repeat = maybe(r, 200);
    s->unsent = maybe(r, 100);
    s->store_before = maybe(r, 300);
    s->store_after = maybe(r, 300);
    s->slow_case = maybe(r, 50);
    s->failing = maybe(r, 200);
    s->worker_crash = maybe(r, 300);
    s->worker_reset = maybe(r, 300);
    s->aggregator_crash = maybe(r, 200);
    s->coordinator_crash = maybe(r, 100);
    s->cancel = maybe(r, 60);
    s->store_dead = maybe(r, 30);
    s->fatal = maybe(r, 10);
    s->goodbye = maybe(r, 60);
    s->cut = maybe(r, 200);
    s->pause = maybe(r, 200);
    s->coordinator_pause = maybe(r, 100);
    s->fail_fast = mst_prng_below(r, 8) == 0;
}

// Cut off, in one direction or both; paused, as by a debugger or a busy host. For up to two lease spans.
static void
stop_and_go(world_t *w, uint32_t i)
{
    const swarm_t *s = &w->swarm;
    int64_t until = w->now + (int64_t)(2.0 * mst_prng_unit(&w->rng) * (double)s->ttl_ns);
    if (chance(w, s->cut)) {
        uint64_t way = mst_prng_below(&w->rng, 3);
        w->workers[i].cut_until[0] = way != 1 ? until : 0;
        w->workers[i].cut_until[1] = way != 0 ? until : 0;
        w->counts[H_CUT]++;
        SAY(w, "worker %u is cut off", i);
    }
    if (chance(w, s->pause)) {
        w->workers[i].paused_until = until;
        w->counts[H_PAUSED]++;
        SAY(w, "worker %u is paused", i);
    }
    if (chance(w, s->coordinator_pause)) {
        w->coord_paused_until = until;
        w->counts[H_COORDINATOR_PAUSED]++;
        SAY(w, "coordinator is paused");
    }
}

// Until when whom the event is for stands still; 0 = it does not. What comes meanwhile waits, in order.
static int64_t
paused_until(const world_t *w, const event_t *e)
{
    uint32_t worker = WORKERS_MAX;
    if (e->kind == E_BEAT || e->kind == E_CASE)
        worker = e->node;
    else if (e->kind == E_DELIVER && e->node == TO_WORKER)
        worker = worker_of(w, w->messages[e->arg].conn);
    bool core = e->kind == E_TICK || e->kind == E_READ || (e->kind == E_DELIVER && e->node == TO_COORDINATOR);
    int64_t until = worker < WORKERS_MAX ? w->workers[worker].paused_until : core ? w->coord_paused_until : 0;
    return w->faults_on && until > w->now ? until : 0;
}

static void
chaos(world_t *w)
{
    const swarm_t *s = &w->swarm;
    if (!w->faults_on)
        return;
    schedule(w, (event_t){.at = w->now + around(w, s->chaos_ns), .kind = E_CHAOS});
    uint32_t i = (uint32_t)mst_prng_below(&w->rng, s->workers);
    if (chance(w, s->worker_crash))
        worker_crash(w, i);
    else if (chance(w, s->worker_reset) && w->workers[i].up)
        worker_hello(w, i);
    stop_and_go(w, i);
    if (chance(w, s->aggregator_crash))
        aggregator_crash(w);
    if (chance(w, s->coordinator_crash)) {
        w->counts[H_COORDINATOR_DIED]++;
        SAY(w, "coordinator restarts");
        if (chance(w, 500))
            w->generation++;
        coordinator_boot(w);
    }
    mst_coord_event_t cancel = {.kind = MST_CE_CANCEL, .u.cancel.now = chance(w, 300)};
    if (chance(w, s->cancel))
        step_core(w, &cancel);
    if (chance(w, s->store_dead))
        step_core(w, &(mst_coord_event_t){.kind = MST_CE_ABORT});
}

static void
calm(world_t *w)
{
    w->counts[H_CALM]++;
    SAY(w, "faults end");
    w->faults_on = false;
    w->progress_at = w->now;
    for (uint32_t i = 0; i < w->swarm.workers; i++)
        if (!w->workers[i].up)
            worker_boot(w, i);
    w->aggregator.up = true;
    coordinator_resume(w);
}

static void
deliver(world_t *w, const event_t *e)
{
    message_t m = w->messages[e->arg];
    w->free_messages[w->free_count++] = (uint32_t)e->arg;
    note(w, (uint64_t)m.kind << 40 ^ m.conn << 20 ^ m.count);
    if (e->node == TO_WORKER)
        worker_message(w, &m);
    else if (e->node == TO_AGGREGATOR)
        aggregator_message(w, &m);
    else {
        SAY(w, "coordinator gets kind=%d conn=%llu lease=%llx count=%u number=%u", (int)m.kind,
            (unsigned long long)m.conn, (unsigned long long)m.lease, m.count, m.number);
        coordinator_message(w, &m);
    }
}

static void
happen(world_t *w, const event_t *e)
{
    switch (e->kind) {
    case E_TICK:
        schedule(w, (event_t){.at = w->now + w->swarm.ttl_ns / 40, .kind = E_TICK});
        step_core(w, &(mst_coord_event_t){.kind = MST_CE_TICK});
        break;
    case E_READ:
        coordinator_read(w);
        break;
    case E_DELIVER:
        deliver(w, e);
        break;
    case E_BEAT:
        if (w->workers[e->node].life == e->life)
            worker_beat(w, e->node);
        break;
    case E_CASE:
        if (w->workers[e->node].life == e->life)
            worker_case_over(w, e);
        break;
    case E_COMMIT:
        if (w->aggregator.life == e->life)
            aggregator_commit(w);
        break;
    case E_RESEND:
        aggregator_resend(w);
        break;
    case E_CHAOS:
        chaos(w);
        break;
    case E_WORKER_UP:
        if (!w->workers[e->node].up)
            worker_boot(w, e->node);
        break;
    case E_AGGREGATOR_UP:
        w->aggregator.up = true;
        break;
    case E_RESUME:
        coordinator_resume(w);
        break;
    case E_CALM:
        calm(w);
        break;
    }
}

static void
check_end(world_t *w)
{
    if (!w->over) {
        mst_coord_status_t s;
        mst_coord_status(w->core, &s);
        fail_world(w, "the run does not end: state %d, %llu of %llu keys done, %llu leased, %llu open", (int)s.state,
                   (unsigned long long)s.done, (unsigned long long)s.total, (unsigned long long)s.leased,
                   (unsigned long long)s.open);
    }
    for (uint64_t k = 0; k < w->swarm.keys; k++)
        if (!w->stored[k] || w->stored_times[k] != 1)
            fail_world(w, "key %llu was stored %u times", (unsigned long long)k, w->stored_times[k]);
}

static void
set_up(world_t *w)
{
    mst_prng_seed(&w->rng, w->seed);
    draw_swarm(&w->swarm, &w->rng);
    w->hash = w->seed;
    w->events = MST_NEW_ARRAY(event_t, EVENTS_MAX);
    w->messages = MST_NEW_ARRAY(message_t, MESSAGES_MAX);
    for (uint32_t i = 0; i < MESSAGES_MAX; i++)
        w->free_messages[w->free_count++] = MESSAGES_MAX - 1 - i;
    w->coord_rate = 0.951 + 0.098 * mst_prng_unit(&w->rng);
    w->faults_on = true;
    w->generation = 1;
    w->aggregator.up = true;
    SAY(w, "keys=%u targets=%u repeats=%u workers=%u unit=%u ttl=%llds", w->swarm.keys, w->swarm.targets,
        w->swarm.repeats, w->swarm.workers, w->swarm.unit_max, (long long)(w->swarm.ttl_ns / MST_NS_PER_S));
    coordinator_boot(w);
    for (uint32_t i = 0; i < w->swarm.workers; i++)
        worker_boot(w, i);
    schedule(w, (event_t){.at = 1, .kind = E_TICK});
    schedule(w, (event_t){.at = 2, .kind = E_READ});
    schedule(w, (event_t){.at = w->swarm.ttl_ns / 6, .kind = E_RESEND});
    schedule(w, (event_t){.at = w->swarm.chaos_ns, .kind = E_CHAOS});
    schedule(w, (event_t){.at = SAFETY_SPANS * w->swarm.ttl_ns, .kind = E_CALM});
}

// One history. *out_hash: what happened, in one number. False with why[] filled.
static bool
run_seed(world_t *how, uint64_t seed, uint64_t *out_hash, uint64_t *out_steps, char why[512])
{
    world_t *w = MST_NEW(world_t);
    w->seed = seed;
    w->verbose = how->verbose;
    w->blind = how->blind;
    w->early_ack = how->early_ack;
    w->fault = how->fault;
    set_up(w);
    while (!w->failed && !w->over && w->event_count > 0 && w->steps < STEPS_MAX) {
        event_t e = take_event(w);
        w->now = e.at;
        note(w, (uint64_t)e.at ^ (uint64_t)e.kind << 60);
        int64_t later = paused_until(w, &e);
        if (later > 0) {
            e.at = later;
            schedule(w, e);
            continue;
        }
        happen(w, &e);
        if (!w->faults_on && w->now > w->progress_at + LIVENESS_SPANS * span_of(w))
            break;
    }
    if (!w->failed)
        check_end(w);
    bool ok = !w->failed;
    snprintf(why, 512, "%s", w->why);
    *out_hash = w->hash;
    *out_steps = w->steps;
    for (int i = 0; i < H_COUNT; i++)
        how->counts[i] += w->counts[i];
    mst_coord_free(&w->core);
    free(w->messages);
    free(w->events);
    free(w);
    return ok;
}

// Over many seeds every fault must have happened: a simulator that has gone tame proves nothing.
static bool
all_happened(const world_t *how, uint64_t count)
{
    static const char *const names[] = {
#define AS_NAME(name, text) text,
        HAPPENED(AS_NAME)};
    bool all = true;
    for (int i = 0; i < H_COUNT; i++) {
        printf("  %10llu %s\n", (unsigned long long)how->counts[i], names[i]);
        all = all && how->counts[i] > 0;
    }
    if (!all && count >= 1000)
        printf("FAILED: something above never happened\n");
    return all || count < 1000;
}

static bool
run_seeds(world_t *how, uint64_t first, uint64_t count)
{
    char why[512];
    uint64_t hash = 0, all = 0, steps = 0, sum = 0;
    for (uint64_t i = 0; i < count; i++) {
        if (!run_seed(how, first + i, &hash, &steps, why)) {
            printf("FAILED --seed=%llu: %s\n", (unsigned long long)(first + i), why);
            return false;
        }
        all = all * 31 + hash;
        sum += steps;
    }
    printf("%llu seeds from %llu pass, %llu steps, log hash %016llx\n", (unsigned long long)count,
           (unsigned long long)first, (unsigned long long)sum, (unsigned long long)all);
    return all_happened(how, count);
}

// The same seed gives the same history.
static bool
check_replay(void)
{
    world_t *how = MST_NEW(world_t);
    char why[512];
    bool same = true;
    for (uint64_t seed = 1; seed <= SEEDS_REPLAYED && same; seed++) {
        uint64_t a = 0, b = 1, steps = 0, again = 1;
        (void)run_seed(how, seed, &a, &steps, why);
        (void)run_seed(how, seed, &b, &again, why);
        same = a == b && steps == again;
        if (!same)
            printf("FAILED --seed=%llu: two runs of it differ\n", (unsigned long long)seed);
    }
    free(how);
    if (same)
        printf("%d seeds run twice give the same log hash\n", SEEDS_REPLAYED);
    return same;
}

static bool
set_fault(world_t *how, const char *name)
{
    how->early_ack = strcmp(name, "early-ack") == 0;
    how->fault = strcmp(name, "lost-requeue") == 0   ? MST_COORD_FAULT_LOST_REQUEUE
                 : strcmp(name, "double-grant") == 0 ? MST_COORD_FAULT_DOUBLE_GRANT
                                                     : MST_COORD_FAULT_NONE;
    return how->early_ack || how->fault != MST_COORD_FAULT_NONE;
}

// A bug that was put in is found: the checks see something.
static bool
check_caught(const char *name, bool blind)
{
    world_t *how = MST_NEW(world_t);
    char why[512] = "";
    uint64_t hash = 0, steps = 0, seed = 1;
    MST_ASSERT(set_fault(how, name));
    how->blind = blind;
    while (seed <= SEEDS_TO_CATCH && run_seed(how, seed, &hash, &steps, why))
        seed++;
    free(how);
    if (seed > SEEDS_TO_CATCH) {
        printf("FAILED: planted bug %s was not found in %d seeds%s\n", name, SEEDS_TO_CATCH,
               blind ? " by the oracle alone" : "");
        return false;
    }
    printf("planted bug %s found%s with seed %llu: %s\n", name, blind ? " by the oracle alone" : "",
           (unsigned long long)seed, why);
    return true;
}

static bool
check_planted(void)
{
    static const char *const names[] = {"early-ack", "lost-requeue", "double-grant"};
    bool ok = true;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        ok = check_caught(names[i], false) && check_caught(names[i], true) && ok;
    return ok;
}

int
main(int argc, char **argv)
{
    uint64_t seeds = 0, first = 1;
    world_t *how = MST_NEW(world_t);
    bool single = false, ok = true, quick = getenv("MUSTER_QUICK") != NULL;
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        if (strcmp(argv[i], "--verbose") == 0)
            how->verbose = true;
        else if (strncmp(argv[i], "--seed=", 7) == 0)
            first = strtoull(argv[i] + 7, NULL, 10), single = true;
        else if (strcmp(argv[i], "--seed") == 0)
            first = strtoull(value, NULL, 10), single = true, i++;
        else if (strcmp(argv[i], "--seeds") == 0)
            seeds = strtoull(value, NULL, 10), i++;
        else if (strcmp(argv[i], "--fault") == 0 && set_fault(how, value))
            i++;
        else {
            fprintf(stderr, "usage: %s [--seeds N] [--seed S] [--verbose] [--fault NAME]\n", argv[0]);
            return 2;
        }
    }
    if (single || seeds > 0)
        ok = run_seeds(how, first, seeds > 0 ? seeds : 1);
    else
        ok = check_replay() && check_planted() && run_seeds(how, first, quick ? SEEDS_QUICK : SEEDS_DEFAULT);
    free(how);
    return ok ? 0 : 1;
}
