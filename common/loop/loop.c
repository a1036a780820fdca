#include "common/loop/loop.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/mem.h"

// One turn: sleep in epoll_pwait2 until a descriptor or the first timer is due, hand out at most EVENTS_MAX
// events, run the turn hooks, fire the timers that are due. epoll_pwait2 takes nanoseconds, so timers need no
// descriptor of their own; where the kernel has no such call (before 5.11, some sandboxes) epoll_wait with the
// timeout rounded up to a millisecond stands in.
//
// A descriptor that is removed while its event waits in the batch must not be called: every registration gets
// a generation, which travels in the event's data, and an event of another generation is dropped. The same
// number may be closed, opened and registered again within one turn.

enum { EVENTS_MAX = 256, TABLE_FIRST = 64 };

typedef struct {
    mst_loop_fd_fn *fn; // NULL = not registered
    void *ud;
    uint32_t epoll_events;
    uint32_t generation;
} slot_t;

typedef struct {
    mst_loop_turn_fn *fn; // NULL = taken off
    void *ud;
} hook_t;

struct mst_loop {
    int epoll_fd, wake_fd;
    atomic_bool wake_pending; // a write to wake_fd has not been read yet
    slot_t *slots;            // by descriptor
    size_t slot_count;
    uint32_t generation;
    mst_heap_t timers;
    hook_t hooks[MST_LOOP_HOOKS_MAX];
    size_t hook_count;
    int64_t now_ns;
    int64_t polled_ns;  // spent awake for exact timers
    int64_t awake_from; // this turn polls for one, since then; 0 = it does not
    bool stopping, again, coarse;
    bool sharp; // this thread's timer slack has been set
    struct epoll_event events[EVENTS_MAX];
};

static void
on_wake(void *ud, int fd, int events)
{
    mst_loop_t *loop = ud;
    (void)events;
    uint64_t count;
    ssize_t got = read(fd, &count, sizeof count);
    (void)got; // nothing to read means only that the wake-up was seen before
    // After the read: a waker that still sees `true` has done its work before this line, and this turn's
    // hooks will find it.
    atomic_exchange(&loop->wake_pending, false);
}

mst_rc
mst_loop_new(mst_loop_t **out, mst_err_t *err)
{
    mst_loop_t *loop = MST_NEW(mst_loop_t);
    loop->wake_fd = -1;
    loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (loop->epoll_fd >= 0)
        loop->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (loop->wake_fd < 0) {
        int e = errno;
        mst_loop_free(&loop);
        return MST_ERR_SUB(err, MST_IO, e, "could not make an event loop: %s", strerror(e));
    }
    mst_rc rc = mst_loop_fd(loop, loop->wake_fd, MST_LOOP_READ, on_wake, loop, err);
    if (rc != MST_OK) {
        mst_loop_free(&loop);
        return rc;
    }
    loop->now_ns = mst_mono_ns();
    *out = loop;
    return MST_OK;
}

void
mst_loop_free(mst_loop_t **loop)
{
    if (!loop || !*loop)
        return;
    mst_loop_t *l = *loop;
    if (l->wake_fd >= 0)
        close(l->wake_fd);
    if (l->epoll_fd >= 0)
        close(l->epoll_fd);
    mst_heap_deinit(&l->timers);
    free(l->slots);
    free(l);
    *loop = NULL;
}

static void
grow(mst_loop_t *loop, int fd)
{
    size_t count = loop->slot_count ? loop->slot_count : TABLE_FIRST;
    while (count <= (size_t)fd)
        count *= 2;
    loop->slots = mst_xrealloc(loop->slots, count * sizeof *loop->slots);
    memset(loop->slots + loop->slot_count, 0, (count - loop->slot_count) * sizeof *loop->slots);
    loop->slot_count = count;
}

static uint32_t
to_epoll(int events)
{
    return (events & MST_LOOP_READ ? (uint32_t)EPOLLIN : 0) | (events & MST_LOOP_WRITE ? (uint32_t)EPOLLOUT : 0) |
           (events & MST_LOOP_EDGE ? (uint32_t)EPOLLET : 0);
}

mst_rc
mst_loop_fd(mst_loop_t *loop, int fd, int events, mst_loop_fd_fn *fn, void *ud, mst_err_t *err)
{
    MST_ASSERT(fd >= 0 && fn);
    if ((size_t)fd >= loop->slot_count)
        grow(loop, fd);
    slot_t *slot = &loop->slots[fd];
    uint32_t wanted = to_epoll(events);
    bool known = slot->fn != NULL;
    if (known && slot->epoll_events == wanted) { // the system call is what costs
        slot->fn = fn;
        slot->ud = ud;
        return MST_OK;
    }
    uint32_t generation = known ? slot->generation : ++loop->generation;
    struct epoll_event ev = {.events = wanted, .data.u64 = (uint64_t)generation << 32 | (uint32_t)fd};
    if (epoll_ctl(loop->epoll_fd, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &ev) != 0)
        return MST_ERR_SUB(err, MST_IO, errno, "could not watch descriptor %d: %s", fd, strerror(errno));
    *slot = (slot_t){fn, ud, wanted, generation};
    return MST_OK;
}

void
mst_loop_fd_remove(mst_loop_t *loop, int fd)
{
    if (fd < 0 || (size_t)fd >= loop->slot_count || !loop->slots[fd].fn)
        return;
    loop->slots[fd].fn = NULL;
    struct epoll_event unused = {0};
    epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, fd, &unused); // fails when closed already: the kernel forgot it then
}

void
mst_loop_timer(mst_loop_t *loop, mst_timer_t *t, int64_t due_mono_ns)
{
    t->node.owner = t;
    mst_heap_set(&loop->timers, &t->node, due_mono_ns);
}

void
mst_loop_timer_stop(mst_loop_t *loop, mst_timer_t *t)
{
    mst_heap_remove(&loop->timers, &t->node);
}

void
mst_loop_on_turn(mst_loop_t *loop, mst_loop_turn_fn *fn, void *ud)
{
    size_t i = 0;
    while (i < loop->hook_count && loop->hooks[i].fn)
        i++;
    MST_ASSERT(i < MST_LOOP_HOOKS_MAX);
    loop->hooks[i] = (hook_t){fn, ud};
    if (i == loop->hook_count)
        loop->hook_count++;
    loop->again = true; // it may have been added behind the place where the hooks are running
}

void
mst_loop_off_turn(mst_loop_t *loop, mst_loop_turn_fn *fn, void *ud)
{
    for (size_t i = 0; i < loop->hook_count; i++) {
        if (loop->hooks[i].fn == fn && loop->hooks[i].ud == ud)
            loop->hooks[i].fn = NULL;
    }
    while (loop->hook_count > 0 && !loop->hooks[loop->hook_count - 1].fn)
        loop->hook_count--;
}

void
mst_loop_again(mst_loop_t *loop)
{
    loop->again = true;
}

int64_t
mst_loop_polled_ns(const mst_loop_t *loop)
{
    return loop->polled_ns;
}

int64_t
mst_loop_now(const mst_loop_t *loop)
{
    return loop->now_ns;
}

void
mst_loop_stop(mst_loop_t *loop)
{
    loop->stopping = true;
}

void
mst_loop_wake(mst_loop_t *loop)
{
    if (atomic_exchange(&loop->wake_pending, true))
        return; // the loop has a wake-up coming that it has not read
    uint64_t one = 1;
    ssize_t put = write(loop->wake_fd, &one, sizeof one);
    (void)put; // cannot fill up: one write per read
}

// The kernel may let a thread sleep 50 us longer than it asked for, to save wake-ups: not one with exact timers.
static void
sharpen(mst_loop_t *loop)
{
    if (!loop->sharp)
        (void)prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
    loop->sharp = true;
}

// Nanoseconds to sleep; -1 = until something happens.
static int64_t
sleep_ns(mst_loop_t *loop)
{
    loop->awake_from = 0;
    if (loop->again)
        return 0;
    mst_heap_node_t *first = mst_heap_peek(&loop->timers);
    if (!first)
        return -1;
    int64_t now_ns = mst_mono_ns(); // the callbacks of this turn took their time
    int64_t left = first->due_ns > now_ns ? first->due_ns - now_ns : 0;
    const mst_timer_t *t = first->owner;
    if (!t->exact || left == 0)
        return left;
    sharpen(loop);
    if (left > MST_LOOP_AWAKE_NS)
        return left - MST_LOOP_AWAKE_NS;
    loop->awake_from = now_ns;
    return 0;
}

static int
wait_events(mst_loop_t *loop, int64_t ns)
{
    if (!loop->coarse) {
        struct timespec ts = {.tv_sec = (time_t)(ns / MST_NS_PER_S), .tv_nsec = (long)(ns % MST_NS_PER_S)};
        int n = epoll_pwait2(loop->epoll_fd, loop->events, EVENTS_MAX, ns < 0 ? NULL : &ts, NULL);
        if (n >= 0 || (errno != ENOSYS && errno != EPERM))
            return n;
        loop->coarse = true;
    }
    int64_t ms = ns < 0 ? -1 : (ns + MST_NS_PER_MS - 1) / MST_NS_PER_MS;
    return epoll_wait(loop->epoll_fd, loop->events, EVENTS_MAX, ms > 3600000 ? 3600000 : (int)ms);
}

static void
hand_out(mst_loop_t *loop, const struct epoll_event *ev)
{
    uint32_t fd = (uint32_t)ev->data.u64;
    const slot_t *slot = &loop->slots[fd];
    if (!slot->fn || slot->generation != (uint32_t)(ev->data.u64 >> 32))
        return; // removed, or another registration, earlier in this batch
    int events = (ev->events & EPOLLIN ? MST_LOOP_READ : 0) | (ev->events & EPOLLOUT ? MST_LOOP_WRITE : 0) |
                 (ev->events & (EPOLLERR | EPOLLHUP) ? MST_LOOP_ERROR : 0);
    slot->fn(slot->ud, (int)fd, events);
}

static void
run_hooks(mst_loop_t *loop)
{
    for (size_t i = 0; i < loop->hook_count; i++) {
        if (loop->hooks[i].fn && loop->hooks[i].fn(loop->hooks[i].ud))
            loop->again = true;
    }
}

// Fires what is due. A timer that sets itself to "now" comes again in the next turn, not in this one.
static void
run_timers(mst_loop_t *loop)
{
    if (!mst_heap_peek(&loop->timers))
        return;
    loop->now_ns = mst_mono_ns();
    size_t left = loop->timers.count;
    mst_heap_node_t *first;
    while (left-- > 0 && (first = mst_heap_peek(&loop->timers)) && first->due_ns <= loop->now_ns) {
        mst_timer_t *t = first->owner;
        mst_heap_remove(&loop->timers, first);
        t->fn(t->ud);
    }
}

void
mst_loop_run(mst_loop_t *loop)
{
    loop->stopping = false;
    loop->again = true; // work prepared before the start belongs to the first turn's hooks
    while (!loop->stopping) {
        int64_t ns = sleep_ns(loop);
        loop->again = false;
        int n = wait_events(loop, ns);
        loop->now_ns = mst_mono_ns();
        for (int i = 0; i < n; i++) // n < 0: a signal handler ran; nothing is lost
            hand_out(loop, &loop->events[i]);
        run_hooks(loop);
        if (loop->awake_from != 0 && n <= 0)
            loop->polled_ns += mst_mono_ns() - loop->awake_from;
        run_timers(loop);
    }
}
