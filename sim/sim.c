// The simulated backend as a thread: the server belongs to it from start to stop.
#include "sim/sim.h"

#include "common/base/mem.h"
#include "sim/server.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

struct mst_sim {
    mst_sim_server_t *server;
    pthread_t thread;
};

static void *
run(void *ud)
{
    mst_sim_server_run(ud);
    return NULL;
}

mst_rc
mst_sim_start(const mst_sim_opts_t *o, mst_sim_t **out, mst_err_t *err)
{
    *out = NULL;
    mst_sim_t *s = MST_NEW(mst_sim_t);
    mst_rc rc = mst_sim_server_open(o, &s->server, err);
    if (rc != MST_OK) {
        free(s);
        return rc;
    }
    sigset_t all, old; // signals are for the thread that waits for them
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int e = pthread_create(&s->thread, NULL, run, s->server);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (e != 0) {
        mst_sim_server_close(&s->server);
        free(s);
        return MST_ERR_SUB(err, MST_IO, e, "could not start the simulated backend's thread: %s", strerror(e));
    }
    *out = s;
    return MST_OK;
}

uint16_t
mst_sim_port(const mst_sim_t *s)
{
    return s->server->ports[0].port;
}

uint16_t
mst_sim_port_at(const mst_sim_t *s, size_t i, const char **out_dialect)
{
    if (i >= s->server->port_count)
        return 0;
    *out_dialect = mst_sim_dialect_name(s->server->ports[i].dialect);
    return s->server->ports[i].port;
}

void
mst_sim_stop(mst_sim_t **s)
{
    if (s == NULL || *s == NULL)
        return;
    atomic_store_explicit(&(*s)->server->stop, true, memory_order_release);
    mst_loop_wake((*s)->server->loop);
    pthread_join((*s)->thread, NULL);
    mst_sim_server_close(&(*s)->server);
    free(*s);
    *s = NULL;
}
