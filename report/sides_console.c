// Targets side by side for people: what each did, how fast it was, and how far the others lie from the first.
#include "report/sides.h"

#include "report/table.h"

#include <math.h>

#define SIDE_SCORERS_MAX 6 // columns of scorers; all are in the JSON document

static void
titles(mst_table_t *t, const char *const *names, size_t count)
{
    t->style = MST_DIM;
    for (size_t i = 0; i < count; i++)
        mst_table_add(t, names[i]);
    t->style = MST_PLAIN;
}

static void
name_cell(mst_table_t *t, mst_str_t name)
{
    mst_fmt_safe(name, false, &t->text);
    mst_table_end(t);
}

static void
finish(mst_table_t *t, bool colour, size_t width, mst_buf_t *out)
{
    mst_buf_add_byte(out, '\n');
    mst_table_render(t, 2, width, colour, out);
    mst_table_deinit(t);
}

static void
counts_row(mst_table_t *t, const mst_side_t *s, const size_t *at, size_t count)
{
    uint64_t all = s->total > 0 ? s->total : s->done;
    name_cell(t, s->label);
    mst_fmt_count(s->measured, &t->text);
    mst_buf_add_byte(&t->text, '/');
    mst_fmt_count(all, &t->text);
    mst_table_end(t);
    t->style = s->measured < all ? MST_YELLOW : MST_PLAIN;
    mst_fmt_percent(s->coverage, &t->text);
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

static void
counts_table(const mst_run_numbers_full_t *r, bool colour, size_t width, mst_buf_t *out)
{
    static const char *const names[] = {"target", "measured", "coverage", "pass rate"};
    size_t at[SIDE_SCORERS_MAX], count = 0;
    char align[5 + SIDE_SCORERS_MAX] = "lrrr";
    for (size_t i = 0; i < r->scorer_count && count < SIDE_SCORERS_MAX; i++)
        if (!r->scorers[i].run_scope)
            at[count++] = i;
    memset(align + 4, 'r', count);
    mst_table_t t;
    mst_table_init(&t, align);
    titles(&t, names, 4);
    t.style = MST_DIM;
    for (size_t i = 0; i < count; i++)
        name_cell(&t, mst_str_cut(r->scorers[at[i]].label, 24));
    t.style = MST_PLAIN;
    for (size_t i = 0; i < r->side_count; i++)
        counts_row(&t, &r->sides[i], at, count);
    finish(&t, colour, width, out);
}

static const mst_latency_numbers_t *
latency_of(const mst_side_t *s, size_t metric)
{
    return metric == 0 ? &s->ttft : metric == 1 ? &s->e2e : &s->tpot;
}

static void
latency_rows(mst_table_t *t, const mst_run_numbers_full_t *r, size_t metric, const char *name)
{
    for (size_t i = 0; i < r->side_count; i++) {
        const mst_latency_numbers_t *l = latency_of(&r->sides[i], metric);
        if (l->n == 0)
            continue;
        name_cell(t, r->sides[i].label);
        mst_table_add(t, name);
        const double values[] = {l->p50, l->p90, l->p99, l->max, l->mean};
        for (size_t k = 0; k < 5; k++) {
            mst_fmt_ms(values[k], &t->text);
            mst_table_end(t);
        }
        mst_fmt_count(l->n, &t->text);
        mst_table_end(t);
    }
}

static void
latency_table(const mst_run_numbers_full_t *r, bool colour, size_t width, mst_buf_t *out)
{
    static const char *const names[] = {"target", "latency", "p50", "p90", "p99", "max", "mean", "n"};
    uint64_t any = 0;
    for (size_t i = 0; i < r->side_count; i++)
        any += r->sides[i].ttft.n + r->sides[i].e2e.n + r->sides[i].tpot.n;
    if (any == 0)
        return;
    mst_table_t t;
    mst_table_init(&t, "llrrrrrr");
    titles(&t, names, 8);
    latency_rows(&t, r, 0, "time to first token");
    latency_rows(&t, r, 1, "end to end");
    latency_rows(&t, r, 2, "time per token");
    finish(&t, colour, width, out);
}

typedef enum { UNIT_SCORE, UNIT_POINTS, UNIT_MS } unit_t;

static void
put_signed(unit_t unit, double v, mst_buf_t *out)
{
    if (!isfinite(v)) {
        mst_buf_add_byte(out, '-');
    } else if (unit == UNIT_MS) {
        mst_buf_add_byte(out, v < 0 ? '-' : '+');
        mst_fmt_ms(fabs(v), out);
    } else {
        mst_buf_addf(out, unit == UNIT_POINTS ? "%+.1f %%" : "%+.3f", unit == UNIT_POINTS ? v * 100 : v);
    }
}

// A shift whose interval leaves out nothing is marked; which direction is better is not this table's to say.
static void
shift_row(mst_table_t *t, const mst_side_t *s, const char *name, unit_t unit, const mst_shift_t *shift)
{
    if (shift->n == 0)
        return;
    name_cell(t, s->label);
    mst_fmt_safe(mst_str_cut(mst_str_c(name), 32), false, &t->text);
    mst_table_end(t);
    bool apart = isfinite(shift->lo) && (shift->lo > 0 || shift->hi < 0);
    t->style = apart ? MST_YELLOW : MST_PLAIN;
    put_signed(unit, shift->shift, &t->text);
    mst_table_end(t);
    if (isfinite(shift->lo)) {
        put_signed(unit, shift->lo, &t->text);
        mst_buf_add_c(&t->text, " to ");
        put_signed(unit, shift->hi, &t->text);
    } else {
        mst_buf_add_c(&t->text, "too few cases");
    }
    mst_table_end(t);
    t->style = MST_PLAIN;
    mst_fmt_count(shift->n, &t->text);
    mst_table_end(t);
}

static void
shift_rows(mst_table_t *t, const mst_run_numbers_full_t *r, const mst_side_t *s)
{
    shift_row(t, s, "pass rate", UNIT_POINTS, &s->pass_shift);
    for (size_t i = 0; i < r->scorer_count; i++) {
        char label[64];
        mst_str_t cut = mst_str_cut(r->scorers[i].label, sizeof label - 1);
        if (r->scorers[i].run_scope)
            continue;
        memcpy(label, cut.p, cut.n);
        label[cut.n] = '\0';
        shift_row(t, s, label, UNIT_SCORE, &s->score_shifts[i]);
    }
    shift_row(t, s, "time to first token", UNIT_MS, &s->ttft_shift);
    shift_row(t, s, "end to end", UNIT_MS, &s->e2e_shift);
    shift_row(t, s, "time per token", UNIT_MS, &s->tpot_shift);
}

static void
shift_table(const mst_run_numbers_full_t *r, bool colour, size_t width, mst_buf_t *out)
{
    static const char *const names[] = {"shift", "95 % interval", "cases"};
    uint64_t any = 0;
    for (size_t i = 0; i < r->side_count; i++)
        any += r->sides[i].compared ? r->sides[i].pass_shift.n : 0;
    if (any == 0)
        return;
    mst_table_t t;
    mst_table_init(&t, "llrrr");
    t.style = MST_DIM;
    mst_table_add(&t, "target");
    mst_buf_add_c(&t.text, "less ");
    mst_fmt_safe(mst_str_cut(r->sides[0].label, 32), false, &t.text);
    mst_table_end(&t);
    titles(&t, names, 3);
    for (size_t i = 0; i < r->side_count; i++)
        if (r->sides[i].compared)
            shift_rows(&t, r, &r->sides[i]);
    finish(&t, colour, width, out);
}

void
mst_report_sides(const mst_run_numbers_full_t *r, bool colour, size_t width, mst_buf_t *out)
{
    if (r->side_count < 2)
        return;
    counts_table(r, colour, width, out);
    latency_table(r, colour, width, out);
    shift_table(r, colour, width, out);
}
