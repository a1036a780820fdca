// The parts of the generic JSON service, one file each; http.c puts them together.
// Thread: the decoder's.
#ifndef MST_WORKER_PROVIDER_HTTP_H
#define MST_WORKER_PROVIDER_HTTP_H

#include "worker/provider/provider.h"

// http_decode.c
mst_rc mst_service_on_event(mst_decoder_t *d, mst_str_t name, mst_str_t data, int64_t rx_ns, mst_err_t *err);
mst_rc mst_service_on_end(mst_decoder_t *d, mst_err_t *err);
bool mst_service_has_token(mst_str_t name, mst_str_t data);

#endif
