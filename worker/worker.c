// The life of a worker: queues, CPU threads, the I/O thread; and their end in the reverse order. The I/O thread
// makes its own links and tells the starter how that went.
#include "worker/worker.h"

#include "common/base/log.h"
#include "worker/cpu.h"
#include "worker/io.h"
#include "worker/model/local_models.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#define CPU_THREADS_MAX 256

struct mst_worker {
    mst_io_t io;
    char *control_endpoint, *results_endpoint, *name, **backends; // copies
    pthread_t thread;
    bool thread_runs;
    mst_cpu_t *cpus[CPU_THREADS_MAX];
    mst_local_models_t *models; // used by the CPU threads
    // how the I/O thread started
    pthread_mutex_t lock;
    pthread_cond_t told;
    bool started;
    mst_rc rc;
    mst_err_t err;
};

static void
on_started(void *ud, mst_rc rc, const mst_err_t *err)
{
    mst_worker_t *w = ud;
    pthread_mutex_lock(&w->lock);
    w->started = true;
    w->rc = rc;
    w->err = *err;
    pthread_cond_signal(&w->told);
    pthread_mutex_unlock(&w->lock);
}

static void *
io_main(void *arg)
{
    mst_worker_t *w = arg;
    (void)pthread_setname_np(pthread_self(), "worker-io");
    mst_io_run(&w->io, on_started, w);
    return NULL;
}

static mst_rc
start_io(mst_worker_t *w, mst_err_t *err)
{
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int e = pthread_create(&w->thread, NULL, io_main, w);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (e != 0)
        return MST_ERR_SUB(err, MST_NOMEM, e, "could not start the worker's thread: %s", strerror(e));
    w->thread_runs = true;
    pthread_mutex_lock(&w->lock);
    while (!w->started)
        pthread_cond_wait(&w->told, &w->lock);
    pthread_mutex_unlock(&w->lock);
    if (w->rc != MST_OK && err)
        *err = w->err;
    return w->rc;
}

static uint32_t
thread_count(uint32_t asked)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    uint32_t n = asked > 0 ? asked : processors > 0 ? (uint32_t)processors : 1;
    return n < CPU_THREADS_MAX ? n : CPU_THREADS_MAX;
}

static char *
copy(const char *z)
{
    return z ? mst_xstrdup(z) : NULL;
}

static void
set_options(mst_worker_t *w, const mst_worker_opts_t *o)
{
    w->control_endpoint = copy(o->control_endpoint);
    w->results_endpoint = copy(o->results_endpoint);
    w->name = copy(o->name);
    w->backends = MST_NEW_ARRAY(char *, o->backend_count);
    for (size_t i = 0; i < o->backend_count; i++)
        w->backends[i] = copy(o->backends[i]);
    w->io.o = *o;
    w->io.o.control_endpoint = w->control_endpoint;
    w->io.o.results_endpoint = w->results_endpoint;
    w->io.o.name = w->name;
    w->io.o.backends = (const char *const *)w->backends;
    w->io.env = *o->env;
    w->io.o.env = &w->io.env;
    w->io.cpu_threads = thread_count(o->cpu_threads);
    w->models = mst_local_models_new(&w->io.env);
    w->io.jobs = mst_queue_new(MST_WORKER_JOBS_MAX, false);
    w->io.done = mst_queue_new(MST_WORKER_JOBS_MAX, true);
}

mst_rc
mst_worker_start(const mst_worker_opts_t *o, mst_worker_t **out, mst_err_t *err)
{
    mst_worker_t *w = MST_NEW(mst_worker_t);
    mst_rc rc = MST_OK;
    *out = NULL;
    atomic_init(&w->io.stop, false);
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->told, NULL);
    set_options(w, o);
    if (getrandom(w->io.instance, sizeof w->io.instance, 0) != (ssize_t)sizeof w->io.instance) {
        rc = MST_ERR_SUB(err, MST_IO, errno, "could not get random bytes: %s", strerror(errno));
        goto out;
    }
    for (uint32_t i = 0; i < w->io.cpu_threads && rc == MST_OK; i++)
        rc = mst_cpu_start(w->io.jobs, w->io.done, o->outside, mst_local_models(w->models), &w->cpus[i], err);
    if (rc == MST_OK)
        rc = start_io(w, err);
out:
    if (rc != MST_OK)
        mst_worker_stop(&w);
    *out = w;
    return rc;
}

void
mst_worker_stop(mst_worker_t **worker)
{
    mst_worker_t *w = *worker;
    if (!w)
        return;
    *worker = NULL;
    atomic_store_explicit(&w->io.stop, true, memory_order_release);
    if (w->thread_runs) {
        if (w->io.loop)
            mst_loop_wake(w->io.loop);
        pthread_join(w->thread, NULL);
    }
    mst_queue_close(w->io.jobs);
    for (uint32_t i = 0; i < w->io.cpu_threads; i++)
        mst_cpu_join(&w->cpus[i]);
    mst_local_models_free(&w->models);
    mst_io_end(&w->io);
    mst_queue_free(&w->io.jobs);
    mst_queue_free(&w->io.done);
    pthread_mutex_destroy(&w->lock);
    pthread_cond_destroy(&w->told);
    free(w->control_endpoint);
    free(w->results_endpoint);
    free(w->name);
    for (size_t i = 0; i < w->io.o.backend_count; i++)
        free(w->backends[i]);
    free(w->backends);
    free(w);
}
