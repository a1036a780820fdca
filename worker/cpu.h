// The CPU threads of a worker: take jobs (answers of a backend as stamped bytes, or units of recorded answers),
// decode, score, pack results, hand the jobs back. Each owns its JSON parser, its arenas and its compiled
// scorers; nothing is shared but the two queues and read-only runs.
#ifndef MST_WORKER_CPU_H
#define MST_WORKER_CPU_H

#include "common/base/queue.h"
#include "scorers/scorer.h"
#include "scorers/models.h"
#include "worker/job.h"

typedef struct mst_cpu mst_cpu_t;

// Starts one thread. outside (NULL allowed) is borrowed, models is shared by all threads. Takes from jobs until it is
// closed and empty; pushes to done.
MST_NODISCARD mst_rc mst_cpu_start(mst_queue_t *jobs, mst_queue_t *done, const mst_scorer_outside_t *outside,
                                   const mst_models_t *models, mst_cpu_t **out, mst_err_t *err);
void mst_cpu_join(mst_cpu_t **cpu); // after jobs was closed

#endif
