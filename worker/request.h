// From a case to an HTTP request: the provider's own lines, the key, the lines that tell a server which case this
// is. Thread: the I/O thread's.
#ifndef MST_WORKER_REQUEST_H
#define MST_WORKER_REQUEST_H

#include "worker/io.h"

// Fills a->request and req, which borrows from the attempt's arena and the run. MST_DENIED: the key cannot be
// had, the target cannot be asked. MST_INVAL, MST_LIMIT: this case cannot be asked.
MST_NODISCARD mst_rc mst_request_build(mst_attempt_t *a, mst_io_target_t *t, const mst_config_env_t *env,
                                       mst_http_req_t *req, mst_err_t *err);
// Reads the key of a target once, if it has one: t->secret, t->key. MST_DENIED as above.
MST_NODISCARD mst_rc mst_request_key(mst_io_target_t *t, const mst_request_t *q, const mst_config_env_t *env,
                                     mst_err_t *err);
mst_str_t mst_request_model(const mst_run_target_t *target); // the model that is asked for; empty when none is named

#endif
