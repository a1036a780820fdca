// What contains, its variants, not_contains and starts_with share: a list of texts (or the case's expected answer),
// looked for in the answer.
// Thread: a state belongs to one thread.
#ifndef MST_SCORERS_NEEDLES_H
#define MST_SCORERS_NEEDLES_H

#include "scorers/say.h"
#include "scorers/scorer.h"

extern const mst_param_t mst_contains_params[], mst_starts_with_params[], mst_not_contains_params[];

mst_rc mst_needles_compile(const mst_scorer_cfg_t *cfg, void **out_state, mst_err_t *err);
void mst_needles_destroy(void *state);
// How many of *count texts are in the answer, and the first that is missing and the first that is present (as
// written). MST_NOTFOUND: there is nothing to look for, and *out says so.
MST_NODISCARD mst_rc mst_needles_count(void *state, const mst_score_in_t *in, size_t *found, size_t *count,
                                       mst_str_t *missing, mst_str_t *present, mst_score_t *out, mst_err_t *err);
// The score of contains and its variants.
mst_rc mst_needles_score(void *state, const mst_score_in_t *in, mst_score_t *out, mst_err_t *err);

#endif
