// Clocks.
#include "common/base/clock.h"

#include <stdio.h>
#include <time.h>

static int64_t
read_ns(clockid_t clock)
{
    struct timespec ts = {0};
    clock_gettime(clock, &ts);
    return (int64_t)ts.tv_sec * MST_NS_PER_S + ts.tv_nsec;
}

int64_t
mst_mono_ns(void)
{
    return read_ns(CLOCK_MONOTONIC);
}

int64_t
mst_wall_ns(void)
{
    return read_ns(CLOCK_REALTIME);
}

int64_t
mst_wall_offset_ns(void)
{
    int64_t best_gap = INT64_MAX, offset = 0;
    for (int i = 0; i < 3; i++) {
        int64_t before = mst_mono_ns(), wall = mst_wall_ns(), gap = mst_mono_ns() - before;
        if (gap < best_gap) {
            best_gap = gap;
            offset = wall - (before + gap / 2);
        }
    }
    return offset;
}

int64_t
mst_cpu_ns(void)
{
    return read_ns(CLOCK_PROCESS_CPUTIME_ID);
}

void
mst_wall_iso(int64_t wall_ns, char *out, size_t out_bytes)
{
    int64_t ms = wall_ns / MST_NS_PER_MS - (wall_ns % MST_NS_PER_MS < 0);
    int64_t ms_rest = (ms % 1000 + 1000) % 1000;
    time_t seconds = (time_t)((ms - ms_rest) / 1000);
    struct tm tm = {0};
    gmtime_r(&seconds, &tm);
    snprintf(out, out_bytes, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
             tm.tm_hour, tm.tm_min, tm.tm_sec, (int)ms_rest);
}
