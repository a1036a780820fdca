// Regular expressions as ECMA-262 writes them (Unicode mode), for PCRE2: JSON Schema's `pattern`, `patternProperties`
// and the format `regex`. Pure text; knows nothing of compiling. Thread: any.
#ifndef MST_TEXT_ECMA_H
#define MST_TEXT_ECMA_H

#include "common/base/buf.h"

// Appends the translation to out. Beside Unicode mode it takes what people write all the same: escaped marks (\-, \@),
// lone brackets and braces, inline flags such as (?i). What ECMA-262 does not know (\Z, \A, possessive and atomic
// groups, conditions) is MST_INVAL with the reason and the place. MST_UNSUPPORTED: a lone surrogate, which no UTF-8
// text holds. MST_LIMIT: out is full, or groups nest too deep.
MST_NODISCARD mst_rc mst_ecma_translate(mst_str_t pattern, mst_buf_t *out, mst_err_t *err);

// Is it a pattern of ECMA-262 in Unicode mode, strictly? Names of properties (\p{...}) are not looked up.
bool mst_ecma_valid(mst_str_t pattern);

#endif
