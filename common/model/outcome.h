// The typed outcome of a case. Every case ends in exactly one; an instrument failure is never a wrong
// answer. The numbers are stored and sent: never reuse one.
#ifndef MST_MODEL_OUTCOME_H
#define MST_MODEL_OUTCOME_H

#include "common/base/str.h"

typedef enum {
    // the backend answered: measured
    MST_OUT_SCORED = 1,
    MST_OUT_REFUSED = 2,   // the backend declined (refusal text or content filter)
    MST_OUT_EMPTY = 3,     // complete answer without text
    MST_OUT_TRUNCATED = 4, // cut by the token limit (finish reason length)
    // the instrument failed: not measured
    MST_OUT_PROVIDER_ERROR = 10, // HTTP or API error, or an answer that does not follow its format
    MST_OUT_RATE_LIMITED = 11,
    MST_OUT_TIMEOUT = 12,
    MST_OUT_CONNECTION_LOST = 13,
    MST_OUT_JUDGE_UNPARSABLE = 14,
    MST_OUT_SCORER_ERROR = 15, // the answer is kept, a scorer failed
    MST_OUT_BUDGET_STOP = 16,
    MST_OUT_CANCELLED = 17,    // never stored: the case is simply asked again on resume
    MST_OUT_BAD_CASE = 18,     // the case lacks what the run needs (such as an answer to score)
    MST_OUT_TOO_LARGE = 19,    // the answer went over a cap
} mst_outcome_t;

#define MST_OUTCOME_MAX 32 // numbers are below this

// "scored", "provider_error" ...; NULL for a number that is not an outcome.
const char *mst_outcome_name(mst_outcome_t o);
bool mst_outcome_parse(mst_str_t name, mst_outcome_t *out);
bool mst_outcome_measured(mst_outcome_t o); // the first group

#endif
