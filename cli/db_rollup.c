// What the parts of `muster db` share: comparing rollups, the ids of the runs, a line of progress.
#include "aggregator/store/rollup.h"

#include "cli/cli.h"
#include "cli/db.h"
#include "common/base/clock.h"
#include "common/base/limits.h"

#include <math.h>
#include <stdlib.h>

typedef struct {
    mst_db_differ_fn *fn;
    void *ud;
    size_t count;
} differ_t;

static void
counts(differ_t *d, const char *what, uint64_t kept, uint64_t counted)
{
    char text[160];
    if (kept == counted)
        return;
    snprintf(text, sizeof text, "%s: %llu in the rollup, %llu by the rows", what, (unsigned long long)kept,
             (unsigned long long)counted);
    d->count++;
    d->fn(d->ud, text);
}

// size: what all terms together could amount to, whatever their signs.
static void
sums(differ_t *d, const char *what, double kept, double counted, double size)
{
    char text[160];
    if (kept == counted || fabs(kept - counted) <= 1e-12 * size)
        return;
    snprintf(text, sizeof text, "%s: %.17g in the rollup, %.17g by the rows", what, kept, counted);
    d->count++;
    d->fn(d->ud, text);
}

static void
scorer(differ_t *d, int i, const mst_rollup_t *kept, const mst_rollup_t *counted)
{
    const mst_moments_t *a = &kept->scorers[i], *b = &counted->scorers[i];
    char what[64];
#define NAMED(text) (snprintf(what, sizeof what, "scorer %d, " text, i), what)
    counts(d, NAMED("scored"), a->n, b->n);
    counts(d, NAMED("passed"), a->n_pass, b->n_pass);
    counts(d, NAMED("not measured"), kept->scorer_not_measured[i], counted->scorer_not_measured[i]);
    counts(d, NAMED("failed"), kept->scorer_errors[i], counted->scorer_errors[i]);
    if (a->n == 0 || b->n == 0)
        return;
    double squares = b->sumsq + b->sumsq_c;
    sums(d, NAMED("sum"), a->sum + a->sum_c, b->sum + b->sum_c, sqrt((double)b->n) * sqrt(squares));
    sums(d, NAMED("sum of squares"), a->sumsq + a->sumsq_c, squares, squares);
    sums(d, NAMED("least"), a->min, b->min, 0.0);
    sums(d, NAMED("greatest"), a->max, b->max, 0.0);
#undef NAMED
}

static void
histogram(differ_t *d, const char *what, const mst_hist_t *kept, const mst_hist_t *counted)
{
    mst_buf_t a, b;
    mst_buf_init(&a, 16 * MST_MIB);
    mst_buf_init(&b, 16 * MST_MIB);
    mst_hist_pack(kept, &a);
    mst_hist_pack(counted, &b);
    if (mst_hist_count(kept) != mst_hist_count(counted)) {
        counts(d, what, mst_hist_count(kept), mst_hist_count(counted));
    } else if (!mst_str_eq(mst_buf_view(&a), mst_buf_view(&b))) {
        char text[160];
        snprintf(text, sizeof text, "%s: the same number of values, but not the same values", what);
        d->count++;
        d->fn(d->ud, text);
    }
    mst_buf_deinit(&a);
    mst_buf_deinit(&b);
}

size_t
mst_db_rollup_differ(const mst_rollup_t *kept, const mst_rollup_t *counted, mst_db_differ_fn *fn, void *ud)
{
    static const char *const metrics[MST_METRIC_COUNT] = {"values of ttft", "values of e2e", "values of tpot"};
    differ_t d = {.fn = fn, .ud = ud};
    counts(&d, "results", kept->total, counted->total);
    counts(&d, "passed", kept->passed, counted->passed);
    for (int i = 0; i < MST_OUTCOME_MAX; i++) {
        const char *name = mst_outcome_name((mst_outcome_t)i);
        char what[64];
        snprintf(what, sizeof what, "outcome %s", name ? name : "without a name");
        counts(&d, what, kept->outcomes[i], counted->outcomes[i]);
    }
    counts(&d, "results in slices", kept->sliced, counted->sliced);
    counts(&d, "prompt tokens", kept->prompt_tokens, counted->prompt_tokens);
    counts(&d, "completion tokens", kept->completion_tokens, counted->completion_tokens);
    for (int i = 0; i < MST_SCORERS_MAX; i++)
        scorer(&d, i, kept, counted);
    for (int i = 0; i < MST_METRIC_COUNT; i++)
        histogram(&d, metrics[i], kept->hist[i], counted->hist[i]);
    counts(&d, "earliest start in ns", (uint64_t)kept->first_wall_ns, (uint64_t)counted->first_wall_ns);
    counts(&d, "latest end in ns", (uint64_t)kept->last_wall_ns, (uint64_t)counted->last_wall_ns);
    return d.count;
}

typedef struct {
    mst_arena_t *arena;
    mst_str_t *ids;
    size_t count, cap;
    bool ok;
} ids_t;

static bool
add_id(void *ud, const mst_run_rec_t *r)
{
    ids_t *l = ud;
    if (l->count == l->cap) {
        l->cap = l->cap ? 2 * l->cap : 64;
        l->ids = mst_xrealloc(l->ids, l->cap * sizeof *l->ids);
    }
    l->ids[l->count++] = mst_arena_dup(l->arena, r->run_id, &l->ok);
    return l->ok;
}

mst_rc
mst_db_run_ids(mst_store_t *s, mst_arena_t *arena, mst_str_t **out, size_t *out_count, mst_err_t *err)
{
    ids_t l = {.arena = arena, .ok = true};
    *out = NULL;
    *out_count = 0;
    mst_rc rc = mst_store_run_list(s, add_id, &l, err);
    mst_str_t *turned = rc == MST_OK && l.ok ? MST_ARENA_ARRAY(arena, mst_str_t, l.count + 1) : NULL;
    if (rc == MST_OK && !turned)
        rc = MST_ERR(err, MST_LIMIT, "no room for the ids of %zu runs", l.count);
    for (size_t i = 0; rc == MST_OK && i < l.count; i++)
        turned[i] = l.ids[l.count - 1 - i];
    if (rc == MST_OK) {
        *out = turned;
        *out_count = l.count;
    }
    free(l.ids);
    return rc;
}

void
mst_db_tick(mst_db_tick_t *t, const char *what, mst_str_t run_id)
{
    if (++t->n % 256 != 0)
        return;
    int64_t now = mst_mono_ns();
    if (t->next_ns == 0)
        t->next_ns = now + 2 * MST_NS_PER_S;
    if (now < t->next_ns)
        return;
    t->next_ns = now + 2 * MST_NS_PER_S;
    char text[256];
    int n =
        snprintf(text, sizeof text, "%s %.*s: %llu", what, MST_FMT(mst_str_cut(run_id, 100)), (unsigned long long)t->n);
    if (t->total > 0)
        snprintf(text + n, sizeof text - (size_t)n, " of %llu results", (unsigned long long)t->total);
    else
        snprintf(text + n, sizeof text - (size_t)n, " results");
    mst_cli_say("", text);
}
