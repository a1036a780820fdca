// The parts of the Anthropic codec, one file each; anthropic.c puts them together.
// Thread: the decoder's.
#ifndef MST_WORKER_ANTHROPIC_H
#define MST_WORKER_ANTHROPIC_H

#include "worker/provider/provider.h"

// anthropic_decode.c
mst_rc mst_anthropic_on_event(mst_decoder_t *d, mst_str_t name, mst_str_t data, int64_t rx_ns, mst_err_t *err);
mst_rc mst_anthropic_on_end(mst_decoder_t *d, mst_err_t *err);
bool mst_anthropic_has_token(mst_str_t name, mst_str_t data);

#endif
