// One result at a time through one reused buffer: a million results take the memory of one.
#include "cli/document.h"

#include "cli/cli.h"
#include "common/base/limits.h"
#include "common/base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct {
    FILE *f;
    const mst_run_numbers_full_t *n;
    mst_buf_t buf;
    bool first;
} document_t;

static bool
put(document_t *d)
{
    bool ok = !d->buf.failed && fwrite(d->buf.p, 1, d->buf.n, d->f) == d->buf.n;
    mst_buf_reset(&d->buf);
    return ok;
}

static bool
put_result(void *ud, const mst_result_t *res, const mst_origin_t *origin)
{
    document_t *d = ud;
    mst_report_json_result(res, origin, d->n, d->first, &d->buf);
    d->first = false;
    return put(d);
}

mst_rc
mst_document_write(mst_store_t *store, const mst_run_rec_t *rec, const mst_run_numbers_full_t *n, FILE *f,
                   mst_err_t *err)
{
    document_t d = {.f = f, .n = n, .first = true};
    mst_buf_init(&d.buf, 4 * MST_RESULT_BYTES_MAX);
    mst_report_json_head(n, &d.buf);
    mst_rc rc = MST_OK;
    bool ok = put(&d);
    if (ok) {
        mst_store_scan_t what = {.with_text = true, .with_scores = true};
        rc = mst_store_results(store, rec->run_no, &what, put_result, &d, err);
        mst_report_json_tail(n, &d.buf);
        ok = put(&d);
    }
    mst_buf_deinit(&d.buf);
    if (rc == MST_OK && (!ok || fflush(f) != 0 || ferror(f))) {
        rc = MST_ERR_SUB(err, errno == ENOSPC ? MST_FULL : MST_IO, errno, "could not write the JSON document: %s",
                         strerror(errno));
        mst_cli_drop_output(f);
    }
    return rc;
}

mst_rc
mst_document_write_file(mst_store_t *store, const mst_run_rec_t *rec, const mst_run_numbers_full_t *n,
                        const char *path, mst_err_t *err)
{
    char *temp = NULL;
    struct stat st;
    // a pipe or a device is written in place
    if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
        FILE *f = fopen(path, "wbe");
        if (f == NULL)
            return MST_ERR_SUB(err, MST_IO, errno, "could not open \"%s\": %s", path, strerror(errno));
        mst_rc rc = mst_document_write(store, rec, n, f, err);
        fclose(f);
        return rc;
    }
    if (asprintf(&temp, "%s.part", path) < 0)
        return MST_ERR(err, MST_NOMEM, "could not write \"%s\": out of memory", path);
    FILE *f = fopen(temp, "wbe");
    mst_rc rc = MST_OK;
    if (f == NULL) {
        rc = MST_ERR_SUB(err, MST_IO, errno, "could not open \"%s\": %s", temp, strerror(errno));
    } else {
        rc = mst_document_write(store, rec, n, f, err);
        if (fclose(f) != 0 && rc == MST_OK)
            rc = MST_ERR_SUB(err, errno == ENOSPC ? MST_FULL : MST_IO, errno, "could not write \"%s\": %s", temp,
                             strerror(errno));
        if (rc == MST_OK && rename(temp, path) != 0)
            rc = MST_ERR_SUB(err, MST_IO, errno, "could not rename \"%s\" to \"%s\": %s", temp, path, strerror(errno));
        if (rc != MST_OK)
            (void)unlink(temp);
    }
    free(temp);
    return rc;
}

static bool
same_file(const char *a, const char *b)
{
    struct stat x, y;
    if (strcmp(a, b) == 0)
        return true;
    return stat(a, &x) == 0 && stat(b, &y) == 0 && S_ISREG(x.st_mode) && x.st_ino == y.st_ino && x.st_dev == y.st_dev;
}

// Makes the file that a document is written into first, and takes it away again.
static mst_rc
try_part(const char *path, mst_err_t *err)
{
    char *temp = NULL;
    if (asprintf(&temp, "%s.part", path) < 0)
        return MST_ERR(err, MST_NOMEM, "could not write \"%s\": out of memory", path);
    int fd = open(temp, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    mst_rc rc = MST_OK;
    if (fd < 0) {
        rc = MST_ERR_SUB(err, MST_INVAL, errno, "-o \"%s\" cannot be written: %s", path, strerror(errno));
    } else {
        close(fd);
        (void)unlink(temp);
    }
    free(temp);
    return rc;
}

mst_rc
mst_document_check(const char *path, const char *const *needed, size_t count, mst_err_t *err)
{
    struct stat st;
    if (path == NULL)
        return MST_OK;
    if (path[0] == '\0' || strcmp(path, "-") == 0)
        return MST_ERR(err, MST_INVAL, "-o \"%s\" is no file name; --json writes to standard output", path);
    for (size_t i = 0; i < count; i++)
        if (needed[i] != NULL && same_file(path, needed[i]))
            return MST_ERR(err, MST_INVAL, "-o \"%s\" would overwrite \"%s\", which is needed; name another file", path,
                           needed[i]);
    bool there = stat(path, &st) == 0;
    if (there && S_ISDIR(st.st_mode))
        return MST_ERR(err, MST_INVAL, "-o \"%s\" is a directory; name a file in it", path);
    return there && !S_ISREG(st.st_mode) ? MST_OK : try_part(path, err);
}
