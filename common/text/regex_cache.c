#include "common/text/regex_cache.h"

#include "common/base/mem.h"

#include <stdlib.h>

#define PLACES 32

typedef struct {
    mst_regex_t *re;
    mst_str_t pattern; // owned
    int flags;
} place_t;

struct mst_regex_cache {
    place_t places[PLACES];
    size_t next; // the oldest place
};

mst_regex_cache_t *
mst_regex_cache_new(void)
{
    return MST_NEW(mst_regex_cache_t);
}

static void
empty(place_t *p)
{
    mst_regex_free(&p->re);
    free((void *)(uintptr_t)p->pattern.p);
    *p = (place_t){.re = NULL};
}

void
mst_regex_cache_free(mst_regex_cache_t **cache)
{
    if (cache == NULL || *cache == NULL)
        return;
    for (size_t i = 0; i < PLACES; i++)
        empty(&(*cache)->places[i]);
    free(*cache);
    *cache = NULL;
}

mst_rc
mst_regex_cached(mst_regex_cache_t *cache, mst_str_t pattern, int flags, mst_regex_t **out, mst_err_t *err)
{
    for (size_t i = 0; i < PLACES; i++) {
        const place_t *p = &cache->places[i];
        if (p->re != NULL && p->flags == flags && mst_str_eq(p->pattern, pattern)) {
            *out = p->re;
            return MST_OK;
        }
    }
    mst_regex_t *re = NULL;
    mst_rc rc = mst_regex_new(pattern, flags, &re, err);
    if (rc != MST_OK)
        return rc;
    place_t *p = &cache->places[cache->next];
    cache->next = (cache->next + 1) % PLACES;
    empty(p);
    *p = (place_t){.re = re, .flags = flags};
    p->pattern = mst_str(mst_xstrndup(pattern.n > 0 ? pattern.p : "", pattern.n), pattern.n);
    *out = re;
    return MST_OK;
}
