// contains: is a text, or are all or any of several, somewhere in the answer? Plain substrings, case-sensitive
// unless said otherwise, no normalisation.
#include "scorers/needles.h"

const mst_scorer_t mst_scorer_contains = {
    .kind = {.name = "contains",
             .tier = "L1",
             .params = mst_contains_params,
             .threshold = 1.0,
             .help = "1 when the answer holds the text (default: the expected answer)"},
    .compile = mst_needles_compile,
    .score = mst_needles_score,
    .destroy = mst_needles_destroy,
};
