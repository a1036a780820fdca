// The JSON document of a run, written row by row from the store: `muster run -o`, `--json`, `muster show --json`.
#ifndef MST_CLI_DOCUMENT_H
#define MST_CLI_DOCUMENT_H

#include "aggregator/store/store.h"
#include "report/report.h"

#include <stdio.h>

// MST_IO, MST_FULL when f cannot be written.
MST_NODISCARD mst_rc mst_document_write(mst_store_t *store, const mst_run_rec_t *rec,
                                        const mst_run_numbers_full_t *n, FILE *f, mst_err_t *err);
// Beside its place first, then renamed: a reader never meets half of a document.
MST_NODISCARD mst_rc mst_document_write_file(mst_store_t *store, const mst_run_rec_t *rec,
                                             const mst_run_numbers_full_t *n, const char *path, mst_err_t *err);

// Before hours of work: is path a place for a document, and none of the files that are needed (NULL = not given)?
// MST_INVAL. A path of NULL is good.
MST_NODISCARD mst_rc mst_document_check(const char *path, const char *const *needed, size_t count, mst_err_t *err);

#endif
