// exec: a scorer in a program of any language that speaks JSON lines. Its table is here; the code that runs the
// program is at the worker's edge (worker/plugin).
#include "scorers/scorer.h"

static const mst_param_t params[] = {
    {.name = "command", .type = MST_P_STRLIST, .required = true,
     .help = "the program and its arguments; found by PATH when it has no slash; no shell is between"},
    {.name = "params", .type = MST_P_JSON, .dflt = "{}", .help = "a map that the program gets when it starts"},
    {.name = "timeout_ms", .type = MST_P_INT, .dflt = "10000", .min = 1, .max = 600000,
     .help = "longest wait for one score; then the program and its children are killed"},
    {.name = "start_timeout_ms", .type = MST_P_INT, .dflt = "10000", .min = 1, .max = 600000,
     .help = "longest wait for the program to say that it is ready"},
    {.name = "memory_mb", .type = MST_P_INT, .dflt = "2048", .min = 0, .max = 1048576,
     .help = "limit of its address space in MiB; 0: none"},
    {.name = "env", .type = MST_P_STRLIST, .dflt = "[]",
     .help = "environment variables that it may see beside PATH, HOME, USER, LANG, LC_ALL, TMPDIR, PYTHONPATH and "
             "VIRTUAL_ENV"},
    {.name = NULL},
};

const mst_scorer_t mst_scorer_exec = {
    .kind = {.name = "exec",
             .tier = "L1",
             .params = params,
             .threshold = 1.0,
             .help = "a scorer of your own in a program that speaks JSON lines (docs/extending.md)"},
    .outside = true,
};
