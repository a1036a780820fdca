// Baselines of scorers: `baseline_file` and `baseline_run` become a `baseline` of mean, deviation and count, before the
// spec of a run is written, because scorers and workers read no files and no store.
#ifndef MST_CLI_BASELINE_H
#define MST_CLI_BASELINE_H

#include "common/config/run_config.h"

// Changes the parameters of cfg's scorers (copies in arena); cfg->spec is not written anew. db: URL of the store, read
// only for baseline_run. A short baseline is a warning in the log. MST_INVAL, MST_NOTFOUND, MST_IO, MST_PROTO,
// MST_LIMIT with the scorer's label.
MST_NODISCARD mst_rc mst_cli_baselines(mst_run_cfg_t *cfg, const char *db, mst_arena_t *arena, mst_err_t *err);

#endif
