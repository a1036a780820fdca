// One lock for the list; a model loads outside it, so that threads which use others are not held up. Who asks for a
// model that is loading waits for it. A model that could not be loaded leaves no trace: the next to ask tries again,
// for the folder may have been mended meanwhile.
#include "worker/model/local_models.h"

#include "common/base/log.h"
#include "scorers/scorer.h"
#include "worker/model/folder.h"
#include "worker/model/openblas.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

typedef enum { EMPTY, LOADING, READY } state_t;

typedef struct {
    state_t state;
    mst_folder_t folder;
    mst_text_model_t *model;
} entry_t;

struct mst_local_models {
    mst_models_t view;
    mst_config_env_t env;
    pthread_mutex_t lock;
    pthread_cond_t loaded;
    entry_t *entries[MST_LOCAL_MODELS_MAX];
    bool has_blas;
    mst_blas_t blas;
};

// The entry of a folder, or an empty one; NULL when all are in use. With the lock held.
static entry_t *
entry_of(mst_local_models_t *m, const char *path)
{
    entry_t *empty = NULL;
    for (size_t i = 0; i < MST_LOCAL_MODELS_MAX; i++) {
        if (m->entries[i] == NULL)
            m->entries[i] = MST_NEW(entry_t);
        entry_t *e = m->entries[i];
        if (e->state != EMPTY && strcmp(e->folder.path, path) == 0)
            return e;
        if (e->state == EMPTY && empty == NULL)
            empty = e;
    }
    return empty;
}

static mst_rc
load(mst_local_models_t *m, entry_t *e, mst_err_t *err)
{
    const mst_nn_files_t files = mst_folder_files(&e->folder);
    mst_rc rc = mst_text_model_new(&files, &m->blas, &e->model, err);
    if (rc != MST_OK) {
        mst_err_prefix(err, "model \"%s\"", e->folder.path);
        return rc;
    }
    const mst_encoder_cfg_t *c = mst_text_model_cfg(e->model);
    mst_debug("model loaded folder=%s layers=%zu hidden=%zu", e->folder.path, c->layers, c->hidden);
    return MST_OK;
}

// With the lock held, which is let go while the model loads.
static mst_rc
load_entry(mst_local_models_t *m, entry_t *e, const char *path, mst_err_t *err)
{
    mst_rc rc = m->has_blas ? MST_OK : mst_openblas_open(&m->blas, err);
    m->has_blas = rc == MST_OK;
    if (rc != MST_OK)
        return rc;
    mst_folder_init(&e->folder, path);
    e->state = LOADING;
    pthread_mutex_unlock(&m->lock);
    rc = load(m, e, err);
    pthread_mutex_lock(&m->lock);
    e->state = rc == MST_OK ? READY : EMPTY;
    if (rc != MST_OK)
        mst_folder_deinit(&e->folder);
    pthread_cond_broadcast(&m->loaded);
    return rc;
}

static mst_rc
get(void *ud, mst_str_t name, const mst_text_model_t **out, mst_err_t *err)
{
    mst_local_models_t *m = ud;
    char path[MST_FOLDER_PATH_MAX];
    entry_t *e;
    mst_rc rc = mst_folder_find(name, &m->env, path, err);
    if (rc != MST_OK)
        return rc;
    pthread_mutex_lock(&m->lock);
    while ((e = entry_of(m, path)) != NULL && e->state == LOADING)
        pthread_cond_wait(&m->loaded, &m->lock);
    if (e == NULL)
        rc = MST_ERR(err, MST_LIMIT, "more than %d different models are in use", MST_LOCAL_MODELS_MAX);
    else if (e->state == EMPTY)
        rc = load_entry(m, e, path, err);
    if (rc == MST_OK)
        *out = e->model;
    pthread_mutex_unlock(&m->lock);
    return rc;
}

static mst_rc
read_text(void *ud, mst_str_t path, size_t max, mst_arena_t *arena, mst_str_t *out, mst_err_t *err)
{
    (void)ud;
    char z[MST_FOLDER_PATH_MAX];
    if (path.n >= sizeof z || (path.n > 0 && memchr(path.p, 0, path.n) != NULL))
        return MST_ERR(err, MST_INVAL, "a path of %zu bytes is too long", path.n);
    snprintf(z, sizeof z, "%.*s", MST_FMT(path));
    return mst_folder_read_file(z, max, arena, out, err);
}

mst_local_models_t *
mst_local_models_new(const mst_config_env_t *env)
{
    mst_local_models_t *m = MST_NEW(mst_local_models_t);
    m->view = (mst_models_t){.get = get, .read = read_text, .ud = m};
    m->env = *env;
    pthread_mutex_init(&m->lock, NULL);
    pthread_cond_init(&m->loaded, NULL);
    return m;
}

void
mst_local_models_free(mst_local_models_t **models)
{
    if (models == NULL || *models == NULL)
        return;
    mst_local_models_t *m = *models;
    *models = NULL;
    for (size_t i = 0; i < MST_LOCAL_MODELS_MAX; i++) {
        if (m->entries[i] == NULL)
            continue;
        mst_text_model_free(&m->entries[i]->model);
        mst_folder_deinit(&m->entries[i]->folder);
        free(m->entries[i]);
    }
    pthread_mutex_destroy(&m->lock);
    pthread_cond_destroy(&m->loaded);
    free(m);
}

const mst_models_t *
mst_local_models(mst_local_models_t *m)
{
    return &m->view;
}

typedef struct {
    const mst_config_env_t *env;
    mst_rc rc;
    mst_err_t *err;
} check_t;

static mst_rc
check_file(const char *folder, const char *name, mst_err_t *err)
{
    char path[2 * MST_FOLDER_PATH_MAX];
    snprintf(path, sizeof path, "%s%s%s", folder, folder[0] != '\0' ? "/" : "", name);
    if (access(path, R_OK) == 0)
        return MST_OK;
    return MST_ERR(err, MST_NOTFOUND, "\"%s\" is not there or cannot be read", path);
}

// Reads the model as its first use will, but for the products: answers are not to be paid for before a folder that
// cannot be used is told. Weights stay where they are on the disk.
static mst_rc
check_model(const char *path, mst_err_t *err)
{
    const mst_blas_t none = {0};
    mst_text_model_t *model = NULL;
    mst_folder_t *folder = MST_NEW(mst_folder_t);
    mst_folder_init(folder, path);
    const mst_nn_files_t files = mst_folder_files(folder);
    mst_rc rc = mst_text_model_new(&files, &none, &model, err);
    if (rc != MST_OK) {
        mst_err_prefix(err, "model \"%s\"", path);
        rc = err->rc = rc == MST_NOTFOUND ? MST_NOTFOUND : MST_INVAL;
    }
    mst_text_model_free(&model);
    mst_folder_deinit(folder);
    free(folder);
    return rc;
}

static void
on_need(void *ud, const char *param, mst_str_t name, bool is_model)
{
    check_t *c = ud;
    char path[MST_FOLDER_PATH_MAX], file[MST_FOLDER_PATH_MAX];
    if (c->rc != MST_OK)
        return;
    snprintf(file, sizeof file, "%.*s", MST_FMT(name));
    if (!is_model)
        c->rc = check_file("", file, c->err);
    else
        c->rc = mst_folder_find(name, c->env, path, c->err);
    if (is_model && c->rc == MST_OK && check_file(path, "modules.json", NULL) != MST_OK)
        c->rc = check_file(path, "config.json", c->err);
    if (is_model && c->rc == MST_OK)
        c->rc = check_model(path, c->err);
    if (c->rc != MST_OK && !is_model)
        mst_err_prefix(c->err, "%s", param);
}

mst_rc
mst_local_models_check(const mst_run_cfg_t *cfg, const mst_config_env_t *env, mst_err_t *err)
{
    check_t c = {.env = env, .err = err};
    mst_scorers_needs(cfg, on_need, &c);
    return c.rc;
}
