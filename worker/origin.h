// Where a result was made: host, device, driver, engine and its version, model, endpoint. The worker keeps a
// short table; a row names its line by number, and the aggregator is told a line before the first row uses it.
// Thread: the I/O thread's.
#ifndef MST_WORKER_ORIGIN_H
#define MST_WORKER_ORIGIN_H

#include "common/base/mem.h"
#include "common/model/result.h"
#include "worker/core/probe.h"
#include "worker/session.h"

#define MST_WORKER_ORIGINS_MAX 256 // fewer than a session may have

typedef struct {
    mst_arena_t *arena;
    mst_origin_t host; // what does not depend on the answer
    mst_origin_t lines[MST_WORKER_ORIGINS_MAX];
    uint32_t count;
    uint32_t told; // lines the aggregator knows in this session
} mst_origins_t;

void mst_origins_init(mst_origins_t *o); // finds host, device and driver
void mst_origins_deinit(mst_origins_t *o);
// Number of the line for an answer; a new one when nothing like it is there. server: the Server header, such as
// "muster-sim/0.1.0". When the table is full, the last line stands for all further ones.
// facts: what a probe found out; NULL: nothing. What it says of engine and revision goes before the header.
uint32_t mst_origins_find(mst_origins_t *o, mst_str_t server, const mst_probe_facts_t *facts, mst_str_t model,
                          mst_str_t endpoint);
void mst_origins_tell(mst_origins_t *o, mst_session_t *s); // sends the lines that are not told yet

#endif
