// plugin: a scorer in a shared object, by the interface of scorers/plugin.h. Its table is here; the code that loads
// and calls it is at the worker's edge (worker/plugin).
#include "scorers/scorer.h"

static const mst_param_t params[] = {
    {.name = "path", .type = MST_P_STR, .required = true,
     .help = "the shared object; relative to the working directory"},
    {.name = "params", .type = MST_P_JSON, .dflt = "{}", .help = "a map that the plugin gets as JSON"},
    {.name = NULL},
};

const mst_scorer_t mst_scorer_plugin = {
    .kind = {.name = "plugin",
             .tier = "L1",
             .params = params,
             .threshold = 1.0,
             .help = "a scorer of your own in a shared object (docs/extending.md)"},
    .outside = true,
};
