// One configured scorer of a set: made, asked, and what every score goes through after its scorer has spoken.
// Thread: the set's.
#ifndef MST_SCORERS_ENTRY_H
#define MST_SCORERS_ENTRY_H

#include "scorers/scorer.h"

typedef struct {
    const mst_scorer_cfg_t *cfg;
    const mst_scorer_t *scorer;          // NULL: a set, members hold its scorers
    const mst_scorer_outside_t *outside; // the set's; used when scorer->outside
    void *state;
    struct mst_group *group; // of a set
    size_t index;            // in the run's list
    size_t caller;           // its place among those that ask, from 1; 0 = it asks nobody
} mst_entry_t;

// The scorer that a configured kind belongs to; NULL for a set.
const mst_scorer_t *mst_scorer_of(const mst_kind_t *kind);
// Compiles one scorer. MST_INVAL, MST_NOTFOUND with the scorer's label.
MST_NODISCARD mst_rc mst_entry_init(mst_entry_t *e, const mst_scorer_cfg_t *cfg, const mst_scorer_outside_t *outside,
                                    mst_err_t *err);
void mst_entry_deinit(mst_entry_t *e);
// Numbers those that ask an endpoint of their own, this one or its members: at most MST_CALLERS_MAX in a set.
typedef struct {
    const mst_scorer_cfg_t *items[MST_CALLERS_MAX];
    size_t count;
} mst_callers_t;

MST_NODISCARD mst_rc mst_entry_number(mst_entry_t *e, mst_callers_t *callers, mst_err_t *err);
// Scores one case. An error is in *err and in *s.
mst_rc mst_entry_score(const mst_entry_t *e, const mst_score_in_t *in, mst_score_t *s, mst_err_t *err);
// The same for a scorer of scope run.
mst_rc mst_entry_run(const mst_entry_t *e, const mst_run_numbers_t *numbers, mst_arena_t *arena, mst_score_t *s,
                     mst_err_t *err);

// A set of scorers inside the run's list: any, all (group.c).
typedef struct mst_group mst_group_t;
MST_NODISCARD mst_rc mst_group_new(const mst_scorer_cfg_t *cfg, const mst_scorer_outside_t *outside,
                                   mst_group_t **out, mst_err_t *err);
void mst_group_free(mst_group_t **g);
MST_NODISCARD mst_rc mst_group_number(mst_group_t *g, mst_callers_t *callers, mst_err_t *err);
// Fills value, passed, reason, breakdown and state; an error of a member is an error of the set.
mst_rc mst_group_score(mst_group_t *g, const mst_score_in_t *in, mst_score_t *s, mst_err_t *err);

#endif
