// Internationalised labels of host names: IDNA 2008. For files of this folder only. Thread: any.
#ifndef MST_SCHEMA_IDNA_H
#define MST_SCHEMA_IDNA_H

#include "common/base/str.h"

#define MST_LABEL_MAX 63 // octets of a label as it travels

// RFC 3492. Code points of out, or 0 when the text (behind "xn--") is not Punycode. The text is lower case.
size_t mst_punycode_decode(mst_str_t text, uint32_t out[MST_LABEL_MAX]);
// Octets of out (without "xn--"), or 0 when they are more than MST_LABEL_MAX.
size_t mst_punycode_encode(const uint32_t *cps, size_t n, char out[MST_LABEL_MAX]);

// A label of code points by RFC 5891 (4.2), 5892 and 5893: normal form, hyphens, first character, allowed code
// points and their context. The rule for labels that run from right to left is asked for by itself, since it holds for
// every label of a name when one of them runs so.
bool mst_idna_label_ok(const uint32_t *cps, size_t n);
bool mst_idna_has_rtl(const uint32_t *cps, size_t n);
bool mst_idna_bidi_ok(const uint32_t *cps, size_t n);

#endif
