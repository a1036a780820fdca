// The names of outcomes.
#include "common/model/outcome.h"

static const char *const names[MST_OUTCOME_MAX] = {
    [MST_OUT_SCORED] = "scored",
    [MST_OUT_REFUSED] = "refused",
    [MST_OUT_EMPTY] = "empty",
    [MST_OUT_TRUNCATED] = "truncated",
    [MST_OUT_PROVIDER_ERROR] = "provider_error",
    [MST_OUT_RATE_LIMITED] = "rate_limited",
    [MST_OUT_TIMEOUT] = "timeout",
    [MST_OUT_CONNECTION_LOST] = "connection_lost",
    [MST_OUT_JUDGE_UNPARSABLE] = "judge_unparsable",
    [MST_OUT_SCORER_ERROR] = "scorer_error",
    [MST_OUT_BUDGET_STOP] = "budget_stop",
    [MST_OUT_CANCELLED] = "cancelled",
    [MST_OUT_BAD_CASE] = "bad_case",
    [MST_OUT_TOO_LARGE] = "too_large",
};

// The number may come from the wire or a store.
const char *
mst_outcome_name(mst_outcome_t o)
{
    unsigned at = (unsigned)o;
    return at < MST_OUTCOME_MAX ? names[at] : NULL;
}

bool
mst_outcome_parse(mst_str_t name, mst_outcome_t *out)
{
    for (unsigned i = 0; i < MST_OUTCOME_MAX; i++) {
        if (names[i] != NULL && mst_str_eq_c(name, names[i])) {
            *out = (mst_outcome_t)i;
            return true;
        }
    }
    return false;
}

bool
mst_outcome_measured(mst_outcome_t o)
{
    return o == MST_OUT_SCORED || o == MST_OUT_REFUSED || o == MST_OUT_EMPTY || o == MST_OUT_TRUNCATED;
}
