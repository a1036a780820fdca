// The SQLite member: connection, transactions, statements.
//
// One writer connection, which also checkpoints; readers are read-only, never checkpoint and never write the WAL
// back when they close (SQLite before 3.51.3 can lose a WAL reset when one connection writes while another
// checkpoints). That no other process writes is held by a lock file.
#include "aggregator/store/sqlite.h"

#include "common/base/utf8.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define PAGE_BYTES       16384
#define CACHE_KIB        6144 // of the writer; a reader takes half
#define CHECKPOINT_PAGES 2000  // 32 MiB of WAL between checkpoints
#define BUSY_MS          5000

static mst_rc
rc_of_errno(int e)
{
    switch (e) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return MST_FULL;
    case ENOENT:
    case ENOTDIR:
        return MST_NOTFOUND;
    case EACCES:
    case EPERM:
    case EROFS:
        return MST_DENIED;
    default:
        return MST_IO;
    }
}

// SQLite keeps the errno of a failure per connection, where a later call may have changed it, and per file.
static int
errno_of(sqlite3 *db)
{
    int e = sqlite3_system_errno(db);
    sqlite3_file *log = NULL;
    if (e == 0 && sqlite3_file_control(db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log) == SQLITE_OK && log &&
        log->pMethods)
        (void)log->pMethods->xFileControl(log, SQLITE_FCNTL_LAST_ERRNO, &e);
    if (e == 0)
        (void)sqlite3_file_control(db, "main", SQLITE_FCNTL_LAST_ERRNO, &e);
    return e;
}

static mst_rc
rc_of_code(sqlite3 *db, int code)
{
    switch (code & 0xff) {
    case SQLITE_FULL:
        return MST_FULL;
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
        return rc_of_errno(db ? errno_of(db) : 0);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_CONSTRAINT:
        return MST_CONFLICT;
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
        return MST_PROTO;
    case SQLITE_NOMEM:
        return MST_NOMEM;
    case SQLITE_TOOBIG:
        return MST_LIMIT;
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
        return MST_DENIED;
    default:
        return MST_INTERNAL;
    }
}

mst_rc
mst_sqlite_fail(mst_sqlite_t *s, int code, const char *what, mst_err_t *err)
{
    mst_rc rc = rc_of_code(s->db, code);
    const char *why = s->db ? sqlite3_errmsg(s->db) : sqlite3_errstr(code);
    int e = s->db ? errno_of(s->db) : 0;
    if (rc == MST_FULL)
        why = e == EFBIG ? "the file would pass the size limit of this process" : "no space left on its disk";
    else if ((code & 0xff) == SQLITE_IOERR && e != 0)
        why = strerror(e);
    return MST_ERR_SUB(err, rc, code, "could not %s database \"%s\": %s", what, s->path, why);
}

mst_rc
mst_sqlite_exec(mst_sqlite_t *s, const char *sql, const char *what, mst_err_t *err)
{
    int code = sqlite3_exec(s->db, sql, NULL, NULL, NULL);
    return code == SQLITE_OK ? MST_OK : mst_sqlite_fail(s, code, what, err);
}

mst_rc
mst_sqlite_prepare(mst_sqlite_t *s, const char *sql, sqlite3_stmt **out, mst_err_t *err)
{
    int code = sqlite3_prepare_v2(s->db, sql, -1, out, NULL);
    return code == SQLITE_OK ? MST_OK : mst_sqlite_fail(s, code, "read", err);
}

// "INSERT INTO result(run_no,...) VALUES(?1,...) ON CONFLICT DO NOTHING", from the one list of columns.
static void
insert_sql(mst_buf_t *sql)
{
    mst_buf_add_c(sql, "INSERT INTO result(");
    for (int i = 0; i < MST_COL_COUNT; i++)
        mst_buf_addf(sql, "%s%s", i ? "," : "", mst_result_columns[i]);
    mst_buf_add_c(sql, ") VALUES(");
    for (int i = 0; i < MST_COL_COUNT; i++)
        mst_buf_addf(sql, "%s?%d", i ? "," : "", i + 1);
    mst_buf_add_c(sql, ") ON CONFLICT DO NOTHING");
    mst_buf_add_byte(sql, 0);
}

mst_rc
mst_sqlite_stmt(mst_sqlite_t *s, mst_sql_t which, sqlite3_stmt **out, mst_err_t *err)
{
    static const char *const texts[MST_SQL_COUNT] = {
        [MST_SQL_BEGIN] = "BEGIN IMMEDIATE",
        [MST_SQL_COMMIT] = "COMMIT",
        [MST_SQL_ROLLBACK] = "ROLLBACK",
        [MST_SQL_ROLLUP_PUT] =
            "INSERT INTO run_rollup(run_no,metric,n,n_pass,n_missing,n_error,sum,sum_c,sumsq,sumsq_c,min,max,"
            "first_ns,last_ns,sketch) VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15) "
            "ON CONFLICT DO UPDATE SET n=excluded.n,n_pass=excluded.n_pass,n_missing=excluded.n_missing,"
            "n_error=excluded.n_error,sum=excluded.sum,sum_c=excluded.sum_c,sumsq=excluded.sumsq,"
            "sumsq_c=excluded.sumsq_c,min=excluded.min,max=excluded.max,first_ns=excluded.first_ns,"
            "last_ns=excluded.last_ns,sketch=excluded.sketch",
    };
    if (!s->stmts[which]) {
        mst_buf_t sql;
        mst_buf_init(&sql, 64 * MST_KIB);
        if (which == MST_SQL_RESULT_ADD)
            insert_sql(&sql);
        int code = sqlite3_prepare_v3(s->db, texts[which] ? texts[which] : sql.p, -1, SQLITE_PREPARE_PERSISTENT,
                                      &s->stmts[which], NULL);
        mst_buf_deinit(&sql);
        if (code != SQLITE_OK)
            return mst_sqlite_fail(s, code, "write", err);
    }
    *out = s->stmts[which];
    return MST_OK;
}

int
mst_sqlite_bind_or_empty(sqlite3_stmt *st, int at, mst_str_t s)
{
    if (s.n == 0)
        return sqlite3_bind_text(st, at, "", 0, SQLITE_STATIC);
    if (!memchr(s.p, 0, s.n) && mst_utf8_valid(s))
        return sqlite3_bind_text64(st, at, s.p, s.n, SQLITE_STATIC, SQLITE_UTF8);
    return sqlite3_bind_blob64(st, at, s.p, s.n, SQLITE_STATIC);
}

int
mst_sqlite_bind(sqlite3_stmt *st, int at, mst_str_t s)
{
    return s.n == 0 ? sqlite3_bind_null(st, at) : mst_sqlite_bind_or_empty(st, at, s);
}

int
mst_sqlite_bind_known(sqlite3_stmt *st, int at, int64_t v)
{
    return v == MST_NONE ? sqlite3_bind_null(st, at) : sqlite3_bind_int64(st, at, v);
}

mst_str_t
mst_sqlite_str(sqlite3_stmt *st, int at)
{
    const void *p = sqlite3_column_blob(st, at); // of a TEXT: its bytes, not converted
    return mst_str(p, (size_t)sqlite3_column_bytes(st, at));
}

int64_t
mst_sqlite_known(sqlite3_stmt *st, int at)
{
    return sqlite3_column_type(st, at) == SQLITE_NULL ? MST_NONE : sqlite3_column_int64(st, at);
}

static void
sqlite_close(mst_store_t *base)
{
    mst_sqlite_t *s = (mst_sqlite_t *)base;
    for (int i = 0; i < MST_SQL_COUNT; i++)
        sqlite3_finalize(s->stmts[i]);
    sqlite3_close(s->db); // an open transaction is rolled back
    mst_lives_forget(&s->lives, false);
    mst_origin_rows_deinit(&s->origins);
    mst_buf_deinit(&s->scratch);
    mst_buf_deinit(&s->scores);
    mst_lockfile_release(&s->lock);
    free(s->path);
    free(s);
}

// WAL needs shared memory beside the file; where there is none (some network file systems) SQLite keeps the old mode.
static mst_rc
switch_to_wal(mst_sqlite_t *s, mst_err_t *err)
{
    sqlite3_stmt *st = NULL;
    mst_rc rc = mst_sqlite_prepare(s, "PRAGMA journal_mode=WAL", &st, err);
    if (rc != MST_OK)
        return rc;
    int code = sqlite3_step(st);
    if (code != SQLITE_ROW)
        rc = mst_sqlite_fail(s, code, "open", err);
    else if (!mst_str_eq_c(mst_sqlite_str(st, 0), "wal"))
        rc = MST_ERR(err, MST_UNSUPPORTED,
                     "database \"%s\" lies on a file system without shared memory, which its "
                     "write-ahead log needs; use a local disk",
                     s->path);
    sqlite3_finalize(st);
    return rc;
}

static mst_rc
set_up_writer(mst_sqlite_t *s, mst_err_t *err)
{
    char sql[256];
    snprintf(sql, sizeof sql,
             "PRAGMA page_size=%d; PRAGMA cache_size=-%d; PRAGMA temp_store=MEMORY; PRAGMA trusted_schema=OFF",
             PAGE_BYTES, CACHE_KIB);
    mst_rc rc = mst_sqlite_exec(s, sql, "open", err);
    if (rc == MST_OK)
        rc = mst_sqlite_check(s, err); // before a foreign file is changed in any way
    if (rc == MST_OK)
        rc = switch_to_wal(s, err);
    snprintf(sql, sizeof sql, "PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=%d", CHECKPOINT_PAGES);
    if (rc == MST_OK)
        rc = mst_sqlite_exec(s, sql, "open", err);
    return rc == MST_OK ? mst_sqlite_migrate(s, err) : rc;
}

static mst_rc
set_up_reader(mst_sqlite_t *s, mst_err_t *err)
{
    char sql[256];
    snprintf(sql, sizeof sql,
             "PRAGMA query_only=ON; PRAGMA wal_autocheckpoint=0; PRAGMA cache_size=-%d; PRAGMA temp_store=MEMORY; "
             "PRAGMA trusted_schema=OFF",
             CACHE_KIB / 2);
    int code = sqlite3_db_config(s->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    if (code != SQLITE_OK)
        return mst_sqlite_fail(s, code, "open", err);
    mst_rc rc = mst_sqlite_exec(s, sql, "open", err);
    return rc == MST_OK ? mst_sqlite_check(s, err) : rc;
}

static mst_rc
sqlite_open(const char *path, mst_store_mode_t mode, mst_store_t **out, mst_err_t *err)
{
    if (*path == 0 || *path == ':')
        return MST_ERR(err, MST_INVAL, "\"%s\" is no file name for a database", path);
    mst_sqlite_t *s = MST_NEW(mst_sqlite_t);
    s->base.ops = &mst_store_sqlite;
    s->base.mode = mode;
    s->path = mst_xstrdup(path);
    s->lock.fd = -1;
    mst_origin_rows_init(&s->origins);
    mst_buf_init(&s->scratch, 16 * MST_MIB);
    mst_buf_init(&s->scores, MST_RESULT_BYTES_MAX);
    mst_rc rc = MST_OK;
    bool writes = mode == MST_STORE_WRITE;
    if (writes)
        rc = mst_lockfile_take(path, &s->lock, err);
    if (rc != MST_OK)
        goto out;
    int flags = (writes ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY) | SQLITE_OPEN_NOMUTEX;
    int code = sqlite3_open_v2(path, &s->db, flags, NULL);
    if (code != SQLITE_OK) {
        rc = mst_sqlite_fail(s, code, "open", err);
        if (rc == MST_NOTFOUND && !writes)
            MST_ERR(err, rc, "no database \"%s\"; a run creates it (name another with --db)", path);
        goto out;
    }
    sqlite3_extended_result_codes(s->db, 1);
    sqlite3_busy_timeout(s->db, BUSY_MS);
    rc = writes ? set_up_writer(s, err) : set_up_reader(s, err);
out:
    if (rc != MST_OK) {
        sqlite_close(&s->base);
        return rc;
    }
    *out = &s->base;
    return MST_OK;
}

static mst_rc
step_done(mst_sqlite_t *s, mst_sql_t which, const char *what, mst_err_t *err)
{
    sqlite3_stmt *st = NULL;
    mst_rc rc = mst_sqlite_stmt(s, which, &st, err);
    if (rc != MST_OK)
        return rc;
    int code = sqlite3_step(st);
    rc = code == SQLITE_DONE ? MST_OK : mst_sqlite_fail(s, code, what, err);
    sqlite3_reset(st);
    return rc;
}

static mst_rc
sqlite_begin(mst_store_t *base, mst_err_t *err)
{
    return step_done((mst_sqlite_t *)base, MST_SQL_BEGIN, "begin writing", err);
}

// A file that was deleted takes every commit and keeps none of them.
mst_rc
mst_sqlite_still_there(mst_sqlite_t *s, mst_err_t *err)
{
    int moved = 0;
    if (sqlite3_file_control(s->db, "main", SQLITE_FCNTL_HAS_MOVED, &moved) == SQLITE_OK && moved)
        return MST_ERR(err, MST_IO, "database \"%s\" was removed or replaced while it was written; put it back",
                       s->path);
    return MST_OK;
}

static mst_rc
sqlite_commit(mst_store_t *base, mst_err_t *err)
{
    mst_sqlite_t *s = (mst_sqlite_t *)base;
    mst_rc rc = mst_sqlite_still_there(s, err);
    if (rc == MST_OK)
        rc = mst_lives_save(&s->lives, mst_sqlite_live_save, s, err);
    if (rc == MST_OK)
        rc = step_done(s, MST_SQL_COMMIT, "write", err);
    if (rc == MST_OK)
        mst_lives_clean(&s->lives);
    return rc;
}

static void
sqlite_rollback(mst_store_t *base)
{
    mst_sqlite_t *s = (mst_sqlite_t *)base;
    // a full disk may have rolled it back already
    if (!sqlite3_get_autocommit(s->db))
        (void)step_done(s, MST_SQL_ROLLBACK, "roll back", NULL);
    mst_lives_forget(&s->lives, true);
    mst_origin_rows_forget(&s->origins);
}

static mst_rc
sqlite_read_begin(mst_store_t *base, mst_err_t *err)
{
    mst_sqlite_t *s = (mst_sqlite_t *)base;
    return base->in_transaction ? MST_OK : mst_sqlite_exec(s, "BEGIN", "read", err);
}

static void
sqlite_read_end(mst_store_t *base)
{
    mst_sqlite_t *s = (mst_sqlite_t *)base;
    if (!base->in_transaction && !sqlite3_get_autocommit(s->db))
        (void)mst_sqlite_exec(s, "COMMIT", "read", NULL);
}

const mst_store_ops_t mst_store_sqlite = {
    .scheme = "sqlite",
    .open = sqlite_open,
    .close = sqlite_close,
    .run_create = mst_sqlite_run_create,
    .run_update = mst_sqlite_run_update,
    .run_get = mst_sqlite_run_get,
    .run_list = mst_sqlite_run_list,
    .run_reopen = mst_sqlite_run_reopen,
    .run_delete = mst_sqlite_run_delete,
    .strays = mst_sqlite_strays,
    .begin = sqlite_begin,
    .result_add = mst_sqlite_result_add,
    .commit = sqlite_commit,
    .rollback = sqlite_rollback,
    .keys = mst_sqlite_keys,
    .results = mst_sqlite_results,
    .rollup = mst_sqlite_rollup,
    .live = mst_sqlite_live,
    .read_begin = sqlite_read_begin,
    .read_end = sqlite_read_end,
    .values = mst_sqlite_values,
};
