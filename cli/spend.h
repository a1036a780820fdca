// What a run has spent, read back from its rows:
// requests, tokens, and money at the run's prices.
#ifndef MST_CLI_SPEND_H
#define MST_CLI_SPEND_H

#include "aggregator/store/store.h"
#include "common/config/run_config.h"

typedef struct {
    uint64_t requests, tokens;
    double money;
} mst_cli_spend_t;

bool mst_cli_spends(const mst_run_cfg_t *cfg); // it has prices or a budget
MST_NODISCARD mst_rc mst_cli_spend(mst_store_t *store, int64_t run_no, const mst_run_cfg_t *cfg, mst_cli_spend_t *out,
                                   mst_err_t *err);

#endif
