// Local models on disk: found by folder or in the cache of Hugging Face, loaded once for all threads, missing ones told
// with the way to get them; OpenBLAS is not there before the first.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "scorers/scorer.h"
#include "unit/tiny_model.h"
#include "worker/model/local_models.h"

#include <ftw.h>
#include <pthread.h>
#include <unistd.h>

typedef struct {
    char folder[64];
    char hub[128];
    mst_config_env_t env;
    mst_local_models_t *models;
} rig_t;

static const char *
env_of(void *ud, const char *name)
{
    const rig_t *r = ud;
    return strcmp(name, "HF_HUB_CACHE") == 0 ? r->hub : NULL;
}

static int
set_up(void **state)
{
    rig_t *r = MST_NEW(rig_t);
    snprintf(r->folder, sizeof r->folder, "/tmp/muster-models-XXXXXX");
    assert_non_null(mkdtemp(r->folder));
    snprintf(r->hub, sizeof r->hub, "%s/hub", r->folder);
    r->env = (mst_config_env_t){.getenv_fn = env_of, .ud = r};
    r->models = mst_local_models_new(&r->env);
    *state = r;
    return 0;
}

static int
remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st;
    (void)kind;
    (void)ftw;
    return remove(path);
}

static int
tear_down(void **state)
{
    rig_t *r = *state;
    mst_local_models_free(&r->models);
    (void)nftw(r->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(r);
    return 0;
}

static void
put_model(const rig_t *r, const char *name, char path[256])
{
    tiny_spec_t s = tiny_spec("bert");
    tiny_t *t = tiny_new(&s);
    snprintf(path, 256, "%s/%s", r->folder, name);
    (void)mkdir(path, 0755);
    tiny_write(t, path);
    tiny_free(t);
}

static mst_rc
get(const rig_t *r, const char *name, const mst_text_model_t **out, mst_err_t *err)
{
    const mst_models_t *m = mst_local_models(r->models);
    return m->get(m->ud, mst_str_c(name), out, err);
}

static bool
openblas_is_loaded(void)
{
    char line[1024];
    bool found = false;
    FILE *f = fopen("/proc/self/maps", "r");
    assert_non_null(f);
    while (fgets(line, sizeof line, f) != NULL)
        found = found || strstr(line, "openblas") != NULL;
    fclose(f);
    return found;
}

static void
test_local_models_load_openblas_on_first_use(void **state)
{
    const rig_t *r = *state;
    const mst_text_model_t *m;
    char path[256];
    mst_err_t err;
    put_model(r, "one", path);
    assert_int_equal(get(r, "no/where", &m, &err), MST_NOTFOUND);
    assert_false(openblas_is_loaded());
    assert_int_equal(get(r, path, &m, &err), MST_OK);
    assert_true(openblas_is_loaded());
}

typedef struct {
    const rig_t *r;
    const char *path;
    const mst_text_model_t *model;
    double first;
} user_t;

static void *
use(void *arg)
{
    user_t *u = arg;
    mst_err_t err;
    mst_arena_t *arena = mst_arena_new(64u << 20);
    const double *vectors;
    for (int i = 0; i < 20; i++) {
        const mst_str_t text = MST_STR("the cat sat on the mat");
        if (get(u->r, u->path, &u->model, &err) != MST_OK ||
            mst_text_model_embed(u->model, &text, 1, arena, &vectors, &err) != MST_OK)
            abort();
        u->first = vectors[0];
        mst_arena_reset(arena);
    }
    mst_arena_free(&arena);
    return NULL;
}

static void
test_local_models_are_shared_by_threads(void **state)
{
    rig_t *r = *state;

    enum { THREADS = 6 };

    pthread_t threads[THREADS];
    user_t users[THREADS];
    char one[256], two[256];
    put_model(r, "one", one);
    put_model(r, "two", two);
    for (size_t i = 0; i < THREADS; i++) {
        users[i] = (user_t){.r = r, .path = i % 2 == 0 ? one : two};
        assert_int_equal(pthread_create(&threads[i], NULL, use, &users[i]), 0);
    }
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    for (size_t i = 2; i < THREADS; i++)
        assert_ptr_equal(users[i].model, users[i - 2].model);
    assert_ptr_not_equal(users[0].model, users[1].model);
    assert_true(fabs(users[0].first - users[1].first) <= 1e-6);
}

static void
test_local_models_try_again_after_a_failure(void **state)
{
    const rig_t *r = *state;
    const mst_text_model_t *m;
    char path[256], weights[300], aside[300];
    mst_err_t err;
    put_model(r, "one", path);
    snprintf(weights, sizeof weights, "%s/model.safetensors", path);
    snprintf(aside, sizeof aside, "%s/aside", path);
    assert_int_equal(rename(weights, aside), 0);
    assert_int_equal(get(r, path, &m, &err), MST_NOTFOUND);
    assert_non_null(strstr(err.message, "model.safetensors"));
    assert_non_null(strstr(err.message, path));
    assert_int_equal(rename(aside, weights), 0);
    assert_int_equal(get(r, path, &m, &err), MST_OK);
}

static void
put_text(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void
test_local_models_are_found_in_the_cache(void **state)
{
    const rig_t *r = *state;
    const mst_text_model_t *m, *again;
    char path[256], file[300];
    mst_err_t err;
    static const char *const folders[] = {"hub", "hub/models--sentence-transformers--tiny",
                                          "hub/models--sentence-transformers--tiny/refs",
                                          "hub/models--sentence-transformers--tiny/snapshots"};
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", r->folder, folders[i]);
        assert_int_equal(mkdir(path, 0755), 0);
    }
    put_model(r, "hub/models--sentence-transformers--tiny/snapshots/abc123", path);
    assert_int_equal(get(r, "sentence-transformers/tiny", &m, &err), MST_NOTFOUND);
    assert_non_null(strstr(err.message, "hf download sentence-transformers/tiny"));
    assert_non_null(strstr(err.message, r->hub));
    snprintf(file, sizeof file, "%s/refs/main", r->hub);
    snprintf(file, sizeof file, "%s/models--sentence-transformers--tiny/refs/main", r->hub);
    put_text(file, "../../../../one\n");
    assert_int_equal(get(r, "sentence-transformers/tiny", &m, &err), MST_NOTFOUND);
    put_text(file, "abc123\n");
    assert_int_equal(get(r, "sentence-transformers/tiny", &m, &err), MST_OK);
    assert_int_equal(get(r, "tiny", &again, &err), MST_OK);
    assert_ptr_equal(m, again);
    assert_int_equal(get(r, "tiny2", &m, &err), MST_NOTFOUND);
    assert_int_equal(get(r, "/no/such/folder", &m, &err), MST_NOTFOUND);
    assert_non_null(strstr(err.message, "there is no such folder"));
}

static void
test_local_models_read_files_up_to_a_limit(void **state)
{
    const rig_t *r = *state;
    const mst_models_t *m = mst_local_models(r->models);
    mst_arena_t *arena = mst_arena_new(1 << 20);
    char file[256];
    mst_str_t text;
    mst_err_t err;
    snprintf(file, sizeof file, "%s/table.csv", r->folder);
    put_text(file, "LAYER,P,R,F\n");
    assert_int_equal(m->read(m->ud, mst_str_c(file), 12, arena, &text, &err), MST_OK);
    assert_true(mst_str_eq_c(text, "LAYER,P,R,F\n"));
    assert_int_equal(m->read(m->ud, mst_str_c(file), 11, arena, &text, &err), MST_LIMIT);
    assert_int_equal(m->read(m->ud, mst_str_c(r->folder), 4096, arena, &text, &err), MST_INVAL);
    assert_int_equal(m->read(m->ud, MST_STR("/no/such/file"), 11, arena, &text, &err), MST_NOTFOUND);
    mst_arena_free(&arena);
}

// A run's needs: the check names what is missing before anything is asked.
static void
test_local_models_check_a_run_before_it_starts(void **state)
{
    const rig_t *r = *state;
    mst_arena_t *arena = mst_arena_new(8 << 20);
    char path[256], table[256], yaml[2048];
    const mst_config_env_t env = {
        .scorers = mst_scorers_kinds(), .providers = NULL, .getenv_fn = env_of, .ud = (void *)*state};
    mst_run_cfg_t cfg;
    mst_err_t err;
    put_model(r, "one", path);
    snprintf(table, sizeof table, "%s/table.csv", r->folder);
    snprintf(yaml, sizeof yaml,
             "name: x\ndata_source:\n  type: inline\n  records: [{input: a, actual_output: b, expected_output: c}]\n"
             "scorers:\n  - {type: bertscore, model: %s, num_layers: 2, baseline_path: %s}\n",
             path, table);
    if (mst_run_cfg_load(mst_str_c(yaml), "x.yaml", &env, arena, &cfg, &err) != MST_OK)
        fail_msg("%s", err.message);
    assert_int_equal(mst_local_models_check(&cfg, &r->env, &err), MST_NOTFOUND);
    assert_non_null(strstr(err.message, "baseline_path"));
    put_text(table, "LAYER,P,R,F\n");
    assert_int_equal(mst_local_models_check(&cfg, &r->env, &err), MST_OK);
    snprintf(yaml, sizeof yaml, "%s/model.safetensors", path);
    assert_int_equal(truncate(yaml, 4096), 0);
    assert_int_equal(mst_local_models_check(&cfg, &r->env, &err), MST_INVAL);
    assert_non_null(strstr(err.message, "model.safetensors"));
    assert_int_equal(unlink(yaml), 0);
    assert_int_equal(mkfifo(yaml, 0600), 0); // does not hold it up
    assert_int_equal(mst_local_models_check(&cfg, &r->env, &err), MST_INVAL);
    assert_non_null(strstr(err.message, "is not a file"));
    snprintf(yaml, sizeof yaml, "%s/config.json", path);
    assert_int_equal(unlink(yaml), 0);
    assert_int_equal(mst_local_models_check(&cfg, &r->env, &err), MST_NOTFOUND);
    assert_non_null(strstr(err.message, "config.json"));
    mst_arena_free(&arena);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_local_models_load_openblas_on_first_use, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_local_models_are_shared_by_threads, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_local_models_try_again_after_a_failure, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_local_models_are_found_in_the_cache, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_local_models_read_files_up_to_a_limit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_local_models_check_a_run_before_it_starts, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("local_models", tests, NULL, NULL);
}
