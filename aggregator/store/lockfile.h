// "PATH.lock": held by the one process that writes the database PATH. The kernel drops it when the process ends,
// however it ends. The file holds the holder's process id, for the message of whoever comes second.
#ifndef MST_STORE_LOCKFILE_H
#define MST_STORE_LOCKFILE_H

#include "common/base/err.h"

typedef struct {
    int fd;     // -1 = not held
    char *path; // owned
} mst_lockfile_t;

// MST_CONFLICT names database and holder; MST_DENIED, MST_NOTFOUND (no such folder), MST_FULL, MST_IO.
MST_NODISCARD mst_rc mst_lockfile_take(const char *database, mst_lockfile_t *out, mst_err_t *err);
void mst_lockfile_release(mst_lockfile_t *lock); // removes the file

#endif
