// Options of `muster run`.
#ifndef MST_CLI_RUN_OPTS_H
#define MST_CLI_RUN_OPTS_H

#include "common/base/err.h"

typedef struct {
    const char *config;   // NULL only with resume
    const char *output;   // -o FILE.json
    const char *db;
    const char *resume;   // run id, prefix or "latest"
    int64_t limit, repeats, concurrency; // -1 = as configured
    bool verbose, no_progress, json, strict, keep_raw;
} mst_run_opts_t;

// Parses; prints help and exits 0, or prints what is wrong and exits 2, as argp does.
void mst_run_opts_parse(int argc, char **argv, mst_run_opts_t *out);

#endif
