// Adding results to PostgreSQL, second half: waiting rows by binary COPY into a staging table of the session, from
// there into the partitioned table; what comes back says which were new. A row that the server will not take is found
// by halving and told as refused; the others go on.
#include "aggregator/store/pg.h"

#include <stdlib.h>

#define COPY_PIECE MST_MIB

static const char copy_head[] = "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0"; // signature, flags, length of extension

typedef struct {
    int64_t run_no, target_no, case_no, repeat_no;
    bool taken;
} new_key_t;

typedef struct {
    mst_pg_t *s;
    mst_store_settled_fn *fn;
    void *ud;
} settle_t;

static mst_rc
staging(mst_pg_t *s, mst_err_t *err)
{
    if (s->staging)
        return mst_pg_exec(s, "TRUNCATE pg_temp.staging", "write", err);
    mst_rc rc = mst_pg_exec(s, "CREATE TEMP TABLE staging (LIKE result) ON COMMIT PRESERVE ROWS", "write", err);
    s->staging = rc == MST_OK;
    return rc;
}

static mst_rc
copy_rows(mst_pg_t *s, size_t from, size_t to, mst_err_t *err)
{
    static const char end[2] = {'\377', '\377'};
    mst_buf_reset(&s->scratch);
    mst_buf_add_c(&s->scratch, "COPY pg_temp.staging(");
    mst_pg_columns(&s->scratch, false); // by name: the table may have them in the order of its migrations
    mst_buf_add(&s->scratch, ") FROM STDIN (FORMAT binary)", sizeof ") FROM STDIN (FORMAT binary)");
    if (s->scratch.failed)
        return MST_ERR(err, MST_LIMIT, "too many columns");
    PGresult *r = PQexec(s->conn, s->scratch.p);
    bool ready = PQresultStatus(r) == PGRES_COPY_IN;
    mst_rc rc = ready ? MST_OK : mst_pg_fail(s, r, "write", err);
    PQclear(r);
    if (!ready)
        return rc;
    size_t at = s->pending[from].at, stop = s->pending[to - 1].end;
    bool ok = PQputCopyData(s->conn, copy_head, sizeof copy_head - 1) == 1;
    for (; at < stop && ok; at += COPY_PIECE) {
        size_t n = stop - at < COPY_PIECE ? stop - at : COPY_PIECE;
        ok = PQputCopyData(s->conn, s->copy.p + at, (int)n) == 1;
    }
    ok = ok && PQputCopyData(s->conn, end, sizeof end) == 1;
    ok = PQputCopyEnd(s->conn, ok ? NULL : "the client gave up") == 1 && ok;
    while ((r = PQgetResult(s->conn)) != NULL) {
        if (PQresultStatus(r) != PGRES_COMMAND_OK && rc == MST_OK)
            rc = mst_pg_fail(s, r, "write", err);
        PQclear(r);
    }
    return rc == MST_OK && !ok ? mst_pg_fail(s, NULL, "write", err) : rc;
}

static int
compare(const void *a, const void *b)
{
    const new_key_t *x = a, *y = b;
    const int64_t xs[] = {x->run_no, x->target_no, x->case_no, x->repeat_no};
    const int64_t ys[] = {y->run_no, y->target_no, y->case_no, y->repeat_no};
    for (int i = 0; i < 4; i++)
        if (xs[i] != ys[i])
            return xs[i] < ys[i] ? -1 : 1;
    return 0;
}

// Of several waiting rows with one key the first is the new one.
static bool
take_new(new_key_t *keys, size_t count, const mst_pg_pending_t *p)
{
    new_key_t k = {.run_no = p->run_no,
                   .target_no = p->r.key.target_no,
                   .case_no = (int64_t)p->r.key.case_no,
                   .repeat_no = p->r.key.repeat_no};
    new_key_t *found = count > 0 ? bsearch(&k, keys, count, sizeof k, compare) : NULL;
    if (!found || found->taken)
        return false;
    found->taken = true;
    return true;
}

static mst_rc
tell(settle_t *t, size_t from, size_t to, new_key_t *keys, size_t count, mst_err_t *err)
{
    qsort(keys, count, sizeof *keys, compare);
    for (size_t i = from; i < to; i++) {
        const mst_pg_pending_t *p = &t->s->pending[i];
        bool is_new = take_new(keys, count, p);
        if (is_new) {
            mst_live_t *live = NULL;
            mst_rc rc = mst_pg_live_hold(t->s, p->run_no, &live, err);
            if (rc != MST_OK)
                return rc;
            mst_rollup_add(&live->roll, &p->r);
            live->dirty = true;
        }
        if (t->fn)
            t->fn(t->ud, is_new ? MST_ADDED_NEW : MST_ADDED_DUPLICATE, NULL);
    }
    return MST_OK;
}

// Rows [from, to) into the table; keys of the new ones. All or nothing, inside a savepoint.
static mst_rc
insert(mst_pg_t *s, size_t from, size_t to, PGresult **out, mst_err_t *err)
{
    mst_rc rc = mst_pg_exec(s, "SAVEPOINT settle", "write", err);
    if (rc != MST_OK)
        return rc;
    rc = staging(s, err);
    if (rc == MST_OK)
        rc = copy_rows(s, from, to, err);
    if (rc == MST_OK)
        rc = mst_pg_query(s,
                          "INSERT INTO result SELECT * FROM pg_temp.staging ON CONFLICT DO NOTHING "
                          "RETURNING run_no,target_no,case_no,repeat_no",
                          NULL, "write", out, err);
    if (rc == MST_OK)
        rc = mst_pg_exec(s, "RELEASE settle", "write", err);
    if (rc == MST_OK)
        return rc;
    PQclear(*out);
    *out = NULL;
    if (!mst_pg_lost(s)) {
        bool made = s->staging;
        mst_rc back = mst_pg_exec(s, "ROLLBACK TO settle; RELEASE settle", "write", NULL);
        s->staging = back == MST_OK && made;
        PGresult *r = NULL; // the table itself goes when it was made inside the savepoint
        if (back == MST_OK &&
            mst_pg_query(s, "SELECT to_regclass('pg_temp.staging') IS NOT NULL", NULL, "write", &r, NULL) == MST_OK) {
            s->staging = mst_pg_int(r, 0, 0) != 0;
            PQclear(r);
        }
    }
    return rc;
}

static mst_rc
settle_some(settle_t *t, size_t from, size_t to, mst_err_t *err)
{
    PGresult *q = NULL;
    mst_rc rc = insert(t->s, from, to, &q, err);
    if (rc != MST_OK)
        return rc;
    size_t count = (size_t)PQntuples(q);
    new_key_t *keys = MST_NEW_ARRAY(new_key_t, count + 1);
    for (size_t i = 0; i < count; i++)
        keys[i] = (new_key_t){.run_no = mst_pg_int(q, (int)i, 0),
                              .target_no = mst_pg_int(q, (int)i, 1),
                              .case_no = mst_pg_int(q, (int)i, 2),
                              .repeat_no = mst_pg_int(q, (int)i, 3)};
    PQclear(q);
    rc = tell(t, from, to, keys, count, err);
    free(keys);
    return rc;
}

// A refusal that concerns the row's content: halves until one row is left, which is the bad one.
static mst_rc
settle_halves(settle_t *t, size_t from, size_t to, mst_err_t *err)
{
    struct {
        size_t from, to;
    } work[64];

    size_t depth = 0;
    work[depth].from = from;
    work[depth++].to = to;
    while (depth > 0) {
        from = work[--depth].from;
        to = work[depth].to;
        mst_err_t why = {0};
        mst_rc rc = settle_some(t, from, to, &why);
        if (rc == MST_OK)
            continue;
        if (rc != MST_INVAL && rc != MST_CONFLICT) {
            if (err)
                *err = why;
            return rc;
        }
        if (to - from == 1) {
            if (t->fn)
                t->fn(t->ud, MST_ADDED_REFUSED, &why);
            continue;
        }
        size_t middle = from + (to - from) / 2;
        work[depth].from = middle; // the later half waits: verdicts come in the order of the rows
        work[depth++].to = to;
        work[depth].from = from;
        work[depth++].to = middle;
    }
    return MST_OK;
}

mst_rc
mst_pg_settle(mst_store_t *base, mst_store_settled_fn *fn, void *ud, mst_err_t *err)
{
    mst_pg_t *s = (mst_pg_t *)base;
    settle_t t = {.s = s, .fn = fn, .ud = ud};
    mst_rc rc = s->pending_count > 0 ? settle_halves(&t, 0, s->pending_count, err) : MST_OK;
    mst_pg_forget_waiting(s);
    return rc;
}
