// A few compiled patterns, kept by their text: for patterns that come with the cases of a run and repeat.
// Thread: belongs to one thread.
#ifndef MST_TEXT_REGEX_CACHE_H
#define MST_TEXT_REGEX_CACHE_H

#include "common/text/regex.h"

typedef struct mst_regex_cache mst_regex_cache_t;

mst_regex_cache_t *mst_regex_cache_new(void);
void mst_regex_cache_free(mst_regex_cache_t **cache);
// The pattern compiled; valid until the 31 others after it have been asked for. Errors as mst_regex_new.
MST_NODISCARD mst_rc mst_regex_cached(mst_regex_cache_t *cache, mst_str_t pattern, int flags, mst_regex_t **out,
                                      mst_err_t *err);

#endif
