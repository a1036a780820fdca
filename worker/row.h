// Rows: from an attempt, or from a recorded answer, to one packed Result. Runs on a CPU thread; pure but for
// the clock of the scores.
#ifndef MST_WORKER_ROW_H
#define MST_WORKER_ROW_H

#include "scorers/scorer.h"
#include "worker/job.h"

// What a CPU thread works with; the arenas are reset by the functions below.
typedef struct {
    mst_json_parser_t *json;
    mst_arena_t *arena, *scratch;
    mst_scorer_set_t *set; // of the run
    mst_run_t *run;
    mst_err_t set_err; // why set is NULL
    const struct mst_models *models;
    mst_score_t scores[MST_SCORERS_MAX];
    mst_buf_t text; // repaired UTF-8
} mst_bench_t;

// Decodes and scores one attempt: fills outcome, err and row of it.
void mst_row_attempt(mst_bench_t *b, mst_attempt_t *a);
// Scores the recorded answer of one packed case and appends its row to out (MST_LIMIT, MST_NOMEM there only).
MST_NODISCARD mst_rc mst_row_recorded(mst_bench_t *b, const mst_job_t *job, const mst_place_t *place, int64_t wall_ns,
                                      mst_buf_t *out, mst_err_t *err);

#endif
