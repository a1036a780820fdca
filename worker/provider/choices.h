// The further choices of an answer (n > 1): choice 0 is the answer, the others are kept beside it as a JSON array.
// Thread: the decoder's.
#ifndef MST_WORKER_PROVIDER_CHOICES_H
#define MST_WORKER_PROVIDER_CHOICES_H

#include "worker/provider/provider.h"

typedef struct {
    int64_t index;
    mst_buf_t text, reasoning, refusal;
    struct mst_tools *calls;
    mst_str_t finish_reason;
} mst_choice_t;

// The choice of an index from 1 on, made when it is new. NULL: out of range, or no room (MST_LIMIT).
mst_choice_t *mst_choice_get(mst_decoder_t *d, int64_t index, mst_err_t *err);
// Writes d->c.choices: [{"index":1,"text":"..."}]; MST_LIMIT.
MST_NODISCARD mst_rc mst_choices_close(mst_decoder_t *d, mst_err_t *err);
void mst_choices_free(mst_decoder_t *d);

#endif
