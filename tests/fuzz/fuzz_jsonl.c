// The dataset reader on any bytes: plain, gzip or zstd, whatever they look like. Two readings must agree, counts
// must add up, and every accepted case must be whole.
#include "common/base/limits.h"
#include "common/base/utf8.h"
#include "coordinator/dataset/dataset.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct {
    uint64_t cases, refused, told;
    mst_digest_t hash, bytes;
    mst_rc rc;
} summary_t;

static void
require(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "fuzz_jsonl: %s\n", what);
    abort();
}

static void
on_refused(void *ud, const mst_refused_t *row)
{
    summary_t *s = ud;
    s->told++;
    require(row->line > 0 && row->message[0] != '\0', "a refused row without line or reason");
}

static void
check_case(const mst_case_t *c, uint64_t number)
{
    require(c->case_no == number, "a gap in the numbers of the cases");
    require(c->id.n > 0 && c->id.n <= MST_ID_MAX, "a case without an id");
    const mst_str_t texts[] = {c->id, c->input, c->expected, c->actual, c->messages, c->context, c->metadata};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        require(mst_utf8_valid(texts[i]), "text of a case is not UTF-8");
}

static void
read_all(const char *path, mst_arena_t *arena, summary_t *s)
{
    const mst_mapping_t map[] = {{MST_STR("metadata"), MST_STR("m.0")}, {MST_STR("actual_output"), MST_STR("a.b")}};
    mst_source_cfg_t cfg = {.path = mst_str_c(path), .limit = -1, .mapping = map, .mapping_count = 2};
    mst_dataset_t *d;
    mst_err_t err;
    mst_case_t c;
    s->rc = mst_dataset_open(&cfg, false, on_refused, s, &d, &err);
    if (s->rc != MST_OK)
        return;
    uint64_t seen = 0;
    for (;;) {
        mst_arena_reset(arena);
        s->rc = mst_dataset_next(d, arena, &c, &err);
        if (s->rc != MST_OK)
            break;
        check_case(&c, seen++);
    }
    s->bytes = mst_dataset_info(d)->digest;
    mst_dataset_totals(d, &s->cases, &s->refused, &s->hash);
    require(s->rc == MST_NOTFOUND, "a dataset that was opened could not be read");
    require(s->cases == seen && s->refused == s->told, "counts do not add up");
    require(s->cases + s->refused <= mst_dataset_info(d)->lines, "more rows than lines");
    mst_dataset_close(&d);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    require(fd >= 0 && write(fd, data, size) == (ssize_t)size, "no memory file");
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    mst_arena_t *arena = mst_arena_new(256 * MST_MIB);
    summary_t one = {0}, two = {0};
    read_all(path, arena, &one);
    read_all(path, arena, &two);
    require(one.rc == two.rc && one.cases == two.cases && one.refused == two.refused, "two readings differ");
    require(memcmp(&one.hash, &two.hash, sizeof one.hash) == 0, "two readings differ in their hash");
    mst_arena_free(&arena);
    close(fd);
    return 0;
}
