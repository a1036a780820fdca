// When the next case of a run with a load may be sent, and what its result is to say about it. Open models: the
// schedule's arrivals, whatever is under way. Closed: places, as many as the segment has at this time; a place that
// has its answer rests for its think time before it asks again.
//
// The load starts with the first case that is there (mst_pace_begin), a moment later, so that the first arrivals can
// be prepared; its times never move after that.
// Pure. Thread: belongs to one thread.
#ifndef MST_WORKER_CORE_PACE_H
#define MST_WORKER_CORE_PACE_H

#include "common/base/heap.h"
#include "worker/core/schedule.h"

// From the first case to the start of the load.
#define MST_PACE_LEAD_NS 50000000

typedef struct {
    const mst_load_t *load; // NULL or model NONE: no load
    uint32_t places;        // of a level without a number; the most that a closed level gets
    uint32_t in_flight_max; // of open models
    uint32_t worker, workers;
} mst_pace_opts_t;

typedef struct mst_pace mst_pace_t;

mst_pace_t *mst_pace_new(const mst_pace_opts_t *o); // NULL when there is no load
void mst_pace_free(mst_pace_t **p);
void mst_pace_begin(mst_pace_t *p, int64_t now_ns); // the first call alone counts
bool mst_pace_open(const mst_pace_t *p);
// No request is to be sent any more. Looks at now_ns alone; once true, it stays true.
bool mst_pace_over(mst_pace_t *p, int64_t now_ns);
// May one more be sent, lead_ns before it is due, with flying under way? Closed: lead_ns counts for nothing.
bool mst_pace_may(mst_pace_t *p, int64_t now_ns, int64_t lead_ns, size_t flying);
// It is sent: *out is its tag. After mst_pace_may said yes.
void mst_pace_take(mst_pace_t *p, int64_t now_ns, mst_load_tag_t *out);
void mst_pace_ended(mst_pace_t *p, int64_t now_ns); // one that was taken has its answer
// When to ask again although nothing happens; INT64_MAX = never.
int64_t mst_pace_due(const mst_pace_t *p, int64_t now_ns, int64_t lead_ns);

#endif
