// What the files of an attempt share; the doors for the rest are in io.h.
#ifndef MST_WORKER_ATTEMPTS_H
#define MST_WORKER_ATTEMPTS_H

#include "worker/io.h"

// The packed case is here: sends the request, or hands a recorded case on.
void mst_attempt_case(mst_attempt_t *a, mst_str_t packed);
// Ends without a transfer.
void mst_attempt_fail(mst_attempt_t *a, mst_outcome_t outcome, const mst_err_t *err);

#endif
