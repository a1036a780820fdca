// A refused key counts only while no case was measured: a backend that worked and then refuses is one with
// limits of its own, and its cases keep their typed failures.
#include "worker/core/breaker.h"

#include "common/base/clock.h"

#include <stdio.h>
#include <string.h>

#define REFUSED_ROW_MIN 3

void
mst_breaker_init(mst_breaker_t *b, const char *endpoint, int64_t unreachable_ns, int64_t down_ns)
{
    memset(b, 0, sizeof *b);
    b->endpoint = endpoint;
    b->unreachable_ns = unreachable_ns;
    b->down_ns = down_ns;
}

void
mst_breaker_measured(mst_breaker_t *b)
{
    b->measured++;
    b->answered++;
    b->refused_row = 0;
}

// What the backend says to everybody, whatever is asked. The sentence of the provider says what to do about it.
static bool
refused_by_status(mst_breaker_t *b, int status, const mst_err_t *err, const char *why)
{
    bool key = status == 401 || status == 402 || status == 403;
    bool quota = status == 429 && err && err->retry == MST_RETRY_NEVER;
    if (b->measured > 0 || (!key && !quota && status != 404))
        return false;
    const char *what = key ? "refused the key" : quota ? "takes no more requests" : "knows no such model or path";
    (void)snprintf(b->text, sizeof b->text, "backend %s %s: %s", b->endpoint, what, why);
    return true;
}

bool
mst_breaker_failed(mst_breaker_t *b, int64_t now_ns, int http_status, bool unreachable, bool final,
                   const mst_err_t *err)
{
    const char *why = err && err->message[0] ? err->message : "no reason given";
    if (http_status == 0 && err && err->rc == MST_DENIED && b->measured == 0) { // a certificate: no further try helps
        (void)snprintf(b->text, sizeof b->text, "backend %s cannot be used: %s", b->endpoint, why);
        return true;
    }
    if (!unreachable) {
        b->answered++;
        b->refused_row = 0;
        return refused_by_status(b, http_status, err, why);
    }
    if (b->refused_row++ == 0)
        b->refused_since_ns = now_ns;
    if (b->refused_row < REFUSED_ROW_MIN)
        return false;
    int64_t row_ns = now_ns - b->refused_since_ns;
    bool never = b->answered == 0;
    if (never ? !final && row_ns < b->unreachable_ns : row_ns < b->down_ns)
        return false;
    (void)snprintf(b->text, sizeof b->text,
                   "backend %s %s after %u attempts in %.1f s: %s; start it, or set provider.base_url", b->endpoint,
                   never ? "cannot be reached" : "is gone", b->refused_row, (double)row_ns / (double)MST_NS_PER_S, why);
    return true;
}

bool
mst_breaker_in_row(const mst_breaker_t *b)
{
    return b->refused_row >= REFUSED_ROW_MIN;
}
