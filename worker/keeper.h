// A process of our own that keeps a server: starts it in a session of its own, takes its output down into a file, and
// stops it when it is told to or when this process is gone, however it went. In between it tells when the server ended.
// Thread: one.
#ifndef MST_WORKER_KEEPER_H
#define MST_WORKER_KEEPER_H

#include "common/base/err.h"
#include "common/base/str.h"

#define MST_KEEPER_TAIL 1024

typedef struct {
    char *const *argv; // program and arguments, NULL-terminated; found by PATH without a slash
    char *const *envp;
    int log_fd;            // lent during the call
    uint64_t log_max;      // bytes; what is more is read and dropped
    const mst_str_t *blot; // keys: stars in what the server writes
    size_t blot_count;
} mst_keeper_opts_t;

typedef struct { // how a server ended
    int status;  // of waitpid
    uint32_t tail_n;
    char tail[MST_KEEPER_TAIL]; // of its output
} mst_keeper_end_t;

typedef struct mst_keeper mst_keeper_t;

MST_NODISCARD mst_rc mst_keeper_start(const mst_keeper_opts_t *o, mst_keeper_t **out, mst_err_t *err);
// Readable when the server has ended.
int mst_keeper_fd(const mst_keeper_t *k);
bool mst_keeper_ended(mst_keeper_t *k, mst_keeper_end_t *out); // false: not yet
// SIGTERM to the server and all that it started, SIGKILL to what is left after 10 s. Returns at once.
void mst_keeper_stop(mst_keeper_t *k);
// Stops, and waits until all of it is gone.
void mst_keeper_free(mst_keeper_t **k);

#endif
