// Rows are numbered as they come, so the smallest number is the oldest. A row is as good as its checksum, which covers
// key and bytes. synchronous is NORMAL: a killed process loses nothing that was committed, a power cut perhaps the last
// answers, and the file stays whole.
#include "worker/cache/file.h"

#include "common/base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define APPLICATION_ID 0x4d537443 // in the file's head, as make() writes it
#define WRITER_WAIT_MS 5000
#define READER_WAIT_MS 20 // a reader waits for nobody in WAL mode, but for a recovery
#define DROP_AT_ONCE   "64"
#define ROUNDS_MAX     100000

enum { GET, PUT, DROP, PAGES, FREE, STATEMENTS };

static const char *const texts[STATEMENTS] = {
    [GET] = "SELECT sum, bytes FROM answer WHERE key = ?1",
    [PUT] = "INSERT OR REPLACE INTO answer (key, stored_ns, sum, bytes) VALUES (?1, ?2, ?3, ?4)",
    [DROP] = "DELETE FROM answer WHERE no IN (SELECT no FROM answer ORDER BY no LIMIT " DROP_AT_ONCE ")",
    [PAGES] = "PRAGMA page_count",
    [FREE] = "PRAGMA freelist_count",
};

static const char schema[] = "CREATE TABLE IF NOT EXISTS answer (no INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE,"
                             " stored_ns INTEGER NOT NULL, sum INTEGER NOT NULL, bytes BLOB NOT NULL)";

struct mst_cache_file {
    sqlite3 *db;
    sqlite3_stmt *statements[STATEMENTS];
    uint64_t page_bytes;
};

static mst_rc
told(const mst_cache_file_t *f, int code, mst_err_t *err)
{
    mst_rc rc = MST_IO;
    int kind = code & 0xff;
    if (kind == SQLITE_CORRUPT || kind == SQLITE_NOTADB || kind == SQLITE_FORMAT)
        rc = MST_PROTO;
    else if (kind == SQLITE_BUSY || kind == SQLITE_LOCKED)
        rc = MST_AGAIN;
    else if (kind == SQLITE_FULL)
        rc = MST_FULL;
    else if (kind == SQLITE_PERM || kind == SQLITE_READONLY || kind == SQLITE_AUTH)
        rc = MST_DENIED;
    return MST_ERR_SUB(err, rc, code, "%s", f->db != NULL ? sqlite3_errmsg(f->db) : sqlite3_errstr(code));
}

static int
exec(mst_cache_file_t *f, const char *sql)
{
    return sqlite3_exec(f->db, sql, NULL, NULL, NULL);
}

static int64_t
number_of(mst_cache_file_t *f, const char *sql, int *code)
{
    sqlite3_stmt *s = NULL;
    int64_t n = -1;
    *code = sqlite3_prepare_v2(f->db, sql, -1, &s, NULL);
    if (*code == SQLITE_OK)
        *code = sqlite3_step(s);
    if (*code == SQLITE_ROW) {
        n = sqlite3_column_int64(s, 0);
        *code = SQLITE_OK;
    }
    (void)sqlite3_finalize(s);
    return n;
}

// Ours, empty, or somebody else's, which nothing is written to.
static mst_rc
check_owner(mst_cache_file_t *f, bool *out_empty, mst_err_t *err)
{
    int code = SQLITE_OK;
    int64_t id = number_of(f, "PRAGMA application_id", &code);
    int64_t objects = code == SQLITE_OK ? number_of(f, "SELECT count(*) FROM sqlite_master", &code) : 0;
    if (code != SQLITE_OK)
        return told(f, code, err);
    *out_empty = objects == 0;
    if (objects > 0 && id != APPLICATION_ID)
        return MST_ERR(err, MST_PROTO, "it is a database of something else");
    return MST_OK;
}

static mst_rc
make(mst_cache_file_t *f, bool empty, mst_err_t *err)
{
    int code = SQLITE_OK;
    if (empty) {
        code = exec(f, "PRAGMA journal_mode=WAL");
        code = code == SQLITE_OK ? exec(f, "BEGIN IMMEDIATE") : code;
        code = code == SQLITE_OK ? exec(f, "PRAGMA application_id=0x4d537443") : code;
        code = code == SQLITE_OK ? exec(f, schema) : code;
        code = code == SQLITE_OK ? exec(f, "COMMIT") : code;
    }
    if (code == SQLITE_OK)
        code = exec(f, "PRAGMA synchronous=NORMAL; PRAGMA journal_size_limit=16777216");
    return code == SQLITE_OK ? MST_OK : told(f, code, err);
}

static mst_rc
prepare(mst_cache_file_t *f, bool writes, mst_err_t *err)
{
    for (int i = 0; i < STATEMENTS; i++) {
        if (i != GET && !writes)
            continue;
        int code = sqlite3_prepare_v3(f->db, texts[i], -1, SQLITE_PREPARE_PERSISTENT, &f->statements[i], NULL);
        if (code != SQLITE_OK)
            return told(f, code, err);
    }
    return MST_OK;
}

static mst_rc
open_file(mst_cache_file_t *f, const char *path, bool writes, mst_err_t *err)
{
    bool empty = false;
    int code = sqlite3_open_v2(path, &f->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    if (code != SQLITE_OK)
        return told(f, code, err);
    (void)sqlite3_extended_result_codes(f->db, 1);
    (void)sqlite3_busy_timeout(f->db, writes ? WRITER_WAIT_MS : READER_WAIT_MS);
    if (!writes)
        (void)sqlite3_db_config(f->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL); // that is long work
    mst_rc rc = check_owner(f, &empty, err);
    if (rc == MST_OK && !writes && empty)
        return MST_ERR(err, MST_NOTFOUND, "nothing is in it yet");
    if (rc == MST_OK && writes)
        rc = make(f, empty, err);
    if (rc == MST_OK)
        rc = prepare(f, writes, err);
    int64_t page = rc == MST_OK ? number_of(f, "PRAGMA page_size", &code) : 0;
    f->page_bytes = page > 0 ? (uint64_t)page : 4096;
    return rc;
}

mst_rc
mst_cache_file_open(const char *path, bool writes, mst_cache_file_t **out, mst_err_t *err)
{
    *out = NULL;
    // answers may be private: the file is its owner's alone from its first byte on
    int fd = open(path, writes ? O_RDWR | O_CREAT | O_CLOEXEC : O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0) {
        mst_rc rc = errno == ENOENT && !writes ? MST_NOTFOUND : errno == EACCES ? MST_DENIED : MST_IO;
        return MST_ERR_SUB(err, rc, errno, "%s", strerror(errno));
    }
    (void)close(fd);
    mst_cache_file_t *f = MST_NEW(mst_cache_file_t);
    mst_rc rc = open_file(f, path, writes, err);
    if (rc != MST_OK)
        mst_cache_file_close(&f);
    *out = f;
    return rc;
}

void
mst_cache_file_close(mst_cache_file_t **f)
{
    if (f == NULL || *f == NULL)
        return;
    for (int i = 0; i < STATEMENTS; i++)
        (void)sqlite3_finalize((*f)->statements[i]);
    (void)sqlite3_close((*f)->db);
    free(*f);
    *f = NULL;
}

static int64_t
sum_of(const mst_digest_t *key, mst_str_t bytes)
{
    uint64_t sum = mst_xxh64(bytes, mst_xxh64(mst_str((const char *)key->b, sizeof key->b), 0));
    int64_t v;
    memcpy(&v, &sum, sizeof v);
    return v;
}

mst_rc
mst_cache_file_get(mst_cache_file_t *f, const mst_digest_t *key, mst_str_t *out, mst_err_t *err)
{
    sqlite3_stmt *s = f->statements[GET];
    (void)sqlite3_reset(s);
    (void)sqlite3_bind_blob(s, 1, key->b, sizeof key->b, SQLITE_TRANSIENT);
    int code = sqlite3_step(s);
    if (code == SQLITE_ROW && sqlite3_column_type(s, 1) == SQLITE_BLOB) {
        const char *p = sqlite3_column_blob(s, 1);
        *out = mst_str(p, (size_t)sqlite3_column_bytes(s, 1));
        if (p != NULL && sum_of(key, *out) == sqlite3_column_int64(s, 0))
            return MST_OK; // an open statement would hold the log of changes: mst_cache_file_done
    }
    (void)sqlite3_reset(s);
    if (code == SQLITE_ROW)
        return MST_ERR(err, MST_PROTO, "an answer in it does not have its checksum");
    if (code == SQLITE_DONE)
        return MST_ERR(err, MST_NOTFOUND, "it is not there");
    return told(f, code, err);
}

void
mst_cache_file_done(mst_cache_file_t *f)
{
    (void)sqlite3_reset(f->statements[GET]);
}

mst_rc
mst_cache_file_begin(mst_cache_file_t *f, mst_err_t *err)
{
    int code = exec(f, "BEGIN IMMEDIATE");
    return code == SQLITE_OK ? MST_OK : told(f, code, err);
}

mst_rc
mst_cache_file_put(mst_cache_file_t *f, const mst_digest_t *key, mst_str_t bytes, int64_t wall_ns, mst_err_t *err)
{
    sqlite3_stmt *s = f->statements[PUT];
    (void)sqlite3_bind_blob(s, 1, key->b, sizeof key->b, SQLITE_STATIC);
    (void)sqlite3_bind_int64(s, 2, wall_ns);
    (void)sqlite3_bind_int64(s, 3, sum_of(key, bytes));
    (void)sqlite3_bind_blob64(s, 4, bytes.p, bytes.n, SQLITE_STATIC);
    int code = sqlite3_step(s);
    (void)sqlite3_reset(s);
    (void)sqlite3_clear_bindings(s);
    return code == SQLITE_DONE ? MST_OK : told(f, code, err);
}

static uint64_t
value_of(sqlite3_stmt *s)
{
    int64_t n = sqlite3_step(s) == SQLITE_ROW ? sqlite3_column_int64(s, 0) : 0;
    (void)sqlite3_reset(s);
    return n > 0 ? (uint64_t)n : 0;
}

mst_rc
mst_cache_file_end(mst_cache_file_t *f, uint64_t max_bytes, mst_err_t *err)
{
    int code = SQLITE_DONE;
    for (int i = 0; i < ROUNDS_MAX && code == SQLITE_DONE; i++) {
        uint64_t pages = value_of(f->statements[PAGES]), unused = value_of(f->statements[FREE]);
        if (pages <= unused || (pages - unused) * f->page_bytes <= max_bytes)
            break;
        code = sqlite3_step(f->statements[DROP]);
        (void)sqlite3_reset(f->statements[DROP]);
        if (code == SQLITE_DONE && sqlite3_changes(f->db) == 0)
            break;
    }
    if (code == SQLITE_DONE)
        code = exec(f, "COMMIT");
    return code == SQLITE_OK ? MST_OK : told(f, code, err);
}

void
mst_cache_file_rollback(mst_cache_file_t *f)
{
    if (sqlite3_get_autocommit(f->db) == 0)
        (void)exec(f, "ROLLBACK");
}
