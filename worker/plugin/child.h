// A child process that is asked line by line over pipes, with deadlines. It runs in a process group of its own; when it
// goes, the whole group is killed. After any error the child is of no more use: free it.
// Thread: one. Nothing here waits longer than its deadline and a second for a killed process to be gone.
#ifndef MST_WORKER_PLUGIN_CHILD_H
#define MST_WORKER_PLUGIN_CHILD_H

#include "common/base/err.h"
#include "common/base/str.h"

typedef struct {
    const mst_str_t *command; // program and arguments; found by PATH without a slash
    size_t command_count;
    const mst_str_t *env; // names of variables that it may see beside the usual ones
    size_t env_count;
    uint64_t memory_bytes; // of its address space; 0 = no limit
} mst_child_opts_t;

typedef struct mst_child mst_child_t;

MST_NODISCARD mst_rc mst_child_start(const mst_child_opts_t *o, mst_child_t **out, mst_err_t *err);
// Sends text (it ends with a newline) and waits for one line. *out_line: without its newline, until the next call.
// MST_TIMEOUT; MST_CLOSED: it has ended; MST_LIMIT: a line beyond the bound; MST_PROTO: it spoke unasked.
// deadline_ns: of mst_mono_ns.
MST_NODISCARD mst_rc mst_child_ask(mst_child_t *c, mst_str_t text, int64_t deadline_ns, mst_str_t *out_line,
                                   mst_err_t *err);
// Closes its input, gives it a moment to end by itself, then kills its group.
void mst_child_free(mst_child_t **c);
// Kills at once.
void mst_child_kill(mst_child_t **c);

#endif
