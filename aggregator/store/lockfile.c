// flock on a file beside the database, never on the database itself: SQLite's own locks are POSIX locks, and those
// of a whole process vanish when any descriptor of the file is closed.
#include "aggregator/store/lockfile.h"

#include "common/base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static mst_rc
rc_of_errno(int e)
{
    switch (e) {
    case ENOENT:
    case ENOTDIR:
        return MST_NOTFOUND;
    case EACCES:
    case EPERM:
    case EROFS:
        return MST_DENIED;
    case ENOSPC:
    case EDQUOT:
        return MST_FULL;
    default:
        return MST_IO;
    }
}

static mst_rc
held(const char *database, int fd, mst_err_t *err)
{
    char pid[24] = "";
    ssize_t n = pread(fd, pid, sizeof pid - 1, 0);
    size_t digits = n > 0 ? strspn(pid, "0123456789") : 0;
    if (digits == 0)
        return MST_ERR(err, MST_CONFLICT,
                       "database \"%s\" is being written by another process; wait for it, or use "
                       "another with --db",
                       database);
    return MST_ERR(err, MST_CONFLICT,
                   "database \"%s\" is being written by process %.*s; wait for it, or use another "
                   "with --db",
                   database, (int)digits, pid);
}

// The file may have been removed by its last holder between our open and our lock.
static bool
still_there(int fd, const char *path)
{
    struct stat a, b;
    return fstat(fd, &a) == 0 && stat(path, &b) == 0 && a.st_ino == b.st_ino && a.st_dev == b.st_dev;
}

mst_rc
mst_lockfile_take(const char *database, mst_lockfile_t *out, mst_err_t *err)
{
    char *real = realpath(database, NULL); // a link to the same file must find the same lock
    const char *name = real ? real : database;
    size_t bytes = strlen(name) + sizeof ".lock";
    *out = (mst_lockfile_t){.fd = -1, .path = mst_xalloc(bytes)};
    snprintf(out->path, bytes, "%s.lock", name);
    free(real);
    for (;;) {
        int fd = open(out->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
        if (fd < 0) {
            int e = errno;
            MST_ERR_SUB(err, rc_of_errno(e), e, "could not open lock \"%s\": %s", out->path, strerror(e));
            mst_lockfile_release(out);
            return rc_of_errno(e);
        }
        if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
            mst_rc rc = held(database, fd, err);
            close(fd);
            mst_lockfile_release(out);
            return rc;
        }
        if (still_there(fd, out->path)) {
            out->fd = fd;
            break;
        }
        close(fd);
    }
    char pid[24];
    int n = snprintf(pid, sizeof pid, "%ld\n", (long)getpid());
    // the number only serves a message: a full disk must not keep the lock from being taken
    if (ftruncate(out->fd, 0) == 0 && pwrite(out->fd, pid, (size_t)n, 0) < 0)
        errno = 0;
    return MST_OK;
}

void
mst_lockfile_release(mst_lockfile_t *lock)
{
    if (lock->fd >= 0) {
        unlink(lock->path);
        close(lock->fd);
    }
    free(lock->path);
    *lock = (mst_lockfile_t){.fd = -1};
}
