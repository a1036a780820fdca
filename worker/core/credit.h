// How many cases a worker asks for: enough to keep every place at the backend taken while results travel to
// the store and back, and no more than its memory holds. Pure.
#ifndef MST_WORKER_CORE_CREDIT_H
#define MST_WORKER_CORE_CREDIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint32_t concurrency; // places at the backend; recorded answers: 0
    bool recorded;        // nothing is asked: CPU threads alone limit the rate
    double rate;          // cases settled per second, smoothed
    double case_bytes;    // mean size of a granted case, smoothed
    int64_t last_ns;      // time and count of the last tick; 0 = none yet
    uint64_t last_settled;
} mst_credit_t;

void mst_credit_case(mst_credit_t *c, size_t bytes);                     // a case of this size was granted
void mst_credit_tick(mst_credit_t *c, int64_t now_ns, uint64_t settled); // settled: growing count
// Cases granted and not committed that it wants at most; 1 to MST_CREDIT_CASES_MAX.
uint32_t mst_credit_cases(const mst_credit_t *c, size_t memory_max);

#endif
