// What Python's str says of characters and texts. Many references are written in Python, and their numbers hang on
// it. Invalid bytes count as U+FFFD: no letter, no digit, no white space. Pure. Thread: any.
#ifndef MST_TEXT_PYTHON_H
#define MST_TEXT_PYTHON_H

#include "common/base/str.h"

// \w: str.isalnum() or "_". Marks that combine are none.
bool mst_py_is_word(uint32_t cp);
// \d: any decimal digit (category Nd).
bool mst_py_is_digit(uint32_t cp);
// unicodedata.category() is one of P*.
bool mst_py_is_punctuation(uint32_t cp);
bool mst_py_char_upper(uint32_t cp);
bool mst_py_char_lower(uint32_t cp);
// str.isupper(), str.islower(): a cased character, and none of the other kind; title case counts as the other.
bool mst_py_is_upper(mst_str_t s);
bool mst_py_is_lower(mst_str_t s);
// str.split(): takes the next word off *rest. False at the end.
bool mst_py_split(mst_str_t *rest, mst_str_t *word);
// Runs of \w+.
uint64_t mst_py_count_words(mst_str_t s);
// Bytes of the character that ends at s.p + end and does not begin before s.p + from; 0 when from == end. *cp as
// mst_utf8_next gives it.
size_t mst_py_char_before(mst_str_t s, size_t from, size_t end, uint32_t *cp);
// Nothing but white space?
bool mst_py_is_blank(mst_str_t s);

#endif
