// Small steps that make texts comparable, each as the reference implementations have it. Pure. Thread: any.
#ifndef MST_TEXT_NORMALISE_H
#define MST_TEXT_NORMALISE_H

#include "common/base/buf.h"

bool mst_text_is_ascii(mst_str_t s);

// One of the 32 ASCII marks of Python's string.punctuation?
static inline bool
mst_text_is_mark(char c)
{
    return (c >= '!' && c <= '/') || (c >= ':' && c <= '@') || (c >= '[' && c <= '`') || (c >= '{' && c <= '~');
}

// Python's str.lower() of s, written to *scratch (reset first, s may not lie in it); fast for ASCII. MST_LIMIT or
// MST_NOMEM when scratch is full.
MST_NODISCARD mst_rc mst_text_lower(mst_str_t s, mst_buf_t *scratch, mst_str_t *out);
// Deletes the 32 ASCII marks of Python's string.punctuation and the ASCII digits, in place; returns the new length.
size_t mst_text_delete_marks(char *p, size_t n, bool punctuation, bool digits);
// For one line of a report: at most n bytes of s, cut at a character, control characters and invalid bytes shown
// as blanks, "..." behind it when it was cut. Writes at most n + 3 bytes to out.
size_t mst_text_excerpt(mst_str_t s, size_t n, char *out);
// Words between white space (Python's str.split()).
uint64_t mst_text_words(mst_str_t s);

#endif
