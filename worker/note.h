// What a worker tells the coordinator about a run under way: its sums, and the places that it allows.
#ifndef MST_WORKER_NOTE_H
#define MST_WORKER_NOTE_H

#include "worker/core/budget.h"

struct mst_io;
struct mst_io_run;

typedef struct {
    mst_spend_t spent;
    uint64_t retries, raises, cuts;
    uint32_t places, lowest;
} mst_run_note_t;

// Sends the sums when they differ from what was told. adaptive_only: only when the places have changed.
void mst_note_tell(struct mst_io *io, struct mst_io_run *run, bool adaptive_only);

#endif
