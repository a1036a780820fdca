// UTF-8: checking, walking, repairing, folding. Invalid input is never an error here, only a fact.
// Thread: any; no shared state.
#ifndef MST_BASE_UTF8_H
#define MST_BASE_UTF8_H

#include "common/base/buf.h"

bool mst_utf8_valid(mst_str_t s);
// Bytes at the front of s that are valid; s.n when all are.
size_t mst_utf8_valid_bytes(mst_str_t s);
// Decodes one code point at s.p; returns bytes taken (>= 1). Invalid bytes give U+FFFD and 1. s.n >= 1.
size_t mst_utf8_next(mst_str_t s, uint32_t *out_cp);
// Writes 1-4 bytes to out; cp is valid.
size_t mst_utf8_put(uint32_t cp, char out[4]);
// Code points; every invalid byte counts as one.
uint64_t mst_utf8_count(mst_str_t s);
// Appends s with each invalid byte replaced by U+FFFD.
mst_rc mst_utf8_repair(mst_str_t s, mst_buf_t *out);
// Python's str.lower(): full mapping (U+0130 gives two code points) with the final-sigma rule.
// Invalid bytes stay as they are.
mst_rc mst_utf8_lower(mst_str_t s, mst_buf_t *out);
// Python's str.strip()/split() white space: Unicode White_Space plus U+001C..U+001F.
bool mst_utf8_is_space(uint32_t cp);
mst_str_t mst_utf8_trim(mst_str_t s);
// The same at the end alone: str.rstrip().
mst_str_t mst_utf8_trim_end(mst_str_t s);

// General category in coarse: L*, N*, P*, S*, and all others (marks, separators, control, unassigned).
typedef enum {
    MST_UTF8_OTHER,
    MST_UTF8_LETTER,
    MST_UTF8_NUMBER,
    MST_UTF8_PUNCTUATION,
    MST_UTF8_SYMBOL,
} mst_utf8_class_t;

mst_utf8_class_t mst_utf8_class(uint32_t cp);
// \w of Python's re: letters, numbers and "_"; no combining marks.
bool mst_utf8_is_word(uint32_t cp);

#endif
