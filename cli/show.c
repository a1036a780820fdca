// muster show: a stored run as `muster run` reported it, or the results of one case.
#include "aggregator/store/store.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/document.h"
#include "cli/env.h"
#include "cli/numbers.h"
#include "cli/target.h"
#include "cli/worst.h"
#include "report/report.h"

#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define ARENA_MAX (64 * MST_MIB)

typedef struct {
    const char *run, *case_id, *db, *target;
    bool json, verbose, failed;
    int64_t worst; // cases; 0 = not asked for
} options_t;

enum { OPT_DB = 256, OPT_JSON, OPT_FAILED, OPT_WORST, OPT_TARGET };

static const struct argp_option option_table[] = {
    {"case", 'c', "ID", 0, "Show this case: input, answer, scores, stamps, raw exchange when it was kept", 0},
    {"failed", OPT_FAILED, NULL, 0, "Show every case that failed or was not measured", 0},
    {"worst", OPT_WORST, "N", 0, "Show the N cases with the lowest mean score, worst first", 0},
    {"target", OPT_TARGET, "NAME", 0, "Only cases of this target: its label, or its number from 0", 0},
    {"verbose", 'v', NULL, 0, "Show every case", 0},
    {"json", OPT_JSON, NULL, 0, "One JSON document on stdout", 0},
    {"db", OPT_DB, "URL", 0, "Database (default: MUSTER_DB, else sqlite:muster.db)", 0},
    {0},
};

static error_t
parse_option(int key, char *arg, struct argp_state *state)
{
    options_t *o = state->input;
    switch (key) {
    case 'c':
        o->case_id = arg;
        return 0;
    case 'v':
        o->verbose = true;
        return 0;
    case OPT_FAILED:
        o->failed = true;
        return 0;
    case OPT_WORST:
        if (!mst_str_to_i64(mst_str_c(arg), &o->worst) || o->worst < 1 || o->worst > MST_WORST_MAX)
            argp_error(state, "--worst takes a whole number from 1 to %d, not \"%s\"", MST_WORST_MAX, arg);
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
        if ((o->case_id != NULL) + o->failed + (o->worst > 0) > 1)
            argp_error(state, "--case, --failed and --worst choose cases in different ways; give one of them");
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
    .doc = "Show a stored run: RUN is its id, the beginning of one, its number, or \"latest\".\v"
           "Exit status: 0 shown, 2 no such run or case.\n\n"
           "Examples:\n"
           "  muster show latest\n"
           "  muster show run_20261120_1024 --failed\n"
           "  muster show latest --worst 5\n"
           "  muster show latest --target small-model --failed\n"
           "  muster show latest --case case-000017\n"
           "  muster show latest --json > run.json",
};

typedef struct {
    const options_t *o;
    const mst_run_numbers_full_t *numbers;
    mst_buf_t out;
    bool colour, first, broken;
    uint64_t shown;
    int64_t target_no;       // -1 = all
    const mst_worst_t *only; // one of the worst: others of the same id are not meant
} show_t;

static bool
flush(show_t *s)
{
    s->broken = s->broken || s->out.failed || (s->out.n > 0 && fwrite(s->out.p, 1, s->out.n, stdout) != s->out.n);
    mst_buf_reset(&s->out);
    return !s->broken;
}

static bool
show_case(void *ud, const mst_result_t *r, const mst_origin_t *origin)
{
    show_t *s = ud;
    if (s->target_no >= 0 && r->key.target_no != s->target_no)
        return true;
    if (s->o->failed && r->passed && mst_outcome_measured(r->outcome))
        return true;
    if (s->only && (r->key.repeat_no != s->only->key.repeat_no || r->key.target_no != s->only->key.target_no))
        return true;
    if (s->o->json)
        mst_report_json_result(r, origin, s->numbers, s->shown == 0, &s->out);
    else
        mst_report_case(r, origin, s->numbers, s->colour, &s->out);
    s->shown++;
    return flush(s);
}

static mst_rc
show_worst(show_t *s, mst_store_t *store, const mst_run_rec_t *rec, mst_arena_t *arena, mst_err_t *err)
{
    size_t count = 0;
    mst_worst_t *list = MST_ARENA_ARRAY(arena, mst_worst_t, (size_t)s->o->worst);
    if (list == NULL)
        return MST_ERR(err, MST_LIMIT, "no memory for %lld cases", (long long)s->o->worst);
    mst_rc rc = mst_cli_worst(store, rec->run_no, s->target_no, (size_t)s->o->worst, arena, list, &count, err);
    if (s->o->json)
        mst_buf_add_byte(&s->out, '[');
    for (size_t i = 0; i < count && rc == MST_OK; i++) {
        mst_store_scan_t what = {.with_text = true, .with_scores = true, .case_id = list[i].case_id};
        s->only = &list[i];
        rc = mst_store_results(store, rec->run_no, &what, show_case, s, err);
    }
    if (s->o->json)
        mst_buf_add_c(&s->out, "\n]\n");
    flush(s);
    return rc;
}

static mst_rc
show_cases(show_t *s, mst_store_t *store, const mst_run_rec_t *rec, mst_err_t *err)
{
    const options_t *o = s->o;
    mst_store_scan_t what = {
        .with_text = true, .with_scores = true, .with_events = o->case_id != NULL, .case_id = mst_str_c(o->case_id)};
    if (o->json)
        mst_buf_add_byte(&s->out, '[');
    mst_rc rc = mst_store_results(store, rec->run_no, &what, show_case, s, err);
    if (o->json)
        mst_buf_add_c(&s->out, "\n]\n");
    if (rc == MST_OK && s->shown == 0 && o->case_id)
        return MST_ERR(err, MST_NOTFOUND, "run \"%.*s\" has no result of case \"%s\"", MST_FMT(rec->run_id),
                       o->case_id);
    flush(s);
    return rc;
}

static void
show_summary(show_t *s)
{
    struct winsize size;
    bool known = isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0;
    mst_report_console(s->numbers, s->colour, known ? size.ws_col : 100, &s->out);
    flush(s);
}

static mst_rc
show(const options_t *o, mst_store_t *store, mst_arena_t *arena, mst_err_t *err)
{
    mst_run_rec_t rec;
    mst_run_cfg_t cfg;
    mst_run_numbers_full_t numbers;
    mst_config_env_t env = mst_cli_env(false);
    mst_rc rc = mst_store_run_get(store, mst_str_c(o->run), arena, &rec, err);
    if (rc != MST_OK)
        return rc;
    rc = mst_run_cfg_load(rec.spec, "stored configuration", &env, arena, &cfg, err);
    if (rc == MST_OK)
        rc = mst_cli_numbers(store, &rec, &cfg, arena, &numbers, err);
    if (rc != MST_OK)
        return rc;
    if (rec.exit_code >= 0)
        numbers.exit_code = rec.exit_code; // what the run itself ended with
    numbers.db = mst_str_c(o->db);
    int64_t target_no;
    rc = mst_cli_target(&cfg, o->target, &target_no, err);
    if (rc != MST_OK)
        return rc;
    if (o->json && !o->case_id && !o->failed && o->worst == 0 && !o->target)
        return mst_document_write(store, &rec, &numbers, stdout, err);
    show_t s = {.o = o, .numbers = &numbers, .target_no = target_no, .colour = mst_cli_colour(STDOUT_FILENO)};
    mst_buf_init(&s.out, 4 * MST_RESULT_BYTES_MAX);
    if (o->worst > 0)
        rc = show_worst(&s, store, &rec, arena, err);
    else if (o->case_id || o->failed || o->verbose || o->target)
        rc = show_cases(&s, store, &rec, err);
    if (rc == MST_OK && !o->case_id && !o->json)
        show_summary(&s);
    mst_buf_deinit(&s.out);
    if (rc == MST_OK && (s.broken || fflush(stdout) != 0)) {
        rc = MST_ERR(err, MST_IO, "could not write what is shown: %s", strerror(errno));
        mst_cli_drop_output(stdout);
    }
    return rc;
}

int
mst_cmd_show(int argc, char **argv)
{
    options_t o = {0};
    argp_parse(&argp, argc, argv, 0, NULL, &o);
    mst_err_t err = {0};
    mst_store_t *store = NULL;
    mst_arena_t *arena = mst_arena_new(ARENA_MAX);
    mst_rc rc = mst_store_open(mst_cli_db(o.db), MST_STORE_READ, &store, &err);
    if (rc == MST_OK)
        rc = show(&o, store, arena, &err);
    mst_store_close(&store);
    mst_arena_free(&arena);
    return rc == MST_OK ? MST_EXIT_PASS : mst_cli_fail(&err);
}
