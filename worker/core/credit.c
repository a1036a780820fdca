// Credit = concurrency + max(concurrency, rate x 0.25 s): the second part covers the time from an answer to its
// acknowledgement. It is cut so that the cases themselves, at their mean size, stay within memory_max.
#include "worker/core/credit.h"

#include "common/base/clock.h"
#include "common/base/limits.h"

#define PIPELINE_S   0.25
#define SMOOTH_RATE  0.3
#define SMOOTH_BYTES 0.02

void
mst_credit_case(mst_credit_t *c, size_t bytes)
{
    double b = (double)bytes;
    // growth is believed at once, so that a dataset that turns large does not fill the memory first
    if (b > c->case_bytes)
        c->case_bytes += (b - c->case_bytes) * 0.25;
    else
        c->case_bytes += (b - c->case_bytes) * SMOOTH_BYTES;
}

void
mst_credit_tick(mst_credit_t *c, int64_t now_ns, uint64_t settled)
{
    if (c->last_ns != 0 && now_ns > c->last_ns) {
        double s = (double)(now_ns - c->last_ns) / (double)MST_NS_PER_S;
        double rate = (double)(settled - c->last_settled) / s;
        c->rate += (rate - c->rate) * SMOOTH_RATE;
    }
    c->last_ns = now_ns;
    c->last_settled = settled;
}

uint32_t
mst_credit_cases(const mst_credit_t *c, size_t memory_max)
{
    double want = MST_CREDIT_CASES_MAX;
    if (!c->recorded) {
        double pipeline = c->rate * PIPELINE_S;
        double places = (double)c->concurrency;
        want = places + (pipeline > places ? pipeline : places);
    }
    double room = c->case_bytes > 0 ? (double)memory_max / c->case_bytes : want;
    if (want > room)
        want = room;
    if (want > MST_CREDIT_CASES_MAX)
        want = MST_CREDIT_CASES_MAX;
    return want < 1 ? 1 : (uint32_t)want;
}
