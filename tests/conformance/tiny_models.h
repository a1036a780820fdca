// Local models for tests of scorers: "tiny-bert" and "tiny-roberta", small random checkpoints made in memory,
// "tiny-nan" with a weight that is none, and two texts, "baseline.csv" and "references.txt".
#ifndef MST_TESTS_TINY_MODELS_H
#define MST_TESTS_TINY_MODELS_H

#include "scorers/models.h"
#include "unit/tiny_model.h"
#include "worker/model/openblas.h"

typedef struct {
    mst_models_t view;
    mst_blas_t blas;
    tiny_t *tiny[3];
    mst_text_model_t *models[3];
} tst_models_t;

// The last number of the last tensor becomes NaN.
static inline void
tst_spoil(tiny_t *t)
{
    for (size_t i = 0; i < t->file_count; i++) {
        mst_buf_t *b = &t->files[i].bytes;
        if (strcmp(t->files[i].name, "model.safetensors") == 0)
            memset(b->p + b->n - 4, 0xFF, 4);
    }
}

static inline mst_rc
tst_models_get(void *ud, mst_str_t name, const mst_text_model_t **out, mst_err_t *err)
{
    static const char *const types[] = {"bert", "roberta", "nan"};
    tst_models_t *m = ud;
    for (size_t i = 0; i < 3; i++) {
        if (!mst_str_starts(name, MST_STR("tiny-")) || !mst_str_eq_c(mst_str(name.p + 5, name.n - 5), types[i]))
            continue;
        if (m->models[i] == NULL) {
            tiny_spec_t s = tiny_spec(i < 2 ? types[i] : "bert");
            m->tiny[i] = tiny_new(&s);
            if (i == 2)
                tst_spoil(m->tiny[i]);
            const mst_nn_files_t files = tiny_files(m->tiny[i]);
            mst_rc rc = mst_text_model_new(&files, &m->blas, &m->models[i], err);
            if (rc != MST_OK)
                return rc;
        }
        *out = m->models[i];
        return MST_OK;
    }
    return MST_ERR(err, MST_NOTFOUND, "model \"%.*s\": there is no such folder", MST_FMT(name));
}

static inline mst_rc
tst_models_read(void *ud, mst_str_t path, size_t max, mst_arena_t *arena, mst_str_t *out, mst_err_t *err)
{
    static const char baseline[] = "LAYER,P,R,F\n0,0.3,0.31,0.29\n2,0.5,0.4,0.45\n3,0.25,0.5,0.125\n";
    static const char references[] = "the cat sat\n\"the dog\\nsat\"\n\nthe mat\non the mat\n";
    bool table = mst_str_eq_c(path, "baseline.csv");
    (void)ud;
    (void)max;
    if (!table && !mst_str_eq_c(path, "references.txt"))
        return MST_ERR(err, MST_NOTFOUND, "there is no file \"%.*s\"", MST_FMT(path));
    *out = mst_arena_dup(arena, mst_str_c(table ? baseline : references), NULL);
    return MST_OK;
}

static inline void
tst_models_init(tst_models_t *m)
{
    mst_err_t err;
    *m = (tst_models_t){.view = {.get = tst_models_get, .read = tst_models_read, .ud = m}};
    if (mst_openblas_open(&m->blas, &err) != MST_OK) {
        fprintf(stderr, "%s\n", err.message);
        exit(1);
    }
}

static inline void
tst_models_deinit(tst_models_t *m)
{
    for (size_t i = 0; i < 3; i++) {
        mst_text_model_free(&m->models[i]);
        if (m->tiny[i] != NULL)
            tiny_free(m->tiny[i]);
    }
}

#endif
