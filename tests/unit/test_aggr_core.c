// The aggregator's rules: acknowledged only after the commit, never twice in a commit, credit, chunks, a store that
// fails, a coordinator that does not hear.
#include "aggregator/core/core.h"

#include "common/base/prng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define S 1000000000LL

typedef struct {
    mst_aggr_t *a;
    mst_aggr_effects_t fx;
    int64_t now;
    int payloads; // given and not released
    int workers;  // given and not forgotten
} core_t;

static void
count_back(core_t *c)
{
    for (size_t i = 0; i < c->fx.count; i++) {
        c->payloads -= c->fx.items[i].kind == MST_AF_RELEASE;
        c->workers -= c->fx.items[i].kind == MST_AF_FORGET;
    }
}

static void
step(core_t *c, mst_aggr_event_t ev)
{
    mst_aggr_step(c->a, &ev, c->now, &c->fx);
    count_back(c);
}

static const mst_aggr_effect_t *
effect(const core_t *c, mst_aggr_effect_kind_t kind)
{
    for (size_t i = 0; i < c->fx.count; i++)
        if (c->fx.items[i].kind == kind)
            return &c->fx.items[i];
    return NULL;
}

static void
hello(core_t *c, uint64_t conn, uint8_t who)
{
    c->workers++;
    step(c, (mst_aggr_event_t){.kind = MST_AE_HELLO, .conn = conn, .instance = {who}, .payload = c});
}

static void
batch(core_t *c, uint64_t conn, uint64_t id, uint32_t rows, size_t bytes)
{
    c->payloads++;
    step(c, (mst_aggr_event_t){.kind = MST_AE_BATCH,
                               .conn = conn,
                               .batch_id = id,
                               .run_no = 1,
                               .rows = rows,
                               .bytes = bytes,
                               .payload = c});
}

static void
simple(core_t *c, mst_aggr_event_kind_t kind)
{
    step(c, (mst_aggr_event_t){.kind = kind});
}

static int
setup(void **state)
{
    core_t *c = calloc(1, sizeof *c);
    c->a = mst_aggr_new(8 * MST_MIB);
    c->now = 5 * S;
    *state = c;
    return 0;
}

static void
back_payload(void *ud, void *payload)
{
    (void)payload;
    ((core_t *)ud)->payloads--;
}

static void
back_worker(void *ud, void *payload)
{
    (void)payload;
    ((core_t *)ud)->workers--;
}

static int
teardown(void **state)
{
    core_t *c = *state;
    mst_aggr_free(&c->a, back_payload, back_worker, c);
    int lost = c->payloads + c->workers;
    free(c);
    return lost; // everything that was given came back once
}

static void
test_aggr_acks_after_commit(void **state)
{
    core_t *c = *state;
    hello(c, 10, 1);
    assert_non_null(effect(c, MST_AF_HELLO_OK));
    assert_int_equal(effect(c, MST_AF_CREDIT)->bytes, 8 * MST_MIB);
    batch(c, 10, 1, 100, 60000);
    assert_int_equal(c->fx.count, 0); // waits for an idle moment
    batch(c, 10, 2, 50, 30000);
    assert_true(mst_aggr_busy(c->a));
    simple(c, MST_AE_IDLE);
    const mst_aggr_effect_t *e = effect(c, MST_AF_COMMIT);
    assert_non_null(e);
    assert_null(effect(c, MST_AF_ACK));
    mst_aggr_batch_t *group = e->group;
    assert_true(group->batch_id == 1 && group->next->batch_id == 2 && !group->next->next);
    group->inserted = 98;
    group->duplicate = 2;
    group->next->inserted = 50;
    batch(c, 10, 3, 1, 10); // arrives while it commits
    simple(c, MST_AE_IDLE);
    assert_null(effect(c, MST_AF_COMMIT)); // one at a time
    simple(c, MST_AE_COMMIT_DONE);
    e = effect(c, MST_AF_ACK);
    assert_non_null(e);
    assert_true(e->conn == 10 && e->id_count == 2 && e->ids[0] == 1 && e->ids[1] == 2);
    assert_true(e->inserted == 148 && e->duplicate == 2 && e->fenced == 0);
    assert_int_equal(c->payloads, 1);
    simple(c, MST_AE_IDLE);
    assert_int_equal(effect(c, MST_AF_COMMIT)->group->batch_id, 3);
    simple(c, MST_AE_COMMIT_DONE);
    assert_int_equal(mst_aggr_held(c->a), 0);
}

static void
test_aggr_full_group_commits_at_once(void **state)
{
    core_t *c = *state;
    hello(c, 10, 1);
    for (uint64_t id = 1; id < 8; id++) {
        batch(c, 10, id, 256, 1000);
        assert_null(effect(c, MST_AF_COMMIT));
    }
    batch(c, 10, 8, 256, 1000); // 2048 rows
    assert_non_null(effect(c, MST_AF_COMMIT));
    simple(c, MST_AE_COMMIT_DONE);
    assert_int_equal(effect(c, MST_AF_ACK)->id_count, 8);
}

static void
test_aggr_one_ack_a_worker(void **state)
{
    core_t *c = *state;
    hello(c, 10, 1);
    hello(c, 11, 2);
    batch(c, 10, 1, 1, 10);
    batch(c, 11, 1, 1, 10);
    batch(c, 10, 2, 1, 10);
    simple(c, MST_AE_IDLE);
    mst_aggr_batch_t *group = effect(c, MST_AF_COMMIT)->group;
    group->next->nack = MST_NACK_BAD_ROW; // the one of worker 2
    simple(c, MST_AE_COMMIT_DONE);
    int acks = 0, nacks = 0;
    for (size_t i = 0; i < c->fx.count; i++) {
        const mst_aggr_effect_t *e = &c->fx.items[i];
        acks += e->kind == MST_AF_ACK;
        nacks += e->kind == MST_AF_NACK;
        if (e->kind == MST_AF_ACK)
            assert_true(e->conn == 10 && e->id_count == 2 && e->ids[1] == 2);
        if (e->kind == MST_AF_NACK)
            assert_true(e->conn == 11 && e->batch_id == 1 && e->code == MST_NACK_BAD_ROW);
    }
    assert_true(acks == 1 && nacks == 1);
}

static void
test_aggr_strangers(void **state)
{
    core_t *c = *state;
    batch(c, 99, 1, 1, 10);
    assert_int_equal(effect(c, MST_AF_UNKNOWN)->conn, 99);
    assert_int_equal(c->payloads, 0);
    step(c, (mst_aggr_event_t){.kind = MST_AE_CHUNK, .conn = 99, .batch_id = 1, .total = 10, .data = MST_STR("x")});
    assert_int_equal(effect(c, MST_AF_UNKNOWN)->conn, 99);
    step(c, (mst_aggr_event_t){.kind = MST_AE_GONE, .conn = 99});
    step(c, (mst_aggr_event_t){.kind = MST_AE_FEED_ACK, .seq = 99});
    assert_int_equal(c->fx.count, 0);
}

// A worker that dials again: what waits is acknowledged on the new connection, what it sends again is taken once.
static void
test_aggr_new_connection(void **state)
{
    core_t *c = *state;
    hello(c, 10, 1);
    batch(c, 10, 1, 1, 10);
    batch(c, 10, 2, 1, 10);
    hello(c, 12, 1);
    assert_int_equal(c->workers, 1); // known already: what came with the second hello went back
    batch(c, 12, 1, 1, 10);
    batch(c, 12, 2, 1, 10);
    batch(c, 12, 3, 1, 10);
    simple(c, MST_AE_IDLE);
    int count = 0;
    for (mst_aggr_batch_t *b = effect(c, MST_AF_COMMIT)->group; b; b = b->next)
        count++;
    assert_int_equal(count, 3);
    simple(c, MST_AE_COMMIT_DONE);
    assert_true(effect(c, MST_AF_ACK)->conn == 12 && effect(c, MST_AF_ACK)->id_count == 3);
    batch(c, 12, 2, 1, 10); // sent again after its commit: stored again, the key absorbs it
    simple(c, MST_AE_IDLE);
    assert_non_null(effect(c, MST_AF_COMMIT));
    batch(c, 10, 9, 1, 10); // the old connection is nobody's
    assert_non_null(effect(c, MST_AF_UNKNOWN));
    simple(c, MST_AE_COMMIT_DONE);
}

static void
test_aggr_worker_leaves_before_commit(void **state)
{
    core_t *c = *state;
    hello(c, 10, 1);
    batch(c, 10, 1, 5, 10);
    step(c, (mst_aggr_event_t){.kind = MST_AE_GOODBYE, .conn = 10});
    assert_non_null(effect(c, MST_AF_GOODBYE_OK));
    assert_int_equal(c->workers, 1); // its batch still needs it
    simple(c, MST_AE_IDLE);
    mst_aggr_batch_t *group = effect(c, MST_AF_COMMIT)->group;
    assert_ptr_equal(mst_aggr_worker_of(group), c);
    simple(c, MST_AE_COMMIT_DONE);
    assert_null(effect(c, MST_AF_ACK));
    assert_int_equal(c->workers, 0);
    assert_null(mst_aggr_worker(c->a, 10));
}

static void
test_aggr_credit_is_shared_and_enforced(void **state)
{
    core_t *c = *state;
    for (uint64_t i = 0; i < 4; i++)
        hello(c, 10 + i, (uint8_t)(i + 1));
    assert_int_equal(effect(c, MST_AF_CREDIT)->bytes, 2 * MST_MIB);
    simple(c, MST_AE_TICK);
    int credits = 0;
    for (size_t i = 0; i < c->fx.count; i++) {
        credits += c->fx.items[i].kind == MST_AF_CREDIT;
        if (c->fx.items[i].kind == MST_AF_CREDIT)
            assert_int_equal(c->fx.items[i].bytes, 2 * MST_MIB);
    }
    assert_int_equal(credits, 4);
    uint64_t id = 1;
    simple(c, MST_AE_IDLE);
    batch(c, 11, 1, 2000, MST_MIB); // starts a commit, so that the rest must wait
    assert_non_null(effect(c, MST_AF_COMMIT));
    while (!effect(c, MST_AF_UNKNOWN)) // one worker ignores its credit
        batch(c, 10, id++, 1, MST_MIB / 2);
    assert_true(mst_aggr_held(c->a) <= 8 * MST_MIB);
    simple(c, MST_AE_COMMIT_DONE);
}

static mst_aggr_event_t
chunk(uint64_t id, uint64_t total, uint64_t offset, mst_str_t data)
{
    return (mst_aggr_event_t){
        .kind = MST_AE_CHUNK, .conn = 10, .batch_id = id, .run_no = 7, .total = total, .offset = offset, .data = data};
}

static void
test_aggr_chunks(void **state)
{
    core_t *c = *state;
    hello(c, 10, 1);
    step(c, chunk(4, 10, 0, MST_STR("aaaa")));
    step(c, chunk(4, 10, 4, MST_STR("bbbb")));
    assert_false(mst_aggr_busy(c->a));
    assert_int_equal(mst_aggr_held(c->a), 8);
    step(c, chunk(4, 10, 8, MST_STR("cc")));
    simple(c, MST_AE_IDLE);
    mst_aggr_batch_t *b = effect(c, MST_AF_COMMIT)->group;
    assert_true(mst_str_eq(mst_buf_view(&b->large), MST_STR("aaaabbbbcc")));
    assert_true(b->batch_id == 4 && b->run_no == 7 && b->rows == 1 && !b->payload);
    simple(c, MST_AE_COMMIT_DONE);
    assert_int_equal(effect(c, MST_AF_ACK)->ids[0], 4);
    assert_int_equal(mst_aggr_held(c->a), 0);
}

static void
test_aggr_bad_chunks(void **state)
{
    core_t *c = *state;
    hello(c, 10, 1);
    step(c, chunk(1, 9 * MST_MIB, 0, MST_STR("aaaa"))); // over the memory
    assert_int_equal(effect(c, MST_AF_NACK)->code, MST_NACK_TOO_LARGE);
    step(c, chunk(1, 9 * MST_MIB, 4, MST_STR("aaaa"))); // the rest of it is let go without a word
    assert_int_equal(c->fx.count, 0);
    step(c, chunk(2, 10, 0, MST_STR("aaaa")));
    step(c, chunk(2, 10, 5, MST_STR("bbbb"))); // a gap
    assert_int_equal(effect(c, MST_AF_NACK)->code, MST_NACK_BAD_ROW);
    assert_int_equal(mst_aggr_held(c->a), 0);
    step(c, chunk(3, 10, 0, MST_STR("aaaa")));
    step(c, chunk(3, 10, 4, MST_STR("more than ten"))); // past the end
    assert_int_equal(effect(c, MST_AF_NACK)->code, MST_NACK_BAD_ROW);
    step(c, chunk(4, 10, 4, MST_STR("aaaa"))); // begins in the middle
    assert_int_equal(effect(c, MST_AF_NACK)->code, MST_NACK_BAD_ROW);
    step(c, chunk(5, 10, 0, MST_STR(""))); // empty
    assert_int_equal(effect(c, MST_AF_NACK)->code, MST_NACK_BAD_ROW);
    step(c, chunk(6, 0, 0, MST_STR("")));
    assert_int_equal(effect(c, MST_AF_NACK)->code, MST_NACK_TOO_LARGE);
    step(c, chunk(7, 10, 0, MST_STR("aaaa")));
    step(c, chunk(8, 4, 0, MST_STR("bbbb"))); // another begins before the first was whole
    simple(c, MST_AE_IDLE);
    assert_int_equal(effect(c, MST_AF_COMMIT)->group->batch_id, 8);
    simple(c, MST_AE_COMMIT_DONE);
    assert_int_equal(mst_aggr_held(c->a), 0);
}

static void
test_aggr_store_fails_and_comes_back(void **state)
{
    core_t *c = *state;
    hello(c, 10, 1);
    batch(c, 10, 1, 5, 10);
    simple(c, MST_AE_IDLE);
    step(c, (mst_aggr_event_t){.kind = MST_AE_COMMIT_FAILED, .rc = MST_FULL, .data = MST_STR("disk full")});
    assert_int_equal(effect(c, MST_AF_STORE_FAILED)->rc, MST_FULL);
    assert_true(mst_str_eq(effect(c, MST_AF_STORE_FAILED)->text, MST_STR("disk full")));
    assert_null(effect(c, MST_AF_ACK));
    batch(c, 10, 2, 2000, 10);
    simple(c, MST_AE_IDLE);
    assert_null(effect(c, MST_AF_COMMIT)); // not before its time
    c->now += S;
    simple(c, MST_AE_TICK);
    assert_int_equal(effect(c, MST_AF_COMMIT)->group->batch_id, 1); // the same rows again
    step(c, (mst_aggr_event_t){.kind = MST_AE_COMMIT_FAILED, .rc = MST_FULL, .data = MST_STR("disk full")});
    assert_null(effect(c, MST_AF_STORE_FAILED)); // said once
    c->now += S;
    simple(c, MST_AE_TICK);
    simple(c, MST_AE_COMMIT_DONE);
    assert_int_equal(effect(c, MST_AF_ACK)->ids[0], 1);
    assert_int_equal(effect(c, MST_AF_COMMIT)->group->batch_id, 2); // 2000 rows wait: on at once
    step(c, (mst_aggr_event_t){.kind = MST_AE_COMMIT_FAILED, .rc = MST_IO, .data = MST_STR("disk broken")});
    assert_int_equal(effect(c, MST_AF_STORE_FAILED)->rc, MST_IO); // a new failure is news
}

static void
test_aggr_stop_commits_all(void **state)
{
    core_t *c = *state;
    hello(c, 10, 1);
    for (uint64_t id = 1; id <= 12; id++) {
        batch(c, 10, id, 300, 10);
        if (effect(c, MST_AF_COMMIT))
            break;
    }
    batch(c, 10, 20, 300, 10);
    simple(c, MST_AE_STOP);
    assert_null(effect(c, MST_AF_STOPPED));
    batch(c, 10, 30, 1, 10);
    assert_int_equal(effect(c, MST_AF_NACK)->code, MST_NACK_SHUTTING_DOWN);
    simple(c, MST_AE_COMMIT_DONE);
    assert_int_equal(effect(c, MST_AF_COMMIT)->group->batch_id, 20);
    assert_null(effect(c, MST_AF_STOPPED));
    simple(c, MST_AE_COMMIT_DONE);
    assert_non_null(effect(c, MST_AF_ACK));
    assert_non_null(effect(c, MST_AF_STOPPED));
    simple(c, MST_AE_TICK);
    assert_null(effect(c, MST_AF_STOPPED)); // said once
}

static void
test_aggr_stop_with_a_failing_store(void **state)
{
    core_t *c = *state;
    hello(c, 10, 1);
    batch(c, 10, 1, 300, 10);
    simple(c, MST_AE_IDLE);
    step(c, (mst_aggr_event_t){.kind = MST_AE_COMMIT_FAILED, .rc = MST_FULL, .data = MST_STR("disk full")});
    simple(c, MST_AE_STOP);
    assert_non_null(effect(c, MST_AF_COMMIT)); // one last try
    assert_null(effect(c, MST_AF_STOPPED));
    step(c, (mst_aggr_event_t){.kind = MST_AE_COMMIT_FAILED, .rc = MST_FULL, .data = MST_STR("disk full")});
    assert_non_null(effect(c, MST_AF_STOPPED));
    assert_null(effect(c, MST_AF_ACK));
}

static size_t
sends(const core_t *c)
{
    size_t n = 0;
    for (size_t i = 0; i < c->fx.count; i++)
        n += c->fx.items[i].kind == MST_AF_FEED_SEND;
    return n;
}

static void
feed_message(core_t *c, mst_str_t data)
{
    step(c, (mst_aggr_event_t){.kind = MST_AE_FEED_MESSAGE, .seq = mst_aggr_feed_seq(c->a), .data = data});
}

static void
test_aggr_feed_until_heard(void **state)
{
    core_t *c = *state;
    simple(c, MST_AE_TICK);
    assert_non_null(effect(c, MST_AF_FEED_HELLO));
    simple(c, MST_AE_TICK);
    assert_null(effect(c, MST_AF_FEED_HELLO)); // gives it time to answer
    feed_message(c, MST_STR("one"));
    assert_int_equal(sends(c), 0);
    c->now += 3 * S;
    simple(c, MST_AE_TICK);
    assert_non_null(effect(c, MST_AF_FEED_HELLO));
    simple(c, MST_AE_FEED_UP);
    assert_true(sends(c) == 1 && mst_str_eq(effect(c, MST_AF_FEED_SEND)->text, MST_STR("one")));
    feed_message(c, MST_STR("two"));
    assert_int_equal(sends(c), 1);
    step(c, (mst_aggr_event_t){.kind = MST_AE_FEED_ACK, .seq = 1});
    c->now += 6 * S;
    simple(c, MST_AE_TICK); // no answer to the second: again
    assert_true(sends(c) == 1 && mst_str_eq(effect(c, MST_AF_FEED_SEND)->text, MST_STR("two")));
    simple(c, MST_AE_FEED_DOWN); // a coordinator that began anew
    assert_non_null(effect(c, MST_AF_FEED_HELLO));
    simple(c, MST_AE_FEED_UP);
    assert_int_equal(sends(c), 1);
    step(c, (mst_aggr_event_t){.kind = MST_AE_FEED_ACK, .seq = 2});
    step(c, (mst_aggr_event_t){.kind = MST_AE_FEED_ACK, .seq = 2});
    c->now += 60 * S;
    simple(c, MST_AE_TICK);
    assert_int_equal(sends(c), 0);
}

static void
test_aggr_commits_wait_for_a_deaf_coordinator(void **state)
{
    core_t *c = *state;
    hello(c, 10, 1);
    static char big[MST_MIB];
    for (int i = 0; i < 16; i++)
        feed_message(c, mst_str(big, sizeof big));
    batch(c, 10, 1, 1, 10);
    simple(c, MST_AE_IDLE);
    assert_null(effect(c, MST_AF_COMMIT));
    step(c, (mst_aggr_event_t){.kind = MST_AE_FEED_ACK, .seq = 1});
    simple(c, MST_AE_IDLE);
    assert_non_null(effect(c, MST_AF_COMMIT));
    simple(c, MST_AE_COMMIT_DONE);
}

#define WORKERS 4
#define IDS     64

typedef struct {
    core_t *c;
    mst_prng_t r;
    uint8_t stored[WORKERS][IDS], acked[WORKERS][IDS];
    uint64_t conns[WORKERS], next_conn, next_id[WORKERS];
    mst_aggr_batch_t *group;
} history_t;

static int numbers[WORKERS] = {0, 1, 2, 3}; // what a worker's hello carries

static void
history_hello(history_t *h, uint64_t w)
{
    h->c->workers++;
    h->conns[w] = h->next_conn++;
    step(h->c, (mst_aggr_event_t){
                   .kind = MST_AE_HELLO, .conn = h->conns[w], .instance = {(uint8_t)(w + 1)}, .payload = &numbers[w]});
}

static void
history_stored(history_t *h)
{
    for (mst_aggr_batch_t *b = h->group; b; b = b->next) {
        const int *w = mst_aggr_worker_of(b);
        h->stored[*w][b->batch_id] = 1;
    }
    h->group = NULL;
    simple(h->c, MST_AE_COMMIT_DONE);
}

static void
history_event(history_t *h, bool calm)
{
    core_t *c = h->c;
    uint64_t what = mst_prng_below(&h->r, 10), w = mst_prng_below(&h->r, WORKERS);
    if (what < 3 && h->next_id[w] < IDS - 1)
        batch(c, h->conns[w], h->next_id[w]++, (uint32_t)mst_prng_below(&h->r, 900) + 1, 1000);
    else if (what == 3 && h->next_id[w] > 1) // one of the old ones again
        batch(c, h->conns[w], mst_prng_below(&h->r, h->next_id[w] - 1) + 1, 1, 1000);
    else if (what == 4 && !calm)
        history_hello(h, w);
    else if (what == 5 && h->group && !calm) {
        h->group = NULL;
        step(c, (mst_aggr_event_t){.kind = MST_AE_COMMIT_FAILED, .rc = MST_IO, .data = MST_STR("x")});
    } else if (what >= 5 && what < 8 && h->group)
        history_stored(h);
    else
        simple(c, what == 8 ? MST_AE_TICK : MST_AE_IDLE);
}

static void
history_check(history_t *h)
{
    for (size_t i = 0; i < h->c->fx.count; i++) {
        const mst_aggr_effect_t *e = &h->c->fx.items[i];
        if (e->kind == MST_AF_COMMIT) {
            assert_null(h->group);
            h->group = e->group;
        }
        for (size_t k = 0; e->kind == MST_AF_ACK && k < e->id_count; k++)
            for (int p = 0; p < WORKERS; p++)
                if (h->conns[p] == e->conn) {
                    assert_int_equal(h->stored[p][e->ids[k]], 1);
                    h->acked[p][e->ids[k]] = 1;
                }
    }
}

// Random workers, failures and reconnections: a batch that is acknowledged was in a group that was stored, and in
// the end every batch is.
static void
test_aggr_random_history(void **state)
{
    core_t *c = *state;
    for (uint64_t seed = 1; seed <= 300; seed++) {
        history_t h = {.c = c, .next_conn = 100, .next_id = {1, 1, 1, 1}};
        mst_prng_seed(&h.r, seed);
        mst_aggr_free(&c->a, back_payload, back_worker, c);
        c->a = mst_aggr_new(8 * MST_MIB);
        for (uint64_t w = 0; w < WORKERS; w++)
            history_hello(&h, w);
        for (int n = 0; n < 600; n++) {
            c->now += (int64_t)mst_prng_below(&h.r, S / 4);
            history_event(&h, n > 450);
            history_check(&h);
        }
        while (h.group || mst_aggr_busy(c->a)) {
            c->now += S;
            if (h.group)
                history_stored(&h);
            else
                simple(c, MST_AE_TICK);
            history_check(&h);
        }
        for (int w = 0; w < WORKERS; w++)
            for (uint64_t id = 1; id < h.next_id[w]; id++)
                if (!h.acked[w][id])
                    fail_msg("seed %llu: batch %llu of worker %d was never acknowledged", (unsigned long long)seed,
                             (unsigned long long)id, w);
        assert_int_equal(mst_aggr_held(c->a), 0);
        assert_int_equal(c->payloads, 0);
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_aggr_acks_after_commit),
        TEST(test_aggr_full_group_commits_at_once),
        TEST(test_aggr_one_ack_a_worker),
        TEST(test_aggr_strangers),
        TEST(test_aggr_new_connection),
        TEST(test_aggr_worker_leaves_before_commit),
        TEST(test_aggr_credit_is_shared_and_enforced),
        TEST(test_aggr_chunks),
        TEST(test_aggr_bad_chunks),
        TEST(test_aggr_store_fails_and_comes_back),
        TEST(test_aggr_stop_commits_all),
        TEST(test_aggr_stop_with_a_failing_store),
        TEST(test_aggr_feed_until_heard),
        TEST(test_aggr_commits_wait_for_a_deaf_coordinator),
        TEST(test_aggr_random_history),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
