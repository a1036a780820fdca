// Why cases were not measured: one sentence an outcome, taken from the first such case of the store.
#ifndef MST_CLI_WHY_H
#define MST_CLI_WHY_H

#include "aggregator/store/store.h"
#include "report/report.h"

// Fills out->outcome_why from out->outcomes and out->scorers; the texts live in arena. Reads no row when every case
// was measured.
MST_NODISCARD mst_rc mst_cli_why(mst_store_t *store, int64_t run_no, mst_arena_t *arena, mst_run_numbers_full_t *out,
                                 mst_err_t *err);

#endif
