// A scan of the unmeasured rows that ends as soon as each outcome has its sentence.
#include "cli/why.h"

#include <stdio.h>

typedef struct {
    mst_run_numbers_full_t *numbers;
    mst_arena_t *arena;
    int left; // outcomes without a sentence
} why_t;

// Results hold the scores of the scorers of scope case, in their order.
static mst_str_t
case_label(const mst_run_numbers_full_t *r, uint32_t i)
{
    for (size_t k = 0; k < r->scorer_count; k++)
        if (!r->scorers[k].run_scope && i-- == 0)
            return r->scorers[k].label;
    return MST_STR_NULL;
}

static void
say(const why_t *w, const mst_result_t *res, char *out, size_t n)
{
    mst_str_t id = mst_str_cut(res->case_id, 60);
    if (res->done.error.message[0] != 0) {
        snprintf(out, n, "%s (%.*s)", res->done.error.message, MST_FMT(id));
        return;
    }
    for (uint32_t i = 0; i < res->score_count; i++) {
        const mst_score_t *s = &res->scores[i];
        if (s->state != MST_SCORE_ERROR || s->reason.n == 0)
            continue;
        mst_str_t label = mst_str_cut(case_label(w->numbers, i), 60);
        snprintf(out, n, "%.*s: %.*s (%.*s)", MST_FMT(label), MST_FMT(mst_str_cut(s->reason, 300)), MST_FMT(id));
        return;
    }
}

static bool
on_row(void *ud, const mst_result_t *res, const mst_origin_t *origin)
{
    why_t *w = ud;
    char text[MST_ERR_MESSAGE_MAX + 200] = "";
    (void)origin;
    if ((unsigned)res->outcome >= MST_OUTCOME_MAX)
        return true;
    mst_str_t *to = &w->numbers->outcome_why[res->outcome];
    if (to->n > 0)
        return true;
    say(w, res, text, sizeof text);
    *to = mst_arena_dup(w->arena, mst_str_c(text), NULL);
    w->left -= to->n > 0;
    return w->left > 0;
}

mst_rc
mst_cli_why(mst_store_t *store, int64_t run_no, mst_arena_t *arena, mst_run_numbers_full_t *out, mst_err_t *err)
{
    why_t w = {.numbers = out, .arena = arena};
    mst_store_scan_t what = {.with_scores = true, .unmeasured_only = true};
    for (int i = 0; i < MST_OUTCOME_MAX; i++)
        w.left += out->outcomes[i] > 0 && !mst_outcome_measured((mst_outcome_t)i);
    return w.left > 0 ? mst_store_results(store, run_no, &what, on_row, &w, err) : MST_OK;
}
