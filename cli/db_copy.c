// muster db copy: runs with their results, as they are, from one database into another.
//
// Rows go in by the store's own adding, which takes only rows of the run's present generation: a run that was resumed
// is copied generation by generation, and its copy's generation grows with them. Until the last row is there and was
// compared, the copy's record says that it is unfinished and what it was copied from; the same command then goes on.
// When the source went on meanwhile, what is there is removed and copied anew.
#include "cli/db_copy.h"

#include "cli/cli.h"
#include "cli/db.h"
#include "common/base/limits.h"

#include <stdlib.h>

#define COMMIT_ROWS  2000
#define COMMIT_BYTES (16 * MST_MIB) // escaped, they are up to four times as many
#define UNFINISHED   "unfinished copy of generation "

typedef struct {
    mst_store_t *from, *to;
    mst_run_rec_t run, there; // at the source; in the copy
    mst_arena_t *arena;       // of the run
    mst_db_rows_t rows;       // of the source
    uint32_t *generations;    // that its rows have, ascending
    size_t generation_count, generation_cap;
    uint32_t generation; // that is being added
    uint64_t waiting_rows, waiting_bytes;
    mst_db_tick_t tick;
    mst_err_t *err;
    mst_rc rc; // of a callback
    bool sums_differ;
    uint64_t copied, same, results;
} copy_t;

static bool
is_unfinished(const mst_run_rec_t *r)
{
    return mst_str_starts(r->state_reason, MST_STR(UNFINISHED));
}

static bool
add_generation(void *ud, const mst_result_t *r, const mst_origin_t *origin)
{
    (void)origin;
    copy_t *c = ud;
    c->tick.total++;
    size_t at = c->generation_count;
    while (at > 0 && c->generations[at - 1] > r->generation)
        at--;
    if (at > 0 && c->generations[at - 1] == r->generation)
        return true;
    if (c->generation_count == c->generation_cap) {
        c->generation_cap = c->generation_cap ? 2 * c->generation_cap : 16;
        c->generations = mst_xrealloc(c->generations, c->generation_cap * sizeof *c->generations);
    }
    memmove(c->generations + at + 1, c->generations + at, (c->generation_count - at) * sizeof *c->generations);
    c->generations[at] = r->generation;
    c->generation_count++;
    return true;
}

static void
settled(void *ud, mst_added_t added, const mst_err_t *why)
{
    copy_t *c = ud;
    if (c->rc != MST_OK || (added != MST_ADDED_REFUSED && added != MST_ADDED_FENCED))
        return;
    if (added == MST_ADDED_REFUSED)
        *c->err = *why;
    else
        MST_ERR(c->err, MST_CONFLICT, "was resumed in the database that it was being copied into");
    c->rc = c->err->rc;
}

static mst_rc
commit(copy_t *c)
{
    mst_rc rc = mst_store_settle(c->to, settled, c, c->err);
    rc = c->rc != MST_OK ? c->rc : rc;
    c->waiting_rows = c->waiting_bytes = 0;
    return rc == MST_OK ? mst_store_commit(c->to, c->err) : rc;
}

static mst_rc
add_row(copy_t *c, const mst_result_t *r, const mst_origin_t *origin, size_t bytes)
{
    mst_added_t added = MST_ADDED_NEW;
    mst_rc rc = MST_OK;
    if (c->waiting_rows >= COMMIT_ROWS || c->waiting_bytes + bytes > COMMIT_BYTES) {
        rc = commit(c);
        if (rc == MST_OK)
            rc = mst_store_begin(c->to, c->err);
    }
    if (rc == MST_OK)
        rc = mst_store_result_add(c->to, c->there.run_no, r, r->origin_no > 0 ? origin : NULL, &added, c->err);
    if (rc == MST_OK)
        settled(c, added, NULL);
    c->waiting_rows++;
    c->waiting_bytes += bytes;
    return rc == MST_OK ? c->rc : rc;
}

static bool
copy_row(void *ud, const mst_result_t *r, const mst_origin_t *origin)
{
    copy_t *c = ud;
    mst_rc rc = mst_db_rows_add(&c->rows, r, origin, c->err);
    mst_db_tick(&c->tick, "copying", c->run.run_id);
    if (rc == MST_OK && c->generation >= c->there.generation) // those before are there already
        rc = add_row(c, r, origin, c->rows.bytes);
    c->rc = rc;
    return rc == MST_OK;
}

static mst_rc
copy_generation(copy_t *c, uint32_t generation)
{
    const mst_store_scan_t what = {
        .with_text = true, .with_events = true, .with_scores = true, .one_generation = true, .generation = generation};
    mst_rc rc = MST_OK;
    c->generation = generation;
    if (generation > c->there.generation) {
        c->there.generation = generation;
        rc = mst_store_run_update(c->to, &c->there, c->err);
    }
    if (rc == MST_OK)
        rc = mst_store_begin(c->to, c->err);
    if (rc != MST_OK)
        return rc;
    rc = mst_store_results(c->from, c->run.run_no, &what, copy_row, c, c->err);
    rc = c->rc != MST_OK ? c->rc : rc;
    if (rc == MST_OK)
        rc = commit(c);
    if (rc != MST_OK)
        mst_store_rollback(c->to);
    return rc;
}

// The copy's record before the copy is whole.
static mst_rc
create(copy_t *c)
{
    char reason[64];
    snprintf(reason, sizeof reason, UNFINISHED "%u", c->run.generation);
    c->there = c->run;
    c->there.state = MST_RUN_INTERRUPTED;
    c->there.state_reason = mst_arena_dup(c->arena, mst_str_c(reason), NULL);
    c->there.generation = c->generation_count > 0 ? c->generations[0] : c->run.generation;
    c->there.started_wall_ns = c->there.finished_wall_ns = c->there.active_ns = 0;
    c->there.exit_code = -1;
    return mst_store_run_create(c->to, &c->there, &c->there.run_no, c->err);
}

// *out_found: a run of this id is there.
static mst_rc
look(copy_t *c, bool *out_found)
{
    *out_found = false;
    mst_rc rc = mst_store_run_get(c->to, c->run.run_id, c->arena, &c->there, c->err);
    if (rc == MST_NOTFOUND || rc == MST_CONFLICT) // it also takes the beginning of an id
        return MST_OK;
    *out_found = rc == MST_OK && mst_str_eq(c->there.run_id, c->run.run_id);
    return rc;
}

static mst_rc
compare_rows(copy_t *c, const char *what)
{
    mst_db_rows_t rows = {0};
    mst_rc rc = mst_db_rows_read(c->to, c->there.run_no, &rows, c->err);
    if (rc == MST_OK && (rows.count != c->rows.count || memcmp(&rows.sum, &c->rows.sum, sizeof rows.sum) != 0))
        rc = MST_ERR(c->err, MST_CONFLICT, "%s: %llu results there, %llu here, or not the same ones", what,
                     (unsigned long long)rows.count, (unsigned long long)c->rows.count);
    mst_db_rows_deinit(&rows);
    return rc;
}

static void
differs(void *ud, const char *what)
{
    copy_t *c = ud;
    char text[512];
    c->sums_differ = true;
    snprintf(text, sizeof text, "the sums of run %.*s were wrong at their source, those of the copy are by its rows: ",
             MST_FMT(mst_str_cut(c->run.run_id, 100)));
    fprintf(stderr, "muster: warning: ");
    mst_cli_say(text, what);
}

static mst_rc
compare_rollups(copy_t *c, const mst_rollup_t *source)
{
    mst_rollup_t copy;
    mst_rc rc = mst_store_rollup(c->to, c->there.run_no, &copy, c->err);
    if (rc == MST_OK)
        mst_db_rollup_differ(source, &copy, differs, c);
    mst_rollup_deinit(&copy);
    return rc;
}

static mst_rc
begin_copy(copy_t *c, bool found)
{
    char reason[64];
    const mst_store_scan_t numbers = {0};
    mst_rc rc = mst_store_results(c->from, c->run.run_no, &numbers, add_generation, c, c->err);
    snprintf(reason, sizeof reason, UNFINISHED "%u", c->run.generation);
    bool stale = found && !mst_str_eq_c(c->there.state_reason, reason);
    if (rc == MST_OK && stale)
        rc = mst_store_run_delete(c->to, c->there.run_no, c->err);
    if (rc == MST_OK && (stale || !found))
        rc = create(c);
    return rc;
}

// Everything of the source is read inside one snapshot, which ends before the copy is read back.
static mst_rc
copy_rows(copy_t *c, bool found)
{
    mst_rollup_t source;
    mst_rc rc = begin_copy(c, found);
    for (size_t i = 0; i < c->generation_count && rc == MST_OK; i++)
        rc = copy_generation(c, c->generations[i]);
    if (rc != MST_OK)
        return rc;
    rc = mst_store_rollup(c->from, c->run.run_no, &source, c->err);
    mst_store_read_end(c->from);
    if (rc == MST_OK)
        rc = compare_rows(c, "the copy is not what was copied, it was changed meanwhile");
    if (rc == MST_OK)
        rc = compare_rollups(c, &source);
    mst_rollup_deinit(&source);
    if (rc != MST_OK)
        return rc;
    mst_run_rec_t whole = c->run;
    whole.run_no = c->there.run_no;
    return mst_store_run_update(c->to, &whole, c->err);
}

static mst_rc
compare_there(copy_t *c)
{
    mst_rc rc = mst_db_rows_read(c->from, c->run.run_no, &c->rows, c->err);
    mst_store_read_end(c->from);
    if (rc == MST_OK && !mst_db_record_same(&c->run, &c->there))
        rc = MST_ERR(c->err, MST_CONFLICT, "a run of this id is there already, and its record differs");
    return rc == MST_OK ? compare_rows(c, "a run of this id is there already, and its results differ") : rc;
}

static mst_rc
copy_run(copy_t *c, mst_str_t which)
{
    bool found = false;
    c->arena = mst_arena_new(128 * MST_MIB);
    c->rows = (mst_db_rows_t){0};
    c->tick = (mst_db_tick_t){0};
    c->generation_count = 0;
    c->waiting_rows = c->waiting_bytes = 0;
    c->rc = MST_OK;
    mst_rc rc = mst_store_read_begin(c->from, c->err);
    if (rc == MST_OK)
        rc = mst_store_run_get(c->from, which, c->arena, &c->run, c->err);
    bool known = rc == MST_OK;
    if (known && is_unfinished(&c->run))
        rc = MST_ERR(c->err, MST_INVAL, "is itself an unfinished copy; finish it first");
    if (rc == MST_OK)
        rc = look(c, &found);
    bool whole = found && !is_unfinished(&c->there);
    if (rc == MST_OK)
        rc = whole ? compare_there(c) : copy_rows(c, found);
    mst_store_read_end(c->from);
    if (rc == MST_OK) {
        *(whole ? &c->same : &c->copied) += 1;
        c->results += whole ? 0 : c->rows.count;
    } else if (known) {
        mst_err_prefix(c->err, "run %.*s", MST_FMT(mst_str_cut(c->run.run_id, 100)));
    }
    mst_db_rows_deinit(&c->rows);
    mst_arena_free(&c->arena);
    return rc;
}

static mst_rc
copy_all(copy_t *c, char **runs, size_t run_count)
{
    mst_rc rc = MST_OK;
    mst_str_t *ids = NULL;
    size_t count = 0;
    mst_arena_t *arena = mst_arena_new(256 * MST_MIB);
    if (run_count == 0)
        rc = mst_db_run_ids(c->from, arena, &ids, &count, c->err);
    for (size_t i = 0; i < count && rc == MST_OK; i++)
        rc = copy_run(c, ids[i]);
    for (size_t i = 0; i < run_count && rc == MST_OK; i++)
        rc = copy_run(c, mst_str_c(runs[i]));
    mst_arena_free(&arena);
    return rc;
}

int
mst_db_copy(const char *from, const char *to, char **runs, size_t run_count)
{
    mst_err_t err = {0};
    copy_t c = {.err = &err};
    mst_rc rc = MST_OK;
    if (strcmp(from, to) == 0)
        rc = MST_ERR(&err, MST_INVAL, "FROM and TO are one database");
    if (rc == MST_OK)
        rc = mst_store_open(from, MST_STORE_READ, &c.from, &err);
    if (rc == MST_OK)
        rc = mst_store_open(to, MST_STORE_WRITE, &c.to, &err);
    if (rc == MST_OK)
        rc = copy_all(&c, runs, run_count);
    mst_store_close(&c.to);
    mst_store_close(&c.from);
    free(c.generations);
    if (c.copied + c.same > 0 || rc == MST_OK)
        printf("%llu run%s copied with %llu results, %llu there already\n", (unsigned long long)c.copied,
               c.copied == 1 ? "" : "s", (unsigned long long)c.results, (unsigned long long)c.same);
    if (rc != MST_OK)
        return mst_cli_fail(&err);
    return c.sums_differ ? MST_EXIT_FAIL : MST_EXIT_PASS;
}
