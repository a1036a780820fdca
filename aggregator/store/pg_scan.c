// Reading rows back from PostgreSQL, one at a time, in key order.
#include "aggregator/store/pg.h"

#define SCAN_ARENA_MAX (8 * MST_RESULT_BYTES_MAX) // scores of one row as a tree and as records; unescaped texts
#define ORIGIN_AT      (MST_COL_COUNT + 1)

// Input, expected and case_extra are stored with the first repeat of a case at a target; the others look there.
static void
column_sql(mst_buf_t *sql, mst_column_t c, const mst_store_scan_t *what)
{
    const char *name = mst_result_columns[c];
    if (!mst_column_wanted(c, what->with_text, what->with_events, what->with_scores))
        mst_buf_add_c(sql, "NULL");
    else if (c == MST_COL_input || c == MST_COL_expected || c == MST_COL_case_extra)
        mst_buf_addf(sql, "CASE WHEN r.repeat_no=0 THEN r.%s ELSE f.%s END", name, name);
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
    mst_buf_add_c(sql, "r.escaped,o.host,o.device,o.driver,o.engine,o.engine_version,o.model,o.model_revision,"
                       "o.endpoint,o.escaped");
    mst_buf_add_c(sql, what->with_text ? ",f.escaped" : ",NULL");
    mst_buf_add_c(sql, " FROM result r LEFT JOIN origin o ON o.origin_no=r.origin_no");
    if (what->with_text)
        // LIMIT keeps it a look-up by key for the rows that need one, whatever the planner thinks of the table
        mst_buf_add_c(sql, " LEFT JOIN LATERAL (SELECT s.input,s.expected,s.case_extra,s.escaped FROM result s WHERE "
                           "r.repeat_no>0 AND s.part_key=r.part_key AND s.run_no=r.run_no AND "
                           "s.target_no=r.target_no AND s.case_no=r.case_no AND s.repeat_no=0 LIMIT 1) f ON true");
    mst_buf_add_c(sql, " WHERE r.part_key=(SELECT part_key FROM run WHERE run_no=$1) AND r.run_no=$1");
    if (what->case_id.n > 0)
        mst_buf_add_c(sql, " AND r.case_id=$2");
    if (what->measured_only)
        mst_buf_add_c(sql, " AND r.outcome<10");
    if (what->unmeasured_only)
        mst_buf_add_c(sql, " AND r.outcome>=10");
    if (what->one_generation)
        mst_buf_addf(sql, " AND r.generation=%u", what->generation);
    mst_buf_add_c(sql, " ORDER BY r.target_no,r.case_no,r.repeat_no");
    mst_buf_add_byte(sql, 0);
}

typedef struct {
    mst_store_result_fn *fn;
    void *ud;
    bool broken_scores; // pass
    mst_json_parser_t *parser;
    mst_arena_t *arena;
} scan_t;

static bool
is_shared(int column)
{
    return column == MST_COL_input || column == MST_COL_expected || column == MST_COL_case_extra;
}

static bool
read_cells(const PGresult *q, mst_arena_t *arena, mst_cell_t cells[MST_COL_COUNT])
{
    int64_t escaped = mst_pg_int(q, 0, MST_COL_COUNT);
    int64_t first = mst_pg_int(q, 0, ORIGIN_AT + MST_ORIGIN_FIELDS + 1);
    bool ok = true, other = mst_pg_int(q, 0, MST_COL_repeat_no) > 0;
    for (int i = 0; i < MST_COL_COUNT && ok; i++) {
        cells[i] = (mst_cell_t){.null = mst_pg_null(q, 0, i)};
        if (cells[i].null)
            continue;
        if (i < MST_COL_TEXT_FIRST) {
            cells[i].i = mst_pg_int(q, 0, i);
            continue;
        }
        cells[i].s = mst_pg_bytes(q, 0, i);
        int64_t bits = other && is_shared(i) ? first : escaped;
        if (bits & (INT64_C(1) << (i - MST_COL_TEXT_FIRST)))
            cells[i].s = mst_pg_text_unescape(cells[i].s, arena, &ok);
    }
    return ok;
}

static bool
read_origin(const PGresult *q, mst_arena_t *arena, mst_origin_t *o)
{
    mst_str_t f[MST_ORIGIN_FIELDS];
    int64_t escaped = mst_pg_int(q, 0, ORIGIN_AT + MST_ORIGIN_FIELDS);
    bool ok = true;
    for (int i = 0; i < MST_ORIGIN_FIELDS && ok; i++) {
        f[i] = mst_pg_bytes(q, 0, ORIGIN_AT + i);
        if (escaped & (1 << i))
            f[i] = mst_pg_text_unescape(f[i], arena, &ok);
    }
    if (ok)
        *o = (mst_origin_t){.host = f[0],
                            .device = f[1],
                            .driver = f[2],
                            .engine = f[3],
                            .engine_version = f[4],
                            .model = f[5],
                            .model_revision = f[6],
                            .endpoint = f[7]};
    return ok;
}

static mst_rc
hand_row(void *ud, const PGresult *q, bool *go_on, mst_err_t *err)
{
    scan_t *scan = ud;
    mst_result_t r;
    mst_origin_t origin;
    mst_cell_t cells[MST_COL_COUNT];
    mst_arena_reset(scan->arena);
    if (!read_cells(q, scan->arena, cells) || !read_origin(q, scan->arena, &origin))
        return MST_ERR(err, MST_LIMIT, "a result is too large to read");
    mst_row_result(cells, &r);
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

static mst_rc
ready(mst_pg_t *s, mst_err_t *err)
{
    bool inside = s->base.in_transaction || s->reading;
    return mst_pg_lost(s) && !inside ? mst_pg_connect(s, err) : MST_OK;
}

mst_rc
mst_pg_results(mst_store_t *base, int64_t run_no, const mst_store_scan_t *what, mst_store_result_fn *fn, void *ud,
               mst_err_t *err)
{
    mst_pg_t *s = (mst_pg_t *)base;
    mst_rc rc = ready(s, err);
    if (rc != MST_OK)
        return rc;
    mst_pg_args_t a;
    mst_buf_t sql;
    int64_t escaped = 0;
    mst_buf_init(&sql, 64 * MST_KIB);
    results_sql(&sql, what);
    mst_pg_args(&a, s);
    mst_pg_arg_int(&a, run_no);
    if (what->case_id.n > 0)
        mst_pg_arg_text(&a, what->case_id, 0, &escaped);
    scan_t scan = {.fn = fn,
                   .ud = ud,
                   .broken_scores = what->broken_scores,
                   .parser = mst_json_parser_new(),
                   .arena = mst_arena_new(SCAN_ARENA_MAX)};
    rc = mst_pg_each(s, sql.p, &a, hand_row, &scan, err);
    mst_buf_deinit(&sql);
    mst_json_parser_free(&scan.parser);
    mst_arena_free(&scan.arena);
    return rc;
}

typedef struct {
    mst_store_key_fn *key;
    mst_store_value_fn *value;
    void *ud;
} numbers_t;

static mst_rc
hand_key(void *ud, const PGresult *q, bool *go_on, mst_err_t *err)
{
    (void)err;
    const numbers_t *n = ud;
    mst_key_t key = {.target_no = (uint32_t)mst_pg_int(q, 0, 0),
                     .case_no = (uint64_t)mst_pg_int(q, 0, 1),
                     .repeat_no = (uint32_t)mst_pg_int(q, 0, 2)};
    *go_on = n->key(n->ud, &key);
    return MST_OK;
}

static mst_rc
hand_values(void *ud, const PGresult *q, bool *go_on, mst_err_t *err)
{
    (void)err;
    (void)go_on;
    const numbers_t *n = ud;
    int64_t values[MST_METRIC_COUNT];
    for (int i = 0; i < MST_METRIC_COUNT; i++)
        values[i] = mst_pg_null(q, 0, i) ? MST_NONE : mst_pg_int(q, 0, i);
    n->value(n->ud, values);
    return MST_OK;
}

#define OF_RUN "FROM result WHERE part_key=(SELECT part_key FROM run WHERE run_no=$1) AND run_no=$1"

mst_rc
mst_pg_keys(mst_store_t *base, int64_t run_no, mst_store_key_fn *fn, void *ud, mst_err_t *err)
{
    mst_pg_t *s = (mst_pg_t *)base;
    numbers_t n = {.key = fn, .ud = ud};
    mst_pg_args_t a;
    mst_rc rc = ready(s, err);
    if (rc != MST_OK)
        return rc;
    mst_pg_args(&a, s);
    mst_pg_arg_int(&a, run_no);
    return mst_pg_each(s, "SELECT target_no,case_no,repeat_no " OF_RUN " ORDER BY target_no,case_no,repeat_no", &a,
                       hand_key, &n, err);
}

mst_rc
mst_pg_values(mst_store_t *base, int64_t run_no, int64_t target_no, mst_store_value_fn *fn, void *ud, mst_err_t *err)
{
    mst_pg_t *s = (mst_pg_t *)base;
    numbers_t n = {.value = fn, .ud = ud};
    mst_pg_args_t a;
    mst_rc rc = ready(s, err);
    if (rc != MST_OK)
        return rc;
    mst_pg_args(&a, s);
    mst_pg_arg_int(&a, run_no);
    mst_pg_arg_int(&a, target_no >= 0 ? target_no : 0);
    mst_pg_arg_int(&a, target_no >= 0 ? target_no : INT64_MAX);
    return mst_pg_each(s,
                       "SELECT ttft_ns,last_token_ns,tpot_ns " OF_RUN
                       " AND outcome<10 AND coalesce(flags,0)&48=0 AND target_no BETWEEN $2 AND $3",
                       &a, hand_values, &n, err);
}
