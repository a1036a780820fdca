// Local models, as a scorer that needs one gets them. A scorer opens no file: whoever runs the scorers hands this over
// in mst_score_in_t. Called from score() only, on a CPU thread: the first use of a model reads it and may take seconds.
#ifndef MST_SCORERS_MODELS_H
#define MST_SCORERS_MODELS_H

#include "common/base/err.h"
#include "common/base/mem.h"
#include "common/nn/text_model.h"

typedef struct mst_models {
    // The model of a folder, or of a name in the machine's cache of models; the same for all threads, read-only, valid
    // until the run of scorers ends. MST_NOTFOUND with a sentence that says how to get it; MST_UNSUPPORTED, MST_PROTO.
    mst_rc (*get)(void *ud, mst_str_t name, const mst_text_model_t **out, mst_err_t *err);
    // A text file, such as a table of baselines, copied into arena. MST_LIMIT over max.
    mst_rc (*read)(void *ud, mst_str_t path, size_t max, mst_arena_t *arena, mst_str_t *out, mst_err_t *err);
    void *ud;
} mst_models_t;

// What both similarity scorers say when they are run by someone who has no models to give.
mst_rc mst_models_none(mst_err_t *err);

#endif
