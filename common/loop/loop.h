// One epoll loop of our own: descriptors, timers, and hooks before sleeping. libcurl, libpq, ZeroMQ and
// signals all offer descriptors. Order of one turn: events (bounded) -> turn hooks -> due timers -> sleep
// until the next timer.
// Thread: everything from the thread that runs it, but for mst_loop_wake.
#ifndef MST_LOOP_LOOP_H
#define MST_LOOP_LOOP_H

#include "common/base/err.h"
#include "common/base/heap.h"

typedef struct mst_loop mst_loop_t;

#define MST_LOOP_HOOKS_MAX 32
// How long before an exact timer the loop stops sleeping: what a processor needs to wake up, with room to spare.
#define MST_LOOP_AWAKE_NS 80000

enum { MST_LOOP_READ = 1, MST_LOOP_WRITE = 2, MST_LOOP_ERROR = 4, MST_LOOP_EDGE = 8 };

// events: READ, WRITE, ERROR bits that are set (ERROR also for hang-up).
typedef void mst_loop_fd_fn(void *ud, int fd, int events);
typedef void mst_loop_timer_fn(void *ud);

typedef struct {
    mst_heap_node_t node; // set by the loop
    mst_loop_timer_fn *fn;
    void *ud;
    bool exact;           // the loop is awake when it is due: it polls through the last MST_LOOP_AWAKE_NS before
} mst_timer_t;            // embedded in its owner; fn and ud set by the owner

MST_NODISCARD mst_rc mst_loop_new(mst_loop_t **out, mst_err_t *err);
void mst_loop_free(mst_loop_t **loop); // descriptors stay open: they are their owners'
// Adds or changes. Error events are always reported. MST_LOOP_EDGE: edge-triggered. Remove a descriptor before
// closing it: the same interest in a known number costs no call.
MST_NODISCARD mst_rc mst_loop_fd(mst_loop_t *loop, int fd, int events, mst_loop_fd_fn *fn, void *ud,
                                 mst_err_t *err);
void mst_loop_fd_remove(mst_loop_t *loop, int fd); // safe inside any callback, also of another fd
void mst_loop_timer(mst_loop_t *loop, mst_timer_t *t, int64_t due_mono_ns); // one shot; again = moves
void mst_loop_timer_stop(mst_loop_t *loop, mst_timer_t *t);
// Called once a turn after the events, before sleeping; returns true when there is more to do at once
// (the loop then polls without sleeping). For ZeroMQ sockets and batched work. At most MST_LOOP_HOOKS_MAX.
typedef bool mst_loop_turn_fn(void *ud);
void mst_loop_on_turn(mst_loop_t *loop, mst_loop_turn_fn *fn, void *ud);
void mst_loop_off_turn(mst_loop_t *loop, mst_loop_turn_fn *fn, void *ud); // safe inside any callback
// The next turn comes without sleeping: for work that was left behind after the hook that does it has run.
void mst_loop_again(mst_loop_t *loop);
// Time that was spent polling for exact timers while nothing happened: it is no work.
int64_t mst_loop_polled_ns(const mst_loop_t *loop);
int64_t mst_loop_now(const mst_loop_t *loop); // CLOCK_MONOTONIC, read after each wake-up and before the timers
void mst_loop_run(mst_loop_t *loop);          // until mst_loop_stop
void mst_loop_stop(mst_loop_t *loop);         // from inside a callback
void mst_loop_wake(mst_loop_t *loop);         // any thread: makes one turn happen

#endif
