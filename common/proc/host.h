// What machine this is and what this process uses: provenance of results and figures of the report.
// Blocking reads of /proc, capped. Thread: any; no shared state.
#ifndef MST_PROC_HOST_H
#define MST_PROC_HOST_H

#include <stdint.h>

typedef struct {
    char name[128];     // host name
    unsigned cpu_count; // that this process may run on
    char device[128];   // accelerators: "NVIDIA H200", "8 x NVIDIA H200", "NVIDIA A100, NVIDIA L4"; empty = none seen
    char driver[64];    // their driver's version; empty = none seen
} mst_host_t;

typedef struct {
    int64_t cpu_ns;                    // user + system, all threads
    uint64_t rss_bytes, rss_peak_bytes;
} mst_usage_t;

// proc: "/proc"; another root for tests.
void mst_host_read(const char *proc, mst_host_t *out);
void mst_usage_read(mst_usage_t *out);

#endif
