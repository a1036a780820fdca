// coordinator/core with several targets: a lane each, a worker's credit shared out, a target that is lost.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/base/clock.h"
#include "common/base/mem.h"
#include "coordinator/core/core.h"

enum { CONN = 1 };

typedef struct {
    mst_coord_t *core;
    mst_coord_effects_t *fx;
    uint64_t session;
} fixture_t;

static void
step(fixture_t *f, mst_coord_event_t ev)
{
    mst_err_t err = {0};
    mst_coord_step(f->core, 1000 * MST_NS_PER_S, &ev, f->fx);
    if (mst_coord_check(f->core, &err) != MST_OK)
        fail_msg("%s", err.message);
}

static int
setup(void **state)
{
    fixture_t *f = MST_NEW(fixture_t);
    mst_coord_cfg_t cfg;
    mst_coord_cfg_default(&cfg);
    f->core = mst_coord_new(&cfg);
    f->fx = MST_NEW(mst_coord_effects_t);
    mst_coord_event_t ev = {.kind = MST_CE_HELLO, .conn = CONN};
    memset(ev.u.hello.instance, 'a', sizeof ev.u.hello.instance);
    ev.u.hello.seq = 1;
    step(f, ev);
    f->session = f->fx->items[0].session;
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    fixture_t *f = *state;
    mst_coord_free(&f->core);
    free(f->fx);
    free(f);
    return 0;
}

static void
start(fixture_t *f, uint64_t cases, uint32_t targets, uint32_t repeats, const uint32_t *weights, uint32_t credit)
{
    mst_coord_event_t ev = {.kind = MST_CE_CREDIT, .conn = CONN, .session = f->session, .u.credit.cases = credit};
    step(f, ev);
    ev = (mst_coord_event_t){.kind = MST_CE_RUN_START};
    ev.u.start.run_no = ev.u.start.generation = 1;
    ev.u.start.targets = targets;
    ev.u.start.repeats = repeats;
    ev.u.start.weights = weights;
    ev.u.start.cases_hint = cases;
    step(f, ev);
    ev = (mst_coord_event_t){.kind = MST_CE_ROWS, .u.rows = {.cases = cases, .ended = true}};
    step(f, ev);
}

static void
committed(fixture_t *f, uint64_t key)
{
    mst_coord_event_t ev = {.kind = MST_CE_COMMITTED};
    ev.u.done.run_no = ev.u.done.generation = 1;
    ev.u.done.keys = &key;
    ev.u.done.count = 1;
    step(f, ev);
}

static mst_coord_status_t
status(const fixture_t *f)
{
    mst_coord_status_t s;
    mst_coord_status(f->core, &s);
    return s;
}

// Granted keys of each target, in the effects.
static void
count_granted(const fixture_t *f, uint32_t targets, uint32_t repeats, size_t out[])
{
    for (size_t i = 0; i < f->fx->count; i++)
        for (size_t k = 0; f->fx->items[i].kind == MST_CF_GRANT && k < f->fx->items[i].count; k++) {
            const mst_coord_effect_t *g = &f->fx->items[i];
            assert_int_equal(g->list[k] / repeats % targets, g->list[0] / repeats % targets);
            out[g->list[k] / repeats % targets]++;
        }
}

static void
test_lanes_share_the_credit(void **state)
{
    fixture_t *f = *state;
    static const uint32_t weights[] = {3, 1};
    size_t granted[2] = {0};
    start(f, 1000, 2, 1, weights, 16);
    count_granted(f, 2, 1, granted);
    assert_int_equal(granted[0], 12);
    assert_int_equal(granted[1], 4);
}

// The fast target goes on while the slow one keeps its places, and gets no more than its part.
static void
test_lanes_slow_one_holds_nobody(void **state)
{
    fixture_t *f = *state;
    start(f, 50, 2, 1, NULL, 8);
    for (uint64_t c = 0; c < 50; c++)
        committed(f, 2 * c); // target 0 answers, target 1 does not
    mst_coord_status_t s = status(f);
    assert_int_equal(s.state, MST_COORD_RUNNING);
    assert_int_equal(s.done, 50);
    assert_int_equal(s.leased, 8); // all of the credit is for the one that is left
    for (uint64_t c = 0; c < 50; c++)
        committed(f, 2 * c + 1);
    assert_int_equal(status(f).state, MST_COORD_DONE);
    assert_int_equal(status(f).total, 100);
}

static void
test_lanes_with_repeats(void **state)
{
    fixture_t *f = *state;
    size_t granted[3] = {0};
    start(f, 5, 3, 2, NULL, 30);
    count_granted(f, 3, 2, granted);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(granted[i], 10);
    for (uint64_t k = 0; k < 5; k++)
        committed(f, k);
    assert_false(mst_coord_case_done(f->core, 0));
    committed(f, 5);
    assert_true(mst_coord_case_done(f->core, 0));
    for (uint64_t k = 6; k < 30; k++)
        committed(f, k);
    assert_int_equal(status(f).state, MST_COORD_DONE);
}

static uint64_t
lease_of_target(const fixture_t *f, uint32_t targets, uint32_t target, const uint64_t **keys, size_t *count)
{
    for (size_t i = 0; i < f->fx->count; i++) {
        const mst_coord_effect_t *g = &f->fx->items[i];
        if (g->kind != MST_CF_GRANT || g->list[0] % targets != target)
            continue;
        *keys = g->list;
        *count = g->count;
        return g->lease_id;
    }
    fail_msg("no grant of target %u", target);
    return 0;
}

static void
lose(fixture_t *f, uint64_t lease, const uint64_t *keys, size_t count, uint32_t cause)
{
    uint64_t copy[MST_UNIT_CASES_MAX];
    memcpy(copy, keys, count * sizeof copy[0]);
    mst_coord_event_t ev = {.kind = MST_CE_LEASE_RETURN, .conn = CONN, .session = f->session};
    ev.u.back.lease_id = lease;
    ev.u.back.cause = cause;
    ev.u.back.fatal = true;
    ev.u.back.keys = copy;
    ev.u.back.count = count;
    step(f, ev);
}

// The other target is asked to the end; then the run is aborted, since not every key has a result.
static void
test_lanes_lost_target(void **state)
{
    fixture_t *f = *state;
    const uint64_t *keys = NULL;
    size_t count = 0;
    start(f, 4, 2, 1, NULL, 4);
    uint64_t lease = lease_of_target(f, 2, 1, &keys, &count);
    lose(f, lease, keys, count, MST_RETURN_BACKEND_DOWN);
    assert_int_equal(status(f).state, MST_COORD_RUNNING);
    assert_int_equal(status(f).down, 2);
    for (uint64_t c = 0; c < 4; c++) {
        assert_int_equal(status(f).state, MST_COORD_RUNNING);
        committed(f, 2 * c);
    }
    // what was granted before and is still held is waited for
    mst_coord_event_t cancel = {.kind = MST_CE_CANCEL, .u.cancel.now = true};
    if (status(f).leased > 0)
        step(f, cancel);
    assert_int_not_equal(status(f).state, MST_COORD_RUNNING);
    assert_int_equal(status(f).done, 4);
}

static void
test_lanes_all_lost(void **state)
{
    fixture_t *f = *state;
    const uint64_t *keys = NULL;
    size_t count = 0;
    start(f, 1, 2, 1, NULL, 2);
    const uint64_t *other = NULL;
    size_t other_count = 0;
    uint64_t other_lease = lease_of_target(f, 2, 1, &other, &other_count);
    uint64_t lease = lease_of_target(f, 2, 0, &keys, &count);
    lose(f, lease, keys, count, MST_RETURN_BACKEND_DOWN);
    assert_int_equal(status(f).state, MST_COORD_RUNNING);
    lose(f, other_lease, other, other_count, MST_RETURN_BACKEND_DOWN);
    assert_int_equal(status(f).state, MST_COORD_ABORTED);
}

// A failure of the worker itself is no target's.
static void
test_lanes_local_failure_ends_all(void **state)
{
    fixture_t *f = *state;
    const uint64_t *keys = NULL;
    size_t count = 0;
    start(f, 4, 2, 1, NULL, 4);
    uint64_t lease = lease_of_target(f, 2, 0, &keys, &count);
    lose(f, lease, keys, count, MST_RETURN_LOCAL_LIMIT);
    assert_int_equal(status(f).state, MST_COORD_ABORTED);
}

static void
test_lanes_refuse_nonsense(void **state)
{
    fixture_t *f = *state;
    mst_coord_event_t ev = {.kind = MST_CE_RUN_START};
    ev.u.start.targets = MST_TARGETS_MAX + 1;
    ev.u.start.repeats = 1;
    step(f, ev);
    assert_int_equal(status(f).state, MST_COORD_IDLE);
    assert_int_equal(status(f).strays, 1);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_lanes_share_the_credit), T(test_lanes_slow_one_holds_nobody),  T(test_lanes_with_repeats),
        T(test_lanes_lost_target),      T(test_lanes_local_failure_ends_all), T(test_lanes_all_lost),
        T(test_lanes_refuse_nonsense),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
