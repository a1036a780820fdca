// Scoring what is stored: reads the results of one run and writes them with other scores as another.
#ifndef MST_CLI_RESCORING_H
#define MST_CLI_RESCORING_H

#include "aggregator/store/store.h"
#include "common/config/run_config.h"

// from: a reading connection; to: the writing one, where rec has its row. Answers are scored; results that hold no
// answer are copied as they are. SIGINT or SIGTERM (blocked by the caller): MST_CANCELED; what is committed stays.
MST_NODISCARD mst_rc mst_rescoring_run(mst_store_t *from, int64_t from_run_no, mst_store_t *to,
                                       const mst_run_rec_t *rec, const mst_run_cfg_t *cfg, mst_err_t *err);

#endif
