// The files of a model's folder, as somebody else reads them: this layer opens nothing.
#ifndef MST_NN_FILES_H
#define MST_NN_FILES_H

#include "common/base/err.h"
#include "common/base/str.h"

typedef struct {
    // The bytes of one file, by its name below the folder ("config.json", "1_Pooling/config.json"). They stay where
    // they are for as long as the model is in use. MST_NOTFOUND: there is none; other codes with a sentence.
    mst_rc (*read)(void *ud, const char *name, mst_str_t *out, mst_err_t *err);
    void *ud;
} mst_nn_files_t;

#endif
