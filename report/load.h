// The load of a run, level by level: what was offered and what came back, latency from the send and from the schedule,
// how late requests were sent, how busy the worker was, whether that makes the run invalid, and where a sweep has its
// knee. Rows are handed over once, in any order; about 40 bytes a row are held until the percentiles are taken.
// Thread: a state belongs to one thread.
#ifndef MST_REPORT_LOAD_H
#define MST_REPORT_LOAD_H

#include "report/report.h"

#define MST_LOAD_NO_STEP SIZE_MAX

typedef struct {
    double p50, p99, max; // ms, exact; NaN: nothing measured
} mst_load_times_t;

typedef struct {
    double level;           // requests a second, or places
    uint64_t requests;      // of the main phase
    uint64_t measured;      // with an answer
    uint64_t warmup, drain; // requests of the other phases
    double seconds;         // from the first send to the last token
    double offered_per_s;   // by the schedule; NaN: closed
    double answered_per_s, tokens_per_s;
    double good_share, good_per_s; // requests that kept all service levels, of all sent; NaN: no level is set
    mst_load_times_t ttft, e2e, sched_ttft, sched_e2e; // sched_: from the schedule on
    mst_load_times_t late;                             // send minus schedule, first attempts
    double late_limit_ms;                              // of late.p99; NaN: closed
    uint32_t busy_max, wait_max;                       // per mille of a second, the worst a request met
    double busy_share;                                 // requests sent in busy seconds
} mst_load_step_t;

typedef struct mst_load_numbers {
    const mst_load_t *cfg;
    const mst_load_step_t *steps;
    size_t step_count;
    size_t knee;  // last level before throughput grew too little; NO_STEP: one level, or levels that do not grow
    bool beyond;  // every level still grew: the knee lies beyond the last one
    size_t power; // level with the most throughput over median latency
    size_t kept;  // largest level at which 99 % of the requests kept the service levels; NO_STEP: none, or none set
    bool invalid;
    char why[240]; // the first reason
} mst_load_numbers_t;

typedef struct mst_load_rows mst_load_rows_t;

mst_load_rows_t *mst_load_rows_new(const mst_run_cfg_t *cfg); // cfg lives longer; it has a load
void mst_load_rows_free(mst_load_rows_t **l);
void mst_load_rows_add(mst_load_rows_t *l, const mst_result_t *r);
// Memory from arena; MST_LIMIT without room.
MST_NODISCARD mst_rc mst_load_rows_finish(mst_load_rows_t *l, mst_arena_t *arena, const mst_load_numbers_t **out,
                                          mst_err_t *err);

// Parts of the reports; nothing without a load. Appended.
void mst_report_load(const mst_run_numbers_full_t *r, bool colour, size_t width, mst_buf_t *out);
void mst_report_load_json(const mst_run_numbers_full_t *r, mst_jw_t *w); // the member "load"

#endif
