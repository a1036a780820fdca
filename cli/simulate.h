// The `simulate:` section of a configuration: a simulated backend in this process.
#ifndef MST_CLI_SIMULATE_H
#define MST_CLI_SIMULATE_H

#include "common/json/json.h"
#include "sim/sim.h"

// section: the JSON object of `simulate:`; its strings are copied into arena. MST_INVAL names the key and the nearest
// valid one.
MST_NODISCARD mst_rc mst_simulate_opts(const mst_json_t *section, mst_arena_t *arena, mst_sim_opts_t *out,
                                       mst_err_t *err);

#endif
