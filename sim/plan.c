// Seeds come from hashes of the request's identity; every use has a stream of its own, so that an option that
// draws more numbers in one place does not change another.
#include "sim/plan.h"

#include "common/base/clock.h"
#include "common/base/hash.h"

#include <math.h>

enum { USE_ANSWER = 1, USE_ATTEMPT, USE_FAULT, USE_TTFT, USE_GAPS, USE_LENGTH, USE_REASONING, USE_REFUSAL, USE_SHARE };

#define DELAY_MAX_NS (3600 * MST_NS_PER_S)
#define SLOW_FACTOR  10.0

// splitmix64's finisher: neighbours in, nothing alike out.
uint64_t
mst_sim_mix(uint64_t a, uint64_t b)
{
    uint64_t z = a ^ (b + 1) * 0x9E3779B97F4A7C15ULL;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ z >> 27) * 0x94D049BB133111EBULL;
    return z ^ z >> 31;
}

double
mst_sim_unit(uint64_t seed, uint64_t index)
{
    return (double)(mst_sim_mix(seed, index) >> 11) * 0x1.0p-53;
}

static int64_t
delay_ns(double median_ms, double sigma, double factor, mst_prng_t *r)
{
    if (median_ms <= 0)
        return 0;
    double ns = median_ms * (double)MST_NS_PER_MS * factor;
    if (sigma > 0)
        ns *= exp(sigma * mst_prng_normal(r));
    return ns < (double)DELAY_MAX_NS ? (int64_t)ns : DELAY_MAX_NS;
}

// One draw against the probabilities laid end to end: each fault has exactly its own, and one request has one.
static mst_sim_fault_t
draw_fault(const mst_sim_opts_t *o, double u)
{
    const double p[] = {o->p_429,        o->p_500,       o->p_cut,  o->p_hang_before,
                        o->p_hang_after, o->p_malformed, o->p_slow, o->p_error};
    for (int i = 0; i < 8; i++) {
        if (u < p[i])
            return (mst_sim_fault_t)(MST_SIM_FAULT_429 + i);
        u -= p[i];
    }
    return MST_SIM_FAULT_NONE;
}

static uint32_t
draw_length(const mst_sim_opts_t *o, uint64_t seed)
{
    double span = (double)(o->tokens_max - o->tokens_min) + 1.0;
    return o->tokens_min + (uint32_t)(mst_sim_unit(seed, 0) * span);
}

static void
draw_lengths(const mst_sim_opts_t *o, mst_sim_share_t *out)
{
    out->tokens = draw_length(o, mst_sim_mix(out->seed, USE_LENGTH));
    out->reasoning_tokens = o->reasoning ? (draw_length(o, mst_sim_mix(out->seed, USE_REASONING)) + 1) / 2 : 0;
}

void
mst_sim_plan(const mst_sim_opts_t *o, const mst_sim_asker_t *who, mst_sim_plan_t *out)
{
    uint64_t identity = mst_sim_mix(mst_xxh64(who->identity, o->seed), who->repeat);
    out->answer_seed = mst_sim_mix(mst_sim_mix(identity, who->request_seed), USE_ANSWER);
    out->attempt_seed = mst_sim_mix(mst_sim_mix(identity, who->attempt), USE_ATTEMPT);
    out->fault = draw_fault(o, mst_sim_unit(out->attempt_seed, USE_FAULT));
    mst_sim_plan_delays(o, out);
    out->refuses = o->p_refusal > 0 && mst_sim_unit(out->answer_seed, USE_REFUSAL) < o->p_refusal;
    mst_sim_share_t first = {.seed = out->answer_seed};
    draw_lengths(o, &first);
    out->tokens = first.tokens;
    out->reasoning_tokens = first.reasoning_tokens;
}

void
mst_sim_plan_share(const mst_sim_opts_t *o, const mst_sim_plan_t *plan, uint64_t salt, uint32_t index,
                   mst_sim_share_t *out)
{
    *out = (mst_sim_share_t){plan->answer_seed, plan->tokens, plan->reasoning_tokens};
    if (salt == 0 && index == 0)
        return;
    out->seed = mst_sim_mix(mst_sim_mix(plan->answer_seed ^ salt, USE_SHARE), index);
    draw_lengths(o, out);
}

void
mst_sim_plan_delays(const mst_sim_opts_t *o, mst_sim_plan_t *out)
{
    out->slowness = out->fault == MST_SIM_FAULT_SLOW ? SLOW_FACTOR : 1.0;
    mst_prng_seed(&out->gaps, mst_sim_mix(out->attempt_seed, USE_TTFT));
    out->ttft_ns = delay_ns(o->ttft_ms, o->ttft_sigma, out->slowness, &out->gaps);
    mst_prng_seed(&out->gaps, mst_sim_mix(out->attempt_seed, USE_GAPS));
}

int64_t
mst_sim_plan_gap_ns(const mst_sim_opts_t *o, mst_sim_plan_t *plan)
{
    return delay_ns(o->itl_ms, o->itl_sigma, plan->slowness, &plan->gaps);
}

int64_t
mst_sim_plan_align(const mst_sim_opts_t *o, int64_t due_ns)
{
    int64_t step = (int64_t)(o->itl_ms * (double)MST_NS_PER_MS);
    if (!o->sync_steps || step <= 0)
        return due_ns;
    return (due_ns + step - 1) / step * step;
}
