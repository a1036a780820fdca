// A score: one scorer's verdict on one case, or on the whole run. Open record.
#ifndef MST_MODEL_SCORE_H
#define MST_MODEL_SCORE_H

#include "common/base/str.h"

typedef enum {
    MST_SCORE_OK = 1,          // value and passed hold
    MST_SCORE_NOT_MEASURED = 2,// what it needs was missing; on_missing decided value and passed
    MST_SCORE_SKIPPED = 3,     // left out of means and of the case's verdict
    MST_SCORE_ERROR = 4,       // the scorer failed; value means nothing
    MST_SCORE_NEED_CALL = 9,   // inside a worker only: goes on when its ask is answered (scorers/scorer.h)
} mst_score_state_t;

typedef struct {
    mst_score_state_t state;
    double value;        // always finite
    bool passed;         // value >= threshold, and no veto
    bool veto;           // set by a scorer whose value does not say all: fails whatever the value is; not stored
    mst_str_t reason;    // one sentence, cut at MST_REASON_MAX
    mst_str_t breakdown; // JSON object, or empty
    int64_t time_ns;     // the scorer's own time
} mst_score_t;

// "ok", "not_measured", "skipped", "error"; NULL for a number that is not a state.
const char *mst_score_state_name(mst_score_state_t s);

#endif
