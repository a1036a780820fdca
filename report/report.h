// Reports: numbers of a run, once computed, then rendered. Pure: results come through an iterator that cli
// passes in, output goes to a buffer that the caller writes out.
#ifndef MST_REPORT_REPORT_H
#define MST_REPORT_REPORT_H

#include "common/base/buf.h"
#include "common/config/run_config.h"
#include "common/json/json.h"
#include "common/model/result.h"
#include "common/stats/paired.h"
#include "common/stats/stats.h"

typedef struct {
    uint64_t n;                           // values
    double mean, min, p50, p90, p99, max; // exact, in ms; NaN when n == 0
} mst_latency_numbers_t;

// One reduction of the repeats of each case, over all cases that have enough of them.
typedef struct {
    mst_reduce_t reduce;
    uint64_t cases, passed; // cases with a value, and those whose value passes
    uint64_t short_cases;   // measured less often than the reduction needs: no value
    double mean, se;        // over the cases; se: standard error, one value a case; NaN when there are too few
} mst_reduced_t;

typedef struct {
    mst_str_t label, tier;
    double threshold;
    bool run_scope;
    uint64_t n, n_pass, not_measured, errors;
    double mean, min, max, pass_rate; // NaN when n == 0
    double ci_lo, ci_hi;              // 95 % Wilson interval of the pass rate
    mst_score_t run_score;            // when run_scope
    const mst_reduced_t *reduced;     // the first decides; none when cases are asked once, or run_scope
    size_t reduced_count;
    double weight;                    // in the weighted mean; 0: shown, decides nothing
} mst_scorer_numbers_t;

typedef struct {
    uint64_t n, n_pass, not_measured, errors;
    double mean, min, max; // NaN when n == 0
    const mst_reduced_t *reduced;
    size_t reduced_count;
} mst_slice_scorer_t;

// The cases of one slice or tag.
typedef struct {
    mst_str_t kind, name; // kind: "slice" or "tag"
    uint64_t total, measured, passed; // as in the run's own numbers
    const mst_slice_scorer_t *scorers; // as many as the run's; those of scope run stay empty
} mst_slice_numbers_t;

// One of several targets, over its own results.
typedef struct {
    mst_str_t label, provider;
    uint64_t total; // its keys; 0 = not known
    uint64_t done, measured, passed;
    double coverage; // of total, or of done when that is not known
    mst_latency_numbers_t ttft, e2e, tpot;
    const mst_slice_scorer_t *scorers; // as many as the run's; those of scope run stay empty
    // less the first target, over the cases that both answered; times in ms
    bool compared;
    mst_shift_t ttft_shift, e2e_shift, tpot_shift, pass_shift;
    const mst_shift_t *score_shifts; // as many as the run's scorers
} mst_side_t;

typedef struct {
    mst_str_t run_id, name, description, dataset_digest, dataset_hash, dataset_path, git_sha, git_branch;
    mst_str_t state, state_reason, version;
    uint64_t case_count; // accepted rows; 0 = not known
    uint32_t target_count, repeat_count;
    uint64_t keys_total; // cases x targets x repeats; 0 = not known (then keys_done stands for it)
    uint64_t keys_done, measured, passed, refused_rows;
    double coverage, min_coverage; // measured / keys_total; NaN when there is none
    uint64_t outcomes[MST_OUTCOME_MAX];
    mst_str_t outcome_why[MST_OUTCOME_MAX]; // of an unmeasured outcome: what one such case says; empty = not known
    mst_scorer_numbers_t *scorers;
    size_t scorer_count;
    // filled by mst_groups_finish
    const mst_slice_numbers_t *slices;
    size_t slice_count;
    uint64_t slices_left_out;             // times that a row named a slice beyond the first MST_SLICES_MAX
    bool reduces;                         // a case's repeats end in one verdict: `reduce` is configured
    uint64_t cases_judged, cases_passed;  // by the first reduction of each scorer
    mst_side_t *sides; // of several targets (report/sides.h)
    size_t side_count;
    mst_latency_numbers_t ttft, e2e, tpot;
    uint64_t prompt_tokens, completion_tokens;
    bool cache;      // the run used the response cache
    uint64_t cached; // results that came from it, some of their steps at least
    // NaN when not measured. Rates are over the window from the first start to the last end of a measured case.
    double wall_s, requests_window_s, cases_per_s, tokens_per_s;
    int64_t started_wall_ns, finished_wall_ns;
    bool weighted;     // a scorer has a weight, so weighted means are shown
    const struct mst_load_numbers *load; // of a run with a load (report/load.h); NULL: none
    bool gates_failed; // a run-scope scorer failed
    bool interrupted, aborted;
    bool budget_stop; // it ended where its budget did
    // what it spent: known when it has prices or a budget
    bool has_spent, has_prices;
    uint64_t spent_requests, spent_tokens;
    double spent_money;
    const mst_budget_cfg_t *budget; // NULL: none
    // of the session that has just ended; 0: no such thing was told
    uint64_t retries, place_raises, place_cuts;
    uint32_t places_end, places_lowest;
    mst_str_t db;    // --db that the commands shown need, or empty
    mst_str_t go_on; // how to go on when it did not end; empty = muster run --resume
    int exit_code; // of mst_report_exit_code, or what the caller knows better; shown as the verdict
} mst_run_numbers_full_t;

// The mean of all scores of the cases' scorers, each with its scorer's weight; NaN when there is none. Equal to the
// mean of the cases' weighted scores when every scorer has measured every case.
double mst_report_weighted_mean(const mst_run_numbers_full_t *r);

// The exit code, decided in this order (docs/reference/exit-codes.md): 130 interrupted, 2 nothing usable in the
// data, 4 aborted or nothing measurable because of infrastructure, 1 a measured case or a gate failed, 3 coverage
// under min_coverage, 0.
int mst_report_exit_code(const mst_run_numbers_full_t *r);

// The sentence behind r->exit_code, such as "2 of 30 measured cases failed". Appended.
void mst_report_verdict(const mst_run_numbers_full_t *r, mst_buf_t *out);

// A line with the command that comes next, such as "see them with: muster show RUN --failed"; appends nothing when
// there is nothing to do.
void mst_report_next(const mst_run_numbers_full_t *r, mst_buf_t *out);

// Console summary, for people. colour: ANSI colours. width: columns of the terminal; 0 = not known.
void mst_report_console(const mst_run_numbers_full_t *r, bool colour, int width, mst_buf_t *out);

// The JSON document, in pieces, so that no list of results is held: head, one call a result, tail.
void mst_report_json_head(const mst_run_numbers_full_t *r, mst_buf_t *out);
void mst_report_json_result(const mst_result_t *res, const mst_origin_t *origin, const mst_run_numbers_full_t *r,
                            bool first, mst_buf_t *out);
void mst_report_json_tail(const mst_run_numbers_full_t *r, mst_buf_t *out);
// One result for people: `muster show RUN --case ID`, and --verbose. Control characters of model text are shown
// as \xNN, so that an answer cannot drive the terminal.
void mst_report_case(const mst_result_t *res, const mst_origin_t *origin, const mst_run_numbers_full_t *r, bool colour,
                     mst_buf_t *out);

#endif
