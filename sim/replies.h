// Answers from a file: JSON Lines, one row an answer, found by case id or by the prompt.
//   {"id": "c1" | 1, "prompt": "...", "prompt_sha256": "64 hex digits", "reply": "...",
//    "finish_reason": "stop", "reasoning": "...", "logprobs": [-0.1, null, "NaN"]}
// A row has a reply and at least one of the three keys; the rest is optional. Any broken row is refused with its
// line number: a test that silently lacks an answer is worse than none.
// Thread: read-only after opening.
#ifndef MST_SIM_REPLIES_H
#define MST_SIM_REPLIES_H

#include "common/base/err.h"
#include "common/base/limits.h"
#include "common/base/str.h"

#define MST_SIM_REPLIES_BYTES_MAX (2048 * MST_MIB) // memory of the whole table

typedef struct mst_sim_replies mst_sim_replies_t;

typedef struct {
    mst_str_t text;
    mst_str_t reasoning;     // empty = none
    mst_str_t finish_reason; // empty = "stop"
    const double *logprobs;  // of the first tokens of text; NaN = sent as NaN, +infinity = sent as null
    uint32_t logprob_count;
} mst_sim_reply_t;

MST_NODISCARD mst_rc mst_sim_replies_open(const char *path, mst_sim_replies_t **out, mst_err_t *err);
void mst_sim_replies_free(mst_sim_replies_t **r);
// By the case id (empty = none), then by the prompt. NULL: no such row (or r is NULL). Lives as long as the table.
const mst_sim_reply_t *mst_sim_replies_find(const mst_sim_replies_t *r, mst_str_t case_id, mst_str_t prompt);
uint64_t mst_sim_replies_count(const mst_sim_replies_t *r); // rows

#endif
