// Errors as servers spell them, in any of the documented forms: see error.c.
// Thread: any.
#ifndef MST_WORKER_PROVIDER_ERROR_H
#define MST_WORKER_PROVIDER_ERROR_H

#include "worker/provider/provider.h"

// The error in a JSON value. status: the HTTP status, or 0 inside a stream. False: there is none.
bool mst_said_error(const mst_json_t *root, int status, mst_err_t *err);
// A provider's on_http_error.
void mst_said_http_error(int status, mst_str_t body, mst_arena_t *scratch, mst_err_t *err);

#endif
