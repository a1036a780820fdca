// JSON inside an answer: finding it, and comparing it as the references do. Pure.
#ifndef MST_SCORERS_JSON_TEXT_H
#define MST_SCORERS_JSON_TEXT_H

#include "common/json/json.h"

typedef enum {
    MST_EXTRACT_NONE,   // the answer is the JSON text
    MST_EXTRACT_FENCED, // its first fenced block, or the answer itself when that holds no JSON
    MST_EXTRACT_ANY,    // the fenced block, else the whole, else from the first { to the last }, else from [ to ]
} mst_extract_t;

#define MST_EXTRACT_CHOICES "none|fenced|any"
mst_extract_t mst_extract_of(mst_str_t choice); // a word of MST_EXTRACT_CHOICES

#define MST_JSON_PARTS_MAX 4
// The parts of an answer that may be its JSON, views, in the order in which they are tried; returns their number.
size_t mst_json_parts(mst_extract_t how, mst_str_t answer, mst_str_t parts[MST_JSON_PARTS_MAX]);

// Reads the first part that is JSON, as Python's json.loads does (NaN, Infinity and -Infinity too, no byte order mark).
// MST_PROTO: none is, err says why the first of them is not; MST_LIMIT: it is JSON, but nested too deep or too large.
MST_NODISCARD mst_rc mst_json_extract(mst_extract_t how, mst_json_parser_t *parser, mst_str_t answer,
                                      mst_arena_t *arena, const mst_json_t **out, mst_err_t *err);

// Equality as of Python's ==: numbers by value, true is 1 and false is 0, order of members does not count. *steps is
// lowered by the work done; at 0 the answer means nothing.
bool mst_json_python_equal(const mst_json_t *a, const mst_json_t *b, uint64_t *steps);

// Leaves: what is no container, and empty containers, each at its path. A pair is right when both have it; texts are
// compared without white space at their ends.
typedef struct {
    uint64_t expected, found, right;
} mst_json_leaves_t;

void mst_json_count_leaves(const mst_json_t *expected, const mst_json_t *found, mst_json_leaves_t *out,
                           uint64_t *steps);

#endif
