// The parts of the OpenAI chat codec, one file each; openai.c puts them together.
// Thread: the decoder's.
#ifndef MST_WORKER_OPENAI_H
#define MST_WORKER_OPENAI_H

#include "worker/provider/provider.h"

// openai_decode.c: one event of a stream, or the whole body.
mst_rc mst_openai_on_event(mst_decoder_t *d, mst_str_t name, mst_str_t data, int64_t rx_ns, mst_err_t *err);
mst_rc mst_openai_on_end(mst_decoder_t *d, mst_err_t *err);

// openai_token.c: does an event carry a generated token? A walk over the text, without building a tree.
bool mst_openai_has_token(mst_str_t name, mst_str_t data);

// openai_error.c: the error in a JSON value, in any of the forms that servers use. status: the HTTP status, or 0
// inside a stream. False: there is none.
bool mst_openai_error(const mst_json_t *root, int status, mst_err_t *err);
void mst_openai_on_http_error(int status, mst_str_t body, mst_arena_t *scratch, mst_err_t *err);

// openai_tools.c: tool calls, put together from fragments. Both give MST_LIMIT over their caps.
mst_rc mst_openai_tools_add(mst_decoder_t *d, const mst_json_t *calls, mst_err_t *err);
mst_rc mst_openai_tools_end(mst_decoder_t *d, mst_err_t *err); // writes them to d->tools as a JSON array

#endif
