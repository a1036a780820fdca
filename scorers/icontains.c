// icontains: contains with case_sensitive: false for its default, under promptfoo's name.
#include "scorers/needles.h"

const mst_scorer_t mst_scorer_icontains = {
    .kind = {.name = "icontains",
             .aliases = "icontains_all|icontains-all",
             .tier = "L1",
             .params = mst_icontains_params,
             .threshold = 1.0,
             .help = "1 when the answer holds the text, in whatever case"},
    .compile = mst_needles_compile,
    .score = mst_needles_score,
    .destroy = mst_needles_destroy,
};
