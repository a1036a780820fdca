// When requests were under way: windows, and how many there were at a time. Inside of report/latency.
#ifndef MST_REPORT_LATENCY_WINDOW_H
#define MST_REPORT_LATENCY_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Pairs of send and end, in any order, on one scale (ns).
typedef struct {
    int64_t *starts, *ends; // heap
    size_t n, cap;
    bool sorted;
} mst_spans_t;

void mst_spans_add(mst_spans_t *s, int64_t start, int64_t end);
void mst_spans_free(mst_spans_t *s);

int64_t mst_spans_first(mst_spans_t *s); // the earliest start; INT64_MAX: none
// From the first to the last instant at which at least `level` spans were open. False: never.
bool mst_spans_reached(mst_spans_t *s, uint32_t level, int64_t *from, int64_t *to);

typedef struct {
    double mean, idle_s, at_level; // at_level: share of the time with at least `level` open
    uint32_t max;
} mst_spans_level_t;

mst_spans_level_t mst_spans_level(mst_spans_t *s, int64_t from, int64_t to, uint32_t level);

// Clocks of several hosts and boots on one scale: CLOCK_MONOTONIC plus an offset that is taken once a host, from the
// wall clock at the end of a request; a new one when it moved by more than half a second.
typedef struct {
    uint64_t host;
    int64_t offset_ns;
} mst_scale_clock_t;

enum { MST_SCALE_CLOCKS_MAX = 256 };

typedef struct {
    mst_scale_clock_t clocks[MST_SCALE_CLOCKS_MAX];
    size_t count;
} mst_scale_t;

// mono_ns and wall_ns: the same instant, on both clocks of the host; the offset to add to its CLOCK_MONOTONIC.
int64_t mst_scale_offset(mst_scale_t *s, uint64_t host, int64_t mono_ns, int64_t wall_ns);

#endif
