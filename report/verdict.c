// The exit code and its sentence. Where several hold, the first of the order wins: 130, 2, 4, 1, 3, 0.
#include "report/format.h"
#include "report/load.h"
#include "report/report.h"

#include <math.h>

enum { PASS = 0, FAIL = 1, UNUSABLE = 2, INCONCLUSIVE = 3, INFRA = 4, INTERRUPTED = 130 };

static uint64_t
total_of(const mst_run_numbers_full_t *r)
{
    return r->keys_total > 0 ? r->keys_total : r->keys_done;
}

// The cases that broke off in the surroundings, not by their own content or a scorer.
static uint64_t
infrastructure(const mst_run_numbers_full_t *r)
{
    return r->outcomes[MST_OUT_PROVIDER_ERROR] + r->outcomes[MST_OUT_RATE_LIMITED] + r->outcomes[MST_OUT_TIMEOUT] +
           r->outcomes[MST_OUT_CONNECTION_LOST];
}

static bool
no_row(const mst_run_numbers_full_t *r)
{
    return !r->aborted && total_of(r) == 0 && r->refused_rows > 0;
}

// What failed is counted in cases when their repeats end in one verdict, else in rows.
static uint64_t
judged(const mst_run_numbers_full_t *r)
{
    return r->reduces ? r->cases_judged : r->measured;
}

static uint64_t
failed(const mst_run_numbers_full_t *r)
{
    return r->reduces ? r->cases_judged - r->cases_passed : r->measured - r->passed;
}

int
mst_report_exit_code(const mst_run_numbers_full_t *r)
{
    if (r->interrupted)
        return INTERRUPTED;
    if (r->budget_stop)
        return failed(r) > 0 || r->gates_failed ? FAIL : INCONCLUSIVE;
    if (!r->aborted && r->keys_done > 0 && r->outcomes[MST_OUT_BAD_CASE] == r->keys_done)
        return UNUSABLE; // such as recorded answers that are not there
    if (no_row(r))
        return UNUSABLE;
    if (r->aborted || (r->measured == 0 && infrastructure(r) > 0))
        return INFRA;
    if (failed(r) > 0 || r->gates_failed)
        return FAIL;
    bool covered = isfinite(r->coverage) && r->coverage + 1e-12 >= r->min_coverage;
    if (judged(r) == 0 && r->measured > 0)
        covered = false; // every case has too few repeats for a verdict
    return covered && !(r->load && r->load->invalid) ? PASS : INCONCLUSIVE;
}

static void
counts(uint64_t part, uint64_t all, mst_buf_t *out)
{
    mst_fmt_count(part, out);
    mst_buf_add_c(out, " of ");
    mst_fmt_count(all, out);
}

static void
say_failed(const mst_run_numbers_full_t *r, mst_buf_t *out)
{
    if (failed(r) > 0) {
        counts(failed(r), judged(r), out);
        mst_buf_add_c(out, r->reduces ? " cases failed over their repeats" : " measured cases failed");
    }
    const char *between = failed(r) > 0 ? "; gate failed: " : "gate failed: ";
    for (size_t i = 0; i < r->scorer_count; i++) {
        const mst_scorer_numbers_t *s = &r->scorers[i];
        if (!s->run_scope || s->run_score.state == MST_SCORE_SKIPPED || s->run_score.passed)
            continue;
        mst_buf_add_c(out, between);
        mst_fmt_safe(s->label, false, out);
        between = ", ";
    }
}

static void
say_inconclusive(const mst_run_numbers_full_t *r, mst_buf_t *out)
{
    bool covered = isfinite(r->coverage) && r->coverage + 1e-12 >= r->min_coverage;
    if (covered && r->load && r->load->invalid) {
        mst_buf_add_c(out, "the load was not what was asked for: its figures do not count");
        return;
    }
    mst_buf_add_c(out, "only ");
    counts(r->measured, total_of(r), out);
    mst_buf_add_c(out, " cases could be measured, which is under min_coverage ");
    mst_fmt_percent(r->min_coverage, out);
}

// A run that stopped before its dataset was read to the end does not know how many cases there are.
static void
say_stored(const mst_run_numbers_full_t *r, mst_buf_t *out)
{
    if (r->keys_total > 0)
        counts(r->keys_done, r->keys_total, out);
    else
        mst_fmt_count(r->keys_done, out);
    mst_buf_add_c(out, r->keys_total == 0 && r->keys_done == 1 ? " case is stored" : " cases are stored");
}

static void
say_infra(const mst_run_numbers_full_t *r, mst_buf_t *out)
{
    if (no_row(r)) {
        mst_buf_add_c(out, "no row of the dataset could be used");
        return;
    }
    if (r->state_reason.n > 0)
        mst_fmt_safe(r->state_reason, false, out);
    else
        mst_buf_add_c(out, r->aborted ? "the run was aborted" : "no case could be measured");
    mst_buf_add_c(out, "; ");
    say_stored(r, out);
}

static void
say_budget(const mst_run_numbers_full_t *r, mst_buf_t *out)
{
    mst_buf_add_c(out, "stopped by its budget: ");
    mst_fmt_safe(r->state_reason, false, out);
    mst_buf_add_c(out, "; ");
    say_stored(r, out);
}

void
mst_report_verdict(const mst_run_numbers_full_t *r, mst_buf_t *out)
{
    switch (r->exit_code) {
    case INTERRUPTED:
        say_stored(r, out);
        break;
    case UNUSABLE:
    case INFRA:
        say_infra(r, out);
        break;
    case FAIL:
        say_failed(r, out);
        break;
    case INCONCLUSIVE:
        if (r->budget_stop)
            say_budget(r, out);
        else
            say_inconclusive(r, out);
        break;
    default:
        mst_buf_add_c(out, judged(r) == 1 ? "the one" : "all ");
        if (judged(r) != 1)
            mst_fmt_count(judged(r), out);
        mst_buf_add_c(out, r->reduces ? "" : " measured");
        mst_buf_add_c(out, judged(r) == 1 ? " case passed" : " cases passed");
        mst_buf_add_c(out, r->reduces ? " over their repeats" : "");
        break;
    }
}

static void
command(const mst_run_numbers_full_t *r, const char *before, const char *after, mst_buf_t *out)
{
    mst_buf_addf(out, "  %s", before);
    mst_fmt_safe(r->run_id, false, out);
    mst_buf_add_c(out, after);
    if (r->db.n > 0) {
        mst_buf_add_c(out, " --db ");
        mst_fmt_safe(r->db, false, out);
    }
    mst_buf_add_byte(out, '\n');
}

void
mst_report_next(const mst_run_numbers_full_t *r, mst_buf_t *out)
{
    bool cases = r->passed < r->measured || r->measured < r->keys_done;
    if (r->budget_stop)
        command(r, "go on with a larger budget: muster run CONFIG --resume ", "", out);
    bool stopped = r->exit_code == INTERRUPTED || (r->aborted && r->exit_code != FAIL);
    if (stopped && r->go_on.n > 0)
        mst_buf_addf(out, "  %.*s\n", MST_FMT(r->go_on));
    else if (stopped)
        command(r, "go on with: muster run --resume ", "", out);
    else if (cases && r->exit_code != PASS)
        command(r, "see them with: muster show ", " --failed", out);
}

double
mst_report_weighted_mean(const mst_run_numbers_full_t *r)
{
    double sum = 0.0, weights = 0.0;
    for (size_t i = 0; i < r->scorer_count; i++) {
        const mst_scorer_numbers_t *s = &r->scorers[i];
        if (s->run_scope || s->n == 0)
            continue;
        sum += s->weight * s->mean * (double)s->n;
        weights += s->weight * (double)s->n;
    }
    return weights > 0.0 ? sum / weights : (double)NAN;
}
