// Repeats and slices for people: a line a reduction, a line a slice.
#include "report/groups.h"

#include "report/table.h"

#include <math.h>

#define SLICE_SCORERS_MAX 6 // columns of scorers beside a slice; all are in the JSON document

static void
title_row(mst_table_t *t, const char *const *titles, size_t count)
{
    t->style = MST_DIM;
    for (size_t i = 0; i < count; i++)
        mst_table_add(t, titles[i]);
    t->style = MST_PLAIN;
}

static void
reduced_row(mst_table_t *t, const mst_scorer_numbers_t *s, const mst_reduced_t *r)
{
    char text[MST_REDUCE_TEXT_MAX];
    mst_fmt_safe(s->label, false, &t->text);
    mst_table_end(t);
    mst_table_add(t, mst_reduce_text(r->reduce, text).p);
    mst_fmt_score(r->mean, &t->text);
    mst_table_end(t);
    mst_fmt_score(r->se, &t->text);
    mst_table_end(t);
    t->style = r->passed < r->cases ? MST_RED : MST_GREEN;
    mst_fmt_count(r->passed, &t->text);
    mst_buf_add_byte(&t->text, '/');
    mst_fmt_count(r->cases, &t->text);
    mst_table_end(t);
    t->style = r->short_cases > 0 ? MST_YELLOW : MST_PLAIN;
    if (r->short_cases > 0)
        mst_fmt_count(r->short_cases, &t->text);
    mst_table_end(t);
    t->style = MST_PLAIN;
}

void
mst_report_repeats(const mst_run_numbers_full_t *r, bool colour, size_t width, mst_buf_t *out)
{
    static const char *const titles[] = {"over repeats", "reduction", "mean", "std error", "cases passed", "too few"};
    size_t rows = 0;
    for (size_t i = 0; i < r->scorer_count; i++)
        rows += r->scorers[i].reduced_count;
    if (rows == 0)
        return;
    mst_table_t t;
    mst_table_init(&t, "llrrrr");
    title_row(&t, titles, 6);
    for (size_t i = 0; i < r->scorer_count; i++)
        for (size_t k = 0; k < r->scorers[i].reduced_count; k++)
            reduced_row(&t, &r->scorers[i], &r->scorers[i].reduced[k]);
    mst_buf_add_byte(out, '\n');
    mst_table_render(&t, 2, width, colour, out);
    mst_table_deinit(&t);
}

// The scorers that get a column; returns how many.
static size_t
shown_scorers(const mst_run_numbers_full_t *r, size_t at[SLICE_SCORERS_MAX])
{
    size_t count = 0;
    for (size_t i = 0; i < r->scorer_count && count < SLICE_SCORERS_MAX; i++)
        if (!r->scorers[i].run_scope)
            at[count++] = i;
    return count;
}

static void
slice_row(mst_table_t *t, const mst_slice_numbers_t *s, const size_t *at, size_t count)
{
    if (s->kind.n > 0) {
        mst_fmt_safe(s->kind, false, &t->text);
        mst_buf_add_byte(&t->text, ' ');
    }
    mst_fmt_safe(s->name, false, &t->text);
    mst_table_end(t);
    mst_fmt_count(s->measured, &t->text);
    mst_table_end(t);
    t->style = s->passed < s->measured ? MST_RED : MST_GREEN;
    mst_fmt_percent(s->measured > 0 ? (double)s->passed / (double)s->measured : (double)NAN, &t->text);
    mst_table_end(t);
    t->style = MST_PLAIN;
    for (size_t i = 0; i < count; i++) {
        mst_fmt_score(s->scorers[at[i]].mean, &t->text);
        mst_table_end(t);
    }
}

void
mst_report_slices(const mst_run_numbers_full_t *r, bool colour, size_t width, mst_buf_t *out)
{
    static const char *const titles[] = {"slice", "measured", "passed"};
    size_t at[SLICE_SCORERS_MAX], count = shown_scorers(r, at);
    char align[4 + SLICE_SCORERS_MAX] = "lrr";
    if (r->slice_count == 0)
        return;
    memset(align + 3, 'r', count);
    mst_table_t t;
    mst_table_init(&t, align);
    title_row(&t, titles, 3);
    t.style = MST_DIM;
    for (size_t i = 0; i < count; i++) {
        mst_fmt_safe(mst_str_cut(r->scorers[at[i]].label, 24), false, &t.text);
        mst_table_end(&t);
    }
    t.style = MST_PLAIN;
    for (size_t i = 0; i < r->slice_count; i++)
        slice_row(&t, &r->slices[i], at, count);
    mst_buf_add_byte(out, '\n');
    mst_table_render(&t, 2, width, colour, out);
    mst_table_deinit(&t);
    if (r->slices_left_out > 0) {
        mst_buf_add_c(out, "  more slices were named ");
        mst_fmt_count(r->slices_left_out, out);
        mst_buf_add_c(out, " times; only the first are counted\n");
    }
}
