// One result for people.
#include "common/base/clock.h"
#include "report/format.h"
#include "report/report.h"

static void
line(mst_buf_t *out, const char *name)
{
    mst_buf_addf(out, "  %-10s", name);
}

// Text under its name, each line behind the same indent.
static void
block(mst_buf_t *out, const char *name, mst_str_t text, bool colour)
{
    if (text.n == 0)
        return;
    mst_buf_add_c(out, "  ");
    mst_fmt_style(colour, MST_DIM, out);
    mst_buf_add_c(out, name);
    mst_fmt_style_end(colour, MST_DIM, out);
    mst_buf_add_byte(out, '\n');
    while (text.n > 0) {
        int64_t end = mst_str_find(text, MST_STR("\n"), 0);
        size_t n = end >= 0 ? (size_t)end : text.n;
        mst_buf_add_c(out, "    ");
        mst_fmt_safe(mst_str(text.p, n), true, out);
        mst_buf_add_byte(out, '\n');
        n += end >= 0;
        text = mst_str(text.p + n, text.n - n);
    }
}

static void
head(const mst_result_t *res, const mst_run_numbers_full_t *r, bool colour, mst_buf_t *out)
{
    bool measured = mst_outcome_measured(res->outcome);
    mst_style_t style = !measured ? MST_YELLOW : res->passed ? MST_GREEN : MST_RED;
    mst_fmt_style(colour, style, out);
    mst_buf_add_c(out, !measured ? "NOT MEASURED" : res->passed ? "PASS" : "FAIL");
    mst_fmt_style_end(colour, style, out);
    mst_buf_add_c(out, "  ");
    mst_fmt_style(colour, MST_BOLD, out);
    mst_fmt_safe(res->case_id, false, out);
    mst_fmt_style_end(colour, MST_BOLD, out);
    if (r != NULL && res->key.target_no < r->side_count) {
        mst_buf_add_c(out, "  ");
        mst_fmt_safe(r->sides[res->key.target_no].label, false, out);
    } else if (res->key.target_no > 0) {
        mst_buf_addf(out, "  target %u", res->key.target_no);
    }
    if (res->key.repeat_no > 0)
        mst_buf_addf(out, "  repeat %u", res->key.repeat_no);
    const char *outcome = mst_outcome_name(res->outcome);
    mst_buf_addf(out, "  %s\n", outcome ? outcome : "unknown outcome");
}

static const mst_scorer_numbers_t *
case_scorer(const mst_run_numbers_full_t *r, uint32_t i)
{
    for (size_t k = 0; r && k < r->scorer_count; k++)
        if (!r->scorers[k].run_scope && i-- == 0)
            return &r->scorers[k];
    return NULL;
}

static void
verdict(const mst_score_t *s, bool colour, mst_buf_t *out)
{
    bool skipped = s->state == MST_SCORE_SKIPPED, failed = s->state == MST_SCORE_ERROR;
    mst_style_t style = skipped || failed ? MST_YELLOW : s->passed ? MST_GREEN : MST_RED;
    mst_buf_add_c(out, "    ");
    mst_fmt_style(colour, style, out);
    mst_buf_add_c(out, skipped ? "skip " : failed ? "error" : s->passed ? "pass " : "fail ");
    mst_fmt_style_end(colour, style, out);
    mst_buf_add_c(out, "  ");
}

static void
score(const mst_score_t *s, const mst_scorer_numbers_t *n, uint32_t i, bool colour, mst_buf_t *out)
{
    verdict(s, colour, out);
    if (n)
        mst_fmt_safe(n->label, false, out);
    else
        mst_buf_addf(out, "scorer %u", i);
    if (s->state == MST_SCORE_OK) {
        mst_buf_add_byte(out, ' ');
        mst_fmt_score(s->value, out);
    } else if (s->state == MST_SCORE_NOT_MEASURED) {
        mst_buf_add_c(out, " (not measured)");
    }
    if (s->reason.n > 0) {
        mst_buf_add_c(out, ": ");
        mst_fmt_safe(s->reason, false, out);
    }
    mst_buf_add_byte(out, '\n');
}

static void
time_line(const mst_result_t *res, mst_buf_t *out)
{
    const mst_completion_t *d = &res->done;

    const struct {
        const char *name;
        int64_t ns;
    } times[] = {{"first token", d->ttft_ns}, {"end to end", d->last_token_ns}, {"per token", res->tpot_ns}};

    const char *between = "";
    for (size_t i = 0; i < 3; i++) {
        if (times[i].ns == MST_NONE)
            continue;
        if (*between == 0)
            line(out, "latency");
        mst_buf_addf(out, "%s%s ", between, times[i].name);
        mst_fmt_ms((double)times[i].ns / 1e6, out);
        between = ", ";
    }
    if (*between)
        mst_buf_add_byte(out, '\n');
}

static void
detail_lines(const mst_result_t *res, const mst_origin_t *o, mst_buf_t *out)
{
    const mst_completion_t *d = &res->done;
    time_line(res, out);
    if (d->prompt_tokens != MST_NONE || d->completion_tokens != MST_NONE) {
        line(out, "tokens");
        mst_fmt_tokens(d->prompt_tokens, d->completion_tokens, out);
    }
    const mst_str_t parts[] = {
        o ? o->engine : MST_STR_NULL,   o ? o->engine_version : MST_STR_NULL, d->model,
        o ? o->endpoint : MST_STR_NULL, o ? o->host : MST_STR_NULL,           o ? o->device : MST_STR_NULL};
    bool any = false;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (parts[i].n == 0)
            continue;
        if (!any)
            line(out, "origin");
        else
            mst_buf_add_byte(out, ' ');
        mst_fmt_safe(parts[i], false, out);
        any = true;
    }
    if (any)
        mst_buf_add_byte(out, '\n');
    if (res->started_wall_ns > 0) {
        char at[32];
        mst_wall_iso(res->started_wall_ns, at, sizeof at);
        line(out, "asked");
        mst_buf_addf(out, "%s\n", at);
    }
}

void
mst_report_case(const mst_result_t *res, const mst_origin_t *origin, const mst_run_numbers_full_t *r, bool colour,
                mst_buf_t *out)
{
    head(res, r, colour, out);
    if (res->done.error.rc != MST_OK) {
        line(out, "error");
        mst_fmt_safe(mst_str_c(res->done.error.message), false, out);
        mst_buf_add_byte(out, '\n');
    }
    block(out, "input", res->input, colour);
    block(out, "expected", res->has_expected ? res->expected : MST_STR_NULL, colour);
    block(out, "reasoning", res->done.reasoning, colour);
    block(out, "answer", res->done.text, colour);
    block(out, "refusal", res->done.refusal, colour);
    block(out, "tool calls", res->done.tool_calls, colour);
    if (res->score_count > 0)
        mst_buf_add_c(out, "  scores\n");
    for (uint32_t i = 0; i < res->score_count; i++)
        score(&res->scores[i], case_scorer(r, i), i, colour, out);
    detail_lines(res, origin, out);
    block(out, "raw request", res->raw_request, colour);
    block(out, "raw response", res->raw_response, colour);
}
