// Stored exchanges, looked up where a request would be sent. A file of JSON Lines, one exchange a line:
//
//   {"id": "case-1", "repeat": 0, "step": 0, "status": 200, "split": "sse", "headers": {"server": "x"},
//    "body": "data: ...", "pieces": [[1200000, 40], [1900000, 38]], "close_ns": 2000000, "cut": false}
//
// id is the case's, or input its text; repeat, step, status (200), split (as the request would be answered) and the
// rest may be left out. pieces: [nanoseconds since the request, bytes], in order; without them the body came at once.
// Bytes that are no UTF-8 are given as body_base64. error: nothing came back, and why. Several rows of one key are
// the tries of it, in their order; the last one answers all further tries. Thread: read-only once it is open.
#ifndef MST_WORKER_REPLAY_H
#define MST_WORKER_REPLAY_H

#include "common/http/client.h"
#include "worker/provider/provider.h"

typedef struct mst_replay mst_replay_t;

// MST_IO, MST_PROTO ("exchanges \"x\" line 3: ..."), MST_LIMIT.
MST_NODISCARD mst_rc mst_replay_open(const char *path, mst_replay_t **out, mst_err_t *err);
void mst_replay_free(mst_replay_t **r); // NULL and *NULL allowed

// An exchange as the transport would have left it: stamps are moved to now_ns. Bytes and pieces are appended and made
// from arena. MST_NOTFOUND: none is stored for it.
typedef struct {
    mst_str_t body;
    const mst_rx_t *pieces;
    size_t piece_count;
    mst_split_t split; // unchanged when the row does not say
    mst_http_result_t http;
} mst_replayed_t;

MST_NODISCARD mst_rc mst_replay_find(const mst_replay_t *r, const mst_ask_t *ask, uint32_t attempt, int64_t now_ns,
                                     mst_arena_t *arena, mst_replayed_t *out, mst_err_t *err);

#endif
