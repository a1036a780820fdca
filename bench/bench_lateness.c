// The limit beside which the send lateness of an open load stands: a thread that does nothing but sleep until each
// arrival of the same schedule (clock_nanosleep, absolute, timer slack 1 ns) and read the clock.
//   bench_lateness RATE SECONDS
#include "common/base/clock.h"
#include "common/stats/stats.h"
#include "worker/core/schedule.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>

static int
by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int
main(int argc, char **argv)
{
    const double rate = argc > 1 ? strtod(argv[1], NULL) : 1000, seconds = argc > 2 ? strtod(argv[2], NULL) : 5;
    const mst_load_t load = {
        .model = MST_LOAD_POISSON, .levels = &rate, .level_count = 1, .burstiness = 1, .seed = 1, .main_s = seconds};
    size_t cap = (size_t)(rate * seconds * 2) + 100, n = 0;
    double *late_us = calloc(cap, sizeof *late_us);
    mst_schedule_t s;
    mst_arrival_at_t a;
    if (rate <= 0 || seconds <= 0 || !late_us)
        return 1;
    mst_schedule_init(&s, &load, 0, 1);
    (void)prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
    int64_t start_ns = mst_mono_ns() + 50 * MST_NS_PER_MS;
    while (n < cap && mst_schedule_next(&s, &a)) {
        int64_t due_ns = start_ns + a.offset_ns;
        struct timespec at = {.tv_sec = (time_t)(due_ns / MST_NS_PER_S), .tv_nsec = (long)(due_ns % MST_NS_PER_S)};
        while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) != 0)
            continue;
        late_us[n++] = (double)(mst_mono_ns() - due_ns) / 1000;
    }
    qsort(late_us, n, sizeof *late_us, by_value);
    printf("sleeper rate %g requests %zu late_us_p50 %.1f late_us_p99 %.1f late_us_max %.1f\n", rate, n,
           mst_percentile_sorted(late_us, n, 0.5), mst_percentile_sorted(late_us, n, 0.99), late_us[n - 1]);
    free(late_us);
    return 0;
}
