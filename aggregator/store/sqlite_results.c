// Adding results: the hot path. Per row one prepared INSERT with borrowed bytes, no allocation; origins are looked
// up in memory; rollups are touched only when the row was truly new.
#include "aggregator/store/sqlite.h"

static mst_rc
origin_row(void *ud, const mst_digest_t *digest, const mst_str_t fields[MST_ORIGIN_FIELDS], int64_t *out_no,
           mst_err_t *err)
{
    mst_sqlite_t *s = ud;
    static const char *const sql[] = {
        "INSERT INTO origin(digest,host,device,driver,engine,engine_version,model,model_revision,endpoint)"
        " VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9) ON CONFLICT DO NOTHING",
        "SELECT origin_no FROM origin WHERE digest=?1",
    };
    for (int i = 0; i < 2; i++) {
        sqlite3_stmt *st = NULL;
        mst_rc rc = mst_sqlite_prepare(s, sql[i], &st, err);
        if (rc != MST_OK)
            return rc;
        int code = sqlite3_bind_blob(st, 1, digest->b, sizeof digest->b, SQLITE_STATIC);
        for (int f = 0; f < MST_ORIGIN_FIELDS && i == 0; f++)
            code |= mst_sqlite_bind(st, f + 2, fields[f]);
        if (code == SQLITE_OK)
            code = sqlite3_step(st);
        if (code == SQLITE_ROW)
            *out_no = sqlite3_column_int64(st, 0);
        else if (code != SQLITE_DONE)
            rc = mst_sqlite_fail(s, code, "add an origin to", err);
        sqlite3_finalize(st);
        if (rc != MST_OK)
            return rc;
    }
    return MST_OK;
}

static int
bind_row(sqlite3_stmt *st, const mst_cell_t cells[MST_COL_COUNT])
{
    int code = SQLITE_OK;
    for (int i = 0; i < MST_COL_COUNT; i++) {
        const mst_cell_t *c = &cells[i];
        if (c->null)
            code |= sqlite3_bind_null(st, i + 1);
        else if (i < MST_COL_TEXT_FIRST)
            code |= sqlite3_bind_int64(st, i + 1, c->i);
        else if (i == MST_COL_scores) // UTF-8 by its making
            code |= sqlite3_bind_text64(st, i + 1, c->s.p, c->s.n, SQLITE_STATIC, SQLITE_UTF8);
        else if (i == MST_COL_events || i == MST_COL_case_digest)
            code |= sqlite3_bind_blob64(st, i + 1, c->s.p, c->s.n, SQLITE_STATIC);
        else
            code |= mst_sqlite_bind_or_empty(st, i + 1, c->s);
    }
    return code;
}

static mst_rc
insert(mst_sqlite_t *s, int64_t run_no, const mst_result_t *r, int64_t origin, bool *out_new, mst_err_t *err)
{
    mst_buf_reset(&s->scores);
    if (r->score_count > 0)
        mst_scores_write(r->scores, r->score_count, &s->scores);
    if (s->scores.failed)
        return MST_ERR(err, MST_INVAL, "the scores of case %llu are too large to store",
                       (unsigned long long)r->key.case_no);
    sqlite3_stmt *st = NULL;
    mst_rc rc = mst_sqlite_stmt(s, MST_SQL_RESULT_ADD, &st, err);
    if (rc != MST_OK)
        return rc;
    mst_cell_t cells[MST_COL_COUNT];
    mst_row_cells(run_no, r, origin, mst_buf_view(&s->scores), cells);
    int code = bind_row(st, cells);
    if (code == SQLITE_OK)
        code = sqlite3_step(st);
    if (code == SQLITE_DONE)
        *out_new = sqlite3_changes(s->db) > 0;
    else if ((code & 0xff) == SQLITE_TOOBIG)
        rc = MST_ERR(err, MST_INVAL, "case %llu is too large to store", (unsigned long long)r->key.case_no);
    else
        rc = mst_sqlite_fail(s, code, "add a result to", err);
    sqlite3_reset(st);
    return rc;
}

mst_rc
mst_sqlite_result_add(mst_store_t *base, int64_t run_no, const mst_result_t *r, const mst_origin_t *origin,
                      mst_added_t *out, mst_err_t *err)
{
    mst_sqlite_t *s = (mst_sqlite_t *)base;
    mst_live_t *live = NULL;
    mst_rc rc = mst_lives_get(&s->lives, run_no, mst_sqlite_live_load, s, &live, err);
    if (rc != MST_OK)
        return rc;
    if (r->generation < live->generation) {
        *out = MST_ADDED_FENCED;
        return MST_OK;
    }
    if (r->generation > live->generation)
        return MST_ERR(err, MST_INVAL, "case %llu has generation %u, its run is at %u",
                       (unsigned long long)r->key.case_no, r->generation, live->generation);
    int64_t no = 0;
    if (origin)
        rc = mst_origin_rows_no(&s->origins, origin, origin_row, s, &no, err);
    bool is_new = false;
    if (rc == MST_OK)
        rc = insert(s, run_no, r, no, &is_new, err);
    if (rc != MST_OK)
        return rc;
    *out = is_new ? MST_ADDED_NEW : MST_ADDED_DUPLICATE;
    if (is_new) {
        mst_rollup_add(&live->roll, r);
        live->dirty = true;
    }
    return MST_OK;
}
