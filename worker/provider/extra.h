// What comes back and has no place of its own in a completion, as members of one JSON object: server timings, stop
// reasons, fragments of tool calls. Named as the server names them.
// Thread: the decoder's.
#ifndef MST_WORKER_PROVIDER_EXTRA_H
#define MST_WORKER_PROVIDER_EXTRA_H

#include "worker/provider/provider.h"

// Null and missing values are left out; of a name that comes twice the last value counts. What is too large, or one
// name too many, is left out too: nothing here is part of the answer itself.
void mst_extra_put(mst_decoder_t *d, const char *name, const mst_json_t *v);
void mst_extra_put_str(mst_decoder_t *d, const char *name, mst_str_t v);
// Lines "name: value" of the response's header, as member `headers`.
void mst_extra_headers(mst_decoder_t *d, mst_str_t lines);
// Writes d->c.extra; MST_LIMIT.
MST_NODISCARD mst_rc mst_extra_close(mst_decoder_t *d, mst_err_t *err);
void mst_extra_free(mst_decoder_t *d);

#endif
