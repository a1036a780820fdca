// How busy a thread was in the last second: processor time over wall time, without the time spent polling for exact
// timers, and the time it waited for a processor (the kernel's schedstat, where there is one).
// Thread: belongs to the thread that it watches.
#ifndef MST_WORKER_BUSY_H
#define MST_WORKER_BUSY_H

#include <stddef.h>
#include <stdint.h>

#define MST_BUSY_SAMPLES 10 // taken every MST_WORKER_TICK_NS

typedef struct {
    int64_t wall_ns, cpu_ns, polled_ns, wait_ns;
} mst_busy_sample_t;

typedef struct {
    int schedstat; // descriptor; -1 = there is none
    mst_busy_sample_t samples[MST_BUSY_SAMPLES];
    size_t count;        // samples ever
    uint32_t busy, wait; // per mille
} mst_busy_t;

void mst_busy_init(mst_busy_t *b); // on the thread itself
void mst_busy_deinit(mst_busy_t *b);
void mst_busy_tick(mst_busy_t *b, int64_t polled_ns);

#endif
