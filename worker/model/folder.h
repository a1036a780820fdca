// A model's folder: found by its path or its name, its files read or mapped.
#ifndef MST_WORKER_MODEL_FOLDER_H
#define MST_WORKER_MODEL_FOLDER_H

#include "common/base/mem.h"
#include "common/config/run_config.h"
#include "common/nn/files.h"

#define MST_FOLDER_PATH_MAX  4096
#define MST_FOLDER_FILES_MAX 32

typedef struct {
    char path[MST_FOLDER_PATH_MAX];

    struct {
        char *p;
        size_t n;
    } mapped[MST_FOLDER_FILES_MAX]; // kept until deinit

    size_t count;
} mst_folder_t;

// The folder that a name stands for: a folder itself; else the name ("org/name", or "name" of sentence-transformers) in
// the Hugging Face cache. MST_NOTFOUND says how to get the model.
MST_NODISCARD mst_rc mst_folder_find(mst_str_t name, const mst_config_env_t *env, char out[MST_FOLDER_PATH_MAX],
                                     mst_err_t *err);
void mst_folder_init(mst_folder_t *f, const char *path);
void mst_folder_deinit(mst_folder_t *f);
mst_nn_files_t mst_folder_files(mst_folder_t *f); // borrows f
// One whole file into arena. MST_NOTFOUND, MST_IO, MST_LIMIT over max.
MST_NODISCARD mst_rc mst_folder_read_file(const char *path, size_t max, mst_arena_t *arena, mst_str_t *out,
                                          mst_err_t *err);

#endif
