// A growable byte buffer that is born with its maximum. Failure is sticky: after the first append that
// does not fit, failed stays set and later appends do nothing, so a writer may check once at the end.
// Thread: belongs to one thread at a time.
#ifndef MST_BASE_BUF_H
#define MST_BASE_BUF_H

#include "common/base/err.h"
#include "common/base/str.h"

typedef struct {
    char *p;     // heap, owned; NULL until the first append
    size_t n;    // bytes used
    size_t cap;  // bytes allocated
    size_t max;  // named maximum, from common/base/limits.h
    bool failed; // an append went over max, or memory ran out
} mst_buf_t;

void mst_buf_init(mst_buf_t *b, size_t max);
void mst_buf_deinit(mst_buf_t *b);
void mst_buf_reset(mst_buf_t *b); // n = 0, failed = false; keeps the memory
// Room for `bytes` more; returns the place to write (then add to n), or NULL and failed.
char *mst_buf_reserve(mst_buf_t *b, size_t bytes);
// MST_LIMIT over max, MST_NOMEM without memory.
mst_rc mst_buf_add(mst_buf_t *b, const void *p, size_t n);
mst_rc mst_buf_add_str(mst_buf_t *b, mst_str_t s);
mst_rc mst_buf_add_c(mst_buf_t *b, const char *z);
mst_rc mst_buf_add_byte(mst_buf_t *b, char c);
mst_rc mst_buf_addf(mst_buf_t *b, const char *fmt, ...) MST_PRINTF(2, 3);
// Drops the first n bytes (memmove of the rest).
void mst_buf_consume(mst_buf_t *b, size_t n);
mst_str_t mst_buf_view(const mst_buf_t *b); // valid until the next change
// Hands the heap memory to the caller (free() it); the buffer is empty after.
char *mst_buf_take(mst_buf_t *b, size_t *out_n);

#endif
