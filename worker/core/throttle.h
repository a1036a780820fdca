// How fast one backend is asked: places that grow and shrink with what it can bear, requests and tokens a minute.
// Pure: time is an argument.
//
// Adaptive places: they begin at `start` and double after each clean round (as many clean answers as there are places),
// until the backend first says that it is too much (429, 503); from then on they grow by `growth` a clean round. Each
// such episode multiplies them by `cut` and is followed by a cool-down, in which nothing grows or is cut again;
// a Retry-After makes it longer and starts nothing before it is over. Other failures of the server and timeouts begin
// the round anew. An answer that took more than one try counts for nothing.
// Thread: belongs to one thread.
#ifndef MST_WORKER_CORE_THROTTLE_H
#define MST_WORKER_CORE_THROTTLE_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    uint32_t places; // at most; >= 1
    bool adaptive;
    uint32_t start, least;
    double growth, cut; // > 1, < 1
    int64_t cooldown_ns;
    double requests_per_minute, tokens_per_minute; // 0 = any
} mst_throttle_opts_t;

typedef enum {
    MST_THROTTLE_CLEAN,   // answered at the first try
    MST_THROTTLE_NEUTRAL, // says nothing: answered after a retry, or failed for reasons of its own
    MST_THROTTLE_TROUBLE, // another failure of the server, a timeout
    MST_THROTTLE_LIMITED, // 429, 503
} mst_throttle_end_t;

typedef struct { // level in units; below 0 after a request that took more than was thought
    double rate_ns, room, level;
    int64_t at_ns;
} mst_bucket_t;

typedef struct {
    mst_throttle_opts_t o;
    double places; // now, with the fraction that growth has left
    bool seen_limit;
    uint32_t clean; // of this round
    int64_t cool_until_ns, start_after_ns;
    mst_bucket_t requests, tokens;
    uint32_t lowest;
    uint64_t raises, cuts; // changes so far
} mst_throttle_t;

void mst_throttle_init(mst_throttle_t *p, const mst_throttle_opts_t *o);
uint32_t mst_throttle_places(const mst_throttle_t *p);
// When the next request may start: 0 = now; INT64_MAX = when a place is free.
int64_t mst_throttle_when(mst_throttle_t *p, int64_t now_ns, uint32_t flying);
// One starts, that will take about so many tokens; and has ended: used is what it took, asked_ns its Retry-After.
void mst_throttle_started(mst_throttle_t *p, int64_t now_ns, double tokens);
void mst_throttle_ended(mst_throttle_t *p, int64_t now_ns, mst_throttle_end_t end, int64_t asked_ns);
void mst_throttle_used(mst_throttle_t *p, double thought, double used);

#endif
