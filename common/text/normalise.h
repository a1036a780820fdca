// Small steps that make texts comparable, each as the reference implementations have it. Pure. Thread: any.
#ifndef MST_TEXT_NORMALISE_H
#define MST_TEXT_NORMALISE_H

#include "common/base/utf8.h"

bool mst_text_is_ascii(mst_str_t s);

// mst_utf8_next, mst_utf8_is_space and mst_utf8_is_word with ASCII decided on the spot.
static inline size_t
mst_text_next(mst_str_t s, uint32_t *cp)
{
    *cp = (unsigned char)s.p[0];
    return *cp < 0x80 ? 1 : mst_utf8_next(s, cp);
}

static inline bool
mst_text_is_space(uint32_t cp)
{
    return cp > ' ' && cp < 0x80 ? false : mst_utf8_is_space(cp);
}

static inline bool
mst_text_is_word(uint32_t cp)
{
    if (cp >= 0x80)
        return mst_utf8_is_word(cp);
    return ((cp | 0x20) >= 'a' && (cp | 0x20) <= 'z') || (cp >= '0' && cp <= '9') || cp == '_';
}

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
