// Table run: one row a run, its fields as in mst_run_rec_t.
#include "aggregator/store/sqlite.h"

#include <stdio.h>

// The columns behind run_no, in this order everywhere in this file.
#define RUN_COLUMNS                                                                                                    \
    "run_id,name,description,state,state_reason,generation,spec,spec_digest,dataset_path,dataset_digest,"              \
    "dataset_hash,case_count,refused_rows,target_count,repeat_count,key_count,git_sha,git_branch,muster_version,"      \
    "started_wall_ns,finished_wall_ns,active_ns,exit_code"
#define RUN_COLUMN_COUNT 23

static int
bind_run(sqlite3_stmt *st, const mst_run_rec_t *r)
{
    int code = mst_sqlite_bind_or_empty(st, 1, r->run_id);
    code |= mst_sqlite_bind(st, 2, r->name);
    code |= mst_sqlite_bind(st, 3, r->description);
    code |= sqlite3_bind_int(st, 4, (int)r->state);
    code |= mst_sqlite_bind(st, 5, r->state_reason);
    code |= sqlite3_bind_int64(st, 6, r->generation);
    code |= mst_sqlite_bind(st, 7, r->spec);
    code |= mst_sqlite_bind(st, 8, r->spec_digest);
    code |= mst_sqlite_bind(st, 9, r->dataset_path);
    code |= mst_sqlite_bind(st, 10, r->dataset_digest);
    code |= mst_sqlite_bind(st, 11, r->dataset_hash);
    code |= sqlite3_bind_int64(st, 12, (int64_t)r->case_count);
    code |= sqlite3_bind_int64(st, 13, (int64_t)r->refused_rows);
    code |= sqlite3_bind_int64(st, 14, r->target_count);
    code |= sqlite3_bind_int64(st, 15, r->repeat_count);
    code |= mst_sqlite_bind_known(st, 16, r->key_count);
    code |= mst_sqlite_bind(st, 17, r->git_sha);
    code |= mst_sqlite_bind(st, 18, r->git_branch);
    code |= mst_sqlite_bind(st, 19, r->muster_version);
    code |= r->started_wall_ns ? sqlite3_bind_int64(st, 20, r->started_wall_ns) : sqlite3_bind_null(st, 20);
    code |= r->finished_wall_ns ? sqlite3_bind_int64(st, 21, r->finished_wall_ns) : sqlite3_bind_null(st, 21);
    code |= sqlite3_bind_int64(st, 22, r->active_ns);
    code |= r->exit_code == -1 ? sqlite3_bind_null(st, 23) : sqlite3_bind_int(st, 23, r->exit_code);
    return code;
}

// Strings borrow from the statement's row.
static void
read_run(sqlite3_stmt *st, mst_run_rec_t *r)
{
    *r = (mst_run_rec_t){
        .run_no = sqlite3_column_int64(st, 0),
        .run_id = mst_sqlite_str(st, 1),
        .name = mst_sqlite_str(st, 2),
        .description = mst_sqlite_str(st, 3),
        .state = (mst_run_state_t)sqlite3_column_int(st, 4),
        .state_reason = mst_sqlite_str(st, 5),
        .generation = (uint32_t)sqlite3_column_int64(st, 6),
        .spec = mst_sqlite_str(st, 7),
        .spec_digest = mst_sqlite_str(st, 8),
        .dataset_path = mst_sqlite_str(st, 9),
        .dataset_digest = mst_sqlite_str(st, 10),
        .dataset_hash = mst_sqlite_str(st, 11),
        .case_count = (uint64_t)sqlite3_column_int64(st, 12),
        .refused_rows = (uint64_t)sqlite3_column_int64(st, 13),
        .target_count = (uint32_t)sqlite3_column_int64(st, 14),
        .repeat_count = (uint32_t)sqlite3_column_int64(st, 15),
        .key_count = mst_sqlite_known(st, 16),
        .git_sha = mst_sqlite_str(st, 17),
        .git_branch = mst_sqlite_str(st, 18),
        .muster_version = mst_sqlite_str(st, 19),
        .started_wall_ns = sqlite3_column_int64(st, 20),
        .finished_wall_ns = sqlite3_column_int64(st, 21),
        .active_ns = sqlite3_column_int64(st, 22),
        .exit_code = sqlite3_column_type(st, 23) == SQLITE_NULL ? -1 : sqlite3_column_int(st, 23),
    };
}

static bool
dup_run(mst_arena_t *arena, mst_run_rec_t *r)
{
    mst_str_t *const fields[] = {
        &r->run_id,       &r->name,           &r->description,  &r->state_reason, &r->spec,       &r->spec_digest,
        &r->dataset_path, &r->dataset_digest, &r->dataset_hash, &r->git_sha,      &r->git_branch, &r->muster_version,
    };
    bool ok = true;
    for (size_t i = 0; i < sizeof fields / sizeof fields[0] && ok; i++)
        *fields[i] = mst_arena_dup(arena, *fields[i], &ok);
    return ok;
}

mst_rc
mst_sqlite_run_create(mst_store_t *base, const mst_run_rec_t *r, int64_t *out_run_no, mst_err_t *err)
{
    mst_sqlite_t *s = (mst_sqlite_t *)base;
    sqlite3_stmt *st = NULL;
    mst_rc rc = mst_sqlite_prepare(s,
                                   "INSERT INTO run(" RUN_COLUMNS ") VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,"
                                   "?12,?13,?14,?15,?16,?17,?18,?19,?20,?21,?22,?23)",
                                   &st, err);
    if (rc != MST_OK)
        return rc;
    int code = bind_run(st, r);
    if (code == SQLITE_OK)
        code = sqlite3_step(st);
    if (code == SQLITE_DONE)
        *out_run_no = sqlite3_last_insert_rowid(s->db);
    else if ((code & 0xff) == SQLITE_CONSTRAINT)
        rc = MST_ERR(err, MST_CONFLICT, "run \"%.*s\" is in database \"%s\" already", MST_FMT(r->run_id), s->path);
    else
        rc = mst_sqlite_fail(s, code, "add a run to", err);
    sqlite3_finalize(st);
    return rc;
}

mst_rc
mst_sqlite_run_update(mst_store_t *base, const mst_run_rec_t *r, mst_err_t *err)
{
    mst_sqlite_t *s = (mst_sqlite_t *)base;
    sqlite3_stmt *st = NULL;
    mst_rc rc = mst_sqlite_still_there(s, err);
    if (rc != MST_OK)
        return rc;
    rc = mst_sqlite_prepare(
        s,
        "UPDATE run SET "
        "name=?2,description=?3,state=?4,state_reason=?5,generation=max(generation,?6),spec=?7,spec_digest=?8,"
        "dataset_path=?9,dataset_digest=?10,dataset_hash=?11,case_count=?12,refused_rows=?13,target_count=?14,"
        "repeat_count=?15,key_count=?16,git_sha=?17,git_branch=?18,muster_version=?19,started_wall_ns=?20,"
        "finished_wall_ns=?21,active_ns=?22,exit_code=?23 WHERE run_no=?24 AND run_id=?1",
        &st, err);
    if (rc != MST_OK)
        return rc;
    int code = bind_run(st, r) | sqlite3_bind_int64(st, RUN_COLUMN_COUNT + 1, r->run_no);
    if (code == SQLITE_OK)
        code = sqlite3_step(st);
    if (code != SQLITE_DONE)
        rc = mst_sqlite_fail(s, code, "update a run in", err);
    else if (sqlite3_changes(s->db) == 0)
        rc = MST_ERR(err, MST_NOTFOUND, "no run %lld \"%.*s\" in database \"%s\"", (long long)r->run_no,
                     MST_FMT(r->run_id), s->path);
    sqlite3_finalize(st);
    mst_lives_forget(&s->lives, false); // its generation may be another now
    return rc;
}

// Finds by one statement; *found counts rows, of which the first two are looked at.
static mst_rc
find(mst_sqlite_t *s, const char *sql, mst_str_t which, mst_arena_t *arena, mst_run_rec_t *out, int *found,
     mst_err_t *err)
{
    sqlite3_stmt *st = NULL;
    mst_rc rc = mst_sqlite_prepare(s, sql, &st, err);
    if (rc != MST_OK)
        return rc;
    *found = 0;
    int code = sqlite3_bind_parameter_count(st) > 0
                   ? sqlite3_bind_text64(st, 1, which.n ? which.p : "", which.n, SQLITE_STATIC, SQLITE_UTF8)
                   : SQLITE_OK;
    while (code == SQLITE_OK || code == SQLITE_ROW) {
        code = sqlite3_step(st);
        if (code != SQLITE_ROW || ++*found > 1)
            break;
        read_run(st, out);
        if (!dup_run(arena, out)) {
            rc = MST_ERR(err, MST_LIMIT, "run \"%.*s\" is too large", MST_FMT(which));
            break;
        }
    }
    if (rc == MST_OK && code != SQLITE_DONE && code != SQLITE_ROW)
        rc = mst_sqlite_fail(s, code, "read", err);
    sqlite3_finalize(st);
    return rc;
}

mst_rc
mst_sqlite_run_get(mst_store_t *base, mst_str_t which, mst_arena_t *arena, mst_run_rec_t *out, mst_err_t *err)
{
    // tried in turn; the first that finds something decides
    static const char *const ways[] = {
        "SELECT run_no," RUN_COLUMNS " FROM run WHERE run_id=?1",
        "SELECT run_no," RUN_COLUMNS " FROM run WHERE run_no=CAST(?1 AS INTEGER) AND CAST(run_no AS TEXT)=?1",
        "SELECT run_no," RUN_COLUMNS " FROM run WHERE length(?1)>0 AND (substr(run_id,1,length(?1))=?1"
        " OR substr(run_id,1,length(?1)+4)='run_'||?1) ORDER BY run_no DESC LIMIT 2",
    };
    mst_sqlite_t *s = (mst_sqlite_t *)base;
    int found = 0;
    if (mst_str_eq_c(which, "latest")) {
        mst_rc rc = find(s, "SELECT run_no," RUN_COLUMNS " FROM run ORDER BY run_no DESC LIMIT 1", which, arena, out,
                         &found, err);
        if (rc == MST_OK && found == 0)
            rc = MST_ERR(err, MST_NOTFOUND, "database \"%s\" holds no run yet", s->path);
        return rc;
    }
    for (size_t i = 0; i < sizeof ways / sizeof ways[0] && found == 0; i++) {
        mst_rc rc = find(s, ways[i], which, arena, out, &found, err);
        if (rc != MST_OK)
            return rc;
    }
    if (found == 0)
        return MST_ERR(err, MST_NOTFOUND, "no run \"%.*s\" in database \"%s\"; muster list names them", MST_FMT(which),
                       s->path);
    if (found > 1)
        return MST_ERR(err, MST_CONFLICT, "more than one run begins with \"%.*s\", give more of its id",
                       MST_FMT(which));
    return MST_OK;
}

mst_rc
mst_sqlite_run_list(mst_store_t *base, mst_store_run_fn *fn, void *ud, mst_err_t *err)
{
    mst_sqlite_t *s = (mst_sqlite_t *)base;
    sqlite3_stmt *st = NULL;
    mst_rc rc = mst_sqlite_prepare(s, "SELECT run_no," RUN_COLUMNS " FROM run ORDER BY run_no DESC", &st, err);
    if (rc != MST_OK)
        return rc;
    int code;
    while ((code = sqlite3_step(st)) == SQLITE_ROW) {
        mst_run_rec_t r;
        read_run(st, &r);
        if (!fn(ud, &r))
            break;
    }
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        rc = mst_sqlite_fail(s, code, "read", err);
    sqlite3_finalize(st);
    return rc;
}

// Takes each unmeasured row out of the rollup before it is deleted.
static bool
take_back(void *ud, const mst_result_t *r, const mst_origin_t *origin)
{
    (void)origin;
    if (!mst_outcome_measured(r->outcome))
        mst_rollup_remove_unmeasured(ud, r);
    return true;
}

static mst_rc
one_number(mst_sqlite_t *s, const char *sql, int64_t run_no, int64_t *out, mst_err_t *err)
{
    sqlite3_stmt *st = NULL;
    mst_rc rc = mst_sqlite_prepare(s, sql, &st, err);
    if (rc != MST_OK)
        return rc;
    int code = sqlite3_bind_int64(st, 1, run_no);
    if (code == SQLITE_OK)
        code = sqlite3_step(st);
    if (code == SQLITE_ROW && out)
        *out = sqlite3_column_int64(st, 0);
    else if (code == SQLITE_DONE && out)
        rc = MST_ERR(err, MST_NOTFOUND, "no run %lld in database \"%s\"", (long long)run_no, s->path);
    else if (code != SQLITE_ROW && code != SQLITE_DONE)
        rc = mst_sqlite_fail(s, code, "write", err);
    sqlite3_finalize(st);
    return rc;
}

static mst_rc
reopen(mst_sqlite_t *s, int64_t run_no, mst_rollup_t *roll, int64_t *generation, mst_err_t *err)
{
    const mst_store_scan_t unmeasured = {.with_scores = true, .unmeasured_only = true};
    mst_rc rc = one_number(s, "SELECT generation FROM run WHERE run_no=?1", run_no, generation, err);
    if (rc == MST_OK)
        rc = mst_sqlite_rollup(&s->base, run_no, roll, err);
    if (rc == MST_OK)
        rc = mst_sqlite_results(&s->base, run_no, &unmeasured, take_back, roll, err);
    if (rc == MST_OK)
        rc = one_number(s, "DELETE FROM result WHERE run_no=?1 AND outcome>=10", run_no, NULL, err);
    if (rc == MST_OK)
        rc = one_number(s, "DELETE FROM run_rollup WHERE run_no=?1", run_no, NULL, err);
    if (rc == MST_OK)
        rc = mst_sqlite_rollup_save(s, run_no, roll, err);
    if (rc == MST_OK)
        rc = one_number(s,
                        "UPDATE run SET generation=generation+1,state=1,state_reason=NULL,finished_wall_ns=NULL,"
                        "exit_code=NULL WHERE run_no=?1",
                        run_no, NULL, err);
    return rc;
}

mst_rc
mst_sqlite_run_reopen(mst_store_t *base, int64_t run_no, uint32_t *out_generation, mst_err_t *err)
{
    mst_sqlite_t *s = (mst_sqlite_t *)base;
    mst_rollup_t roll;
    mst_rollup_init(&roll);
    int64_t generation = 0;
    mst_lives_forget(&s->lives, false);
    mst_rc rc = mst_sqlite_exec(s, "BEGIN IMMEDIATE", "begin writing", err);
    if (rc != MST_OK)
        goto out;
    rc = reopen(s, run_no, &roll, &generation, err);
    if (rc == MST_OK)
        rc = mst_sqlite_exec(s, "COMMIT", "write", err);
    if (rc != MST_OK && !sqlite3_get_autocommit(s->db))
        (void)mst_sqlite_exec(s, "ROLLBACK", "roll back", NULL);
    if (rc == MST_OK)
        *out_generation = (uint32_t)(generation + 1);
out:
    mst_rollup_deinit(&roll);
    return rc;
}
