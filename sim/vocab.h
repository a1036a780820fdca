// Token ids of the simulated backend: a fixed function of the token's text, and back again for those that this server
// has named. An id that it never named stands for some word, so that a client with another vocabulary is answered too.
// Thread: the server's.
#ifndef MST_SIM_VOCAB_H
#define MST_SIM_VOCAB_H

#include "common/base/str.h"

typedef struct mst_sim_vocab mst_sim_vocab_t;

enum { MST_SIM_VOCAB_SIZE = 1 << 20 }; // ids lie below

mst_sim_vocab_t *mst_sim_vocab_new(void);
void mst_sim_vocab_free(mst_sim_vocab_t **v);
uint32_t mst_sim_vocab_id(mst_sim_vocab_t *v, mst_str_t token); // v NULL allowed: the id without a memory of it
mst_str_t mst_sim_vocab_text(const mst_sim_vocab_t *v, uint64_t id);

#endif
