// muster run: configuration -> dataset -> store row -> roles as threads -> follow -> report. Every step is a function
// of its own below, in the order in which a run meets it.
#include "cli/cli.h"

#include "cli/baseline.h"
#include "cli/check.h"
#include "cli/commands.h"
#include "cli/document.h"
#include "cli/env.h"
#include "cli/finish.h"
#include "cli/follow.h"
#include "cli/local.h"
#include "cli/record.h"
#include "cli/run_opts.h"
#include "common/base/clock.h"
#include "common/base/limits.h"
#include "common/base/log.h"
#include "common/net/link.h"
#include "common/proc/git.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define REFUSED_SHOWN   10
#define DESCRIPTORS_MIN 64

typedef struct {
    mst_run_opts_t opts;
    const char *db;
    mst_arena_t *arena;
    mst_run_cfg_t cfg;
    mst_store_t *store;
    mst_dataset_t *dataset;
    mst_run_rec_t rec;
    uint64_t done_before;
    mst_cli_spend_t spent; // before this session
    int64_t began_mono_ns, active_before_ns;
    uint64_t refused_shown; // of the coordinator's thread alone while it runs
    mst_follow_result_t end;
} run_t;

static mst_rc
load_config(run_t *r, mst_err_t *err)
{
    mst_config_env_t env = mst_cli_env(true);
    char *text = NULL;
    size_t n = 0;
    mst_rc rc = mst_cli_read_file(r->opts.config, MST_YAML_BYTES_MAX, &text, &n, err);
    if (rc == MST_OK)
        rc = mst_run_cfg_load(mst_str(text, n), r->opts.config, &env, r->arena, &r->cfg, err);
    if (rc == MST_OK && (rc = mst_cli_baselines(&r->cfg, r->db, r->arena, err)) != MST_OK)
        mst_err_prefix(err, "%s", r->opts.config);
    free(text);
    return rc;
}

// Options of the command line change the configuration before anything is made of it, so that the stored spec says
// what really ran.
static mst_rc
apply_options(run_t *r, mst_err_t *err)
{
    const mst_run_opts_t *o = &r->opts;
    if (o->limit >= 0)
        r->cfg.source.limit = o->limit;
    if (o->repeats >= 0)
        r->cfg.repeats = o->repeats;
    if (o->concurrency >= 0)
        r->cfg.concurrency = o->concurrency;
    r->cfg.strict |= o->strict;
    r->cfg.keep_raw |= o->keep_raw;
    return mst_run_cfg_spec(&r->cfg, r->arena, &r->cfg.spec, err);
}

// Called from the coordinator's thread, which reads the rows.
static void
on_refused(void *ud, const mst_refused_t *row)
{
    run_t *r = ud;
    r->refused_shown++;
    if (r->refused_shown <= REFUSED_SHOWN)
        mst_warn("refused line %llu of the dataset: %s", (unsigned long long)row->line, row->message);
    else if (r->refused_shown == REFUSED_SHOWN + 1)
        mst_warn("more refused lines are counted, not shown");
}

static mst_rc
open_dataset(run_t *r, mst_err_t *err)
{
    return mst_dataset_open(&r->cfg.source, r->cfg.strict, on_refused, r, &r->dataset, err);
}

static mst_rc
new_record(run_t *r, mst_err_t *err)
{
    mst_git_t git;
    (void)mst_git_read(".", &git);
    r->rec = (mst_run_rec_t){
        .dataset_path = r->cfg.source.type == MST_SRC_JSONL ? r->cfg.source.path : MST_STR("inline records"),
        .dataset_digest = mst_record_hex(&mst_dataset_info(r->dataset)->digest, r->arena),
        .target_count = mst_run_cfg_key_targets(&r->cfg),
        .repeat_count = (uint32_t)r->cfg.repeats,
        .key_count = -1,
        .git_sha = mst_arena_dup(r->arena, mst_str_c(git.sha), NULL),
        .git_branch = mst_arena_dup(r->arena, mst_str_c(git.branch), NULL),
    };
    mst_record_new(&r->cfg, r->arena, &r->rec);
    return mst_store_run_create(r->store, &r->rec, &r->rec.run_no, err);
}

// Only what does not change the answers may differ from the run that is resumed.
static mst_rc
check_same_spec(run_t *r, const mst_run_cfg_t *stored, mst_err_t *err)
{
    mst_run_cfg_t given = r->cfg;
    given.concurrency = stored->concurrency;
    given.keep_raw = stored->keep_raw;
    given.strict = stored->strict;
    given.source.limit = stored->source.limit;
    given.repeats = stored->repeats;
    given.budget_json = stored->budget_json;
    mst_rc rc = mst_run_cfg_spec(&given, r->arena, &given.spec, err);
    if (rc == MST_OK && !mst_str_eq(given.spec, stored->spec))
        rc = MST_ERR(err, MST_CONFLICT,
                     "configuration \"%s\" differs from that of run %.*s; resume without CONFIG, or start a new run",
                     r->opts.config, MST_FMT(r->rec.run_id));
    return rc;
}

static mst_rc
resume_record(run_t *r, mst_err_t *err)
{
    mst_rc rc = mst_store_run_get(r->store, mst_str_c(r->opts.resume), r->arena, &r->rec, err);
    if (rc != MST_OK)
        return rc;
    mst_run_cfg_t stored;
    mst_config_env_t env = mst_cli_env(false);
    rc = mst_run_cfg_load(r->rec.spec, "stored configuration", &env, r->arena, &stored, err);
    if (rc == MST_OK && stored.load.model != MST_LOAD_NONE)
        rc = MST_ERR(err, MST_INVAL, "run %.*s is a load, which cannot go on after a pause; start a new run",
                     MST_FMT(r->rec.run_id));
    if (rc == MST_OK && r->opts.config != NULL)
        rc = check_same_spec(r, &stored, err);
    if (rc != MST_OK)
        return rc;
    if (r->opts.config != NULL) { // more may be spent than was
        stored.budget = r->cfg.budget;
        stored.budget_json = r->cfg.budget_json;
    }
    r->cfg = stored;
    r->active_before_ns = r->rec.active_ns;
    return apply_options(r, err);
}

static mst_rc
reopen_record(run_t *r, mst_err_t *err)
{
    mst_str_t digest = mst_record_hex(&mst_dataset_info(r->dataset)->digest, r->arena);
    if (!mst_str_eq(digest, r->rec.dataset_digest))
        return MST_ERR(err, MST_CONFLICT,
                       "dataset \"%.*s\" has changed since run %.*s started (SHA-256 %.12s, was %.12s); "
                       "start a new run",
                       MST_FMT(r->rec.dataset_path), MST_FMT(r->rec.run_id), digest.p, r->rec.dataset_digest.p);
    mst_rc rc = mst_store_run_reopen(r->store, r->rec.run_no, &r->rec.generation, err);
    mst_rollup_t rollup;
    if (rc == MST_OK)
        rc = mst_store_rollup(r->store, r->rec.run_no, &rollup, err);
    if (rc != MST_OK)
        return rc;
    r->done_before = rollup.total;
    mst_rollup_deinit(&rollup);
    if (mst_cli_spends(&r->cfg))
        rc = mst_cli_spend(r->store, r->rec.run_no, &r->cfg, &r->spent, err);
    if (rc != MST_OK)
        return rc;
    r->rec.state = MST_RUN_RUNNING;
    r->rec.state_reason = MST_STR_NULL;
    return MST_OK;
}

// A plugin that is not there must be told before the first case, not with each.
static mst_rc
check_parts(run_t *r, mst_err_t *err)
{
    mst_rc rc = mst_cli_check_parts(&r->cfg, r->arena, err);
    if (rc != MST_OK)
        mst_err_prefix(err, "%s", r->opts.config != NULL ? r->opts.config : "stored configuration");
    return rc;
}

static mst_rc
check_output(const run_t *r, mst_err_t *err)
{
    char dataset[PATH_MAX];
    snprintf(dataset, sizeof dataset, "%.*s", MST_FMT(r->cfg.source.path));
    const char *needed[] = {mst_store_file(r->db), r->opts.config, dataset[0] != '\0' ? dataset : NULL};
    return mst_document_check(r->opts.output, needed, sizeof needed / sizeof needed[0], err);
}

static mst_rc
prepare(run_t *r, mst_err_t *err)
{
    bool resume = r->opts.resume != NULL;
    mst_rc rc = MST_OK;
    if (r->opts.config != NULL)
        rc = load_config(r, err);
    if (rc == MST_OK && !resume)
        rc = apply_options(r, err);
    if (rc == MST_OK && !resume)
        rc = check_parts(r, err);
    if (rc == MST_OK && !resume) // bad data must not leave an empty database behind
        rc = open_dataset(r, err);
    if (rc == MST_OK && !resume)
        rc = check_output(r, err);
    if (rc == MST_OK)
        rc = mst_store_open(r->db, MST_STORE_WRITE, &r->store, err);
    if (rc == MST_OK && !resume)
        return new_record(r, err);
    if (rc == MST_OK)
        rc = resume_record(r, err);
    if (rc == MST_OK)
        rc = check_parts(r, err);
    if (rc == MST_OK)
        rc = check_output(r, err);
    if (rc == MST_OK)
        rc = open_dataset(r, err);
    return rc == MST_OK ? reopen_record(r, err) : rc;
}

static mst_rc
run_roles(run_t *r, mst_err_t *err)
{
    mst_local_t local;
    mst_local_opts_t lo = {
        .cfg = &r->cfg,
        .store = r->store,
        .dataset = &r->dataset,
        .resumed = r->done_before > 0,
        .db = r->db,
    };
    r->rec.spec = r->cfg.spec;
    r->began_mono_ns = mst_mono_ns();
    mst_rc rc = mst_local_start(&local, &lo, r->arena, err);
    if (rc != MST_OK)
        return rc;
    mst_follow_opts_t fo = {
        .client_endpoint = MST_LOCAL_CLIENT,
        .run = &r->rec,
        .done_before = r->done_before,
        .spent = &r->spent,
        .progress = !r->opts.no_progress,
    };
    rc = mst_follow_run(&fo, &r->end, err);
    mst_local_stop(&local);
    return rc;
}

static void
close_record(run_t *r)
{
    mst_run_rec_t *rec = &r->rec;
    const mst_follow_result_t *end = &r->end;
    rec->finished_wall_ns = mst_wall_ns();
    rec->active_ns = r->active_before_ns + mst_mono_ns() - r->began_mono_ns;
    rec->refused_rows = end->refused_rows;
    if (end->cases > 0)
        rec->case_count = end->cases;
    if (end->total_exact)
        rec->key_count = (int64_t)end->total;
    if (r->cfg.load.model != MST_LOAD_NONE && end->cases > 0 && rec->key_count > 0) { // passes over the dataset
        int64_t pass = (int64_t)(end->cases * rec->target_count);
        rec->repeat_count = (uint32_t)((rec->key_count + pass - 1) / pass);
    }
    if (end->has_hash)
        rec->dataset_hash = mst_record_hex(&end->dataset_hash, r->arena);
    switch (end->end) {
    case MST_FOLLOW_DONE:
        rec->state = MST_RUN_DONE;
        break;
    case MST_FOLLOW_INTERRUPTED:
        rec->state = MST_RUN_INTERRUPTED;
        break;
    case MST_FOLLOW_FAILED_FAST:
        rec->state = MST_RUN_ABORTED;
        rec->state_reason = MST_STR("fail_fast: a case failed");
        break;
    case MST_FOLLOW_BUDGET:
        rec->state = MST_RUN_BUDGET_STOP;
        rec->state_reason = mst_arena_dup(r->arena, mst_str_c(end->err.message), NULL);
        break;
    case MST_FOLLOW_ABORTED:
        rec->state = MST_RUN_ABORTED;
        rec->state_reason = mst_arena_dup(r->arena, mst_str_c(end->err.message), NULL);
        break;
    }
}

static void
say_start(const run_t *r)
{
    fprintf(stderr, "%s %.*s: %.*s, %zu %s, ", r->opts.resume ? "resuming" : "run", MST_FMT(r->rec.run_id),
            MST_FMT(r->cfg.name), r->cfg.scorer_count, r->cfg.scorer_count == 1 ? "scorer" : "scorers");
    if (r->cfg.target_count > 1)
        fprintf(stderr, "%zu targets\n", r->cfg.target_count);
    else
        fprintf(stderr, "%s\n", r->cfg.target_count == 1 ? r->cfg.targets[0].provider.kind->name : "recorded answers");
}

static int
run_all(run_t *r)
{
    mst_err_t err = {0};
    mst_rc rc = prepare(r, &err);
    if (rc == MST_OK) {
        say_start(r);
        if (run_roles(r, &err) != MST_OK) // its row is there: the run ends like one that broke off
            r->end = (mst_follow_result_t){.end = MST_FOLLOW_ABORTED, .err = err};
    }
    if (rc != MST_OK)
        return mst_cli_fail(&err);
    close_record(r);
    mst_finish_opts_t fo = {
        .store = r->store,
        .rec = &r->rec,
        .cfg = &r->cfg,
        .end = &r->end,
        .output = r->opts.output,
        .db = r->opts.db,
        .json = r->opts.json,
        .verbose = r->opts.verbose,
    };
    return mst_finish_run(&fo, r->arena);
}

// A socket a request and a few links: the soft limit of 1,024 descriptors is too low for a fast run, and one that does
// not even hold the links ends in libzmq's abort.
static mst_rc
raise_descriptor_limit(mst_err_t *err)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return MST_OK;
    if (limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
    if (limit.rlim_cur < DESCRIPTORS_MIN)
        return MST_ERR(err, MST_IO, "this process may open %llu files only, a run takes %d; raise it with `ulimit -n`",
                       (unsigned long long)limit.rlim_cur, DESCRIPTORS_MIN);
    return MST_OK;
}

int
mst_cmd_run(int argc, char **argv)
{
    run_t r = {0};
    mst_run_opts_parse(argc, argv, &r.opts);
    r.db = mst_cli_db(r.opts.db);
    mst_log_init(r.opts.verbose ? MST_LOG_INFO : MST_LOG_WARN, false);
    mst_signals_block();
    mst_err_t err;
    if (raise_descriptor_limit(&err) != MST_OK)
        return mst_cli_fail(&err);
    if (mst_net_init(&err) != MST_OK)
        return mst_cli_fail(&err);
    r.arena = mst_arena_new(64 * MST_MIB);
    int code = run_all(&r);
    mst_dataset_close(&r.dataset);
    mst_store_close(&r.store);
    mst_arena_free(&r.arena);
    mst_net_deinit();
    return code;
}
