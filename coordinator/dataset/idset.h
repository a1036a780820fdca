// The ids seen so far, as 72-bit hashes in about 10 bytes each, so that a million ids cost some 10 MB.
//
// A hash that is met again is taken for the same id. The chance that any two different ones of n ids share a hash is
// n^2 / 2^73: for a million ids one in ten billion, for a hundred million one in a million.
//
// One open-addressing table, kept in order of the hash: the place of a hash h is h * slots / 2^64, and what does
// not find its place free moves right. Growing (by a sixteenth) keeps the order, so it is done in place on memory
// that realloc extends: there are never two tables at once.
// Thread: belongs to one thread.
#ifndef MST_DATASET_IDSET_H
#define MST_DATASET_IDSET_H

#include "common/base/err.h"
#include "common/base/str.h"

typedef struct mst_idset mst_idset_t;

// seed: taken from the digest of the file, so that the same file always gives the same answers and nobody can
// choose ids that collide.
mst_idset_t *mst_idset_new(uint64_t seed);
void mst_idset_free(mst_idset_t **s);
bool mst_idset_has(const mst_idset_t *s, mst_str_t id);
// *out_new false: it was there. MST_NOMEM.
MST_NODISCARD mst_rc mst_idset_add(mst_idset_t *s, mst_str_t id, bool *out_new);
size_t mst_idset_count(const mst_idset_t *s);
size_t mst_idset_bytes(const mst_idset_t *s); // memory held

#endif
