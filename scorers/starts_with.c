// starts_with: does the answer begin with the text, or with any of several? Nothing is stripped first.
#include "scorers/needles.h"

const mst_scorer_t mst_scorer_starts_with = {
    .kind = {.name = "starts_with",
             .aliases = "starts-with|startswith",
             .tier = "L1",
             .params = mst_starts_with_params,
             .threshold = 1.0,
             .help = "1 when the answer begins with the text (default: the expected answer)"},
    .compile = mst_needles_compile,
    .score = mst_needles_score,
    .destroy = mst_needles_destroy,
};
