// Errors: formatting into the caller's fixed record. The text is made in a local buffer first, so that a caller
// may pass err->message itself as an argument.
#include "common/base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Marks a text that did not fit: "..." at the end, and no half of a UTF-8 character before it.
static void
mark_cut(char text[MST_ERR_MESSAGE_MAX])
{
    size_t n = MST_ERR_MESSAGE_MAX - 1 - 3;
    while (n > 0 && ((unsigned char)text[n] & 0xC0) == 0x80)
        n--;
    memcpy(text + n, "...", 4);
}

static void format(char out[MST_ERR_MESSAGE_MAX], const char *fmt, va_list args) MST_PRINTF(2, 0);

static void
format(char out[MST_ERR_MESSAGE_MAX], const char *fmt, va_list args)
{
    int n = vsnprintf(out, MST_ERR_MESSAGE_MAX, fmt, args);
    if (n < 0)
        memcpy(out, "error text could not be made", sizeof "error text could not be made");
    else if (n >= MST_ERR_MESSAGE_MAX)
        mark_cut(out);
}

mst_rc
mst_err_set(mst_err_t *err, mst_rc rc, int sub, const char *file, int line, const char *fmt, ...)
{
    if (err == NULL)
        return rc;
    char text[MST_ERR_MESSAGE_MAX];
    va_list args;
    va_start(args, fmt);
    format(text, fmt, args);
    va_end(args);
    err->rc = rc;
    err->retry = MST_RETRY_NEVER;
    err->retry_after_ms = 0;
    err->sub = sub;
    err->file = file;
    err->line = line;
    memcpy(err->message, text, strlen(text) + 1);
    return rc;
}

void
mst_err_prefix(mst_err_t *err, const char *fmt, ...)
{
    if (err == NULL)
        return;
    char text[MST_ERR_MESSAGE_MAX];
    va_list args;
    va_start(args, fmt);
    format(text, fmt, args);
    va_end(args);
    size_t prefix = strlen(text), old = strlen(err->message);
    bool cut = prefix + 2 + old >= MST_ERR_MESSAGE_MAX;
    char joined[2 * MST_ERR_MESSAGE_MAX + 2];
    memcpy(joined, text, prefix);
    memcpy(joined + prefix, ": ", 2);
    memcpy(joined + prefix + 2, err->message, old + 1);
    if (cut)
        mark_cut(joined);
    memcpy(err->message, joined, strlen(joined) + 1);
}

const char *
mst_rc_name(mst_rc rc)
{
    switch (rc) {
    case MST_OK:
        return "ok";
    case MST_INVAL:
        return "invalid";
    case MST_NOMEM:
        return "out of memory";
    case MST_IO:
        return "input/output error";
    case MST_FULL:
        return "no space left";
    case MST_TIMEOUT:
        return "timeout";
    case MST_CLOSED:
        return "closed";
    case MST_PROTO:
        return "format error";
    case MST_LIMIT:
        return "limit passed";
    case MST_CANCELED:
        return "canceled";
    case MST_NOTFOUND:
        return "not found";
    case MST_CONFLICT:
        return "conflict";
    case MST_UNSUPPORTED:
        return "unsupported";
    case MST_AGAIN:
        return "try again";
    case MST_DENIED:
        return "denied";
    case MST_INTERNAL:
        return "internal error";
    }
    return "unknown error";
}

void
mst_assert_failed(const char *expr, const char *file, int line)
{
    fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line, expr);
    fflush(stderr);
    abort();
}
