// The schedule of an open load: when each request is to be sent, computed from the load and the seed alone. Absolute
// times from the start of the load; nothing that happens while the run goes on moves them.
//
// The arrivals are one unit-rate process (its gaps: mst_load_gap) stretched by the rate of the segment that they fall
// into: t_i is where the integral of the rate reaches the sum of the first i gaps. Worker w of W has the arrivals with
// index = w modulo W, so W workers together make the same process as one.
// Pure. Thread: belongs to one thread.
#ifndef MST_WORKER_CORE_SCHEDULE_H
#define MST_WORKER_CORE_SCHEDULE_H

#include "common/model/load.h"

typedef struct {
    uint64_t no;       // index in the whole schedule
    int64_t offset_ns; // from the start of the load
    mst_phase_t phase;
    uint32_t step;
} mst_arrival_at_t;

typedef struct {
    const mst_load_t *load; // borrowed
    mst_load_segment_t segments[MST_LOAD_SEGMENTS_MAX];
    size_t segment_count, segment;
    uint32_t worker, workers;
    uint64_t next; // index of the next arrival
    uint64_t in_segment;
    double t_s, segment_start_s;
} mst_schedule_t;

// load: of an open model, each level above 0. worker < workers.
void mst_schedule_init(mst_schedule_t *s, const mst_load_t *load, uint32_t worker, uint32_t workers);
// The next arrival of this worker; false: the plan is over.
bool mst_schedule_next(mst_schedule_t *s, mst_arrival_at_t *out);

#endif
