// The column `scores`: a JSON array with one object a scorer, in the order of the run's scorers of scope case:
//   {"i":0,"state":"ok","value":1.0,"passed":true,"reason":"...","breakdown":{...},"time_ns":120}
// Empty reasons and breakdowns and times of 0 are left out. The view `score` explodes it for SQL.
#ifndef MST_STORE_SCORES_H
#define MST_STORE_SCORES_H

#include "common/base/buf.h"
#include "common/json/json.h"
#include "common/model/score.h"

// Appends. A breakdown that is not a JSON object becomes a string, so that the column is valid JSON whatever a
// worker sends. Errors: out->failed.
void mst_scores_write(const mst_score_t *scores, uint32_t count, mst_buf_t *out);
// Strings live in arena; a breakdown is valid JSON whatever it was. MST_PROTO on anything that mst_scores_write does
// not write, MST_LIMIT.
MST_NODISCARD mst_rc mst_scores_read(mst_json_parser_t *parser, mst_str_t json, mst_arena_t *arena,
                                     const mst_score_t **out, uint32_t *out_count, mst_err_t *err);

// Whether s is exactly one JSON object (RFC 8259), at most 32 deep. Looks at every byte once and allocates nothing.
bool mst_json_is_object_text(mst_str_t s);

#endif
