// Keys by reference: "env:NAME", "${NAME}" or "file:/path", resolved at the worker when the first request is
// made, never stored, sent on or logged.
#ifndef MST_WORKER_SECRETS_H
#define MST_WORKER_SECRETS_H

#include "common/config/run_config.h"

#define MST_SECRET_MAX (16 * MST_KIB)

// The first secret of a provider's parameters. *out: heap, NUL-terminated, for the caller to wipe; NULL when none
// is set, or when only a default names a variable that does not exist. MST_DENIED names the parameter and the
// variable or file that it refers to, never the value.
MST_NODISCARD mst_rc mst_secret_read(const mst_provider_cfg_t *cfg, const mst_config_env_t *env, char **out,
                                     mst_err_t *err);

// One secret of a table by its name, by the same rules.
MST_NODISCARD mst_rc mst_secret_param(const mst_params_t *params, const char *name, const mst_config_env_t *env,
                                      char **out, mst_err_t *err);
// One reference; what: the setting that holds it, for errors.
MST_NODISCARD mst_rc mst_secret_ref(const char *what, mst_str_t ref, const mst_config_env_t *env, char **out,
                                    mst_err_t *err);
void mst_secret_free(char **secret); // wipes it; *secret may be NULL

#endif
