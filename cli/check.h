// What the parts say to a configuration before anything is made of it.
#ifndef MST_CLI_CHECK_H
#define MST_CLI_CHECK_H

#include "common/config/run_config.h"

// Repeats suffice for their reductions, patterns compile, shared objects load, programs are ready, options of the
// simulated backend hold, the provider can
// write a request. MST_INVAL and its like, the message without the file's name.
MST_NODISCARD mst_rc mst_cli_check_parts(const mst_run_cfg_t *cfg, mst_arena_t *arena, mst_err_t *err);

#endif
