// muster latency: the latency of a stored run by our measures, and as other tools would have printed it.
#include "report/latency.h"
#include "aggregator/store/store.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/env.h"
#include "common/base/limits.h"
#include "common/config/run_config.h"

#include <argp.h>
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define ARENA_MAX (64 * MST_MIB)
#define OUT_MAX   (4 * MST_MIB)

typedef struct {
    const char *run, *db, *target;
    const mst_view_t *view;
    mst_slo_t slo;
    bool slo_given, json;
} options_t;

enum { OPT_DB = 256, OPT_JSON, OPT_AS, OPT_SLO, OPT_TARGET };

static const struct argp_option option_table[] = {
    {"as", OPT_AS, "TOOL", 0, "What vllm, aiperf, guidellm, mlperf or llmperf would have printed", 0},
    {"slo", OPT_SLO, "LEVELS", 0, "Goodput by these levels, such as ttft_ms=500,tpot_ms=50 (default: the run's)", 0},
    {"target", OPT_TARGET, "NAME", 0, "Only requests to this target: its label, or its number from 0", 0},
    {"json", OPT_JSON, NULL, 0, "One JSON document on stdout", 0},
    {"db", OPT_DB, "URL", 0, "Database (default: MUSTER_DB, else sqlite:muster.db)", 0},
    {0},
};

static error_t
parse_option(int key, char *arg, struct argp_state *state)
{
    options_t *o = state->input;
    mst_err_t err;
    switch (key) {
    case OPT_AS:
        o->view = mst_view_find(mst_str_c(arg));
        if (!o->view)
            argp_error(state, "--as knows %s, not \"%s\"", mst_view_names(), arg);
        return 0;
    case OPT_SLO:
        o->slo_given = true;
        if (mst_slo_parse(mst_str_c(arg), &o->slo, &err) != MST_OK)
            argp_error(state, "--slo: %s", err.message);
        return 0;
    case OPT_TARGET:
        o->target = arg;
        return 0;
    case OPT_JSON:
        o->json = true;
        return 0;
    case OPT_DB:
        o->db = arg;
        return 0;
    case ARGP_KEY_ARG:
        if (o->run)
            argp_error(state, "one run at a time: \"%s\" is one too many", arg);
        o->run = arg;
        return 0;
    case ARGP_KEY_END:
        if (!o->run)
            argp_error(state, "which run? its id, the beginning of one, its number, or latest");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
    .options = option_table,
    .parser = parse_option,
    .args_doc = "RUN",
    .doc = "Show the latency of a stored run, from the stamps of its tokens.\v"
           "Exit status: 0 shown, 2 no such run.\n\n"
           "Examples:\n"
           "  muster latency latest\n"
           "  muster latency latest --slo ttft_ms=500,tpot_ms=50\n"
           "  muster latency latest --as vllm\n"
           "  muster latency latest --as guidellm --json > guidellm.json",
};

typedef struct {
    mst_latency_t *latency;
    int64_t target; // -1 = all
    mst_rc rc;
    mst_err_t err;
} reading_t;

static bool
on_row(void *ud, const mst_result_t *r, const mst_origin_t *origin)
{
    reading_t *reading = ud;
    if (reading->target >= 0 && r->key.target_no != reading->target)
        return true;
    reading->rc = mst_latency_row(reading->latency, r, origin, &reading->err);
    return reading->rc == MST_OK;
}

static mst_rc
read_rows(mst_store_t *store, int64_t run_no, reading_t *reading, mst_err_t *err)
{
    const mst_store_scan_t what = {.with_events = true};
    mst_rc rc;
    do {
        rc = mst_store_results(store, run_no, &what, on_row, reading, err);
        if (rc == MST_OK && reading->rc != MST_OK) {
            *err = reading->err;
            rc = reading->rc;
        }
    } while (rc == MST_OK && mst_latency_next(reading->latency));
    return rc;
}

static mst_rc
show(const options_t *o, const mst_run_rec_t *rec, const mst_latency_t *latency, mst_err_t *err)
{
    static mst_view_line_t lines[MST_VIEW_LINES_MAX];
    mst_latency_report_t numbers;
    mst_latency_numbers(latency, &numbers);
    mst_latency_doc_t doc = {.run_id = rec->run_id, .name = rec->name, .view = o->view, .lines = lines};
    doc.line_count = mst_latency_view(latency, lines);
    struct winsize size;
    bool known = isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0;
    mst_buf_t out;
    mst_buf_init(&out, OUT_MAX);
    if (o->json)
        mst_latency_json(&doc, &numbers, &out);
    else
        mst_latency_console(&doc, &numbers, mst_cli_colour(STDOUT_FILENO), known ? size.ws_col : 120, &out);
    mst_rc rc = MST_OK;
    if (out.failed || fwrite(out.p, 1, out.n, stdout) != out.n || fflush(stdout) != 0) {
        rc = MST_ERR(err, MST_IO, "could not write what is shown: %s", strerror(errno));
        mst_cli_drop_output(stdout);
    }
    mst_buf_deinit(&out);
    return rc;
}

// The number of the target, -1 for all, and how many requests may be in flight to what is looked at.
static mst_rc
choose(const mst_run_cfg_t *cfg, const char *target, int64_t *out_no, int64_t *out_concurrency, mst_err_t *err)
{
    int64_t no = -1;
    *out_concurrency = 0;
    if (target && mst_str_to_i64(mst_str_c(target), &no) && (no < 0 || no >= (int64_t)cfg->target_count))
        return MST_ERR(err, MST_NOTFOUND, "the run has no target %s; it has %zu, counted from 0", target,
                       cfg->target_count);
    for (size_t i = 0; i < cfg->target_count; i++) {
        if (target && mst_str_eq_c(cfg->targets[i].label, target))
            no = (int64_t)i;
        if (!target || no == (int64_t)i)
            *out_concurrency += mst_run_cfg_concurrency(cfg, &cfg->targets[i]);
    }
    *out_no = no;
    if (target && no < 0)
        return MST_ERR(err, MST_NOTFOUND, "the run has no target \"%s\"; muster show names them", target);
    if (target && cfg->target_count > 1 && cfg->placement == MST_PLACE_SHARE)
        return MST_ERR(err, MST_INVAL, "the targets of this run share its cases as equals: look at all of them");
    return MST_OK;
}

static mst_rc
latency_of(const options_t *o, mst_store_t *store, mst_arena_t *arena, mst_err_t *err)
{
    mst_run_rec_t rec;
    mst_run_cfg_t cfg;
    mst_config_env_t env = mst_cli_env(false);
    mst_rc rc = mst_store_run_get(store, mst_str_c(o->run), arena, &rec, err);
    if (rc == MST_OK)
        rc = mst_run_cfg_load(rec.spec, "stored configuration", &env, arena, &cfg, err);
    reading_t reading = {0};
    int64_t concurrency = 0;
    if (rc == MST_OK)
        rc = choose(&cfg, o->target, &reading.target, &concurrency, err);
    if (rc != MST_OK)
        return rc;
    mst_latency_opts_t opts = {
        .slo = o->slo_given ? &o->slo : &cfg.slo, .concurrency = (uint32_t)concurrency, .view = o->view};
    reading.latency = mst_latency_new(&opts);
    rc = read_rows(store, rec.run_no, &reading, err);
    if (rc == MST_OK)
        rc = show(o, &rec, reading.latency, err);
    mst_latency_free(&reading.latency);
    return rc;
}

int
mst_cmd_latency(int argc, char **argv)
{
    options_t o = {0};
    argp_parse(&argp, argc, argv, 0, NULL, &o);
    mst_err_t err = {0};
    mst_store_t *store = NULL;
    mst_arena_t *arena = mst_arena_new(ARENA_MAX);
    mst_rc rc = mst_store_open(mst_cli_db(o.db), MST_STORE_READ, &store, &err);
    if (rc == MST_OK)
        rc = latency_of(&o, store, arena, &err);
    mst_store_close(&store);
    mst_arena_free(&arena);
    return rc == MST_OK ? MST_EXIT_PASS : mst_cli_fail(&err);
}
