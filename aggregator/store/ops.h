// What a member of the store family implements: one file family a database (sqlite*.c). store.c checks arguments
// and dispatches; rollup.c, scores.c and exact.c are shared by all members.
#ifndef MST_STORE_OPS_H
#define MST_STORE_OPS_H

#include "aggregator/store/store.h"

// One row's metrics in ns, by mst_metric_t; -1 = it has none.
typedef void mst_store_value_fn(void *ud, const int64_t values[MST_METRIC_COUNT]);

typedef struct {
    const char *scheme; // "sqlite"
    bool whole_url;     // open takes the URL with its scheme
    mst_rc (*open)(const char *where, mst_store_mode_t mode, mst_store_t **out, mst_err_t *err);
    void (*close)(mst_store_t *s); // frees s
    mst_rc (*run_create)(mst_store_t *s, const mst_run_rec_t *r, int64_t *out_run_no, mst_err_t *err);
    mst_rc (*run_update)(mst_store_t *s, const mst_run_rec_t *r, mst_err_t *err);
    mst_rc (*run_get)(mst_store_t *s, mst_str_t which, mst_arena_t *arena, mst_run_rec_t *out, mst_err_t *err);
    mst_rc (*run_list)(mst_store_t *s, mst_store_run_fn *fn, void *ud, mst_err_t *err);
    mst_rc (*run_reopen)(mst_store_t *s, int64_t run_no, uint32_t *out_generation, mst_err_t *err);
    mst_rc (*run_delete)(mst_store_t *s, int64_t run_no, mst_err_t *err);
    mst_rc (*strays)(mst_store_t *s, mst_store_stray_fn *fn, void *ud, mst_err_t *err);
    mst_rc (*begin)(mst_store_t *s, mst_err_t *err);
    mst_rc (*result_add)(mst_store_t *s, int64_t run_no, const mst_result_t *r, const mst_origin_t *origin,
                         mst_added_t *out, mst_err_t *err);
    mst_rc (*settle)(mst_store_t *s, mst_store_settled_fn *fn, void *ud, mst_err_t *err); // NULL: nothing ever waits
    mst_rc (*commit)(mst_store_t *s, mst_err_t *err);                                     // nothing waits
    void (*rollback)(mst_store_t *s);
    mst_rc (*keys)(mst_store_t *s, int64_t run_no, mst_store_key_fn *fn, void *ud, mst_err_t *err);
    mst_rc (*results)(mst_store_t *s, int64_t run_no, const mst_store_scan_t *what, mst_store_result_fn *fn, void *ud,
                      mst_err_t *err);
    mst_rc (*rollup)(mst_store_t *s, int64_t run_no, mst_rollup_t *out, mst_err_t *err); // out: initialised
    const mst_rollup_t *(*live)(mst_store_t *s, int64_t run_no);
    // All reading between the two sees one state of the database.
    mst_rc (*read_begin)(mst_store_t *s, mst_err_t *err);
    void (*read_end)(mst_store_t *s);
    mst_rc (*values)(mst_store_t *s, int64_t run_no, int64_t target_no, mst_store_value_fn *fn, void *ud,
                     mst_err_t *err); // target_no -1: of all
} mst_store_ops_t;

struct mst_store { // first member of every member's own struct
    const mst_store_ops_t *ops;
    mst_store_mode_t mode;
    bool in_transaction; // between begin and commit or rollback
    mst_store_schema_t schema;
};

extern const mst_store_ops_t mst_store_sqlite, mst_store_postgresql;

#endif
