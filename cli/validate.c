// muster validate: everything about a configuration that can be known without running it.
#include "cli/baseline.h"
#include "cli/check.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/env.h"
#include "common/base/limits.h"
#include "common/config/run_config.h"
#include "worker/model/local_models.h"

#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

typedef struct {
    const char *path;
} options_t;

static error_t
parse_option(int key, char *arg, struct argp_state *state)
{
    options_t *o = state->input;
    switch (key) {
    case ARGP_KEY_ARG:
        if (o->path != NULL)
            argp_error(state, "one configuration at a time: \"%s\" is one too many", arg);
        o->path = arg;
        return 0;
    case ARGP_KEY_END:
        if (o->path == NULL)
            argp_error(state, "which configuration?");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
    .parser = parse_option,
    .args_doc = "CONFIG",
    .doc = "Check a configuration without running it: its structure, every setting of its scorers and provider, and "
           "that the patterns compile. Prints what would be run.\v"
           "Exit status: 0 valid, 2 invalid.\n\n"
           "Examples:\n"
           "  muster validate eval.yaml\n"
           "  MODEL=small muster validate configs/nightly.yaml",
};

static void
print_source(const mst_source_cfg_t *s)
{
    if (s->type == MST_SRC_JSONL)
        printf("source       jsonl %.*s", MST_FMT(s->path));
    else
        printf("source       inline, %u records", s->records->count);
    if (s->limit >= 0)
        printf(", first %lld", (long long)s->limit);
    putchar('\n');
}

static void
print_target(const mst_run_cfg_t *cfg, const mst_target_cfg_t *t)
{
    const mst_provider_cfg_t *p = &t->provider;
    if (cfg->target_count == 1)
        printf("provider     %s", p->kind->name);
    else
        printf("target       %.*s: %s", MST_FMT(t->label), p->kind->name);
    for (const mst_param_t *row = p->kind->params; row != NULL && row->name != NULL; row++)
        if ((row->type == MST_P_STR || row->type == MST_P_URL) && mst_params_str(&p->params, row->name).n > 0 &&
            (strcmp(row->name, "model") == 0 || strcmp(row->name, "base_url") == 0))
            printf("%s%.*s", strcmp(row->name, "model") == 0 ? " " : " at ",
                   MST_FMT(mst_params_str(&p->params, row->name)));
    if (t->concurrency > 0)
        printf(", %lld at a time", (long long)t->concurrency);
    putchar('\n');
}

static void
print_targets(const mst_run_cfg_t *cfg)
{
    if (cfg->target_count == 0) {
        puts("provider     none: recorded answers are scored");
        return;
    }
    for (size_t i = 0; i < cfg->target_count; i++)
        print_target(cfg, &cfg->targets[i]);
    printf("asks         %lld at a time", (long long)cfg->concurrency);
    if (cfg->target_count > 1)
        printf(" of each target, each case %s", cfg->placement == MST_PLACE_SHARE ? "on one of them" : "on every one");
    if (cfg->repeats > 1)
        printf(", each case %lld times", (long long)cfg->repeats);
    putchar('\n');
}

static void
print_summary(const char *path, const mst_run_cfg_t *cfg)
{
    printf("%s is valid\n", path);
    printf("name         %.*s\n", MST_FMT(cfg->name));
    if (cfg->description.n > 0)
        printf("description  %.*s\n", MST_FMT(mst_str_trim(cfg->description)));
    print_source(&cfg->source);
    printf("scorers      %zu:", cfg->scorer_count);
    for (size_t i = 0; i < cfg->scorer_count; i++)
        printf("%s %.*s (%s)", i == 0 ? "" : ",", MST_FMT(cfg->scorers[i].label),
               cfg->scorers[i].kind->tier != NULL ? cfg->scorers[i].kind->tier : "-");
    putchar('\n');
    print_targets(cfg);
}

static void
warn_about_secret(const char *setting, mst_str_t reference)
{
    char place[1024];
    bool variable = mst_str_starts(reference, MST_STR("env:"));
    snprintf(place, sizeof place, "%.*s", (int)(reference.n - (variable ? 4 : 5)), reference.p + (variable ? 4 : 5));
    if (variable && getenv(place) == NULL)
        fprintf(stderr, "muster: warning: %s: environment variable \"%s\" is not set\n", setting, place);
    if (!variable && access(place, R_OK) != 0)
        fprintf(stderr, "muster: warning: %s: file \"%s\" cannot be read\n", setting, place);
}

static void
warn_about_secrets(const mst_provider_cfg_t *p)
{
    for (const mst_param_t *row = p->kind->params; row != NULL && row->name != NULL; row++)
        if (row->type == MST_P_SECRET && mst_params_get(&p->params, row->name)->given)
            warn_about_secret(row->name, mst_params_str(&p->params, row->name));
}

// What is not wrong with the configuration, but would be with a run now.
static void
print_warnings(const mst_run_cfg_t *cfg, const mst_config_env_t *env)
{
    mst_err_t err;
    char path[4096];
    snprintf(path, sizeof path, "%.*s", MST_FMT(cfg->source.path));
    if (cfg->source.type == MST_SRC_JSONL && access(path, R_OK) != 0)
        fprintf(stderr, "muster: warning: dataset \"%s\" %s\n", path,
                errno == ENOENT ? "does not exist" : "cannot be read");
    if (mst_local_models_check(cfg, env, &err) != MST_OK)
        fprintf(stderr, "muster: warning: %s\n", err.message);
    if (cfg->wandb_project.n > 0)
        fprintf(stderr, "muster: warning: wandb_project is kept with the run; this version sends nothing there\n");
    for (size_t i = 0; i < cfg->target_count; i++)
        warn_about_secrets(&cfg->targets[i].provider);
}

int
mst_cmd_validate(int argc, char **argv)
{
    options_t o = {0};
    argp_parse(&argp, argc, argv, 0, NULL, &o);
    const mst_config_env_t env = mst_cli_env(true);
    mst_arena_t *arena = mst_arena_new(64 * MST_MIB);
    mst_run_cfg_t cfg;
    mst_err_t err;
    char *text = NULL;
    size_t n = 0;
    mst_rc rc = mst_cli_read_file(o.path, MST_YAML_BYTES_MAX, &text, &n, &err);
    if (rc == MST_OK)
        rc = mst_run_cfg_load(mst_str(text, n), o.path, &env, arena, &cfg, &err);
    if (rc == MST_OK) {
        rc = mst_cli_baselines(&cfg, mst_cli_db(NULL), arena, &err);
        if (rc == MST_OK)
            rc = mst_cli_check_parts(&cfg, arena, &err);
        if (rc != MST_OK)
            mst_err_prefix(&err, "%s", o.path);
    }
    if (rc == MST_OK) {
        print_summary(o.path, &cfg);
        print_warnings(&cfg, &env);
    }
    int code = rc == MST_OK ? MST_EXIT_PASS : mst_cli_fail(&err);
    mst_arena_free(&arena);
    free(text);
    return code;
}
