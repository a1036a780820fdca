// Whether the backend as a whole is unusable: a key that is refused, a model that does not exist, nothing that
// listens. Such a run ends with one sentence, not with a failure for each case. Pure.
#ifndef MST_WORKER_CORE_BREAKER_H
#define MST_WORKER_CORE_BREAKER_H

#include "common/base/err.h"

#define MST_BREAKER_TEXT_MAX 768

typedef struct {
    const char *endpoint;        // borrowed
    int64_t unreachable_ns;      // it never answered: given up this long after the first failure
    int64_t down_ns;             // it answered once: given up this long after the first of a row of failures
    uint64_t measured, answered; // cases measured, attempts that got any HTTP answer
    uint32_t refused_row;        // attempts without connection since the last answer
    int64_t refused_since_ns;    // first of them
    char text[MST_BREAKER_TEXT_MAX];
} mst_breaker_t;

void mst_breaker_init(mst_breaker_t *b, const char *endpoint, int64_t unreachable_ns, int64_t down_ns);
void mst_breaker_measured(mst_breaker_t *b);
// A failed attempt; true when the run cannot go on, with the sentence in b->text. final: nobody waits for a backend
// that never answered.
bool mst_breaker_failed(mst_breaker_t *b, int64_t now_ns, int http_status, bool unreachable, bool final,
                        const mst_err_t *err);

// Nothing is reached, attempt after attempt: a case does not pay for that with its tries.
bool mst_breaker_in_row(const mst_breaker_t *b);

#endif
