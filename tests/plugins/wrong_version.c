// A plugin of a version that does not exist yet.
#include "plugin.h"

static int
score(void *state, const muster_case_t *in, muster_score_t *out, char *error, size_t error_bytes)
{
    (void)state, (void)in, (void)out, (void)error, (void)error_bytes;
    return 0;
}

const muster_plugin_t *
muster_scorer_plugin(void)
{
    static const muster_plugin_t plugin = {.version = 99, .size = sizeof plugin, .name = "future", .score = score};
    return &plugin;
}
