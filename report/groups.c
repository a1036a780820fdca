// Rows come in key order, so the repeats of a case follow each other: one group is held at a time. A group's scores go
// to the tally of the whole run and to one for each of its slices.
#include "report/groups.h"

#include "common/base/limits.h"
#include "common/base/mem.h"
#include "common/model/slices.h"

#include <math.h>
#include <stdlib.h>

#define SLICES_ARENA (64 * MST_KIB)

typedef struct { // one reduction of one scorer over cases
    mst_moments_t values;
    uint64_t short_cases;
} reduced_t;

typedef struct {
    mst_str_t slice; // "slice:easy"; owned; empty: the whole run
    uint64_t total, measured, passed;
    mst_moments_t *scores; // a place for each column
    uint64_t *not_measured, *errors;
    reduced_t *reduced; // a place for each reduction of each column
} tally_t;

typedef struct { // a scorer of scope case
    size_t index; // among the run's scorers
    double threshold;
    bool negate, decides; // decides: has a weight other than 0
    const mst_reduce_t *reduce;
    size_t reduce_count, reduce_at; // its first place in tally_t.reduced
    double *values;                 // of the group
    bool *passed;
    size_t n;
} column_t;

struct mst_groups {
    column_t *columns;
    size_t column_count, reduce_total, repeats;
    tally_t *tallies; // the whole run, then slices as they are met
    size_t tally_count;
    uint64_t left_out;
    // the group
    bool open;
    uint32_t target_no;
    uint64_t case_no;
    size_t in[MST_CASE_SLICES_MAX + 1]; // its tallies
    size_t in_count;
    uint64_t measured;
    uint64_t judged, passed; // groups so far
    double *scratch;
    mst_json_parser_t *parser;
    mst_arena_t *arena;
};

static void
tally_init(const mst_groups_t *g, tally_t *t, mst_str_t slice)
{
    *t = (tally_t){.slice = mst_str(slice.n > 0 ? mst_xstrndup(slice.p, slice.n) : NULL, slice.n),
                   .scores = MST_NEW_ARRAY(mst_moments_t, g->column_count + 1),
                   .not_measured = MST_NEW_ARRAY(uint64_t, g->column_count + 1),
                   .errors = MST_NEW_ARRAY(uint64_t, g->column_count + 1),
                   .reduced = MST_NEW_ARRAY(reduced_t, g->reduce_total + 1)};
}

static void
tally_deinit(tally_t *t)
{
    char *slice = NULL;
    memcpy(&slice, &t->slice.p, sizeof slice); // it is our own copy
    free(slice);
    free(t->scores);
    free(t->not_measured);
    free(t->errors);
    free(t->reduced);
}

mst_groups_t *
mst_groups_new(const mst_run_cfg_t *cfg, const mst_run_numbers_full_t *n)
{
    mst_groups_t *g = MST_NEW(mst_groups_t);
    g->repeats = n->repeat_count > 0 ? n->repeat_count : 1;
    g->columns = MST_NEW_ARRAY(column_t, n->scorer_count + 1);
    for (size_t i = 0; i < n->scorer_count; i++) {
        if (n->scorers[i].run_scope)
            continue;
        column_t *c = &g->columns[g->column_count++];
        *c = (column_t){.index = i,
                        .threshold = n->scorers[i].threshold,
                        .negate = cfg->scorers[i].negate,
                        .decides = !cfg->scorers[i].weighted || cfg->scorers[i].weight > 0.0,
                        .reduce_at = g->reduce_total};
        c->reduce = mst_run_cfg_reduce(cfg, &cfg->scorers[i], &c->reduce_count);
        c->values = MST_NEW_ARRAY(double, g->repeats);
        c->passed = MST_NEW_ARRAY(bool, g->repeats);
        g->reduce_total += c->reduce_count;
    }
    g->scratch = MST_NEW_ARRAY(double, g->repeats);
    g->tallies = MST_NEW_ARRAY(tally_t, MST_SLICES_MAX + 1);
    tally_init(g, &g->tallies[0], MST_STR_NULL);
    g->tally_count = 1;
    g->parser = mst_json_parser_new();
    g->arena = mst_arena_new(SLICES_ARENA);
    return g;
}

void
mst_groups_free(mst_groups_t **g)
{
    if (g == NULL || *g == NULL)
        return;
    for (size_t i = 0; i < (*g)->column_count; i++) {
        free((*g)->columns[i].values);
        free((*g)->columns[i].passed);
    }
    for (size_t i = 0; i < (*g)->tally_count; i++)
        tally_deinit(&(*g)->tallies[i]);
    free((*g)->columns);
    free((*g)->scratch);
    free((*g)->tallies);
    mst_json_parser_free(&(*g)->parser);
    mst_arena_free(&(*g)->arena);
    free(*g);
    *g = NULL;
}

// The place of a slice; SIZE_MAX when there are too many.
static size_t
tally_of(mst_groups_t *g, mst_str_t slice)
{
    for (size_t i = 1; i < g->tally_count; i++)
        if (mst_str_eq(g->tallies[i].slice, slice))
            return i;
    if (g->tally_count == MST_SLICES_MAX + 1)
        return SIZE_MAX;
    tally_init(g, &g->tallies[g->tally_count], slice);
    return g->tally_count++;
}

static void
open_group(mst_groups_t *g, const mst_result_t *r)
{
    const mst_json_t *names = NULL;
    g->open = true;
    g->target_no = r->key.target_no;
    g->case_no = r->key.case_no;
    g->measured = 0;
    g->in[0] = 0;
    g->in_count = 1;
    for (size_t i = 0; i < g->column_count; i++)
        g->columns[i].n = 0;
    mst_arena_reset(g->arena);
    if (r->slices.n == 0 || mst_json_parse(g->parser, r->slices, g->arena, &names, NULL, NULL) != MST_OK ||
        !mst_json_is(names, MST_JSON_ARR))
        return;
    for (uint32_t i = 0; i < names->count && i < MST_CASE_SLICES_MAX; i++) {
        mst_str_t slice;
        if (!mst_json_str(mst_json_at(names, i), &slice) || slice.n == 0)
            continue;
        size_t at = tally_of(g, slice);
        if (at == SIZE_MAX)
            g->left_out++;
        else
            g->in[g->in_count++] = at;
    }
}

// What one repeat adds to its group: values of scores that stand, and failures for what was missing.
static void
add_to_column(const mst_groups_t *g, column_t *c, const mst_score_t *s)
{
    bool failed_missing = s->state == MST_SCORE_NOT_MEASURED && !s->passed;
    if (c->n == g->repeats || (s->state != MST_SCORE_OK && !failed_missing))
        return;
    c->values[c->n] = failed_missing ? 0.0 : s->value;
    c->passed[c->n++] = s->passed;
}

static void
add_to_tally(const mst_groups_t *g, tally_t *t, const mst_result_t *r, bool measured)
{
    t->total++;
    t->measured += measured;
    t->passed += measured && r->passed;
    for (size_t i = 0; i < g->column_count && i < r->score_count; i++) {
        const mst_score_t *s = &r->scores[i];
        if (s->state == MST_SCORE_ERROR)
            t->errors[i]++;
        else if (measured && s->state == MST_SCORE_OK)
            mst_moments_add(&t->scores[i], s->value, s->passed);
        else if (measured)
            t->not_measured[i]++;
    }
}

// What a reduced value must reach. A negated scorer passes below its threshold, and its values are 1 less the scorer's;
// shares of passed repeats are of verdicts, which are negated already.
static double
bar(const column_t *c, mst_reduce_kind_t kind)
{
    if (!c->negate || isnan(c->threshold) || (kind != MST_REDUCE_MEAN && kind != MST_REDUCE_MEDIAN))
        return c->threshold;
    return nextafter(1.0 - c->threshold, 2.0);
}

// The verdict of one column on its group. -1: too few repeats; 1 when it has nothing to say.
static int
close_column(mst_groups_t *g, column_t *c)
{
    int verdict = 1;
    for (size_t k = 0; k < c->reduce_count && c->n > 0; k++) {
        double value = 0.0;
        bool passed = false;
        memcpy(g->scratch, c->values, c->n * sizeof *g->scratch);
        bool known = mst_reduce(c->reduce[k], bar(c, c->reduce[k].kind), g->scratch, c->passed, c->n, &value, &passed);
        for (size_t i = 0; i < g->in_count; i++) {
            reduced_t *to = &g->tallies[g->in[i]].reduced[c->reduce_at + k];
            if (known)
                mst_moments_add(&to->values, value, passed);
            else
                to->short_cases++;
        }
        if (k == 0)
            verdict = known ? passed : -1;
    }
    return verdict;
}

static void
close_group(mst_groups_t *g)
{
    bool passed = true, known = true;
    if (!g->open || g->measured == 0)
        return;
    for (size_t i = 0; i < g->column_count; i++) {
        int verdict = close_column(g, &g->columns[i]);
        if (!g->columns[i].decides)
            continue;
        known = known && verdict >= 0;
        passed = passed && verdict != 0;
    }
    g->judged += known || !passed; // one failed scorer is a verdict
    g->passed += known && passed;
}

void
mst_groups_add(mst_groups_t *g, const mst_result_t *r)
{
    if (!g->open || g->target_no != r->key.target_no || g->case_no != r->key.case_no) {
        close_group(g);
        open_group(g, r);
    }
    bool measured = mst_outcome_measured(r->outcome);
    g->measured += measured;
    for (size_t i = 0; i < g->in_count; i++)
        add_to_tally(g, &g->tallies[g->in[i]], r, measured);
    for (size_t i = 0; measured && i < g->column_count && i < r->score_count; i++)
        add_to_column(g, &g->columns[i], &r->scores[i]);
}

static const mst_reduced_t *
reduced_of(const tally_t *t, const column_t *c, mst_arena_t *arena)
{
    mst_reduced_t *out = MST_ARENA_ARRAY(arena, mst_reduced_t, c->reduce_count);
    for (size_t k = 0; out != NULL && k < c->reduce_count; k++) {
        const reduced_t *from = &t->reduced[c->reduce_at + k];
        const mst_moments_t *m = &from->values;
        out[k] = (mst_reduced_t){.reduce = c->reduce[k],
                                 .cases = m->n,
                                 .passed = m->n_pass,
                                 .short_cases = from->short_cases,
                                 .mean = mst_moments_mean(m),
                                 .se = m->n > 1 ? mst_moments_sd(m) / sqrt((double)m->n) : (double)NAN};
    }
    return out;
}

static bool
slice_numbers(const mst_groups_t *g, const tally_t *t, size_t scorer_count, mst_arena_t *arena,
              mst_slice_numbers_t *out)
{
    bool ok = true;
    mst_str_t slice = mst_arena_dup(arena, t->slice, &ok);
    mst_slice_scorer_t *s = MST_ARENA_ARRAY(arena, mst_slice_scorer_t, scorer_count);
    if (!ok || s == NULL)
        return false;
    for (size_t i = 0; i < scorer_count; i++)
        s[i] = (mst_slice_scorer_t){.mean = (double)NAN, .min = (double)NAN, .max = (double)NAN};
    for (size_t i = 0; i < g->column_count; i++) {
        const column_t *c = &g->columns[i];
        const mst_moments_t *m = &t->scores[i];
        s[c->index] = (mst_slice_scorer_t){.n = m->n,
                                           .n_pass = m->n_pass,
                                           .not_measured = t->not_measured[i],
                                           .errors = t->errors[i],
                                           .mean = mst_moments_mean(m),
                                           .min = m->n > 0 ? m->min : (double)NAN,
                                           .max = m->n > 0 ? m->max : (double)NAN};
        if (g->repeats == 1)
            continue;
        s[c->index].reduced = reduced_of(t, c, arena);
        s[c->index].reduced_count = c->reduce_count;
        ok = ok && s[c->index].reduced != NULL;
    }
    *out = (mst_slice_numbers_t){.total = t->total, .measured = t->measured, .passed = t->passed, .scorers = s};
    mst_slice_split(slice, &out->kind, &out->name);
    return ok;
}

static int
by_name(const void *a, const void *b)
{
    const mst_slice_numbers_t *x = a, *y = b;
    int kinds = mst_str_cmp(x->kind, y->kind);
    return kinds != 0 ? kinds : mst_str_cmp(x->name, y->name);
}

mst_rc
mst_groups_finish(mst_groups_t *g, mst_arena_t *arena, mst_run_numbers_full_t *n, mst_err_t *err)
{
    close_group(g);
    g->open = false;
    bool ok = true;
    size_t count = g->tally_count - 1;
    mst_slice_numbers_t *slices = MST_ARENA_ARRAY(arena, mst_slice_numbers_t, count);
    for (size_t i = 0; i < g->column_count && g->repeats > 1 && ok; i++) {
        mst_scorer_numbers_t *s = &n->scorers[g->columns[i].index];
        s->reduced = reduced_of(&g->tallies[0], &g->columns[i], arena);
        s->reduced_count = g->columns[i].reduce_count;
        ok = s->reduced != NULL;
    }
    for (size_t i = 0; i < count && ok; i++)
        ok = slices != NULL && slice_numbers(g, &g->tallies[i + 1], n->scorer_count, arena, &slices[i]);
    if (!ok)
        return MST_ERR(err, MST_LIMIT, "no room for the numbers of %zu slices", count);
    qsort(slices, count, sizeof *slices, by_name);
    n->slices = slices;
    n->slice_count = count;
    n->slices_left_out = g->left_out;
    n->cases_judged = g->judged;
    n->cases_passed = g->passed;
    return MST_OK;
}
