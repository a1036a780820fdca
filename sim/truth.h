// The truth file: when each request arrived and when each event was written, one JSON line a finished request
// (format in README.md). While requests are under way their records are only copied to memory; the text is
// made and written when the server is idle, or in small steps when much has gathered, so that keeping the
// record does not disturb what it records.
// Thread: the server's.
#ifndef MST_SIM_TRUTH_H
#define MST_SIM_TRUTH_H

#include "common/base/err.h"
#include "common/base/str.h"

typedef struct mst_sim_truth mst_sim_truth_t;

typedef struct {
    int64_t before_ns, after_ns; // CLOCK_MONOTONIC around the send() that carried it
    uint32_t tokens;
    uint32_t kind; // mst_sim_event_kind_t
} mst_sim_truth_event_t;

typedef enum {
    MST_SIM_ENDED_WHOLE = 0,
    MST_SIM_ENDED_CUT,     // by a fault of ours
    MST_SIM_ENDED_HANGING, // silent until the client left or the time was up
    MST_SIM_ENDED_CLOSED,  // by the client, or by the end of the server
} mst_sim_end_t;

typedef struct {
    mst_str_t request_id, case_id; // case_id may be empty
    int64_t repeat;                // -1 = not given
    uint64_t attempt;
    int64_t recv_ns;  // arrival of the request's last byte, CLOCK_MONOTONIC
    bool recv_kernel; // the stamp is the kernel's
    int status;       // 0 = nothing was answered
    mst_sim_end_t end;
    const mst_sim_truth_event_t *events;
    size_t event_count;
} mst_sim_truth_record_t;

MST_NODISCARD mst_rc mst_sim_truth_open(const char *path, mst_sim_truth_t **out, mst_err_t *err);
void mst_sim_truth_close(mst_sim_truth_t **t);                               // writes what is left
void mst_sim_truth_add(mst_sim_truth_t *t, const mst_sim_truth_record_t *r); // copies
size_t mst_sim_truth_waiting(const mst_sim_truth_t *t);                      // bytes in memory
// Writes some records; true when more are waiting.
bool mst_sim_truth_write_some(mst_sim_truth_t *t);

#endif
