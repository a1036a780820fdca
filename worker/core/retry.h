// Whether and when a failed attempt is made again: the one place where that is decided, from err.retry alone,
// never from the text of a message. Exponential backoff with full jitter; what the server asked for
// (Retry-After) is honoured. Pure: the random numbers are an argument.
#ifndef MST_WORKER_CORE_RETRY_H
#define MST_WORKER_CORE_RETRY_H

#include "common/base/err.h"
#include "common/base/prng.h"

typedef struct {
    uint32_t tries_max;   // attempts of one case in all; >= 1
    int64_t base_ns;      // longest wait before the second attempt; doubles with each further one
    int64_t cap_ns;       // longest wait of our own choosing
    int64_t asked_max_ns; // a longer Retry-After is not slept on: our own backoff stands in
} mst_retry_policy_t;

// The defaults: 4 attempts, 0.5 s doubling to 30 s, Retry-After up to 120 s.
mst_retry_policy_t mst_retry_policy_default(void);
// A wait of our own choosing before attempt tries_made + 1.
int64_t mst_retry_backoff(const mst_retry_policy_t *p, uint32_t tries_made, mst_prng_t *rng);
// True: try again after *out_wait_ns (>= 0). False: the failure stands. tries_made counts this attempt.
bool mst_retry_decide(const mst_retry_policy_t *p, const mst_err_t *err, uint32_t tries_made, mst_prng_t *rng,
                      int64_t *out_wait_ns);

#endif
