// What configuration needs from outside: the kinds of scorers and providers, and the environment.
#ifndef MST_CLI_ENV_H
#define MST_CLI_ENV_H

#include "common/config/run_config.h"

// expand: ${NAME} is replaced; false for a stored spec, where nothing is expanded again.
mst_config_env_t mst_cli_env(bool expand);

#endif
