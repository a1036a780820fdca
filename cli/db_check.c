// muster db check: every row is read once, in key order, and counted anew beside its run's rollup. Memory is bounded:
// one row, one rollup, and at most so many faults a run are told.
#include "aggregator/store/rollup.h"

#include "cli/cli.h"
#include "cli/db.h"
#include "common/base/limits.h"
#include "common/json/json.h"
#include "report/format.h"

#include <stdlib.h>

#define FAULTS_TOLD 100 // a run

typedef struct {
    mst_store_t *store;
    bool as_json;
    mst_buf_t out;
    mst_jw_t json;
    mst_arena_t *arena; // of a row
    uint64_t results, faults;
    // of the run
    mst_run_rec_t run;
    mst_rollup_t counted;
    mst_key_t last;
    uint64_t rows, run_faults;
    mst_db_tick_t tick;
} check_t;

static void
flush_out(check_t *c)
{
    if (c->out.n > 0)
        fwrite(c->out.p, 1, c->out.n, stdout);
    c->out.n = 0; // what failed stays failed
}

static void
number(mst_jw_t *w, const char *key, uint64_t n)
{
    mst_jw_key(w, key);
    mst_jw_u64(w, n);
}

static void
fault_json(check_t *c, const mst_result_t *r, const char *what)
{
    mst_jw_t *w = &c->json;
    mst_jw_obj(w);
    mst_jw_key(w, "what");
    mst_jw_str(w, mst_str_c(what));
    if (r) {
        mst_jw_key(w, "case_id");
        mst_jw_str(w, mst_str_cut(r->case_id, MST_KIB));
        number(w, "case_no", r->key.case_no);
        number(w, "target_no", r->key.target_no);
        number(w, "repeat_no", r->key.repeat_no);
    }
    mst_jw_obj_end(w);
}

static void
fault_text(check_t *c, const mst_result_t *r, const char *what)
{
    mst_buf_t *out = &c->out;
    mst_fmt_safe(mst_str_cut(c->run.run_id, MST_KIB), false, out);
    if (r) {
        mst_buf_add_c(out, ", case \"");
        mst_fmt_safe(mst_str_cut(r->case_id, MST_KIB), false, out);
        mst_buf_addf(out, "\" (number %llu, target %u, repeat %u)", (unsigned long long)r->key.case_no,
                     r->key.target_no, r->key.repeat_no);
    }
    mst_buf_add_c(out, ": ");
    mst_fmt_safe(mst_str_c(what), false, out);
    mst_buf_add_byte(out, '\n');
}

// r: NULL for one of the run as a whole.
static void
fault(check_t *c, const mst_result_t *r, const char *what)
{
    c->faults++;
    if (++c->run_faults > FAULTS_TOLD)
        return;
    if (c->as_json)
        fault_json(c, r, what);
    else
        fault_text(c, r, what);
}

static void
rollup_fault(void *ud, const char *what)
{
    fault(ud, NULL, what);
}

static void
check_key(check_t *c, const mst_result_t *r)
{
    char text[128];
    if (c->rows > 0 && memcmp(&c->last, &r->key, sizeof c->last) == 0)
        fault(c, r, "is stored more than once");
    c->last = r->key;
    if (r->generation > c->run.generation) {
        snprintf(text, sizeof text, "is of generation %u, its run is at %u", r->generation, c->run.generation);
        fault(c, r, text);
    }
}

// A row of an outcome that does not exist counts in the total alone: the rollup has no place for it.
static void
count_row(check_t *c, mst_result_t *r)
{
    char text[96];
    if ((unsigned)r->outcome >= MST_OUTCOME_MAX || !mst_outcome_name(r->outcome)) {
        snprintf(text, sizeof text, "has outcome %d, which does not exist", (int)r->outcome);
        fault(c, r, text);
        c->counted.total++;
        return;
    }
    if (r->passed && !mst_outcome_measured(r->outcome))
        fault(c, r, "was not measured and cannot have passed");
    if (r->score_count == MST_SCORES_BROKEN) {
        fault(c, r, "its scores cannot be read");
        r->score_count = 0;
    }
    mst_rollup_add(&c->counted, r);
}

static bool
check_row(void *ud, const mst_result_t *stored, const mst_origin_t *origin)
{
    (void)origin;
    check_t *c = ud;
    mst_err_t err = {0};
    mst_result_t r = *stored;
    mst_completion_t done;
    check_key(c, &r);
    count_row(c, &r);
    mst_arena_reset(c->arena);
    if (mst_events_unpack(r.events, c->arena, &done, &err) != MST_OK)
        fault(c, &r, err.message);
    c->rows++;
    mst_db_tick(&c->tick, "checking", c->run.run_id);
    return true;
}

static bool
is_fault(mst_rc rc)
{
    return rc == MST_PROTO || rc == MST_LIMIT || rc == MST_INTERNAL;
}

// What cannot be read is a fault of the run; a database that goes away ends the check.
static mst_rc
check_rows(check_t *c, mst_err_t *err)
{
    const mst_store_scan_t what = {.with_events = true, .with_scores = true, .broken_scores = true};
    mst_rollup_t kept;
    mst_rc rc = mst_store_results(c->store, c->run.run_no, &what, check_row, c, err);
    if (is_fault(rc)) {
        fault(c, NULL, err->message);
        return MST_OK;
    }
    if (rc != MST_OK)
        return rc;
    rc = mst_store_rollup(c->store, c->run.run_no, &kept, err);
    if (is_fault(rc)) {
        fault(c, NULL, err->message);
        rc = MST_OK;
    } else if (rc == MST_OK) {
        mst_db_rollup_differ(&kept, &c->counted, rollup_fault, c);
    }
    mst_rollup_deinit(&kept);
    return rc;
}

static void
run_begin(check_t *c)
{
    c->rows = c->run_faults = 0;
    c->tick = (mst_db_tick_t){.total = c->run.key_count > 0 ? (uint64_t)c->run.key_count : 0};
    mst_rollup_init(&c->counted);
    if (!c->as_json)
        return;
    mst_jw_obj(&c->json);
    mst_jw_key(&c->json, "run_id");
    mst_jw_str(&c->json, c->run.run_id);
    mst_jw_key(&c->json, "run_no");
    mst_jw_i64(&c->json, c->run.run_no);
    mst_jw_key(&c->json, "faults");
    mst_jw_arr(&c->json);
}

static void
run_end(check_t *c)
{
    c->results += c->rows;
    mst_rollup_deinit(&c->counted);
    if (c->as_json) {
        mst_jw_arr_end(&c->json);
        number(&c->json, "fault_count", c->run_faults);
        number(&c->json, "results", c->rows);
        mst_jw_obj_end(&c->json);
    } else if (c->run_faults > FAULTS_TOLD) {
        mst_fmt_safe(mst_str_cut(c->run.run_id, MST_KIB), false, &c->out);
        mst_buf_addf(&c->out, ": %llu more\n", (unsigned long long)(c->run_faults - FAULTS_TOLD));
    }
    flush_out(c);
}

static mst_rc
check_run(check_t *c, mst_str_t id, mst_err_t *err)
{
    mst_arena_t *arena = mst_arena_new(64 * MST_MIB);
    mst_rc rc = mst_store_read_begin(c->store, err);
    if (rc == MST_OK)
        rc = mst_store_run_get(c->store, id, arena, &c->run, err);
    if (rc == MST_OK) {
        run_begin(c);
        rc = check_rows(c, err);
        run_end(c);
    }
    mst_store_read_end(c->store);
    mst_arena_free(&arena);
    return rc;
}

static bool
stray(void *ud, const char *table, int64_t run_no, uint64_t rows)
{
    check_t *c = ud;
    c->faults++;
    if (!c->as_json) {
        mst_buf_addf(&c->out, "run number %lld is not there, but %llu rows of it in table %s\n", (long long)run_no,
                     (unsigned long long)rows, table);
        return true;
    }
    mst_jw_obj(&c->json);
    mst_jw_key(&c->json, "table");
    mst_jw_str(&c->json, mst_str_c(table));
    mst_jw_key(&c->json, "run_no");
    mst_jw_i64(&c->json, run_no);
    number(&c->json, "rows", rows);
    mst_jw_obj_end(&c->json);
    return true;
}

static mst_rc
check_all(check_t *c, mst_arena_t *arena, mst_err_t *err)
{
    mst_str_t *ids = NULL;
    size_t count = 0;
    mst_rc rc = mst_db_run_ids(c->store, arena, &ids, &count, err);
    mst_jw_t *w = &c->json;
    if (c->as_json) {
        mst_jw_obj(w);
        number(w, "schema", (uint64_t)mst_store_schema(c->store).now);
        mst_jw_key(w, "runs");
        mst_jw_arr(w);
    }
    for (size_t i = 0; i < count && rc == MST_OK; i++)
        rc = check_run(c, ids[i], err);
    if (rc != MST_OK)
        return rc;
    if (c->as_json) {
        mst_jw_arr_end(w);
        mst_jw_key(w, "strays");
        mst_jw_arr(w);
    }
    rc = mst_store_strays(c->store, stray, c, err);
    if (c->as_json) {
        mst_jw_arr_end(w);
        number(w, "results", c->results);
        number(w, "fault_count", c->faults);
        mst_jw_obj_end(w);
        mst_buf_add_byte(&c->out, '\n');
    } else {
        mst_buf_addf(&c->out, "%zu run%s, %llu results: ", count, count == 1 ? "" : "s",
                     (unsigned long long)c->results);
        if (c->faults > 0)
            mst_buf_addf(&c->out, "%llu fault%s\n", (unsigned long long)c->faults, c->faults == 1 ? "" : "s");
        else
            mst_buf_add_c(&c->out, "nothing wrong\n");
    }
    return rc;
}

int
mst_db_check(const char *url, bool json)
{
    mst_err_t err = {0};
    check_t c = {.as_json = json, .arena = mst_arena_new(4 * MST_RESULT_BYTES_MAX)};
    mst_arena_t *arena = mst_arena_new(256 * MST_MIB);
    mst_buf_init(&c.out, 64 * MST_MIB);
    mst_jw_init(&c.json, &c.out);
    mst_rc rc = mst_store_open(url, MST_STORE_READ, &c.store, &err);
    if (rc == MST_OK)
        rc = check_all(&c, arena, &err);
    flush_out(&c);
    if (rc == MST_OK && (c.out.failed || fflush(stdout) != 0))
        rc = MST_ERR(&err, MST_IO, "could not write what was found");
    mst_store_close(&c.store);
    mst_buf_deinit(&c.out);
    mst_arena_free(&c.arena);
    mst_arena_free(&arena);
    if (rc != MST_OK)
        return mst_cli_fail(&err);
    return c.faults > 0 ? MST_EXIT_FAIL : MST_EXIT_PASS;
}
