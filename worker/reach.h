// How a provider's server is reached: certificates and proxy, from the settings that every provider has.
#ifndef MST_WORKER_REACH_H
#define MST_WORKER_REACH_H

#include "common/config/run_config.h"
#include "common/http/client.h"

// Looks at the files that the settings name. MST_INVAL with a sentence.
MST_NODISCARD mst_rc mst_reach_check(const mst_provider_cfg_t *cfg, mst_err_t *err);
// The record of the client for these settings; *out NULL when there is nothing special about them. Secrets are
// resolved. MST_INVAL, MST_DENIED.
MST_NODISCARD mst_rc mst_reach_net(const mst_provider_cfg_t *cfg, const mst_config_env_t *env, mst_http_t *http,
                                   const mst_http_net_t **out, mst_err_t *err);

#endif
