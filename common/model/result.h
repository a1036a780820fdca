// A result: completion, scores and outcome of one case; what is sent, stored and reported. Open record;
// slices borrow from the arena or message that it was read from.
#ifndef MST_MODEL_RESULT_H
#define MST_MODEL_RESULT_H

#include "common/model/case.h"
#include "common/model/completion.h"
#include "common/model/load.h"
#include "common/model/outcome.h"
#include "common/model/score.h"

// Where a result was made, as far as the worker can find out. Empty = not known.
typedef struct {
    mst_str_t host;           // node name of the worker
    mst_str_t device;         // accelerator, such as "NVIDIA H100 80GB HBM3"
    mst_str_t driver;         // its driver version
    mst_str_t engine;         // "vllm", "muster-sim", ...
    mst_str_t engine_version;
    mst_str_t model;          // id that was asked for
    mst_str_t model_revision;
    mst_str_t endpoint;       // scheme://host:port/path, without credentials
} mst_origin_t;

typedef struct {
    mst_key_t key;
    uint32_t generation;      // of the run; an older one never changes stored data
    uint64_t lease_id;
    uint32_t attempt;
    mst_outcome_t outcome;
    bool passed;              // measured, and every scorer passed
    mst_str_t case_id, input, expected;
    mst_str_t case_extra;     // JSON object of metadata, context, retrieval_context, messages; empty = none
    mst_str_t slices;         // JSON array of texts (common/model/slices.h), with every row of the case; empty = none
    bool has_expected;
    uint8_t case_digest[8];
    mst_completion_t done;    // its error names the failure when the outcome is not measured
    mst_str_t events;         // packed column; set instead of done.events on the reading side
    mst_str_t steps;          // JSON text of a case in several steps (common/model/step.h); empty = one plain answer
    int64_t tpot_ns;          // mst_completion_tpot_ns rounded, or MST_NONE; set with events on the reading side
    uint32_t logprob_count;   // the same: entries of done.logprobs
    const mst_score_t *scores;
    uint32_t score_count;     // one per scorer of the run with scope case, in the run's order; 0 = not scored
    mst_str_t raw_request, raw_response; // only with --keep-raw
    int64_t started_wall_ns, finished_wall_ns;
    mst_load_tag_t load;
    uint32_t origin_no;       // index of the worker's origin in its session
} mst_result_t;

#endif
