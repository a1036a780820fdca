// Memory: small fixed allocations that abort when there is none, and capped arenas for everything whose
// size comes from outside. Lifetimes of arenas: process, run, unit (one work unit from lease to
// acknowledgement), scratch (one loop turn). Reset, do not free piecemeal.
// Thread: an arena belongs to one thread at a time.
#ifndef MST_BASE_MEM_H
#define MST_BASE_MEM_H

#include "common/base/str.h"

#include <stddef.h>

// Zeroed; aborts when there is no memory. For sizes that we choose ourselves. Free with free().
void *mst_xalloc(size_t bytes);
void *mst_xrealloc(void *p, size_t bytes);
char *mst_xstrdup(const char *z);
char *mst_xstrndup(const char *p, size_t n); // NUL-terminated copy
#define MST_NEW(T)          ((T *)mst_xalloc(sizeof(T)))
#define MST_NEW_ARRAY(T, n) ((T *)mst_xalloc(sizeof(T) * (size_t)(n)))

typedef struct mst_arena mst_arena_t;

// An arena that never holds more than bytes_max. Heap; aborts only when there is no memory for the head.
mst_arena_t *mst_arena_new(size_t bytes_max);
void mst_arena_free(mst_arena_t **arena); // NULL and *NULL allowed
// Gives everything back but one block of at most 64 KiB, which is kept for the next use.
void mst_arena_reset(mst_arena_t *arena);
// Zeroed, aligned to 16; NULL when the cap or the memory is used up (report MST_LIMIT). n may be 0.
void *mst_arena_alloc(mst_arena_t *arena, size_t bytes);
// Not zeroed, for bytes that are overwritten at once.
void *mst_arena_alloc_raw(mst_arena_t *arena, size_t bytes);
// Copy with a NUL behind it that the length does not count; {NULL,0} with *ok=false on failure (ok may be NULL).
mst_str_t mst_arena_dup(mst_arena_t *arena, mst_str_t s, bool *ok);
size_t mst_arena_used(const mst_arena_t *arena); // bytes handed out since the last reset
size_t mst_arena_left(const mst_arena_t *arena); // upper bound of what can still be handed out
#define MST_ARENA_NEW(a, T)          ((T *)mst_arena_alloc((a), sizeof(T)))
#define MST_ARENA_ARRAY(a, T, count) ((T *)mst_arena_alloc((a), sizeof(T) * (size_t)(count)))

#endif
