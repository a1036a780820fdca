// YAML to a tree with positions, from libyaml's events on memory. Caps: MST_YAML_BYTES_MAX, _DEPTH_MAX,
// _NODES_MAX. Anchors, aliases, tags, several documents and duplicate keys are refused, each with
// "file:line:column: ...". JSON text is read too (a run spec travels as canonical JSON).
// Thread: any; a tree is read-only and lives as long as its arena.
#ifndef MST_CONFIG_YAML_H
#define MST_CONFIG_YAML_H

#include "common/base/err.h"
#include "common/base/mem.h"
#include "common/json/json.h"

typedef enum { MST_Y_SCALAR, MST_Y_SEQ, MST_Y_MAP } mst_ykind_t;

typedef struct mst_ynode mst_ynode_t;

struct mst_ynode {
    mst_ykind_t kind;
    uint32_t line, column;     // from 1
    const char *file;          // borrowed from the caller of mst_yaml_parse; NULL: made by the program
    bool plain;                // scalar without quotes: may mean null, a bool or a number (YAML 1.2 core schema)
    mst_str_t text;            // scalar
    size_t count;              // elements, or pairs
    const mst_ynode_t **items; // seq: count elements; map: count values
    const mst_ynode_t **keys;  // map: count keys (scalars)
};

// MST_INVAL or MST_LIMIT with file:line:column.
MST_NODISCARD mst_rc mst_yaml_parse(mst_str_t text, const char *file, mst_arena_t *arena,
                                    const mst_ynode_t **out, mst_err_t *err);
const mst_ynode_t *mst_yaml_get(const mst_ynode_t *map, const char *key); // NULL when absent
// The tree as JSON values (core schema for plain scalars).
MST_NODISCARD mst_rc mst_yaml_to_json(const mst_ynode_t *n, mst_arena_t *arena, const mst_json_t **out,
                                      mst_err_t *err);

#endif
