// What was stored is what is reported: numbers and cases are read back from the store, never kept from the run.
#include "cli/finish.h"

#include "cli/cli.h"
#include "cli/document.h"
#include "cli/numbers.h"
#include "common/base/log.h"
#include "report/report.h"

#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define TEXT_MAX (16 * 1024 * 1024)

static int
terminal_width(int fd)
{
    struct winsize size;
    return isatty(fd) && ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col >= 40 ? size.ws_col : 100;
}

typedef struct {
    FILE *f;
    const mst_run_numbers_full_t *numbers;
    bool colour;
} print_t;

static bool
print_case(void *ud, const mst_result_t *res, const mst_origin_t *origin)
{
    print_t *p = ud;
    mst_buf_t b;
    mst_buf_init(&b, TEXT_MAX);
    mst_report_case(res, origin, p->numbers, p->colour, &b);
    fwrite(b.p, 1, b.n, p->f);
    mst_buf_deinit(&b);
    return ferror(p->f) == 0;
}

static mst_rc
print_people(const mst_finish_opts_t *o, const mst_run_numbers_full_t *n, mst_err_t *err)
{
    FILE *f = o->json ? stderr : stdout;
    int fd = o->json ? STDERR_FILENO : STDOUT_FILENO;
    bool colour = mst_cli_colour(fd);
    mst_rc rc = MST_OK;
    if (o->verbose) {
        print_t p = {f, n, colour};
        mst_store_scan_t what = {.with_text = true, .with_scores = true};
        rc = mst_store_results(o->store, o->rec->run_no, &what, print_case, &p, err);
    }
    mst_buf_t b;
    mst_buf_init(&b, TEXT_MAX);
    mst_report_console(n, colour, terminal_width(fd), &b);
    fwrite(b.p, 1, b.n, f);
    mst_buf_deinit(&b);
    return rc;
}

static int
end_code(const mst_follow_result_t *end)
{
    switch (end->end) {
    case MST_FOLLOW_INTERRUPTED:
        return MST_EXIT_INTERRUPTED;
    case MST_FOLLOW_ABORTED:
        return mst_cli_exit_code(end->err.rc);
    case MST_FOLLOW_FAILED_FAST:
        return MST_EXIT_FAIL;
    case MST_FOLLOW_BUDGET: // as the report says
    case MST_FOLLOW_DONE:
        break;
    }
    return MST_EXIT_PASS;
}

// The run has ended all the same, and the store says so.
static int
finish_without_numbers(const mst_finish_opts_t *o, const mst_err_t *why)
{
    mst_err_t err = {0};
    int code = mst_cli_fail(why);
    o->rec->exit_code = code;
    if (mst_store_run_update(o->store, o->rec, &err) != MST_OK)
        mst_warn("the end of the run is not in the store: %s", err.message);
    return code;
}

int
mst_finish_run(const mst_finish_opts_t *o, mst_arena_t *arena)
{
    mst_err_t err = {0};
    mst_run_numbers_full_t n = {0};
    mst_rc rc = mst_cli_numbers(o->store, o->rec, o->cfg, arena, &n, &err);
    if (rc != MST_OK)
        return finish_without_numbers(o, &err);
    int code = end_code(o->end);
    n.retries = o->end->retries;
    n.place_raises = o->end->raises;
    n.place_cuts = o->end->cuts;
    n.places_end = o->end->places;
    n.places_lowest = o->end->lowest;
    if (o->end->end == MST_FOLLOW_DONE || o->end->end == MST_FOLLOW_BUDGET)
        code = mst_report_exit_code(&n);
    n.exit_code = o->rec->exit_code = code;
    n.db = mst_str_c(o->db);
    n.go_on = mst_str_c(o->go_on);
    rc = mst_store_run_update(o->store, o->rec, &err);
    if (o->end->end == MST_FOLLOW_ABORTED)
        rc = MST_OK; // what ended the run may well keep its end from being stored: it is told once
    if (rc == MST_OK)
        rc = print_people(o, &n, &err);
    if (rc == MST_OK && o->output != NULL)
        rc = mst_document_write_file(o->store, o->rec, &n, o->output, &err);
    if (rc == MST_OK && o->json)
        rc = mst_document_write(o->store, o->rec, &n, stdout, &err);
    // a person who sees the report has read it there
    if (o->end->end == MST_FOLLOW_ABORTED && (o->json || !isatty(STDOUT_FILENO)))
        (void)mst_cli_fail(&o->end->err);
    if (rc != MST_OK) {
        int failed = mst_cli_fail(&err);
        return code == MST_EXIT_PASS ? failed : code;
    }
    return code;
}
