// What takes all results of a run, in key order, to know: the repeats of each case as one number, and the slices. The
// caller scans the store once and adds each row; memory is bounded by scorers, repeats and MST_SLICES_MAX.
// Thread: one at a time.
#ifndef MST_REPORT_GROUPS_H
#define MST_REPORT_GROUPS_H

#include "common/json/json.h"
#include "report/report.h"

typedef struct mst_groups mst_groups_t;

// cfg and n live longer. n->scorers are filled: their labels, scopes and number; n->repeat_count too.
mst_groups_t *mst_groups_new(const mst_run_cfg_t *cfg, const mst_run_numbers_full_t *n);
void mst_groups_free(mst_groups_t **g);
// Rows of one (target, case) follow each other. Only numbers, scores and slices are read.
void mst_groups_add(mst_groups_t *g, const mst_result_t *r);
// Fills reduced of n's scorers, slices, cases_judged and cases_passed. Memory from arena; MST_LIMIT without room.
MST_NODISCARD mst_rc mst_groups_finish(mst_groups_t *g, mst_arena_t *arena, mst_run_numbers_full_t *n, mst_err_t *err);

// Parts of the console report; nothing when there are no repeats, or no slices. Appended.
void mst_report_repeats(const mst_run_numbers_full_t *r, bool colour, size_t width, mst_buf_t *out);
void mst_report_slices(const mst_run_numbers_full_t *r, bool colour, size_t width, mst_buf_t *out);

#endif
