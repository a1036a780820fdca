// Clocks, for the edges only: cores get now_ns as an argument.
// Thread: any.
#ifndef MST_BASE_CLOCK_H
#define MST_BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

#define MST_NS_PER_US 1000LL
#define MST_NS_PER_MS 1000000LL
#define MST_NS_PER_S  1000000000LL

int64_t mst_mono_ns(void); // CLOCK_MONOTONIC: the clock of every measurement
int64_t mst_wall_ns(void); // CLOCK_REALTIME since 1970, for people only
// CLOCK_REALTIME minus CLOCK_MONOTONIC now, best of three paired reads (kernel stamps are REALTIME).
int64_t mst_wall_offset_ns(void);
int64_t mst_cpu_ns(void);  // user + system time of this process
// "2026-11-20T10:24:00.123Z"; out holds at least 25 bytes.
void mst_wall_iso(int64_t wall_ns, char *out, size_t out_bytes);

#endif
