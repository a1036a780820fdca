// What the cache is asked by, and what it holds: the key of one ask and the bytes of one stored exchange. Pure.
// Thread: any.
#ifndef MST_WORKER_CACHE_ENTRY_H
#define MST_WORKER_CACHE_ENTRY_H

#include "common/base/hash.h"
#include "worker/provider/provider.h"

// All that an answer depends on. Never a credential: request is as the provider wrote it.
typedef struct {
    const char *provider;
    const mst_request_t *request;
    size_t header_count; // of the request: those behind it are the worker's own and tell of no difference
    mst_ask_kind_t kind;
    uint32_t step_no, repeat_no;
    mst_str_t engine, engine_version, model, model_revision; // as the backend says of itself; empty = it does not
} mst_cache_ask_t;

// SHA-256 of the ask as canonical JSON (docs/cache.md): the order of members in the body makes no difference.
// MST_LIMIT: the request is too large for it. scratch is reset.
MST_NODISCARD mst_rc mst_cache_key(const mst_cache_ask_t *ask, mst_json_parser_t *json, mst_arena_t *scratch,
                                   mst_digest_t *out, mst_err_t *err);

// One exchange; times in ns since the request was sent.
typedef struct {
    int status;
    mst_split_t split;
    mst_str_t content_type, server, request_id, kept; // as in mst_http_result_t
    int64_t first_byte_ns, close_ns;                  // MST_NONE: not measured
    mst_str_t body;
    const mst_rx_t *pieces;
    size_t piece_count;
} mst_cached_t;

// Appends it. base_ns is taken off the pieces' times. Errors: out->failed.
void mst_cached_pack(const mst_cached_t *x, int64_t base_ns, mst_buf_t *out);
// Reverse of it: texts borrow from bytes, pieces are made from arena. MST_PROTO on anything else, MST_LIMIT.
MST_NODISCARD mst_rc mst_cached_unpack(mst_str_t bytes, mst_arena_t *arena, mst_cached_t *out, mst_err_t *err);

#endif
