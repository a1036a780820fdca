// The names of Unicode properties in ECMA-262, as PCRE2 knows them.
#ifndef MST_TEXT_ECMA_PROPERTY_H
#define MST_TEXT_ECMA_PROPERTY_H

#include "common/base/str.h"

#include <stdbool.h>

// What stands between the braces of \p{...}: returned text, then *rest; *flip: \P for \p. NULL: not written as a
// name of a property.
const char *mst_ecma_property(mst_str_t name, mst_str_t *rest, bool *flip);

#endif
