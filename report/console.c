// The summary for people: scorers, latency, throughput, outcomes, verdict. Lines that have nothing to say are left out.
#include "report/groups.h"
#include "report/latency.h"
#include "report/report.h"
#include "report/load.h"
#include "report/sides.h"
#include "report/table.h"

#include <math.h>

#define WIDTH_LEAST    40
#define WIDTH_INTERVAL 96 // below it the interval of the pass rate is left out

// Rounded outwards: "100.0-100.0" would promise more than was seen.
static void
put_interval(double lo, double hi, mst_buf_t *out)
{
    mst_buf_addf(out, "%.1f-%.1f", floor(lo * 1000) / 10, ceil(hi * 1000) / 10);
}

static void
head(const mst_run_numbers_full_t *r, bool colour, mst_buf_t *out)
{
    mst_buf_add_byte(out, '\n');
    mst_fmt_style(colour, MST_BOLD, out);
    mst_fmt_safe(r->name.n > 0 ? r->name : MST_STR("unnamed"), false, out);
    mst_fmt_style_end(colour, MST_BOLD, out);
    mst_buf_add_c(out, "  ");
    mst_fmt_style(colour, MST_DIM, out);
    mst_fmt_safe(r->run_id, false, out);
    mst_fmt_style_end(colour, MST_DIM, out);
    mst_buf_add_byte(out, '\n');
    if (r->description.n > 0) {
        mst_buf_add_c(out, "  ");
        mst_fmt_safe(r->description, false, out);
        mst_buf_add_byte(out, '\n');
    }
}

static void
score_cells(mst_table_t *t, const mst_scorer_numbers_t *s)
{
    const double values[] = {s->mean, s->min, s->max};
    for (int i = 0; i < 3; i++) {
        mst_fmt_score(values[i], &t->text);
        mst_table_end(t);
    }
    t->style = s->n_pass < s->n ? MST_RED : MST_GREEN;
    mst_fmt_percent(s->pass_rate, &t->text);
    mst_table_end(t);
    t->style = MST_PLAIN;
}

// A gate has one value over the whole run, and its sentence in place of the counts.
static void
gate_row(mst_table_t *t, const mst_scorer_numbers_t *s, bool interval)
{
    const mst_score_t *g = &s->run_score;
    bool known = g->state == MST_SCORE_OK;
    mst_fmt_score(known ? g->value : (double)NAN, &t->text);
    mst_table_end(t);
    mst_table_add(t, "");
    mst_table_add(t, "");
    t->style = known ? (g->passed ? MST_GREEN : MST_RED) : MST_YELLOW;
    mst_table_add(t, known ? (g->passed ? "pass" : "fail") : mst_score_state_name(g->state));
    t->style = MST_PLAIN;
    if (interval)
        mst_table_add(t, "");
    mst_table_add(t, "whole run");
    mst_table_add(t, "");
}

static void
case_row(mst_table_t *t, const mst_run_numbers_full_t *r, const mst_scorer_numbers_t *s, bool interval)
{
    score_cells(t, s);
    if (interval) {
        if (s->n > 0)
            put_interval(s->ci_lo, s->ci_hi, &t->text);
        mst_table_end(t);
    }
    mst_fmt_count(s->n_pass, &t->text);
    mst_buf_add_byte(&t->text, '/');
    mst_fmt_count(s->n, &t->text);
    mst_table_end(t);
    double all = (double)(r->keys_total > 0 ? r->keys_total : r->keys_done);
    t->style = (double)s->n < all ? MST_YELLOW : MST_PLAIN;
    mst_fmt_percent(all > 0 ? (double)s->n / all : (double)NAN, &t->text);
    mst_table_end(t);
    t->style = MST_PLAIN;
}

static void
scorers(const mst_run_numbers_full_t *r, bool colour, size_t width, mst_buf_t *out)
{
    if (r->scorer_count == 0)
        return;
    bool interval = width == 0 || width >= WIDTH_INTERVAL;
    const char *const titles[] = {"scorer",    "tier",          "mean",   "min",     "max",
                                  "pass rate", "95 % interval", "passed", "coverage"};
    mst_table_t t;
    mst_table_init(&t, interval ? "llrrrrrrr" : "llrrrrrr");
    t.style = MST_DIM;
    for (size_t i = 0; i < 9; i++)
        if (i != 6 || interval)
            mst_table_add(&t, titles[i]);
    t.style = MST_PLAIN;
    for (size_t i = 0; i < r->scorer_count; i++) {
        const mst_scorer_numbers_t *s = &r->scorers[i];
        mst_fmt_safe(s->label, false, &t.text);
        mst_table_end(&t);
        mst_fmt_safe(s->tier, false, &t.text);
        mst_table_end(&t);
        if (s->run_scope)
            gate_row(&t, s, interval);
        else
            case_row(&t, r, s, interval);
    }
    mst_buf_add_byte(out, '\n');
    mst_table_render(&t, 2, width, colour, out);
    mst_table_deinit(&t);
}

// What the table has no room for: why a gate failed, how many scores are missing.
static void
scorer_notes(const mst_run_numbers_full_t *r, mst_buf_t *out)
{
    for (size_t i = 0; i < r->scorer_count; i++) {
        const mst_scorer_numbers_t *s = &r->scorers[i];
        if (s->run_scope && s->run_score.reason.n > 0) {
            mst_buf_add_c(out, "  ");
            mst_fmt_safe(s->label, false, out);
            mst_buf_add_c(out, ": ");
            mst_fmt_safe(s->run_score.reason, false, out);
            mst_buf_add_byte(out, '\n');
        }
        if (s->not_measured == 0 && s->errors == 0)
            continue;
        mst_buf_add_c(out, "  ");
        mst_fmt_safe(s->label, false, out);
        mst_buf_add_c(out, ": ");
        if (s->not_measured > 0) {
            mst_fmt_count(s->not_measured, out);
            mst_buf_add_c(out, s->errors > 0 ? " not measured, " : " not measured");
        }
        if (s->errors > 0) {
            mst_fmt_count(s->errors, out);
            mst_buf_add_c(out, " failed to score");
        }
        mst_buf_add_byte(out, '\n');
    }
}

static void
latency_row(mst_table_t *t, const char *name, const mst_latency_numbers_t *l)
{
    if (l->n == 0)
        return;
    mst_table_add(t, name);
    const double values[] = {l->p50, l->p90, l->p99, l->max, l->mean};
    const uint64_t needed[] = {0, MST_CLAIM_P90, MST_CLAIM_P99, 0, 0}; // for a claim (docs/latency.md)
    for (int i = 0; i < 5; i++) {
        if (l->n < needed[i])
            mst_buf_addf(&t->text, "n<%llu", (unsigned long long)needed[i]);
        else
            mst_fmt_ms(values[i], &t->text);
        mst_table_end(t);
    }
    mst_fmt_count(l->n, &t->text);
    mst_table_end(t);
}

static void
latencies(const mst_run_numbers_full_t *r, bool colour, size_t width, mst_buf_t *out)
{
    if (r->ttft.n == 0 && r->e2e.n == 0 && r->tpot.n == 0)
        return;
    const char *const titles[] = {"latency", "p50", "p90", "p99", "max", "mean", "n"};
    mst_table_t t;
    mst_table_init(&t, "lrrrrrr");
    t.style = MST_DIM;
    for (size_t i = 0; i < 7; i++)
        mst_table_add(&t, titles[i]);
    t.style = MST_PLAIN;
    latency_row(&t, "time to first token", &r->ttft);
    latency_row(&t, "end to end", &r->e2e);
    latency_row(&t, "time per token", &r->tpot);
    mst_buf_add_byte(out, '\n');
    mst_table_render(&t, 2, width, colour, out);
    mst_table_deinit(&t);
}

static void
weighted_line(const mst_run_numbers_full_t *r, mst_buf_t *out)
{
    double mean = mst_report_weighted_mean(r);
    if (!r->weighted || !isfinite(mean))
        return;
    mst_buf_add_c(out, "  weighted    mean score ");
    mst_fmt_score(mean, out);
    mst_buf_add_c(out, " over all scorers by their weights\n");
}

static void
outcomes_line(const mst_run_numbers_full_t *r, bool colour, mst_buf_t *out)
{
    if (r->keys_done == 0)
        return;
    mst_buf_add_c(out, "  outcomes    ");
    const char *between = "";
    for (int i = 0; i < MST_OUTCOME_MAX; i++) {
        const char *name = r->outcomes[i] > 0 ? mst_outcome_name((mst_outcome_t)i) : NULL;
        if (!name)
            continue;
        mst_style_t style = mst_outcome_measured((mst_outcome_t)i) ? MST_PLAIN : MST_YELLOW;
        mst_buf_add_c(out, between);
        mst_fmt_style(colour, style, out);
        mst_fmt_count(r->outcomes[i], out);
        mst_buf_addf(out, " %s", name);
        mst_fmt_style_end(colour, style, out);
        between = ", ";
    }
    mst_buf_add_byte(out, '\n');
    for (int i = 0; i < MST_OUTCOME_MAX; i++) {
        if (r->outcome_why[i].n == 0 || mst_outcome_name((mst_outcome_t)i) == NULL)
            continue;
        mst_buf_addf(out, "    %s: ", mst_outcome_name((mst_outcome_t)i));
        mst_fmt_safe(r->outcome_why[i], false, out);
        mst_buf_add_byte(out, '\n');
    }
}

static void
of_budget(bool limited, double most, mst_buf_t *out)
{
    if (limited)
        mst_buf_addf(out, " of %.6g", most);
}

// What it spent, and how the backends bore it.
static void
spent_lines(const mst_run_numbers_full_t *r, mst_buf_t *out)
{
    static const mst_budget_cfg_t none = {0};
    const mst_budget_cfg_t *b = r->budget ? r->budget : &none;
    if (r->has_spent) {
        mst_buf_add_c(out, "  spent       ");
        if (r->has_prices) {
            mst_buf_addf(out, "%.6g", r->spent_money);
            of_budget(b->money > 0.0, b->money, out);
            mst_buf_add_c(out, " money, ");
        }
        mst_fmt_count(r->spent_tokens, out);
        of_budget(b->tokens > 0, (double)b->tokens, out);
        mst_buf_add_c(out, " tokens, ");
        mst_fmt_count(r->spent_requests, out);
        of_budget(b->requests > 0, (double)b->requests, out);
        mst_buf_add_c(out, " requests\n");
    }
    if (r->retries > 0) {
        mst_buf_add_c(out, "  retries     ");
        mst_fmt_count(r->retries, out);
        mst_buf_add_byte(out, '\n');
    }
    if (r->place_raises + r->place_cuts > 0)
        mst_buf_addf(out, "  places      %u at the end, %u at least; raised %llu times, cut %llu times\n",
                     r->places_end, r->places_lowest, (unsigned long long)r->place_raises,
                     (unsigned long long)r->place_cuts);
}

static void
work_lines(const mst_run_numbers_full_t *r, mst_buf_t *out)
{
    if (isfinite(r->cases_per_s)) {
        mst_buf_add_c(out, "  throughput  ");
        mst_fmt_rate(r->cases_per_s, out);
        mst_buf_add_c(out, " cases/s");
        if (isfinite(r->tokens_per_s)) {
            mst_buf_add_c(out, ", ");
            mst_fmt_rate(r->tokens_per_s, out);
            mst_buf_add_c(out, " tokens/s");
        }
        if (isfinite(r->wall_s)) {
            mst_buf_add_c(out, ", ");
            mst_fmt_ms(r->wall_s * 1000, out);
            mst_buf_add_c(out, " in all");
        }
        mst_buf_add_byte(out, '\n');
    }
    if (r->prompt_tokens > 0 || r->completion_tokens > 0) {
        mst_buf_add_c(out, "  tokens      ");
        // a sum of 0 prompt tokens says that the server did not count them
        mst_fmt_tokens(r->prompt_tokens > 0 ? (int64_t)r->prompt_tokens : MST_NONE, (int64_t)r->completion_tokens, out);
    }
    if (r->cache) {
        mst_buf_add_c(out, "  cache       ");
        mst_fmt_count(r->cached, out);
        mst_buf_add_c(out, r->cached == 1 ? " answer was known\n" : " answers were known\n");
    }
    spent_lines(r, out);
    if (r->refused_rows > 0) {
        mst_buf_add_c(out, "  dataset     ");
        mst_fmt_count(r->refused_rows, out);
        mst_buf_add_c(out, r->refused_rows == 1 ? " row was refused\n" : " rows were refused\n");
    }
}

static void
cases_line(const mst_run_numbers_full_t *r, mst_buf_t *out)
{
    mst_buf_add_c(out, "  cases       ");
    mst_fmt_count(r->passed, out);
    mst_buf_add_c(out, " passed of ");
    mst_fmt_count(r->measured, out);
    mst_buf_add_c(out, " measured");
    if (r->measured > 0) {
        double lo, hi;
        mst_wilson(r->passed, r->measured, &lo, &hi);
        mst_buf_add_c(out, " (");
        mst_fmt_percent((double)r->passed / (double)r->measured, out);
        mst_buf_add_c(out, ", 95 % interval ");
        put_interval(lo, hi, out);
        mst_buf_add_byte(out, ')');
    }
    mst_buf_add_c(out, "\n  coverage    ");
    mst_fmt_percent(r->coverage, out);
    mst_buf_add_c(out, r->keys_total == 0 && (r->interrupted || r->aborted) ? " of the first " : " of ");
    mst_fmt_count(r->keys_total > 0 ? r->keys_total : r->keys_done, out);
    mst_buf_add_byte(out, '\n');
    if (!r->reduces)
        return;
    mst_buf_add_c(out, "  repeats     ");
    mst_fmt_count(r->cases_passed, out);
    mst_buf_add_c(out, " passed of ");
    mst_fmt_count(r->cases_judged, out);
    mst_buf_add_c(out, " cases, each over its repeats\n");
}

static void
verdict_line(const mst_run_numbers_full_t *r, bool colour, mst_buf_t *out)
{
    static const struct {
        int code;
        const char *word;
        mst_style_t style;
    } words[] = {{0, "PASS", MST_GREEN},  {1, "FAIL", MST_RED},    {3, "INCONCLUSIVE", MST_YELLOW},
                 {2, "ABORTED", MST_RED}, {4, "ABORTED", MST_RED}, {130, "INTERRUPTED", MST_YELLOW}};

    size_t i = 0;
    while (i < 5 && words[i].code != r->exit_code)
        i++;
    mst_buf_add_c(out, "\n  ");
    mst_fmt_style(colour, words[i].style, out);
    mst_buf_add_c(out, words[i].word);
    mst_fmt_style_end(colour, words[i].style, out);
    mst_buf_add_c(out, "  ");
    mst_report_verdict(r, out);
    mst_buf_add_byte(out, '\n');
    mst_report_next(r, out);
}

void
mst_report_console(const mst_run_numbers_full_t *r, bool colour, int width, mst_buf_t *out)
{
    size_t columns = width <= 0 ? 0 : width < WIDTH_LEAST ? WIDTH_LEAST : (size_t)width;
    head(r, colour, out);
    scorers(r, colour, columns, out);
    scorer_notes(r, out);
    mst_report_repeats(r, colour, columns, out);
    mst_report_slices(r, colour, columns, out);
    if (r->side_count > 1)
        mst_report_sides(r, colour, columns, out);
    else
        latencies(r, colour, columns, out);
    mst_report_load(r, colour, columns, out);
    mst_buf_add_byte(out, '\n');
    cases_line(r, out);
    weighted_line(r, out);
    outcomes_line(r, colour, out);
    work_lines(r, out);
    verdict_line(r, colour, out);
}
