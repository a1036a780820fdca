// The load of a run: how its requests are let go, in which phases, and by which limits it counts as valid. Open
// record, filled by the configuration, read by workers and reports. docs/load.md says what each setting means.
//
// A plan is a list of segments, one after the other: for each level (a rate, or a number of places) a warm-up, the
// main phase, a drain. Every result carries the phase and the level that its request was sent in; reports count the
// main phase alone.
// Thread: any; nothing here has a state.
#ifndef MST_MODEL_LOAD_H
#define MST_MODEL_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MST_LOAD_LEVELS_MAX 64

typedef enum {
    MST_LOAD_NONE = 0, // no load section: a fixed number of places, every case once, no phases
    MST_LOAD_CLOSED,   // a number of places; each asks again when it has its answer
    MST_LOAD_CONSTANT, // open: equal gaps
    MST_LOAD_POISSON,  // open: exponential gaps
    MST_LOAD_GAMMA,    // open: gamma gaps, shape = burstiness
    MST_LOAD_MODELS,
} mst_load_model_t;

typedef enum { MST_PHASE_MAIN = 0, MST_PHASE_WARMUP, MST_PHASE_DRAIN, MST_PHASES } mst_phase_t;

typedef enum { MST_THINK_FIXED = 0, MST_THINK_EXPONENTIAL } mst_think_t;

typedef struct {
    mst_load_model_t model;
    const double *levels; // requests a second, or places; NULL: closed, as many places as the run's concurrency
    size_t level_count;
    double burstiness; // gamma
    uint64_t seed;
    double ramp_from, ramp_s;         // 0 s = none; with one level alone
    double warmup_s, main_s, drain_s; // 0 = not limited by time; for warm-up and drain: see the counts
    uint64_t warmup_requests, main_requests, drain_requests; // 0 = not limited by a count
    bool repeat_dataset; // start over at its end; false: the dataset's end ends the run
    mst_think_t think;
    double think_s;     // mean; 0 = none
    double late_max_ms; // p99 of the send lateness above which the run is invalid; 0 = the rule of mst_load_late_max_s
    double busy_max;    // share of a worker's I/O thread
    double knee_gain;   // least growth of throughput over growth of load (both as logarithms)
} mst_load_t;

typedef struct {
    mst_phase_t phase;
    uint32_t step;     // index of its level
    double level;      // 0: as many places as the run's concurrency
    double seconds;    // 0 = not limited by time
    uint64_t requests; // 0 = not limited by a count; neither: until the cases are used up
} mst_load_segment_t;

#define MST_LOAD_SEGMENTS_MAX (3 * MST_LOAD_LEVELS_MAX)

// What a result knows of the load that it was part of. All zero: no load section, nothing known.
typedef struct {
    mst_phase_t phase;
    uint32_t step;
    uint64_t arrival_no;   // index in the schedule; means something only with sched_mono_ns
    int64_t sched_mono_ns; // when it should have been sent; 0 = no schedule
    int64_t admit_mono_ns; // when it left the worker's queue; 0 = not known
    uint32_t io_busy,
        io_wait; // per mille of the second before: worker's I/O thread at work, and waiting for a processor
} mst_load_tag_t;

const char *mst_load_model_name(mst_load_model_t m); // "closed"; NULL: none
bool mst_load_model_parse(const char *p, size_t n, mst_load_model_t *out);
const char *mst_phase_name(mst_phase_t p);  // "main", "warmup", "drain"
bool mst_load_open(const mst_load_t *l);    // arrivals follow a schedule
bool mst_load_bounded(const mst_load_t *l); // it ends by time or count, not with the cases
// The segments in order; returns how many (at least 1).
size_t mst_load_plan(const mst_load_t *l, mst_load_segment_t out[MST_LOAD_SEGMENTS_MAX]);
// Requests of all segments, on the average; 0 = not known before.
uint64_t mst_load_expected(const mst_load_t *l);
// The largest p99 of send lateness with which a level is valid: 1 % of the mean gap, at least 100 us.
double mst_load_late_max_s(const mst_load_t *l, double rate);
// Time between an answer and the next request of the same place or conversation: who = place or key, turn from 1. A
// function of the seed and its arguments alone.
int64_t mst_load_think_ns(const mst_load_t *l, uint64_t who, uint64_t turn);
// Gap number i of the schedule, mean 1: a function of seed and index alone.
double mst_load_gap(const mst_load_t *l, uint64_t i);

#endif
