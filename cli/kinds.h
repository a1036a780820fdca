// Prints kinds (scorers, providers) and their parameter tables, for people and as JSON.
#ifndef MST_CLI_KINDS_H
#define MST_CLI_KINDS_H

#include "common/config/run_config.h"

// The rows of a parameter table, indented, one or two lines each.
void mst_kinds_print_params(const mst_param_t *table);
// One JSON object without its closing brace, so that the caller can add members.
void mst_kinds_json(mst_jw_t *w, const mst_kind_t *kind);
// Ends a document: prints it with a newline. Returns an exit code.
int mst_kinds_print_json(mst_buf_t *text);

#endif
