// Opening, and the first pass: digest and count of lines. The second pass is in rows.c.
#include "coordinator/dataset/state.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define PASS_BYTES (256 * 1024)
#define KEEP_BYTES (1 * MST_MIB) // a larger buffer is given back after the row

static bool
blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

// Counts the lines that begin in or reach into p, n and are not blank; *in_line carries "this line has been
// counted" over the cut between two reads.
static uint64_t
count_lines(const char *p, size_t n, bool *in_line)
{
    uint64_t lines = 0;
    for (size_t i = 0; i < n;) {
        if (!*in_line) {
            while (i < n && blank(p[i]))
                i++;
            if (i == n)
                break;
            if (p[i] == '\n') {
                i++;
                continue;
            }
            lines++;
            *in_line = true;
        }
        const char *feed = memchr(p + i, '\n', n - i);
        if (feed == NULL)
            break;
        *in_line = false;
        i = (size_t)(feed - p) + 1;
    }
    return lines;
}

static mst_rc
first_pass(mst_dataset_t *d, mst_err_t *err)
{
    mst_sha256_t *sha = mst_sha256_new();
    char *p = mst_xalloc(PASS_BYTES);
    bool in_line = false;
    mst_rc rc;
    for (size_t n = 1; n > 0;) {
        rc = mst_bytes_read(d->bytes, p, PASS_BYTES, &n, err);
        if (rc != MST_OK)
            goto out;
        mst_sha256_add(sha, p, n);
        // A byte-order mark alone makes no line. A first read of 1 or 2 bytes would miss it: the count is a bound.
        size_t mark = d->info.bytes == 0 && mst_str_starts(mst_str(p, n), MST_STR("\xef\xbb\xbf")) ? 3 : 0;
        d->info.lines += count_lines(p + mark, n - mark, &in_line);
        d->info.bytes += n;
    }
    d->info.digest = mst_sha256_done(sha);
    if (d->info.lines == 0)
        rc = MST_ERR(err, MST_INVAL, "%s is empty", d->name);
    else
        rc = mst_bytes_rewind(d->bytes, err);
out:
    free(p);
    mst_sha256_free(&sha);
    return rc;
}

static mst_rc
open_file(mst_dataset_t *d, const mst_source_cfg_t *cfg, mst_err_t *err)
{
    char *path = mst_xstrndup(cfg->path.p, cfg->path.n);
    size_t cap = cfg->path.n + 16;
    d->name = mst_xalloc(cap);
    snprintf(d->name, cap, "dataset \"%s\"", path);
    mst_rc rc = mst_bytes_open(path, &d->bytes, err);
    free(path);
    if (rc == MST_OK)
        rc = first_pass(d, err);
    if (rc == MST_OK)
        d->lines = mst_lines_new(d->bytes);
    return rc;
}

bool
mst_dataset_canonical(mst_dataset_t *d, const mst_json_t *row)
{
    if (d->canonical.cap > KEEP_BYTES) {
        mst_buf_deinit(&d->canonical);
        mst_buf_init(&d->canonical, MST_ROW_CANONICAL_MAX);
    }
    mst_buf_reset(&d->canonical);
    mst_jw_t w;
    mst_jw_init(&w, &d->canonical);
    mst_jw_canonical(&w, row);
    return !d->canonical.failed;
}

// Inline records are digested as the JSONL file of their canonical rows would be.
static mst_rc
open_records(mst_dataset_t *d, const mst_source_cfg_t *cfg, mst_err_t *err)
{
    d->name = mst_xstrdup("dataset of inline records");
    d->records = cfg->records;
    if (!mst_json_is(cfg->records, MST_JSON_ARR) || cfg->records->count == 0)
        return MST_ERR(err, MST_INVAL, "%s is empty", d->name);
    mst_sha256_t *sha = mst_sha256_new();
    mst_rc rc = MST_OK;
    for (uint32_t i = 0; i < cfg->records->count && rc == MST_OK; i++) {
        if (!mst_dataset_canonical(d, &cfg->records->u.items[i]) || mst_buf_add_byte(&d->canonical, '\n') != MST_OK)
            rc = MST_ERR(err, MST_LIMIT, "record %" PRIu32 " is too large", i + 1);
        mst_sha256_add(sha, d->canonical.p, d->canonical.n);
        d->info.bytes += d->canonical.n;
        d->info.lines++;
    }
    d->info.digest = mst_sha256_done(sha);
    mst_sha256_free(&sha);
    return rc;
}

static mst_rc
copy_mapping(mst_dataset_t *d, const mst_source_cfg_t *cfg, mst_err_t *err)
{
    mst_field_map_init(&d->map, cfg->mapping, cfg->mapping_count);
    for (size_t f = 0; f < MST_FIELD_COUNT; f++) {
        bool ok;
        d->map.source[f] = mst_arena_dup(d->keep, d->map.source[f], &ok);
        if (!ok)
            return MST_ERR(err, MST_LIMIT, "the field mapping is too large");
    }
    return MST_OK;
}

static uint64_t
seed_of(const mst_digest_t *digest)
{
    uint64_t seed;
    memcpy(&seed, digest->b, sizeof seed);
    return seed;
}

mst_rc
mst_dataset_open(const mst_source_cfg_t *cfg, bool strict, mst_refused_fn *on_refused, void *ud, mst_dataset_t **out,
                 mst_err_t *err)
{
    mst_dataset_t *d = MST_NEW(mst_dataset_t);
    d->limit = cfg->limit;
    d->strict = strict;
    d->on_refused = on_refused;
    d->ud = ud;
    d->keep = mst_arena_new(MST_YAML_BYTES_MAX + 64 * MST_KIB);
    d->row = mst_arena_new(MST_ROW_MEMORY_MAX);
    d->parser = mst_json_parser_new();
    mst_buf_init(&d->canonical, MST_ROW_CANONICAL_MAX);
    mst_buf_init(&d->scratch, MST_ROW_CANONICAL_MAX);
    mst_rc rc = copy_mapping(d, cfg, err);
    if (rc == MST_OK)
        rc = cfg->type == MST_SRC_JSONL ? open_file(d, cfg, err) : open_records(d, cfg, err);
    if (rc == MST_OK)
        d->ids = mst_ids_new(seed_of(&d->info.digest));
    if (rc != MST_OK)
        mst_dataset_close(&d);
    *out = d;
    return rc;
}

void
mst_dataset_close(mst_dataset_t **dp)
{
    mst_dataset_t *d = dp != NULL ? *dp : NULL;
    if (d == NULL)
        return;
    mst_ids_free(&d->ids);
    mst_lines_free(&d->lines);
    mst_bytes_close(&d->bytes);
    mst_json_parser_free(&d->parser);
    mst_arena_free(&d->row);
    mst_arena_free(&d->keep);
    mst_buf_deinit(&d->canonical);
    mst_buf_deinit(&d->scratch);
    free(d->name);
    free(d);
    *dp = NULL;
}

const mst_dataset_info_t *
mst_dataset_info(const mst_dataset_t *d)
{
    return &d->info;
}

void
mst_dataset_totals(const mst_dataset_t *d, uint64_t *out_cases, uint64_t *out_refused, mst_digest_t *out_hash)
{
    *out_cases = d->cases;
    *out_refused = d->refused;
    *out_hash = d->hash;
}
