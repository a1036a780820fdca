// The simulated world: virtual time, a queue of what will happen, messages in flight, the nodes. One seed is one
// history: every random number comes from the world's generator, nothing reads a clock.
//
// Helpers of the simulators are headers with static functions: each des_*.c is one program.
#ifndef MST_TESTS_DES_WORLD_H
#define MST_TESTS_DES_WORLD_H

#include "common/base/clock.h"
#include "common/base/mem.h"
#include "common/base/prng.h"
#include "coordinator/core/core.h"
#include "coordinator/core/fault.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    KEYS_MAX = 192,
    WORKERS_MAX = 4,
    TARGETS_MAX = 3,
    LIST_MAX = 32, // keys or leases in one message
    EVENTS_MAX = 2048,
    MESSAGES_MAX = 1024,
    LEASES_MAX = 32,    // of one worker: all fit one ping
    PENDING_MAX = 256,  // rows at the aggregator
    UNACKED_MAX = 128,  // commits not acknowledged by the coordinator
    STEPS_MAX = 200000, // of one history: a guard
};

typedef enum {
    M_HELLO,
    M_HELLO_OK,
    M_UNKNOWN,
    M_PING,
    M_PONG,
    M_CREDIT,
    M_GRANT,
    M_RETURN,
    M_GOODBYE,
    M_GOODBYE_OK,
    M_CONTROL,
    M_ROWS,
    M_ROWS_ACK,
    M_COMMITTED,
    M_FEED_ACK
} message_kind_t;

typedef enum { TO_COORDINATOR, TO_WORKER, TO_AGGREGATOR } address_t;

typedef struct {
    message_kind_t kind;
    uint64_t conn, session; // conn: whose socket it left from, or goes to
    uint64_t lease;
    uint64_t seq;
    uint32_t generation, number; // number: credit, cause, control state, socket number
    bool flag;                   // fatal; a row failed
    uint32_t instance;
    uint32_t count;
    uint64_t list[LIST_MAX];
} message_t;

typedef enum {
    E_TICK,
    E_READ,
    E_DELIVER,
    E_BEAT,
    E_CASE,
    E_COMMIT,
    E_RESEND,
    E_CHAOS,
    E_WORKER_UP,
    E_AGGREGATOR_UP,
    E_RESUME,
    E_CALM
} event_kind_t;

typedef struct {
    int64_t at;
    uint64_t seq; // breaks ties in order of making
    event_kind_t kind;
    uint32_t node; // worker; DELIVER: address
    uint32_t life; // of the node: events of an earlier life are dropped
    uint64_t arg;  // DELIVER: message; CASE: lease
    uint32_t index;
} event_t;

typedef enum { CASE_WAITING, CASE_RUNNING, CASE_FINISHED, CASE_GONE } case_state_t;

typedef struct {
    uint64_t id; // 0 = free
    uint32_t generation, count;
    uint64_t keys[LIST_MAX];
    case_state_t state[LIST_MAX];
    int64_t got_at;
    int64_t deadline; // true time at which the worker's own clock says that the lease is over
} held_lease_t;

typedef struct {
    bool up, ready, draining;
    uint32_t life, instance, socket;
    uint64_t conn, session;
    int64_t hello_at, heard_at;
    int64_t answered_at; // when it sent the last ping, or hello, that was answered
    double rate;         // of its clock
    int64_t paused_until;
    int64_t cut_until[2]; // its messages are lost: to it, from it
    uint32_t slots, running, credit;
    held_lease_t leases[LEASES_MAX];
} worker_t;

typedef struct {
    uint64_t key, conn;
    uint32_t generation;
} row_t;

typedef struct {
    uint64_t seq;
    uint32_t generation, count;
    bool failed;
    uint64_t keys[LIST_MAX];
} commit_t;

typedef struct {
    bool up, committing;
    uint32_t life;
    row_t pending[PENDING_MAX];
    uint32_t pending_count, in_commit; // the first in_commit rows are in the open transaction
    commit_t unacked[UNACKED_MAX];
    uint32_t unacked_count;
    uint64_t seq;
} aggregator_t;

// Drawn once per seed. Probabilities are of 1000.
typedef struct {
    uint32_t keys, workers, targets, repeats, unit_max, read_ahead;
    int64_t ttl_ns, delay_ns, service_ns, commit_ns, chaos_ns;
    uint32_t loss, repeat, unsent, store_before, store_after, slow_case, failing;
    uint32_t worker_crash, worker_reset, aggregator_crash, coordinator_crash, cancel, store_dead, fatal, goodbye;
    uint32_t cut, pause, coordinator_pause;
    bool fail_fast;
} swarm_t;

// What a simple reader of the same events knows: who may hold what. See shadow.h.
typedef struct {
    uint64_t id, session;
    int64_t expires;
    uint32_t count;
    uint64_t keys[LIST_MAX];
} shadow_lease_t;

typedef struct {
    shadow_lease_t leases[512];
    uint32_t lease_count;

    struct {
        uint32_t instance;
        uint64_t session;
        uint32_t credit;
    } workers[256];

    uint32_t worker_count;
    uint64_t down; // bits of targets that a worker called lost
} shadow_t;

// What happened, counted: a simulator that no longer does a thing must not look green.
#define HAPPENED(X)                                                                                                    \
    X(LOST, "messages lost")                                                                                           \
    X(REPEATED, "messages repeated")                                                                                   \
    X(UNSENT, "grants without room")                                                                                   \
    X(GONE, "sends to nobody")                                                                                         \
    X(UNKNOWN, "unknown sessions")                                                                                     \
    X(TAKEN_OVER, "sessions taken over")                                                                               \
    X(GOODBYE, "goodbyes")                                                                                             \
    X(GRANT, "grants")                                                                                                 \
    X(EXPIRED, "leases expired")                                                                                       \
    X(RETURNED, "leases returned")                                                                                     \
    X(LATE, "commits of keys that nobody held")                                                                        \
    X(FAILED_BEFORE, "commits failed before they applied")                                                             \
    X(FAILED_AFTER, "commits failed after they applied")                                                               \
    X(DUPLICATE, "rows stored already")                                                                                \
    X(FENCED, "rows of an old generation")                                                                             \
    X(WORKER_DIED, "workers died")                                                                                     \
    X(CUT, "workers cut off, one way or both")                                                                         \
    X(PAUSED, "workers paused")                                                                                        \
    X(COORDINATOR_PAUSED, "coordinators paused")                                                                       \
    X(AGGREGATOR_DIED, "aggregators died")                                                                             \
    X(COORDINATOR_DIED, "coordinators restarted")                                                                      \
    X(INTERRUPTED, "runs interrupted")                                                                                 \
    X(TARGET_LOST, "targets lost while others went on")                                                                \
    X(ENDED_WITHOUT, "runs that ended without a target")                                                               \
    X(ABORTED, "runs aborted")                                                                                         \
    X(FAILED_FAST, "runs failed fast")                                                                                 \
    X(RESUMED, "runs resumed")                                                                                         \
    X(CALM, "histories that reached the calm phase")
#define AS_ENUM(name, text) H_##name,

typedef enum { HAPPENED(AS_ENUM) H_COUNT } happened_t;

typedef struct {
    uint64_t seed;
    uint64_t counts[H_COUNT];
    bool verbose;
    bool blind;     // without the core's own check: the oracle alone must see what is wrong
    bool early_ack; // planted: acknowledged before it is committed
    mst_coord_fault_t fault;
    mst_prng_t rng;
    swarm_t swarm;
    int64_t now;
    uint64_t hash, seq, steps;
    int64_t progress_at; // a key was done, a run began, or the faults ended
    bool faults_on, failed, over;
    char why[512];

    event_t *events; // heap
    uint32_t event_count;
    message_t *messages;
    uint32_t free_messages[MESSAGES_MAX], free_count;
    int64_t last_at[WORKERS_MAX + 1][4]; // one connection keeps its order: time of its last delivery, by direction

    // coordinator
    mst_coord_t *core;
    mst_coord_effects_t fx;
    double coord_rate;
    uint32_t epoch, coord_life;
    uint64_t rows_read, want, done;
    mst_coord_state_t state;
    int64_t coord_paused_until;
    uint64_t ping_echo; // of the ping that is being answered
    shadow_t shadow;

    worker_t workers[WORKERS_MAX];
    aggregator_t aggregator;
    uint64_t next_conn;
    uint32_t next_instance;

    // the store: the only truth
    bool stored[KEYS_MAX];
    uint32_t stored_times[KEYS_MAX], stored_generation[KEYS_MAX];
    uint32_t generation;
} world_t;

static inline void fail_world(world_t *w, const char *fmt, ...) MST_PRINTF(2, 3);

static inline void
fail_world(world_t *w, const char *fmt, ...)
{
    if (w->failed)
        return;
    w->failed = true;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(w->why, sizeof w->why, fmt, ap);
    va_end(ap);
}

static inline uint32_t
keys_per_case(const world_t *w)
{
    return w->swarm.targets * w->swarm.repeats;
}

static inline uint32_t
target_of(const world_t *w, uint64_t key)
{
    return (uint32_t)(key / w->swarm.repeats % w->swarm.targets);
}

static inline void
note(world_t *w, uint64_t v)
{
    w->hash = (w->hash ^ v) * 0x9e3779b97f4a7c15ULL;
    w->hash ^= w->hash >> 29;
}

#define SAY(w, ...)                                                                                                    \
    do {                                                                                                               \
        if ((w)->verbose) {                                                                                            \
            printf("%10.3f ", (double)(w)->now / 1e9);                                                                 \
            printf(__VA_ARGS__);                                                                                       \
            printf("\n");                                                                                              \
        }                                                                                                              \
    } while (0)

static inline bool
chance(world_t *w, uint32_t of_1000)
{
    return of_1000 > 0 && mst_prng_below(&w->rng, 1000) < of_1000;
}

// A fault: never in the calm phase.
static inline bool
fault(world_t *w, uint32_t of_1000)
{
    return w->faults_on && chance(w, of_1000);
}

static inline int64_t
around(world_t *w, int64_t ns)
{
    return (int64_t)((double)ns * (0.5 + mst_prng_unit(&w->rng)));
}

static inline bool
earlier(const event_t *a, const event_t *b)
{
    return a->at != b->at ? a->at < b->at : a->seq < b->seq;
}

static inline void
schedule(world_t *w, event_t e)
{
    if (w->event_count == EVENTS_MAX) {
        fail_world(w, "simulator: too many events");
        return;
    }
    e.seq = ++w->seq;
    uint32_t i = w->event_count++;
    while (i > 0 && earlier(&e, &w->events[(i - 1) / 2])) {
        w->events[i] = w->events[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    w->events[i] = e;
}

static inline event_t
take_event(world_t *w)
{
    event_t first = w->events[0], last = w->events[--w->event_count];
    uint32_t i = 0;
    for (;;) {
        uint32_t child = 2 * i + 1;
        if (child >= w->event_count)
            break;
        if (child + 1 < w->event_count && earlier(&w->events[child + 1], &w->events[child]))
            child++;
        if (!earlier(&w->events[child], &last))
            break;
        w->events[i] = w->events[child];
        i = child;
    }
    w->events[i] = last;
    return first;
}

// One copy on its way. Messages of one connection and direction stay in order; links do not wait for each other.
static inline void
post_copy(world_t *w, address_t to, const message_t *m, uint32_t line)
{
    if (w->free_count == 0)
        return; // a full network loses
    uint32_t slot = w->free_messages[--w->free_count];
    w->messages[slot] = *m;
    int64_t at = w->now + around(w, w->swarm.delay_ns);
    int64_t *last = &w->last_at[line][to == TO_WORKER && m->kind == M_ROWS_ACK ? 3 : (int)to];
    if (at <= *last)
        at = *last + 1;
    *last = at;
    schedule(w, (event_t){.at = at, .kind = E_DELIVER, .node = (uint32_t)to, .arg = slot});
}

// line: the worker whose connection it is, or WORKERS_MAX for the feed.
static inline void
post(world_t *w, address_t to, const message_t *m, uint32_t line)
{
    bool cut = line < WORKERS_MAX && w->faults_on && w->now < w->workers[line].cut_until[to != TO_WORKER];
    if (cut || fault(w, w->swarm.loss)) {
        w->counts[H_LOST]++;
        return;
    }
    post_copy(w, to, m, line);
    if (fault(w, w->swarm.repeat)) {
        w->counts[H_REPEATED]++;
        post_copy(w, to, m, line);
    }
}

static inline uint32_t
worker_of(const world_t *w, uint64_t conn)
{
    for (uint32_t i = 0; i < w->swarm.workers; i++)
        if (w->workers[i].conn == conn)
            return i;
    return WORKERS_MAX;
}

#endif
