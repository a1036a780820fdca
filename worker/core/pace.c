// Open: one arrival is looked at in advance. Closed: the plan's segments by time or by requests started, and the
// places that rest, as times in a heap of their own.
#include "worker/core/pace.h"

#include "common/base/clock.h"
#include "common/base/mem.h"

#include <math.h>
#include <stdlib.h>

typedef struct rest {
    mst_heap_node_t node;
    struct rest *next; // free list
} rest_t;

struct mst_pace {
    mst_pace_opts_t o;
    bool open, begun, over;
    int64_t start_ns;
    // open
    mst_schedule_t schedule;
    mst_arrival_at_t arrival;
    bool has_arrival;
    // closed
    mst_load_segment_t segments[MST_LOAD_SEGMENTS_MAX];
    size_t segment_count, segment;
    int64_t segment_start_ns;
    uint64_t in_segment, taken, rests;
    mst_heap_t resting;
    rest_t *free_rests;
};

mst_pace_t *
mst_pace_new(const mst_pace_opts_t *o)
{
    if (!o->load || o->load->model == MST_LOAD_NONE)
        return NULL;
    mst_pace_t *p = MST_NEW(mst_pace_t);
    p->o = *o;
    p->open = mst_load_open(o->load);
    if (p->open) {
        mst_schedule_init(&p->schedule, o->load, o->worker, o->workers);
        p->has_arrival = mst_schedule_next(&p->schedule, &p->arrival);
    } else {
        p->segment_count = mst_load_plan(o->load, p->segments);
    }
    return p;
}

void
mst_pace_free(mst_pace_t **pace)
{
    mst_pace_t *p = *pace;
    if (!p)
        return;
    for (mst_heap_node_t *n = mst_heap_peek(&p->resting); n; n = mst_heap_peek(&p->resting)) {
        mst_heap_remove(&p->resting, n);
        free(n->owner);
    }
    mst_heap_deinit(&p->resting);
    while (p->free_rests) {
        rest_t *r = p->free_rests;
        p->free_rests = r->next;
        free(r);
    }
    free(p);
    *pace = NULL;
}

void
mst_pace_begin(mst_pace_t *p, int64_t now_ns)
{
    if (p->begun)
        return;
    p->begun = true;
    p->start_ns = now_ns + (p->open ? MST_PACE_LEAD_NS : 0);
    p->segment_start_ns = p->start_ns;
}

bool
mst_pace_open(const mst_pace_t *p)
{
    return p->open;
}

static int64_t
to_ns(double s)
{
    return (int64_t)(s * (double)MST_NS_PER_S);
}

static int64_t
segment_end_ns(const mst_pace_t *p)
{
    double s = p->segment < p->segment_count ? p->segments[p->segment].seconds : 0;
    return s > 0 ? p->segment_start_ns + to_ns(s) : INT64_MAX;
}

// Closed: leaves the segments that are over.
static void
move_on(mst_pace_t *p, int64_t now_ns)
{
    while (p->begun && p->segment < p->segment_count) {
        const mst_load_segment_t *s = &p->segments[p->segment];
        int64_t end = segment_end_ns(p);
        bool full = s->requests > 0 && p->in_segment >= s->requests;
        if (!full && now_ns < end)
            return;
        p->segment_start_ns = full && now_ns < end ? now_ns : end;
        p->segment++;
        p->in_segment = 0;
    }
}

static void
wake_resting(mst_pace_t *p, int64_t now_ns)
{
    for (mst_heap_node_t *n = mst_heap_peek(&p->resting); n && n->due_ns <= now_ns; n = mst_heap_peek(&p->resting)) {
        rest_t *r = n->owner;
        mst_heap_remove(&p->resting, n);
        r->next = p->free_rests;
        p->free_rests = r;
    }
}

// Places of the segment now: along the ramp at the start, rounded down, but never none.
static size_t
places(const mst_pace_t *p, int64_t now_ns)
{
    const mst_load_t *l = p->o.load;
    double level = p->segments[p->segment].level, t = (double)(now_ns - p->start_ns) / (double)MST_NS_PER_S;
    if (level <= 0)
        return p->o.places;
    if (l->ramp_s > 0 && t < l->ramp_s)
        level = l->ramp_from + (level - l->ramp_from) * t / l->ramp_s;
    if (level > (double)p->o.places)
        return p->o.places;
    return level < 1 ? 1 : (size_t)level;
}

bool
mst_pace_over(mst_pace_t *p, int64_t now_ns)
{
    if (p->over)
        return true;
    if (p->open) {
        p->over = !p->has_arrival;
    } else {
        wake_resting(p, now_ns);
        move_on(p, now_ns);
        p->over = p->segment == p->segment_count;
    }
    return p->over;
}

bool
mst_pace_may(mst_pace_t *p, int64_t now_ns, int64_t lead_ns, size_t flying)
{
    if (!p->begun || mst_pace_over(p, now_ns))
        return false;
    if (p->open)
        return flying < p->o.in_flight_max && now_ns >= p->start_ns + p->arrival.offset_ns - lead_ns;
    wake_resting(p, now_ns);
    return flying + p->resting.count < places(p, now_ns);
}

void
mst_pace_take(mst_pace_t *p, int64_t now_ns, mst_load_tag_t *out)
{
    *out = (mst_load_tag_t){.admit_mono_ns = now_ns};
    p->taken++;
    if (p->open) {
        out->phase = p->arrival.phase;
        out->step = p->arrival.step;
        out->arrival_no = p->arrival.no;
        out->sched_mono_ns = p->start_ns + p->arrival.offset_ns;
        p->has_arrival = mst_schedule_next(&p->schedule, &p->arrival);
        return;
    }
    out->phase = p->segments[p->segment].phase;
    out->step = p->segments[p->segment].step;
    p->in_segment++;
}

void
mst_pace_ended(mst_pace_t *p, int64_t now_ns)
{
    int64_t think = p->open ? 0 : mst_load_think_ns(p->o.load, 0, p->rests++);
    if (think == 0)
        return;
    rest_t *r = p->free_rests;
    if (r)
        p->free_rests = r->next;
    else
        r = MST_NEW(rest_t);
    r->node.owner = r;
    mst_heap_set(&p->resting, &r->node, now_ns + think);
}

static int64_t
ramp_due(const mst_pace_t *p, int64_t now_ns)
{
    const mst_load_t *l = p->o.load;
    double level = p->segment < p->segment_count ? p->segments[p->segment].level : 0;
    double grow = l->ramp_s > 0 ? fabs(level - l->ramp_from) / l->ramp_s : 0; // places a second
    if (grow <= 0 || now_ns >= p->start_ns + to_ns(l->ramp_s))
        return INT64_MAX;
    double gap = 1 / grow;
    return now_ns + to_ns(gap > 0.001 ? (gap < 0.1 ? gap : 0.1) : 0.001);
}

int64_t
mst_pace_due(const mst_pace_t *p, int64_t now_ns, int64_t lead_ns)
{
    if (!p->begun || p->over)
        return INT64_MAX;
    if (p->open)
        return p->has_arrival ? p->start_ns + p->arrival.offset_ns - lead_ns : INT64_MAX;
    int64_t due = segment_end_ns(p), ramp = ramp_due(p, now_ns);
    const mst_heap_node_t *n = mst_heap_peek(&p->resting);
    if (n && n->due_ns < due)
        due = n->due_ns;
    return ramp < due ? ramp : due;
}
