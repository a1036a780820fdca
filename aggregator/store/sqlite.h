// The SQLite member, inside: what its files share.
#ifndef MST_STORE_SQLITE_H
#define MST_STORE_SQLITE_H

#include "aggregator/store/columns.h"
#include "aggregator/store/live.h"
#include "aggregator/store/lockfile.h"
#include "aggregator/store/ops.h"
#include "aggregator/store/origin_rows.h"
#include "aggregator/store/rollup.h"
#include "aggregator/store/scores.h"

#include <sqlite3.h>

// The writer's statements, prepared at first use and kept.
typedef enum {
    MST_SQL_BEGIN,
    MST_SQL_COMMIT,
    MST_SQL_ROLLBACK,
    MST_SQL_RESULT_ADD,
    MST_SQL_ROLLUP_PUT,
    MST_SQL_COUNT,
} mst_sql_t;

typedef struct {
    mst_store_t base;
    sqlite3 *db;
    char *path;
    mst_lockfile_t lock;
    sqlite3_stmt *stmts[MST_SQL_COUNT];
    mst_lives_t lives;
    mst_origin_rows_t origins;
    mst_buf_t scratch, scores; // reused row by row
} mst_sqlite_t;

// sqlite.c
// Fills err from the connection's last error; what: "could not add a result to".
mst_rc mst_sqlite_fail(mst_sqlite_t *s, int code, const char *what, mst_err_t *err);
mst_rc mst_sqlite_exec(mst_sqlite_t *s, const char *sql, const char *what, mst_err_t *err);
mst_rc mst_sqlite_prepare(mst_sqlite_t *s, const char *sql, sqlite3_stmt **out, mst_err_t *err);
mst_rc mst_sqlite_stmt(mst_sqlite_t *s, mst_sql_t which, sqlite3_stmt **out, mst_err_t *err);
// TEXT when it is UTF-8 without NUL, else BLOB: SQLite's text functions stop at a NUL, and tools that read a column
// of text trip over broken UTF-8. Empty is NULL. The bytes must live until the statement was stepped.
int mst_sqlite_bind(sqlite3_stmt *st, int at, mst_str_t s);
int mst_sqlite_bind_or_empty(sqlite3_stmt *st, int at, mst_str_t s); // empty is ''
int mst_sqlite_bind_known(sqlite3_stmt *st, int at, int64_t v);      // MST_NONE is NULL
mst_str_t mst_sqlite_str(sqlite3_stmt *st, int at);                  // TEXT or BLOB, the bytes as they are
int64_t mst_sqlite_known(sqlite3_stmt *st, int at);                  // NULL is MST_NONE
mst_rc mst_sqlite_still_there(mst_sqlite_t *s, mst_err_t *err);      // MST_IO: its file was removed or replaced

// sqlite_schema.c
mst_rc mst_sqlite_migrate(mst_sqlite_t *s, mst_err_t *err); // writer
mst_rc mst_sqlite_check(mst_sqlite_t *s, mst_err_t *err);   // reader

// sqlite_runs.c
mst_rc mst_sqlite_run_create(mst_store_t *s, const mst_run_rec_t *r, int64_t *out_run_no, mst_err_t *err);
mst_rc mst_sqlite_run_update(mst_store_t *s, const mst_run_rec_t *r, mst_err_t *err);
mst_rc mst_sqlite_run_get(mst_store_t *s, mst_str_t which, mst_arena_t *arena, mst_run_rec_t *out, mst_err_t *err);
mst_rc mst_sqlite_run_list(mst_store_t *s, mst_store_run_fn *fn, void *ud, mst_err_t *err);
mst_rc mst_sqlite_run_reopen(mst_store_t *s, int64_t run_no, uint32_t *out_generation, mst_err_t *err);

// sqlite_care.c
mst_rc mst_sqlite_run_delete(mst_store_t *s, int64_t run_no, mst_err_t *err);
mst_rc mst_sqlite_strays(mst_store_t *s, mst_store_stray_fn *fn, void *ud, mst_err_t *err);

// sqlite_results.c
mst_rc mst_sqlite_result_add(mst_store_t *s, int64_t run_no, const mst_result_t *r, const mst_origin_t *origin,
                             mst_added_t *out, mst_err_t *err);

// sqlite_rollup.c
mst_rc mst_sqlite_rollup(mst_store_t *s, int64_t run_no, mst_rollup_t *out, mst_err_t *err);
mst_rc mst_sqlite_rollup_save(mst_sqlite_t *s, int64_t run_no, const mst_rollup_t *r, mst_err_t *err);
const mst_rollup_t *mst_sqlite_live(mst_store_t *s, int64_t run_no);
mst_rc mst_sqlite_live_load(void *s, int64_t run_no, mst_live_t *live, mst_err_t *err); // mst_live_load_fn
mst_rc mst_sqlite_live_save(void *s, mst_live_t *live, mst_err_t *err);                 // mst_live_save_fn

// sqlite_scan.c
mst_rc mst_sqlite_keys(mst_store_t *s, int64_t run_no, mst_store_key_fn *fn, void *ud, mst_err_t *err);
mst_rc mst_sqlite_results(mst_store_t *s, int64_t run_no, const mst_store_scan_t *what, mst_store_result_fn *fn,
                          void *ud, mst_err_t *err);
mst_rc mst_sqlite_values(mst_store_t *s, int64_t run_no, int64_t target_no, mst_store_value_fn *fn, void *ud,
                         mst_err_t *err);

#endif
