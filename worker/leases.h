// Leases and units as the worker holds them, and the gathering of what goes back to the coordinator.
#ifndef MST_WORKER_LEASES_H
#define MST_WORKER_LEASES_H

#include "worker/io.h"

mst_lease_t *mst_lease_new(mst_io_t *io, mst_io_run_t *run, const Muster__Grant *grant);
mst_lease_t *mst_lease_find(const mst_io_t *io, uint64_t id); // NULL
// Cases of a lease are over: acknowledged, or given back. The lease goes with the last.
void mst_lease_settle(mst_io_t *io, mst_lease_t *lease, size_t cases);

mst_unit_t *mst_unit_new(mst_io_t *io); // empty, with its arena; from the free list
void mst_unit_put(mst_io_t *io, mst_unit_t *unit);
// One place is settled: a unit goes with the last. A loop over places takes a hold of its own (open + 1) first.
void mst_unit_release(mst_io_t *io, mst_unit_t *unit);
void mst_leases_free(mst_io_t *io); // all, at the end
void mst_units_free(mst_io_t *io);

// One LeaseReturn in the making: neighbours of one lease and one cause travel together.
typedef struct {
    mst_io_t *io;
    mst_lease_t *lease; // NULL = empty
    mst_give_cause_t cause;
    bool fatal;
    const char *text; // borrowed
    size_t count;
    uint64_t case_nos[MST_UNIT_CASES_MAX];
    uint32_t repeat_nos[MST_UNIT_CASES_MAX], target_nos[MST_UNIT_CASES_MAX];
} mst_giving_t;

void mst_giving_init(mst_giving_t *g, mst_io_t *io, bool fatal, const char *text);
void mst_giving_add(mst_giving_t *g, mst_place_t *place, mst_give_cause_t cause); // the place is settled by it
void mst_giving_flush(mst_giving_t *g); // sends; also without a case when a lease is set and it is fatal

#endif
