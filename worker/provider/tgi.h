// tgi_decode.c: answers of TGI's own routes; those of its OpenAI routes go on to openai_decode.c.
// Thread: the decoder's.
#ifndef MST_WORKER_TGI_H
#define MST_WORKER_TGI_H

#include "worker/provider/openai.h"

mst_rc mst_tgi_on_event(mst_decoder_t *d, mst_str_t name, mst_str_t data, int64_t rx_ns, mst_err_t *err);

#endif
