#include "common/loop/loop.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/base/clock.h"

enum { TIMERS = 200, WAKES = 1000 };

typedef struct {
    mst_loop_t *loop;
    mst_timer_t timers[TIMERS];
    int order[TIMERS];
    int fired, calls, turns, wanted;
    int fd, other_fd, last_events;
} world_t;

typedef struct {
    world_t *w;
    int id;
} tag_t;

static mst_loop_t *
loop_new(void)
{
    mst_loop_t *loop = NULL;
    assert_int_equal(mst_loop_new(&loop, NULL), MST_OK);
    return loop;
}

static void
stop(void *ud)
{
    mst_loop_stop(((world_t *)ud)->loop);
}

static void
on_order(void *ud)
{
    const tag_t *tag = ud;
    world_t *w = tag->w;
    assert_true(mst_loop_now(w->loop) >= w->timers[tag->id].node.due_ns);
    w->order[w->fired++] = tag->id;
    if (w->fired == w->wanted)
        mst_loop_stop(w->loop);
}

static void
test_loop_timers_fire_in_order_and_never_early(void **state)
{
    (void)state;
    world_t w = {.loop = loop_new(), .wanted = TIMERS - TIMERS / 4};
    static tag_t tags[TIMERS];
    int64_t base = mst_mono_ns() + 2 * MST_NS_PER_MS;
    for (int i = 0; i < TIMERS; i++) {
        tags[i] = (tag_t){&w, i};
        w.timers[i].fn = on_order;
        w.timers[i].ud = &tags[i];
        mst_loop_timer(w.loop, &w.timers[i], base + (int64_t)((i * 37) % TIMERS) * 20 * MST_NS_PER_US);
    }
    for (int i = 0; i < TIMERS; i += 4)
        mst_loop_timer_stop(w.loop, &w.timers[i]);
    mst_loop_run(w.loop);
    assert_int_equal(w.fired, w.wanted);
    for (int i = 1; i < w.fired; i++)
        assert_true((w.order[i - 1] * 37) % TIMERS <= (w.order[i] * 37) % TIMERS);
    for (int i = 0; i < w.fired; i++)
        assert_int_not_equal(w.order[i] % 4, 0);
    mst_loop_free(&w.loop);
    assert_null(w.loop);
}

static void
rearm_now(void *ud)
{
    world_t *w = ud;
    if (++w->calls == 50)
        mst_loop_stop(w->loop);
    else
        mst_loop_timer(w->loop, &w->timers[0], 0);
}

static bool
count_turn(void *ud)
{
    ((world_t *)ud)->turns++;
    return false;
}

static void
test_loop_timer_that_sets_itself_does_not_starve_the_turn(void **state)
{
    (void)state;
    world_t w = {.loop = loop_new()};
    w.timers[0] = (mst_timer_t){.fn = rearm_now, .ud = &w};
    mst_loop_timer(w.loop, &w.timers[0], 0);
    mst_loop_on_turn(w.loop, count_turn, &w);
    mst_loop_run(w.loop);
    assert_int_equal(w.calls, 50);
    assert_int_equal(w.turns, 50); // one firing a turn
    mst_loop_free(&w.loop);
}

static void
on_remove_other(void *ud, int fd, int events)
{
    world_t *w = ud;
    w->calls++;
    w->last_events = events;
    mst_loop_fd_remove(w->loop, fd == w->fd ? w->other_fd : w->fd);
    mst_loop_stop(w->loop);
}

static void
test_loop_removed_descriptor_is_not_called_in_the_same_turn(void **state)
{
    (void)state;
    world_t w = {.loop = loop_new(), .fd = eventfd(1, 0), .other_fd = eventfd(1, 0)};
    assert_int_equal(mst_loop_fd(w.loop, w.fd, MST_LOOP_READ, on_remove_other, &w, NULL), MST_OK);
    assert_int_equal(mst_loop_fd(w.loop, w.other_fd, MST_LOOP_READ, on_remove_other, &w, NULL), MST_OK);
    mst_loop_run(w.loop);
    assert_int_equal(w.calls, 1);
    assert_int_equal(w.last_events, MST_LOOP_READ);
    close(w.fd);
    close(w.other_fd);
    mst_loop_free(&w.loop);
}

static void
on_must_not_run(void *ud, int fd, int events)
{
    (void)fd;
    (void)events;
    ((world_t *)ud)->fired++;
}

// Closes the other descriptor and registers a new, silent one, which gets the same number.
static void
on_replace_other(void *ud, int fd, int events)
{
    world_t *w = ud;
    (void)events;
    if (w->calls++ > 0) {
        mst_loop_stop(w->loop);
        return;
    }
    int other = fd == w->fd ? w->other_fd : w->fd;
    mst_loop_fd_remove(w->loop, other);
    close(other);
    int fresh = eventfd(0, 0);
    assert_int_equal(fresh, other);
    assert_int_equal(mst_loop_fd(w->loop, fresh, MST_LOOP_READ, on_must_not_run, w, NULL), MST_OK);
}

static void
test_loop_event_of_an_earlier_owner_of_the_number_is_dropped(void **state)
{
    (void)state;
    world_t w = {.loop = loop_new(), .fd = eventfd(1, 0), .other_fd = eventfd(1, 0)};
    assert_int_equal(mst_loop_fd(w.loop, w.fd, MST_LOOP_READ, on_replace_other, &w, NULL), MST_OK);
    assert_int_equal(mst_loop_fd(w.loop, w.other_fd, MST_LOOP_READ, on_replace_other, &w, NULL), MST_OK);
    mst_loop_run(w.loop);
    assert_int_equal(w.fired, 0);
    assert_int_equal(w.calls, 2);
    close(w.fd);
    close(w.other_fd);
    mst_loop_free(&w.loop);
}

static void
on_record(void *ud, int fd, int events)
{
    world_t *w = ud;
    w->calls++;
    w->last_events = events;
    mst_loop_fd_remove(w->loop, fd);
    mst_loop_stop(w->loop);
}

static void
test_loop_reports_write_and_hang_up(void **state)
{
    (void)state;
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    world_t w = {.loop = loop_new()};
    assert_int_equal(mst_loop_fd(w.loop, pair[0], MST_LOOP_WRITE, on_record, &w, NULL), MST_OK);
    mst_loop_run(w.loop);
    assert_int_equal(w.last_events, MST_LOOP_WRITE);
    assert_int_equal(mst_loop_fd(w.loop, pair[0], 0, on_record, &w, NULL), MST_OK);
    close(pair[1]);
    mst_loop_run(w.loop);
    assert_int_equal(w.last_events, MST_LOOP_ERROR);
    close(pair[0]);
    mst_loop_free(&w.loop);
}

static void
test_loop_refuses_what_epoll_refuses(void **state)
{
    (void)state;
    world_t w = {.loop = loop_new()};
    mst_err_t err = {0};
    assert_int_equal(mst_loop_fd(w.loop, 1000000, MST_LOOP_READ, on_record, &w, &err), MST_IO);
    assert_non_null(strstr(err.message, "1000000"));
    mst_loop_fd_remove(w.loop, 1000000);
    mst_loop_free(&w.loop);
}

static bool
more_work(void *ud)
{
    world_t *w = ud;
    if (++w->turns < 10)
        return true; // without it the loop would sleep for ever: nothing else can happen
    mst_loop_stop(w->loop);
    return false;
}

static bool
again_work(void *ud)
{
    world_t *w = ud;
    if (++w->turns < 10)
        mst_loop_again(w->loop);
    else
        mst_loop_stop(w->loop);
    return false;
}

static void
test_loop_hook_with_more_work_keeps_the_loop_awake(void **state)
{
    (void)state;
    world_t w = {.loop = loop_new()};
    mst_loop_on_turn(w.loop, more_work, &w);
    mst_loop_run(w.loop);
    assert_int_equal(w.turns, 10);
    mst_loop_off_turn(w.loop, more_work, &w);
    w.turns = 0;
    mst_loop_on_turn(w.loop, again_work, &w);
    mst_loop_run(w.loop);
    assert_int_equal(w.turns, 10);
    mst_loop_free(&w.loop);
}

static bool
take_off_self(void *ud)
{
    world_t *w = ud;
    w->calls++;
    mst_loop_off_turn(w->loop, take_off_self, w);
    return true;
}

static void
test_loop_hook_may_take_itself_off(void **state)
{
    (void)state;
    world_t w = {.loop = loop_new()};
    mst_loop_on_turn(w.loop, take_off_self, &w);
    mst_loop_on_turn(w.loop, more_work, &w);
    mst_loop_run(w.loop);
    assert_int_equal(w.calls, 1);
    assert_int_equal(w.turns, 10);
    mst_loop_free(&w.loop);
}

typedef struct {
    mst_loop_t *loop;
    _Atomic int posted;
    int seen;
} wake_t;

static void *
waker(void *arg)
{
    wake_t *w = arg;
    for (int i = 0; i < WAKES; i++) {
        w->posted++;
        mst_loop_wake(w->loop);
    }
    return NULL;
}

static bool
see_posts(void *ud)
{
    wake_t *w = ud;
    w->seen = w->posted;
    if (w->seen == WAKES)
        mst_loop_stop(w->loop);
    return false; // sleeps: a lost wake-up would hang the test
}

static void
test_loop_wake_from_another_thread_is_never_lost(void **state)
{
    (void)state;
    for (int round = 0; round < 20; round++) {
        wake_t w = {.loop = loop_new()};
        mst_loop_on_turn(w.loop, see_posts, &w);
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, waker, &w), 0);
        mst_loop_run(w.loop);
        assert_int_equal(pthread_join(thread, NULL), 0);
        assert_int_equal(w.seen, WAKES);
        mst_loop_free(&w.loop);
    }
}

static void
test_loop_stop_leaves_the_rest_for_the_next_run(void **state)
{
    (void)state;
    world_t w = {.loop = loop_new(), .wanted = 1};
    tag_t tag = {&w, 1};
    w.timers[0] = (mst_timer_t){.fn = stop, .ud = &w};
    w.timers[1] = (mst_timer_t){.fn = on_order, .ud = &tag};
    mst_loop_timer(w.loop, &w.timers[0], 0);
    mst_loop_timer(w.loop, &w.timers[1], mst_mono_ns() + 50 * MST_NS_PER_MS);
    mst_loop_run(w.loop);
    assert_int_equal(w.fired, 0);
    mst_loop_run(w.loop);
    assert_int_equal(w.fired, 1);
    mst_loop_free(&w.loop);
    mst_loop_free(&w.loop);
    mst_loop_free(NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_loop_timers_fire_in_order_and_never_early),
        cmocka_unit_test(test_loop_timer_that_sets_itself_does_not_starve_the_turn),
        cmocka_unit_test(test_loop_removed_descriptor_is_not_called_in_the_same_turn),
        cmocka_unit_test(test_loop_event_of_an_earlier_owner_of_the_number_is_dropped),
        cmocka_unit_test(test_loop_reports_write_and_hang_up),
        cmocka_unit_test(test_loop_refuses_what_epoll_refuses),
        cmocka_unit_test(test_loop_hook_with_more_work_keeps_the_loop_awake),
        cmocka_unit_test(test_loop_hook_may_take_itself_off),
        cmocka_unit_test(test_loop_wake_from_another_thread_is_never_lost),
        cmocka_unit_test(test_loop_stop_leaves_the_rest_for_the_next_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
