// PostgreSQL against the conformance suite of the store, on a real server of the test's own; and what concerns it
// alone: several writers, a killed server, rows that it refuses, passwords, partitions, people's SQL.
#include "store_suite.h"

#include "support/pg.h"

static tst_pg_t server;

static void
store_suite_url(char *url, size_t n)
{
    tst_pg_database(&server, url, n);
}

static void
store_suite_drop(const char *url)
{
    (void)url; // goes with the server
}

static int64_t
ask(const char *url, const char *sql)
{
    PGconn *c = PQconnectdb(url);
    PGresult *r = PQexec(c, sql);
    if (PQresultStatus(r) != PGRES_TUPLES_OK || PQntuples(r) != 1)
        fail_msg("%s: %s", sql, PQerrorMessage(c));
    int64_t v = strtoll(PQgetvalue(r, 0, 0), NULL, 10);
    PQclear(r);
    PQfinish(c);
    return v;
}

static void
must(const char *url, const char *sql)
{
    PGconn *c = PQconnectdb(url);
    PGresult *r = PQexec(c, sql);
    if (PQresultStatus(r) != PGRES_COMMAND_OK && PQresultStatus(r) != PGRES_TUPLES_OK)
        fail_msg("%s: %s", sql, PQerrorMessage(c));
    PQclear(r);
    PQfinish(c);
}

static void
test_store_postgresql_two_writers(void **state)
{
    suite_t *t = *state;
    int64_t run = suite_new_run(t->s, "run_a");
    mst_store_t *second = NULL;
    assert_ok(mst_store_open(t->url, MST_STORE_WRITE, &second, err));
    for (uint64_t i = 0; i < 1000; i += 100) // turn by turn: each must see what the other added to the sums
        suite_fill(i % 200 == 0 ? t->s : second, run, i, i + 100);
    suite_same_rollup(t->s, run);
    suite_same_rollup(second, run);
    uint32_t generation = 0;
    assert_ok(mst_store_run_reopen(second, run, &generation, err));
    assert_int_equal(generation, 2);
    suite_row_t row;
    suite_make(&row, 5000);
    assert_ok(mst_store_begin(t->s, err));
    assert_int_equal(suite_add(t->s, run, &row.r), MST_ADDED_FENCED); // the first writer did not know
    assert_ok(mst_store_commit(t->s, err));
    mst_store_close(&second);
}

static void
test_store_postgresql_connection_lost(void **state)
{
    suite_t *t = *state;
    int64_t run = suite_new_run(t->s, "run_a");
    suite_fill(t->s, run, 0, 100);
    assert_ok(mst_store_begin(t->s, err));
    for (uint64_t i = 100; i < 200; i++) {
        suite_row_t row;
        suite_make(&row, i);
        (void)suite_add(t->s, run, &row.r);
    }
    must(t->url, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name='muster'");
    assert_int_equal(mst_store_commit(t->s, &t->err), MST_CLOSED);
    assert_true(t->err.retry == MST_RETRY_LATER);
    suite_fill(t->s, run, 100, 200); // nothing of it was stored; the connection is made anew
    suite_same_rollup(t->s, run);
}

// The server dies at once and comes back: what was committed is there.
static void
test_store_postgresql_server_killed(void **state)
{
    suite_t *t = *state;
    int64_t run = suite_new_run(t->s, "run_a");
    suite_fill(t->s, run, 0, 500);
    tst_pg_kill(&server, SIGQUIT);
    assert_int_equal(mst_store_begin(t->s, &t->err), MST_CLOSED);
    mst_store_t *none = NULL;
    assert_int_equal(mst_store_open(t->url, MST_STORE_READ, &none, &t->err), MST_CLOSED);
    assert_true(tst_pg_up(&server));
    suite_fill(t->s, run, 500, 600);
    suite_keys_t n = {0};
    assert_ok(mst_store_keys(t->s, run, suite_next_key, &n, err));
    assert_int_equal(n.count, 600);
    suite_same_rollup(t->s, run);
}

static void
count_refused(void *ud, mst_added_t added, const mst_err_t *why)
{
    unsigned *n = ud;
    n[added]++;
    if (added == MST_ADDED_REFUSED)
        assert_non_null(strstr(why->message, "no_seven"));
}

// Rows that the server will not take are found; all others are stored.
static void
test_store_postgresql_refused_rows(void **state)
{
    suite_t *t = *state;
    int64_t run = suite_new_run(t->s, "run_a");
    must(t->url, "ALTER TABLE muster.result ADD CONSTRAINT no_seven CHECK (case_no % 100 <> 7)");
    unsigned n[8] = {0};
    assert_ok(mst_store_begin(t->s, err));
    for (uint64_t i = 0; i < 1000; i++) {
        suite_row_t row;
        mst_added_t added;
        suite_make(&row, i);
        assert_ok(mst_store_result_add(t->s, run, &row.r, &suite_origin, &added, err));
        assert_int_equal(added, MST_ADDED_LATER);
    }
    assert_ok(mst_store_settle(t->s, count_refused, n, err));
    assert_ok(mst_store_commit(t->s, err));
    assert_true(n[MST_ADDED_NEW] == 990 && n[MST_ADDED_REFUSED] == 10);
    suite_same_rollup(t->s, run);
    must(t->url, "ALTER TABLE muster.result DROP CONSTRAINT no_seven");
    suite_fill(t->s, run, 2000, 2100);
}

static void
test_store_postgresql_same_key_twice_in_one_settling(void **state)
{
    suite_t *t = *state;
    int64_t run = suite_new_run(t->s, "run_a");
    unsigned n[8] = {0};
    assert_ok(mst_store_begin(t->s, err));
    for (uint64_t i = 0; i < 200; i++) {
        suite_row_t row;
        mst_added_t added;
        suite_make(&row, i % 100);
        assert_ok(mst_store_result_add(t->s, run, &row.r, &suite_origin, &added, err));
    }
    assert_ok(mst_store_settle(t->s, count_refused, n, err));
    assert_ok(mst_store_commit(t->s, err));
    assert_true(n[MST_ADDED_NEW] == 100 && n[MST_ADDED_DUPLICATE] == 100);
    suite_same_rollup(t->s, run);
}

static void
test_store_postgresql_partition(void **state)
{
    suite_t *t = *state;
    mst_run_rec_t r = suite_run("run_large");
    int64_t large = 0, small = suite_new_run(t->s, "run_small");
    r.key_count = 5000000;
    assert_ok(mst_store_run_create(t->s, &r, &large, err));
    suite_fill(t->s, large, 0, 300);
    suite_fill(t->s, small, 0, 200);
    char sql[200];
    snprintf(sql, sizeof sql, "SELECT count(*) FROM muster.result_%lld", (long long)large);
    assert_int_equal(ask(t->url, sql), 300);
    assert_int_equal(ask(t->url, "SELECT count(*) FROM muster.result_small"), 200);
    suite_same_rollup(t->s, large);
}

static void
test_store_postgresql_urls(void **state)
{
    suite_t *t = *state;
    mst_store_t *s = NULL;
    char url[400];
    assert_int_equal(mst_store_open("postgresql://u:hunter2@localhost/x", MST_STORE_WRITE, &s, &t->err), MST_INVAL);
    assert_null(strstr(t->err.message, "hunter2"));
    assert_non_null(strstr(t->err.message, "PGPASSFILE"));
    tst_pg_conninfo(&server, "no_such_database", url, sizeof url);
    assert_int_equal(mst_store_open(url, MST_STORE_WRITE, &s, &t->err), MST_NOTFOUND);
    tst_pg_conninfo(&server, "postgres", url, sizeof url);
    assert_int_equal(mst_store_open(url, MST_STORE_READ, &s, &t->err), MST_NOTFOUND); // nothing of ours in it
    assert_non_null(strstr(t->err.message, "holds no run yet"));
    must(t->url, "UPDATE muster.schema_migration SET version=99");
    assert_int_equal(mst_store_open(t->url, MST_STORE_WRITE, &s, &t->err), MST_UNSUPPORTED);
    must(t->url, "UPDATE muster.schema_migration SET version=1");
}

// A column that this program knows and the table has not is added.
static void
test_store_postgresql_older_table(void **state)
{
    suite_t *t = *state;
    mst_store_t *s = NULL;
    int64_t run = suite_new_run(t->s, "run_a");
    mst_store_close(&t->s);
    must(t->url, "ALTER TABLE muster.result DROP COLUMN comments");
    assert_int_equal(mst_store_open(t->url, MST_STORE_READ, &s, &t->err), MST_NOTFOUND);
    assert_non_null(strstr(t->err.message, "older schema"));
    assert_ok(mst_store_open(t->url, MST_STORE_WRITE, &t->s, err));
    suite_fill(t->s, run, 0, 50); // the new column stands last in the table
    suite_same_rollup(t->s, run);
}

static void
test_store_postgresql_score_view(void **state)
{
    suite_t *t = *state;
    int64_t run = suite_new_run(t->s, "run_a");
    suite_fill(t->s, run, 0, 70);
    assert_int_equal(ask(t->url, "SELECT count(*) FROM muster.score WHERE scorer_no=0 AND passed"), 60);
    assert_int_equal(ask(t->url, "SELECT count(*) FROM muster.result r JOIN muster.outcome o USING (outcome) "
                                 "WHERE o.measured"),
                     64);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        SUITE_TESTS,
        SUITE_TEST(test_store_postgresql_two_writers),
        SUITE_TEST(test_store_postgresql_connection_lost),
        SUITE_TEST(test_store_postgresql_server_killed),
        SUITE_TEST(test_store_postgresql_refused_rows),
        SUITE_TEST(test_store_postgresql_same_key_twice_in_one_settling),
        SUITE_TEST(test_store_postgresql_partition),
        SUITE_TEST(test_store_postgresql_urls),
        SUITE_TEST(test_store_postgresql_older_table),
        SUITE_TEST(test_store_postgresql_score_view),
    };
    if (!tst_pg_start(&server)) {
        tst_pg_stop(&server);
        return 77;
    }
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    tst_pg_stop(&server);
    return failed;
}
