// Streaming decompression. Several gzip members or zstd frames behind one another are one content, as the tools
// that write them have it; zero bytes behind a gzip member are padding. Anything else behind the end is refused.
#include "common/base/compress.h"

#include "common/base/limits.h"
#include "common/base/mem.h"

#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

#define RATIO_FREE_BYTES (16 * MST_MIB) // no ratio is asked of output up to here
#define PIECE_MAX        ((size_t)1 << 30)

struct mst_inflate {
    mst_comp_t kind;
    z_stream gz;
    ZSTD_DStream *zs;
    bool inside;  // of a member or frame: more must come
    bool padding; // zero bytes behind a gzip member: nothing else may follow
    uint64_t in_total, out_total;
};

mst_comp_t
mst_comp_detect(mst_str_t head)
{
    if (head.n >= 2 && memcmp(head.p, "\x1f\x8b", 2) == 0)
        return MST_COMP_GZIP;
    if (head.n >= 4 && memcmp(head.p, "\x28\xb5\x2f\xfd", 4) == 0)
        return MST_COMP_ZSTD;
    // a skippable frame, with which some tools begin
    if (head.n >= 4 && ((unsigned char)head.p[0] & 0xF0) == 0x50 && memcmp(head.p + 1, "\x2a\x4d\x18", 3) == 0)
        return MST_COMP_ZSTD;
    return MST_COMP_NONE;
}

mst_inflate_t *
mst_inflate_new(mst_comp_t kind)
{
    mst_inflate_t *z = MST_NEW(mst_inflate_t);
    z->kind = kind;
    if (kind == MST_COMP_GZIP)
        MST_ASSERT(inflateInit2(&z->gz, 15 + 16) == Z_OK); // fails without memory only
    if (kind == MST_COMP_ZSTD) {
        z->zs = ZSTD_createDStream();
        MST_ASSERT(z->zs != NULL);
    }
    return z;
}

void
mst_inflate_free(mst_inflate_t **z)
{
    if (z == NULL || *z == NULL)
        return;
    if ((*z)->kind == MST_COMP_GZIP)
        inflateEnd(&(*z)->gz);
    ZSTD_freeDStream((*z)->zs);
    free(*z);
    *z = NULL;
}

typedef struct {
    mst_str_t in;
    size_t taken;
    char *out;
    size_t out_cap, out_n;
} piece_t;

// One member of a gzip stream: up to its end, or until one side is used up. *more says that both sides have left
// and the next member may begin.
static mst_rc
gzip_member(mst_inflate_t *z, piece_t *w, bool *more, mst_err_t *err)
{
    *more = false;
    if (!z->inside) {
        while (w->taken < w->in.n && w->in.p[w->taken] == '\0' && z->in_total > 0) {
            w->taken++;
            z->padding = true;
        }
        if (w->taken == w->in.n)
            return MST_OK;
        if (z->padding || inflateReset(&z->gz) != Z_OK)
            return MST_ERR(err, MST_PROTO, "gzip data: something else follows the end of the compressed data");
        z->inside = true;
    }
    size_t in_left = w->in.n - w->taken, out_left = w->out_cap - w->out_n;
    z->gz.next_in = (z_const Bytef *)(uintptr_t)(w->in.p + w->taken);
    z->gz.avail_in = (uInt)(in_left < PIECE_MAX ? in_left : PIECE_MAX);
    z->gz.next_out = (Bytef *)(w->out + w->out_n);
    z->gz.avail_out = (uInt)(out_left < PIECE_MAX ? out_left : PIECE_MAX);
    uInt in_before = z->gz.avail_in, out_before = z->gz.avail_out;
    int zrc = inflate(&z->gz, Z_NO_FLUSH);
    w->taken += in_before - z->gz.avail_in;
    w->out_n += out_before - z->gz.avail_out;
    z->in_total += in_before - z->gz.avail_in;
    if (zrc == Z_STREAM_END) {
        z->inside = false;
        *more = w->taken < w->in.n && w->out_n < w->out_cap;
        return MST_OK;
    }
    if (zrc == Z_MEM_ERROR)
        return MST_ERR_SUB(err, MST_NOMEM, zrc, "gzip data: out of memory");
    if (zrc != Z_OK && zrc != Z_BUF_ERROR)
        return MST_ERR_SUB(err, MST_PROTO, zrc, "gzip data is broken: %s", z->gz.msg ? z->gz.msg : "bad stream");
    return MST_OK;
}

static mst_rc
zstd_step(mst_inflate_t *z, piece_t *w, mst_err_t *err)
{
    ZSTD_inBuffer in = {w->in.p, w->in.n, 0};
    ZSTD_outBuffer out = {w->out, w->out_cap, 0};
    // between frames an empty call would look like the start of a frame that never comes
    while (z->inside || in.pos < in.size) {
        size_t in_before = in.pos, out_before = out.pos;
        size_t hint = ZSTD_decompressStream(z->zs, &out, &in);
        if (ZSTD_isError(hint))
            return MST_ERR(err, MST_PROTO, "zstd data is broken: %s", ZSTD_getErrorName(hint));
        z->inside = hint != 0;
        if (in.pos == in_before && out.pos == out_before)
            break;
        if (out.pos == out.size)
            break;
    }
    z->in_total += in.pos;
    w->taken = in.pos;
    w->out_n = out.pos;
    return MST_OK;
}

static mst_rc
plain_step(mst_inflate_t *z, piece_t *w)
{
    size_t n = w->in.n < w->out_cap ? w->in.n : w->out_cap;
    if (n > 0)
        memcpy(w->out, w->in.p, n);
    z->in_total += n;
    w->taken = w->out_n = n;
    return MST_OK;
}

static mst_rc
gzip_step(mst_inflate_t *z, piece_t *w, mst_err_t *err)
{
    bool more = true;
    mst_rc rc = MST_OK;
    while (more && rc == MST_OK)
        rc = gzip_member(z, w, &more, err);
    return rc;
}

mst_rc
mst_inflate_step(mst_inflate_t *z, mst_str_t in, size_t *in_taken, char *out, size_t out_cap, size_t *out_n,
                 mst_err_t *err)
{
    piece_t w = {.in = in, .out = out, .out_cap = out_cap};
    mst_rc rc = MST_OK;
    switch (z->kind) {
    case MST_COMP_NONE:
        rc = plain_step(z, &w);
        break;
    case MST_COMP_GZIP:
        rc = gzip_step(z, &w, err);
        break;
    case MST_COMP_ZSTD:
        rc = zstd_step(z, &w, err);
        break;
    }
    *in_taken = w.taken;
    *out_n = w.out_n;
    z->out_total += w.out_n;
    if (rc == MST_OK && z->out_total > RATIO_FREE_BYTES && z->out_total / MST_DECOMPRESS_RATIO_MAX > z->in_total)
        return MST_ERR(err, MST_LIMIT,
                       "compressed data grows more than %d times over (%llu bytes gave %llu): refused as unsafe; "
                       "decompress it by hand if you trust it",
                       MST_DECOMPRESS_RATIO_MAX, (unsigned long long)z->in_total, (unsigned long long)z->out_total);
    return rc;
}

mst_rc
mst_inflate_end(const mst_inflate_t *z, mst_err_t *err)
{
    if (z->inside || (z->kind != MST_COMP_NONE && z->in_total == 0))
        return MST_ERR(err, MST_PROTO, "%s data is cut short after %llu bytes",
                       z->kind == MST_COMP_GZIP ? "gzip" : "zstd", (unsigned long long)z->in_total);
    return MST_OK;
}
