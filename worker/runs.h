// The runs that the I/O thread knows, by number, generation and digest of the spec.
#ifndef MST_WORKER_RUNS_H
#define MST_WORKER_RUNS_H

#include "worker/io.h"

// The run of a grant; a new one asks for its spec. NULL: MST_WORKER_RUNS_MAX runs have open leases.
mst_io_run_t *mst_runs_find(mst_io_t *io, const Muster__Grant *grant, const mst_digest_t *digest);
// Loads the spec and makes the flow. The run stays without run or flow on an error.
MST_NODISCARD mst_rc mst_runs_load(mst_io_t *io, mst_io_run_t *run, mst_str_t spec, mst_err_t *err);
// Of a run that was loaded: starts the servers that it brings with it. mst_grants_launched comes when they are ready.
MST_NODISCARD mst_rc mst_runs_launch(mst_io_t *io, mst_io_run_t *run, mst_err_t *err);
void mst_runs_stop(mst_io_run_t *run); // begins to stop these servers
void mst_runs_probe(mst_io_t *io, mst_io_run_t *run); // of a run that was loaded: looks at its backends
void mst_runs_ask_again(mst_io_t *io); // for specs that have not come
void mst_runs_clear(mst_io_run_t *run);

#endif
