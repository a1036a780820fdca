// Large cases: fetched from the coordinator in checked pieces, a window at a time.
#ifndef MST_WORKER_BLOBS_H
#define MST_WORKER_BLOBS_H

#include "worker/io.h"

void mst_blob_fetch(mst_io_t *io, mst_attempt_t *a); // ends in mst_attempt_case or mst_attempt_fail
void mst_blob_forget(mst_io_t *io, mst_attempt_t *a);
void mst_blob_chunk(mst_io_t *io, const Muster__BlobChunk *chunk);
void mst_blob_ask_again(mst_io_t *io, int64_t silent_ns); // for those that heard nothing for so long

#endif
