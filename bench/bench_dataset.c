// How fast the dataset reader is and how its memory grows.
//   bench_dataset [ROWS [BYTES [given]]]   rows of about BYTES bytes; `given`: each row brings its id
#include "common/base/clock.h"
#include "common/base/limits.h"
#include "coordinator/dataset/dataset.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

static void
write_rows(const char *path, uint64_t rows, size_t bytes, bool given)
{
    FILE *f = fopen(path, "wb");
    MST_ASSERT(f != NULL);
    size_t filler = bytes > 200 ? bytes - 200 : 0;
    for (uint64_t i = 0; i < rows; i++) {
        fputc('{', f);
        if (given)
            fprintf(f, "\"id\": \"row-%08llu\", ", (unsigned long long)i);
        fprintf(f, "\"input\": \"What is %llu plus %llu?\\n", (unsigned long long)i, (unsigned long long)(i * 7));
        for (size_t k = 0; k < filler; k += 25)
            fputs("The quick brown fox runs ", f);
        fprintf(f, "\", \"expected_output\": \"%llu\", \"actual_output\": \"The answer is %llu.\", "
                   "\"metadata\": {\"ttft_ms\": 12.5, \"tokens_generated\": 40}}\n",
                (unsigned long long)(i * 8), (unsigned long long)(i * 8));
    }
    fclose(f);
}

// CPU seconds, so that a busy machine does not show.
static double
seconds_since(int64_t start_ns)
{
    return (double)(mst_cpu_ns() - start_ns) / (double)MST_NS_PER_S;
}

static long
peak_kib(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return u.ru_maxrss;
}

int
main(int argc, char **argv)
{
    uint64_t rows = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000000;
    size_t bytes = argc > 2 ? strtoull(argv[2], NULL, 10) : 600;
    bool given = argc > 3;
    char path[] = "/tmp/bench-dataset-XXXXXX";
    int fd = mkstemp(path);
    MST_ASSERT(fd >= 0);
    close(fd);
    write_rows(path, rows, bytes, given);
    mst_source_cfg_t cfg = {.path = mst_str_c(path), .limit = -1};
    mst_dataset_t *d;
    mst_err_t err;
    mst_case_t c;
    int64_t start = mst_cpu_ns();
    mst_rc rc = mst_dataset_open(&cfg, true, NULL, NULL, &d, &err);
    if (rc == MST_OK) {
        double first = seconds_since(start);
        double mib = (double)mst_dataset_info(d)->bytes / (double)MST_MIB;
        printf("mib %.0f first_pass_cpu_s %.2f mib_per_cpu_s %.0f\n", mib, first, mib / first);
        mst_arena_t *arena = mst_arena_new(64 * MST_MIB);
        start = mst_cpu_ns();
        for (uint64_t n = 0; (rc = mst_dataset_next(d, arena, &c, &err)) == MST_OK; n++)
            if (n % 128 == 127)
                mst_arena_reset(arena);
        double second = seconds_since(start);
        printf("cases %llu second_pass_cpu_s %.2f cases_per_cpu_s %.0f us_per_case %.2f\n", (unsigned long long)rows,
               second, (double)rows / second, second * 1e6 / (double)rows);
        mst_arena_free(&arena);
        mst_dataset_close(&d);
    }
    unlink(path);
    if (rc != MST_NOTFOUND) {
        fprintf(stderr, "bench_dataset: %s\n", err.message);
        return 1;
    }
    printf("peak_kib %ld\n", peak_kib());
    return 0;
}
