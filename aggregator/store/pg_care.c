// Deleting a run, and finding rows that belong to none.
#include "aggregator/store/pg.h"

#include <stdio.h>

static mst_rc
about(mst_pg_t *s, const char *sql, int64_t run_no, PGresult **out, mst_err_t *err)
{
    mst_pg_args_t a;
    mst_pg_args(&a, s);
    mst_pg_arg_int(&a, run_no);
    return mst_pg_query(s, sql, &a, "delete a run from", out, err);
}

// The results of a run with a partition of its own go with it.
static mst_rc
delete_results(mst_pg_t *s, int64_t run_no, mst_err_t *err)
{
    PGresult *q = NULL;
    char sql[120];
    mst_rc rc = about(s, "SELECT part_key FROM run WHERE run_no=$1 FOR UPDATE", run_no, &q, err);
    if (rc != MST_OK)
        return rc;
    bool found = PQntuples(q) > 0;
    int64_t part_key = found ? mst_pg_int(q, 0, 0) : 0;
    PQclear(q);
    if (!found)
        return MST_ERR(err, MST_NOTFOUND, "no run %lld in database \"%s\"", (long long)run_no, s->shown);
    if (part_key == 0)
        return about(s, "DELETE FROM result WHERE part_key=0 AND run_no=$1", run_no, NULL, err);
    snprintf(sql, sizeof sql, "DROP TABLE IF EXISTS result_%lld", (long long)part_key);
    return mst_pg_exec(s, sql, "delete a run from", err);
}

mst_rc
mst_pg_run_delete(mst_store_t *base, int64_t run_no, mst_err_t *err)
{
    mst_pg_t *s = (mst_pg_t *)base;
    mst_lives_forget(&s->lives, false);
    mst_rc rc = mst_pg_lost(s) ? mst_pg_connect(s, err) : MST_OK;
    if (rc == MST_OK)
        rc = mst_pg_exec(s, "BEGIN", "begin writing", err);
    if (rc != MST_OK)
        return rc;
    rc = delete_results(s, run_no, err);
    if (rc == MST_OK)
        rc = about(s, "DELETE FROM run_rollup WHERE run_no=$1", run_no, NULL, err);
    if (rc == MST_OK)
        rc = about(s, "DELETE FROM run WHERE run_no=$1", run_no, NULL, err);
    if (rc == MST_OK)
        return mst_pg_exec(s, "COMMIT", "write", err);
    if (!mst_pg_lost(s))
        (void)mst_pg_exec(s, "ROLLBACK", "roll back", NULL);
    return rc;
}

typedef struct {
    mst_store_stray_fn *fn;
    void *ud;
} strays_t;

static mst_rc
next_stray(void *ud, const PGresult *row, bool *go_on, mst_err_t *err)
{
    (void)err;
    const strays_t *t = ud;
    *go_on = t->fn(t->ud, mst_pg_int(row, 0, 0) == 0 ? "result" : "run_rollup", mst_pg_int(row, 0, 1),
                   (uint64_t)mst_pg_int(row, 0, 2));
    return MST_OK;
}

mst_rc
mst_pg_strays(mst_store_t *base, mst_store_stray_fn *fn, void *ud, mst_err_t *err)
{
    mst_pg_t *s = (mst_pg_t *)base;
    strays_t t = {.fn = fn, .ud = ud};
    mst_rc rc = mst_pg_lost(s) && !s->reading ? mst_pg_connect(s, err) : MST_OK;
    if (rc != MST_OK)
        return rc;
    return mst_pg_each(s,
                       "SELECT 0::bigint,run_no,count(*) FROM result WHERE run_no NOT IN (SELECT run_no FROM run) "
                       "GROUP BY run_no UNION ALL SELECT 1::bigint,run_no,count(*) FROM run_rollup WHERE run_no NOT IN "
                       "(SELECT run_no FROM run) GROUP BY run_no",
                       NULL, next_stray, &t, err);
}
