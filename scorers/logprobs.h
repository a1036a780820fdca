// The log-probabilities of one answer, sorted by what they are. What is not a log-probability is counted by kind and
// never enters a sum: servers spell a broken number as null, NaN, an infinity, or a number that stands for one.
#ifndef MST_SCORERS_LOGPROBS_H
#define MST_SCORERS_LOGPROBS_H

#include "common/base/mem.h"
#include "common/model/completion.h"
#include "common/stats/stats.h"
#include "scorers/say.h"

#define MST_LOGPROB_SENTINEL  (-9000.0) // at most this: a stand-in for minus infinity (vLLM sends -9999.0)
#define MST_LOGPROB_SATURATED 65504.0   // at least this, either sign: what half precision leaves of an overflow
#define MST_LOGPROB_POSITIVE  0.15      // more than this: no rounding explains a probability above 1

typedef struct {
    const double *clean; // the finite ones in order
    size_t count, total;
    size_t nan, missing, inf, sentinel, saturated; // each value is one of these, or clean
    size_t positive;                               // of clean
} mst_logprobs_t;

// keep_finite: every finite number is clean, stand-ins too (as the reference code of profile aeroeval has it).
// MST_LIMIT when the arena is too small. No log-probabilities at all: total is 0.
MST_NODISCARD mst_rc mst_logprobs_read(const mst_completion_t *done, bool keep_finite, mst_arena_t *arena,
                                       mst_logprobs_t *out, mst_err_t *err);

// The counts as members of a breakdown, from "nan_count" on, without braces; empty when the arena is full.
mst_str_t mst_logprobs_members(const mst_logprobs_t *l, mst_arena_t *arena);

#endif
