// The store: runs, results, rollups. One interface, two members (SQLite, PostgreSQL), one conformance suite. The table
// of results is the only truth.
//
// Writing: one connection, one thread; BEGIN IMMEDIATE .. COMMIT; WAL, synchronous=FULL; the writer also
// checkpoints. Reading: separate read-only connections.
// Result key: (run_no, target_no, case_no, repeat_no); writing it twice changes nothing and is counted.
#ifndef MST_STORE_STORE_H
#define MST_STORE_STORE_H

#include "common/base/hash.h"
#include "common/base/limits.h"
#include "common/base/mem.h"
#include "common/model/result.h"
#include "common/stats/stats.h"

typedef struct mst_store mst_store_t;

typedef enum { MST_STORE_READ, MST_STORE_WRITE } mst_store_mode_t;

typedef enum {
    MST_RUN_RUNNING = 1,
    MST_RUN_DONE,        // every case terminal
    MST_RUN_INTERRUPTED, // resumable
    MST_RUN_ABORTED,     // resumable; reason says why
    MST_RUN_BUDGET_STOP, // resumable, with a larger budget; reason says how much was spent
} mst_run_state_t;

const char *mst_run_state_name(mst_run_state_t s);

typedef struct {
    int64_t run_no;   // key in this store; 0 = not stored yet
    mst_str_t run_id; // run_YYYYMMDD_HHMMSS_<8hex>
    mst_str_t name, description;
    mst_run_state_t state;
    mst_str_t state_reason;
    uint32_t generation;
    mst_str_t spec;        // canonical JSON
    mst_str_t spec_digest; // hex
    mst_str_t dataset_path;
    mst_str_t dataset_digest; // hex SHA-256 of the bytes
    mst_str_t dataset_hash;   // hex, order-free; empty until the whole dataset was read
    uint64_t case_count;      // accepted rows; 0 until known
    uint64_t refused_rows;
    uint32_t target_count, repeat_count;
    int64_t key_count; // cases x targets x repeats, -1 until known
    mst_str_t git_sha, git_branch;
    mst_str_t muster_version;
    int64_t started_wall_ns, finished_wall_ns; // 0 = not yet
    int64_t active_ns;                         // time spent running, over all sessions
    int exit_code;                             // -1 = none yet
} mst_run_rec_t;

// url: "sqlite:PATH" or a bare path, or "postgresql://HOST/DATABASE". Creates and migrates in WRITE mode; refuses a
// newer schema by number.
// MST_NOTFOUND (READ of a missing file), MST_CONFLICT (another process writes; its pid is named), MST_PROTO (not a
// database, or not ours), MST_UNSUPPORTED (newer schema, or a scheme that is not built in), MST_DENIED, MST_IO,
// MST_FULL, MST_CLOSED (no server answers).
MST_NODISCARD mst_rc mst_store_open(const char *url, mst_store_mode_t mode, mst_store_t **out, mst_err_t *err);
// The file that a URL names; it need not be there. Empty: it names none.
const char *mst_store_file(const char *url);
void mst_store_close(mst_store_t **s);

typedef struct {
    int before, now;        // versions: as it was found (0: there was none) and since it was opened
    uint32_t columns_added; // without a version of their own
} mst_store_schema_t;

mst_store_schema_t mst_store_schema(const mst_store_t *s);

// All reading between the two sees one state of the database. Not inside a transaction.
MST_NODISCARD mst_rc mst_store_read_begin(mst_store_t *s, mst_err_t *err);
void mst_store_read_end(mst_store_t *s);

// Runs. Strings of *out live in arena.
MST_NODISCARD mst_rc mst_store_run_create(mst_store_t *s, const mst_run_rec_t *r, int64_t *out_run_no, mst_err_t *err);
// All fields but run_no and run_id.
MST_NODISCARD mst_rc mst_store_run_update(mst_store_t *s, const mst_run_rec_t *r, mst_err_t *err);
// By run id, a unique prefix of one, "latest", or number.
MST_NODISCARD mst_rc mst_store_run_get(mst_store_t *s, mst_str_t which, mst_arena_t *arena, mst_run_rec_t *out,
                                       mst_err_t *err);
typedef bool mst_store_run_fn(void *ud, const mst_run_rec_t *r); // newest first; false = stop
MST_NODISCARD mst_rc mst_store_run_list(mst_store_t *s, mst_store_run_fn *fn, void *ud, mst_err_t *err);
// Prepares a run for --resume: rows whose outcome is not measured are removed (they are asked again), rollups
// follow, generation grows by one, state becomes running. One transaction.
MST_NODISCARD mst_rc mst_store_run_reopen(mst_store_t *s, int64_t run_no, uint32_t *out_generation, mst_err_t *err);
// The run, its results and its rollup, in one transaction. MST_NOTFOUND: no such run.
MST_NODISCARD mst_rc mst_store_run_delete(mst_store_t *s, int64_t run_no, mst_err_t *err);
// Rows of a table ("result", "run_rollup") whose run is not there: their number. False = stop.
typedef bool mst_store_stray_fn(void *ud, const char *table, int64_t run_no, uint64_t rows);
MST_NODISCARD mst_rc mst_store_strays(mst_store_t *s, mst_store_stray_fn *fn, void *ud, mst_err_t *err);

// Results.
MST_NODISCARD mst_rc mst_store_begin(mst_store_t *s, mst_err_t *err);

typedef enum {
    MST_ADDED_NEW = 1,
    MST_ADDED_DUPLICATE, // the key was there already; nothing changed
    MST_ADDED_FENCED,    // of an older generation than the run's; nothing changed
    MST_ADDED_LATER,     // mst_store_settle will tell
    MST_ADDED_REFUSED,   // by mst_store_settle alone: the database will not take this row; nothing changed
} mst_added_t;

// Inside a transaction; nothing of r or origin is kept. Input and expected are stored where repeat_no is 0
// (the other rows of the case would repeat them). MST_INVAL: a row that can never be stored
// (cancelled, no such outcome, a score that is not finite, a generation from the future); MST_NOTFOUND: no such
// run. After these two the transaction goes on; after any other error roll back.
MST_NODISCARD mst_rc mst_store_result_add(mst_store_t *s, int64_t run_no, const mst_result_t *r,
                                          const mst_origin_t *origin, mst_added_t *out, mst_err_t *err);
// Once for each MST_ADDED_LATER since the last settling, in the order of adding. why: of MST_ADDED_REFUSED alone.
typedef void mst_store_settled_fn(void *ud, mst_added_t added, const mst_err_t *why);
// What waits goes to the database, inside the transaction. fn may be NULL. On an error roll back.
MST_NODISCARD mst_rc mst_store_settle(mst_store_t *s, mst_store_settled_fn *fn, void *ud, mst_err_t *err);
// Settles, and commits. Rollups of the new rows go into the same transaction. MST_CLOSED: the connection was lost, and
// whether the rows are stored is not known: add them again, those that are will be duplicates.
// MST_FULL, MST_IO: nothing of it is stored; the
// connection is usable again after mst_store_rollback.
MST_NODISCARD mst_rc mst_store_commit(mst_store_t *s, mst_err_t *err);
void mst_store_rollback(mst_store_t *s);

typedef bool mst_store_key_fn(void *ud, const mst_key_t *key);
// Every key of the run that has a result, in key order.
MST_NODISCARD mst_rc mst_store_keys(mst_store_t *s, int64_t run_no, mst_store_key_fn *fn, void *ud, mst_err_t *err);
typedef bool mst_store_result_fn(void *ud, const mst_result_t *r, const mst_origin_t *origin);

typedef struct {
    mst_str_t case_id; // empty = all
    bool with_text;    // input, expected, answer
    bool with_events;  // packed column and raw exchange
    bool with_scores;
    bool measured_only;
    bool unmeasured_only;
    bool broken_scores; // a row whose scores cannot be read comes with score_count MST_SCORES_BROKEN, else it ends all
    bool one_generation;
    uint32_t generation; // with one_generation
} mst_store_scan_t;

#define MST_SCORES_BROKEN UINT32_MAX

// In key order; the record is valid during the call.
MST_NODISCARD mst_rc mst_store_results(mst_store_t *s, int64_t run_no, const mst_store_scan_t *what,
                                       mst_store_result_fn *fn, void *ud, mst_err_t *err);

typedef enum { MST_METRIC_TTFT, MST_METRIC_E2E, MST_METRIC_TPOT, MST_METRIC_COUNT } mst_metric_t; // all in ns

// Rollups: exact sums and histograms kept beside the rows, in the same transactions.
typedef struct {
    uint64_t total; // rows
    uint64_t aside; // rows outside the main phase of a load: in total, and counted nowhere else
    uint64_t passed;
    uint64_t outcomes[MST_OUTCOME_MAX];
    uint64_t sliced; // rows whose case names slices
    uint64_t prompt_tokens, completion_tokens;
    // of measured rows alone, but for scorer_errors
    mst_moments_t scorers[MST_SCORERS_MAX];        // by index in the run's scorers of scope case; state ok only
    uint64_t scorer_not_measured[MST_SCORERS_MAX]; // not measured or skipped
    uint64_t scorer_errors[MST_SCORERS_MAX];
    mst_hist_t *hist[MST_METRIC_COUNT];  // ns; owned: mst_rollup_deinit
    int64_t first_wall_ns, last_wall_ns; // earliest start and latest end of a measured row; 0 = none
} mst_rollup_t;

// *out is filled anew; give it to mst_rollup_deinit, after an error too.
MST_NODISCARD mst_rc mst_store_rollup(mst_store_t *s, int64_t run_no, mst_rollup_t *out, mst_err_t *err);
void mst_rollup_deinit(mst_rollup_t *r);
// The writer's own rollup of a run that it has added rows to, those of the open transaction included; valid until
// the next call on s. NULL: none in memory.
const mst_rollup_t *mst_store_live(mst_store_t *s, int64_t run_no);

// Exact percentiles (type 7) and sums of measured rows, in bounded memory: the rollup's histogram brackets the
// rank, one scan of the rows collects what lies inside (more scans when that is too much).
typedef struct {
    mst_metric_t metric;
    double q;     // in [0, 1]
    double value; // out: ns; NaN when no row has the metric
} mst_quantile_t;

// want: at most 64. sums: MST_METRIC_COUNT places, or NULL; passed is not counted in them.
MST_NODISCARD mst_rc mst_store_quantiles(mst_store_t *s, int64_t run_no, mst_quantile_t *want, size_t count,
                                         mst_moments_t *sums, mst_err_t *err);
// The same of the rows of one target; its histogram takes a scan more.
MST_NODISCARD mst_rc mst_store_target_quantiles(mst_store_t *s, int64_t run_no, uint32_t target_no,
                                                mst_quantile_t *want, size_t count, mst_moments_t *sums,
                                                mst_err_t *err);

#endif
