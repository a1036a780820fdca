#include "coordinator/dataset/bytes.h"

#include "common/base/compress.h"
#include "common/base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define RAW_BYTES (64 * 1024)

struct mst_bytes {
    char *path;
    int fd;
    struct stat opened; // to notice a change
    mst_comp_t kind;
    mst_inflate_t *z; // NULL for plain files
    char *raw;        // compressed bytes [raw_at, raw_n)
    size_t raw_at, raw_n;
    bool raw_end;
};

static const char *
reason(int error)
{
    switch (error) {
    case ENOENT:
        return "no such file";
    case EACCES:
        return "permission denied";
    default:
        return strerror(error);
    }
}

static mst_rc
open_file(mst_bytes_t *b, mst_err_t *err)
{
    b->fd = open(b->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (b->fd < 0)
        return MST_ERR_SUB(err, errno == ENOENT ? MST_NOTFOUND : MST_INVAL, errno, "could not open dataset \"%s\": %s",
                           b->path, reason(errno));
    if (fstat(b->fd, &b->opened) != 0)
        return MST_ERR_SUB(err, MST_IO, errno, "could not read dataset \"%s\": %s", b->path, reason(errno));
    if (S_ISDIR(b->opened.st_mode))
        return MST_ERR(err, MST_INVAL, "dataset \"%s\" is a directory; name a file in it", b->path);
    if (!S_ISREG(b->opened.st_mode))
        return MST_ERR(err, MST_INVAL, "dataset \"%s\" is not a regular file; it is read twice, so a pipe cannot serve",
                       b->path);
    char head[4];
    ssize_t n = pread(b->fd, head, sizeof head, 0);
    if (n < 0)
        return MST_ERR_SUB(err, MST_IO, errno, "could not read dataset \"%s\": %s", b->path, reason(errno));
    b->kind = mst_comp_detect(mst_str(head, (size_t)n));
    return MST_OK;
}

mst_rc
mst_bytes_open(const char *path, mst_bytes_t **out, mst_err_t *err)
{
    mst_bytes_t *b = MST_NEW(mst_bytes_t);
    b->path = mst_xstrdup(path);
    b->fd = -1;
    mst_rc rc = open_file(b, err);
    if (rc == MST_OK)
        rc = mst_bytes_rewind(b, err);
    if (rc != MST_OK)
        mst_bytes_close(&b);
    *out = b;
    return rc;
}

void
mst_bytes_close(mst_bytes_t **b)
{
    if (b == NULL || *b == NULL)
        return;
    if ((*b)->fd >= 0)
        close((*b)->fd);
    mst_inflate_free(&(*b)->z);
    free((*b)->raw);
    free((*b)->path);
    free(*b);
    *b = NULL;
}

const char *
mst_bytes_path(const mst_bytes_t *b)
{
    return b->path;
}

mst_rc
mst_bytes_rewind(mst_bytes_t *b, mst_err_t *err)
{
    if (lseek(b->fd, 0, SEEK_SET) != 0)
        return MST_ERR_SUB(err, MST_IO, errno, "could not read dataset \"%s\": %s", b->path, reason(errno));
    mst_inflate_free(&b->z);
    b->raw_at = b->raw_n = 0;
    b->raw_end = false;
    if (b->kind == MST_COMP_NONE)
        return MST_OK;
    b->z = mst_inflate_new(b->kind);
    if (b->raw == NULL)
        b->raw = mst_xalloc(RAW_BYTES);
    return b->z != NULL ? MST_OK : MST_ERR(err, MST_NOMEM, "could not read dataset \"%s\": out of memory", b->path);
}

// The digest of the first pass stands for the bytes of the second one.
static mst_rc
check_unchanged(const mst_bytes_t *b, mst_err_t *err)
{
    struct stat now;
    if (fstat(b->fd, &now) != 0)
        return MST_ERR_SUB(err, MST_IO, errno, "could not read dataset \"%s\": %s", b->path, reason(errno));
    if (now.st_size == b->opened.st_size && now.st_mtim.tv_sec == b->opened.st_mtim.tv_sec &&
        now.st_mtim.tv_nsec == b->opened.st_mtim.tv_nsec)
        return MST_OK;
    return MST_ERR(err, MST_CONFLICT, "dataset \"%s\" was changed while it was read", b->path);
}

static mst_rc
read_file(mst_bytes_t *b, char *p, size_t cap, size_t *out_n, mst_err_t *err)
{
    ssize_t n;
    do
        n = read(b->fd, p, cap);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return MST_ERR_SUB(err, MST_IO, errno, "could not read dataset \"%s\": %s", b->path, reason(errno));
    *out_n = (size_t)n;
    return n == 0 ? check_unchanged(b, err) : MST_OK;
}

static mst_rc
name_error(const mst_bytes_t *b, mst_rc rc, mst_err_t *err)
{
    mst_err_prefix(err, "could not decompress dataset \"%s\"", b->path);
    return rc;
}

static mst_rc
read_compressed(mst_bytes_t *b, char *p, size_t cap, size_t *out_n, mst_err_t *err)
{
    for (;;) {
        if (b->raw_at == b->raw_n && !b->raw_end) {
            b->raw_at = 0;
            mst_rc rc = read_file(b, b->raw, RAW_BYTES, &b->raw_n, err);
            if (rc != MST_OK)
                return rc;
            b->raw_end = b->raw_n == 0;
        }
        size_t taken = 0, n = 0;
        mst_rc rc = mst_inflate_step(b->z, mst_str(b->raw + b->raw_at, b->raw_n - b->raw_at), &taken, p, cap, &n, err);
        if (rc != MST_OK)
            return name_error(b, rc, err);
        b->raw_at += taken;
        *out_n = n;
        if (n > 0)
            return MST_OK;
        if (b->raw_end) {
            rc = mst_inflate_end(b->z, err);
            return rc == MST_OK ? MST_OK : name_error(b, rc, err);
        }
        if (taken == 0 && b->raw_at < b->raw_n)
            return MST_ERR(err, MST_PROTO, "could not decompress dataset \"%s\": bytes behind the compressed stream",
                           b->path);
    }
}

mst_rc
mst_bytes_read(mst_bytes_t *b, char *p, size_t cap, size_t *out_n, mst_err_t *err)
{
    *out_n = 0;
    return b->kind == MST_COMP_NONE ? read_file(b, p, cap, out_n, err) : read_compressed(b, p, cap, out_n, err);
}
