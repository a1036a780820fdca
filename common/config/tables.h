// The keys of each section of a configuration, for documentation: rows of name, type, default, help.
#ifndef MST_CONFIG_TABLES_H
#define MST_CONFIG_TABLES_H

#include "common/model/param.h"

extern const mst_param_t mst_run_cfg_table[];    // top level
extern const mst_param_t mst_source_cfg_table[]; // data_source
extern const mst_param_t mst_scorer_cfg_table[]; // every scorer, beside its own
extern const mst_param_t mst_set_cfg_table[];    // a set of scorers
extern const mst_param_t mst_target_cfg_table[]; // every target, beside its provider's own
extern const mst_param_t mst_guard_cfg_table[];  // numerical_guard; that of slo: slo.h
extern const mst_param_t mst_request_cfg_table[]; // request
extern const mst_param_t mst_provider_cfg_table[]; // every provider, beside its own
extern const mst_param_t mst_budget_cfg_table[]; // budget
extern const mst_param_t mst_price_cfg_table[];  // each model of prices
extern const mst_param_t mst_launch_cfg_table[];   // its section launch
extern const mst_param_t mst_load_cfg_table[];   // load

#endif
