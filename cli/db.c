// muster db: prepares a database, brings its schema up to date, checks what is stored, copies runs between databases.
#include "cli/db.h"

#include "cli/cli.h"
#include "cli/commands.h"

#include <argp.h>
#include <errno.h>
#include <sys/stat.h>

typedef struct {
    char **args;
    size_t count;
    bool json;
} options_t;

enum { OPT_JSON = 256 };

static const struct argp_option option_table[] = {
    {"json", OPT_JSON, NULL, 0, "check: one JSON document on standard output", 0},
    {0},
};

static const char doc[] =
    "Look after a database (sqlite:PATH or postgresql://HOST/DATABASE; default: $MUSTER_DB, else sqlite:muster.db).\n"
    "  init      make it, or bring it up to date\n"
    "  migrate   bring one that is there up to date\n"
    "  check     read every stored row: sums, keys, scores, token events; changes nothing\n"
    "  copy      runs with all their results from one database into another; the same command again goes on after an "
    "interruption\v"
    "Exit status: 0 done, nothing wrong; 1 check found something, or a copied run's sums were wrong at its source; 2 "
    "no "
    "such database or run, or the run is there already and differs; 4 the database cannot be read or written.\n\n"
    "Examples:\n"
    "  muster db init postgresql://db.example/eval\n"
    "  muster db migrate sqlite:nightly.db\n"
    "  muster db check sqlite:nightly.db --json\n"
    "  muster db copy sqlite:nightly.db postgresql://db.example/eval\n"
    "  muster db copy postgresql://db.example/eval sqlite:mine.db latest\n";

static error_t
on_option(int key, char *arg, struct argp_state *state)
{
    (void)arg;
    options_t *o = state->input;
    switch (key) {
    case OPT_JSON:
        o->json = true;
        return 0;
    case ARGP_KEY_ARGS:
        o->args = state->argv + state->next;
        o->count = (size_t)(state->argc - state->next);
        return 0;
    case ARGP_KEY_END:
        if (o->count == 0)
            argp_error(state, "init, migrate, check or copy is needed");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
    option_table, on_option, "init [URL]\nmigrate [URL]\ncheck [URL]\ncopy FROM TO [RUN...]", doc, NULL, NULL, NULL};

static int
usage(const char *what)
{
    fprintf(stderr, "muster: error: %s; see muster db --help\n", what);
    return MST_EXIT_USAGE;
}

static void
say_done(const mst_store_schema_t *schema)
{
    if (schema->before == 0)
        printf("made: schema %d\n", schema->now);
    else if (schema->before < schema->now)
        printf("brought from schema %d up to %d\n", schema->before, schema->now);
    else if (schema->columns_added > 0)
        printf("brought up to date: schema %d, %u columns more\n", schema->now, schema->columns_added);
    else
        printf("up to date: schema %d\n", schema->now);
}

// Opening for writing makes and migrates.
static int
prepare(const char *url, bool must_exist)
{
    mst_err_t err = {0};
    mst_store_t *s = NULL;
    struct stat st;
    const char *file = mst_store_file(url);
    if (must_exist && *file && stat(file, &st) != 0 && errno == ENOENT) {
        MST_ERR(&err, MST_NOTFOUND, "no database \"%s\"; `muster db init` makes it", file);
        return mst_cli_fail(&err);
    }
    if (mst_store_open(url, MST_STORE_WRITE, &s, &err) != MST_OK)
        return mst_cli_fail(&err);
    mst_store_schema_t schema = mst_store_schema(s);
    mst_store_close(&s);
    say_done(&schema);
    return MST_EXIT_PASS;
}

int
mst_cmd_db(int argc, char **argv)
{
    options_t o = {0};
    argp_parse(&argp, argc, argv, 0, NULL, &o);
    mst_str_t verb = mst_str_c(o.args[0]);
    const char *url = mst_cli_db(o.count > 1 ? o.args[1] : NULL);
    if (mst_str_eq_c(verb, "copy"))
        return o.count < 3 ? usage("copy needs FROM and TO")
                           : mst_db_copy(o.args[1], o.args[2], o.args + 3, o.count - 3);
    bool init = mst_str_eq_c(verb, "init"), check = mst_str_eq_c(verb, "check");
    if (!init && !check && !mst_str_eq_c(verb, "migrate"))
        return usage("expected init, migrate, check or copy");
    if (o.count > 2)
        return usage("one database at a time");
    return check ? mst_db_check(url, o.json) : prepare(url, !init);
}
