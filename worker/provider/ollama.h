// The parts of the Ollama codec, one file each; ollama.c puts them together.
// Thread: the decoder's.
#ifndef MST_WORKER_OLLAMA_H
#define MST_WORKER_OLLAMA_H

#include "worker/provider/provider.h"

// ollama_decode.c
mst_rc mst_ollama_on_event(mst_decoder_t *d, mst_str_t name, mst_str_t data, int64_t rx_ns, mst_err_t *err);
mst_rc mst_ollama_on_end(mst_decoder_t *d, mst_err_t *err);
bool mst_ollama_has_token(mst_str_t name, mst_str_t data);

#endif
