// A gap is a mass to be used up. Within a segment the rate is constant, or grows along the ramp at the start of the
// load; what a segment that is limited by time leaves of a mass goes on in the next one.
#include "worker/core/schedule.h"

#include "common/base/clock.h"

#include <math.h>

void
mst_schedule_init(mst_schedule_t *s, const mst_load_t *load, uint32_t worker, uint32_t workers)
{
    *s = (mst_schedule_t){.load = load, .worker = worker, .workers = workers > 0 ? workers : 1};
    s->segment_count = mst_load_plan(load, s->segments);
}

static bool
ramping(const mst_schedule_t *s, double t)
{
    return s->load->ramp_s > 0 && t < s->load->ramp_s;
}

static double
slope(const mst_schedule_t *s, double level)
{
    return (level - s->load->ramp_from) / s->load->ramp_s;
}

static double
rate_at(const mst_schedule_t *s, double level, double t)
{
    return ramping(s, t) ? s->load->ramp_from + slope(s, level) * t : level;
}

// The mass between two times of one segment.
static double
mass_between(const mst_schedule_t *s, double level, double from, double to)
{
    double mass = 0;
    if (ramping(s, from)) {
        double end = to < s->load->ramp_s ? to : s->load->ramp_s;
        mass += (end - from) * (rate_at(s, level, from) + s->load->ramp_from + slope(s, level) * end) / 2;
        from = end;
    }
    return to > from ? mass + (to - from) * level : mass;
}

// When a mass that starts at a time is used up.
static double
time_of(const mst_schedule_t *s, double level, double from, double mass)
{
    if (ramping(s, from)) {
        double all = mass_between(s, level, from, s->load->ramp_s);
        if (mass < all) {
            double r = rate_at(s, level, from), under = r * r + 2 * slope(s, level) * mass;
            double root = under > 0 ? sqrt(under) : 0;
            return r + root > 0 ? from + 2 * mass / (r + root) : from;
        }
        mass -= all;
        from = s->load->ramp_s;
    }
    return from + mass / level;
}

static bool
advance(mst_schedule_t *s, double mass)
{
    while (s->segment < s->segment_count) {
        const mst_load_segment_t *seg = &s->segments[s->segment];
        bool full = seg->requests > 0 && s->in_segment >= seg->requests;
        double end = seg->seconds > 0 ? s->segment_start_s + seg->seconds : (double)INFINITY;
        double t = full ? s->t_s : time_of(s, seg->level, s->t_s, mass);
        if (!full && t < end) {
            s->t_s = t;
            return true;
        }
        if (!full) {
            mass -= mass_between(s, seg->level, s->t_s, end);
            mass = mass > 0 ? mass : 0;
            s->t_s = end;
        }
        s->segment_start_s = s->t_s;
        s->segment++;
        s->in_segment = 0;
    }
    return false;
}

bool
mst_schedule_next(mst_schedule_t *s, mst_arrival_at_t *out)
{
    for (;;) {
        if (!advance(s, mst_load_gap(s->load, s->next)))
            return false;
        const mst_load_segment_t *seg = &s->segments[s->segment];
        *out = (mst_arrival_at_t){.no = s->next,
                                  .offset_ns = (int64_t)(s->t_s * (double)MST_NS_PER_S + 0.5),
                                  .phase = seg->phase,
                                  .step = seg->step};
        s->next++;
        s->in_segment++;
        if (out->no % s->workers == s->worker)
            return true;
    }
}
