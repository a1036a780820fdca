// Feeds the bytes of an exchange to a provider, event by event: SSE, lines of JSON, or the body as one event; with
// the arrival of the byte that completes each event.
// Thread: the decoder's.
#ifndef MST_WORKER_SPLIT_H
#define MST_WORKER_SPLIT_H

#include "worker/provider/provider.h"

// MST_CLOSED: the answer ended without its terminator. MST_LIMIT: an event is over a cap. Others from the provider.
MST_NODISCARD mst_rc mst_split_exchange(mst_decoder_t *d, const mst_exchange_t *x, mst_err_t *err);

#endif
