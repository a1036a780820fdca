// coordinator/core: sessions, leases, grants, the run, against a hand-driven clock. The core checks its own
// invariants after every step.
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
#include "coordinator/core/keys.h"

typedef struct {
    mst_coord_t *core;
    mst_coord_effects_t *fx;
    int64_t now;
} fixture_t;

static int
setup(void **state)
{
    fixture_t *f = MST_NEW(fixture_t);
    mst_coord_cfg_t cfg;
    mst_coord_cfg_default(&cfg);
    f->core = mst_coord_new(&cfg);
    f->fx = MST_NEW(mst_coord_effects_t);
    f->now = 1000 * MST_NS_PER_S;
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
step(fixture_t *f, mst_coord_event_t ev)
{
    mst_err_t err = {0};
    mst_coord_step(f->core, f->now, &ev, f->fx);
    if (mst_coord_check(f->core, &err) != MST_OK)
        fail_msg("%s", err.message);
}

static const mst_coord_effect_t *
effect(const fixture_t *f, mst_coord_effect_kind_t kind)
{
    for (size_t i = 0; i < f->fx->count; i++)
        if (f->fx->items[i].kind == kind)
            return &f->fx->items[i];
    return NULL;
}

static size_t
effects(const fixture_t *f, mst_coord_effect_kind_t kind)
{
    size_t n = 0;
    for (size_t i = 0; i < f->fx->count; i++)
        n += f->fx->items[i].kind == kind;
    return n;
}

static uint64_t
hello(fixture_t *f, uint64_t conn, uint8_t who, uint32_t seq)
{
    mst_coord_event_t ev = {.kind = MST_CE_HELLO, .conn = conn};
    memset(ev.u.hello.instance, who, sizeof ev.u.hello.instance);
    ev.u.hello.seq = seq;
    step(f, ev);
    const mst_coord_effect_t *e = effect(f, MST_CF_HELLO_OK);
    return e != NULL ? e->session : 0;
}

static void
credit(fixture_t *f, uint64_t conn, uint64_t session, uint32_t cases)
{
    step(f, (mst_coord_event_t){.kind = MST_CE_CREDIT, .conn = conn, .session = session, .u.credit.cases = cases});
}

static void
start(fixture_t *f, uint64_t cases, uint32_t per_case, bool fail_fast)
{
    mst_coord_event_t ev = {.kind = MST_CE_RUN_START};
    ev.u.start.run_no = 1;
    ev.u.start.generation = 1;
    ev.u.start.targets = 1;
    ev.u.start.repeats = per_case;
    ev.u.start.cases_hint = cases;
    ev.u.start.fail_fast = fail_fast;
    step(f, ev);
}

static void
rows(fixture_t *f, uint64_t cases, bool ended)
{
    mst_coord_event_t ev = {.kind = MST_CE_ROWS};
    ev.u.rows.cases = cases;
    ev.u.rows.ended = ended;
    step(f, ev);
}

static void
committed(fixture_t *f, const uint64_t *keys, size_t count, bool failed)
{
    mst_coord_event_t ev = {.kind = MST_CE_COMMITTED};
    ev.u.done.run_no = ev.u.done.generation = 1;
    ev.u.done.keys = keys;
    ev.u.done.count = count;
    ev.u.done.failed = failed;
    step(f, ev);
}

static void
give_back(fixture_t *f, uint64_t conn, uint64_t session, uint64_t lease, uint32_t cause, const uint64_t *keys,
          size_t count, bool fatal)
{
    mst_coord_event_t ev = {.kind = MST_CE_LEASE_RETURN, .conn = conn, .session = session};
    ev.u.back.lease_id = lease;
    ev.u.back.cause = cause;
    ev.u.back.keys = keys;
    ev.u.back.count = count;
    ev.u.back.fatal = fatal;
    step(f, ev);
}

static void
ping(fixture_t *f, uint64_t conn, uint64_t session, const uint64_t *leases, size_t count)
{
    mst_coord_event_t ev = {.kind = MST_CE_PING, .conn = conn, .session = session};
    ev.u.ping.leases = leases;
    ev.u.ping.count = count;
    step(f, ev);
}

static void
tick_after(fixture_t *f, int64_t ns)
{
    f->now += ns;
    step(f, (mst_coord_event_t){.kind = MST_CE_TICK});
}

static mst_coord_status_t
status(const fixture_t *f)
{
    mst_coord_status_t s;
    mst_coord_status(f->core, &s);
    return s;
}

static void
test_core_one_worker_whole_run(void **state)
{
    fixture_t *f = *state;
    uint64_t session = hello(f, 1, 'a', 1);
    assert_true(session != 0);
    start(f, 10, 1, false);
    assert_true(f->fx->want_keys > 0);
    credit(f, 1, session, 4);
    rows(f, 10, true);
    // 10 open keys, one worker: units of 3, then what the credit leaves
    const mst_coord_effect_t *g = effect(f, MST_CF_GRANT);
    assert_non_null(g);
    assert_int_equal(g->count, 3);
    assert_int_equal(g->list[0], 0);
    assert_int_equal(g->list[2], 2);
    assert_int_equal(status(f).leased, 4);
    for (uint64_t k = 0; k < 10; k++) {
        committed(f, &k, 1, false);
        assert_true(status(f).leased <= 4);
    }
    assert_int_equal(status(f).state, MST_COORD_DONE);
    assert_int_equal(status(f).done, 10);
    assert_int_equal(status(f).leases, 0);
    assert_true(status(f).total_exact);
}

static void
test_core_no_keys_is_done(void **state)
{
    fixture_t *f = *state;
    start(f, 3, 1, false);
    rows(f, 0, true); // every row was refused
    assert_int_equal(status(f).state, MST_COORD_DONE);
    assert_int_equal(status(f).total, 0);
}

static void
test_core_guided_units(void **state)
{
    fixture_t *f = *state;
    uint64_t a = hello(f, 1, 'a', 1), b = hello(f, 2, 'b', 1);
    credit(f, 1, a, 512);
    credit(f, 2, b, 512);
    start(f, 3000, 1, false);
    rows(f, 3000, true);
    size_t sum = 0, small = MST_UNIT_CASES_MAX;
    for (size_t i = 0; i < f->fx->count; i++) {
        const mst_coord_effect_t *e = &f->fx->items[i];
        assert_int_equal(e->kind, MST_CF_GRANT);
        assert_int_equal(e->list[0], sum); // in order of keys
        sum += e->count;
        small = e->count < small ? e->count : small;
    }
    assert_int_equal(sum, 1024);
    assert_int_equal(small, MST_UNIT_CASES_MAX);
    assert_int_equal(status(f).leased, 1024);
}

// With plenty of credit a worker is fed by units, not case by case.
static void
test_core_no_dribble(void **state)
{
    fixture_t *f = *state;
    uint64_t a = hello(f, 1, 'a', 1);
    credit(f, 1, a, 80);
    start(f, 10000, 1, false);
    rows(f, 1000, true);
    assert_int_equal(status(f).leased, 80);
    uint64_t grants = status(f).grants;
    uint64_t k = 0;
    for (; k < 9; k++)
        committed(f, &k, 1, false);
    assert_int_equal(status(f).grants, grants);
    committed(f, &k, 1, false);
    assert_int_equal(status(f).grants, grants + 1);
    assert_int_equal(status(f).leased, 80);
}

static uint32_t
heavy_cost(void *ud, uint64_t key)
{
    (void)ud;
    (void)key;
    return MST_CASE_INLINE_MAX;
}

static void
test_core_unit_bytes(void **state)
{
    fixture_t *f = *state;
    mst_coord_free(&f->core);
    mst_coord_cfg_t cfg;
    mst_coord_cfg_default(&cfg);
    cfg.cost = heavy_cost;
    f->core = mst_coord_new(&cfg);
    uint64_t a = hello(f, 1, 'a', 1);
    credit(f, 1, a, 128);
    start(f, 1000, 1, false);
    rows(f, 1000, true);
    assert_int_equal(f->fx->items[0].count, MST_UNIT_BYTES_MAX / MST_CASE_INLINE_MAX);
    assert_int_equal(status(f).leased, 120); // the last eight would be a dribble
}

// More grants than effects have room for: the rest comes with the next step.
static void
test_core_more(void **state)
{
    fixture_t *f = *state;
    mst_coord_free(&f->core);
    mst_coord_cfg_t cfg;
    mst_coord_cfg_default(&cfg);
    cfg.unit_max = 1;
    f->core = mst_coord_new(&cfg);
    uint64_t a = hello(f, 1, 'a', 1);
    start(f, 1000, 1, false);
    rows(f, 1000, true);
    credit(f, 1, a, 100);
    assert_int_equal(f->fx->count, MST_COORD_EFFECTS_MAX);
    assert_true(f->fx->more);
    step(f, (mst_coord_event_t){.kind = MST_CE_PUMP});
    assert_int_equal(f->fx->count, 100 - MST_COORD_EFFECTS_MAX);
    assert_false(f->fx->more);
}

static void
test_core_expiry_requeues_in_order(void **state)
{
    fixture_t *f = *state;
    uint64_t a = hello(f, 1, 'a', 1);
    credit(f, 1, a, 5);
    start(f, 100, 1, false);
    rows(f, 100, true);
    const uint64_t lease = effect(f, MST_CF_GRANT)->lease_id;
    uint64_t two = 2;
    credit(f, 1, a, 0);
    committed(f, &two, 1, false); // out of order
    for (int i = 0; i < 6; i++) { // alive, but not naming the lease
        tick_after(f, 10 * MST_NS_PER_S);
        ping(f, 1, a, NULL, 0);
    }
    assert_true(status(f).leased > 0);
    tick_after(f, 8 * MST_NS_PER_S + 1);
    assert_int_equal(status(f).leased, 0);
    assert_int_equal(status(f).expired, 1);
    ping(f, 1, a, &lease, 1);
    const mst_coord_effect_t *pong = effect(f, MST_CF_PONG);
    assert_int_equal(pong->count, 1);
    assert_true(pong->list[0] == lease);
    credit(f, 1, a, 5);
    const mst_coord_effect_t *g = effect(f, MST_CF_GRANT);
    assert_int_equal(g->list[0], 0);
    assert_int_equal(g->list[1], 1);
    assert_int_equal(g->list[2], 3);
}

static void
test_core_ping_renews(void **state)
{
    fixture_t *f = *state;
    uint64_t a = hello(f, 1, 'a', 1);
    credit(f, 1, a, 2);
    start(f, 6, 1, false);
    rows(f, 6, true);
    uint64_t lease = effect(f, MST_CF_GRANT)->lease_id;
    for (int i = 0; i < 40; i++) {
        tick_after(f, 5 * MST_NS_PER_S);
        ping(f, 1, a, &lease, 1);
        assert_int_equal(effect(f, MST_CF_PONG)->count, 0);
    }
    assert_int_equal(status(f).expired, 0);
    assert_int_equal(status(f).leased, 2);
}

// A late result of an expired lease counts, also while another worker holds the key.
static void
test_core_late_result(void **state)
{
    fixture_t *f = *state;
    uint64_t a = hello(f, 1, 'a', 1);
    credit(f, 1, a, 1);
    start(f, 1, 1, false);
    rows(f, 1, true);
    tick_after(f, 69 * MST_NS_PER_S);
    uint64_t b = hello(f, 2, 'b', 1);
    credit(f, 2, b, 1);
    assert_non_null(effect(f, MST_CF_GRANT));
    uint64_t k = 0;
    committed(f, &k, 1, false);
    assert_int_equal(status(f).state, MST_COORD_DONE);
    assert_int_equal(status(f).leases, 0);
}

static void
test_core_suspect_and_lost(void **state)
{
    fixture_t *f = *state;
    uint64_t a = hello(f, 1, 'a', 1);
    credit(f, 1, a, 2);
    start(f, 100, 1, false);
    rows(f, 100, true);
    uint64_t k = 0;
    tick_after(f, 16 * MST_NS_PER_S); // SUSPECT: nothing new
    committed(f, &k, 1, false);
    k = 1;
    committed(f, &k, 1, false);
    assert_int_equal(status(f).leased, 0);
    credit(f, 1, a, 2); // heard of: LIVE again
    assert_int_equal(status(f).leased, 2);
    tick_after(f, 46 * MST_NS_PER_S); // LOST, its lease runs on
    assert_int_equal(status(f).sessions, 0);
    assert_int_equal(status(f).leased, 2);
    credit(f, 1, a, 2);
    assert_non_null(effect(f, MST_CF_UNKNOWN_SESSION));
    tick_after(f, 23 * MST_NS_PER_S);
    assert_int_equal(status(f).leased, 0);
}

// A worker that comes back on a new socket keeps what it held.
static void
test_core_takeover(void **state)
{
    fixture_t *f = *state;
    uint64_t a = hello(f, 1, 'a', 1);
    credit(f, 1, a, 2);
    start(f, 100, 1, false);
    rows(f, 100, true);
    uint64_t lease = effect(f, MST_CF_GRANT)->lease_id;
    tick_after(f, 46 * MST_NS_PER_S);
    uint64_t again = hello(f, 2, 'a', 2);
    assert_true(again != 0 && again != a);
    ping(f, 2, again, &lease, 1);
    assert_int_equal(effect(f, MST_CF_PONG)->count, 0);
    tick_after(f, 30 * MST_NS_PER_S);
    assert_int_equal(status(f).expired, 0);
    credit(f, 1, a, 9); // the old socket is nobody
    assert_non_null(effect(f, MST_CF_UNKNOWN_SESSION));
    assert_int_equal(hello(f, 3, 'a', 1), 0);     // nor may an older one come back
    assert_int_equal(hello(f, 2, 'a', 2), again); // said twice
}

static void
test_core_conn_gone_and_goodbye(void **state)
{
    fixture_t *f = *state;
    uint64_t a = hello(f, 1, 'a', 1), b = hello(f, 2, 'b', 1);
    start(f, 100, 1, false);
    rows(f, 100, true);
    credit(f, 1, a, 1);
    credit(f, 2, b, 1);
    step(f, (mst_coord_event_t){.kind = MST_CE_CONN_GONE, .conn = 1});
    assert_int_equal(status(f).sessions, 1);
    assert_int_equal(status(f).leased, 2);
    step(f, (mst_coord_event_t){.kind = MST_CE_GOODBYE, .conn = 2, .session = b});
    assert_non_null(effect(f, MST_CF_GOODBYE_OK));
    assert_int_equal(status(f).sessions, 0);
    assert_int_equal(status(f).leased, 1);
}

static void
test_core_return(void **state)
{
    fixture_t *f = *state;
    uint64_t a = hello(f, 1, 'a', 1);
    credit(f, 1, a, 6);
    start(f, 20, 1, false);
    rows(f, 20, true);
    const mst_coord_effect_t *g = effect(f, MST_CF_GRANT);
    assert_int_equal(g->count, 6);
    uint64_t lease = g->lease_id, back[] = {1, 4, 77};
    give_back(f, 1, a, lease, MST_RETURN_BACKEND_DOWN, back, 3, false);
    assert_int_equal(status(f).leased, 4);
    assert_null(effect(f, MST_CF_GRANT)); // left alone for a second
    tick_after(f, MST_NS_PER_S);
    g = effect(f, MST_CF_GRANT);
    assert_non_null(g);
    assert_int_equal(g->list[0], 1);
    assert_int_equal(g->list[1], 4);
    give_back(f, 1, a, 12345, MST_RETURN_BACKEND_DOWN, back, 3, true); // no lease of ours
    assert_int_equal(status(f).state, MST_COORD_RUNNING);
    give_back(f, 1, a, lease, MST_RETURN_BACKEND_DOWN, NULL, 0, true);
    assert_int_equal(status(f).state, MST_COORD_ABORTED);
    assert_int_equal(status(f).leases, 0);
    assert_int_equal(effect(f, MST_CF_RUN_CONTROL)->state, 3);
}

static void
test_core_unsent(void **state)
{
    fixture_t *f = *state;
    uint64_t a = hello(f, 1, 'a', 1);
    credit(f, 1, a, 6);
    start(f, 6, 1, false);
    rows(f, 6, true);
    uint64_t lease = effect(f, MST_CF_GRANT)->lease_id;
    step(f, (mst_coord_event_t){.kind = MST_CE_UNSENT, .conn = 1, .u.unsent.lease_id = lease});
    assert_null(effect(f, MST_CF_GRANT));
    f->now += 2 * MST_NS_PER_MS;
    step(f, (mst_coord_event_t){.kind = MST_CE_PUMP});
    assert_int_equal(effect(f, MST_CF_GRANT)->list[0], 0);
}

static void
test_core_cancel_drains(void **state)
{
    fixture_t *f = *state;
    uint64_t a = hello(f, 1, 'a', 1);
    credit(f, 1, a, 4);
    start(f, 100, 1, false);
    rows(f, 100, true);
    uint64_t lease = effect(f, MST_CF_GRANT)->lease_id;
    step(f, (mst_coord_event_t){.kind = MST_CE_CANCEL});
    assert_int_equal(effect(f, MST_CF_RUN_CONTROL)->state, 2);
    assert_int_equal(status(f).state, MST_COORD_DRAINING);
    ping(f, 1, a, &lease, 1); // said again: the first may have been lost
    assert_int_equal(effect(f, MST_CF_RUN_CONTROL)->state, 2);
    uint64_t unstarted[] = {2, 3}, started[] = {0, 1};
    give_back(f, 1, a, lease, MST_RETURN_CANCELLED, unstarted, 2, false);
    assert_int_equal(effects(f, MST_CF_GRANT), 0);
    assert_int_equal(status(f).state, MST_COORD_DRAINING);
    committed(f, started, 2, false);
    assert_int_equal(status(f).state, MST_COORD_INTERRUPTED);
    assert_int_equal(status(f).done, 2);
    credit(f, 1, a, 10);
    assert_int_equal(effects(f, MST_CF_GRANT), 0);
}

static void
test_core_cancel_now(void **state)
{
    fixture_t *f = *state;
    uint64_t a = hello(f, 1, 'a', 1);
    credit(f, 1, a, 4);
    start(f, 100, 1, false);
    rows(f, 100, true);
    step(f, (mst_coord_event_t){.kind = MST_CE_CANCEL, .u.cancel.now = true});
    assert_int_equal(status(f).state, MST_COORD_INTERRUPTED);
    assert_int_equal(effect(f, MST_CF_RUN_CONTROL)->state, 3);
    start(f, 5, 1, false); // another run may follow
    rows(f, 5, true);
    assert_int_equal(effect(f, MST_CF_GRANT)->list[0], 0);
}

static void
test_core_fail_fast(void **state)
{
    fixture_t *f = *state;
    uint64_t a = hello(f, 1, 'a', 1);
    credit(f, 1, a, 2);
    start(f, 100, 1, true);
    rows(f, 100, true);
    uint64_t k = 0;
    committed(f, &k, 1, true);
    assert_int_equal(status(f).state, MST_COORD_DRAINING);
    k = 1;
    committed(f, &k, 1, false);
    assert_int_equal(status(f).state, MST_COORD_FAILED_FAST);
}

static void
test_core_resume(void **state)
{
    fixture_t *f = *state;
    uint64_t a = hello(f, 1, 'a', 1);
    credit(f, 1, a, 8);
    start(f, 4, 2, false);
    uint64_t before[] = {0, 1, 2, 7, 999}; // the last is beyond the dataset
    mst_coord_event_t ev = {.kind = MST_CE_KEYS_DONE};
    ev.u.done.keys = before;
    ev.u.done.count = 5;
    step(f, ev);
    assert_int_equal(status(f).done, 5);
    assert_true(mst_coord_case_done(f->core, 0));
    assert_false(mst_coord_case_done(f->core, 1));
    rows(f, 4, true);
    const mst_coord_effect_t *g = effect(f, MST_CF_GRANT);
    assert_int_equal(g->list[0], 3);
    uint64_t rest[] = {3, 4, 5, 6};
    committed(f, rest, 4, false);
    assert_int_equal(status(f).state, MST_COORD_DONE);
    assert_int_equal(status(f).done, 8);
}

static void
test_core_strays(void **state)
{
    fixture_t *f = *state;
    start(f, 4, 1, false);
    rows(f, 4, true);
    uint64_t far = 4;
    committed(f, &far, 1, false);
    mst_coord_event_t ev = {.kind = MST_CE_COMMITTED};
    ev.u.done.run_no = 2;
    ev.u.done.generation = 1;
    ev.u.done.keys = &far;
    ev.u.done.count = 1;
    step(f, ev);
    ping(f, 9, 9, NULL, 0);
    assert_non_null(effect(f, MST_CF_UNKNOWN_SESSION));
    assert_int_equal(status(f).strays, 3);
    assert_int_equal(status(f).done, 0);
}

static void
test_core_keys_pages(void **state)
{
    (void)state;
    mst_keys_t k = {0};
    uint64_t n = 3 * MST_KEYS_PAGE + 100;
    mst_keys_set_avail(&k, n);
    for (uint64_t i = 0; i < n; i++)
        if (i != 5000)
            assert_true(mst_keys_set_done(&k, i));
    assert_false(mst_keys_set_done(&k, 7)); // its page is full and gone
    assert_int_equal(mst_keys_next_open(&k, 0), 5000);
    assert_int_equal(mst_keys_next_open(&k, 5001), MST_KEYS_NONE);
    assert_int_equal(mst_keys_open(&k), 1);
    mst_keys_lease(&k, 5000, 9);
    assert_int_equal(mst_keys_holder(&k, 5000), 9);
    assert_int_equal(mst_keys_next_open(&k, 0), MST_KEYS_NONE);
    mst_keys_set_avail(&k, n + 10);
    assert_int_equal(mst_keys_next_open(&k, 0), n);
    k.hint = n;
    mst_keys_unlease(&k, 5000);
    assert_int_equal(k.hint, 5000);
    assert_int_equal(mst_keys_count_done(&k, 0, n + 10), n - 1);
    mst_keys_deinit(&k);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_core_one_worker_whole_run),
        T(test_core_no_keys_is_done),
        T(test_core_guided_units),
        T(test_core_no_dribble),
        T(test_core_unit_bytes),
        T(test_core_more),
        T(test_core_expiry_requeues_in_order),
        T(test_core_ping_renews),
        T(test_core_late_result),
        T(test_core_suspect_and_lost),
        T(test_core_takeover),
        T(test_core_conn_gone_and_goodbye),
        T(test_core_return),
        T(test_core_unsent),
        T(test_core_cancel_drains),
        T(test_core_cancel_now),
        T(test_core_fail_fast),
        T(test_core_resume),
        T(test_core_strays),
        T(test_core_keys_pages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
