// muster rescore RUN --config FILE: other scorers over the stored answers of a run, without asking anything again. The
// verdicts become a run of their own beside the old one, which is not touched.
#include "cli/baseline.h"
#include "cli/cli.h"

#include "cli/commands.h"
#include "cli/document.h"
#include "cli/env.h"
#include "cli/finish.h"
#include "cli/record.h"
#include "cli/rescoring.h"
#include "common/base/clock.h"
#include "common/base/limits.h"

#include <argp.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct {
    const char *run, *config, *db, *output;
    bool json, verbose;
} options_t;

enum { OPT_DB = 256, OPT_JSON };

static const struct argp_option option_table[] = {
    {"config", 'c', "FILE", 0, "configuration whose scorers are run; it needs no data_source and no provider", 0},
    {"output", 'o', "FILE.json", 0, "write the whole result as JSON", 0},
    {"verbose", 'v', NULL, 0, "show each case with its scores and reasons", 0},
    {"json", OPT_JSON, NULL, 0, "print one JSON document on standard output", 0},
    {"db", OPT_DB, "URL", 0, "database (default: $MUSTER_DB, else sqlite:muster.db)", 0},
    {0},
};

static const char doc[] =
    "Run the scorers of a configuration over the stored answers of RUN (id, unique prefix, number or latest), without "
    "asking the backend again. The result is stored as a new run.\v"
    "Exit codes are those of 'muster run'.\n\n"
    "Examples:\n"
    "  muster rescore latest --config stricter.yaml\n"
    "  muster rescore run_20261120_1024 -c rouge.yaml -o rescored.json\n";

static error_t
on_option(int key, char *arg, struct argp_state *state)
{
    options_t *o = state->input;
    switch (key) {
    case 'c':
        o->config = arg;
        break;
    case 'o':
        o->output = arg;
        break;
    case 'v':
        o->verbose = true;
        break;
    case OPT_JSON:
        o->json = true;
        break;
    case OPT_DB:
        o->db = arg;
        break;
    case ARGP_KEY_ARG:
        if (o->run != NULL)
            argp_error(state, "one RUN at a time; \"%s\" is too many", arg);
        o->run = arg;
        break;
    case ARGP_KEY_END:
        if (o->run == NULL || o->config == NULL)
            argp_error(state, "RUN and --config FILE are needed");
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

// The scorers' file may be a whole configuration, or one without data: then the run's own data stands in.
static mst_rc
load_scorers(const char *path, const char *db, mst_arena_t *arena, mst_run_cfg_t *out, mst_err_t *err)
{
    static const char data[] = "\ndata_source: {source_type: jsonl, path: stored-answers}\n";
    char *text = NULL;
    size_t n = 0;
    const mst_ynode_t *root = NULL;
    mst_rc rc = mst_cli_read_file(path, MST_YAML_BYTES_MAX - sizeof data, &text, &n, err);
    if (rc != MST_OK)
        return rc;
    rc = mst_yaml_parse(mst_str(text, n), path, arena, &root, err);
    if (rc == MST_OK && root->kind == MST_Y_MAP && mst_yaml_get(root, "data_source") == NULL) {
        text = mst_xrealloc(text, n + sizeof data);
        memcpy(text + n, data, sizeof data - 1);
        n += sizeof data - 1;
    }
    mst_config_env_t env = mst_cli_env(true);
    if (rc == MST_OK)
        rc = mst_run_cfg_load(mst_str(text, n), path, &env, arena, out, err);
    if (rc == MST_OK && (rc = mst_cli_baselines(out, db, arena, err)) != MST_OK)
        mst_err_prefix(err, "%s", path);
    free(text);
    return rc;
}

// The old run's configuration with the new scorers: what the new run's spec says really was done.
static mst_rc
merge(const mst_run_rec_t *old, const mst_run_cfg_t *scorers, mst_arena_t *arena, mst_run_cfg_t *out, mst_err_t *err)
{
    mst_config_env_t env = mst_cli_env(false);
    mst_rc rc = mst_run_cfg_load(old->spec, "stored configuration", &env, arena, out, err);
    if (rc != MST_OK)
        return rc;
    out->name = scorers->name;
    out->description = scorers->description;
    out->scorers = scorers->scorers;
    out->scorer_count = scorers->scorer_count;
    out->min_coverage = scorers->min_coverage;
    if (scorers->reduce_count > 0) {
        out->reduce = scorers->reduce;
        out->reduce_count = scorers->reduce_count;
    }
    rc = mst_run_cfg_check(out, err);
    if (rc != MST_OK)
        return rc;
    return mst_run_cfg_spec(out, arena, &out->spec, err);
}

static mst_rc
new_record(mst_store_t *store, const mst_run_rec_t *old, const mst_run_cfg_t *cfg, mst_arena_t *arena,
           mst_run_rec_t *out, mst_err_t *err)
{
    *out = *old; // data, digests, counts, git: the answers are the old run's
    mst_record_new(cfg, arena, out);
    return mst_store_run_create(store, out, &out->run_no, err);
}

static int
rescore(const options_t *o, mst_arena_t *arena, mst_store_t **store, mst_store_t **reader)
{
    mst_err_t err = {0};
    mst_run_rec_t old, rec;
    mst_run_cfg_t scorers, cfg;
    const char *db = mst_cli_db(o->db);
    const char *needed[] = {mst_store_file(db), o->config};
    mst_rc rc = mst_document_check(o->output, needed, sizeof needed / sizeof needed[0], &err);
    if (rc == MST_OK)
        rc = load_scorers(o->config, db, arena, &scorers, &err);
    if (rc == MST_OK)
        rc = mst_store_open(db, MST_STORE_READ, reader, &err); // a missing database is not made
    if (rc == MST_OK)
        rc = mst_store_run_get(*reader, mst_str_c(o->run), arena, &old, &err);
    if (rc == MST_OK)
        rc = merge(&old, &scorers, arena, &cfg, &err);
    if (rc == MST_OK)
        rc = mst_store_open(db, MST_STORE_WRITE, store, &err);
    if (rc == MST_OK)
        rc = new_record(*store, &old, &cfg, arena, &rec, &err);
    if (rc != MST_OK)
        return mst_cli_fail(&err);
    fprintf(stderr, "run %.*s: %zu scorers over the answers of %.*s\n", MST_FMT(rec.run_id), cfg.scorer_count,
            MST_FMT(old.run_id));
    int64_t began = mst_mono_ns();
    mst_follow_result_t end = {.end = MST_FOLLOW_DONE};
    rc = mst_rescoring_run(*reader, old.run_no, *store, &rec, &cfg, &err);
    if (rc != MST_OK) {
        end.end = rc == MST_CANCELED ? MST_FOLLOW_INTERRUPTED : MST_FOLLOW_ABORTED;
        end.err = err;
        rec.state_reason = mst_arena_dup(arena, mst_str_c(err.message), NULL);
    }
    rec.state = rc == MST_OK ? old.state : rc == MST_CANCELED ? MST_RUN_INTERRUPTED : MST_RUN_ABORTED;
    rec.finished_wall_ns = mst_wall_ns();
    rec.active_ns = mst_mono_ns() - began;
    mst_finish_opts_t fo = {
        .store = *store,
        .rec = &rec,
        .cfg = &cfg,
        .end = &end,
        .output = o->output,
        .db = o->db,
        .json = o->json,
        .verbose = o->verbose,
        .go_on = "run the same command again for a whole one",
    };
    return mst_finish_run(&fo, arena);
}

int
mst_cmd_rescore(int argc, char **argv)
{
    static const struct argp argp = {option_table, on_option, "RUN --config FILE", doc, NULL, NULL, NULL};
    options_t o = {0};
    argp_parse(&argp, argc, argv, 0, NULL, &o);
    mst_signals_block();
    mst_arena_t *arena = mst_arena_new(64 * MST_MIB);
    mst_store_t *store = NULL, *reader = NULL;
    int code = rescore(&o, arena, &store, &reader);
    mst_store_close(&reader);
    mst_store_close(&store);
    mst_arena_free(&arena);
    return code;
}
