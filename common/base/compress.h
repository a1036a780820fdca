// Streaming decompression in memory: gzip (zlib) and zstd, with a cap on the ratio, so that a small file
// cannot become a large one. Plain bytes pass through unchanged.
// Thread: a state belongs to one thread.
#ifndef MST_BASE_COMPRESS_H
#define MST_BASE_COMPRESS_H

#include "common/base/buf.h"

typedef enum { MST_COMP_NONE = 0, MST_COMP_GZIP, MST_COMP_ZSTD } mst_comp_t;

typedef struct mst_inflate mst_inflate_t;

// By the first bytes of the content (4 are enough), not by the name.
mst_comp_t mst_comp_detect(mst_str_t head);
mst_inflate_t *mst_inflate_new(mst_comp_t kind);
void mst_inflate_free(mst_inflate_t **z);
// Takes some of in (reports how many bytes) and writes up to out_cap bytes to out.
// MST_OK, MST_PROTO broken data, MST_LIMIT ratio over MST_DECOMPRESS_RATIO_MAX (after the first 16 MiB).
MST_NODISCARD mst_rc mst_inflate_step(mst_inflate_t *z, mst_str_t in, size_t *in_taken, char *out,
                                      size_t out_cap, size_t *out_n, mst_err_t *err);
// At the end of the input: MST_PROTO when the stream is cut short.
MST_NODISCARD mst_rc mst_inflate_end(const mst_inflate_t *z, mst_err_t *err);

#endif
