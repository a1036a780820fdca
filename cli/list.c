// muster list: the stored runs, newest first.
#include "aggregator/store/store.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "common/base/clock.h"
#include "common/json/json.h"
#include "report/table.h"

#include <argp.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

typedef struct {
    const char *db;
    int64_t limit; // -1 = all
    bool json;
} options_t;

enum { OPT_DB = 256, OPT_JSON };

static const struct argp_option option_table[] = {
    {"db", OPT_DB, "URL", 0, "Database (default: MUSTER_DB, else sqlite:muster.db)", 0},
    {"limit", 'n', "N", 0, "Only the newest N runs", 0},
    {"json", OPT_JSON, NULL, 0, "One JSON array on stdout", 0},
    {0},
};

static error_t
parse_option(int key, char *arg, struct argp_state *state)
{
    options_t *o = state->input;
    switch (key) {
    case OPT_DB:
        o->db = arg;
        return 0;
    case OPT_JSON:
        o->json = true;
        return 0;
    case 'n':
        if (!mst_str_to_i64(mst_str_c(arg), &o->limit) || o->limit < 1)
            argp_error(state, "--limit must be a whole number of at least 1, not \"%s\"", arg);
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "no argument expected: \"%s\" is one too many", arg);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
    .options = option_table,
    .parser = parse_option,
    .doc = "List the stored runs, newest first.\v"
           "Exit status: 0 listed, 2 no such database.\n\n"
           "Examples:\n"
           "  muster list\n"
           "  muster list -n 5 --db sqlite:nightly.db\n"
           "  muster list --json | jq '.[0].run_id'",
};

typedef struct {
    mst_store_t *store;
    int64_t left; // rows still to show; -1 = all
    size_t count;
    mst_table_t table;
    mst_buf_t out; // of --json
    mst_jw_t json;
    bool as_json;
    mst_rc rc;
    mst_err_t err;
} list_t;

static uint64_t
measured_of(const mst_rollup_t *roll)
{
    uint64_t n = 0;
    for (int i = 0; i < MST_OUTCOME_MAX; i++)
        n += mst_outcome_measured((mst_outcome_t)i) ? roll->outcomes[i] : 0;
    return n;
}

static void
add_row(list_t *l, const mst_run_rec_t *r, const mst_rollup_t *roll)
{
    mst_table_t *t = &l->table;
    char started[32] = "-";
    if (r->started_wall_ns > 0)
        mst_wall_iso(r->started_wall_ns, started, sizeof started);
    started[started[0] == '-' ? 1 : 16] = 0; // to the minute
    mst_fmt_safe(r->name.n > 0 ? r->name : MST_STR("unnamed"), false, &t->text);
    mst_table_end(t);
    mst_fmt_safe(r->run_id, false, &t->text);
    mst_table_end(t);
    mst_table_add(t, started);
    bool whole = r->state == MST_RUN_DONE;
    t->style = whole ? MST_PLAIN : MST_YELLOW;
    mst_table_add(t, mst_run_state_name(r->state));
    t->style = MST_PLAIN;
    mst_fmt_count(roll->total, &t->text);
    if (r->key_count > 0 && (uint64_t)r->key_count != roll->total) {
        mst_buf_add_byte(&t->text, '/');
        mst_fmt_count((uint64_t)r->key_count, &t->text);
    }
    mst_table_end(t);
    uint64_t measured = measured_of(roll);
    t->style = roll->passed < measured ? MST_RED : MST_GREEN;
    mst_fmt_percent(measured > 0 ? (double)roll->passed / (double)measured : (double)__builtin_nan(""), &t->text);
    mst_table_end(t);
    t->style = MST_PLAIN;
    if (r->exit_code >= 0)
        mst_buf_addf(&t->text, "%d", r->exit_code);
    mst_table_end(t);
}

static void
json_text(mst_jw_t *w, const char *key, mst_str_t s)
{
    mst_jw_key(w, key);
    if (s.n > 0)
        mst_jw_str(w, s);
    else
        mst_jw_null(w);
}

static void
json_time(mst_jw_t *w, const char *key, int64_t wall_ns)
{
    char text[32] = "";
    if (wall_ns > 0)
        mst_wall_iso(wall_ns, text, sizeof text);
    json_text(w, key, mst_str_c(text));
}

static void
add_json(list_t *l, const mst_run_rec_t *r, const mst_rollup_t *roll)
{
    mst_jw_t *w = &l->json;
    mst_jw_obj(w);
    mst_jw_key(w, "run_no");
    mst_jw_i64(w, r->run_no);
    json_text(w, "run_id", r->run_id);
    json_text(w, "config_name", r->name);
    json_text(w, "state", mst_str_c(mst_run_state_name(r->state)));
    json_text(w, "state_reason", r->state_reason);
    json_time(w, "started_at", r->started_wall_ns);
    json_time(w, "finished_at", r->finished_wall_ns);
    mst_jw_key(w, "total");
    if (r->key_count >= 0)
        mst_jw_i64(w, r->key_count);
    else
        mst_jw_null(w);

    const struct {
        const char *key;
        uint64_t n;
    } counts[] = {{"done", roll->total}, {"measured", measured_of(roll)}, {"passed", roll->passed}};

    for (size_t i = 0; i < 3; i++) {
        mst_jw_key(w, counts[i].key);
        mst_jw_u64(w, counts[i].n);
    }
    mst_jw_key(w, "exit_code");
    if (r->exit_code >= 0)
        mst_jw_i64(w, r->exit_code);
    else
        mst_jw_null(w);
    mst_jw_obj_end(w);
}

static bool
add_run(void *ud, const mst_run_rec_t *r)
{
    list_t *l = ud;
    if (l->left == 0)
        return false;
    l->left -= l->left > 0;
    mst_rollup_t roll;
    l->rc = mst_store_rollup(l->store, r->run_no, &roll, &l->err);
    if (l->rc == MST_OK) {
        l->count++;
        if (l->as_json)
            add_json(l, r, &roll);
        else
            add_row(l, r, &roll);
    }
    mst_rollup_deinit(&roll);
    return l->rc == MST_OK;
}

static void
print_table(list_t *l)
{
    struct winsize size;
    bool known = isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0;
    mst_table_render(&l->table, 0, known ? size.ws_col : 0, mst_cli_colour(STDOUT_FILENO), &l->out);
    fwrite(l->out.p, 1, l->out.n, stdout);
    if (l->count == 0)
        fprintf(stderr, "no run is stored yet\n");
}

static mst_rc
list_runs(const options_t *o, list_t *l, mst_err_t *err)
{
    static const char *const titles[] = {"name", "run", "started (UTC)", "state", "cases", "passed", "exit"};
    l->as_json = o->json;
    l->left = o->limit;
    if (o->json)
        mst_jw_arr(&l->json);
    l->table.style = MST_DIM;
    for (size_t i = 0; i < sizeof titles / sizeof titles[0]; i++)
        mst_table_add(&l->table, titles[i]);
    l->table.style = MST_PLAIN;
    mst_rc rc = mst_store_run_list(l->store, add_run, l, err);
    if (rc == MST_OK && l->rc != MST_OK) {
        *err = l->err;
        rc = l->rc;
    }
    if (rc != MST_OK)
        return rc;
    if (!o->json) {
        print_table(l);
        return MST_OK;
    }
    mst_jw_arr_end(&l->json);
    mst_buf_add_byte(&l->out, '\n');
    fwrite(l->out.p, 1, l->out.n, stdout);
    return MST_OK;
}

int
mst_cmd_list(int argc, char **argv)
{
    options_t o = {.limit = -1};
    argp_parse(&argp, argc, argv, 0, NULL, &o);
    mst_err_t err = {0};
    list_t l = {0};
    mst_buf_init(&l.out, 256 * MST_MIB);
    mst_jw_init(&l.json, &l.out);
    mst_table_init(&l.table, "llllrrr");
    mst_rc rc = mst_store_open(mst_cli_db(o.db), MST_STORE_READ, &l.store, &err);
    if (rc == MST_OK)
        rc = list_runs(&o, &l, &err);
    if (rc == MST_OK && fflush(stdout) != 0)
        rc = MST_ERR(&err, MST_IO, "could not write the list");
    mst_store_close(&l.store);
    mst_table_deinit(&l.table);
    mst_buf_deinit(&l.out);
    return rc == MST_OK ? MST_EXIT_PASS : mst_cli_fail(&err);
}
