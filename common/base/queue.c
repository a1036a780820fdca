// The bounded queue: a ring under one mutex. The eventfd holds 1 exactly while the queue is not empty or closed;
// it changes under the mutex, so that it never tells another story than the ring.
#include "common/base/queue.h"

#include "common/base/mem.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct mst_queue {
    pthread_mutex_t lock;
    pthread_cond_t not_empty, not_full;
    size_t capacity, count, head;
    bool closed;
    int fd; // -1 = none
    void *items[];
};

mst_queue_t *
mst_queue_new(size_t capacity, bool with_fd)
{
    MST_ASSERT(capacity > 0);
    mst_queue_t *q = mst_xalloc(sizeof *q + capacity * sizeof q->items[0]);
    pthread_mutex_init(&q->lock, NULL);
    pthread_cond_init(&q->not_empty, NULL);
    pthread_cond_init(&q->not_full, NULL);
    q->capacity = capacity;
    q->fd = -1;
    if (with_fd) {
        q->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (q->fd < 0) {
            mst_queue_free(&q);
            return NULL;
        }
    }
    return q;
}

void
mst_queue_free(mst_queue_t **q)
{
    if (q == NULL || *q == NULL)
        return;
    if ((*q)->fd >= 0)
        close((*q)->fd);
    pthread_cond_destroy(&(*q)->not_full);
    pthread_cond_destroy(&(*q)->not_empty);
    pthread_mutex_destroy(&(*q)->lock);
    free(*q);
    *q = NULL;
}

int
mst_queue_fd(const mst_queue_t *q)
{
    return q->fd;
}

static void
fd_set_readable(mst_queue_t *q)
{
    if (q->fd >= 0)
        (void)eventfd_write(q->fd, 1); // cannot fail: the value is 0 or 1
}

static void
fd_clear(mst_queue_t *q)
{
    eventfd_t ignored;
    if (q->fd >= 0)
        (void)eventfd_read(q->fd, &ignored);
}

// With the lock held, and room in the ring.
static void
put_locked(mst_queue_t *q, void *item)
{
    size_t at = q->head + q->count;
    q->items[at < q->capacity ? at : at - q->capacity] = item;
    if (q->count++ == 0)
        fd_set_readable(q);
    pthread_cond_signal(&q->not_empty);
}

mst_rc
mst_queue_try_push(mst_queue_t *q, void *item)
{
    mst_rc rc = MST_OK;
    pthread_mutex_lock(&q->lock);
    if (q->closed)
        rc = MST_CLOSED;
    else if (q->count == q->capacity)
        rc = MST_AGAIN;
    else
        put_locked(q, item);
    pthread_mutex_unlock(&q->lock);
    return rc;
}

mst_rc
mst_queue_push(mst_queue_t *q, void *item)
{
    pthread_mutex_lock(&q->lock);
    while (!q->closed && q->count == q->capacity)
        pthread_cond_wait(&q->not_full, &q->lock);
    mst_rc rc = q->closed ? MST_CLOSED : MST_OK;
    if (rc == MST_OK)
        put_locked(q, item);
    pthread_mutex_unlock(&q->lock);
    return rc;
}

size_t
mst_queue_pop(mst_queue_t *q, void **items, size_t max, bool wait)
{
    pthread_mutex_lock(&q->lock);
    while (wait && q->count == 0 && !q->closed)
        pthread_cond_wait(&q->not_empty, &q->lock);
    size_t n = q->count < max ? q->count : max;
    for (size_t i = 0; i < n; i++) {
        items[i] = q->items[q->head];
        q->head = q->head + 1 < q->capacity ? q->head + 1 : 0;
    }
    q->count -= n;
    if (n > 0 && q->count == 0 && !q->closed)
        fd_clear(q);
    if (n == 1)
        pthread_cond_signal(&q->not_full);
    else if (n > 1)
        pthread_cond_broadcast(&q->not_full);
    pthread_mutex_unlock(&q->lock);
    return n;
}

void
mst_queue_close(mst_queue_t *q)
{
    pthread_mutex_lock(&q->lock);
    if (!q->closed) {
        q->closed = true;
        if (q->count == 0)
            fd_set_readable(q);
    }
    pthread_cond_broadcast(&q->not_empty);
    pthread_cond_broadcast(&q->not_full);
    pthread_mutex_unlock(&q->lock);
}

size_t
mst_queue_count(mst_queue_t *q)
{
    pthread_mutex_lock(&q->lock);
    size_t n = q->count;
    pthread_mutex_unlock(&q->lock);
    return n;
}
