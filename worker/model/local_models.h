// The local models of a process: folders on disk, weights mapped, each read on its first use and kept until the end.
// Read-only once loaded, so that all CPU threads share one copy; OpenBLAS is opened with the first model.
// Thread: any. get() blocks while a model loads (tenths of a second; seconds when its weights are F16 or BF16), so
// never on an I/O thread.
#ifndef MST_WORKER_MODEL_LOCAL_MODELS_H
#define MST_WORKER_MODEL_LOCAL_MODELS_H

#include "common/config/run_config.h"
#include "scorers/models.h"

#define MST_LOCAL_MODELS_MAX 32 // different models in one process

typedef struct mst_local_models mst_local_models_t;

// env: where the Hugging Face cache is looked for; copied.
mst_local_models_t *mst_local_models_new(const mst_config_env_t *env);
void mst_local_models_free(mst_local_models_t **m);          // no thread uses a model any more
const mst_models_t *mst_local_models(mst_local_models_t *m); // what scorers are given; lives as long as m

// Looks for the models and files that a run's scorers will want, without reading them; the first that is missing is
// the error, by its scorer's parameter. A few look-ups in the file system.
MST_NODISCARD mst_rc mst_local_models_check(const mst_run_cfg_t *cfg, const mst_config_env_t *env, mst_err_t *err);

#endif
