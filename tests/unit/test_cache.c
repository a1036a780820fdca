// worker/cache
#include "common/base/limits.h"
#include "common/json/json.h"
#include "worker/cache/cache.h"
#include "worker/cache/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static mst_json_parser_t *json;
static mst_arena_t *arena;
static char dir[] = "/tmp/muster-cache.XXXXXX";

static mst_str_t headers[] = {{"Content-Type: application/json", 30}, {"X-Request-Id: 1", 15}};

static mst_cache_ask_t
plain(mst_request_t *q, const char *body)
{
    *q = (mst_request_t){.url = MST_STR("http://h/v1/chat/completions"),
                         .headers = headers,
                         .header_count = 2,
                         .auth_name = MST_STR("Authorization"),
                         .body = mst_str_c(body)};
    return (mst_cache_ask_t){.provider = "openai",
                             .request = q,
                             .header_count = 1,
                             .engine = MST_STR("vllm"),
                             .engine_version = MST_STR("1"),
                             .model = MST_STR("m"),
                             .model_revision = MST_STR("r")};
}

static mst_digest_t
key_of(const mst_cache_ask_t *ask)
{
    mst_digest_t d = {{0}};
    mst_err_t err = {0};
    assert_int_equal(mst_cache_key(ask, json, arena, &d, &err), MST_OK);
    return d;
}

static void
assert_same(mst_digest_t a, mst_digest_t b, bool same)
{
    assert_true((memcmp(a.b, b.b, sizeof a.b) == 0) == same);
}

static void
test_key_order_and_ids(void **state)
{
    (void)state;
    mst_request_t q, r;
    mst_cache_ask_t a = plain(&q, "{\"model\":\"m\",\"n\":1,\"o\":{\"x\":1,\"y\":[1,2]}}");
    mst_cache_ask_t b = plain(&r, "{ \"o\": {\"y\":[1,2],\"x\":1}, \"n\":1, \"model\":\"m\"}");
    assert_same(key_of(&a), key_of(&b), true);
    headers[1] = MST_STR("X-Request-Id: 2"); // the worker's own line
    mst_digest_t other = key_of(&b);
    assert_same(key_of(&a), other, true);
    r.auth_prefix = MST_STR("Bearer ");
    assert_same(key_of(&a), key_of(&b), true);
}

static void
test_key_parts(void **state)
{
    (void)state;
    mst_request_t q, r;
    mst_cache_ask_t a = plain(&q, "{\"model\":\"m\",\"list\":[1,2]}"), b;
    mst_digest_t first = key_of(&a);
#define DIFFERS(change)                                                                                                \
    do {                                                                                                               \
        b = plain(&r, "{\"model\":\"m\",\"list\":[1,2]}");                                                             \
        assert_same(first, key_of(&b), true);                                                                          \
        change;                                                                                                        \
        assert_same(first, key_of(&b), false);                                                                         \
    } while (0)
    DIFFERS(r.body = MST_STR("{\"model\":\"m\",\"list\":[2,1]}"));
    DIFFERS(r.body = MST_STR("{\"model\":\"m\",\"list\":[1,2],\"top_p\":0.5}"));
    DIFFERS(r.body = MST_STR("{\"model\":\"m\",\"list\":[1,2]"));
    DIFFERS(r.url = MST_STR("http://h:81/v1/chat/completions"));
    DIFFERS(r.method = "GET");
    DIFFERS(b.header_count = 0);
    DIFFERS(b.provider = "vllm");
    DIFFERS(b.kind = MST_ASK_EMBED);
    DIFFERS(b.step_no = 1);
    DIFFERS(b.repeat_no = 1);
    DIFFERS(b.engine = MST_STR("sglang"));
    DIFFERS(b.engine_version = MST_STR("2"));
    DIFFERS(b.model = MST_STR("n"));
    DIFFERS(b.model_revision = MST_STR("s"));
#undef DIFFERS
    // two bodies that no JSON writer may take for one: lone surrogates, and no JSON at all
    mst_cache_ask_t s = plain(&q, "{\"a\":\"\\ud800\"}"), t = plain(&r, "{\"a\":\"\\ud801\"}");
    assert_same(key_of(&s), key_of(&t), false);
    s = plain(&q, "a");
    t = plain(&r, "b");
    assert_same(key_of(&s), key_of(&t), false);
}

static const mst_rx_t pieces[] = {{.rx_ns = 1005, .n = 2}, {.rx_ns = 1009, .n = 3, .merged = true}};

static mst_cached_t
exchange(void)
{
    return (mst_cached_t){.status = 200,
                          .split = MST_SPLIT_NDJSON,
                          .content_type = MST_STR("text/plain"),
                          .server = MST_STR("e/1"),
                          .request_id = MST_STR("id"),
                          .kept = MST_STR("a: b\n"),
                          .first_byte_ns = MST_NONE,
                          .close_ns = 12,
                          .body = mst_str("ab\0de", 5),
                          .pieces = pieces,
                          .piece_count = 2};
}

static void
test_entry_there_and_back(void **state)
{
    (void)state;
    mst_cached_t x = exchange(), y;
    mst_err_t err = {0};
    mst_buf_t b;
    mst_buf_init(&b, MST_MIB);
    mst_cached_pack(&x, 1000, &b);
    assert_int_equal(mst_cached_unpack(mst_buf_view(&b), arena, &y, &err), MST_OK);
    assert_int_equal(y.status, 200);
    assert_int_equal(y.split, MST_SPLIT_NDJSON);
    assert_true(mst_str_eq(y.body, x.body) && mst_str_eq(y.kept, x.kept) && mst_str_eq(y.server, x.server));
    assert_true(mst_str_eq(y.content_type, x.content_type) && mst_str_eq(y.request_id, x.request_id));
    assert_int_equal(y.first_byte_ns, MST_NONE);
    assert_int_equal(y.close_ns, 12);
    assert_int_equal(y.piece_count, 2);
    assert_int_equal(y.pieces[0].rx_ns, 5);
    assert_int_equal(y.pieces[1].rx_ns, 9);
    assert_true(y.pieces[1].merged && !y.pieces[0].merged);
    // cut anywhere it is none; with any byte changed it is one or none, and never a crash
    for (size_t n = 0; n < b.n; n++)
        assert_int_not_equal(mst_cached_unpack(mst_str(b.p, n), arena, &y, &err), MST_OK);
    for (size_t i = 0; i < b.n; i++) {
        b.p[i] = (char)~b.p[i];
        bool good = mst_cached_unpack(mst_buf_view(&b), arena, &y, &err) == MST_OK;
        assert_true(!good || (y.piece_count == 2 && y.body.n == 5));
        b.p[i] = (char)~b.p[i];
    }
    mst_buf_deinit(&b);
}

static mst_digest_t
number_key(unsigned n)
{
    return mst_sha256(mst_str((const char *)&n, sizeof n));
}

static void
test_file(void **state)
{
    (void)state;
    char path[200];
    (void)snprintf(path, sizeof path, "%s/f.db", dir);
    mst_cache_file_t *w = NULL, *r = NULL;
    mst_err_t err = {0};
    mst_str_t got;
    assert_int_equal(mst_cache_file_open(path, false, &r, &err), MST_NOTFOUND);
    assert_int_equal(mst_cache_file_open(path, true, &w, &err), MST_OK);
    assert_int_equal(mst_cache_file_open(path, false, &r, &err), MST_OK);
    char *large = MST_NEW_ARRAY(char, 20000);
    for (unsigned round = 0; round < 10; round++) { // 20 kB each, 200 of them, in 1 MiB
        assert_int_equal(mst_cache_file_begin(w, &err), MST_OK);
        for (unsigned i = 0; i < 20; i++) {
            mst_digest_t k = number_key(round * 20 + i);
            assert_int_equal(mst_cache_file_put(w, &k, mst_str(large, 20000), 1, &err), MST_OK);
        }
        assert_int_equal(mst_cache_file_end(w, MST_MIB, &err), MST_OK);
    }
    mst_digest_t oldest = number_key(0), newest = number_key(199), absent = number_key(200);
    assert_int_equal(mst_cache_file_get(r, &oldest, &got, &err), MST_NOTFOUND);
    assert_int_equal(mst_cache_file_get(r, &absent, &got, &err), MST_NOTFOUND);
    assert_int_equal(mst_cache_file_get(r, &newest, &got, &err), MST_OK);
    assert_int_equal(got.n, 20000);
    mst_cache_file_done(r);
    // not kept: neither this nor what it would have replaced is lost
    assert_int_equal(mst_cache_file_begin(w, &err), MST_OK);
    assert_int_equal(mst_cache_file_put(w, &newest, MST_STR("x"), 1, &err), MST_OK);
    mst_cache_file_rollback(w);
    assert_int_equal(mst_cache_file_get(r, &newest, &got, &err), MST_OK);
    assert_int_equal(got.n, 20000);
    mst_cache_file_done(r);
    mst_cache_file_close(&r);
    mst_cache_file_close(&w);
    free(large);
}

static void
write_text(const char *path, const char *text)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    for (int i = 0; i < 2000; i++)
        (void)fputs(text, f);
    (void)fclose(f);
}

static void
test_cache(void **state)
{
    (void)state;
    char path[200];
    (void)snprintf(path, sizeof path, "%s/c.db", dir);
    const mst_cache_opts_t o = {.path = path, .reads = true, .writes = true, .max_bytes = MST_MIB};
    mst_cached_t x = exchange(), y;
    for (int round = 0; round < 2; round++) {
        mst_cache_t *c = mst_cache_new(&o);
        for (unsigned i = 0; i < 300; i++) {
            mst_digest_t k = number_key(i);
            assert_true(mst_cache_find(c, &k, &y) == (round == 1));
            if (round == 1) {
                assert_true(mst_str_eq(y.body, x.body));
                mst_cache_found_done(c);
            } else if (i == 299) { // found as soon as it is written is no promise; written when it is closed is
                for (unsigned n = 0; n < 300; n++) {
                    k = number_key(n);
                    mst_cache_put(c, &k, &x, 1000);
                }
            }
        }
        mst_cache_free(&c);
    }
    write_text(path, "no database at all ");
    mst_cache_t *c = mst_cache_new(&o);
    mst_digest_t k = number_key(0);
    assert_false(mst_cache_find(c, &k, &y));
    mst_cache_put(c, &k, &x, 1000);
    assert_false(mst_cache_find(c, &k, &y));
    mst_cache_free(&c);
}

static int
set_up(void **state)
{
    (void)state;
    json = mst_json_parser_new();
    arena = mst_arena_new(64 * MST_MIB);
    return mkdtemp(dir) != NULL ? 0 : -1;
}

static int
tear_down(void **state)
{
    static const char *const names[] = {"f.db", "f.db-wal", "f.db-shm", "c.db", "c.db-wal", "c.db-shm"};
    char path[200];
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", dir, names[i]);
        (void)unlink(path);
    }
    (void)rmdir(dir);
    mst_json_parser_free(&json);
    mst_arena_free(&arena);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_key_order_and_ids),
        cmocka_unit_test(test_key_parts),
        cmocka_unit_test(test_entry_there_and_back),
        cmocka_unit_test(test_file),
        cmocka_unit_test(test_cache),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
