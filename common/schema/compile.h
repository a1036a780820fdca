// What the files that compile share. For files of this folder only.
#ifndef MST_SCHEMA_COMPILE_H
#define MST_SCHEMA_COMPILE_H

#include "common/schema/library.h"
#include "common/schema/program.h"

typedef struct {
    mst_schema_t *schema;
    library_t lib;
    bool assert_format;
    uint32_t *node_places; // heap, one for each node
    size_t node_place_cap;
    mst_str_t *dynamic; // heap: names that $dynamicRef asks for
    size_t dynamic_count, dynamic_cap;
    mst_err_t *err;
} compile_t;

// The schema being compiled.
typedef struct {
    compile_t *c;
    const mst_json_t *json;
    uint32_t place, resource;
    dialect_t dialect;
    node_t *node; // a copy, stored when it is complete
} at_t;

// MST_INVAL: schema at "#/a": "keyword" must be <what>.
mst_rc mst_compile_wrong(const at_t *at, const char *keyword, const char *what);
mst_rc mst_compile_full(const at_t *at);
// The keyword's value; NULL when it is absent or switched off by the dialect.
const mst_json_t *mst_compile_get(const at_t *at, uint32_t vocab, const char *keyword);
// The number of a subschema's node, which is compiled later. keyword is for messages.
MST_NODISCARD mst_rc mst_compile_child(const at_t *at, const mst_json_t *json, const char *keyword, uint32_t *out);
MST_NODISCARD mst_rc mst_compile_list(const at_t *at, const mst_json_t *json, const char *keyword, const uint32_t **out,
                                      uint32_t *count);
MST_NODISCARD mst_rc mst_compile_pattern(const at_t *at, mst_str_t pattern, const char *keyword, mst_regex_t **out);
// The number of a name of dynamic anchors.
MST_NODISCARD mst_rc mst_compile_dynamic(compile_t *c, mst_str_t name, uint32_t *out);
MST_NODISCARD mst_rc mst_compile_node_of(compile_t *c, uint32_t place, uint32_t *out);

// The groups of keywords.
MST_NODISCARD mst_rc mst_compile_values(const at_t *at); // type, enum, const
MST_NODISCARD mst_rc mst_compile_numbers(const at_t *at);
MST_NODISCARD mst_rc mst_compile_strings(const at_t *at);
MST_NODISCARD mst_rc mst_compile_arrays(const at_t *at);
MST_NODISCARD mst_rc mst_compile_objects(const at_t *at);
MST_NODISCARD mst_rc mst_compile_applies(const at_t *at); // references, allOf and the like, unevaluated*

// A count: a whole number from 0 on; NO_COUNT when absent.
MST_NODISCARD mst_rc mst_compile_count(const at_t *at, const char *keyword, uint64_t *out);

#endif
