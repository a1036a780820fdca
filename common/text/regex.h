// Regular expressions: PCRE2 with JIT, UTF mode and limits, with the meaning that Python's `re` gives to a pattern
// wherever it can be had. common/text/pattern.c lists what is translated.
//
// Any bytes may be a subject: invalid UTF-8 never matches anything, and is no error. The time of a search is
// bounded without a clock: a pattern that backtracks too much ends in MST_LIMIT, on every machine at the same
// place. Thread: a compiled pattern belongs to one thread (it holds its match data).
#ifndef MST_TEXT_REGEX_H
#define MST_TEXT_REGEX_H

#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/base/str.h"

typedef struct mst_regex mst_regex_t;

// ICASE, DOTALL, MULTILINE: Python's re.I, re.S, re.M. UCP: \d \w \s \b are Unicode, as for a Python str. ECMA: the
// pattern is ECMA-262's (common/text/ecma.h) in place of Python's; goes with ICASE alone, and a search at full speed
// is then bounded by its text, so that mst_regex_work tells most of what searches cost.
enum { MST_REGEX_ICASE = 1, MST_REGEX_DOTALL = 2, MST_REGEX_MULTILINE = 4, MST_REGEX_UCP = 8, MST_REGEX_ECMA = 16 };

#define MST_REGEX_GROUPS_MAX  100
#define MST_REGEX_PATTERN_MAX (64 * 1024) // bytes, after translation

// MST_INVAL: could not compile pattern "...": reason at offset N. MST_LIMIT: longer than MST_REGEX_PATTERN_MAX.
MST_NODISCARD mst_rc mst_regex_new(mst_str_t pattern, int flags, mst_regex_t **out, mst_err_t *err);
void mst_regex_free(mst_regex_t **re);
uint32_t mst_regex_groups(const mst_regex_t *re); // capturing groups, without the whole match
// Searches from byte offset `from`. MST_OK: found, groups[0..n) filled (p == NULL: group took no part),
// groups[0] is the whole match. groups may be NULL with groups_cap 0. MST_NOTFOUND: no match (err is untouched).
// MST_LIMIT: the search was given up.
MST_NODISCARD mst_rc mst_regex_find(mst_regex_t *re, mst_str_t subject, size_t from, mst_str_t *groups,
                                    size_t groups_cap, mst_err_t *err);
// Python's re.finditer: the next match at or behind *at (zeroed for the first one), as mst_regex_find gives it.
// MST_LIMIT also when all searches since the first took too much work together.
typedef struct {
    size_t from;
    uint64_t work;
    bool was_empty;
} mst_regex_at_t;
MST_NODISCARD mst_rc mst_regex_next(mst_regex_t *re, mst_str_t subject, mst_regex_at_t *at, mst_str_t *groups,
                                    size_t groups_cap, mst_err_t *err);
// Counted work of the last search: 0 when it ended at full speed, else steps of the order of ten nanoseconds.
uint64_t mst_regex_work(const mst_regex_t *re);
// Python's re.sub(pattern, "", subject), appended to out. MST_LIMIT also when out is full.
MST_NODISCARD mst_rc mst_regex_delete(mst_regex_t *re, mst_str_t subject, mst_buf_t *out, mst_err_t *err);

#endif
