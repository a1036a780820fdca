#include "coordinator/dataset/dataset.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <zlib.h>
#include <zstd.h>

#include "common/base/limits.h"
#include "common/config/yaml.h"

typedef struct {
    char dir[64];
    char path[128];
    mst_arena_t *arena;
    mst_err_t err;
    mst_refused_t refused[64];
    size_t refused_count;
    mst_case_t cases[64]; // of the last read_all
    size_t case_count;
    uint64_t accepted, refused_total;
    mst_digest_t hash;
    mst_dataset_info_t info;
} world_t;

static int
setup(void **state)
{
    world_t *w = MST_NEW(world_t);
    snprintf(w->dir, sizeof w->dir, "/tmp/mst-dataset-XXXXXX");
    if (mkdtemp(w->dir) == NULL)
        return 1;
    snprintf(w->path, sizeof w->path, "%s/x.jsonl", w->dir);
    w->arena = mst_arena_new(256 * MST_MIB);
    *state = w;
    return 0;
}

static int
teardown(void **state)
{
    world_t *w = *state;
    unlink(w->path);
    rmdir(w->dir);
    mst_arena_free(&w->arena);
    free(w);
    return 0;
}

static void
write_file(const world_t *w, const void *p, size_t n)
{
    FILE *f = fopen(w->path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(p, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

static void
on_refused(void *ud, const mst_refused_t *row)
{
    world_t *w = ud;
    if (w->refused_count < 64)
        w->refused[w->refused_count] = *row;
    w->refused_count++;
}

static mst_rc
read_source(world_t *w, const mst_source_cfg_t *cfg, bool strict)
{
    mst_dataset_t *d;
    mst_arena_reset(w->arena);
    w->refused_count = w->case_count = 0;
    w->err = (mst_err_t){0};
    mst_rc rc = mst_dataset_open(cfg, strict, on_refused, w, &d, &w->err);
    assert_true((rc == MST_OK) == (d != NULL));
    if (rc != MST_OK)
        return rc;
    w->info = *mst_dataset_info(d);
    mst_case_t c;
    while ((rc = mst_dataset_next(d, w->arena, &c, &w->err)) == MST_OK) {
        assert_int_equal(c.case_no, w->case_count);
        if (w->case_count < 64)
            w->cases[w->case_count] = c;
        w->case_count++;
    }
    assert_int_equal(mst_dataset_next(d, w->arena, &c, &w->err), rc); // the end stays the end
    mst_dataset_totals(d, &w->accepted, &w->refused_total, &w->hash);
    assert_int_equal(w->accepted, w->case_count);
    mst_dataset_close(&d);
    assert_null(d);
    return rc;
}

static mst_rc
read_path(world_t *w, bool strict)
{
    mst_source_cfg_t cfg = {.type = MST_SRC_JSONL, .path = mst_str_c(w->path), .limit = -1};
    return read_source(w, &cfg, strict);
}

static void
read_text(world_t *w, const char *text)
{
    write_file(w, text, strlen(text));
    if (read_path(w, false) != MST_NOTFOUND)
        fail_msg("%s", w->err.message);
}

static void
is(mst_str_t s, const char *z)
{
    if (!mst_str_eq_c(s, z))
        fail_msg("\"%.*s\" is not \"%s\"", MST_FMT(s), z);
}

static void
test_dataset_fields(void **state)
{
    world_t *w = *state;
    read_text(
        w,
        "{\"id\":\"a\",\"input\":\"q \\u00e9\",\"expected_output\":18,\"actual_output\":\"yes\",\"context\":[\"c1\",2],"
        "\"retrieval_context\":\"one\",\"metadata\":{\"ttft_ms\":1.5},\"other\":1}\n"
        "{\"id\":7,\"input\":\"\",\"expected_output\":[1, \"x\"],\"actual_output\":null}\n"
        "{\"messages\":[{\"role\":\"system\",\"content\":\"s\"},{\"role\":\"user\",\"content\":\"u\"},"
        "{\"role\":\"assistant\",\"content\":null}],\"expected_output\":true}\n"
        "{\"input\":[{\"role\":\"user\",\"content\":[1]}],\"actual_output\":1.0}");
    assert_int_equal(w->case_count, 4);
    const mst_case_t *c = w->cases;
    is(c[0].id, "a");
    is(c[0].input, "q \xc3\xa9");
    assert_true(c[0].has_expected && c[0].has_actual);
    is(c[0].expected, "18");
    is(c[0].actual, "yes");
    is(c[0].context, "[\"c1\",\"2\"]");
    is(c[0].retrieval_context, "[\"one\"]");
    is(c[0].metadata, "{\"ttft_ms\":1.5}");
    is(c[0].messages, "");
    is(c[1].id, "7");
    is(c[1].input, "");
    is(c[1].expected, "[1,\"x\"]");
    assert_false(c[1].has_actual);
    is(c[2].id, "case-000003");
    is(c[2].input, "u");
    is(c[2].expected, "true");
    is(c[2].messages, "[{\"role\":\"system\",\"content\":\"s\"},{\"role\":\"user\",\"content\":\"u\"},"
                      "{\"role\":\"assistant\",\"content\":null}]");
    is(c[3].input, "");
    is(c[3].messages, "[{\"role\":\"user\",\"content\":[1]}]");
    is(c[3].actual, "1.0");
    assert_int_equal(w->info.lines, 4);
}

static void
test_dataset_mapping(void **state)
{
    world_t *w = *state;
    const char *text =
        "{\"question\":\"q1\",\"gold\":{\"text\":[\"no\",\"g1\"]},\"input\":\"not this\",\"a.b\":\"flat\"}\n"
        "{\"question\":\"q2\",\"gold\":{}}\n{\"input\":\"x\"}\n";
    const mst_mapping_t map[] = {{MST_STR("input"), MST_STR("question")},
                                 {MST_STR("expected_output"), MST_STR("gold.text.1")},
                                 {MST_STR("actual_output"), MST_STR("a.b")}};
    write_file(w, text, strlen(text));
    mst_source_cfg_t cfg = {.path = mst_str_c(w->path), .limit = -1, .mapping = map, .mapping_count = 3};
    assert_int_equal(read_source(w, &cfg, false), MST_NOTFOUND);
    assert_int_equal(w->case_count, 2);
    is(w->cases[0].input, "q1");
    is(w->cases[0].expected, "g1");
    is(w->cases[0].actual, "flat");
    assert_false(w->cases[1].has_expected);
    assert_int_equal(w->refused_count, 1);
    assert_int_equal(w->refused[0].line, 3);
    assert_string_equal(w->refused[0].message, "the row has no \"question\"; it has input: name one in field_mapping");
}

// Each line is refused, with its number and reason; the rows around them are not touched.
static void
test_dataset_bad_rows(void **state)
{
    world_t *w = *state;

    static const struct {
        const char *row, *message;
        size_t n; // 0 = strlen
    } bad[] = {
        {"{\"input\":\"x\"", "the line is not valid JSON: ", 0},
        {"{\"input\":'x'}", "the line is not valid JSON: ", 0},
        {"{\"input\":\"x\"} {}", "the line is not valid JSON: ", 0},
        {"{\"input\":\"a\x01z\"}", "the line is not valid JSON: ", 0},
        {"{\"input\":\"a\0z\"}", "the line is not valid JSON: ", 15},
        {"\0", "the line is not valid JSON: ", 1},
        {"{\"input\":\"a\xffz\"}", "the line is not valid UTF-8: byte 0xff at offset 11", 0},
        {"{\"input\":\"a\xed\xa0\x80\"}", "the line is not valid UTF-8: byte 0xed at offset 11", 0},
        {"[1]", "the row is a list, not an object", 0},
        {"null", "the row is null, not an object", 0},
        {"\"x\"", "the row is a string, not an object", 0},
        {"{}", "the row has no \"input\"", 0},
        {"{\"question\":1,\"answer\":2}",
         "the row has no \"input\"; it has question, answer: name one in field_mapping", 0},
        {"{\"input\":5}", "\"input\" must be a string or a list of messages, not a number", 0},
        {"{\"input\":{}}", "\"input\" must be a string or a list of messages, not an object", 0},
        {"{\"input\":null}", "the row has no \"input\"; it has input: name one in field_mapping", 0},
        {"{\"input\":[]}", "the list of messages is empty", 0},
        {"{\"messages\":[{\"role\":\"user\"},{\"content\":\"x\"}]}", "message 2 has no \"role\"", 0},
        {"{\"messages\":\"hi\"}", "\"messages\" must be a list of messages, not a string", 0},
        {"{\"input\":\"x\",\"metadata\":[1]}", "\"metadata\" must be an object, not a list", 0},
        {"{\"input\":\"x\",\"context\":{}}", "\"context\" must be a list of strings, not an object", 0},
        {"{\"input\":\"x\",\"id\":true}", "\"id\" must be a string or a whole number, not a bool", 0},
        {"{\"input\":\"x\",\"id\":\"\"}", "the id is empty; leave it out to have one assigned", 0},
        {"{\"input\":\"x\",\"id\":\"a\\u0000\"}", "the id holds a control character", 0},
        {"{\"input\":\"x\",\"id\":\"a\\ud800\"}", "the id holds a lone surrogate", 0},
        {"{\"input\":\"x\",\"id\":\"first\"}", "id \"first\" was used by an earlier row", 0},
    };

    const size_t count = sizeof bad / sizeof bad[0];
    FILE *f = fopen(w->path, "wb");
    assert_non_null(f);
    fputs("{\"input\":\"x\",\"id\":\"first\"}\n", f);
    for (size_t i = 0; i < count; i++) {
        fwrite(bad[i].row, 1, bad[i].n > 0 ? bad[i].n : strlen(bad[i].row), f);
        fputc('\n', f);
    }
    fputs("{\"input\":\"x\",\"id\":\"last\"}\n", f);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(read_path(w, false), MST_NOTFOUND);
    assert_int_equal(w->refused_count, count);
    assert_int_equal(w->refused_total, count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(w->refused[i].line, i + 2);
        if (strncmp(w->refused[i].message, bad[i].message, strlen(bad[i].message)) != 0)
            fail_msg("row %zu: \"%s\", expected \"%s\"", i, w->refused[i].message, bad[i].message);
    }
    assert_int_equal(w->case_count, 2);
    is(w->cases[1].id, "last");
    assert_int_equal(w->cases[1].case_no, 1);
}

static void
test_dataset_strict(void **state)
{
    world_t *w = *state;
    const char *text = "{\"input\":\"a\"}\n\n{\"input\":3}\n{\"input\":\"b\"}\n";
    write_file(w, text, strlen(text));
    assert_int_equal(read_path(w, true), MST_INVAL);
    char message[256];
    snprintf(message, sizeof message,
             "dataset \"%s\", line 3: \"input\" must be a string or a list of messages, not a number", w->path);
    assert_string_equal(w->err.message, message);
    assert_int_equal(w->case_count, 1);
    assert_int_equal(w->refused_total, 1);
}

static void
test_dataset_blank_lines_and_endings(void **state)
{
    world_t *w = *state;
    read_text(w, "\xef\xbb\xbf{\"input\":\"a\"}\r\n\r\n   \n\t\n{\"input\":\"b\"} \r\n\n{\"input\":\"c\"}");
    assert_int_equal(w->case_count, 3);
    assert_int_equal(w->info.lines, 3);
    assert_int_equal(w->refused_count, 0);
    is(w->cases[2].input, "c");
    mst_digest_t hash = w->hash;
    read_text(w, "{\"input\":\"c\"}\n{\"input\":\"a\"}\n{ \"input\" : \"b\" }\n");
    assert_memory_equal(&hash, &w->hash, sizeof hash); // neither order nor blanks count
    read_text(w, "\n{}\n\n{\"input\":1}");
    assert_int_equal(w->refused[0].line, 2);
    assert_int_equal(w->refused[1].line, 4);
}

static void
test_dataset_lenient_rows(void **state)
{
    world_t *w = *state;
    read_text(w, "{\"input\":\"x\",\"metadata\":{\"a\":NaN,\"b\":-Infinity,\"c\":1e400}}\n{\"input\":\"\\ud800!\"}\n");
    assert_int_equal(w->refused_count, 0);
    is(w->cases[0].metadata, "{\"a\":\"NaN\",\"b\":\"-Infinity\",\"c\":\"Infinity\"}");
    assert_true(w->cases[1].input.n > 1);
    assert_int_equal((unsigned char)w->cases[1].input.p[0], 0xef); // U+FFFD
}

static void
test_dataset_canonical_digest(void **state)
{
    world_t *w = *state;
    read_text(w, "{\"z\":1, \"input\":\"a\", \"n\":{\"b\":1,\"a\":[1.0,2]}}\n");
    mst_digest_t d = mst_sha256(MST_STR("{\"input\":\"a\",\"n\":{\"a\":[1.0,2],\"b\":1},\"z\":1}"));
    assert_memory_equal(&d, &w->hash, sizeof d);
    assert_memory_equal(d.b, w->cases[0].digest, 8);
    mst_digest_t bytes = mst_sha256(MST_STR("{\"z\":1, \"input\":\"a\", \"n\":{\"b\":1,\"a\":[1.0,2]}}\n"));
    assert_memory_equal(&bytes, &w->info.digest, sizeof bytes);
    assert_int_equal(w->info.bytes, 46);
}

static void
test_dataset_ids(void **state)
{
    world_t *w = *state;
    // given after assigned; assigned after given; a number and its text are one id
    read_text(
        w, "{\"input\":\"0\"}\n{\"input\":\"1\"}\n{\"input\":\"x\",\"id\":\"case-000002\"}\n"
           "{\"input\":\"2\",\"id\":\"case-000004\"}\n{\"input\":\"3\"}\n{\"input\":\"4\",\"id\":\"case-0000003\"}\n"
           "{\"input\":\"5\",\"id\":7}\n{\"input\":\"x\",\"id\":\"7\"}\n{\"input\":\"x\",\"id\":\"case-000004-2\"}\n");
    assert_int_equal(w->case_count, 6);
    static const char *const ids[] = {"case-000001",   "case-000002",  "case-000004",
                                      "case-000004-2", "case-0000003", "7"};
    for (size_t i = 0; i < 6; i++)
        is(w->cases[i].id, ids[i]);
    assert_int_equal(w->refused_count, 3);
    assert_string_equal(w->refused[0].message, "id \"case-000002\" was used by an earlier row");
    assert_string_equal(w->refused[2].message, "id \"case-000004-2\" was used by an earlier row");
}

// A refused row leaves no trace: its id is free, its digest is not in the sum.
static void
test_dataset_refused_row_leaves_nothing(void **state)
{
    world_t *w = *state;
    read_text(w, "{\"id\":\"a\",\"input\":\"x\"}\n");
    mst_digest_t alone = w->hash;
    read_text(w, "{\"id\":\"a\",\"input\":3}\n{\"id\":\"a\",\"input\":\"x\"}\n{\"id\":\"a\",\"input\":\"y\"}\n");
    assert_int_equal(w->case_count, 1);
    assert_int_equal(w->refused_count, 2);
    assert_memory_equal(&alone, &w->hash, sizeof alone);
}

static void
test_dataset_limit(void **state)
{
    world_t *w = *state;
    const char *text = "{\"input\":1}\n{\"input\":\"a\"}\n{}\n{\"input\":\"b\"}\n{\"input\":\"c\"}\n";
    write_file(w, text, strlen(text));
    mst_source_cfg_t cfg = {.path = mst_str_c(w->path), .limit = 2};
    assert_int_equal(read_source(w, &cfg, false), MST_NOTFOUND);
    assert_int_equal(w->case_count, 2);
    is(w->cases[1].input, "b");
    assert_int_equal(w->refused_count, 2);
    cfg.limit = 0;
    assert_int_equal(read_source(w, &cfg, false), MST_NOTFOUND);
    assert_int_equal(w->case_count, 0);
}

static void
test_dataset_open_errors(void **state)
{
    world_t *w = *state;
    char message[300];
    assert_int_equal(read_path(w, false), MST_NOTFOUND);
    snprintf(message, sizeof message, "could not open dataset \"%s\": no such file", w->path);
    assert_string_equal(w->err.message, message);

    mst_source_cfg_t dir = {.path = mst_str_c(w->dir), .limit = -1};
    assert_int_equal(read_source(w, &dir, false), MST_INVAL);
    snprintf(message, sizeof message, "dataset \"%s\" is a directory; name a file in it", w->dir);
    assert_string_equal(w->err.message, message);

    static const char *const empties[] = {"", "\n\n \r\n", "\xef\xbb\xbf", "\xef\xbb\xbf\n"};
    snprintf(message, sizeof message, "dataset \"%s\" is empty", w->path);
    for (size_t i = 0; i < 4; i++) {
        write_file(w, empties[i], strlen(empties[i]));
        assert_int_equal(read_path(w, false), MST_INVAL);
        assert_string_equal(w->err.message, message);
    }
    mst_source_cfg_t null = {.path = MST_STR("/dev/null"), .limit = -1};
    assert_int_equal(read_source(w, &null, false), MST_INVAL);
    assert_non_null(strstr(w->err.message, "is not a regular file"));
}

// A line over the maximum is refused without being held; one of exactly the maximum is read.
static void
test_dataset_long_lines(void **state)
{
    world_t *w = *state;
    FILE *f = fopen(w->path, "wb");
    assert_non_null(f);
    char *x = malloc(20 * MST_MIB);
    memset(x, 'x', 20 * MST_MIB);
    fputs("{\"input\":\"a\"}\n{\"input\":\"", f);
    fwrite(x, 1, 20 * MST_MIB, f);
    fputs("\"}\n{\"input\":\"", f);
    fwrite(x, 1, MST_JSONL_LINE_MAX - 12, f);
    fputs("\"}\n{\"input\":\"", f);
    fwrite(x, 1, MST_JSONL_LINE_MAX - 11, f);
    fputs("\"}\n{\"input\":\"b\"}\n{\"input\":\"", f);
    fwrite(x, 1, 20 * MST_MIB, f);
    assert_int_equal(fclose(f), 0);
    free(x);
    assert_int_equal(read_path(w, false), MST_NOTFOUND);
    assert_int_equal(w->case_count, 3);
    assert_int_equal(w->cases[1].input.n, MST_JSONL_LINE_MAX - 12);
    is(w->cases[2].input, "b");
    assert_int_equal(w->refused_count, 3);
    assert_int_equal(w->refused[0].line, 2);
    assert_int_equal(w->refused[1].line, 4);
    assert_int_equal(w->refused[2].line, 6);
    assert_string_equal(w->refused[0].message, "the line is longer than 16 MiB");
    assert_int_equal(w->info.lines, 6);
}

// A short row may stand for a large tree: it is refused, and the memory given back.
static void
test_dataset_row_that_grows(void **state)
{
    world_t *w = *state;
    FILE *f = fopen(w->path, "wb");
    assert_non_null(f);
    fputs("{\"input\":\"a\",\"x\":[", f);
    for (int i = 0; i < 5000000; i++)
        fputs("[],", f);
    fputs("0]}\n{\"input\":\"b\",\"x\":", f);
    for (int i = 0; i < 70; i++)
        fputc('[', f);
    for (int i = 0; i < 70; i++)
        fputc(']', f);
    fputs("}\n{\"input\":\"e\",\"context\":[", f);
    for (int i = 0; i < 3300000; i++)
        fputs("1e15,", f); // each becomes "1000000000000000.0" in quotes
    fprintf(f, "0]}\n{\"input\":\"c\",\"id\":\"%0513d\"}\n{\"input\":\"d\"}\n", 0);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(read_path(w, false), MST_NOTFOUND);
    assert_int_equal(w->refused_count, 4);
    assert_string_equal(w->refused[3].message, "the id is 513 bytes long; the maximum is 512");
    assert_int_equal(w->case_count, 1);
    is(w->cases[0].input, "d");
    for (int i = 0; i < 3; i++)
        assert_true(strlen(w->refused[i].message) > 10);
}

static void
test_dataset_bomb(void **state)
{
    world_t *w = *state;
    char *zeros = calloc(1, MST_MIB);
    gzFile gz = gzopen(w->path, "wb9");
    assert_non_null(gz);
    for (int i = 0; i < 64; i++)
        assert_int_equal(gzwrite(gz, zeros, MST_MIB), MST_MIB);
    assert_int_equal(gzclose(gz), Z_OK);
    free(zeros);
    assert_int_equal(read_path(w, false), MST_LIMIT);
    assert_non_null(strstr(w->err.message, "could not decompress dataset"));
}

static char *
many_rows(size_t rows, size_t *out_n)
{
    char *text = malloc(rows * 200), *p = text;
    for (size_t i = 0; i < rows; i++)
        p += snprintf(p, 200, "{\"id\": \"row-%zu\", \"input\": \"question %zu, %zu\", \"expected_output\": \"%zu\"}\n",
                      i, i, i * i % 997, i);
    *out_n = (size_t)(p - text);
    return text;
}

static void
test_dataset_compressed_is_the_same(void **state)
{
    world_t *w = *state;
    size_t n;
    char *text = many_rows(20000, &n);
    write_file(w, text, n);
    assert_int_equal(read_path(w, false), MST_NOTFOUND);
    assert_int_equal(w->case_count, 20000);
    mst_dataset_info_t info = w->info;
    mst_digest_t hash = w->hash;

    size_t cap = ZSTD_compressBound(n), half = n / 2;
    char *packed = malloc(cap);
    write_file(w, packed, ZSTD_compress(packed, cap, text, n, 3));
    assert_int_equal(read_path(w, false), MST_NOTFOUND);
    assert_int_equal(w->info.lines, info.lines);
    assert_int_equal(w->info.bytes, info.bytes);
    assert_memory_equal(&w->info.digest, &info.digest, sizeof info.digest);
    assert_memory_equal(&w->hash, &hash, sizeof hash);

    for (int members = 1; members <= 2; members++) { // gzip files may be joined
        gzFile gz = gzopen(w->path, "wb");
        assert_non_null(gz);
        assert_int_equal(gzwrite(gz, text, (unsigned)(members == 1 ? n : half)), members == 1 ? n : half);
        assert_int_equal(gzclose(gz), Z_OK);
        if (members == 2) {
            gz = gzopen(w->path, "ab");
            assert_int_equal(gzwrite(gz, text + half, (unsigned)(n - half)), n - half);
            assert_int_equal(gzclose(gz), Z_OK);
        }
        assert_int_equal(read_path(w, false), MST_NOTFOUND);
        assert_memory_equal(&w->info, &info, sizeof info);
        assert_memory_equal(&w->hash, &hash, sizeof hash);
    }
    free(packed);
    free(text);
}

static void
test_dataset_broken_compression(void **state)
{
    world_t *w = *state;
    size_t n;
    char *text = many_rows(5000, &n);
    size_t cap = ZSTD_compressBound(n);
    char *packed = malloc(cap);
    size_t packed_n = ZSTD_compress(packed, cap, text, n, 3);
    write_file(w, packed, packed_n - 100);
    assert_int_equal(read_path(w, false), MST_PROTO);
    assert_non_null(strstr(w->err.message, "could not decompress dataset \""));
    packed[packed_n / 2] = (char)(packed[packed_n / 2] ^ 0x55);
    packed[packed_n / 2 + 1] = (char)(packed[packed_n / 2 + 1] ^ 0x55);
    write_file(w, packed, packed_n);
    if (read_path(w, false) == MST_NOTFOUND) // a flipped literal is not noticed without a checksum
        assert_memory_not_equal(w->info.digest.b, mst_sha256(mst_str(text, n)).b, MST_SHA256_BYTES);
    else
        assert_int_equal(w->err.rc, MST_PROTO);
    free(packed);
    free(text);
}

// Rows cut by every boundary of the read buffer: a file of mixed lengths gives the same cases as its parts.
static void
test_dataset_rows_across_reads(void **state)
{
    world_t *w = *state;
    FILE *f = fopen(w->path, "wb");
    assert_non_null(f);
    const size_t rows = 3000;
    for (size_t i = 0; i < rows; i++)
        fprintf(f, "{\"input\":\"%0*zu\"}\n", (int)(i * 7919 % 1500 + 1), i);
    assert_int_equal(fclose(f), 0);
    mst_source_cfg_t cfg = {.path = mst_str_c(w->path), .limit = -1};
    mst_dataset_t *d;
    assert_int_equal(mst_dataset_open(&cfg, true, NULL, NULL, &d, &w->err), MST_OK);
    for (size_t i = 0; i < rows; i++) {
        mst_case_t c;
        mst_arena_reset(w->arena);
        assert_int_equal(mst_dataset_next(d, w->arena, &c, &w->err), MST_OK);
        uint64_t value;
        assert_true(mst_str_to_u64(c.input, &value) || c.input.n > 20);
        assert_true(c.input.n >= i * 7919 % 1500 + 1);
    }
    assert_int_equal(mst_dataset_info(d)->lines, rows);
    mst_dataset_close(&d);
}

// A case that does not fit the caller's arena is given again with the next one.
static void
test_dataset_arena_too_small(void **state)
{
    world_t *w = *state;
    char text[4096] = "{\"input\":\"a\"}\n{\"input\":\"";
    memset(text + strlen(text), 'x', 3000);
    strncat(text, "\"}\n{\"input\":\"c\"}\n", sizeof text - strlen(text) - 1);
    write_file(w, text, strlen(text));
    mst_source_cfg_t cfg = {.path = mst_str_c(w->path), .limit = -1};
    mst_dataset_t *d;
    mst_case_t c;
    mst_arena_t *small = mst_arena_new(1000);
    assert_int_equal(mst_dataset_open(&cfg, false, NULL, NULL, &d, &w->err), MST_OK);
    assert_int_equal(mst_dataset_next(d, small, &c, &w->err), MST_OK);
    assert_int_equal(mst_dataset_next(d, small, &c, &w->err), MST_LIMIT);
    assert_string_equal(w->err.message, "case \"case-000002\" does not fit the memory for it");
    assert_int_equal(mst_dataset_next(d, w->arena, &c, &w->err), MST_OK);
    assert_int_equal(c.input.n, 3000);
    assert_int_equal(c.case_no, 1);
    mst_arena_reset(small);
    assert_int_equal(mst_dataset_next(d, small, &c, &w->err), MST_OK);
    is(c.input, "c");
    mst_arena_free(&small);
    mst_dataset_close(&d);
}

static void
test_dataset_changed_between_passes(void **state)
{
    world_t *w = *state;
    write_file(w, "{\"input\":\"a\"}\n", 14);
    mst_source_cfg_t cfg = {.path = mst_str_c(w->path), .limit = -1};
    mst_dataset_t *d;
    mst_case_t c;
    assert_int_equal(mst_dataset_open(&cfg, false, NULL, NULL, &d, &w->err), MST_OK);
    FILE *f = fopen(w->path, "ab");
    fputs("{\"input\":\"b\"}\n", f);
    fclose(f);
    mst_rc rc;
    while ((rc = mst_dataset_next(d, w->arena, &c, &w->err)) == MST_OK)
        ;
    assert_int_equal(rc, MST_CONFLICT);
    assert_non_null(strstr(w->err.message, "was changed while it was read"));
    assert_int_equal(mst_dataset_next(d, w->arena, &c, &w->err), MST_CONFLICT);
    mst_dataset_close(&d);
}

static void
test_dataset_inline(void **state)
{
    world_t *w = *state;
    const mst_ynode_t *node;
    mst_arena_t *arena = mst_arena_new(MST_MIB);
    mst_source_cfg_t cfg = {.type = MST_SRC_INLINE, .limit = -1};
    assert_int_equal(mst_yaml_parse(MST_STR("[{input: a, id: x}, {input: 3}, {input: b, id: x}, {input: c}]"), "t",
                                    arena, &node, &w->err),
                     MST_OK);
    assert_int_equal(mst_yaml_to_json(node, arena, &cfg.records, &w->err), MST_OK);
    assert_int_equal(read_source(w, &cfg, false), MST_NOTFOUND);
    assert_int_equal(w->case_count, 2);
    assert_int_equal(w->refused_count, 2);
    assert_int_equal(w->refused[1].line, 3);
    is(w->cases[1].id, "case-000002");
    assert_int_equal(w->info.lines, 4);
    mst_digest_t hash = w->hash;
    mst_dataset_info_t info = w->info;
    read_text(w, "{\"id\":\"x\",\"input\":\"a\"}\n{\"input\":3}\n{\"id\":\"x\",\"input\":\"b\"}\n{\"input\":\"c\"}\n");
    assert_memory_equal(&hash, &w->hash, sizeof hash);
    assert_memory_equal(&info, &w->info, sizeof info);
    assert_int_equal(read_source(w, &cfg, true), MST_INVAL);
    assert_string_equal(w->err.message, "dataset of inline records, record 2: \"input\" must be a string or a list of "
                                        "messages, not a number");
    mst_arena_free(&arena);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_dataset_fields),
        TEST(test_dataset_mapping),
        TEST(test_dataset_bad_rows),
        TEST(test_dataset_strict),
        TEST(test_dataset_blank_lines_and_endings),
        TEST(test_dataset_lenient_rows),
        TEST(test_dataset_canonical_digest),
        TEST(test_dataset_ids),
        TEST(test_dataset_refused_row_leaves_nothing),
        TEST(test_dataset_limit),
        TEST(test_dataset_open_errors),
        TEST(test_dataset_long_lines),
        TEST(test_dataset_row_that_grows),
        TEST(test_dataset_bomb),
        TEST(test_dataset_compressed_is_the_same),
        TEST(test_dataset_broken_compression),
        TEST(test_dataset_rows_across_reads),
        TEST(test_dataset_arena_too_small),
        TEST(test_dataset_changed_between_passes),
        TEST(test_dataset_inline),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
