// SQLite against the conformance suite of the store, and what concerns it alone: files that are not ours, newer
// schemas, a full disk, the view for people's SQL, the types of columns.
#include "store_suite.h"

#include <errno.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>

static void
store_suite_url(char *url, size_t n)
{
    char dir[] = "/tmp/mst-store-XXXXXX";
    assert_non_null(mkdtemp(dir));
    snprintf(url, n, "sqlite:%s/runs.db", dir);
}

static const char *
path_of(const char *url)
{
    return url + strlen("sqlite:");
}

static void
store_suite_drop(const char *url)
{
    static const char *const ends[] = {"", "-wal", "-shm", ".lock", "-journal"};
    char path[600];
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        snprintf(path, sizeof path, "%s%s", path_of(url), ends[i]);
        unlink(path);
    }
    snprintf(path, sizeof path, "%.*s", (int)(strrchr(path_of(url), '/') - path_of(url)), path_of(url));
    rmdir(path);
}

static void
must_exec(const char *path, const char *sql)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    char *why = NULL;
    if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK)
        fail_msg("%s: %s", sql, why);
    sqlite3_close(db);
}

static int64_t
must_ask(const char *path, const char *sql)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *st = NULL;
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    if (sqlite3_prepare_v2(db, sql, -1, &st, NULL) != SQLITE_OK || sqlite3_step(st) != SQLITE_ROW)
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    int64_t v = sqlite3_column_int64(st, 0);
    sqlite3_finalize(st);
    sqlite3_close(db);
    return v;
}

static void
test_store_sqlite_urls(void **state)
{
    suite_t *t = *state;
    mst_store_t *s = NULL;
    assert_int_equal(mst_store_open("", MST_STORE_READ, &s, &t->err), MST_INVAL);
    assert_int_equal(mst_store_open("sqlite:", MST_STORE_READ, &s, &t->err), MST_INVAL);
    assert_int_equal(mst_store_open("sqlite::memory:", MST_STORE_WRITE, &s, &t->err), MST_INVAL);
    assert_int_equal(mst_store_open("mysql://u:secret@h/db", MST_STORE_READ, &s, &t->err), MST_UNSUPPORTED);
    assert_null(strstr(t->err.message, "secret"));
    assert_int_equal(mst_store_open("sqlite:/nonexistent/x.db", MST_STORE_READ, &s, &t->err), MST_NOTFOUND);
    assert_non_null(strstr(t->err.message, "/nonexistent/x.db"));
    assert_int_equal(mst_store_open("/nonexistent/x.db", MST_STORE_WRITE, &s, &t->err), MST_NOTFOUND);
    assert_null(s);
    char url[600];
    snprintf(url, sizeof url, "sqlite://%s", path_of(t->url)); // sqlite:///tmp/...
    assert_ok(mst_store_open(url, MST_STORE_READ, &s, err));
    mst_store_close(&s);
    assert_ok(mst_store_open(path_of(t->url), MST_STORE_READ, &s, err));
    mst_store_close(&s);
}

static void
test_store_sqlite_refuses_newer_schema(void **state)
{
    suite_t *t = *state;
    mst_store_close(&t->s);
    must_exec(path_of(t->url), "PRAGMA user_version=99");
    for (int mode = MST_STORE_READ; mode <= MST_STORE_WRITE; mode++) {
        assert_int_equal(mst_store_open(t->url, (mst_store_mode_t)mode, &t->s, &t->err), MST_UNSUPPORTED);
        assert_non_null(strstr(t->err.message, "schema 99"));
    }
}

static void
test_store_sqlite_refuses_foreign_files(void **state)
{
    suite_t *t = *state;
    mst_store_close(&t->s);
    store_suite_drop(t->url);
    store_suite_url(t->url, sizeof t->url);
    must_exec(path_of(t->url), "CREATE TABLE mine(x); INSERT INTO mine VALUES(1)");
    assert_int_equal(mst_store_open(t->url, MST_STORE_WRITE, &t->s, &t->err), MST_PROTO);
    assert_int_equal(must_ask(path_of(t->url), "SELECT count(*) FROM sqlite_schema"), 1); // untouched
    unlink(path_of(t->url));
    FILE *f = fopen(path_of(t->url), "w");
    for (int i = 0; i < 5000; i++)
        fputs("this is no database ", f);
    fclose(f);
    for (int mode = MST_STORE_READ; mode <= MST_STORE_WRITE; mode++) {
        assert_int_equal(mst_store_open(t->url, (mst_store_mode_t)mode, &t->s, &t->err), MST_PROTO);
        assert_null(t->s);
    }
    unlink(path_of(t->url));
    f = fopen(path_of(t->url), "w"); // empty: a writer may take it, a reader finds nothing
    fclose(f);
    assert_int_equal(mst_store_open(t->url, MST_STORE_READ, &t->s, &t->err), MST_NOTFOUND);
    assert_ok(mst_store_open(t->url, MST_STORE_WRITE, &t->s, err));
}

// Another name for the same file is the same database.
static void
test_store_sqlite_second_writer(void **state)
{
    suite_t *t = *state;
    mst_store_t *second = NULL;
    assert_int_equal(mst_store_open(t->url, MST_STORE_WRITE, &second, &t->err), MST_CONFLICT);
    assert_null(second);
    char pid[32];
    snprintf(pid, sizeof pid, "process %ld", (long)getpid());
    assert_non_null(strstr(t->err.message, pid));
    mst_store_close(&t->s);
    assert_ok(mst_store_open(t->url, MST_STORE_WRITE, &second, err));
    mst_store_close(&second);
    assert_ok(mst_store_open(t->url, MST_STORE_WRITE, &t->s, err));
}

static void
test_store_sqlite_second_writer_by_link(void **state)
{
    suite_t *t = *state;
    char link[600];
    mst_store_t *second = NULL;
    snprintf(link, sizeof link, "%s-link", path_of(t->url));
    assert_int_equal(symlink(path_of(t->url), link), 0);
    assert_int_equal(mst_store_open(link, MST_STORE_WRITE, &second, &t->err), MST_CONFLICT);
    assert_null(second);
    unlink(link);
}

static void
test_store_sqlite_column_types(void **state)
{
    suite_t *t = *state;
    int64_t run = suite_new_run(t->s, "run_a");
    suite_fill(t->s, run, 0, 10);
    suite_row_t row;
    suite_make(&row, 10);
    row.r.done.text = mst_str("a\0b", 3);
    assert_ok(mst_store_begin(t->s, err));
    suite_add(t->s, run, &row.r);
    assert_ok(mst_store_commit(t->s, err));
    mst_store_close(&t->s);
    const char *path = path_of(t->url);
    assert_int_equal(must_ask(path, "SELECT count(*) FROM result WHERE typeof(text)='text'"), 10);
    assert_int_equal(must_ask(path, "SELECT count(*) FROM result WHERE typeof(text)='blob'"), 1);
    assert_int_equal(must_ask(path, "SELECT count(*) FROM result WHERE typeof(ttft_ns) NOT IN ('integer','null')"), 0);
    assert_int_equal(must_ask(path, "SELECT count(*) FROM run_rollup WHERE typeof(sum) NOT IN ('real','null')"), 0);
    assert_int_equal(must_ask(path, "SELECT count(*) FROM schema_migration"), must_ask(path, "PRAGMA user_version"));
    assert_ok(mst_store_open(t->url, MST_STORE_WRITE, &t->s, err));
}

static void
test_store_sqlite_score_view(void **state)
{
    suite_t *t = *state;
    int64_t run = suite_new_run(t->s, "run_a");
    suite_fill(t->s, run, 0, 50);
    mst_store_close(&t->s);
    const char *path = path_of(t->url);
    assert_int_equal(must_ask(path, "SELECT count(*) FROM score"), 150);
    assert_int_equal(must_ask(path, "SELECT sum(value) FROM score WHERE scorer_no=0 AND state='ok'"), 43);
    assert_int_equal(must_ask(path, "SELECT count(*) FROM score WHERE json_extract(breakdown,'$.rate')=0.5"), 50);
    assert_int_equal(must_ask(path, "SELECT count(*) FROM result JOIN outcome USING(outcome) WHERE name='scored'"), 46);
    assert_ok(mst_store_open(t->url, MST_STORE_WRITE, &t->s, err));
}

// Adds rows in commits of 100 until one fails; returns how many are committed.
static uint64_t
fill_until_full(mst_store_t *s, int64_t run, mst_err_t *err)
{
    char text[4000];
    memset(text, 'x', sizeof text);
    for (uint64_t i = 0; i < 100000; i++) {
        suite_row_t row;
        suite_make(&row, i);
        row.r.done.text = mst_str(text, sizeof text);
        mst_added_t added;
        mst_rc rc = i % 100 == 0 ? mst_store_begin(s, err) : MST_OK;
        if (rc == MST_OK)
            rc = mst_store_result_add(s, run, &row.r, &suite_origin, &added, err);
        if (rc == MST_OK && i % 100 == 99)
            rc = mst_store_commit(s, err);
        if (rc != MST_OK) {
            mst_store_rollback(s);
            return i / 100 * 100;
        }
    }
    return 0;
}

static void
check_full(mst_store_t *s, int64_t run, uint64_t committed, const mst_err_t *why)
{
    // SQLite tells a full disk apart from other failed writes, a limit or a quota only sometimes
    assert_true(why->rc == MST_FULL || why->rc == MST_IO);
    assert_true(committed > 0);
    suite_keys_t n = {0};
    assert_ok(mst_store_keys(s, run, suite_next_key, &n, err));
    assert_int_equal(n.count, committed);
    suite_same_rollup(s, run);
}

static void
set_file_limit(rlim_t bytes)
{
    struct rlimit lim;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &lim), 0);
    lim.rlim_cur = bytes < lim.rlim_max ? bytes : lim.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &lim), 0);
}

static void
test_store_sqlite_file_limit(void **state)
{
    suite_t *t = *state;
    signal(SIGXFSZ, SIG_IGN);
    int64_t run = suite_new_run(t->s, "run_a");
    set_file_limit(3 * MST_MIB);
    uint64_t committed = fill_until_full(t->s, run, &t->err);
    set_file_limit(RLIM_INFINITY);
    check_full(t->s, run, committed, &t->err);
    suite_fill(t->s, run, 200000, 200100); // there is room again: the same connection goes on
    suite_same_rollup(t->s, run);
}

static void
test_store_sqlite_disk_full(void **state)
{
    suite_t *t = *state;
    mst_store_close(&t->s);
    char dir[] = "/tmp/mst-full-XXXXXX";
    assert_non_null(mkdtemp(dir));
    if (mount("tmpfs", dir, "tmpfs", 0, "size=4m") != 0) {
        print_message("no right to mount a small file system (%s): skipped\n", strerror(errno));
        rmdir(dir);
        skip();
    }
    char url[600], ballast[600];
    snprintf(url, sizeof url, "sqlite:%s/runs.db", dir);
    snprintf(ballast, sizeof ballast, "%s/ballast", dir);
    mst_store_t *s = NULL;
    assert_ok(mst_store_open(url, MST_STORE_WRITE, &s, err));
    int64_t run = suite_new_run(s, "run_a");
    FILE *f = fopen(ballast, "w");
    for (int i = 0; i < 256; i++)
        fprintf(f, "%4096d", i);
    fclose(f);
    uint64_t committed = fill_until_full(s, run, &t->err);
    check_full(s, run, committed, &t->err);
    assert_int_equal(t->err.rc, MST_FULL);
    unlink(ballast);
    suite_fill(s, run, 200000, 200050);
    suite_same_rollup(s, run);
    mst_store_close(&s);
    assert_ok(mst_store_open(url, MST_STORE_READ, &s, err));
    suite_same_rollup(s, run);
    mst_store_close(&s);
    assert_int_equal(umount(dir), 0);
    rmdir(dir);
}

// A million equal times: more than are kept at once, so the percentile is found by counting.
static void
test_store_sqlite_equal_values(void **state)
{
    suite_t *t = *state;
    int64_t run = suite_new_run(t->s, "run_a");
    suite_fill(t->s, run, 0, 2);
    mst_store_close(&t->s);
    // rows and histogram straight into the tables: the store would take minutes under the sanitizers
    must_exec(path_of(t->url),
              "WITH RECURSIVE n(i) AS (SELECT 100 UNION ALL SELECT i+1 FROM n WHERE i<700099) "
              "INSERT INTO result(run_no,target_no,case_no,repeat_no,generation,attempt,outcome,passed,ttft_ns) "
              "SELECT 1,0,i,0,1,1,1,1,CASE WHEN i<200 THEN 7000001 ELSE 7000003 END FROM n;");
    assert_ok(mst_store_open(t->url, MST_STORE_WRITE, &t->s, err));
    mst_hist_t *h = mst_hist_new();
    for (int i = 0; i < 700000; i++)
        mst_hist_add(h, i < 100 ? 7000001 : 7000003);
    mst_hist_add(h, 1000000);
    mst_hist_add(h, 1007919);
    mst_buf_t packed;
    mst_buf_init(&packed, MST_MIB);
    mst_hist_pack(h, &packed);
    mst_store_close(&t->s);
    sqlite3 *db = NULL;
    sqlite3_stmt *st = NULL;
    assert_int_equal(sqlite3_open(path_of(t->url), &db), SQLITE_OK);
    assert_int_equal(
        sqlite3_prepare_v2(db, "UPDATE run_rollup SET sketch=?1, n=700002 WHERE metric='ttft'", -1, &st, NULL),
        SQLITE_OK);
    sqlite3_bind_blob(st, 1, packed.p, (int)packed.n, SQLITE_STATIC);
    assert_int_equal(sqlite3_step(st), SQLITE_DONE);
    sqlite3_finalize(st);
    sqlite3_close(db);
    mst_buf_deinit(&packed);
    mst_hist_free(&h);
    assert_ok(mst_store_open(t->url, MST_STORE_WRITE, &t->s, err));
    mst_quantile_t want[] = {{.metric = MST_METRIC_TTFT, .q = 0},
                             {.metric = MST_METRIC_TTFT, .q = 0.5},
                             {.metric = MST_METRIC_TTFT, .q = 50.0 / 700001},
                             {.metric = MST_METRIC_TTFT, .q = 1}};
    assert_ok(mst_store_quantiles(t->s, run, want, 4, NULL, err));
    assert_true(want[0].value == 1000000);
    assert_true(want[1].value == 7000003);
    assert_true(fabs(want[2].value - 7000001) < 1e-3);
    assert_true(want[3].value == 7000003);
}

#define FIRST_COLUMNS 56 // of table result in the first version

// Drops the columns of table result behind the first n.
static void
must_drop_from(const char *path, int64_t n)
{
    char sql[200];
    while (must_ask(path, "SELECT count(*) FROM pragma_table_info('result')") > n) {
        sqlite3 *db = NULL;
        sqlite3_stmt *st = NULL;
        assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
        static const char last[] = "SELECT name FROM pragma_table_info('result') ORDER BY cid DESC LIMIT 1";
        assert_int_equal(sqlite3_prepare_v2(db, last, -1, &st, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_step(st), SQLITE_ROW);
        snprintf(sql, sizeof sql, "ALTER TABLE result DROP COLUMN %s", (const char *)sqlite3_column_text(st, 0));
        sqlite3_finalize(st);
        sqlite3_close(db);
        must_exec(path, sql);
    }
}

// A file of the first version: rows of then are read, rows of now are added.
static void
test_store_sqlite_first_version(void **state)
{
    suite_t *t = *state;
    mst_err_t e;
    int64_t run = suite_new_run(t->s, "run_a");
    suite_fill(t->s, run, 0, 10);
    mst_store_close(&t->s);
    const char *path = path_of(t->url);
    int64_t version = must_ask(path, "PRAGMA user_version");
    must_drop_from(path, FIRST_COLUMNS);
    must_exec(path, "DELETE FROM schema_migration WHERE version > 1");
    must_exec(path, "PRAGMA user_version=1");
    assert_int_equal(mst_store_open(t->url, MST_STORE_READ, &t->s, &e), MST_NOTFOUND);
    assert_int_equal(mst_store_open(t->url, MST_STORE_WRITE, &t->s, &e), MST_OK);
    suite_fill(t->s, run, 10, 20);
    assert_int_equal(must_ask(path, "SELECT count(*) FROM result WHERE usage_tokens IS NULL"), 10 + 1);
    assert_int_equal(must_ask(path, "SELECT count(*) FROM schema_migration"), version);
    assert_int_equal(must_ask(path, "PRAGMA user_version"), version);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        SUITE_TESTS,
        SUITE_TEST(test_store_sqlite_urls),
        SUITE_TEST(test_store_sqlite_refuses_newer_schema),
        SUITE_TEST(test_store_sqlite_refuses_foreign_files),
        SUITE_TEST(test_store_sqlite_second_writer),
        SUITE_TEST(test_store_sqlite_second_writer_by_link),
        SUITE_TEST(test_store_sqlite_column_types),
        SUITE_TEST(test_store_sqlite_score_view),
        SUITE_TEST(test_store_sqlite_file_limit),
        SUITE_TEST(test_store_sqlite_disk_full),
        SUITE_TEST(test_store_sqlite_equal_values),
        SUITE_TEST(test_store_sqlite_first_version),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
