// Rewrites a pattern in Python's dialect into PCRE2's. Pure text; knows nothing of compiling.
// Thread: any.
#ifndef MST_TEXT_PATTERN_H
#define MST_TEXT_PATTERN_H

#include "common/base/buf.h"

// Appends the translation to out; out->failed when it is full. ucp: as in MST_REGEX_UCP.
// What it cannot understand it copies, so that the compiler gives the error.
void mst_pattern_translate(mst_str_t python, bool ucp, mst_buf_t *out);

#endif
