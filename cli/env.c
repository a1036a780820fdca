// The environment of configuration. A stored spec is read without expansion: a text that holds "${X}" after its first
// expansion must not be expanded again.
#include "cli/env.h"

#include "scorers/scorer.h"
#include "worker/provider/provider.h"

#include <stdlib.h>

static const char *
from_environment(void *ud, const char *name)
{
    (void)ud;
    return getenv(name);
}

mst_config_env_t
mst_cli_env(bool expand)
{
    return (mst_config_env_t){
        .scorers = mst_scorers_kinds(),
        .providers = mst_providers_kinds(),
        .aliases = mst_scorers_aliases(),
        .getenv_fn = expand ? from_environment : NULL,
    };
}
