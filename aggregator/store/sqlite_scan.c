// Reading rows back, one at a time, in key order.
#include "aggregator/store/sqlite.h"

#include "common/json/json.h"

#include <stdio.h>

#define SCAN_ARENA_MAX (4 * MST_RESULT_BYTES_MAX) // scores of one row, as a tree and as records

// Input, expected and case_extra are stored with the first target and repeat of a case; the others look there.
static void
column_sql(mst_buf_t *sql, mst_column_t c, const mst_store_scan_t *what)
{
    const char *name = mst_result_columns[c];
    if (!mst_column_wanted(c, what->with_text, what->with_events, what->with_scores))
        mst_buf_add_c(sql, "NULL");
    else if (c == MST_COL_input || c == MST_COL_expected || c == MST_COL_case_extra)
        mst_buf_addf(sql,
                     "CASE WHEN r.repeat_no=0 THEN r.%s ELSE (SELECT f.%s FROM result f WHERE "
                     "f.run_no=r.run_no AND f.target_no=r.target_no AND f.case_no=r.case_no AND f.repeat_no=0) END",
                     name, name);
    else
        mst_buf_addf(sql, "r.%s", name);
}

static void
results_sql(mst_buf_t *sql, const mst_store_scan_t *what)
{
    mst_buf_add_c(sql, "SELECT ");
    for (int i = 0; i < MST_COL_COUNT; i++) {
        column_sql(sql, (mst_column_t)i, what);
        mst_buf_add_byte(sql, ',');
    }
    mst_buf_add_c(sql, "o.host,o.device,o.driver,o.engine,o.engine_version,o.model,o.model_revision,o.endpoint "
                       "FROM result r LEFT JOIN origin o ON o.origin_no=r.origin_no WHERE r.run_no=?1");
    if (what->case_id.n > 0)
        mst_buf_add_c(sql, " AND r.case_id=?2");
    if (what->measured_only)
        mst_buf_add_c(sql, " AND r.outcome<10");
    if (what->unmeasured_only)
        mst_buf_add_c(sql, " AND r.outcome>=10");
    if (what->one_generation)
        mst_buf_addf(sql, " AND r.generation=%u", what->generation);
    mst_buf_add_c(sql, " ORDER BY r.target_no,r.case_no,r.repeat_no");
    mst_buf_add_byte(sql, 0);
}

static void
read_cells(sqlite3_stmt *st, mst_cell_t cells[MST_COL_COUNT])
{
    for (int i = 0; i < MST_COL_COUNT; i++) {
        bool null = sqlite3_column_type(st, i) == SQLITE_NULL;
        cells[i] = (mst_cell_t){.null = null};
        if (null)
            continue;
        if (i < MST_COL_TEXT_FIRST)
            cells[i].i = sqlite3_column_int64(st, i);
        else
            cells[i].s = mst_sqlite_str(st, i);
    }
}

static void
read_origin(sqlite3_stmt *st, mst_origin_t *o)
{
    int at = MST_COL_COUNT;
    *o = (mst_origin_t){
        .host = mst_sqlite_str(st, at),
        .device = mst_sqlite_str(st, at + 1),
        .driver = mst_sqlite_str(st, at + 2),
        .engine = mst_sqlite_str(st, at + 3),
        .engine_version = mst_sqlite_str(st, at + 4),
        .model = mst_sqlite_str(st, at + 5),
        .model_revision = mst_sqlite_str(st, at + 6),
        .endpoint = mst_sqlite_str(st, at + 7),
    };
}

typedef struct {
    mst_store_result_fn *fn;
    void *ud;
    bool broken_scores; // pass
    mst_json_parser_t *parser;
    mst_arena_t *arena;
} scan_t;

static mst_rc
hand_row(sqlite3_stmt *st, scan_t *scan, bool *go_on, mst_err_t *err)
{
    mst_result_t r;
    mst_origin_t origin;
    mst_cell_t cells[MST_COL_COUNT];
    read_cells(st, cells);
    mst_row_result(cells, &r);
    read_origin(st, &origin);
    mst_arena_reset(scan->arena);
    mst_rc rc = mst_scores_read(scan->parser, cells[MST_COL_scores].s, scan->arena, &r.scores, &r.score_count, err);
    if (rc == MST_PROTO && scan->broken_scores) {
        r.scores = NULL;
        r.score_count = MST_SCORES_BROKEN;
        rc = MST_OK;
    }
    if (rc != MST_OK) {
        mst_err_prefix(err, "result of case %llu", (unsigned long long)r.key.case_no);
        return rc;
    }
    *go_on = scan->fn(scan->ud, &r, &origin);
    return MST_OK;
}

mst_rc
mst_sqlite_results(mst_store_t *base, int64_t run_no, const mst_store_scan_t *what, mst_store_result_fn *fn, void *ud,
                   mst_err_t *err)
{
    mst_sqlite_t *s = (mst_sqlite_t *)base;
    sqlite3_stmt *st = NULL;
    mst_buf_t sql;
    mst_buf_init(&sql, 64 * MST_KIB);
    results_sql(&sql, what);
    mst_rc rc = mst_sqlite_prepare(s, sql.p, &st, err);
    mst_buf_deinit(&sql);
    if (rc != MST_OK)
        return rc;
    scan_t scan = {.fn = fn,
                   .ud = ud,
                   .broken_scores = what->broken_scores,
                   .parser = mst_json_parser_new(),
                   .arena = mst_arena_new(SCAN_ARENA_MAX)};
    int code = sqlite3_bind_int64(st, 1, run_no);
    if (what->case_id.n > 0)
        code |= mst_sqlite_bind(st, 2, what->case_id);
    bool go_on = true;
    while (code == SQLITE_OK && rc == MST_OK && go_on) {
        code = sqlite3_step(st);
        if (code != SQLITE_ROW)
            break;
        rc = hand_row(st, &scan, &go_on, err);
        code = SQLITE_OK;
    }
    if (rc == MST_OK && code != SQLITE_DONE && code != SQLITE_OK)
        rc = mst_sqlite_fail(s, code, "read", err);
    sqlite3_finalize(st);
    mst_json_parser_free(&scan.parser);
    mst_arena_free(&scan.arena);
    return rc;
}

mst_rc
mst_sqlite_keys(mst_store_t *base, int64_t run_no, mst_store_key_fn *fn, void *ud, mst_err_t *err)
{
    mst_sqlite_t *s = (mst_sqlite_t *)base;
    sqlite3_stmt *st = NULL;
    mst_rc rc = mst_sqlite_prepare(s,
                                   "SELECT target_no,case_no,repeat_no FROM result WHERE run_no=?1 "
                                   "ORDER BY target_no,case_no,repeat_no",
                                   &st, err);
    if (rc != MST_OK)
        return rc;
    int code = sqlite3_bind_int64(st, 1, run_no);
    bool go_on = true;
    while (code == SQLITE_OK && go_on) {
        code = sqlite3_step(st);
        if (code != SQLITE_ROW)
            break;
        mst_key_t key = {.target_no = (uint32_t)sqlite3_column_int64(st, 0),
                         .case_no = (uint64_t)sqlite3_column_int64(st, 1),
                         .repeat_no = (uint32_t)sqlite3_column_int64(st, 2)};
        go_on = fn(ud, &key);
        code = SQLITE_OK;
    }
    if (code != SQLITE_DONE && code != SQLITE_OK)
        rc = mst_sqlite_fail(s, code, "read", err);
    sqlite3_finalize(st);
    return rc;
}

mst_rc
mst_sqlite_values(mst_store_t *base, int64_t run_no, int64_t target_no, mst_store_value_fn *fn, void *ud,
                  mst_err_t *err)
{
    mst_sqlite_t *s = (mst_sqlite_t *)base;
    sqlite3_stmt *st = NULL;
    mst_rc rc = mst_sqlite_prepare(s,
                                   "SELECT ttft_ns,last_token_ns,tpot_ns FROM result WHERE run_no=?1 AND outcome<10 "
                                   "AND coalesce(flags,0)&48=0 AND target_no BETWEEN ?2 AND ?3",
                                   &st, err);
    if (rc != MST_OK)
        return rc;
    int code = sqlite3_bind_int64(st, 1, run_no);
    code |= sqlite3_bind_int64(st, 2, target_no >= 0 ? target_no : 0);
    code |= sqlite3_bind_int64(st, 3, target_no >= 0 ? target_no : INT64_MAX);
    while (code == SQLITE_OK) {
        code = sqlite3_step(st);
        if (code != SQLITE_ROW)
            break;
        int64_t values[MST_METRIC_COUNT];
        for (int i = 0; i < MST_METRIC_COUNT; i++)
            values[i] = mst_sqlite_known(st, i);
        fn(ud, values);
        code = SQLITE_OK;
    }
    if (code != SQLITE_DONE)
        rc = mst_sqlite_fail(s, code, "read", err);
    sqlite3_finalize(st);
    return rc;
}
