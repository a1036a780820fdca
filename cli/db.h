// What the parts of `muster db` share.
#ifndef MST_CLI_DB_H
#define MST_CLI_DB_H

#include "aggregator/store/store.h"

// Every difference of two rollups as a sentence: what each has. Sums of scores may differ as far as their order of
// adding can make them. Returns how many there are.
typedef void mst_db_differ_fn(void *ud, const char *what);
size_t mst_db_rollup_differ(const mst_rollup_t *kept, const mst_rollup_t *counted, mst_db_differ_fn *fn, void *ud);

// The ids of all runs, oldest first, in arena.
MST_NODISCARD mst_rc mst_db_run_ids(mst_store_t *s, mst_arena_t *arena, mst_str_t **out, size_t *out_count,
                                    mst_err_t *err);

// A line on standard error every two seconds: "WHAT: n of total results"; total 0: not known.
typedef struct {
    int64_t next_ns;
    uint64_t n, total;
} mst_db_tick_t;

void mst_db_tick(mst_db_tick_t *t, const char *what, mst_str_t run_id);

// The subcommands; each returns an exit code.
int mst_db_check(const char *url, bool json);
int mst_db_copy(const char *from, const char *to, char **runs, size_t run_count);

#endif
