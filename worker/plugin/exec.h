// A scorer in a program: started when it is needed, kept, asked case by case, started again after it failed, given up
// after it failed several times in a row.
// Thread: one; each thread has its own process.
#ifndef MST_WORKER_PLUGIN_EXEC_H
#define MST_WORKER_PLUGIN_EXEC_H

#include "scorers/scorer.h"

typedef struct mst_exec mst_exec_t;

MST_NODISCARD mst_rc mst_exec_new(const mst_scorer_cfg_t *cfg, mst_exec_t **out, mst_err_t *err); // starts nothing
void mst_exec_free(mst_exec_t **e);
// Starts the program and waits until it is ready. Not needed before a score.
MST_NODISCARD mst_rc mst_exec_start(mst_exec_t *e, mst_err_t *err);
MST_NODISCARD mst_rc mst_exec_score(mst_exec_t *e, const mst_score_in_t *in, mst_score_t *out, mst_err_t *err);

#endif
