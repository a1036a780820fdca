// The capped buffer: doubling up to its maximum, sticky failure.
#include "common/base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define FIRST_BYTES ((size_t)256)

void
mst_buf_init(mst_buf_t *b, size_t max)
{
    *b = (mst_buf_t){.max = max};
}

void
mst_buf_deinit(mst_buf_t *b)
{
    free(b->p);
    *b = (mst_buf_t){.max = b->max};
}

void
mst_buf_reset(mst_buf_t *b)
{
    b->n = 0;
    b->failed = false;
}

// Slow path of reserve: more memory.
static mst_rc
grow(mst_buf_t *b, size_t bytes)
{
    if (b->failed || bytes > b->max || b->n > b->max - bytes) {
        b->failed = true;
        return MST_LIMIT;
    }
    size_t need = b->n + bytes, cap = b->cap > 0 ? b->cap : FIRST_BYTES;
    while (cap < need)
        cap = cap > SIZE_MAX / 2 ? need : cap * 2;
    if (cap > b->max)
        cap = b->max;
    char *p = realloc(b->p, cap > 0 ? cap : 1);
    if (p == NULL) {
        b->failed = true;
        return MST_NOMEM;
    }
    b->p = p;
    b->cap = cap;
    return MST_OK;
}

static inline mst_rc
need(mst_buf_t *b, size_t bytes)
{
    if (!b->failed && b->p != NULL && bytes <= b->cap - b->n)
        return MST_OK;
    return grow(b, bytes);
}

char *
mst_buf_reserve(mst_buf_t *b, size_t bytes)
{
    return need(b, bytes) == MST_OK ? b->p + b->n : NULL;
}

mst_rc
mst_buf_add(mst_buf_t *b, const void *p, size_t n)
{
    mst_rc rc = need(b, n);
    if (rc != MST_OK)
        return rc;
    if (n > 0)
        memcpy(b->p + b->n, p, n);
    b->n += n;
    return MST_OK;
}

mst_rc
mst_buf_add_str(mst_buf_t *b, mst_str_t s)
{
    return mst_buf_add(b, s.p, s.n);
}

mst_rc
mst_buf_add_c(mst_buf_t *b, const char *z)
{
    return mst_buf_add(b, z, strlen(z));
}

mst_rc
mst_buf_add_byte(mst_buf_t *b, char c)
{
    return mst_buf_add(b, &c, 1);
}

mst_rc
mst_buf_addf(mst_buf_t *b, const char *fmt, ...)
{
    char small[256];
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    int n = vsnprintf(small, sizeof small, fmt, args);
    mst_rc rc = MST_OK;
    if (n < 0) {
        b->failed = true;
        rc = MST_INVAL;
    } else if ((size_t)n < sizeof small) {
        rc = mst_buf_add(b, small, (size_t)n);
    } else {
        // written to memory of its own: vsnprintf ends with a NUL, for which the buffer may have no room
        char *text = malloc((size_t)n + 1);
        b->failed = b->failed || text == NULL;
        rc = text == NULL ? MST_NOMEM : MST_OK;
        if (text != NULL && vsnprintf(text, (size_t)n + 1, fmt, again) == n)
            rc = mst_buf_add(b, text, (size_t)n);
        free(text);
    }
    va_end(again);
    va_end(args);
    return rc;
}

void
mst_buf_consume(mst_buf_t *b, size_t n)
{
    if (n >= b->n) {
        b->n = 0;
        return;
    }
    memmove(b->p, b->p + n, b->n - n);
    b->n -= n;
}

mst_str_t
mst_buf_view(const mst_buf_t *b)
{
    return mst_str(b->p, b->n);
}

char *
mst_buf_take(mst_buf_t *b, size_t *out_n)
{
    char *p = b->p;
    if (out_n != NULL)
        *out_n = b->n;
    *b = (mst_buf_t){.max = b->max};
    return p;
}
