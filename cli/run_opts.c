// Options of `muster run`, by argp.
#include "cli/run_opts.h"

#include "cli/cli.h"
#include "common/base/limits.h"
#include "common/base/str.h"

#include <argp.h>
#include <string.h>

enum {
    OPT_DB = 256,
    OPT_LIMIT,
    OPT_REPEATS,
    OPT_CONCURRENCY,
    OPT_RESUME,
    OPT_NO_PROGRESS,
    OPT_JSON,
    OPT_STRICT,
    OPT_KEEP_RAW
};

static const struct argp_option options[] = {
    {"output", 'o', "FILE.json", 0, "write the whole result as JSON (-: as --json)", 1},
    {"verbose", 'v', NULL, 0, "show each case with its scores and reasons", 1},
    {"json", OPT_JSON, NULL, 0, "print one JSON document on standard output; text goes to standard error", 1},
    {"no-progress", OPT_NO_PROGRESS, NULL, 0, "no progress line", 1},
    {"db", OPT_DB, "URL", 0, "where results are stored (default: $MUSTER_DB, else sqlite:muster.db)", 2},
    {"resume", OPT_RESUME, "RUN_ID", 0, "go on with a run that was interrupted: id, unique prefix of it, or latest", 2},
    {"limit", OPT_LIMIT, "N", 0, "only the first N cases", 3},
    {"repeats", OPT_REPEATS, "K", 0, "ask each case K times", 3},
    {"concurrency", OPT_CONCURRENCY, "N", 0, "requests in flight", 3},
    {"strict", OPT_STRICT, NULL, 0, "stop at the first bad row of the dataset instead of refusing it", 3},
    {"keep-raw", OPT_KEEP_RAW, NULL, 0, "store the raw request and response of every case", 3},
    {0},
};

static const char doc[] =
    "Run the evaluation that CONFIG describes: ask every case, score the answers, store and report them.\v"
    "Exit codes: 0 pass, 1 a case or a gate failed, 2 usage, configuration or data unusable, 3 too few cases "
    "measured, 4 infrastructure failed, 130 interrupted.\n\n"
    "Ctrl-C once finishes what is in flight and keeps it; twice stops at once. Either way --resume goes on.\n\n"
    "Examples:\n"
    "  muster run configs/quickstart.yaml\n"
    "  muster run eval.yaml --limit 50 --concurrency 16 -o results.json\n"
    "  muster run eval.yaml --json 2>/dev/null | jq .totals\n"
    "  muster run --resume latest\n";

static int64_t
number(struct argp_state *state, const char *name, const char *arg, int64_t max)
{
    int64_t v;
    if (!mst_str_to_i64(mst_str_c(arg), &v) || v < 1 || v > max)
        argp_error(state, "%s takes a whole number from 1 to %lld, not \"%s\"", name, (long long)max, arg);
    return v;
}

static error_t
on_option(int key, char *arg, struct argp_state *state)
{
    mst_run_opts_t *o = state->input;
    switch (key) {
    case 'o':
        if (strcmp(arg, "-") == 0)
            o->json = true;
        else
            o->output = arg;
        break;
    case 'v':
        o->verbose = true;
        break;
    case OPT_JSON:
        o->json = true;
        break;
    case OPT_NO_PROGRESS:
        o->no_progress = true;
        break;
    case OPT_DB:
        o->db = arg;
        break;
    case OPT_RESUME:
        o->resume = arg;
        break;
    case OPT_LIMIT:
        o->limit = number(state, "--limit", arg, MST_CASES_MAX);
        break;
    case OPT_REPEATS:
        o->repeats = number(state, "--repeats", arg, MST_REPEATS_MAX);
        break;
    case OPT_CONCURRENCY:
        o->concurrency = number(state, "--concurrency", arg, MST_CONCURRENCY_MAX);
        break;
    case OPT_STRICT:
        o->strict = true;
        break;
    case OPT_KEEP_RAW:
        o->keep_raw = true;
        break;
    case ARGP_KEY_ARG:
        if (o->config != NULL)
            argp_error(state, "one CONFIG at a time; \"%s\" is too many", arg);
        o->config = arg;
        break;
    case ARGP_KEY_END:
        if (o->config == NULL && o->resume == NULL)
            argp_error(state, "CONFIG is missing");
        if (o->resume != NULL && (o->limit >= 0 || o->repeats >= 0))
            argp_error(state, "--limit and --repeats are fixed when a run starts and cannot change with --resume");
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

void
mst_run_opts_parse(int argc, char **argv, mst_run_opts_t *out)
{
    static const struct argp argp = {options, on_option, "CONFIG\n--resume RUN_ID", doc, NULL, NULL, NULL};
    *out = (mst_run_opts_t){.limit = -1, .repeats = -1, .concurrency = -1};
    argp_parse(&argp, argc, argv, 0, NULL, out);
}
