// Several targets side by side: each over its own results, and how far it lies from the first over the cases that both
// answered. The caller scans the store once, in key order, and adds each row. Memory is bounded by
// MST_SIDES_VALUES_MAX: shifts are over the first cases that fit.
// Thread: one at a time.
#ifndef MST_REPORT_SIDES_H
#define MST_REPORT_SIDES_H

#include "report/report.h"

#define MST_SIDES_VALUES_MAX (16UL << 20) // 128 MiB of them

typedef struct mst_sides mst_sides_t;

// cfg and n live longer. n->scorers are filled: their labels, scopes and number; n->repeat_count too.
mst_sides_t *mst_sides_new(const mst_run_cfg_t *cfg, const mst_run_numbers_full_t *n);
void mst_sides_free(mst_sides_t **s);
void mst_sides_add(mst_sides_t *s, const mst_result_t *r);
// Fills n->sides but for their latencies. Memory from arena; MST_LIMIT without room.
MST_NODISCARD mst_rc mst_sides_finish(mst_sides_t *s, mst_arena_t *arena, mst_run_numbers_full_t *n, mst_err_t *err);

// Parts of the reports; nothing with one target. Appended.
void mst_report_sides(const mst_run_numbers_full_t *r, bool colour, size_t width, mst_buf_t *out);
void mst_report_sides_json(const mst_run_numbers_full_t *r, mst_jw_t *w); // the member "targets"

#endif
