// The file of the cache: one table of a SQLite database in WAL mode, used by several processes at once. A connection
// belongs to one thread at a time.
#ifndef MST_WORKER_CACHE_FILE_H
#define MST_WORKER_CACHE_FILE_H

#include "common/base/err.h"
#include "common/base/hash.h"

typedef struct mst_cache_file mst_cache_file_t;

// Of a writer: made when there is none. Of a reader: MST_NOTFOUND when there is none, or nothing in it yet.
// MST_PROTO: it is no cache, or a damaged one, and is left as it is. MST_IO, MST_DENIED, MST_AGAIN (others are at it).
MST_NODISCARD mst_rc mst_cache_file_open(const char *path, bool writes, mst_cache_file_t **out, mst_err_t *err);
void mst_cache_file_close(mst_cache_file_t **f); // NULL and *NULL allowed

// The bytes of a key, borrowed until mst_cache_file_done, which every good call needs. MST_NOTFOUND; MST_PROTO:
// damaged, the checksum does not hold.
MST_NODISCARD mst_rc mst_cache_file_get(mst_cache_file_t *f, const mst_digest_t *key, mst_str_t *out, mst_err_t *err);

void mst_cache_file_done(mst_cache_file_t *f);

// Writing: begin, put any number, end. After an error: nothing since begin is kept.
MST_NODISCARD mst_rc mst_cache_file_begin(mst_cache_file_t *f, mst_err_t *err);
MST_NODISCARD mst_rc mst_cache_file_put(mst_cache_file_t *f, const mst_digest_t *key, mst_str_t bytes, int64_t wall_ns,
                                        mst_err_t *err);
// Drops the oldest until no more than max_bytes of the file are used, and commits.
MST_NODISCARD mst_rc mst_cache_file_end(mst_cache_file_t *f, uint64_t max_bytes, mst_err_t *err);
void mst_cache_file_rollback(mst_cache_file_t *f);

#endif
