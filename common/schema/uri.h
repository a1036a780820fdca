// URI references as RFC 3986 resolves them. For files of this folder only. Thread: any.
#ifndef MST_SCHEMA_URI_H
#define MST_SCHEMA_URI_H

#include "common/base/mem.h"

typedef struct {
    mst_str_t scheme, authority, path, query, fragment; // p == NULL: absent (path is never absent)
} mst_uri_t;

mst_uri_t mst_uri_split(mst_str_t s); // any text splits somehow
bool mst_uri_absolute(mst_str_t s);   // begins with a scheme
// The target without its fragment, in arena; *fragment is a view of ref, p == NULL without one. MST_STR_NULL and
// *ok false when the arena is full.
mst_str_t mst_uri_resolve(mst_str_t base, mst_str_t ref, mst_str_t *fragment, mst_arena_t *arena, bool *ok);
// %XX decoded; a copy in arena when something was. *ok false when the arena is full.
mst_str_t mst_uri_decode(mst_str_t s, mst_arena_t *arena, bool *ok);

#endif
