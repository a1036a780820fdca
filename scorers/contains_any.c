// contains_any: contains with match: any for its default, under promptfoo's name.
#include "scorers/needles.h"

const mst_scorer_t mst_scorer_contains_any = {
    .kind = {.name = "contains_any",
             .aliases = "contains-any",
             .tier = "L1",
             .params = mst_contains_any_params,
             .threshold = 1.0,
             .help = "1 when the answer holds any of the texts"},
    .compile = mst_needles_compile,
    .score = mst_needles_score,
    .destroy = mst_needles_destroy,
};
