// The numbers of a run, read back from the store: what the report shows, and what scorers of scope run judge.
#ifndef MST_CLI_NUMBERS_H
#define MST_CLI_NUMBERS_H

#include "aggregator/store/store.h"
#include "common/config/run_config.h"
#include "report/report.h"

// cfg: of rec->spec. Strings of *out live in arena or belong to rec and cfg. Exit code by mst_report_exit_code;
// a run that is not DONE counts as aborted when its state says so, else as interrupted.
MST_NODISCARD mst_rc mst_cli_numbers(mst_store_t *store, const mst_run_rec_t *rec, const mst_run_cfg_t *cfg,
                                     mst_arena_t *arena, mst_run_numbers_full_t *out, mst_err_t *err);

#endif
