// What the files that hold a value against a program share. For files of this folder only.
#ifndef MST_SCHEMA_CHECK_H
#define MST_SCHEMA_CHECK_H

#include "common/base/limits.h"
#include "common/schema/program.h"

#define MARK_WORDS_MAX (8 * MST_MIB) // words for evaluated places

// A place of the value, as a chain on the stack up to its root.
typedef struct spot {
    const struct spot *up;
    const mst_json_t *value;
    mst_str_t key; // in an object; p == NULL: index, in an array
    uint32_t index;
    uint32_t depth;
} spot_t;

// One step of a remembered place.
typedef struct {
    mst_str_t key;
    uint32_t index;
} step_t;

// Which members or elements of one value were evaluated, for unevaluated*: bits on a stack of words. NULL where nobody
// asks.
typedef struct {
    size_t at, words;
} marks_t;

typedef struct mst_check {
    const mst_schema_t *schema;
    mst_rc rc; // not MST_OK: given up; every answer is then false and means nothing
    mst_err_t *err;
    uint64_t steps; // left
    uint32_t frames;
    uint32_t quiet;                 // inside an attempt that may fail
    uint32_t scope[FRAMES_MAX + 1]; // resources entered, the outermost first
    size_t scope_count;
    uint64_t *marks; // heap
    size_t mark_count, mark_cap;
    uint32_t *slots; // heap, of uniqueItems
    uint64_t *hashes;
    size_t slot_cap, hash_cap;
    // the deepest failure inside the attempts of one place
    const char *near_keyword;
    uint32_t near_depth;
    step_t near[MST_JSON_DEPTH_MAX];
    // the first violation
    bool failed;
    const char *keyword;
    mst_buf_t path, message;
} check_t;

// Holds spot->value against a node. `same` counts the schemas applied to this place already.
bool mst_check_node(check_t *v, uint32_t node, const spot_t *spot, uint32_t same, const marks_t *marks);
// The same as an attempt: a failure is not reported, and marks nothing.
bool mst_check_attempt(check_t *v, uint32_t node, const spot_t *spot, uint32_t same, const marks_t *marks);

bool mst_check_value(check_t *v, const node_t *n, const spot_t *spot); // type, enum, const
bool mst_check_number(check_t *v, const number_rules_t *r, const spot_t *spot);
bool mst_check_string(check_t *v, const string_rules_t *r, const spot_t *spot);
bool mst_check_array(check_t *v, const array_rules_t *r, const spot_t *spot, const marks_t *marks);
bool mst_check_object(check_t *v, const object_rules_t *r, const spot_t *spot, uint32_t same, const marks_t *marks);
bool mst_check_unique(check_t *v, const spot_t *spot);
bool mst_check_pattern(check_t *v, mst_regex_t *pattern, mst_str_t text); // false also when given up

// Takes steps; false when they are used up.
bool mst_check_spend(check_t *v, uint64_t steps);
bool mst_check_give_up(check_t *v, mst_rc rc, const char *why);
void mst_check_mark(check_t *v, const marks_t *m, uint32_t i);
void mst_check_mark_all(check_t *v, const marks_t *m);

// False, always: notes a violation of a keyword.
bool mst_check_fail(check_t *v, const spot_t *spot, const char *keyword, const char *fmt, ...) MST_PRINTF(4, 5);
// The same inside an attempt, where nobody asks for the text.
bool mst_check_miss(check_t *v, const spot_t *spot, const char *keyword);
// The same with a text about the attempts that were made.
bool mst_check_fail_near(check_t *v, const spot_t *spot, const char *keyword, uint32_t count);

#define MST_SHOW_BYTES 64
// A value as a message shows it.
const char *mst_check_show(const mst_json_t *value, char out[MST_SHOW_BYTES]);
const char *mst_check_show_str(mst_str_t s, char out[MST_SHOW_BYTES]);

#endif
