// What the files of the calls share: calls.c asks, called.c keeps what one case asks and what it was answered.
#ifndef MST_WORKER_CALLS_INTERNAL_H
#define MST_WORKER_CALLS_INTERNAL_H

#include "worker/calls.h"

struct mst_called {
    mst_arena_t *arena;
    mst_score_call_t *list;
    mst_completion_t **replies; // of each caller: room for MST_SCORE_CALLS_MAX
    size_t count;
    size_t open; // asks under way
    mst_called_fn *fn;
    void *ud;
    struct mst_called *next; // list of those that are done
};

// Adds the answer to the ask of one caller: its text, and rows of vectors from row `first` on. MST_LIMIT, MST_PROTO.
mst_rc mst_called_answer(mst_called_t *called, size_t caller, const mst_completion_t *c, uint32_t *row, mst_err_t *err);

#endif
