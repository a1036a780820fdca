// A ring of samples; the shares are between the oldest and the newest.
#include "worker/busy.h"

#include "common/base/clock.h"
#include "common/base/str.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

void
mst_busy_init(mst_busy_t *b)
{
    char path[64];
    *b = (mst_busy_t){.schedstat = -1};
    (void)snprintf(path, sizeof path, "/proc/self/task/%ld/schedstat", syscall(SYS_gettid));
    b->schedstat = open(path, O_RDONLY | O_CLOEXEC);
}

void
mst_busy_deinit(mst_busy_t *b)
{
    if (b->schedstat >= 0)
        close(b->schedstat);
    b->schedstat = -1;
}

static int64_t
cpu_ns(void)
{
    struct timespec t;
    if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t) != 0)
        return 0;
    return (int64_t)t.tv_sec * MST_NS_PER_S + t.tv_nsec;
}

// "time on a processor, time waiting for one, slices": nanoseconds.
static int64_t
wait_ns(const mst_busy_t *b)
{
    char text[128];
    uint64_t ns = 0;
    ssize_t n = b->schedstat >= 0 ? pread(b->schedstat, text, sizeof text, 0) : 0;
    if (n <= 0)
        return 0;
    mst_str_t s = mst_str(text, (size_t)n);
    int64_t from = mst_str_find(s, MST_STR(" "), 0);
    int64_t to = from >= 0 ? mst_str_find(s, MST_STR(" "), (size_t)from + 1) : -1;
    if (to < 0 || !mst_str_to_u64(mst_str(text + from + 1, (size_t)(to - from - 1)), &ns))
        return 0;
    return (int64_t)ns;
}

static uint32_t
per_mille(int64_t part_ns, int64_t of_ns)
{
    if (part_ns <= 0 || of_ns <= 0)
        return 0;
    int64_t share = part_ns * 1000 / of_ns;
    return share > 1000 ? 1000 : (uint32_t)share;
}

void
mst_busy_tick(mst_busy_t *b, int64_t polled_ns)
{
    mst_busy_sample_t now = {
        .wall_ns = mst_mono_ns(), .cpu_ns = cpu_ns(), .polled_ns = polled_ns, .wait_ns = wait_ns(b)};
    size_t at = b->count % MST_BUSY_SAMPLES;
    const mst_busy_sample_t *old = &b->samples[b->count < MST_BUSY_SAMPLES ? 0 : at];
    if (b->count > 0) {
        int64_t wall = now.wall_ns - old->wall_ns;
        b->busy = per_mille(now.cpu_ns - old->cpu_ns - (now.polled_ns - old->polled_ns), wall);
        b->wait = per_mille(now.wait_ns - old->wait_ns, wall);
    }
    b->samples[at] = now;
    b->count++;
}
