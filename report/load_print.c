// The load for people and as JSON.
#include "report/load.h"

#include "report/json_put.h"
#include "report/table.h"

#include <math.h>

static void
cell_ms(mst_table_t *t, double ms)
{
    mst_fmt_ms(ms, &t->text);
    mst_table_end(t);
}

static void
cell_rate(mst_table_t *t, double v)
{
    if (isfinite(v))
        mst_fmt_rate(v, &t->text);
    else
        mst_buf_add_byte(&t->text, '-');
    mst_table_end(t);
}

static void
step_row(mst_table_t *t, const mst_load_step_t *s, bool open, bool slo)
{
    mst_buf_addf(&t->text, "%g", s->level);
    mst_table_end(t);
    mst_fmt_count(s->measured, &t->text);
    mst_buf_add_byte(&t->text, '/');
    mst_fmt_count(s->requests, &t->text);
    mst_table_end(t);
    cell_rate(t, s->answered_per_s);
    cell_rate(t, s->tokens_per_s);
    cell_ms(t, s->ttft.p50);
    cell_ms(t, s->ttft.p99);
    if (open)
        cell_ms(t, s->sched_ttft.p99);
    cell_ms(t, s->e2e.p50);
    cell_ms(t, s->e2e.p99);
    if (open) {
        cell_ms(t, s->sched_e2e.p99);
        cell_ms(t, s->late.p50);
        t->style = s->late.p99 > s->late_limit_ms ? MST_RED : MST_PLAIN;
        cell_ms(t, s->late.p99);
        t->style = MST_PLAIN;
    }
    if (slo) {
        mst_fmt_percent(s->good_share, &t->text);
        mst_table_end(t);
    }
    mst_buf_addf(&t->text, "%u %%", (s->busy_max + 5) / 10);
    mst_table_end(t);
}

static void
steps_table(const mst_load_numbers_t *n, bool colour, size_t width, mst_buf_t *out)
{
    bool open = mst_load_open(n->cfg), slo = isfinite(n->steps[0].good_share);
    const char *const titles[] = {open ? "rate" : "places",
                                  "answered",
                                  "per s",
                                  "tokens/s",
                                  "ttft p50",
                                  "p99",
                                  "from sched",
                                  "e2e p50",
                                  "p99",
                                  "from sched",
                                  "late p50",
                                  "p99",
                                  "good",
                                  "busy"};
    static const bool open_only[] = {0, 0, 0, 0, 0, 0, 1, 0, 0, 1, 1, 1, 0, 0};
    static const char align[] = "rrrrrrrrrrrrrr"; // one a title: as many as are shown
    size_t shown = 0;
    for (size_t i = 0; i < sizeof titles / sizeof *titles; i++)
        shown += (open || !open_only[i]) && (slo || i != 12);
    mst_table_t t;
    mst_table_init(&t, align + sizeof align - 1 - shown);
    t.style = MST_DIM;
    for (size_t i = 0; i < sizeof titles / sizeof *titles; i++)
        if ((open || !open_only[i]) && (slo || i != 12))
            mst_table_add(&t, titles[i]);
    t.style = MST_PLAIN;
    for (size_t i = 0; i < n->step_count; i++)
        step_row(&t, &n->steps[i], open, slo);
    mst_buf_add_byte(out, '\n');
    mst_table_render(&t, 2, width, colour, out);
    mst_table_deinit(&t);
}

static void
knee_lines(const mst_load_numbers_t *n, mst_buf_t *out)
{
    const char *unit = mst_load_open(n->cfg) ? "requests/s" : "places";
    if (n->knee != MST_LOAD_NO_STEP && n->beyond)
        mst_buf_addf(out, "  knee        not reached: throughput still grew at %g %s\n", n->steps[n->knee].level, unit);
    else if (n->knee != MST_LOAD_NO_STEP)
        mst_buf_addf(out, "  knee        %g %s: more load brought less than %g of its growth in throughput\n",
                     n->steps[n->knee].level, unit, n->cfg->knee_gain);
    if (n->power != MST_LOAD_NO_STEP)
        mst_buf_addf(out, "  most power  %g %s (throughput over median end to end time)\n", n->steps[n->power].level,
                     unit);
    if (n->kept != MST_LOAD_NO_STEP && n->step_count > 1)
        mst_buf_addf(out, "  slo         kept by 99 %% of the requests up to %g %s\n", n->steps[n->kept].level, unit);
}

static void
others_line(const mst_load_numbers_t *n, mst_buf_t *out)
{
    uint64_t warmup = 0, drain = 0;
    for (size_t i = 0; i < n->step_count; i++) {
        warmup += n->steps[i].warmup;
        drain += n->steps[i].drain;
    }
    if (warmup + drain == 0)
        return;
    mst_buf_add_c(out, "  kept apart  ");
    mst_fmt_count(warmup, out);
    mst_buf_add_c(out, " of warm-up, ");
    mst_fmt_count(drain, out);
    mst_buf_add_c(out, " of drain\n");
}

void
mst_report_load(const mst_run_numbers_full_t *r, bool colour, size_t width, mst_buf_t *out)
{
    const mst_load_numbers_t *n = r->load;
    if (!n)
        return;
    steps_table(n, colour, width, out);
    others_line(n, out);
    knee_lines(n, out);
    if (!n->invalid)
        return;
    mst_buf_add_c(out, "  ");
    mst_fmt_style(colour, MST_RED, out);
    mst_buf_add_c(out, "INVALID");
    mst_fmt_style_end(colour, MST_RED, out);
    mst_buf_addf(out, "  %s\n", n->why);
}

static void
put_times(mst_jw_t *w, const char *key, const mst_load_times_t *t)
{
    mst_jw_key(w, key);
    mst_jw_obj(w);
    mst_put_f64(w, "p50", t->p50);
    mst_put_f64(w, "p99", t->p99);
    mst_put_f64(w, "max", t->max);
    mst_jw_obj_end(w);
}

static void
put_step(mst_jw_t *w, const mst_load_step_t *s)
{
    mst_jw_obj(w);
    mst_put_f64(w, "level", s->level);
    mst_put_u64(w, "requests", s->requests);
    mst_put_u64(w, "measured", s->measured);
    mst_put_u64(w, "warmup_requests", s->warmup);
    mst_put_u64(w, "drain_requests", s->drain);
    mst_put_f64(w, "seconds", s->seconds);
    mst_put_f64(w, "offered_per_s", s->offered_per_s);
    mst_put_f64(w, "answered_per_s", s->answered_per_s);
    mst_put_f64(w, "tokens_per_s", s->tokens_per_s);
    mst_put_f64(w, "good_share", s->good_share);
    mst_put_f64(w, "good_per_s", s->good_per_s);
    put_times(w, "ttft_ms", &s->ttft);
    put_times(w, "e2e_ms", &s->e2e);
    put_times(w, "sched_ttft_ms", &s->sched_ttft);
    put_times(w, "sched_e2e_ms", &s->sched_e2e);
    put_times(w, "late_ms", &s->late);
    mst_put_f64(w, "late_limit_ms", s->late_limit_ms);
    mst_put_f64(w, "io_busy_max", s->busy_max / 1000.0);
    mst_put_f64(w, "io_busy_share", s->busy_share);
    mst_put_f64(w, "io_wait_max", s->wait_max / 1000.0);
    mst_jw_obj_end(w);
}

static void
put_level(mst_jw_t *w, const char *key, const mst_load_numbers_t *n, size_t step)
{
    mst_put_f64(w, key, step != MST_LOAD_NO_STEP ? n->steps[step].level : (double)NAN);
}

void
mst_report_load_json(const mst_run_numbers_full_t *r, mst_jw_t *w)
{
    const mst_load_numbers_t *n = r->load;
    mst_jw_key(w, "load");
    if (!n) {
        mst_jw_null(w);
        return;
    }
    mst_jw_obj(w);
    mst_put_str(w, "model", mst_str_c(mst_load_model_name(n->cfg->model)));
    mst_put_u64(w, "seed", n->cfg->seed);
    mst_jw_key(w, "valid");
    mst_jw_bool(w, !n->invalid);
    mst_put_str(w, "invalid_reason", mst_str_c(n->why));
    put_level(w, "knee", n, n->knee);
    mst_jw_key(w, "knee_beyond_last_level");
    mst_jw_bool(w, n->beyond);
    put_level(w, "most_power", n, n->power);
    put_level(w, "slo_kept_up_to", n, n->kept);
    mst_jw_key(w, "levels");
    mst_jw_arr(w);
    for (size_t i = 0; i < n->step_count; i++)
        put_step(w, &n->steps[i]);
    mst_jw_arr_end(w);
    mst_jw_obj_end(w);
}
