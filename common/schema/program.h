// What a schema is compiled to, and what compiling and checking share. For files of this folder only.
//
// A node is one schema at one place. Its keywords stand grouped by the type of value that they speak of, so that a
// value meets only its own. Node numbers stand for subschemas; NO_NODE for an absent one.
#ifndef MST_SCHEMA_PROGRAM_H
#define MST_SCHEMA_PROGRAM_H

#include "common/base/mem.h"
#include "common/schema/format.h"
#include "common/schema/schema.h"
#include "common/schema/value.h"
#include "common/text/regex.h"

#define NO_NODE       UINT32_MAX
#define NO_COUNT      UINT64_MAX
#define NODES_MAX     200000
#define RESOURCES_MAX 2000
#define PLACES_MAX    1000000
#define PATTERNS_MAX  10000
#define ARENA_MAX     (256 * MST_MIB)
#define STEPS_MAX     50000000 // of one check: about a second
#define FRAMES_MAX    1000     // nodes under way at once

typedef enum { NODE_RULES, NODE_ALWAYS, NODE_NEVER } node_kind_t;

// Applicators at the same place of the value, in the order in which they are held.
typedef enum {
    APPLY_REF,     // $ref, and $dynamicRef that turned out plain
    APPLY_DYNAMIC, // $dynamicRef, $recursiveRef: a = where it leads at first, b = number of the anchor's name
    APPLY_ALL_OF,  // list
    APPLY_ANY_OF,
    APPLY_ONE_OF,
    APPLY_NOT, // a
    APPLY_IF,  // a = if, b = then, c = else
} apply_kind_t;

typedef struct {
    apply_kind_t kind;
    uint32_t a, b, c;
    const uint32_t *list;
    uint32_t count;
    const char *keyword;
} apply_t;

typedef struct {
    const mst_json_t *min, *max, *above, *below; // NULL = absent
    bool has_multiple;
    mst_decimal_t multiple;
    const mst_json_t *multiple_of; // for messages
} number_rules_t;

typedef struct {
    uint64_t min, max; // code points; NO_COUNT = absent
    mst_regex_t *pattern;
    mst_str_t pattern_text;
    mst_format_fn format; // NULL = not asserted
    mst_str_t format_name;
    bool base64, json; // content of draft 7, when asserted
} string_rules_t;

typedef struct {
    uint64_t min, max;
    bool unique;
    const uint32_t *prefix;
    uint32_t prefix_count;
    uint32_t rest; // items, or additionalItems
    const char *rest_keyword;
    uint32_t contains;
    uint64_t min_contains, max_contains;
    bool contains_marks; // matched items count as evaluated
} array_rules_t;

typedef struct {
    mst_str_t name;
    uint32_t node; // NO_NODE: only required
    bool required;
} property_t;

typedef struct {
    mst_regex_t *pattern;
    uint32_t node;
} pattern_rule_t;

typedef struct {
    mst_str_t name;
    const mst_json_t *wanted; // array of names, or NULL
    uint32_t node;            // or NO_NODE
    const char *keyword;
} dependent_t;

typedef struct {
    uint64_t min, max;
    const property_t *properties; // in order of length, then bytes
    uint32_t property_count, required_count;
    const pattern_rule_t *patterns;
    uint32_t pattern_count;
    uint32_t additional, names;
    const dependent_t *dependents;
    uint32_t dependent_count;
} object_rules_t;

typedef struct {
    const mst_json_t *constant; // NULL = absent
    const mst_json_t *list;     // the array of enum
    const mst_str_t *strings;   // its strings, in order of length, then bytes
    uint32_t string_count;
    bool only_strings;
} value_rules_t;

typedef struct {
    node_kind_t kind;
    uint32_t types;             // of T_*; T_ANY when there is no `type`
    uint32_t resource;          // for the dynamic scope
    const value_rules_t *value; // NULL where there are no such keywords
    const number_rules_t *number;
    const string_rules_t *string;
    const array_rules_t *array;
    const object_rules_t *object;
    const apply_t *applies;
    uint32_t apply_count;
    uint32_t unevaluated_items, unevaluated_properties;
} node_t;

struct mst_schema {
    mst_arena_t *arena; // everything that lives as long as the schema
    node_t *nodes;      // heap
    size_t node_count, node_cap;
    uint32_t root;
    mst_regex_t **patterns; // heap; to free them
    size_t pattern_count, pattern_cap;
    size_t resource_count;
    uint32_t *dynamic;       // [name * resource_count + resource]: node with that dynamic anchor, or NO_NODE
    uint64_t seed;           // of hashes for uniqueItems
    struct mst_check *check; // scratch of checking
};

// Order of names in tables: by length, then by bytes.
int mst_schema_name_order(mst_str_t a, mst_str_t b);

struct mst_check *mst_check_new(void);
void mst_check_free(struct mst_check *check);

#endif
