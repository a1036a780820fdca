// The columns of table result, once for all members: their order, what each holds, and a result as cells and back.
// One more column: a place in one of the lists below, a line in mst_row_cells and one in mst_row_result, a migration of
// each member, a row in docs/reference/database.md.
#ifndef MST_STORE_COLUMNS_H
#define MST_STORE_COLUMNS_H

#include "common/model/result.h"

// In the order of the table as it was first made, numbers first, so that a scan of numbers never walks the pages of
// long text; columns of later versions stand at the end of the table. X(name)
// clang-format off
#define MST_RESULT_NUMBERS(X)                                                                                      \
    X(run_no) X(target_no) X(case_no) X(repeat_no) X(generation) X(attempt) X(outcome) X(passed) X(origin_no)      \
    X(ttft_ns) X(last_token_ns) X(tpot_ns) X(ttfo_ns) X(ttfb_ns) X(close_ns) X(queue_ns) X(send_mono_ns)           \
    X(send_source) X(rx_source) X(prompt_tokens) X(completion_tokens) X(reasoning_tokens) X(token_source)          \
    X(event_count) X(logprob_count) X(merged_reads) X(comments) X(flags) X(http_status) X(attempts) X(lease_id)    \
    X(started_wall_ns) X(finished_wall_ns) X(error_rc) X(error_retry) X(error_sub) X(usage_tokens)  \
    X(cached_tokens) X(load_step) X(arrival_no) X(sched_mono_ns) X(admit_mono_ns) X(sched_ttft_ns)             \
    X(sched_e2e_ns) X(io_busy) X(io_wait)
#define MST_RESULT_TEXTS(X)                                                                                        \
    X(case_digest) X(case_id) X(slices) X(finish_reason) X(model) X(system_fingerprint) X(request_id) X(server)    \
    X(error_text) X(scores) X(input) X(expected) X(case_extra) X(text) X(reasoning) X(refusal) X(tool_calls)       \
    X(events) X(raw_request) X(raw_response) X(steps) X(choices) X(answer_extra)
// clang-format on
#define MST_COLUMN_ENUM(name) MST_COL_##name,

typedef enum { MST_RESULT_NUMBERS(MST_COLUMN_ENUM) MST_RESULT_TEXTS(MST_COLUMN_ENUM) MST_COL_COUNT } mst_column_t;

#define MST_COL_TEXT_FIRST MST_COL_case_digest

extern const char *const mst_result_columns[MST_COL_COUNT];
bool mst_column_is_bytes(mst_column_t c); // of the texts: bytes by nature, never text

// One value of a row. Numbers use i, all others s.
typedef struct {
    bool null;
    int64_t i;
    mst_str_t s;
} mst_cell_t;

// The row of a result. origin_no 0: none. scores: the column, as mst_scores_write makes it. Cells borrow from r.
void mst_row_cells(int64_t run_no, const mst_result_t *r, int64_t origin_no, mst_str_t scores,
                   mst_cell_t out[MST_COL_COUNT]);
// The result of a row, without its scores, which mst_scores_read takes from cell MST_COL_scores. Borrows from cells.
void mst_row_result(const mst_cell_t cells[MST_COL_COUNT], mst_result_t *r);

// Which columns a scan wants; the others may be null.
bool mst_column_wanted(mst_column_t c, bool text, bool events, bool scores);

#endif
