// One scan without texts, and a sorted list of n: a run of a million cases needs no more memory than its worst ones.
#include "cli/worst.h"

#include <string.h>

typedef struct {
    mst_worst_t *list;
    size_t count, n;
    int64_t target_no; // -1 = all
    mst_arena_t *arena;
    bool full; // no memory for an id
} worst_t;

static bool
mean_score(const mst_result_t *r, double *out)
{
    double sum = 0.0;
    uint32_t n = 0;
    for (uint32_t i = 0; i < r->score_count; i++) {
        if (r->scores[i].state != MST_SCORE_OK)
            continue;
        sum += r->scores[i].value;
        n++;
    }
    *out = n > 0 ? sum / n : 0.0;
    return n > 0;
}

static bool
on_row(void *ud, const mst_result_t *r, const mst_origin_t *origin)
{
    worst_t *w = ud;
    double mean;
    (void)origin;
    if (w->target_no >= 0 && r->key.target_no != w->target_no)
        return true;
    if (!mean_score(r, &mean) || (w->count == w->n && mean >= w->list[w->n - 1].mean))
        return true;
    size_t at = w->count;
    while (at > 0 && w->list[at - 1].mean > mean)
        at--;
    size_t kept = w->count < w->n ? w->count : w->n - 1;
    memmove(w->list + at + 1, w->list + at, (kept - at) * sizeof *w->list);
    bool ok = true;
    w->list[at] = (mst_worst_t){.key = r->key, .case_id = mst_arena_dup(w->arena, r->case_id, &ok), .mean = mean};
    w->count = kept + 1;
    w->full = !ok;
    return ok;
}

mst_rc
mst_cli_worst(mst_store_t *store, int64_t run_no, int64_t target_no, size_t n, mst_arena_t *arena, mst_worst_t *out,
              size_t *out_count, mst_err_t *err)
{
    worst_t w = {.list = out, .n = n, .arena = arena, .target_no = target_no};
    const mst_store_scan_t what = {.measured_only = true, .with_scores = true};
    *out_count = 0;
    if (n == 0 || n > MST_WORST_MAX)
        return MST_ERR(err, MST_INVAL, "from 1 to %d cases, not %zu", MST_WORST_MAX, n);
    mst_rc rc = mst_store_results(store, run_no, &what, on_row, &w, err);
    if (rc == MST_OK && w.full)
        return MST_ERR(err, MST_LIMIT, "no memory for the ids of %zu cases", n);
    *out_count = w.count;
    return rc;
}
