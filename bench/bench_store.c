// The store alone: rows of about 600 bytes with four scores, in commits of 2,000, synchronous=FULL. Prints rows per
// second, CPU time per row and peak memory; then what a scan and exact percentiles cost.
// Usage: bench_store [ROWS] [DATABASE] [add]     (add: no reading back)
#include "aggregator/store/store.h"
#include "common/base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#define BATCH 2000

static const mst_origin_t origin = {.host = {"bench-host", 10}, .engine = {"recorded", 8}, .model = {"some-model", 10}};

static char answer[480];

static void
make_scores(mst_score_t s[4], uint64_t i)
{
    s[0] = (mst_score_t){.state = MST_SCORE_OK,
                         .value = i % 3 ? 1 : 0,
                         .passed = i % 3,
                         .time_ns = 180,
                         .reason = i % 3 ? MST_STR("equal") : MST_STR("expected \"42\", got \"41\"")};
    s[1] = (mst_score_t){
        .state = MST_SCORE_OK, .value = 1, .passed = true, .time_ns = 240, .reason = MST_STR("found 2 of 2")};
    s[2] = (mst_score_t){.state = MST_SCORE_OK,
                         .value = 0.75,
                         .passed = true,
                         .time_ns = 410,
                         .reason = MST_STR("3 of 4 keywords"),
                         .breakdown = MST_STR("{\"matched\":3,\"expected\":4,\"violations\":0}")};
    s[3] = (mst_score_t){
        .state = MST_SCORE_OK, .value = 1, .passed = true, .time_ns = 90, .reason = MST_STR("480 characters")};
}

static void
make_row(mst_result_t *r, mst_score_t s[4], char id[32], uint64_t i)
{
    int n = snprintf(id, 32, "case-%06llu", (unsigned long long)i + 1);
    make_scores(s, i);
    *r = (mst_result_t){.key = {.case_no = i},
                        .generation = 1,
                        .lease_id = i / 128 + 1,
                        .attempt = 1,
                        .outcome = MST_OUT_SCORED,
                        .passed = i % 3,
                        .case_id = mst_str(id, (size_t)n),
                        .input = MST_STR("What is the answer to the question that nobody asked in time?"),
                        .expected = MST_STR("42"),
                        .has_expected = true,
                        .case_digest = {1, 2, 3, 4, 5, 6, 7, 8},
                        .scores = s,
                        .score_count = 4,
                        .tpot_ns = 12000000,
                        .started_wall_ns = 1700000000000000000 + (int64_t)i * 20000,
                        .finished_wall_ns = 1700000000000100000 + (int64_t)i * 20000};
    r->done = (mst_completion_t){.text = mst_str(answer, sizeof answer),
                                 .prompt_tokens = MST_NONE,
                                 .completion_tokens = 96,
                                 .reasoning_tokens = MST_NONE,
                                 .token_source = MST_TOK_METADATA,
                                 .send_mono_ns = MST_NONE,
                                 .rx_source = MST_STAMP_RECORDED,
                                 .ttfb_ns = MST_NONE,
                                 .ttft_ns = (int64_t)(100000000 + i * 7919 % 400000000),
                                 .ttfo_ns = MST_NONE,
                                 .last_token_ns = (int64_t)(1100000000 + i * 104729 % 2000000000),
                                 .close_ns = MST_NONE,
                                 .queue_ns = MST_NONE,
                                 .attempts = 1};
}

static void
die(const mst_err_t *err)
{
    fprintf(stderr, "bench_store: %s\n", err->message);
    exit(1);
}

static long
peak_kib(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return u.ru_maxrss;
}

static void
fill(mst_store_t *s, int64_t run, uint64_t rows)
{
    mst_err_t err = {0};
    for (uint64_t i = 0; i < rows; i += BATCH) {
        if (mst_store_begin(s, &err) != MST_OK)
            die(&err);
        for (uint64_t k = i; k < i + BATCH && k < rows; k++) {
            mst_result_t r;
            mst_score_t scores[4];
            char id[32];
            mst_added_t added;
            make_row(&r, scores, id, k);
            if (mst_store_result_add(s, run, &r, &origin, &added, &err) != MST_OK)
                die(&err);
        }
        if (mst_store_commit(s, &err) != MST_OK)
            die(&err);
    }
}

static bool
count_row(void *ud, const mst_result_t *r, const mst_origin_t *o)
{
    (void)o;
    *(uint64_t *)ud += r->done.text.n;
    return true;
}

static void
report(const char *what, uint64_t rows, int64_t wall_ns, int64_t cpu_ns)
{
    printf("%-22s %9.0f rows/s  %6.2f us wall/row  %6.2f us CPU/row  peak %ld MiB\n", what,
           (double)rows * 1e9 / (double)wall_ns, (double)wall_ns / 1e3 / (double)rows,
           (double)cpu_ns / 1e3 / (double)rows, peak_kib() / 1024);
}

static void
read_back(const char *db, int64_t run, uint64_t rows)
{
    mst_err_t err = {0};
    mst_store_t *s = NULL;
    if (mst_store_open(db, MST_STORE_READ, &s, &err) != MST_OK)
        die(&err);
    int64_t wall = mst_mono_ns(), cpu = mst_cpu_ns();
    mst_quantile_t want[] = {{.metric = MST_METRIC_TTFT, .q = 0.5}, {.metric = MST_METRIC_TTFT, .q = 0.99},
                             {.metric = MST_METRIC_E2E, .q = 0.5},  {.metric = MST_METRIC_E2E, .q = 0.99},
                             {.metric = MST_METRIC_TPOT, .q = 0.5}, {.metric = MST_METRIC_TPOT, .q = 0.99}};
    mst_moments_t sums[MST_METRIC_COUNT];
    if (mst_store_quantiles(s, run, want, 6, sums, &err) != MST_OK)
        die(&err);
    report("exact percentiles", rows, mst_mono_ns() - wall, mst_cpu_ns() - cpu);
    wall = mst_mono_ns(), cpu = mst_cpu_ns();
    uint64_t bytes = 0;
    mst_store_scan_t what = {.with_text = true, .with_scores = true};
    if (mst_store_results(s, run, &what, count_row, &bytes, &err) != MST_OK)
        die(&err);
    report("read with text, scores", rows, mst_mono_ns() - wall, mst_cpu_ns() - cpu);
    mst_store_close(&s);
}

int
main(int argc, char **argv)
{
    int64_t rows = 200000;
    const char *path = argc > 2 ? argv[2] : "bench_store.db";
    if (argc > 1 && (!mst_str_to_i64(mst_str_c(argv[1]), &rows) || rows < 1)) {
        fprintf(stderr, "usage: bench_store [ROWS] [DATABASE] [add]\n");
        return 2;
    }
    for (size_t i = 0; i < sizeof answer; i++)
        answer[i] = "the quick brown fox jumps over "[i % 31];
    if (access(path, F_OK) == 0) {
        fprintf(stderr, "bench_store: \"%s\" is there already; remove it or name another\n", path);
        return 2;
    }
    mst_err_t err = {0};
    mst_store_t *s = NULL;
    if (mst_store_open(path, MST_STORE_WRITE, &s, &err) != MST_OK)
        die(&err);
    mst_run_rec_t rec = {
        .run_id = MST_STR("run_bench"), .state = MST_RUN_RUNNING, .generation = 1, .key_count = -1, .exit_code = -1};
    int64_t run = 0;
    if (mst_store_run_create(s, &rec, &run, &err) != MST_OK)
        die(&err);
    int64_t wall = mst_mono_ns(), cpu = mst_cpu_ns();
    fill(s, run, (uint64_t)rows);
    mst_store_close(&s); // the last checkpoint belongs to it
    report("add and commit", (uint64_t)rows, mst_mono_ns() - wall, mst_cpu_ns() - cpu);
    if (argc < 4)
        read_back(path, run, (uint64_t)rows);
    return 0;
}
