// The row of a new run.
#ifndef MST_CLI_RECORD_H
#define MST_CLI_RECORD_H

#include "aggregator/store/store.h"
#include "common/config/run_config.h"

// Sets what every new run has of its own: id, names, spec and its digest, times, state running, first generation. The
// rest of *out (data, git, counts) is left as it is. Strings live in arena or belong to cfg.
void mst_record_new(const mst_run_cfg_t *cfg, mst_arena_t *arena, mst_run_rec_t *out);
mst_str_t mst_record_hex(const mst_digest_t *d, mst_arena_t *arena); // empty when the arena is full

#endif
