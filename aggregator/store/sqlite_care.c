// Deleting a run, and finding rows that belong to none.
#include "aggregator/store/sqlite.h"

static mst_rc
delete_from(mst_sqlite_t *s, const char *sql, int64_t run_no, int *out_rows, mst_err_t *err)
{
    sqlite3_stmt *st = NULL;
    mst_rc rc = mst_sqlite_prepare(s, sql, &st, err);
    if (rc != MST_OK)
        return rc;
    int code = sqlite3_bind_int64(st, 1, run_no);
    if (code == SQLITE_OK)
        code = sqlite3_step(st);
    if (code != SQLITE_DONE)
        rc = mst_sqlite_fail(s, code, "delete a run from", err);
    *out_rows = sqlite3_changes(s->db);
    sqlite3_finalize(st);
    return rc;
}

mst_rc
mst_sqlite_run_delete(mst_store_t *base, int64_t run_no, mst_err_t *err)
{
    static const char *const sql[] = {"DELETE FROM result WHERE run_no=?1", "DELETE FROM run_rollup WHERE run_no=?1",
                                      "DELETE FROM run WHERE run_no=?1"};
    mst_sqlite_t *s = (mst_sqlite_t *)base;
    int rows = 0;
    mst_lives_forget(&s->lives, false);
    mst_rc rc = mst_sqlite_exec(s, "BEGIN IMMEDIATE", "begin writing", err);
    for (int i = 0; i < 3 && rc == MST_OK; i++)
        rc = delete_from(s, sql[i], run_no, &rows, err);
    if (rc == MST_OK && rows == 0)
        rc = MST_ERR(err, MST_NOTFOUND, "no run %lld in database \"%s\"", (long long)run_no, s->path);
    if (rc == MST_OK)
        rc = mst_sqlite_exec(s, "COMMIT", "write", err);
    if (rc != MST_OK && !sqlite3_get_autocommit(s->db))
        (void)mst_sqlite_exec(s, "ROLLBACK", "roll back", NULL);
    return rc;
}

mst_rc
mst_sqlite_strays(mst_store_t *base, mst_store_stray_fn *fn, void *ud, mst_err_t *err)
{
    mst_sqlite_t *s = (mst_sqlite_t *)base;
    sqlite3_stmt *st = NULL;
    mst_rc rc = mst_sqlite_prepare(
        s,
        "SELECT 0,run_no,count(*) FROM result WHERE run_no NOT IN (SELECT run_no FROM run) GROUP BY run_no "
        "UNION ALL SELECT 1,run_no,count(*) FROM run_rollup WHERE run_no NOT IN (SELECT run_no FROM run) "
        "GROUP BY run_no",
        &st, err);
    if (rc != MST_OK)
        return rc;
    int code = SQLITE_DONE;
    bool go_on = true;
    while (go_on && (code = sqlite3_step(st)) == SQLITE_ROW)
        go_on = fn(ud, sqlite3_column_int(st, 0) == 0 ? "result" : "run_rollup", sqlite3_column_int64(st, 1),
                   (uint64_t)sqlite3_column_int64(st, 2));
    if (go_on && code != SQLITE_DONE)
        rc = mst_sqlite_fail(s, code, "read", err);
    sqlite3_finalize(st);
    return rc;
}
