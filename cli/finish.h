// The end of a run: numbers from the store, the report, the file of -o, the exit code.
#ifndef MST_CLI_FINISH_H
#define MST_CLI_FINISH_H

#include "aggregator/store/store.h"
#include "cli/follow.h"
#include "common/config/run_config.h"

typedef struct {
    mst_store_t *store;     // WRITE: the run's row is closed here
    mst_run_rec_t *rec;
    const mst_run_cfg_t *cfg;
    const mst_follow_result_t *end;
    const char *output;     // NULL = none
    const char *db;         // --db as it was given; NULL = it was not
    bool json, verbose;
    const char *go_on;      // said when it did not end; NULL = how to resume it
} mst_finish_opts_t;

// Returns the exit code. Everything that was committed is reported, those of earlier sessions included.
int mst_finish_run(const mst_finish_opts_t *o, mst_arena_t *arena);

#endif
