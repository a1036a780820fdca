#include "cli/baseline.h"

#include "aggregator/store/store.h"
#include "cli/cli.h"
#include "common/base/limits.h"
#include "common/base/log.h"
#include "scorers/baseline.h"

#include <math.h>
#include <stdlib.h>
#include <sys/stat.h>

#define FILE_MAX  (256 * MST_MIB)
#define DEPTH_MAX 6 // rows, lists, "metadata", "logprobs", "content", entries
#define ARENA_MAX (256 * MST_MIB)

// Mean and deviation of values as they come (Welford), so that a run of any length takes no memory.
typedef struct {
    uint64_t n;
    double mean, m2;
    bool keep_finite;
} sums_t;

static void
add(sums_t *s, double d)
{
    if (!mst_baseline_usable(d, s->keep_finite))
        return;
    double delta = d - s->mean;
    s->n++;
    s->mean += delta / (double)s->n;
    s->m2 += delta * (d - s->mean);
}

// Numbers at any of the places where answers have them: a number, a list, an entry with a logprob, a row.
static void
add_json(sums_t *s, const mst_json_t *v, int depth)
{
    static const char *const inside[] = {"logprob", "logprobs", "content", "metadata"};
    double d;
    if (v == NULL || depth == 0)
        return;
    if (mst_json_f64(v, &d))
        add(s, d);
    for (uint32_t i = 0; v->type == MST_JSON_ARR && i < v->count; i++)
        add_json(s, mst_json_at(v, i), depth - 1);
    for (size_t i = 0; v->type == MST_JSON_OBJ && i < sizeof inside / sizeof inside[0]; i++)
        add_json(s, mst_json_get(v, inside[i]), depth - 1);
}

static mst_rc
add_lines(sums_t *s, mst_str_t text, mst_json_parser_t *parser, mst_arena_t *arena, mst_err_t *err)
{
    mst_rc rc = MST_OK;
    for (uint64_t line = 1; text.n > 0 && rc == MST_OK; line++) {
        const char *end = memchr(text.p, '\n', text.n);
        size_t n = end != NULL ? (size_t)(end - text.p) : text.n;
        const mst_json_t *v = NULL;
        mst_arena_reset(arena);
        if (mst_str_trim(mst_str(text.p, n)).n > 0)
            rc = mst_json_parse(parser, mst_str(text.p, n), arena, &v, NULL, err);
        if (rc == MST_OK)
            add_json(s, v, DEPTH_MAX);
        else
            mst_err_prefix(err, "line %llu", (unsigned long long)line);
        n += end != NULL ? 1 : 0;
        text = mst_str(text.p + n, text.n - n);
    }
    return rc;
}

// One JSON value over any number of lines, or a value a line.
static mst_rc
read_file(mst_str_t path, sums_t *s, mst_err_t *err)
{
    char name[4096], *text = NULL;
    size_t n = 0;
    const mst_json_t *whole = NULL;
    if (path.n >= sizeof name)
        return MST_ERR(err, MST_INVAL, "baseline_file has a name of %zu bytes", path.n);
    memcpy(name, path.p, path.n);
    name[path.n] = '\0';
    struct stat st;
    if (stat(name, &st) == 0 && !S_ISREG(st.st_mode)) // a pipe that nobody writes to would hold this up for ever
        return MST_ERR(err, MST_INVAL, "baseline_file \"%s\" is not a file", name);
    mst_rc rc = mst_cli_read_file(name, FILE_MAX, &text, &n, err);
    if (rc != MST_OK)
        return rc;
    mst_json_parser_t *parser = mst_json_parser_new();
    mst_arena_t *arena = mst_arena_new(ARENA_MAX);
    if (n <= MST_JSON_BYTES_MAX && mst_json_parse(parser, mst_str(text, n), arena, &whole, NULL, NULL) == MST_OK)
        add_json(s, whole, DEPTH_MAX);
    else
        rc = add_lines(s, mst_str(text, n), parser, arena, err);
    if (rc != MST_OK)
        mst_err_prefix(err, "baseline_file \"%s\"", name);
    else if (s->n == 0)
        rc = MST_ERR(err, MST_INVAL, "baseline_file \"%s\" holds no log-probabilities", name);
    mst_arena_free(&arena);
    mst_json_parser_free(&parser);
    free(text);
    return rc;
}

typedef struct {
    sums_t *sums;
    mst_arena_t *arena;
    mst_rc rc;
    mst_err_t *err;
} scan_t;

static bool
add_row(void *ud, const mst_result_t *r, const mst_origin_t *origin)
{
    (void)origin;
    scan_t *scan = ud;
    mst_completion_t done = {0};
    if (r->logprob_count == 0)
        return true;
    mst_arena_reset(scan->arena);
    scan->rc = mst_events_unpack(r->events, scan->arena, &done, scan->err);
    for (uint32_t i = 0; scan->rc == MST_OK && i < done.logprob_count; i++)
        add(scan->sums, (double)done.logprobs[i]);
    return scan->rc == MST_OK;
}

static bool
first_done(void *ud, const mst_run_rec_t *r)
{
    char *id = ud;
    if (r->state != MST_RUN_DONE || r->run_id.n > MST_NAME_MAX)
        return true;
    memcpy(id, r->run_id.p, r->run_id.n);
    id[r->run_id.n] = '\0';
    return false;
}

// "latest" is the latest that is finished: a run that is resumed finds the baseline that it began with.
static mst_rc
find_run(mst_store_t *store, mst_str_t which, mst_arena_t *arena, mst_run_rec_t *rec, mst_err_t *err)
{
    char id[MST_NAME_MAX + 1] = "";
    mst_rc rc = MST_OK;
    if (mst_str_eq_c(which, "latest")) {
        rc = mst_store_run_list(store, first_done, id, err);
        if (rc == MST_OK && id[0] == '\0')
            rc = MST_ERR(err, MST_NOTFOUND, "baseline_run: no run is finished yet");
        which = mst_str_c(id);
    }
    if (rc == MST_OK)
        rc = mst_store_run_get(store, which, arena, rec, err);
    if (rc == MST_OK && rec->state != MST_RUN_DONE)
        rc = MST_ERR(err, MST_INVAL, "baseline_run: run %.*s is not finished", MST_FMT(rec->run_id));
    return rc;
}

static mst_rc
read_run(const char *db, mst_param_value_t *which, mst_arena_t *arena, sums_t *s, mst_err_t *err)
{
    mst_store_t *store = NULL;
    mst_run_rec_t rec = {0};
    const mst_store_scan_t what = {.with_events = true, .measured_only = true};
    scan_t scan = {.sums = s, .arena = mst_arena_new(ARENA_MAX), .err = err};
    mst_rc rc = mst_store_open(db, MST_STORE_READ, &store, err);
    if (rc == MST_OK)
        rc = find_run(store, which->u.s, arena, &rec, err);
    if (rc == MST_OK)
        rc = mst_store_results(store, rec.run_no, &what, add_row, &scan, err);
    if (rc == MST_OK)
        rc = scan.rc;
    if (rc == MST_OK && s->n == 0)
        rc = MST_ERR(err, MST_INVAL,
                     "baseline_run: run %.*s has no log-probabilities; make one with `logprobs: true` in its provider",
                     MST_FMT(rec.run_id));
    which->u.s = rec.run_id;
    mst_store_close(&store);
    mst_arena_free(&scan.arena);
    return rc;
}

static size_t
row_of(const mst_param_t *table, const char *name, mst_param_type_t type)
{
    for (size_t i = 0; table != NULL && table[i].name != NULL; i++)
        if (strcmp(table[i].name, name) == 0 && table[i].type == type)
            return i;
    return SIZE_MAX;
}

static const mst_json_t *
as_json(const sums_t *s, mst_arena_t *arena)
{
    mst_json_t *obj = MST_ARENA_NEW(arena, mst_json_t);
    mst_json_member_t *m = MST_ARENA_ARRAY(arena, mst_json_member_t, 3);
    if (obj == NULL || m == NULL)
        return NULL;
    m[0] = (mst_json_member_t){MST_STR("count"), {.type = MST_JSON_INT, .u.i = (int64_t)s->n}};
    m[1] = (mst_json_member_t){MST_STR("mean"), {.type = MST_JSON_DOUBLE, .u.d = s->mean}};
    m[2] = (mst_json_member_t){MST_STR("std"), {.type = MST_JSON_DOUBLE, .u.d = sqrt(s->m2 / (double)s->n)}};
    *obj = (mst_json_t){.type = MST_JSON_OBJ, .count = 3, .u.members = m};
    return obj;
}

static mst_rc
resolve(mst_scorer_cfg_t *scorer, const char *db, mst_arena_t *arena, mst_err_t *err)
{
    const mst_param_t *table = scorer->params.table;
    size_t base = row_of(table, "baseline", MST_P_JSON), file = row_of(table, "baseline_file", MST_P_STR);
    size_t run = row_of(table, "baseline_run", MST_P_STR), rows = 0;
    if (base == SIZE_MAX || file == SIZE_MAX || run == SIZE_MAX)
        return MST_OK;
    const mst_param_value_t *v = scorer->params.values;
    if (v[base].set + v[file].set + v[run].set > 1)
        return MST_ERR(err, MST_INVAL, "baseline, baseline_file and baseline_run say the same; give one of them");
    if (!v[file].set && !v[run].set)
        return MST_OK;
    while (table[rows].name != NULL)
        rows++;
    mst_param_value_t *values = MST_ARENA_ARRAY(arena, mst_param_value_t, rows);
    if (values == NULL)
        return MST_ERR(err, MST_LIMIT, "the configuration needs too much memory");
    memcpy(values, v, rows * sizeof *values);
    size_t profile = row_of(table, "profile", MST_P_ENUM);
    sums_t sums = {.keep_finite = profile != SIZE_MAX && mst_str_eq_c(v[profile].u.s, "aeroeval")};
    mst_rc rc = v[file].set ? read_file(v[file].u.s, &sums, err) : read_run(db, &values[run], arena, &sums, err);
    if (rc != MST_OK)
        return rc;
    values[base] = (mst_param_value_t){.set = true, .given = true, .u.json = as_json(&sums, arena)};
    scorer->params.values = values;
    return values[base].u.json != NULL ? MST_OK : MST_ERR(err, MST_LIMIT, "the configuration needs too much memory");
}

// What a list that is written out holds is counted here too.
static void
warn_when_short(const mst_scorer_cfg_t *s)
{
    mst_spread_t base;
    size_t at = row_of(s->params.table, "baseline", MST_P_JSON);
    if (at == SIZE_MAX || !s->params.values[at].set ||
        mst_baseline_read(s->params.values[at].u.json, false, &base, NULL) != MST_OK || base.n >= MST_BASELINE_MIN)
        return;
    mst_warn("the baseline of scorer \"%.*s\" has %zu values; fewer than %d say little about a spread",
             MST_FMT(s->label), base.n, MST_BASELINE_MIN);
}

mst_rc
mst_cli_baselines(mst_run_cfg_t *cfg, const char *db, mst_arena_t *arena, mst_err_t *err)
{
    mst_rc rc = MST_OK;
    mst_scorer_cfg_t *scorers = MST_ARENA_ARRAY(arena, mst_scorer_cfg_t, cfg->scorer_count);
    if (scorers == NULL)
        return MST_ERR(err, MST_LIMIT, "the configuration needs too much memory");
    memcpy(scorers, cfg->scorers, cfg->scorer_count * sizeof *scorers);
    for (size_t i = 0; i < cfg->scorer_count && rc == MST_OK; i++) {
        rc = resolve(&scorers[i], db, arena, err);
        if (rc != MST_OK)
            mst_err_prefix(err, "scorer \"%.*s\"", MST_FMT(scorers[i].label));
        else
            warn_when_short(&scorers[i]);
    }
    cfg->scorers = scorers;
    return rc;
}
