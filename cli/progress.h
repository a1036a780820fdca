// The live view of a run on standard error: one line that is redrawn on a terminal, a plain line every few seconds
// elsewhere. Thread: the one that calls; log lines of other threads wipe and redraw it through the log's hooks.
#ifndef MST_CLI_PROGRESS_H
#define MST_CLI_PROGRESS_H

#include "common/base/err.h"

typedef struct mst_progress mst_progress_t;

typedef struct {
    uint64_t done, total;      // keys
    bool total_exact;
    uint64_t passed, measured, unmeasured;
    uint32_t in_flight;
    int64_t ttft_p50_ns;       // MST_NONE (-1) = none
    bool draining;
} mst_progress_view_t;

// enabled: false draws nothing. Never fails.
mst_progress_t *mst_progress_new(bool enabled, int64_t now_ns, uint64_t done_before);
void mst_progress_free(mst_progress_t **p); // wipes the line
void mst_progress_show(mst_progress_t *p, const mst_progress_view_t *v, int64_t now_ns);

#endif
