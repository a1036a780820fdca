// icontains_any: contains with match: any and case_sensitive: false for its defaults, under promptfoo's name.
#include "scorers/needles.h"

const mst_scorer_t mst_scorer_icontains_any = {
    .kind = {.name = "icontains_any",
             .aliases = "icontains-any",
             .tier = "L1",
             .params = mst_icontains_any_params,
             .threshold = 1.0,
             .help = "1 when the answer holds any of the texts, in whatever case"},
    .compile = mst_needles_compile,
    .score = mst_needles_score,
    .destroy = mst_needles_destroy,
};
