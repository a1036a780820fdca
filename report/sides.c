// Values of each case are kept by target and column, as the mean over its repeats; at the end the differences to the
// first target are taken case by case.
#include "report/sides.h"

#include "common/base/mem.h"

#include <math.h>
#include <stdlib.h>

enum { COL_TTFT, COL_E2E, COL_TPOT, COL_PASS, COL_SCORES }; // the scorers follow

typedef struct {
    uint64_t done, measured, passed;
    mst_moments_t *scores; // a place for each scorer of scope case
    uint64_t *not_measured, *errors;
    double **values; // a column each, by case number; NaN where there is none
} side_t;

struct mst_sides {
    const mst_run_cfg_t *cfg;
    size_t scorers, columns, targets;
    size_t *index; // of the scorers of scope case among the run's
    bool repeats;
    side_t *sides;
    size_t case_cap, case_most;
    // the case
    bool open;
    uint32_t target_no;
    uint64_t case_no;
    double *sums;
    uint32_t *counts;
};

mst_sides_t *
mst_sides_new(const mst_run_cfg_t *cfg, const mst_run_numbers_full_t *n)
{
    mst_sides_t *s = MST_NEW(mst_sides_t);
    s->cfg = cfg;
    s->targets = cfg->target_count;
    s->repeats = n->repeat_count > 1;
    s->index = MST_NEW_ARRAY(size_t, n->scorer_count);
    for (size_t i = 0; i < n->scorer_count; i++)
        if (!n->scorers[i].run_scope)
            s->index[s->scorers++] = i;
    s->columns = COL_SCORES + s->scorers;
    s->case_most = MST_SIDES_VALUES_MAX / (s->columns * (s->targets > 0 ? s->targets : 1));
    s->sums = MST_NEW_ARRAY(double, s->columns);
    s->counts = MST_NEW_ARRAY(uint32_t, s->columns);
    s->sides = MST_NEW_ARRAY(side_t, s->targets);
    for (size_t i = 0; i < s->targets; i++) {
        side_t *side = &s->sides[i];
        side->scores = MST_NEW_ARRAY(mst_moments_t, s->scorers);
        side->not_measured = MST_NEW_ARRAY(uint64_t, s->scorers);
        side->errors = MST_NEW_ARRAY(uint64_t, s->scorers);
        side->values = MST_NEW_ARRAY(double *, s->columns);
    }
    return s;
}

void
mst_sides_free(mst_sides_t **sides)
{
    mst_sides_t *s = *sides;
    if (s == NULL)
        return;
    *sides = NULL;
    for (size_t i = 0; i < s->targets; i++) {
        for (size_t c = 0; c < s->columns; c++)
            free(s->sides[i].values[c]);
        free(s->sides[i].scores);
        free(s->sides[i].not_measured);
        free(s->sides[i].errors);
        free(s->sides[i].values);
    }
    free(s->sides);
    free(s->index);
    free(s->sums);
    free(s->counts);
    free(s);
}

static void
make_room(mst_sides_t *s, uint64_t case_no)
{
    size_t cap = s->case_cap > 0 ? s->case_cap : 256;
    while (cap <= case_no)
        cap *= 2;
    if (cap <= s->case_cap)
        return;
    for (size_t i = 0; i < s->targets; i++)
        for (size_t c = 0; c < s->columns; c++) {
            double **v = &s->sides[i].values[c];
            *v = mst_xrealloc(*v, cap * sizeof **v);
            for (size_t k = s->case_cap; k < cap; k++)
                (*v)[k] = (double)NAN;
        }
    s->case_cap = cap;
}

static void
close_case(mst_sides_t *s)
{
    if (!s->open || s->case_no >= s->case_most)
        return;
    make_room(s, s->case_no);
    for (size_t c = 0; c < s->columns; c++)
        if (s->counts[c] > 0)
            s->sides[s->target_no].values[c][s->case_no] = s->sums[c] / s->counts[c];
}

static void
add_value(mst_sides_t *s, size_t column, double v)
{
    s->sums[column] += v;
    s->counts[column]++;
}

static void
add_scores(mst_sides_t *s, side_t *side, const mst_result_t *r, bool measured)
{
    for (size_t i = 0; i < s->scorers && i < r->score_count; i++) {
        const mst_score_t *score = &r->scores[i];
        if (score->state == MST_SCORE_ERROR) {
            side->errors[i]++;
        } else if (measured && score->state == MST_SCORE_OK) {
            mst_moments_add(&side->scores[i], score->value, score->passed);
            add_value(s, COL_SCORES + i, score->value);
        } else if (measured) {
            side->not_measured[i]++;
        }
    }
}

void
mst_sides_add(mst_sides_t *s, const mst_result_t *r)
{
    uint32_t target_no = r->key.target_no;
    if (target_no >= s->targets)
        return;
    if (!s->open || s->target_no != target_no || s->case_no != r->key.case_no) {
        close_case(s);
        s->open = true;
        s->target_no = target_no;
        s->case_no = r->key.case_no;
        memset(s->sums, 0, s->columns * sizeof *s->sums);
        memset(s->counts, 0, s->columns * sizeof *s->counts);
    }
    side_t *side = &s->sides[target_no];
    bool measured = mst_outcome_measured(r->outcome);
    side->done++;
    side->measured += measured;
    side->passed += measured && r->passed;
    add_scores(s, side, r, measured);
    if (!measured)
        return;
    add_value(s, COL_PASS, r->passed ? 1 : 0);
    const int64_t ns[] = {r->done.ttft_ns, r->done.last_token_ns, r->tpot_ns};
    for (size_t i = 0; i < 3; i++)
        if (ns[i] != MST_NONE)
            add_value(s, COL_TTFT + i, (double)ns[i] / 1e6);
}

static bool
is_verdict(double v)
{
    return (v >= 0.0 && v <= 0.0) || (v >= 1.0 && v <= 1.0);
}

// Scores that are all 0 or 1 are shares; others are numbers.
static mst_shift_t
shift_of_scores(const double *a, const double *b, size_t cases, double *d)
{
    uint64_t cell[2][2] = {{0}};
    size_t n = 0;
    bool verdicts = true;
    for (size_t i = 0; i < cases; i++) {
        if (!isfinite(a[i]) || !isfinite(b[i]))
            continue;
        d[n++] = b[i] - a[i];
        verdicts = verdicts && is_verdict(a[i]) && is_verdict(b[i]);
        cell[a[i] > 0.5][b[i] > 0.5]++;
    }
    return verdicts ? mst_shift_share(cell[1][1], cell[1][0], cell[0][1], cell[0][0]) : mst_shift_mean(d, n);
}

static mst_shift_t
shift_of_times(const double *a, const double *b, size_t cases, double *d)
{
    size_t n = 0;
    for (size_t i = 0; i < cases; i++)
        if (isfinite(a[i]) && isfinite(b[i]))
            d[n++] = b[i] - a[i];
    return mst_shift_median(d, n);
}

static void
fill_shifts(const mst_sides_t *s, size_t target_no, double *d, mst_shift_t *scores, mst_side_t *out)
{
    double *const *a = s->sides[0].values, *const *b = s->sides[target_no].values;
    size_t cases = s->case_cap;
    out->ttft_shift = shift_of_times(a[COL_TTFT], b[COL_TTFT], cases, d);
    out->e2e_shift = shift_of_times(a[COL_E2E], b[COL_E2E], cases, d);
    out->tpot_shift = shift_of_times(a[COL_TPOT], b[COL_TPOT], cases, d);
    out->pass_shift = shift_of_scores(a[COL_PASS], b[COL_PASS], cases, d);
    for (size_t i = 0; i < s->scorers; i++)
        scores[s->index[i]] = shift_of_scores(a[COL_SCORES + i], b[COL_SCORES + i], cases, d);
    out->score_shifts = scores;
}

static bool
fill_side(const mst_sides_t *s, size_t target_no, size_t scorer_count, mst_arena_t *arena, mst_side_t *out)
{
    const side_t *side = &s->sides[target_no];
    const mst_target_cfg_t *cfg = mst_run_cfg_target(s->cfg, target_no);
    mst_slice_scorer_t *list = MST_ARENA_ARRAY(arena, mst_slice_scorer_t, scorer_count);
    if (list == NULL)
        return false;
    *out = (mst_side_t){.label = cfg->label,
                        .provider = mst_str_c(cfg->provider.kind->name),
                        .done = side->done,
                        .measured = side->measured,
                        .passed = side->passed,
                        .scorers = list};
    for (size_t i = 0; i < scorer_count; i++)
        list[i] = (mst_slice_scorer_t){.mean = (double)NAN, .min = (double)NAN, .max = (double)NAN};
    for (size_t i = 0; i < s->scorers; i++) {
        const mst_moments_t *m = &side->scores[i];
        list[s->index[i]] = (mst_slice_scorer_t){.n = m->n,
                                                 .n_pass = m->n_pass,
                                                 .not_measured = side->not_measured[i],
                                                 .errors = side->errors[i],
                                                 .mean = mst_moments_mean(m),
                                                 .min = m->n > 0 ? m->min : (double)NAN,
                                                 .max = m->n > 0 ? m->max : (double)NAN};
    }
    return true;
}

mst_rc
mst_sides_finish(mst_sides_t *s, mst_arena_t *arena, mst_run_numbers_full_t *n, mst_err_t *err)
{
    close_case(s);
    s->open = false;
    make_room(s, 0); // a column of a run without rows is there
    mst_side_t *sides = MST_ARENA_ARRAY(arena, mst_side_t, s->targets);
    double *d = MST_NEW_ARRAY(double, s->case_cap);
    bool ok = sides != NULL;
    uint32_t keys = n->target_count > 0 ? n->target_count : 1;
    for (size_t i = 0; i < s->targets && ok; i++) {
        mst_shift_t *scores = MST_ARENA_ARRAY(arena, mst_shift_t, n->scorer_count);
        ok = scores != NULL && fill_side(s, i, n->scorer_count, arena, &sides[i]);
        if (!ok)
            break;
        sides[i].total = keys > 1 ? n->keys_total / keys : 0;
        uint64_t all = sides[i].total > 0 ? sides[i].total : sides[i].done;
        sides[i].coverage = all > 0 ? (double)sides[i].measured / (double)all : (double)NAN;
        sides[i].compared = i > 0 && keys > 1;
        if (sides[i].compared)
            fill_shifts(s, i, d, scores, &sides[i]);
    }
    free(d);
    if (!ok)
        return MST_ERR(err, MST_LIMIT, "no room for the numbers of %zu targets", s->targets);
    n->sides = sides;
    n->side_count = s->targets;
    return MST_OK;
}
