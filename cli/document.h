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

// Can a document be written there? Asked before a run, so that an hour of answers does not end at a wrong path.
MST_NODISCARD mst_rc mst_document_check(const char *path, mst_err_t *err);

#endif
