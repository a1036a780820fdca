// The client's side of a run: submits it, follows RunStatus, draws the progress line, passes Ctrl-C on.
// Thread: the caller's; blocks until the run has ended or the user stopped it.
#ifndef MST_CLI_FOLLOW_H
#define MST_CLI_FOLLOW_H

#include "aggregator/store/store.h"
#include "cli/spend.h"

typedef struct {
    const char *client_endpoint;
    const mst_run_rec_t *run;  // stored already
    const mst_cli_spend_t *spent; // before this session; NULL = not asked for
    uint64_t done_before;      // keys that had a result at the start
    bool progress;
} mst_follow_opts_t;

typedef enum {
    MST_FOLLOW_DONE = 3, // numbers of RunStatus.state
    MST_FOLLOW_INTERRUPTED = 4,
    MST_FOLLOW_ABORTED = 5,
    MST_FOLLOW_FAILED_FAST = 6,
    MST_FOLLOW_BUDGET = 7,
} mst_follow_end_t;

typedef struct {
    mst_follow_end_t end;
    mst_err_t err;             // when aborted: rc and the sentence
    uint64_t cases, total, refused_rows; // cases 0 = dataset was not read to its end
    bool total_exact, has_hash;
    mst_digest_t dataset_hash;
    uint64_t retries, raises, cuts; // of this session
    uint32_t places, lowest;
} mst_follow_result_t;

// SIGINT and SIGTERM must be blocked in every thread (mst_signals_block); they are taken here by signalfd: the first
// drains, the second stops at once.
MST_NODISCARD mst_rc mst_follow_run(const mst_follow_opts_t *o, mst_follow_result_t *out, mst_err_t *err);
void mst_signals_block(void);

#endif
