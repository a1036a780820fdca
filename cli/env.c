// The environment of configuration. A stored spec is read without expansion: a text that holds "${X}" after its first
// expansion must not be expanded again.
#include "cli/env.h"

#include "cli/cli.h"
#include "scorers/scorer.h"
#include "worker/provider/provider.h"

#include <stdlib.h>

static const char *
from_environment(void *ud, const char *name)
{
    (void)ud;
    return getenv(name);
}

static mst_rc
read_file(void *ud, const char *path, size_t max, mst_arena_t *arena, mst_str_t *out, mst_err_t *err)
{
    (void)ud;
    char *text = NULL;
    size_t n = 0;
    mst_rc rc = mst_cli_read_file(path, max, &text, &n, err);
    if (rc != MST_OK)
        return rc;
    bool ok;
    *out = mst_arena_dup(arena, mst_str(text, n), &ok);
    free(text);
    return ok ? MST_OK : MST_ERR(err, MST_LIMIT, "\"%s\" does not fit into memory", path);
}

mst_config_env_t
mst_cli_env(bool expand)
{
    return (mst_config_env_t){
        .scorers = mst_scorers_kinds(),
        .providers = mst_providers_kinds(),
        .aliases = mst_scorers_aliases(),
        .getenv_fn = expand ? from_environment : NULL,
        .read_fn = expand ? read_file : NULL,
    };
}
