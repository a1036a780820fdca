// Full jitter (a uniform draw below the exponential bound) keeps many cases that failed at one moment from
// coming back at one moment. A wait that the server asked for is never shortened, only spread upwards.
#include "worker/core/retry.h"

#include "common/base/clock.h"

mst_retry_policy_t
mst_retry_policy_default(void)
{
    return (mst_retry_policy_t){
        .tries_max = 4,
        .base_ns = MST_NS_PER_S / 2,
        .cap_ns = 30 * MST_NS_PER_S,
        .asked_max_ns = 120 * MST_NS_PER_S,
    };
}

static int64_t
backoff_bound(const mst_retry_policy_t *p, uint32_t tries_made)
{
    int64_t bound = p->base_ns;
    for (uint32_t i = 1; i < tries_made && bound < p->cap_ns; i++)
        bound *= 2; // cannot overflow: it stops at cap_ns, which is far below half the range
    return bound < p->cap_ns ? bound : p->cap_ns;
}

int64_t
mst_retry_backoff(const mst_retry_policy_t *p, uint32_t tries_made, mst_prng_t *rng)
{
    return (int64_t)(mst_prng_unit(rng) * (double)backoff_bound(p, tries_made));
}

bool
mst_retry_decide(const mst_retry_policy_t *p, const mst_err_t *err, uint32_t tries_made, mst_prng_t *rng,
                 int64_t *out_wait_ns)
{
    *out_wait_ns = 0;
    if (err->retry == MST_RETRY_NEVER || tries_made >= p->tries_max)
        return false;
    if (err->retry == MST_RETRY_NOW)
        return true;
    int64_t asked_max_ms = p->asked_max_ns / MST_NS_PER_MS;
    if (err->retry_after_ms > 0 && err->retry_after_ms <= asked_max_ms) {
        int64_t asked = err->retry_after_ms * MST_NS_PER_MS;
        int64_t spread = asked / 10 < p->base_ns ? asked / 10 : p->base_ns;
        *out_wait_ns = asked + (int64_t)(mst_prng_unit(rng) * (double)spread);
        return true;
    }
    *out_wait_ns = mst_retry_backoff(p, tries_made, rng);
    return true;
}
