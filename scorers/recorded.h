// A recorded answer as a completion: text and the times that came with it, so that every scorer sees the same
// record whether the answer was asked for or read from a file.
// Thread: the parser's.
#ifndef MST_SCORERS_RECORDED_H
#define MST_SCORERS_RECORDED_H

#include "common/json/json.h"
#include "common/model/case.h"
#include "common/model/completion.h"

// Fills *out anew: text = c->actual; from c->metadata, where they are finite numbers that are not negative: ttft_ms,
// total_latency_ms (also latency_ms), tokens_generated, prompt_tokens, reasoning_tokens; finish_reason and model where
// they are strings; logprobs where it is a list of numbers, "NaN", "Infinity", "-Infinity", null (missing) or objects
// with a logprob. What is missing, null or something else stays "not known". The slices live as long as the case and
// the arena. MST_PROTO when the metadata is not a JSON object, MST_LIMIT when there are more logprobs than
// MST_TOKENS_MAX; *out is complete but for it.
MST_NODISCARD mst_rc mst_completion_from_metadata(const mst_case_t *c, mst_json_parser_t *parser, mst_arena_t *arena,
                                                  mst_completion_t *out, mst_err_t *err);

#endif
