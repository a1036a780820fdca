// What the two readers share: the builder's small parts. For files of this folder only.
#ifndef MST_JSON_TREE_H
#define MST_JSON_TREE_H

#include "common/json/json.h"
#include "common/json/simd.h"

// Leaves one member per key, in place: the first one's place, the last one's value. Linear in the bytes of the
// keys. MST_NOMEM.
MST_NODISCARD mst_rc mst_json_dedupe(mst_json_member_t *members, uint32_t *count);

// The tree of a tape that simdjson made. MST_LIMIT: the arena is used up; MST_UNSUPPORTED: nested deeper than
// MST_JSON_DEPTH_MAX (the lenient parser then names the place); MST_NOMEM.
MST_NODISCARD mst_rc mst_json_from_tape(const mst_simd_tape_t *t, mst_arena_t *arena, const mst_json_t **out);

// What both readers say when the tree does not fit.
mst_rc mst_json_arena_full(size_t text_bytes, mst_err_t *err);

#endif
