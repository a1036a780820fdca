// The PostgreSQL member, inside: what its files share. PostgreSQL 14 or later; everything lies in schema `muster`.
#ifndef MST_STORE_PG_H
#define MST_STORE_PG_H

#include "aggregator/store/columns.h"
#include "aggregator/store/live.h"
#include "aggregator/store/ops.h"
#include "aggregator/store/origin_rows.h"
#include "aggregator/store/rollup.h"
#include "aggregator/store/scores.h"

#include <postgresql/libpq-fe.h>

#define MST_PG_ARGS_MAX 40

// A row that waits for the next settling: what the rollup needs of it once it is known to be new.
typedef struct {
    int64_t run_no;
    mst_result_t r; // texts do not live; scores do
    size_t at, end; // its bytes in `copy`
} mst_pg_pending_t;

typedef struct {
    mst_store_t base;
    PGconn *conn;
    char *url;   // as given; no password in it
    char *shown; // "host:port/database", for sentences
    mst_lives_t lives;
    mst_origin_rows_t origins;
    mst_buf_t scratch, scores;
    mst_buf_t copy; // waiting rows in COPY's binary form, without its header
    mst_pg_pending_t *pending;
    size_t pending_count, pending_cap;
    mst_arena_t *waiting; // scores of the waiting rows
    mst_arena_t *args;    // of one query
    bool dead;            // the server has said that it ends this connection
    bool staging;         // this session has its staging table
    bool reading;         // between read_begin and read_end
} mst_pg_t;

// Arguments of one query, binary. Borrowed until it was sent; escaped texts live in s->args.
typedef struct {
    mst_pg_t *s;
    int n;
    Oid types[MST_PG_ARGS_MAX];
    const char *values[MST_PG_ARGS_MAX];
    int lengths[MST_PG_ARGS_MAX], formats[MST_PG_ARGS_MAX];
    uint64_t words[MST_PG_ARGS_MAX];
    bool failed;
} mst_pg_args_t;

// pg.c
void mst_pg_args(mst_pg_args_t *a, mst_pg_t *s); // none yet; forgets those of the query before
void mst_pg_arg_int(mst_pg_args_t *a, int64_t v);
void mst_pg_arg_real(mst_pg_args_t *a, double v); // not finite: NULL
void mst_pg_arg_bytes(mst_pg_args_t *a, mst_str_t v);
void mst_pg_arg_null(mst_pg_args_t *a);
// Text; empty is NULL. *escaped gets `bit` when the bytes had to be escaped.
void mst_pg_arg_text(mst_pg_args_t *a, mst_str_t v, int64_t bit, int64_t *escaped);

// One statement with binary results. a may be NULL. *out (NULL allowed) is cleared by the caller.
MST_NODISCARD mst_rc mst_pg_query(mst_pg_t *s, const char *sql, const mst_pg_args_t *a, const char *what,
                                  PGresult **out, mst_err_t *err);
mst_rc mst_pg_exec(mst_pg_t *s, const char *sql, const char *what, mst_err_t *err); // several statements
// Row by row; fn false ends it. A row's bytes are valid during the call. An error of fn is in *err and returned.
typedef mst_rc mst_pg_row_fn(void *ud, const PGresult *row, bool *go_on, mst_err_t *err);
MST_NODISCARD mst_rc mst_pg_each(mst_pg_t *s, const char *sql, const mst_pg_args_t *a, mst_pg_row_fn *fn, void *ud,
                                 mst_err_t *err);
// Fills err from a failed result (NULL: from the connection); what: "could not WHAT database".
mst_rc mst_pg_fail(mst_pg_t *s, const PGresult *res, const char *what, mst_err_t *err);
bool mst_pg_lost(const mst_pg_t *s); // the connection is gone

// Fields of a binary result.
bool mst_pg_null(const PGresult *r, int row, int col);
int64_t mst_pg_int(const PGresult *r, int row, int col); // NULL: 0
double mst_pg_real(const PGresult *r, int row, int col); // NULL: 0
mst_str_t mst_pg_bytes(const PGresult *r, int row, int col);

// pg_text.c: bytes that PostgreSQL's text cannot hold (NUL, what is not UTF-8) as \xHH, and \ as \\ beside them.
bool mst_pg_text_plain(mst_str_t s);
void mst_pg_text_escape(mst_str_t s, mst_buf_t *out); // appends
// Into arena; a broken escape is kept as it is.
mst_str_t mst_pg_text_unescape(mst_str_t s, mst_arena_t *arena, bool *ok);

// pg_connect.c
mst_rc mst_pg_open(const char *url, mst_store_mode_t mode, mst_store_t **out, mst_err_t *err);
void mst_pg_close(mst_store_t *s);
MST_NODISCARD mst_rc mst_pg_connect(mst_pg_t *s, mst_err_t *err); // anew, when the old connection is gone

// pg_schema.c
void mst_pg_columns(mst_buf_t *sql, bool types);                  // of table result, in the order of mst_row_cells
MST_NODISCARD mst_rc mst_pg_migrate(mst_pg_t *s, mst_err_t *err); // writer
MST_NODISCARD mst_rc mst_pg_check(mst_pg_t *s, mst_err_t *err);   // reader

// pg_runs.c
mst_rc mst_pg_run_create(mst_store_t *s, const mst_run_rec_t *r, int64_t *out_run_no, mst_err_t *err);
mst_rc mst_pg_run_update(mst_store_t *s, const mst_run_rec_t *r, mst_err_t *err);
mst_rc mst_pg_run_get(mst_store_t *s, mst_str_t which, mst_arena_t *arena, mst_run_rec_t *out, mst_err_t *err);
mst_rc mst_pg_run_list(mst_store_t *s, mst_store_run_fn *fn, void *ud, mst_err_t *err);
mst_rc mst_pg_run_reopen(mst_store_t *s, int64_t run_no, uint32_t *out_generation, mst_err_t *err);

// pg_care.c
mst_rc mst_pg_run_delete(mst_store_t *s, int64_t run_no, mst_err_t *err);
mst_rc mst_pg_strays(mst_store_t *s, mst_store_stray_fn *fn, void *ud, mst_err_t *err);

// pg_results.c, pg_settle.c
mst_rc mst_pg_result_add(mst_store_t *s, int64_t run_no, const mst_result_t *r, const mst_origin_t *origin,
                         mst_added_t *out, mst_err_t *err);
mst_rc mst_pg_settle(mst_store_t *s, mst_store_settled_fn *fn, void *ud, mst_err_t *err);
void mst_pg_forget_waiting(mst_pg_t *s);

// pg_rollup.c
mst_rc mst_pg_rollup(mst_store_t *s, int64_t run_no, mst_rollup_t *out, mst_err_t *err);
MST_NODISCARD mst_rc mst_pg_rollup_save(mst_pg_t *s, int64_t run_no, const mst_rollup_t *r, mst_err_t *err);
const mst_rollup_t *mst_pg_live(mst_store_t *s, int64_t run_no);
// The live record of a run whose row the open transaction holds; loaded anew when another process wrote it.
MST_NODISCARD mst_rc mst_pg_live_hold(mst_pg_t *s, int64_t run_no, mst_live_t **out, mst_err_t *err);
mst_rc mst_pg_live_save(void *s, mst_live_t *live, mst_err_t *err); // mst_live_save_fn

// pg_scan.c
mst_rc mst_pg_keys(mst_store_t *s, int64_t run_no, mst_store_key_fn *fn, void *ud, mst_err_t *err);
mst_rc mst_pg_results(mst_store_t *s, int64_t run_no, const mst_store_scan_t *what, mst_store_result_fn *fn, void *ud,
                      mst_err_t *err);
mst_rc mst_pg_values(mst_store_t *s, int64_t run_no, int64_t target_no, mst_store_value_fn *fn, void *ud,
                     mst_err_t *err);

#endif
