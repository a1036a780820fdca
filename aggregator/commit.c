// One group of batches into the store, in one transaction; then what the coordinator must hear of it.
#include "aggregator/aggregator_internal.h"

#include "common/base/limits.h"

#include <stdio.h>
#include <stdlib.h>

static const mst_origin_t *
origin_of(const mst_aggr_batch_t *b, uint32_t no)
{
    const mst_aggr_worker_t *w = mst_aggr_worker_of(b);
    return w && no < w->count && w->known[no] ? &w->origins[no] : NULL;
}

static void
refuse(mst_aggr_batch_t *b, const mst_err_t *err)
{
    b->nack = MST_NACK_BAD_ROW;
    mst_str_t why = mst_str_cut(mst_str_c(err->message), sizeof b->why - 1);
    snprintf(b->why, sizeof b->why, "%.*s", MST_FMT(why));
}

static void
remember(mst_aggregator_t *g, uint32_t run_no, const mst_result_t *r, bool is_new)
{
    if (g->key_count == g->key_cap) {
        g->key_cap = g->key_cap ? 2 * g->key_cap : 4096;
        g->keys = mst_xrealloc(g->keys, g->key_cap * sizeof *g->keys);
    }
    g->keys[g->key_count++] = (mst_told_key_t){.run_no = run_no,
                                               .generation = r->generation,
                                               .target_no = r->key.target_no,
                                               .repeat_no = r->key.repeat_no,
                                               .case_no = r->key.case_no,
                                               .failed = is_new && !r->passed && mst_outcome_measured(r->outcome)};
}

static void
count(mst_aggr_batch_t *b, mst_added_t added)
{
    b->inserted += added == MST_ADDED_NEW;
    b->duplicate += added == MST_ADDED_DUPLICATE;
    b->fenced += added == MST_ADDED_FENCED;
}

// The key remembered last waits for its verdict.
static void
await(mst_aggregator_t *g, mst_aggr_batch_t *b)
{
    if (g->later_count == g->later_cap) {
        g->later_cap = g->later_cap ? 2 * g->later_cap : 4096;
        g->later = mst_xrealloc(g->later, g->later_cap * sizeof *g->later);
    }
    g->later[g->later_count++] = (mst_later_t){.batch = b, .key = g->key_count - 1};
}

// Stores one row. A row that can never be stored refuses its batch (b->nack) and is no error here.
static mst_rc
store_row(mst_aggregator_t *g, mst_aggr_batch_t *b, mst_str_t bytes, mst_err_t *err)
{
    mst_result_t r;
    mst_added_t added;
    mst_arena_reset(g->row);
    mst_rc rc = mst_wire_result_unpack(bytes, g->row, &r, err);
    if (rc != MST_OK) {
        refuse(b, err);
        return MST_OK;
    }
    rc = mst_store_result_add(g->opts.store, b->run_no, &r, origin_of(b, r.origin_no), &added, err);
    if (rc == MST_INVAL || rc == MST_NOTFOUND) {
        refuse(b, err);
        return MST_OK;
    }
    if (rc != MST_OK)
        return rc;
    count(b, added);
    if (added != MST_ADDED_FENCED) // a duplicate is told too: whoever asks again must hear that it is done
        remember(g, b->run_no, &r, added != MST_ADDED_DUPLICATE);
    if (added == MST_ADDED_LATER)
        await(g, b);
    return MST_OK;
}

static void
settled(void *ud, mst_added_t added, const mst_err_t *why)
{
    mst_aggregator_t *g = ud;
    MST_ASSERT(g->later_told < g->later_count);
    const mst_later_t *l = &g->later[g->later_told++];
    mst_told_key_t *key = &g->keys[l->key];
    count(l->batch, added);
    key->failed = key->failed && added == MST_ADDED_NEW;
    key->refused = added == MST_ADDED_REFUSED;
    if (key->refused)
        refuse(l->batch, why);
}

static mst_rc
store_batch(mst_aggregator_t *g, mst_aggr_batch_t *b, mst_err_t *err)
{
    const mst_rows_t *rows = b->payload;
    if (!rows)
        return store_row(g, b, mst_buf_view(&b->large), err);
    mst_rc rc = MST_OK;
    for (size_t i = 0; i < rows->count && rc == MST_OK && !b->nack; i++)
        rc = store_row(g, b, mst_wire_str(rows->rows[i]), err);
    return rc;
}

mst_rc
mst_aggregator_commit(mst_aggregator_t *g, mst_aggr_batch_t *group, mst_err_t *err)
{
    g->key_count = g->later_count = g->later_told = 0;
    mst_rc rc = mst_store_begin(g->opts.store, err);
    if (rc != MST_OK)
        return rc;
    for (mst_aggr_batch_t *b = group; b && rc == MST_OK; b = b->next)
        rc = store_batch(g, b, err);
    if (rc == MST_OK)
        rc = mst_store_settle(g->opts.store, settled, g, err);
    if (rc == MST_OK)
        return mst_store_commit(g->opts.store, err);
    mst_store_rollback(g->opts.store);
    return rc;
}

static int
compare_keys(const void *a, const void *b)
{
    const mst_told_key_t *x = a, *y = b;
    const uint64_t xs[] = {x->run_no, x->generation, x->target_no, x->repeat_no, x->case_no};
    const uint64_t ys[] = {y->run_no, y->generation, y->target_no, y->repeat_no, y->case_no};
    for (size_t i = 0; i < sizeof xs / sizeof xs[0]; i++)
        if (xs[i] != ys[i])
            return xs[i] < ys[i] ? -1 : 1;
    return 0;
}

static void
sort_keys(mst_aggregator_t *g)
{
    for (size_t i = 1; i < g->key_count; i++)
        if (compare_keys(&g->keys[i - 1], &g->keys[i]) > 0) { // usually they are in order
            qsort(g->keys, g->key_count, sizeof *g->keys, compare_keys);
            return;
        }
}

static bool
same_run(const mst_told_key_t *a, const mst_told_key_t *b)
{
    return a->run_no == b->run_no && a->generation == b->generation;
}

static void
fill_numbers(Muster__Committed *m, const mst_rollup_t *live)
{
    if (!live)
        return;
    uint64_t measured = 0;
    for (int i = 0; i < MST_OUTCOME_MAX; i++)
        measured += mst_outcome_measured((mst_outcome_t)i) ? live->outcomes[i] : 0;
    m->has_passed = m->has_measured = m->has_unmeasured = true;
    m->passed = live->passed;
    m->measured = measured;
    m->unmeasured = live->total - live->aside - measured;
    m->has_ttft_p50_ns = mst_hist_count(live->hist[MST_METRIC_TTFT]) > 0;
    if (m->has_ttft_p50_ns)
        m->ttft_p50_ns = (int64_t)mst_hist_quantile(live->hist[MST_METRIC_TTFT], 0.5);
}

// Keys [from, to) of one run: one message, a group for each target and repeat.
static void
tell_run(mst_aggregator_t *g, size_t from, size_t to)
{
    Muster__Committed m = MUSTER__COMMITTED__INIT;
    size_t most = to - from;
    Muster__CommittedGroup *groups = MST_NEW_ARRAY(Muster__CommittedGroup, most);
    Muster__CommittedGroup **list = MST_NEW_ARRAY(Muster__CommittedGroup *, most);
    for (size_t i = from; i < to; i++) {
        const mst_told_key_t *k = &g->keys[i];
        Muster__CommittedGroup *last = m.n_groups > 0 ? list[m.n_groups - 1] : NULL;
        if (!last || last->target_no != k->target_no || last->repeat_no != k->repeat_no) {
            last = list[m.n_groups] = &groups[m.n_groups];
            m.n_groups++;
            muster__committed_group__init(last);
            last->target_no = k->target_no;
            last->repeat_no = k->repeat_no;
            last->case_nos = &g->case_nos[i];
        }
        g->case_nos[i] = k->case_no;
        last->n_case_nos++;
        m.rows_failed += k->failed;
    }
    m.run_no = g->keys[from].run_no;
    m.generation = g->keys[from].generation;
    m.seq = mst_aggr_feed_seq(g->core);
    m.groups = list;
    m.has_rows_failed = true;
    fill_numbers(&m, mst_store_live(g->opts.store, m.run_no));
    Muster__Envelope e;
    mst_err_t err = {0};
    mst_wire_envelope(&e, MUSTER__ENVELOPE__BODY_COMMITTED, &m);
    mst_buf_reset(&g->out);
    mst_rc rc = mst_wire_pack(&e, &g->out, &err);
    MST_ASSERT(rc == MST_OK); // at most MST_AGGR_GROUP_ROWS and one batch of keys
    mst_aggr_effects_t fx;
    mst_aggr_event_t ev = {.kind = MST_AE_FEED_MESSAGE, .seq = m.seq, .data = mst_buf_view(&g->out)};
    mst_aggr_step(g->core, &ev, mst_loop_now(g->loop), &fx);
    for (size_t i = 0; i < fx.count; i++)
        mst_aggregator_effect(g, &fx.items[i]);
    free(list);
    free(groups);
}

static void
drop_refused(mst_aggregator_t *g)
{
    size_t n = 0;
    for (size_t i = 0; i < g->key_count; i++)
        if (!g->keys[i].refused)
            g->keys[n++] = g->keys[i];
    g->key_count = n;
}

void
mst_aggregator_tell(mst_aggregator_t *g)
{
    drop_refused(g);
    sort_keys(g);
    if (g->case_no_cap < g->key_count) {
        g->case_no_cap = g->key_cap;
        g->case_nos = mst_xrealloc(g->case_nos, g->case_no_cap * sizeof *g->case_nos);
    }
    for (size_t from = 0, to; from < g->key_count; from = to) {
        to = from + 1;
        while (to < g->key_count && same_run(&g->keys[from], &g->keys[to]))
            to++;
        tell_run(g, from, to);
    }
}
