// One CPU thread. Compiled scorers are kept for the last few runs; a set refers to its run's configuration, so it
// is freed before its reference to the run is let go.
#include "worker/cpu.h"

#include "common/base/clock.h"
#include "common/base/limits.h"
#include "common/base/log.h"
#include "worker/row.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#define SETS_KEPT 4
#define CPU_ARENA (512 * MST_MIB)
#define ROWS_MAX  (2 * MST_RESULT_BYTES_MAX)

typedef struct {
    mst_run_t *run; // reference; NULL = empty
    mst_scorer_set_t *set;
    mst_err_t err; // why there is no set
    uint64_t used;
} kept_t;

struct mst_cpu {
    pthread_t thread;
    mst_queue_t *jobs, *done;
    const mst_scorer_outside_t *outside;
    mst_bench_t bench;
    kept_t kept[SETS_KEPT];
    uint64_t turn;
};

static void
kept_free(kept_t *k)
{
    mst_scorer_set_free(&k->set);
    mst_run_unref(&k->run);
    *k = (kept_t){0};
}

// Sets the bench to the scorers of a run; compiles them when this thread has not seen the run lately.
static void
use_run(mst_cpu_t *cpu, mst_run_t *run)
{
    kept_t *k = &cpu->kept[0];
    cpu->turn++;
    for (size_t i = 0; i < SETS_KEPT; i++) {
        if (cpu->kept[i].run == run) {
            k = &cpu->kept[i];
            break;
        }
        if (cpu->kept[i].used < k->used)
            k = &cpu->kept[i];
    }
    if (k->run != run) {
        kept_free(k);
        k->run = mst_run_ref(run);
        if (mst_scorer_set_new_with(&run->cfg, cpu->outside, &k->set, &k->err) != MST_OK)
            mst_error("scorers could not be prepared: %s", k->err.message);
    }
    k->used = cpu->turn;
    cpu->bench.run = run;
    cpu->bench.set = k->set;
    cpu->bench.set_err = k->err;
}

static void
do_unit(mst_cpu_t *cpu, mst_job_t *job)
{
    use_run(cpu, job->run);
    int64_t wall_ns = mst_wall_ns();
    job->row_count = 0;
    for (size_t i = 0; i < job->unit->count; i++) {
        const mst_place_t *place = &job->unit->places[i];
        if (place->blob_bytes > 0)
            continue;
        mst_err_t err = {0};
        if (mst_row_recorded(&cpu->bench, job, place, wall_ns, &job->rows, &err) != MST_OK)
            mst_error("result of case %llu could not be packed: %s", (unsigned long long)place->key.case_no,
                      err.message);
        job->row_ends[job->row_count++] = job->rows.n;
    }
}

static void
do_attempts(mst_cpu_t *cpu, mst_job_t *job)
{
    for (mst_attempt_t *a = job->attempts; a; a = a->next) {
        use_run(cpu, a->run);
        mst_row_attempt(&cpu->bench, a);
    }
}

static void *
cpu_main(void *arg)
{
    mst_cpu_t *cpu = arg;
    (void)pthread_setname_np(pthread_self(), "worker-cpu");
    void *item = NULL;
    while (mst_queue_pop(cpu->jobs, &item, 1, true) > 0) {
        mst_job_t *job = item;
        switch (job->kind) {
        case MST_JOB_UNIT:
            do_unit(cpu, job);
            break;
        case MST_JOB_ATTEMPTS:
            do_attempts(cpu, job);
            break;
        }
        if (mst_queue_push(cpu->done, job) != MST_OK)
            break; // cannot happen before jobs is closed and drained by the I/O thread
    }
    return NULL;
}

mst_rc
mst_cpu_start(mst_queue_t *jobs, mst_queue_t *done, const mst_scorer_outside_t *outside, const mst_models_t *models,
              mst_cpu_t **out, mst_err_t *err)
{
    mst_cpu_t *cpu = MST_NEW(mst_cpu_t);
    cpu->jobs = jobs;
    cpu->done = done;
    cpu->outside = outside;
    cpu->bench.models = models;
    cpu->bench.json = mst_json_parser_new();
    cpu->bench.arena = mst_arena_new(CPU_ARENA);
    cpu->bench.scratch = mst_arena_new(CPU_ARENA);
    mst_buf_init(&cpu->bench.text, ROWS_MAX);
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int e = pthread_create(&cpu->thread, NULL, cpu_main, cpu);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (e != 0) {
        cpu->jobs = NULL; // no thread to join
        mst_cpu_join(&cpu);
        return MST_ERR_SUB(err, MST_NOMEM, e, "could not start a CPU thread");
    }
    *out = cpu;
    return MST_OK;
}

void
mst_cpu_join(mst_cpu_t **cpu)
{
    mst_cpu_t *c = *cpu;
    if (!c)
        return;
    if (c->jobs)
        pthread_join(c->thread, NULL);
    for (size_t i = 0; i < SETS_KEPT; i++)
        kept_free(&c->kept[i]);
    mst_json_parser_free(&c->bench.json);
    mst_arena_free(&c->bench.arena);
    mst_arena_free(&c->bench.scratch);
    mst_buf_deinit(&c->bench.text);
    free(c);
    *cpu = NULL;
}
