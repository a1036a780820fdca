// Regular expressions: PCRE2 with JIT, UTF mode and match limits, with Python's meaning where the two differ
// and it can be had by options (\d \w \s \b are Unicode when ucp). Invalid UTF-8 in a subject is repaired
// by the caller (mst_utf8_repair) or matched with the invalid-UTF option.
// Thread: a compiled pattern belongs to one thread (it holds its match data).
#ifndef MST_TEXT_REGEX_H
#define MST_TEXT_REGEX_H

#include "common/base/err.h"
#include "common/base/str.h"

typedef struct mst_regex mst_regex_t;

enum { MST_REGEX_ICASE = 1, MST_REGEX_DOTALL = 2, MST_REGEX_MULTILINE = 4, MST_REGEX_UCP = 8 };
#define MST_REGEX_GROUPS_MAX 100

// MST_INVAL: could not compile pattern "...": reason at offset N.
MST_NODISCARD mst_rc mst_regex_new(mst_str_t pattern, int flags, mst_regex_t **out, mst_err_t *err);
void mst_regex_free(mst_regex_t **re);
uint32_t mst_regex_groups(const mst_regex_t *re); // capturing groups, without the whole match
// Searches from byte offset `from`. MST_OK: found, groups[0..n) filled (p == NULL: group took no part),
// groups[0] is the whole match. MST_NOTFOUND: no match. MST_LIMIT: the match limit or its heap was used up.
MST_NODISCARD mst_rc mst_regex_find(mst_regex_t *re, mst_str_t subject, size_t from, mst_str_t *groups,
                                    size_t groups_cap, mst_err_t *err);

#endif
