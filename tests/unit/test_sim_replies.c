// The replies file of the simulated backend.
#include "common/base/limits.h"
#include "sim/replies.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static mst_rc
open_text(const char *text, size_t n, mst_sim_replies_t **out, mst_err_t *err)
{
    char path[] = "/tmp/test_sim_replies.XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_true(write(fd, text, n) == (ssize_t)n);
    close(fd);
    mst_rc rc = mst_sim_replies_open(path, out, err);
    unlink(path);
    return rc;
}

static void
expect_reply(const mst_sim_replies_t *r, const char *id, const char *prompt, const char *text)
{
    const mst_sim_reply_t *reply = mst_sim_replies_find(r, mst_str_c(id), mst_str_c(prompt));
    assert_int_equal(reply != NULL, text != NULL);
    if (text != NULL)
        assert_true(mst_str_eq_c(reply->text, text));
}

static void
test_sim_replies_find(void **state)
{
    (void)state;
    static const char text[] =
        "\xef\xbb\xbf{\"id\":\"a\",\"reply\":\"by "
        "id\",\"finish_reason\":\"length\",\"reasoning\":\"hm\",\"logprobs\":[-1,null,\"NaN\"]}\r\n"
        "\n"
        "{\"id\":17,\"reply\":\"by number\"}\n"
        "{\"prompt\":\"hello\",\"reply\":\"by prompt\"}\n"
        // SHA-256 of "abc"
        "{\"prompt_sha256\":\"BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD\",\"reply\":\"by "
        "hash\"}\n"
        "{\"id\":\"a\",\"prompt\":\"again\",\"reply\":\"by id\"}"; // the same key twice, the same reply; no line end
    mst_sim_replies_t *r;
    mst_err_t err;
    if (open_text(text, sizeof text - 1, &r, &err) != MST_OK)
        fail_msg("%s", err.message);
    assert_int_equal(mst_sim_replies_count(r), 5);
    expect_reply(r, "a", "nothing", "by id");
    expect_reply(r, "17", "", "by number");
    expect_reply(r, "", "hello", "by prompt");
    expect_reply(r, "other", "abc", "by hash");
    expect_reply(r, "a", "hello", "by id"); // the id goes first
    expect_reply(r, "", "again", "by id");
    expect_reply(r, "b", "Hello", NULL);
    expect_reply(NULL, "a", "hello", NULL);
    const mst_sim_reply_t *a = mst_sim_replies_find(r, MST_STR("a"), MST_STR_NULL);
    assert_true(mst_str_eq_c(a->finish_reason, "length") && mst_str_eq_c(a->reasoning, "hm"));
    assert_int_equal(a->logprob_count, 3);
    assert_true(a->logprobs[0] < 0 && isinf(a->logprobs[1]) && isnan(a->logprobs[2]));
    mst_sim_replies_free(&r);
}

static void
test_sim_replies_refusals(void **state)
{
    (void)state;

    static const struct {
        const char *text;
        mst_rc rc;
        const char *part;
    } samples[] = {
        {"{\"id\":\"a\",\"reply\":\"x\"}\n\n{\"id\":\"b\",\"reply\":\n", MST_PROTO, "line 3: "},
        {"{\"id\":\"a\"}\n", MST_INVAL, "line 1: no \"reply\""},
        {"{\"id\":\"a\",\"reply\":1}", MST_INVAL, "line 1: no \"reply\""},
        {"[]", MST_INVAL, "line 1: no \"reply\""},
        {"{\"reply\":\"x\"}\n", MST_INVAL, "to find the reply by"},
        {"{\"id\":\"\",\"reply\":\"x\"}\n", MST_INVAL, "\"id\" is neither"},
        {"{\"id\":1.5,\"reply\":\"x\"}\n", MST_INVAL, "\"id\" is neither"},
        {"{\"prompt\":1,\"reply\":\"x\"}\n", MST_INVAL, "\"prompt\" is not a text"},
        {"{\"prompt_sha256\":\"abc\",\"reply\":\"x\"}\n", MST_INVAL, "64 hexadecimal"},
        {"{\"id\":\"a\",\"reply\":\"x\",\"finish_reason\":1}\n", MST_INVAL, "\"finish_reason\" is not a text"},
        {"{\"id\":\"a\",\"reply\":\"x\",\"logprobs\":1}\n", MST_INVAL, "not a list"},
        {"{\"id\":\"a\",\"reply\":\"x\",\"logprobs\":[\"y\"]}\n", MST_INVAL, "other than numbers"},
        {"{\"id\":\"a\",\"reply\":\"x\"}\n{\"id\":\"a\",\"reply\":\"y\"}\n", MST_CONFLICT,
         "line 2: same key as line 1"},
    };

    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        mst_sim_replies_t *r;
        mst_err_t err;
        assert_int_equal(open_text(samples[i].text, strlen(samples[i].text), &r, &err), samples[i].rc);
        assert_null(r);
        if (strstr(err.message, samples[i].part) == NULL)
            fail_msg("no %s in %s", samples[i].part, err.message);
    }
}

// A reply of a megabyte passes, a line over the maximum is refused.
static void
test_sim_replies_sizes(void **state)
{
    (void)state;
    size_t n = MST_JSONL_LINE_MAX + (1 << 20);
    char *text = malloc(n);
    assert_non_null(text);
    memset(text, 'x', n);
    static const char start[] = "{\"id\":\"a\",\"reply\":\"";
    memcpy(text, start, sizeof start - 1);
    size_t row = sizeof start - 1 + (1 << 20);
    memcpy(text + row, "\"}\n", 3);
    mst_sim_replies_t *r;
    mst_err_t err;
    assert_int_equal(open_text(text, row + 3, &r, &err), MST_OK);
    assert_int_equal(mst_sim_replies_find(r, MST_STR("a"), MST_STR_NULL)->text.n, 1 << 20);
    mst_sim_replies_free(&r);
    memset(text + row, 'x', 3);
    assert_int_equal(open_text(text, n, &r, &err), MST_LIMIT);
    assert_non_null(strstr(err.message, "line 1: the line is longer"));
    free(text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sim_replies_find),
        cmocka_unit_test(test_sim_replies_refusals),
        cmocka_unit_test(test_sim_replies_sizes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
