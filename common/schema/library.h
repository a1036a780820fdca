// The documents that a schema is made of: which places in them are schemas, which resources ($id) and anchors they
// make, and where references lead. Lives while a schema is compiled. For files of this folder only.
#ifndef MST_SCHEMA_LIBRARY_H
#define MST_SCHEMA_LIBRARY_H

#include "common/base/mem.h"
#include "common/schema/dialect.h"

#define NO_PLACE UINT32_MAX

// A place where a schema stands.
typedef struct {
    const mst_json_t *json; // an object or a boolean
    uint32_t resource;
    uint32_t node;     // NO_NODE until it is compiled
    uint32_t parent;   // place, or NO_PLACE for the root of a document
    mst_str_t keyword; // of the parent, p == NULL when reached by a pointer through unknown keywords
    mst_str_t key;     // below the keyword; p == NULL: index, or neither
    int64_t index;     // below the keyword; -1: none
} place_t;

typedef struct {
    mst_str_t uri; // without fragment
    const mst_json_t *root;
    dialect_t dialect;
} resource_t;

typedef struct {
    uint32_t resource;
    mst_str_t name; // empty: $recursiveAnchor
    uint32_t place;
    bool dynamic;
} anchor_t;

typedef struct {
    uint32_t place;
    bool dynamic;   // reached by the name of a dynamic anchor
    mst_str_t name; // of the anchor
} target_t;

typedef struct {
    mst_str_t uri;
    uint32_t resource;
} uri_name_t;

typedef struct {
    mst_arena_t *arena; // of the schema
    const mst_schema_opts_t *opts;
    dialect_t dialect; // of documents that do not say
    place_t *places;
    size_t place_count, place_cap;
    uint32_t *slots; // by address of the JSON value: 0 = empty, else place + 1
    size_t slot_count;
    resource_t *resources;
    size_t resource_count, resource_cap;
    uri_name_t *names;
    size_t name_count, name_cap;
    anchor_t *anchors;
    size_t anchor_count, anchor_cap;
    place_t *todo; // places to be looked at
    size_t todo_count, todo_cap;
    mst_err_t *err;
} library_t;

void mst_library_init(library_t *lib, mst_arena_t *arena, const mst_schema_opts_t *opts, mst_err_t *err);
void mst_library_deinit(library_t *lib);
// Takes in a document; *out is the place of its root.
MST_NODISCARD mst_rc mst_library_add(library_t *lib, mst_str_t uri, const mst_json_t *root, uint32_t *out);
uint32_t mst_library_place(const library_t *lib, const mst_json_t *json); // or NO_PLACE
// Where a reference of a resource leads. MST_INVAL says why it leads nowhere (without the place that refers).
MST_NODISCARD mst_rc mst_library_resolve(library_t *lib, uint32_t resource, mst_str_t ref, target_t *out);
// "#/properties/a", into out (cut when it is longer).
void mst_library_path(const library_t *lib, uint32_t place, char *out, size_t out_bytes);

#endif
