// Loads without a clock: plans, schedules as distributions, pace of a flow.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>

#include "common/base/clock.h"
#include "worker/core/flow.h"
#include "worker/core/pace.h"
#include "worker/core/schedule.h"

enum { GAPS = 20000, WORKERS = 3 };

static const double rate_100[] = {100}, levels_3[] = {10, 20, 40}, places_2[] = {2};

static mst_load_t
open_load(mst_load_model_t model, const double *levels, size_t count)
{
    return (mst_load_t){
        .model = model, .levels = levels, .level_count = count, .burstiness = 1, .seed = 7, .main_requests = GAPS};
}

static size_t
gaps_of(const mst_load_t *load, double *out, size_t max)
{
    mst_schedule_t s;
    mst_arrival_at_t a;
    int64_t before = 0;
    size_t n = 0;
    mst_schedule_init(&s, load, 0, 1);
    while (n < max && mst_schedule_next(&s, &a)) {
        assert_true(a.offset_ns >= before);
        out[n++] = (double)(a.offset_ns - before) / 1e9;
        before = a.offset_ns;
    }
    return n;
}

static int
by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

// Kolmogorov and Smirnov's distance from an exponential distribution; at 0.1 % the critical value is 1.95 / sqrt(n).
static void
test_load_poisson_gaps_are_exponential(void **state)
{
    (void)state;
    mst_load_t load = open_load(MST_LOAD_POISSON, rate_100, 1);
    double *gaps = calloc(GAPS, sizeof *gaps), worst = 0;
    assert_int_equal(gaps_of(&load, gaps, GAPS), GAPS);
    qsort(gaps, GAPS, sizeof *gaps, by_value);
    for (int i = 0; i < GAPS; i++) {
        double f = 1 - exp(-100 * gaps[i]);
        worst = fmax(worst, fmax(f - (double)i / GAPS, (double)(i + 1) / GAPS - f));
    }
    free(gaps);
    assert_true(worst < 1.95 / sqrt(GAPS));
}

static void
moments(const double *x, size_t n, double *mean, double *variance)
{
    double sum = 0, squares = 0;
    for (size_t i = 0; i < n; i++)
        sum += x[i];
    *mean = sum / (double)n;
    for (size_t i = 0; i < n; i++)
        squares += (x[i] - *mean) * (x[i] - *mean);
    *variance = squares / (double)(n - 1);
}

// Mean 1/rate, squared coefficient of variation 1/shape.
static void
test_load_gamma_gaps_have_their_moments(void **state)
{
    (void)state;
    static const double shapes[] = {0.25, 1, 4};
    double *gaps = calloc(GAPS, sizeof *gaps), mean, variance;
    for (int i = 0; i < 3; i++) {
        mst_load_t load = open_load(MST_LOAD_GAMMA, rate_100, 1);
        load.burstiness = shapes[i];
        assert_int_equal(gaps_of(&load, gaps, GAPS), GAPS);
        moments(gaps, GAPS, &mean, &variance);
        double cv2 = variance / (mean * mean);
        assert_true(fabs(mean * 100 - 1) < 0.06);
        assert_true(fabs(cv2 * shapes[i] - 1) < 0.15);
    }
    free(gaps);
}

static void
test_load_constant_gaps_are_equal(void **state)
{
    (void)state;
    mst_load_t load = open_load(MST_LOAD_CONSTANT, rate_100, 1);
    mst_schedule_t s;
    mst_arrival_at_t a;
    mst_schedule_init(&s, &load, 0, 1);
    for (int i = 0; i < 1000; i++) {
        assert_true(mst_schedule_next(&s, &a));
        assert_true(llabs(a.offset_ns - 10000000LL * i) < 10);
    }
}

// The same seed gives the same schedule, whatever the number of workers; another seed another one.
static void
test_load_schedule_is_shared_out(void **state)
{
    (void)state;
    mst_load_t load = open_load(MST_LOAD_POISSON, rate_100, 1), other = load;
    other.seed++;
    mst_schedule_t whole, again, parts[WORKERS], different;
    mst_arrival_at_t a, b;
    mst_schedule_init(&whole, &load, 0, 1);
    mst_schedule_init(&again, &load, 0, 1);
    mst_schedule_init(&different, &other, 0, 1);
    for (uint32_t w = 0; w < WORKERS; w++)
        mst_schedule_init(&parts[w], &load, w, WORKERS);
    size_t same = 0;
    for (uint64_t i = 0; i < 3000; i++) {
        assert_true(mst_schedule_next(&whole, &a) && a.no == i);
        assert_true(mst_schedule_next(&parts[i % WORKERS], &b));
        assert_true(b.no == i && b.offset_ns == a.offset_ns && b.phase == a.phase);
        assert_true(mst_schedule_next(&again, &b) && b.offset_ns == a.offset_ns);
        assert_true(mst_schedule_next(&different, &b));
        same += b.offset_ns == a.offset_ns;
    }
    assert_int_equal(same, 0);
}

static void
test_load_plan_has_its_phases(void **state)
{
    (void)state;
    mst_load_t load = {.model = MST_LOAD_CONSTANT,
                       .levels = levels_3,
                       .level_count = 3,
                       .warmup_s = 1,
                       .main_s = 2,
                       .drain_requests = 5};
    mst_load_segment_t segments[MST_LOAD_SEGMENTS_MAX];
    assert_int_equal(mst_load_plan(&load, segments), 9);
    size_t counts[3][MST_PHASES] = {0};
    mst_schedule_t s;
    mst_arrival_at_t a;
    mst_schedule_init(&s, &load, 0, 1);
    while (mst_schedule_next(&s, &a))
        counts[a.step][a.phase]++;
    for (int i = 0; i < 3; i++) {
        double rate = levels_3[i];
        assert_true(fabs((double)counts[i][MST_PHASE_WARMUP] - rate) <= 1.01);
        assert_true(fabs((double)counts[i][MST_PHASE_MAIN] - 2 * rate) <= 1.01);
        assert_int_equal(counts[i][MST_PHASE_DRAIN], 5);
    }
}

// Along a ramp from 0 to r in T seconds the n-th arrival comes at sqrt(2 n T / r).
static void
test_load_ramp_grows_evenly(void **state)
{
    (void)state;
    mst_load_t load = {.model = MST_LOAD_CONSTANT, .levels = rate_100, .level_count = 1, .ramp_s = 10, .main_s = 20};
    mst_schedule_t s;
    mst_arrival_at_t a;
    size_t n = 0;
    mst_schedule_init(&s, &load, 0, 1);
    for (; mst_schedule_next(&s, &a); n++) {
        double t = (double)a.offset_ns / 1e9;
        double want = n < 500 ? sqrt((double)n * 0.2) : 10 + ((double)n - 500) / 100;
        assert_true(fabs(t - want) < 1e-6);
    }
    assert_int_equal(n, 1500);
}

static void
test_load_limit_of_lateness(void **state)
{
    (void)state;
    mst_load_t load = {.model = MST_LOAD_POISSON};
    assert_true(fabs(mst_load_late_max_s(&load, 10) - 1e-3) < 1e-12);
    assert_true(fabs(mst_load_late_max_s(&load, 1000) - 1e-4) < 1e-12);
    load.late_max_ms = 5;
    assert_true(fabs(mst_load_late_max_s(&load, 10) - 5e-3) < 1e-12);
}

static void
test_load_think_times(void **state)
{
    (void)state;
    mst_load_t load = {.model = MST_LOAD_CLOSED, .think_s = 2};
    assert_int_equal(mst_load_think_ns(&load, 1, 1), 2 * MST_NS_PER_S);
    load.think = MST_THINK_EXPONENTIAL;
    double sum = 0;
    for (uint64_t i = 0; i < 10000; i++)
        sum += (double)mst_load_think_ns(&load, i % 10, i) / 1e9;
    assert_true(fabs(sum / 10000 - 2) < 0.1);
    assert_true(mst_load_think_ns(&load, 3, 4) == mst_load_think_ns(&load, 3, 4));
    assert_true(mst_load_think_ns(&load, 3, 4) != mst_load_think_ns(&load, 3, 5));
}

// ---- with a flow ----

typedef struct {
    mst_flow_t *f;
    mst_flow_effects_t fx;
    mst_flow_case_t cases[64];
    int64_t now;
    size_t returned, started;
} world_t;

static void
event(world_t *w, const mst_flow_event_t *e)
{
    w->fx.count = 0;
    mst_flow_step(w->f, w->now, e, &w->fx);
    for (size_t i = 0; i < w->fx.count; i++) {
        w->returned += w->fx.items[i].kind == MST_FX_RETURN && w->fx.items[i].cause == MST_GIVE_PLAN_OVER;
        w->started += w->fx.items[i].kind == MST_FX_START;
    }
}

static void
begin(world_t *w, const mst_load_t *load, size_t cases)
{
    mst_flow_opts_t o = {
        .concurrency = 8, .retry = mst_retry_policy_default(), .endpoint = "", .load = load, .in_flight_max = 64};
    w->f = mst_flow_new(&o);
    w->now = MST_NS_PER_S;
    for (size_t i = 0; i < cases; i++)
        event(w, &(mst_flow_event_t){.kind = MST_FE_GRANTED, .c = &w->cases[i]});
}

static void
answer(world_t *w, mst_flow_case_t *c)
{
    event(w, &(mst_flow_event_t){.kind = MST_FE_ENDED, .c = c});
    event(w, &(mst_flow_event_t){.kind = MST_FE_VERDICT, .c = c, .outcome = MST_OUT_SCORED, .http_status = 200});
}

static void
end(world_t *w)
{
    mst_flow_free(&w->f);
    mst_flow_effects_deinit(&w->fx);
}

// Nothing is answered: an open load goes on all the same, each case a little before its time, and the rest goes back.
static void
test_load_open_flow_follows_the_schedule(void **state)
{
    (void)state;
    mst_load_t load = open_load(MST_LOAD_POISSON, rate_100, 1);
    load.warmup_requests = 5;
    load.main_requests = 30;
    world_t w = {0};
    begin(&w, &load, 50);
    assert_int_equal(w.started, 0);
    for (int turn = 0; turn < 1000 && mst_flow_due(w.f, w.now) != INT64_MAX; turn++) {
        int64_t due = mst_flow_due(w.f, w.now);
        w.now = due > w.now ? due : w.now;
        event(&w, &(mst_flow_event_t){.kind = MST_FE_TICK});
    }
    assert_int_equal(w.started, 35);
    assert_int_equal(w.returned, 15);
    mst_schedule_t s;
    mst_arrival_at_t a;
    mst_schedule_init(&s, &load, 0, 1);
    for (int i = 0; i < 35; i++) {
        const mst_load_tag_t *tag = &w.cases[i].tag;
        assert_true(mst_schedule_next(&s, &a));
        assert_true(tag->arrival_no == a.no);
        assert_true(tag->sched_mono_ns == MST_NS_PER_S + MST_PACE_LEAD_NS + a.offset_ns);
        assert_int_equal(tag->phase, i < 5 ? MST_PHASE_WARMUP : MST_PHASE_MAIN);
        assert_true(tag->admit_mono_ns >= tag->sched_mono_ns - MST_FLOW_LEAD_NS);
        assert_true(tag->admit_mono_ns <= tag->sched_mono_ns);
    }
    end(&w);
}

// A stall of a second moves no arrival: what is overdue goes out at once, with its own time on it.
static void
test_load_open_flow_is_never_anchored_anew(void **state)
{
    (void)state;
    mst_load_t load = open_load(MST_LOAD_CONSTANT, rate_100, 1);
    world_t w = {0};
    begin(&w, &load, 64);
    w.now += MST_PACE_LEAD_NS + 300000000 - 1; // 30 arrivals overdue, and none of the next
    for (int turn = 0; turn < 100 && mst_flow_due(w.f, w.now) <= w.now; turn++)
        event(&w, &(mst_flow_event_t){.kind = MST_FE_TICK});
    assert_in_range(w.started, 30, 31);
    for (int i = 0; i < 30; i++)
        assert_true(w.cases[i].tag.sched_mono_ns == MST_NS_PER_S + MST_PACE_LEAD_NS + 10000000LL * i);
    end(&w);
}

static void
test_load_closed_flow_keeps_its_places_and_phases(void **state)
{
    (void)state;
    mst_load_t load = {.model = MST_LOAD_CLOSED,
                       .levels = places_2,
                       .level_count = 1,
                       .warmup_requests = 3,
                       .main_requests = 4,
                       .drain_requests = 1};
    world_t w = {0};
    begin(&w, &load, 20);
    assert_int_equal(w.started, 2);
    for (int i = 0; i < 8; i++) {
        w.now += 1000;
        answer(&w, &w.cases[i]);
        mst_phase_t want = i < 3 ? MST_PHASE_WARMUP : i < 7 ? MST_PHASE_MAIN : MST_PHASE_DRAIN;
        assert_int_equal(w.cases[i].tag.phase, want);
        assert_true(mst_flow_count(w.f, MST_FC_FLYING) <= 2);
    }
    assert_int_equal(w.started, 8);
    assert_int_equal(w.returned, 12);
    end(&w);
}

static void
test_load_closed_place_rests_for_its_think_time(void **state)
{
    (void)state;
    mst_load_t load = {.model = MST_LOAD_CLOSED, .levels = places_2, .level_count = 1, .main_s = 60, .think_s = 3};
    world_t w = {0};
    begin(&w, &load, 10);
    answer(&w, &w.cases[0]);
    assert_int_equal(w.started, 2); // the place rests
    assert_true(mst_flow_due(w.f, w.now) == w.now + 3 * MST_NS_PER_S);
    w.now += 3 * MST_NS_PER_S;
    event(&w, &(mst_flow_event_t){.kind = MST_FE_TICK});
    assert_int_equal(w.started, 3);
    w.now += 60 * MST_NS_PER_S;
    event(&w, &(mst_flow_event_t){.kind = MST_FE_TICK});
    assert_int_equal(w.returned, 7);
    end(&w);
}

// A retry is no arrival: it goes out when it is due, although the plan is over, and uses no place in the schedule.
static void
test_load_retry_is_no_arrival(void **state)
{
    (void)state;
    mst_load_t load = open_load(MST_LOAD_CONSTANT, rate_100, 1);
    load.main_requests = 1;
    world_t w = {0};
    begin(&w, &load, 1);
    w.now += MST_PACE_LEAD_NS;
    event(&w, &(mst_flow_event_t){.kind = MST_FE_TICK});
    assert_int_equal(w.started, 1);
    mst_err_t err = {.rc = MST_IO, .retry = MST_RETRY_LATER};
    event(&w, &(mst_flow_event_t){.kind = MST_FE_ENDED, .c = &w.cases[0]});
    event(&w, &(mst_flow_event_t){.kind = MST_FE_VERDICT,
                                  .c = &w.cases[0],
                                  .outcome = MST_OUT_PROVIDER_ERROR,
                                  .err = &err,
                                  .http_status = 503});
    int64_t sched = w.cases[0].tag.sched_mono_ns;
    w.now = mst_flow_due(w.f, w.now);
    event(&w, &(mst_flow_event_t){.kind = MST_FE_TICK});
    assert_int_equal(w.started, 2);
    assert_int_equal(w.returned, 0);
    assert_true(w.cases[0].tag.sched_mono_ns == sched);
    end(&w);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_load_poisson_gaps_are_exponential),
        cmocka_unit_test(test_load_gamma_gaps_have_their_moments),
        cmocka_unit_test(test_load_constant_gaps_are_equal),
        cmocka_unit_test(test_load_schedule_is_shared_out),
        cmocka_unit_test(test_load_plan_has_its_phases),
        cmocka_unit_test(test_load_ramp_grows_evenly),
        cmocka_unit_test(test_load_limit_of_lateness),
        cmocka_unit_test(test_load_think_times),
        cmocka_unit_test(test_load_open_flow_follows_the_schedule),
        cmocka_unit_test(test_load_open_flow_is_never_anchored_anew),
        cmocka_unit_test(test_load_closed_flow_keeps_its_places_and_phases),
        cmocka_unit_test(test_load_closed_place_rests_for_its_think_time),
        cmocka_unit_test(test_load_retry_is_no_arrival),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
