// Tool calls of one answer, put together from fragments.
// Thread: the decoder's.
#ifndef MST_WORKER_PROVIDER_TOOLS_H
#define MST_WORKER_PROVIDER_TOOLS_H

#include "worker/provider/provider.h"

// A list of calls or of fragments as OpenAI sends them: {index, id, function: {name, arguments}}. MST_LIMIT over a cap.
MST_NODISCARD mst_rc mst_tools_add(mst_decoder_t *d, const mst_json_t *calls, mst_err_t *err);
// One call or fragment. has_index false: a new id opens a call, otherwise the last one goes on.
MST_NODISCARD mst_rc mst_tools_fragment(mst_decoder_t *d, bool has_index, int64_t index, mst_str_t id, mst_str_t name,
                                        mst_str_t arguments, mst_err_t *err);
// Writes the calls to d->tools, and the fragments that they were made of to d->fragments; both JSON arrays.
MST_NODISCARD mst_rc mst_tools_end(mst_decoder_t *d, mst_err_t *err);

#endif
