// common/base/queue.h
#include "common/base/mem.h"
#include "common/base/queue.h"

#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void *
item(uintptr_t n)
{
    return (void *)n;
}

static bool
readable(const mst_queue_t *q)
{
    struct pollfd p = {.fd = mst_queue_fd(q), .events = POLLIN};
    return poll(&p, 1, 0) == 1;
}

static void
test_queue_is_first_in_first_out(void **state)
{
    (void)state;
    mst_queue_t *q = mst_queue_new(3, false);
    assert_int_equal(mst_queue_fd(q), -1);
    void *got[8];
    uintptr_t in = 1, out = 1;
    for (int round = 0; round < 10; round++) {
        while (mst_queue_try_push(q, item(in)) == MST_OK)
            in++;
        assert_int_equal(mst_queue_count(q), 3);
        assert_int_equal(mst_queue_try_push(q, item(99)), MST_AGAIN);
        size_t n = mst_queue_pop(q, got, 2, false);
        assert_int_equal(n, 2);
        for (size_t i = 0; i < n; i++)
            assert_int_equal((uintptr_t)got[i], out++);
    }
    assert_int_equal(mst_queue_pop(q, got, 8, true), 1);
    assert_int_equal(mst_queue_pop(q, got, 8, false), 0);
    mst_queue_free(&q);
    assert_null(q);
    mst_queue_free(&q);
}

static void
test_queue_closed(void **state)
{
    (void)state;
    mst_queue_t *q = mst_queue_new(4, false);
    assert_int_equal(mst_queue_push(q, item(1)), MST_OK);
    mst_queue_close(q);
    mst_queue_close(q);
    assert_int_equal(mst_queue_try_push(q, item(2)), MST_CLOSED);
    assert_int_equal(mst_queue_push(q, item(2)), MST_CLOSED);
    void *got[4];
    assert_int_equal(mst_queue_pop(q, got, 4, true), 1);
    assert_int_equal(mst_queue_pop(q, got, 4, true), 0); // does not block
    mst_queue_free(&q);
}

static void
test_queue_descriptor_tells_the_state(void **state)
{
    (void)state;
    mst_queue_t *q = mst_queue_new(4, true);
    assert_non_null(q);
    void *got[4];
    assert_false(readable(q));
    assert_int_equal(mst_queue_try_push(q, item(1)), MST_OK);
    assert_int_equal(mst_queue_try_push(q, item(2)), MST_OK);
    assert_true(readable(q));
    assert_int_equal(mst_queue_pop(q, got, 1, false), 1);
    assert_true(readable(q)); // one is left
    assert_int_equal(mst_queue_pop(q, got, 4, false), 1);
    assert_false(readable(q));
    assert_int_equal(mst_queue_pop(q, got, 4, false), 0);
    assert_int_equal(mst_queue_push(q, item(3)), MST_OK);
    assert_true(readable(q));
    mst_queue_close(q);
    assert_int_equal(mst_queue_pop(q, got, 4, false), 1);
    assert_true(readable(q)); // closed: stays so
    mst_queue_free(&q);
    q = mst_queue_new(4, true);
    mst_queue_close(q);
    assert_true(readable(q));
    mst_queue_free(&q);
}

#define PER_THREAD 20000
#define PRODUCERS  3
#define CONSUMERS  2

typedef struct {
    mst_queue_t *q;
    uint64_t first;
    uint64_t sum, count;
} side_t;

static void *
produce(void *ud)
{
    side_t *s = ud;
    for (uint64_t i = 0; i < PER_THREAD; i++) {
        if (mst_queue_push(s->q, item(s->first + i)) != MST_OK)
            return NULL;
        s->count++;
    }
    return NULL;
}

static void *
consume(void *ud)
{
    side_t *s = ud;
    void *got[16];
    for (size_t n; (n = mst_queue_pop(s->q, got, 16, true)) > 0; s->count += n) {
        for (size_t i = 0; i < n; i++)
            s->sum += (uintptr_t)got[i];
    }
    return NULL;
}

static void
test_queue_between_threads(void **state)
{
    (void)state;
    for (int with_fd = 0; with_fd < 2; with_fd++) {
        mst_queue_t *q = mst_queue_new(32, with_fd);
        pthread_t producers[PRODUCERS], consumers[CONSUMERS];
        side_t in[PRODUCERS] = {0}, out[CONSUMERS] = {0};
        for (size_t i = 0; i < CONSUMERS; i++) {
            out[i].q = q;
            assert_int_equal(pthread_create(&consumers[i], NULL, consume, &out[i]), 0);
        }
        for (size_t i = 0; i < PRODUCERS; i++) {
            in[i] = (side_t){.q = q, .first = 1 + i * PER_THREAD};
            assert_int_equal(pthread_create(&producers[i], NULL, produce, &in[i]), 0);
        }
        for (size_t i = 0; i < PRODUCERS; i++)
            pthread_join(producers[i], NULL);
        mst_queue_close(q);
        for (size_t i = 0; i < CONSUMERS; i++)
            pthread_join(consumers[i], NULL);
        const uint64_t n = PRODUCERS * PER_THREAD;
        assert_int_equal(out[0].count + out[1].count, n);
        assert_int_equal(out[0].sum + out[1].sum, n * (n + 1) / 2);
        mst_queue_free(&q);
    }
}

// A producer that waits for room is let go by close.
static void
test_queue_close_wakes_a_blocked_producer(void **state)
{
    (void)state;
    mst_queue_t *q = mst_queue_new(2, false);
    side_t in = {.q = q, .first = 1};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, produce, &in), 0);
    while (mst_queue_count(q) < 2)
        sched_yield();
    mst_queue_close(q);
    pthread_join(thread, NULL);
    assert_int_equal(in.count, 2);
    mst_queue_free(&q);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_queue_is_first_in_first_out),          cmocka_unit_test(test_queue_closed),
        cmocka_unit_test(test_queue_descriptor_tells_the_state),     cmocka_unit_test(test_queue_between_threads),
        cmocka_unit_test(test_queue_close_wakes_a_blocked_producer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
