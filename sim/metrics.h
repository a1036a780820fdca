// What the simulated backend tells of itself at /metrics: counts and two histograms, in the names of the dialect's
// server. Pure.
#ifndef MST_SIM_METRICS_H
#define MST_SIM_METRICS_H

#include "common/base/buf.h"
#include "sim/sim.h"

enum { MST_SIM_BUCKETS = 14 };

typedef struct {
    uint64_t counts[MST_SIM_BUCKETS + 1]; // the last: over all bounds
    double sum_s;
    uint64_t count;
} mst_sim_histogram_t;

typedef struct {
    uint64_t running;
    uint64_t requests, stopped, cut_short, failed; // finished, by how
    uint64_t prompt_tokens, tokens;
    mst_sim_histogram_t ttft, e2e;
} mst_sim_metrics_t;

void mst_sim_histogram_add(mst_sim_histogram_t *h, int64_t ns);
void mst_sim_metrics_render(const mst_sim_metrics_t *m, mst_sim_dialect_t d, const char *model, mst_buf_t *out);

#endif
