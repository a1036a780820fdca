// Vectors of texts. Thread: the decoder's.
#ifndef MST_WORKER_PROVIDER_EMBED_H
#define MST_WORKER_PROVIDER_EMBED_H

#include "worker/provider/provider.h"

// {"data": [{"index": 0, "embedding": [..] or "base64"}]}: into d->c, in the order of the indices. As many as d's ask
// has texts, all of one length, every number finite: MST_PROTO.
MST_NODISCARD mst_rc mst_embed_openai(mst_decoder_t *d, const mst_json_t *root, mst_err_t *err);
// A list of lists of numbers, one for each text (Ollama's "embeddings", llama.cpp's).
MST_NODISCARD mst_rc mst_embed_rows(mst_decoder_t *d, const mst_json_t *rows, mst_err_t *err);

#endif
