// The spool of large cases: append at the end, read anywhere, punch holes for what is done.
#include "coordinator/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void
mst_spool_init(mst_spool_t *b)
{
    *b = (mst_spool_t){.fd = -1};
}

void
mst_spool_deinit(mst_spool_t *b)
{
    if (b->fd >= 0)
        close(b->fd);
    mst_spool_init(b);
}

static mst_rc
open_spool(mst_spool_t *b, mst_err_t *err)
{
    const char *dir = getenv("TMPDIR");
    if (dir == NULL || dir[0] == '\0')
        dir = "/tmp";
    b->fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (b->fd >= 0)
        return MST_OK;
    // not every file system knows files without a name
    char path[4096];
    int n = snprintf(path, sizeof path, "%s/muster-XXXXXX", dir);
    if (n > 0 && (size_t)n < sizeof path)
        b->fd = mkostemp(path, O_CLOEXEC);
    if (b->fd < 0)
        return MST_ERR_SUB(err, MST_IO, errno, "could not make a temporary file in \"%s\": %s (set TMPDIR)", dir,
                           strerror(errno));
    unlink(path);
    return MST_OK;
}

mst_rc
mst_spool_add(mst_spool_t *b, mst_str_t bytes, uint64_t *out_at, mst_err_t *err)
{
    mst_rc rc = b->fd >= 0 ? MST_OK : open_spool(b, err);
    if (rc != MST_OK)
        return rc;
    for (size_t done = 0; done < bytes.n;) {
        ssize_t n = pwrite(b->fd, bytes.p + done, bytes.n - done, (off_t)(b->end + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            bool full = errno == ENOSPC || errno == EDQUOT;
            return MST_ERR_SUB(err, full ? MST_FULL : MST_IO, errno,
                               "could not keep a case of %zu bytes in a temporary file: %s (set TMPDIR)", bytes.n,
                               strerror(errno));
        }
        done += (size_t)n;
    }
    *out_at = b->end;
    b->end += bytes.n;
    b->live += bytes.n;
    return MST_OK;
}

mst_rc
mst_spool_read(const mst_spool_t *b, uint64_t at, char *to, size_t n, mst_err_t *err)
{
    for (size_t done = 0; done < n;) {
        ssize_t got = pread(b->fd, to + done, n - done, (off_t)(at + done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return MST_ERR_SUB(err, MST_IO, got < 0 ? errno : 0,
                               "could not read a case back from its temporary file: %s",
                               got < 0 ? strerror(errno) : "it ends early");
        done += (size_t)got;
    }
    return MST_OK;
}

void
mst_spool_drop(mst_spool_t *b, uint64_t at, uint64_t n)
{
    b->live -= n;
    if (b->live == 0) {
        // nothing in it any more: begin anew; when that fails the file is only longer than need be
        if (ftruncate(b->fd, 0) == 0)
            b->end = 0;
        return;
    }
    (void)fallocate(b->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)at, (off_t)n);
}
