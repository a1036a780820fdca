// Table run_rollup.
#include "aggregator/store/sqlite.h"

#include <math.h>
#include <stdio.h>

static int
bind_real(sqlite3_stmt *st, int at, double v)
{
    return isfinite(v) ? sqlite3_bind_double(st, at, v) : sqlite3_bind_null(st, at);
}

typedef struct {
    mst_sqlite_t *s;
    int64_t run_no;
} put_t;

static mst_rc
put_row(void *ud, const mst_rollup_row_t *row, mst_err_t *err)
{
    put_t *put = ud;
    sqlite3_stmt *st = NULL;
    mst_rc rc = mst_sqlite_stmt(put->s, MST_SQL_ROLLUP_PUT, &st, err);
    if (rc != MST_OK)
        return rc;
    const mst_moments_t *m = &row->moments;
    int code = sqlite3_bind_int64(st, 1, put->run_no);
    code |= sqlite3_bind_text(st, 2, row->metric, -1, SQLITE_STATIC);
    code |= sqlite3_bind_int64(st, 3, row->n);
    code |= sqlite3_bind_int64(st, 4, row->n_pass);
    code |= sqlite3_bind_int64(st, 5, row->n_missing);
    code |= sqlite3_bind_int64(st, 6, row->n_error);
    const double reals[] = {m->sum, m->sum_c, m->sumsq, m->sumsq_c, m->min, m->max};
    for (int i = 0; i < 6; i++) // only scorers have moments
        code |= m->n > 0 ? bind_real(st, 7 + i, reals[i]) : sqlite3_bind_null(st, 7 + i);
    code |= row->first_ns ? sqlite3_bind_int64(st, 13, row->first_ns) : sqlite3_bind_null(st, 13);
    code |= row->last_ns ? sqlite3_bind_int64(st, 14, row->last_ns) : sqlite3_bind_null(st, 14);
    code |= row->sketch.n ? sqlite3_bind_blob64(st, 15, row->sketch.p, row->sketch.n, SQLITE_STATIC)
                          : sqlite3_bind_null(st, 15);
    if (code == SQLITE_OK)
        code = sqlite3_step(st);
    if (code != SQLITE_DONE)
        rc = mst_sqlite_fail(put->s, code, "write", err);
    sqlite3_reset(st);
    return rc;
}

mst_rc
mst_sqlite_rollup_save(mst_sqlite_t *s, int64_t run_no, const mst_rollup_t *r, mst_err_t *err)
{
    put_t put = {.s = s, .run_no = run_no};
    return mst_rollup_rows(r, &s->scratch, put_row, &put, err);
}

static void
read_row(sqlite3_stmt *st, mst_rollup_row_t *row)
{
    mst_str_t metric = mst_sqlite_str(st, 0);
    *row = (mst_rollup_row_t){
        .n = sqlite3_column_int64(st, 1),
        .n_pass = sqlite3_column_int64(st, 2),
        .n_missing = sqlite3_column_int64(st, 3),
        .n_error = sqlite3_column_int64(st, 4),
        .first_ns = sqlite3_column_int64(st, 11),
        .last_ns = sqlite3_column_int64(st, 12),
        .sketch = mst_sqlite_str(st, 13),
        .moments = {.n = (uint64_t)sqlite3_column_int64(st, 1),
                    .n_pass = (uint64_t)sqlite3_column_int64(st, 2),
                    .sum = sqlite3_column_double(st, 5),
                    .sum_c = sqlite3_column_double(st, 6),
                    .sumsq = sqlite3_column_double(st, 7),
                    .sumsq_c = sqlite3_column_double(st, 8),
                    .min = sqlite3_column_double(st, 9),
                    .max = sqlite3_column_double(st, 10)},
    };
    snprintf(row->metric, sizeof row->metric, "%.*s", MST_FMT(metric));
}

mst_rc
mst_sqlite_rollup(mst_store_t *base, int64_t run_no, mst_rollup_t *out, mst_err_t *err)
{
    mst_sqlite_t *s = (mst_sqlite_t *)base;
    sqlite3_stmt *st = NULL;
    mst_rc rc = mst_sqlite_prepare(s,
                                   "SELECT metric,n,n_pass,n_missing,n_error,sum,sum_c,sumsq,sumsq_c,min,max,"
                                   "first_ns,last_ns,sketch FROM run_rollup WHERE run_no=?1",
                                   &st, err);
    if (rc != MST_OK)
        return rc;
    int code = sqlite3_bind_int64(st, 1, run_no);
    while (code == SQLITE_OK && (code = sqlite3_step(st)) == SQLITE_ROW && rc == MST_OK) {
        mst_rollup_row_t row;
        read_row(st, &row);
        rc = mst_rollup_take(out, &row, err);
        code = SQLITE_OK;
    }
    if (rc == MST_OK && code != SQLITE_DONE)
        rc = mst_sqlite_fail(s, code, "read", err);
    sqlite3_finalize(st);
    return rc;
}

mst_rc
mst_sqlite_live_load(void *ud, int64_t run_no, mst_live_t *live, mst_err_t *err)
{
    mst_sqlite_t *s = ud;
    sqlite3_stmt *st = NULL;
    mst_rc rc = mst_sqlite_prepare(s, "SELECT generation FROM run WHERE run_no=?1", &st, err);
    if (rc != MST_OK)
        return rc;
    int code = sqlite3_bind_int64(st, 1, run_no);
    if (code == SQLITE_OK)
        code = sqlite3_step(st);
    if (code == SQLITE_ROW)
        live->generation = (uint32_t)sqlite3_column_int64(st, 0);
    else if (code == SQLITE_DONE)
        rc = MST_ERR(err, MST_NOTFOUND, "no run %lld in database \"%s\"", (long long)run_no, s->path);
    else
        rc = mst_sqlite_fail(s, code, "read", err);
    sqlite3_finalize(st);
    live->run_no = run_no;
    return rc == MST_OK ? mst_sqlite_rollup(&s->base, run_no, &live->roll, err) : rc;
}

mst_rc
mst_sqlite_live_save(void *ud, mst_live_t *live, mst_err_t *err)
{
    return mst_sqlite_rollup_save(ud, live->run_no, &live->roll, err);
}

const mst_rollup_t *
mst_sqlite_live(mst_store_t *base, int64_t run_no)
{
    return mst_lives_roll(&((mst_sqlite_t *)base)->lives, run_no);
}
