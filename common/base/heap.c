// The heap of deadlines. Place i has its parent at (i - 1) / 2.
#include "common/base/heap.h"

#include "common/base/err.h"
#include "common/base/mem.h"

#include <stdbool.h>
#include <stdlib.h>

void
mst_heap_deinit(mst_heap_t *h)
{
    for (size_t i = 0; i < h->count; i++)
        h->items[i]->index = 0;
    free(h->items);
    *h = (mst_heap_t){0};
}

static bool
before(const mst_heap_node_t *a, const mst_heap_node_t *b)
{
    return a->due_ns != b->due_ns ? a->due_ns < b->due_ns : a->seq < b->seq;
}

static void
place(mst_heap_t *h, size_t i, mst_heap_node_t *node)
{
    h->items[i] = node;
    node->index = i + 1;
}

static void
sift_up(mst_heap_t *h, size_t i)
{
    mst_heap_node_t *node = h->items[i];
    while (i > 0 && before(node, h->items[(i - 1) / 2])) {
        place(h, i, h->items[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
    place(h, i, node);
}

static void
sift_down(mst_heap_t *h, size_t i)
{
    mst_heap_node_t *node = h->items[i];
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= h->count)
            break;
        if (child + 1 < h->count && before(h->items[child + 1], h->items[child]))
            child++;
        if (!before(h->items[child], node))
            break;
        place(h, i, h->items[child]);
        i = child;
    }
    place(h, i, node);
}

void
mst_heap_set(mst_heap_t *h, mst_heap_node_t *node, int64_t due_ns)
{
    node->due_ns = due_ns;
    node->seq = h->seq++;
    if (node->index == 0) {
        if (h->count == h->cap) {
            h->cap = h->cap > 0 ? h->cap * 2 : 16;
            h->items = mst_xrealloc(h->items, h->cap * sizeof(mst_heap_node_t *));
        }
        place(h, h->count++, node);
    }
    size_t i = node->index - 1;
    MST_ASSERT(i < h->count && h->items[i] == node);
    sift_up(h, i);
    sift_down(h, node->index - 1);
}

void
mst_heap_remove(mst_heap_t *h, mst_heap_node_t *node)
{
    if (node->index == 0)
        return;
    size_t i = node->index - 1;
    MST_ASSERT(i < h->count && h->items[i] == node);
    node->index = 0;
    mst_heap_node_t *last = h->items[--h->count];
    if (last == node)
        return;
    place(h, i, last);
    sift_up(h, i);
    sift_down(h, last->index - 1);
}

mst_heap_node_t *
mst_heap_peek(const mst_heap_t *h)
{
    return h->count > 0 ? h->items[0] : NULL;
}
