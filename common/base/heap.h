// An intrusive binary min-heap of deadlines: the element stores its own index, so removal from the middle
// costs O(log n). Ties leave in order of insertion.
// Thread: belongs to one thread.
#ifndef MST_BASE_HEAP_H
#define MST_BASE_HEAP_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    int64_t due_ns;
    uint64_t seq;  // set by the heap; breaks ties
    size_t index;  // set by the heap; 0 = not in a heap, else place + 1
    void *owner;
} mst_heap_node_t;

typedef struct {
    mst_heap_node_t **items; // heap memory, owned
    size_t count, cap;
    uint64_t seq;
} mst_heap_t;

void mst_heap_deinit(mst_heap_t *h); // {0} is an empty heap
// Inserts, or moves when it is in the heap already.
void mst_heap_set(mst_heap_t *h, mst_heap_node_t *node, int64_t due_ns);
void mst_heap_remove(mst_heap_t *h, mst_heap_node_t *node); // not in the heap: does nothing
mst_heap_node_t *mst_heap_peek(const mst_heap_t *h);        // NULL when empty

#endif
