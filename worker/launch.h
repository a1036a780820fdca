// A server that this worker starts for one backend of a run, and owns: begun before the first request, asked until it
// is ready, watched, stopped with the run. Its output is a file.
// Thread: the loop's.
#ifndef MST_WORKER_LAUNCH_H
#define MST_WORKER_LAUNCH_H

#include "common/http/client.h"
#include "common/loop/loop.h"
#include "worker/run.h"

// A port that nobody listens on now. MST_IO.
MST_NODISCARD mst_rc mst_launch_free_port(uint16_t *out, mst_err_t *err);
// text with the port for each {port} in it, in the arena; MST_STR_NULL: no room.
mst_str_t mst_launch_with_port(mst_str_t text, uint16_t port, mst_arena_t *arena);

typedef struct mst_launch mst_launch_t;

// why->rc MST_OK: it is ready. Else, also later, at most once: it ended, or was not ready in time. Never from inside
// mst_launch_new.
typedef void mst_launch_fn(void *ud, const mst_err_t *why);

typedef struct {
    mst_loop_t *loop;
    mst_http_t *http;
    const mst_http_net_t *net;
    const mst_config_env_t *env;
    const mst_run_target_t *target; // outlives it
    mst_launch_fn *fn;
    void *ud;
} mst_launch_opts_t;

// MST_DENIED: a variable or file that its env names is not there. MST_IO: the log cannot be written.
MST_NODISCARD mst_rc mst_launch_new(const mst_launch_opts_t *o, mst_launch_t **out, mst_err_t *err);
void mst_launch_stop(mst_launch_t *l); // begins to stop it; fn does not come any more
// Stops it and waits until all of its processes are gone. client_gone: the client was freed before.
void mst_launch_free(mst_launch_t **l, bool client_gone);

#endif
