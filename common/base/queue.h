// A bounded queue of pointers between threads: the only thing that threads share. It may carry an eventfd,
// so that an epoll loop wakes when something was pushed.
// Thread: any number of producers and consumers.
#ifndef MST_BASE_QUEUE_H
#define MST_BASE_QUEUE_H

#include "common/base/err.h"

typedef struct mst_queue mst_queue_t;

// capacity: items. with_fd: make an eventfd that is readable while the queue is not empty or is closed.
mst_queue_t *mst_queue_new(size_t capacity, bool with_fd);
void mst_queue_free(mst_queue_t **q); // the items are not freed
int mst_queue_fd(const mst_queue_t *q); // -1 without
// MST_OK, MST_AGAIN when full (item still the caller's), MST_CLOSED.
MST_NODISCARD mst_rc mst_queue_try_push(mst_queue_t *q, void *item);
// Blocks while full. MST_OK or MST_CLOSED (item still the caller's).
MST_NODISCARD mst_rc mst_queue_push(mst_queue_t *q, void *item);
// Up to max items at once; blocks while empty when wait. Returns the count; 0 = empty (or closed and empty).
// With an eventfd, the descriptor is cleared when the queue becomes empty.
size_t mst_queue_pop(mst_queue_t *q, void **items, size_t max, bool wait);
// No more pushes; consumers get what is left, then 0.
void mst_queue_close(mst_queue_t *q);
size_t mst_queue_count(mst_queue_t *q);

#endif
