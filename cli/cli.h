// Subcommands: one file each, one line in commands.def. Options by argp.
#ifndef MST_CLI_CLI_H
#define MST_CLI_CLI_H

#include "common/base/err.h"

#include <stdio.h>

// Exit codes, decided in this order where several hold (docs/reference/exit-codes.md).
enum {
    MST_EXIT_PASS = 0,
    MST_EXIT_FAIL = 1,         // a measured case or a gate failed
    MST_EXIT_USAGE = 2,        // usage, configuration, data or baseline unusable
    MST_EXIT_INCONCLUSIVE = 3, // coverage under min_coverage
    MST_EXIT_INFRA = 4,        // aborted, or nothing measurable, because of infrastructure
    MST_EXIT_INTERRUPTED = 130,
};

typedef struct {
    const char *name;
    const char *help;                    // one line
    int (*run)(int argc, char **argv);   // argv[0] is "muster NAME"; returns the exit code
} mst_command_t;

const mst_command_t *mst_commands_all(void); // in the order of --help; the last one has name NULL
const mst_command_t *mst_command_find(const char *name);

// INVAL, NOTFOUND, PROTO, LIMIT, CONFLICT, UNSUPPORTED: usage; CANCELED: interrupted; others: infrastructure.
int mst_cli_exit_code(mst_rc rc);

// Prints "muster: error: SENTENCE" on stderr and returns mst_cli_exit_code(err->rc).
int mst_cli_fail(const mst_err_t *err);
void mst_cli_say(const char *before, const char *text); // a line on stderr; control characters of text as \xNN
void mst_cli_drop_output(FILE *f); // f cannot be written and this was told: once is enough
void mst_cli_hold_stdio(void);                          // first of all: descriptors 0 to 2 are taken

// The store's URL: the option, else MUSTER_DB, else "sqlite:muster.db".
const char *mst_cli_db(const char *option);
bool mst_cli_colour(int fd); // a terminal, and NO_COLOR is not set, and TERM is not dumb
// Reads a whole file of at most max bytes into a malloc'd buffer.
MST_NODISCARD mst_rc mst_cli_read_file(const char *path, size_t max, char **out, size_t *out_n, mst_err_t *err);

#endif
