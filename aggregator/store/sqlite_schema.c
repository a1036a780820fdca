// The schema, version by version. Forward only: a version that was released is never edited, a change is a new one
// at the end. PRAGMA user_version says how far a file is; table schema_migration says when and by what text.
#include "aggregator/store/sqlite.h"

#include "common/base/clock.h"
#include "common/base/hash.h"

#include <stdio.h>

#define APPLICATION_ID 0x4d555354 // "MUST"

typedef struct {
    const char *name;
    const char *sql;
} migration_t;

// Result: a rowid table with a unique index, which takes rows in key order about 1.4 times as fast as WITHOUT ROWID.
// Text columns hold TEXT, or BLOB where the bytes are not UTF-8 without NUL.
static const migration_t migrations[] = {
    {"runs, origins, results, rollups",
     "CREATE TABLE schema_migration(version INTEGER PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL,"
     " applied_at TEXT NOT NULL);"
     "CREATE TABLE run(run_no INTEGER PRIMARY KEY AUTOINCREMENT, run_id TEXT NOT NULL UNIQUE, name TEXT,"
     " description TEXT, state INTEGER NOT NULL, state_reason TEXT, generation INTEGER NOT NULL, spec TEXT,"
     " spec_digest TEXT, dataset_path TEXT, dataset_digest TEXT, dataset_hash TEXT, case_count INTEGER NOT NULL,"
     " refused_rows INTEGER NOT NULL, target_count INTEGER NOT NULL, repeat_count INTEGER NOT NULL,"
     " key_count INTEGER, git_sha TEXT, git_branch TEXT, muster_version TEXT, started_wall_ns INTEGER,"
     " finished_wall_ns INTEGER, active_ns INTEGER NOT NULL, exit_code INTEGER);"
     "CREATE TABLE origin(origin_no INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE, host TEXT, device TEXT,"
     " driver TEXT, engine TEXT, engine_version TEXT, model TEXT, model_revision TEXT, endpoint TEXT);"
     "CREATE TABLE result(run_no INTEGER NOT NULL, target_no INTEGER NOT NULL, case_no INTEGER NOT NULL,"
     " repeat_no INTEGER NOT NULL, generation INTEGER NOT NULL, attempt INTEGER NOT NULL, outcome INTEGER NOT NULL,"
     " passed INTEGER NOT NULL, origin_no INTEGER, ttft_ns INTEGER, last_token_ns INTEGER, tpot_ns INTEGER,"
     " ttfo_ns INTEGER, ttfb_ns INTEGER, close_ns INTEGER, queue_ns INTEGER, send_mono_ns INTEGER,"
     " send_source INTEGER, rx_source INTEGER, prompt_tokens INTEGER, completion_tokens INTEGER,"
     " reasoning_tokens INTEGER, token_source INTEGER, event_count INTEGER, logprob_count INTEGER,"
     " merged_reads INTEGER, comments INTEGER, flags INTEGER, http_status INTEGER, attempts INTEGER,"
     " lease_id INTEGER, started_wall_ns INTEGER, finished_wall_ns INTEGER, error_rc INTEGER, error_retry INTEGER,"
     " error_sub INTEGER, case_digest BLOB, case_id TEXT, slices TEXT, finish_reason TEXT, model TEXT,"
     " system_fingerprint TEXT, request_id TEXT, server TEXT, error_text TEXT, scores TEXT, input TEXT, expected"
     " TEXT, case_extra TEXT, text TEXT, reasoning TEXT, refusal TEXT, tool_calls TEXT, events BLOB, raw_request"
     " BLOB, raw_response BLOB);"
     "CREATE UNIQUE INDEX result_key ON result(run_no, target_no, case_no, repeat_no);"
     "CREATE TABLE run_rollup(run_no INTEGER NOT NULL, metric TEXT NOT NULL, n INTEGER NOT NULL,"
     " n_pass INTEGER NOT NULL, n_missing INTEGER NOT NULL, n_error INTEGER NOT NULL, sum REAL, sum_c REAL,"
     " sumsq REAL, sumsq_c REAL, min REAL, max REAL, first_ns INTEGER, last_ns INTEGER, sketch BLOB,"
     " PRIMARY KEY(run_no, metric)) WITHOUT ROWID;"
     "CREATE TABLE outcome(outcome INTEGER PRIMARY KEY, name TEXT NOT NULL, measured INTEGER NOT NULL);"
     // one row a score, for people's SQL: SELECT avg(value) FROM score WHERE run_no = 1 AND scorer_no = 0
     "CREATE VIEW score AS SELECT r.run_no, r.target_no, r.case_no, r.repeat_no, r.case_id, r.outcome,"
     " json_extract(j.value, '$.i') AS scorer_no, json_extract(j.value, '$.state') AS state,"
     " json_extract(j.value, '$.value') AS value, json_extract(j.value, '$.passed') AS passed,"
     " json_extract(j.value, '$.reason') AS reason, json_extract(j.value, '$.breakdown') AS breakdown,"
     " json_extract(j.value, '$.time_ns') AS time_ns FROM result r, json_each(r.scores) j;"},
    {"the server's own count of tokens beside the one by logprobs",
     "ALTER TABLE result ADD COLUMN usage_tokens INTEGER;"},
    {"steps of a case", "ALTER TABLE result ADD COLUMN steps TEXT;"},
    {"further choices, cached tokens, what else an answer brought",
     "ALTER TABLE result ADD COLUMN cached_tokens INTEGER; ALTER TABLE result ADD COLUMN choices TEXT;"
     "ALTER TABLE result ADD COLUMN answer_extra TEXT;"},
    // the phase is in flags (16: warm-up, 32: drain): it is looked at in every scan of numbers
    {"loads: schedule, phases and levels, how busy the worker was",
     "ALTER TABLE result ADD COLUMN load_step INTEGER; ALTER TABLE result ADD COLUMN arrival_no INTEGER;"
     "ALTER TABLE result ADD COLUMN sched_mono_ns INTEGER; ALTER TABLE result ADD COLUMN admit_mono_ns INTEGER;"
     "ALTER TABLE result ADD COLUMN sched_ttft_ns INTEGER; ALTER TABLE result ADD COLUMN sched_e2e_ns INTEGER;"
     "ALTER TABLE result ADD COLUMN io_busy INTEGER; ALTER TABLE result ADD COLUMN io_wait INTEGER;"},
};

#define VERSION_NOW ((int)(sizeof migrations / sizeof migrations[0]))

static mst_rc
pragma_int(mst_sqlite_t *s, const char *sql, int64_t *out, mst_err_t *err)
{
    sqlite3_stmt *st = NULL;
    mst_rc rc = mst_sqlite_prepare(s, sql, &st, err);
    if (rc != MST_OK)
        return rc;
    int code = sqlite3_step(st);
    if (code == SQLITE_ROW)
        *out = sqlite3_column_int64(st, 0);
    else
        rc = mst_sqlite_fail(s, code, "read", err);
    sqlite3_finalize(st);
    return rc;
}

// Refuses a file that is not ours, or from a newer muster. An empty one passes in a writer's hands.
mst_rc
mst_sqlite_check(mst_sqlite_t *s, mst_err_t *err)
{
    int64_t version = 0, application = 0, objects = 0;
    mst_rc rc = pragma_int(s, "PRAGMA user_version", &version, err);
    if (rc == MST_OK)
        rc = pragma_int(s, "PRAGMA application_id", &application, err);
    if (rc == MST_OK)
        rc = pragma_int(s, "SELECT count(*) FROM sqlite_schema", &objects, err);
    if (rc != MST_OK)
        return rc;
    s->base.schema = (mst_store_schema_t){.before = (int)version, .now = VERSION_NOW};
    bool empty = objects == 0 && version == 0;
    if (!empty && application != APPLICATION_ID)
        return MST_ERR(err, MST_PROTO, "\"%s\" is a database, but not one of muster's; name another with --db",
                       s->path);
    if (version > VERSION_NOW)
        return MST_ERR(err, MST_UNSUPPORTED,
                       "database \"%s\" has schema %lld, this muster knows up to %d; use a newer "
                       "muster",
                       s->path, (long long)version, VERSION_NOW);
    if (s->base.mode == MST_STORE_READ && version < VERSION_NOW)
        return MST_ERR(err, MST_NOTFOUND,
                       "database \"%s\" has schema %lld, expected %d; the next run brings it up to date, or `muster "
                       "db migrate`", s->path,
                       (long long)version, VERSION_NOW);
    return MST_OK;
}

static mst_rc
record_migration(mst_sqlite_t *s, int version, mst_err_t *err)
{
    const migration_t *m = &migrations[version - 1];
    mst_digest_t digest = mst_sha256(mst_str_c(m->sql));
    char hex[2 * MST_SHA256_BYTES + 1], at[32];
    mst_digest_hex(&digest, hex);
    mst_wall_iso(mst_wall_ns(), at, sizeof at);
    sqlite3_stmt *st = NULL;
    mst_rc rc = mst_sqlite_prepare(s, "INSERT INTO schema_migration VALUES(?1,?2,?3,?4)", &st, err);
    if (rc != MST_OK)
        return rc;
    int code = sqlite3_bind_int(st, 1, version) | sqlite3_bind_text(st, 2, m->name, -1, SQLITE_STATIC) |
               sqlite3_bind_text(st, 3, hex, -1, SQLITE_STATIC) | sqlite3_bind_text(st, 4, at, -1, SQLITE_STATIC);
    if (code == SQLITE_OK)
        code = sqlite3_step(st);
    rc = code == SQLITE_DONE ? MST_OK : mst_sqlite_fail(s, code, "migrate", err);
    sqlite3_finalize(st);
    return rc;
}

// The outcome numbers, spelt out for people's SQL; filled from the one table of names.
static mst_rc
fill_outcomes(mst_sqlite_t *s, mst_err_t *err)
{
    for (int i = 0; i < MST_OUTCOME_MAX; i++) {
        const char *name = mst_outcome_name((mst_outcome_t)i);
        if (!name)
            continue;
        char sql[160];
        snprintf(sql, sizeof sql, "INSERT OR REPLACE INTO outcome VALUES(%d,'%s',%d)", i, name,
                 mst_outcome_measured((mst_outcome_t)i));
        mst_rc rc = mst_sqlite_exec(s, sql, "migrate", err);
        if (rc != MST_OK)
            return rc;
    }
    return MST_OK;
}

static mst_rc
apply(mst_sqlite_t *s, int from, mst_err_t *err)
{
    mst_rc rc = MST_OK;
    for (int version = from + 1; version <= VERSION_NOW && rc == MST_OK; version++) {
        rc = mst_sqlite_exec(s, migrations[version - 1].sql, "migrate", err);
        if (rc == MST_OK)
            rc = record_migration(s, version, err);
    }
    if (rc == MST_OK)
        rc = fill_outcomes(s, err);
    char sql[128];
    snprintf(sql, sizeof sql, "PRAGMA user_version=%d; PRAGMA application_id=%d", VERSION_NOW, APPLICATION_ID);
    return rc == MST_OK ? mst_sqlite_exec(s, sql, "migrate", err) : rc;
}

mst_rc
mst_sqlite_migrate(mst_sqlite_t *s, mst_err_t *err)
{
    int64_t version = 0;
    mst_rc rc = pragma_int(s, "PRAGMA user_version", &version, err);
    if (rc != MST_OK || version == VERSION_NOW)
        return rc;
    rc = mst_sqlite_exec(s, "BEGIN IMMEDIATE", "migrate", err);
    if (rc != MST_OK)
        return rc;
    rc = apply(s, (int)version, err);
    if (rc == MST_OK)
        rc = mst_sqlite_exec(s, "COMMIT", "migrate", err);
    if (rc != MST_OK && !sqlite3_get_autocommit(s->db))
        (void)mst_sqlite_exec(s, "ROLLBACK", "migrate", NULL);
    return rc;
}
