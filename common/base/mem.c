// Allocation that aborts, and the arena: a list of blocks that grow from 4 to 256 KiB; what is larger than a
// quarter of the next block gets a block of its own behind the current one, which stays in use. Under the address
// sanitizer every byte that was not handed out is poisoned.
#include "common/base/mem.h"

#include "common/base/err.h"

#include <stdio.h>
#include <stdlib.h>

#if defined(__SANITIZE_ADDRESS__)
#define MST_POISON 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define MST_POISON 1
#endif
#endif
#ifdef MST_POISON
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(p, n)   ((void)(p), (void)(n))
#define ASAN_UNPOISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
#endif

#define ALIGN       ((size_t)16)
#define BLOCK_FIRST ((size_t)4 * 1024)
#define BLOCK_LAST  ((size_t)256 * 1024)
#define BLOCK_KEPT  ((size_t)64 * 1024)

static _Noreturn void
no_memory(size_t bytes)
{
    fprintf(stderr, "out of memory: could not allocate %zu bytes\n", bytes);
    abort();
}

void *
mst_xalloc(size_t bytes)
{
    void *p = calloc(1, bytes > 0 ? bytes : 1);
    if (p == NULL)
        no_memory(bytes);
    return p;
}

void *
mst_xrealloc(void *p, size_t bytes)
{
    void *q = realloc(p, bytes > 0 ? bytes : 1);
    if (q == NULL)
        no_memory(bytes);
    return q;
}

char *
mst_xstrdup(const char *z)
{
    return mst_xstrndup(z, strlen(z));
}

char *
mst_xstrndup(const char *p, size_t n)
{
    char *copy = mst_xalloc(n + 1);
    if (n > 0)
        memcpy(copy, p, n);
    return copy;
}

typedef struct block {
    struct block *next;
    size_t size; // bytes behind the head
    size_t used;
    size_t pad; // keeps the head a multiple of 16
} block_t;

struct mst_arena {
    block_t *blocks; // the first is the one in use
    size_t bytes_max;
    size_t held; // of all blocks, heads too
    size_t used;
    size_t next_size;
};

mst_arena_t *
mst_arena_new(size_t bytes_max)
{
    mst_arena_t *arena = MST_NEW(mst_arena_t);
    arena->bytes_max = bytes_max;
    arena->next_size = BLOCK_FIRST;
    return arena;
}

static void
block_free(block_t *b)
{
    ASAN_UNPOISON_MEMORY_REGION(b + 1, b->size);
    free(b);
}

void
mst_arena_free(mst_arena_t **arena)
{
    if (arena == NULL || *arena == NULL)
        return;
    for (block_t *b = (*arena)->blocks; b != NULL;) {
        block_t *next = b->next;
        block_free(b);
        b = next;
    }
    free(*arena);
    *arena = NULL;
}

void
mst_arena_reset(mst_arena_t *arena)
{
    block_t *kept = NULL;
    for (block_t *b = arena->blocks; b != NULL; b = b->next) {
        if (b->size + sizeof *b <= BLOCK_KEPT && (kept == NULL || b->size > kept->size))
            kept = b;
    }
    for (block_t *b = arena->blocks; b != NULL;) {
        block_t *next = b->next;
        if (b != kept)
            block_free(b);
        b = next;
    }
    arena->blocks = kept;
    arena->held = 0;
    arena->used = 0;
    arena->next_size = BLOCK_FIRST;
    if (kept == NULL)
        return;
    kept->next = NULL;
    kept->used = 0;
    ASAN_POISON_MEMORY_REGION(kept + 1, kept->size);
    arena->held = kept->size + sizeof *kept;
    while (arena->next_size < arena->held && arena->next_size < BLOCK_LAST)
        arena->next_size *= 2;
}

// A block with room for bytes; NULL over the cap. Sizes are clipped to the cap, so that it can be used up whole.
static block_t *
block_new(mst_arena_t *arena, size_t bytes, bool own)
{
    size_t left = arena->bytes_max > arena->held ? arena->bytes_max - arena->held : 0;
    if (left < sizeof(block_t) || bytes > left - sizeof(block_t))
        return NULL;
    size_t total = own ? bytes + sizeof(block_t) : arena->next_size;
    if (total > left)
        total = left;
    block_t *b = malloc(total);
    if (b == NULL)
        return NULL;
    *b = (block_t){.size = total - sizeof *b};
    ASAN_POISON_MEMORY_REGION(b + 1, b->size);
    arena->held += total;
    if (!own && arena->next_size < BLOCK_LAST)
        arena->next_size *= 2;
    return b;
}

// Where the next allocation of `need` bytes goes.
static block_t *
block_for(mst_arena_t *arena, size_t need)
{
    block_t *first = arena->blocks;
    bool own = need > arena->next_size / 4;
    block_t *b = block_new(arena, need, own);
    if (b == NULL)
        return NULL;
    if (own && first != NULL) {
        b->next = first->next;
        first->next = b;
    } else {
        b->next = first;
        arena->blocks = b;
    }
    return b;
}

void *
mst_arena_alloc_raw(mst_arena_t *arena, size_t bytes)
{
    if (bytes > SIZE_MAX / 2)
        return NULL;
    size_t need = bytes > 0 ? (bytes + ALIGN - 1) & ~(ALIGN - 1) : ALIGN;
    block_t *b = arena->blocks;
    if (b == NULL || b->size - b->used < need) {
        b = block_for(arena, need);
        if (b == NULL)
            return NULL;
    }
    char *p = (char *)(b + 1) + b->used;
    b->used += need;
    arena->used += need;
    ASAN_UNPOISON_MEMORY_REGION(p, bytes);
    return p;
}

void *
mst_arena_alloc(mst_arena_t *arena, size_t bytes)
{
    void *p = mst_arena_alloc_raw(arena, bytes);
    if (p != NULL && bytes > 0)
        memset(p, 0, bytes);
    return p;
}

mst_str_t
mst_arena_dup(mst_arena_t *arena, mst_str_t s, bool *ok)
{
    char *p = s.n < SIZE_MAX ? mst_arena_alloc_raw(arena, s.n + 1) : NULL;
    if (ok != NULL)
        *ok = p != NULL;
    if (p == NULL)
        return MST_STR_NULL;
    if (s.n > 0)
        memcpy(p, s.p, s.n);
    p[s.n] = '\0';
    return mst_str(p, s.n);
}

size_t
mst_arena_used(const mst_arena_t *arena)
{
    return arena->used;
}

size_t
mst_arena_left(const mst_arena_t *arena)
{
    size_t left = arena->bytes_max > arena->held ? arena->bytes_max - arena->held : 0;
    return left + (arena->blocks != NULL ? arena->blocks->size - arena->blocks->used : 0);
}
