// YAML and the configuration on it. What is accepted as a configuration must be readable from its spec, without
// variables, to the same spec; an error must name its place.
#include "common/base/limits.h"
#include "common/config/run_config.h"
#include "tests/support/kinds.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define TREE_MAX (64 * MST_MIB)

static void
require(bool ok, const char *what, const mst_err_t *err)
{
    if (ok)
        return;
    fprintf(stderr, "fuzz_yaml: %s: %s\n", what, err->message);
    abort();
}

static const char *
lookup(void *ud, const char *name)
{
    (void)ud;
    static const char *const values[] = {"tiny-1", "7", "\xf0\x9f\x98\x80\xe2\x80\xa8\x7f\"\\", "${A}", ""};
    return name[0] >= 'A' && name[0] <= 'E' ? values[name[0] - 'A'] : NULL;
}

static void
check_json(const mst_ynode_t *root, mst_arena_t *arena)
{
    mst_err_t err = {0};
    const mst_json_t *v;
    require(mst_yaml_to_json(root, arena, &v, &err) == MST_OK, "a tree without a JSON value", &err);
}

static void
check_config(mst_str_t text, mst_arena_t *arena)
{
    const mst_config_env_t env = {.scorers = kinds_scorers, .providers = kinds_providers, .getenv_fn = lookup};
    const mst_config_env_t plain = {.scorers = kinds_scorers, .providers = kinds_providers};
    mst_run_cfg_t cfg, again;
    mst_err_t err = {0};
    if (mst_run_cfg_load(text, "f", &env, arena, &cfg, &err) != MST_OK) {
        require(err.message[0] == 'f' && err.message[1] == ':', "an error without its place", &err);
        return;
    }
    require(mst_run_cfg_load(cfg.spec, "spec", &plain, arena, &again, &err) == MST_OK, "a spec was refused", &err);
    require(mst_str_eq(again.spec, cfg.spec), "a spec changed when it was read", &err);
    require(again.scorer_count == cfg.scorer_count, "a spec lost scorers", &err);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    mst_str_t text = mst_str((const char *)data, size);
    mst_arena_t *arena = mst_arena_new(TREE_MAX);
    const mst_ynode_t *root;
    mst_err_t err = {0};
    if (mst_yaml_parse(text, "f", arena, &root, &err) == MST_OK)
        check_json(root, arena);
    check_config(text, arena);
    mst_arena_free(&arena);
    return 0;
}
