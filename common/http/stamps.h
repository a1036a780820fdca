// Kernel time stamps of TCP sockets (SO_TIMESTAMPING, software): when the last byte of a write left for the wire,
// when the first unread byte arrived. The kernel stamps with CLOCK_REALTIME; what comes out here is
// CLOCK_MONOTONIC, by an offset that is read again ten times a second. When the wall clock was set, stamps from
// before that moment have no place on the monotonic scale: they are not given out.
//
// MST_NONE comes out wherever the kernel has none: a fresh machine-wide switch (turning it on is asynchronous, so
// this object holds one socket open with it on for its whole life), another protocol, a sandbox.
// Thread: one owner. Nothing here blocks.
#ifndef MST_HTTP_STAMPS_H
#define MST_HTTP_STAMPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    int anchor_fd;           // keeps the kernel's switch on
    int64_t offset_ns;       // CLOCK_REALTIME - CLOCK_MONOTONIC
    int64_t offset_at_ns;    // CLOCK_MONOTONIC of that reading
    int64_t trust_after_ns;  // CLOCK_REALTIME; stamps before it are from before a step of the clock
    uint32_t steps;          // of the wall clock seen so far
} mst_stamps_t;

void mst_stamps_init(mst_stamps_t *s);
void mst_stamps_deinit(mst_stamps_t *s);
// Once a turn or more often, before stamps are read: keeps the offset fresh. Cheap when there is nothing to do.
void mst_stamps_refresh(mst_stamps_t *s, int64_t now_mono_ns);
// At socket creation. Failure only means that there will be no stamps.
void mst_stamps_enable(int fd);
typedef struct {
    int64_t first_ns; // arrival of the first unread byte
    int64_t last_ns;  // of the last one of `bytes`
    size_t bytes;     // unread when asked; 0 = not counted: the first had only just come
    int64_t asked_ns; // nothing that came after this moment is in it
} mst_arrival_t;

// Looks at what is unread, up to bytes_max, and leaves it there. The last byte is asked for only when the first has
// waited long enough for more to have come.
mst_arrival_t mst_stamps_arrival(const mst_stamps_t *s, int fd, size_t bytes_max);
// Arrival of the byte before `offset` of what was then read, which is not the first; now_ns when it may have come after
// the stamps were asked for.
int64_t mst_stamps_follower(const mst_arrival_t *a, size_t offset, int64_t now_ns);
// Takes one send stamp off the socket's error queue. False: nothing was there. *out is MST_NONE when what was there
// is no stamp that can be used.
bool mst_stamps_sent(const mst_stamps_t *s, int fd, int64_t *out);

#endif
