// Table run_rollup in PostgreSQL, and the live copies of runs under their row's lock.
#include "aggregator/store/pg.h"

#include <stdio.h>

typedef struct {
    mst_pg_t *s;
    int64_t run_no;
} put_t;

static mst_rc
put_row(void *ud, const mst_rollup_row_t *row, mst_err_t *err)
{
    put_t *put = ud;
    mst_pg_args_t a;
    int64_t escaped = 0;
    const mst_moments_t *m = &row->moments;
    mst_pg_args(&a, put->s);
    mst_pg_arg_int(&a, put->run_no);
    mst_pg_arg_text(&a, mst_str_c(row->metric), 0, &escaped);
    mst_pg_arg_int(&a, row->n);
    mst_pg_arg_int(&a, row->n_pass);
    mst_pg_arg_int(&a, row->n_missing);
    mst_pg_arg_int(&a, row->n_error);
    const double reals[] = {m->sum, m->sum_c, m->sumsq, m->sumsq_c, m->min, m->max};
    for (int i = 0; i < 6; i++) { // only scorers have moments
        if (m->n > 0)
            mst_pg_arg_real(&a, reals[i]);
        else
            mst_pg_arg_null(&a);
    }
    mst_pg_arg_int(&a, row->first_ns);
    mst_pg_arg_int(&a, row->last_ns);
    mst_pg_arg_bytes(&a, row->sketch);
    return mst_pg_query(put->s,
                        "INSERT INTO run_rollup(run_no,metric,n,n_pass,n_missing,n_error,sum,sum_c,sumsq,sumsq_c,min,"
                        "max,first_ns,last_ns,sketch) VALUES($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,nullif($13,0),"
                        "nullif($14,0),$15) ON CONFLICT (run_no,metric) DO UPDATE SET n=excluded.n,"
                        "n_pass=excluded.n_pass,n_missing=excluded.n_missing,n_error=excluded.n_error,"
                        "sum=excluded.sum,sum_c=excluded.sum_c,sumsq=excluded.sumsq,sumsq_c=excluded.sumsq_c,"
                        "min=excluded.min,max=excluded.max,first_ns=excluded.first_ns,last_ns=excluded.last_ns,"
                        "sketch=excluded.sketch",
                        &a, "write", NULL, err);
}

mst_rc
mst_pg_rollup_save(mst_pg_t *s, int64_t run_no, const mst_rollup_t *r, mst_err_t *err)
{
    put_t put = {.s = s, .run_no = run_no};
    return mst_rollup_rows(r, &s->scores, put_row, &put, err);
}

static void
read_row(const PGresult *q, int row, mst_rollup_row_t *out)
{
    mst_str_t metric = mst_pg_bytes(q, row, 0);
    *out = (mst_rollup_row_t){
        .n = mst_pg_int(q, row, 1),
        .n_pass = mst_pg_int(q, row, 2),
        .n_missing = mst_pg_int(q, row, 3),
        .n_error = mst_pg_int(q, row, 4),
        .first_ns = mst_pg_int(q, row, 11),
        .last_ns = mst_pg_int(q, row, 12),
        .sketch = mst_pg_bytes(q, row, 13),
        .moments = {.n = (uint64_t)mst_pg_int(q, row, 1),
                    .n_pass = (uint64_t)mst_pg_int(q, row, 2),
                    .sum = mst_pg_real(q, row, 5),
                    .sum_c = mst_pg_real(q, row, 6),
                    .sumsq = mst_pg_real(q, row, 7),
                    .sumsq_c = mst_pg_real(q, row, 8),
                    .min = mst_pg_real(q, row, 9),
                    .max = mst_pg_real(q, row, 10)},
    };
    snprintf(out->metric, sizeof out->metric, "%.*s", MST_FMT(metric));
}

mst_rc
mst_pg_rollup(mst_store_t *base, int64_t run_no, mst_rollup_t *out, mst_err_t *err)
{
    mst_pg_t *s = (mst_pg_t *)base;
    mst_pg_args_t a;
    PGresult *q = NULL;
    mst_pg_args(&a, s);
    mst_pg_arg_int(&a, run_no);
    mst_rc rc = mst_pg_query(s,
                             "SELECT metric,n,n_pass,n_missing,n_error,sum,sum_c,sumsq,sumsq_c,min,max,first_ns,"
                             "last_ns,sketch FROM run_rollup WHERE run_no=$1",
                             &a, "read", &q, err);
    for (int i = 0; rc == MST_OK && i < PQntuples(q); i++) {
        mst_rollup_row_t row;
        read_row(q, i, &row);
        rc = mst_rollup_take(out, &row, err);
    }
    PQclear(q);
    return rc;
}

const mst_rollup_t *
mst_pg_live(mst_store_t *base, int64_t run_no)
{
    return mst_lives_roll(&((mst_pg_t *)base)->lives, run_no);
}

// Locks the run's row until the end of the transaction: two writers of one run take turns.
static mst_rc
hold(mst_pg_t *s, int64_t run_no, mst_live_t *out, mst_err_t *err)
{
    mst_pg_args_t a;
    PGresult *q = NULL;
    mst_pg_args(&a, s);
    mst_pg_arg_int(&a, run_no);
    mst_rc rc = mst_pg_query(s, "SELECT generation,rollup_version,part_key FROM run WHERE run_no=$1 FOR UPDATE", &a,
                             "read", &q, err);
    if (rc != MST_OK)
        return rc;
    if (PQntuples(q) == 0) {
        rc = MST_ERR(err, MST_NOTFOUND, "no run %lld in database \"%s\"", (long long)run_no, s->shown);
    } else {
        out->run_no = run_no;
        out->generation = (uint32_t)mst_pg_int(q, 0, 0);
        out->version = mst_pg_int(q, 0, 1);
        out->part_key = mst_pg_int(q, 0, 2);
    }
    PQclear(q);
    return rc;
}

static mst_rc
load(void *ud, int64_t run_no, mst_live_t *live, mst_err_t *err)
{
    mst_pg_t *s = ud;
    mst_rc rc = hold(s, run_no, live, err);
    live->held = rc == MST_OK;
    return rc == MST_OK ? mst_pg_rollup(&s->base, run_no, &live->roll, err) : rc;
}

mst_rc
mst_pg_live_hold(mst_pg_t *s, int64_t run_no, mst_live_t **out, mst_err_t *err)
{
    mst_rc rc = mst_lives_get(&s->lives, run_no, load, s, out, err);
    if (rc != MST_OK || (*out)->held)
        return rc;
    mst_live_t now = {0};
    rc = hold(s, run_no, &now, err);
    if (rc != MST_OK)
        return rc;
    (*out)->held = true;
    if (now.version == (*out)->version && now.generation == (*out)->generation)
        return MST_OK;
    mst_lives_forget_run(&s->lives, run_no); // another process has written it
    return mst_lives_get(&s->lives, run_no, load, s, out, err);
}

mst_rc
mst_pg_live_save(void *ud, mst_live_t *live, mst_err_t *err)
{
    mst_pg_t *s = ud;
    mst_pg_args_t a;
    mst_rc rc = mst_pg_rollup_save(s, live->run_no, &live->roll, err);
    if (rc != MST_OK)
        return rc;
    mst_pg_args(&a, s);
    mst_pg_arg_int(&a, live->run_no);
    rc = mst_pg_query(s, "UPDATE run SET rollup_version=rollup_version+1 WHERE run_no=$1", &a, "write", NULL, err);
    if (rc == MST_OK)
        live->version++;
    return rc;
}
