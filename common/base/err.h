// Errors: a return code, a retry class and one good sentence.
//
// Two kinds only. Bugs: MST_ASSERT, always compiled in, prints and aborts; nothing reachable from a
// network, a file or a configuration may assert. Operating errors: an mst_rc return plus an optional
// mst_err_t that the caller owns (usually on its stack; fixed size, so there is no out-of-memory path).
// Messages follow PostgreSQL's style: lower case, no full stop, no function names, the object and the
// bad value named: could not open dataset "x.jsonl": no such file.
// Thread: any; no shared state.
#ifndef MST_BASE_ERR_H
#define MST_BASE_ERR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MST_NODISCARD    __attribute__((warn_unused_result))
#define MST_PRINTF(a, b) __attribute__((format(printf, a, b)))

typedef enum {
    MST_OK = 0,
    MST_INVAL,       // what the caller or the user gave is wrong
    MST_NOMEM,       // a capped or outside-sized allocation failed
    MST_IO,          // file, disk or socket error; errno in sub
    MST_FULL,        // no space left on the device or the quota is used up
    MST_TIMEOUT,     // a deadline passed
    MST_CLOSED,      // the other side, or the queue, is closed
    MST_PROTO,       // bytes from outside do not follow their format
    MST_LIMIT,       // a named maximum of common/base/limits.h was passed
    MST_CANCELED,    // the user or the run asked to stop
    MST_NOTFOUND,    // no such object
    MST_CONFLICT,    // exists already, or two statements contradict each other
    MST_UNSUPPORTED, // known, but not available here
    MST_AGAIN,       // nothing to do now; come back when the descriptor is ready
    MST_DENIED,      // credentials missing or refused
    MST_INTERNAL,    // a library broke its contract
} mst_rc;

typedef enum {
    MST_RETRY_NEVER = 0,
    MST_RETRY_NOW,
    MST_RETRY_LATER, // with backoff, or after retry_after_ms when that is > 0
} mst_retry_t;

#define MST_ERR_MESSAGE_MAX 512

typedef struct {
    mst_rc rc;
    mst_retry_t retry;
    int64_t retry_after_ms;            // what the server asked for; 0 = it did not
    int sub;                           // errno, HTTP status, SQLite or CURL code; 0 = none
    const char *file;                  // where in our source, for logs at debug
    int line;
    char message[MST_ERR_MESSAGE_MAX]; // NUL-terminated, cut with "..." when longer
} mst_err_t;

// Fills *err (NULL allowed) and returns rc, so that `return MST_ERR(err, MST_IO, "...")` reads well.
#define MST_ERR(err, rc, ...)      mst_err_set((err), (rc), 0, __FILE__, __LINE__, __VA_ARGS__)
#define MST_ERR_SUB(err, rc, s, ...) mst_err_set((err), (rc), (s), __FILE__, __LINE__, __VA_ARGS__)
mst_rc mst_err_set(mst_err_t *err, mst_rc rc, int sub, const char *file, int line, const char *fmt,
                   ...) MST_PRINTF(6, 7);

// Puts "prefix: " in front of the message already in *err; keeps rc and the rest. NULL allowed.
void mst_err_prefix(mst_err_t *err, const char *fmt, ...) MST_PRINTF(2, 3);

// Short stable name of a code, such as "not found"; never NULL.
const char *mst_rc_name(mst_rc rc);

// Aborts with file, line and the failed expression on stderr.
_Noreturn void mst_assert_failed(const char *expr, const char *file, int line);
#define MST_ASSERT(e) ((e) ? (void)0 : mst_assert_failed(#e, __FILE__, __LINE__))

#endif
