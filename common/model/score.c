// The names of score states.
#include "common/model/score.h"

const char *
mst_score_state_name(mst_score_state_t s)
{
    switch (s) {
    case MST_SCORE_OK:
        return "ok";
    case MST_SCORE_NOT_MEASURED:
        return "not_measured";
    case MST_SCORE_SKIPPED:
        return "skipped";
    case MST_SCORE_NEED_CALL: // never leaves a worker
        break;
    case MST_SCORE_ERROR:
        return "error";
    }
    return NULL;
}
