// Faults by schedule: which request, by number or by time, meets which fault. "429@10,cut@20-29,500@3s-5s,hang@60s".
// A number counts the requests for answers from 1, a time is seconds since the start. One time alone strikes the first
// request from then on. The order of arrival decides here, unlike anywhere else.
#ifndef MST_SIM_FAULTS_H
#define MST_SIM_FAULTS_H

#include "sim/plan.h"

enum { MST_SIM_SCHEDULE_MAX = 64 };

typedef struct {
    mst_sim_fault_t fault;
    bool by_time, once, struck;
    uint64_t from, to; // request numbers, or nanoseconds; both inclusive
} mst_sim_scheduled_t;

typedef struct {
    mst_sim_scheduled_t items[MST_SIM_SCHEDULE_MAX];
    uint32_t count;
} mst_sim_schedule_t;

// text NULL: empty. MST_INVAL names the bad entry.
MST_NODISCARD mst_rc mst_sim_schedule_read(const char *text, mst_sim_schedule_t *out, mst_err_t *err);
// The first entry that applies decides; otherwise what was drawn.
mst_sim_fault_t mst_sim_schedule_find(mst_sim_schedule_t *s, uint64_t request_no, int64_t since_start_ns,
                                      mst_sim_fault_t drawn);

#endif
