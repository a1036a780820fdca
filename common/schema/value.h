// JSON values as JSON Schema compares them: numbers by their value, exactly; booleans are no numbers; the order of
// members does not count. For files of this folder only. Thread: any.
#ifndef MST_SCHEMA_VALUE_H
#define MST_SCHEMA_VALUE_H

#include "common/json/json.h"

// Type bits of a value: an integer has T_INT and T_NUM.
enum { T_NULL = 1, T_BOOL = 2, T_INT = 4, T_NUM = 8, T_STR = 16, T_ARR = 32, T_OBJ = 64, T_ANY = 127 };

uint32_t mst_value_type(const mst_json_t *v);
const char *mst_value_type_name(const mst_json_t *v); // "integer", "number", "object", ...

// -1, 0 or 1; 2 when one is NaN. Both are numbers.
int mst_value_order(const mst_json_t *a, const mst_json_t *b);

// *steps is lowered by the work done and stops the comparison at 0 (the answer then means nothing).
bool mst_value_equal(const mst_json_t *a, const mst_json_t *b, uint64_t *steps);
// Equal values have equal hashes.
uint64_t mst_value_hash(const mst_json_t *v, uint64_t seed, uint64_t *steps);

// A number as digits * 10^exp10, digits without zeros at the end: the shortest that reads back as it.
typedef struct {
    uint64_t digits;
    int32_t exp10;
} mst_decimal_t;

// False for NaN and infinities. The sign is dropped.
bool mst_decimal_of(const mst_json_t *number, mst_decimal_t *out);
bool mst_decimal_is_multiple(mst_decimal_t v, mst_decimal_t of); // of.digits > 0

#endif
