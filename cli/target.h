// One target of a run, as people name it: its label, or its number from 0.
#ifndef MST_CLI_TARGET_H
#define MST_CLI_TARGET_H

#include "common/config/run_config.h"

// *out_no: -1 when which is NULL. MST_NOTFOUND names the targets there are; MST_INVAL when the cases were shared out,
// so that no case belongs to a target.
MST_NODISCARD mst_rc mst_cli_target(const mst_run_cfg_t *cfg, const char *which, int64_t *out_no, mst_err_t *err);

#endif
