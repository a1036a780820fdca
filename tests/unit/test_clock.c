// common/base/clock.h and log.h
#include "common/base/clock.h"
#include "common/base/limits.h"
#include "common/base/log.h"
#include "common/json/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static void
test_clock_monotonic_and_offset(void **state)
{
    (void)state;
    int64_t last = mst_mono_ns();
    for (int i = 0; i < 1000; i++) {
        int64_t now = mst_mono_ns();
        assert_true(now >= last);
        last = now;
    }
    int64_t before = mst_wall_ns(), through = mst_mono_ns() + mst_wall_offset_ns(), after = mst_wall_ns();
    assert_true(through >= before - MST_NS_PER_MS && through <= after + MST_NS_PER_MS);
    assert_true(mst_cpu_ns() > 0);
}

static void
check_iso(int64_t ns, const char *want)
{
    char text[25];
    mst_wall_iso(ns, text, sizeof text);
    assert_string_equal(text, want);
}

static void
test_clock_iso(void **state)
{
    (void)state;
    check_iso(0, "1970-01-01T00:00:00.000Z");
    check_iso(1795256640123999999, "2026-11-21T10:24:00.123Z");
    check_iso(951782400 * MST_NS_PER_S, "2000-02-29T00:00:00.000Z");
    check_iso(-1, "1969-12-31T23:59:59.999Z");
    check_iso(-MST_NS_PER_S, "1969-12-31T23:59:59.000Z");
    check_iso(INT64_MAX, "2262-04-11T23:47:16.854Z");
    char text[8];
    mst_wall_iso(0, text, sizeof text);
    assert_string_equal(text, "1970-01");
}

static int hooks_called;

static void
on_line(void *ud)
{
    *(int *)ud += 1;
}

// What the lines that `write_lines` logs look like on stderr.
static size_t
capture(void (*write_lines)(void), char *out, size_t out_bytes)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    int saved = dup(STDERR_FILENO);
    dup2(ends[1], STDERR_FILENO);
    write_lines();
    dup2(saved, STDERR_FILENO);
    close(saved);
    close(ends[1]);
    size_t n = 0;
    for (ssize_t got; n < out_bytes - 1 && (got = read(ends[0], out + n, out_bytes - 1 - n)) > 0;)
        n += (size_t)got;
    close(ends[0]);
    out[n] = '\0';
    return n;
}

static void
write_some(void)
{
    mst_info("run started run=%s", "run_1");
    mst_debug("not shown");
    mst_warn("odd \"text\" with \\ and\nline break \x1b[31m \xFF");
}

static void
write_long(void)
{
    char text[6000];
    memset(text, '\n', sizeof text - 1); // each becomes six characters
    text[sizeof text - 1] = '\0';
    mst_error("%s", text);
}

static void
test_log_text(void **state)
{
    (void)state;
    char out[20000];
    mst_log_init(MST_LOG_INFO, false);
    hooks_called = 0;
    mst_log_hooks(on_line, on_line, &hooks_called);
    capture(write_some, out, sizeof out);
    assert_string_equal(out, "info run started run=run_1\n"
                             "warn odd \"text\" with \\ and\\u000aline break \\u001b[31m \xEF\xBF\xBD\n");
    assert_int_equal(hooks_called, 4);
    mst_log_hooks(NULL, NULL, NULL);
    size_t n = capture(write_long, out, sizeof out);
    assert_true(n <= 4096 && n > 4000 && out[n - 1] == '\n');
    mst_log_init(MST_LOG_ERROR, false);
    assert_int_equal(capture(write_some, out, sizeof out), 0);
}

static void
test_log_json_lines(void **state)
{
    (void)state;
    char out[20000];
    mst_log_init(MST_LOG_INFO, true);
    capture(write_some, out, sizeof out);
    size_t n = strlen(out);
    capture(write_long, out + n, sizeof out - n);
    mst_log_init(MST_LOG_INFO, false);
    mst_json_parser_t *parser = mst_json_parser_new();
    mst_arena_t *arena = mst_arena_new(MST_MIB);
    int lines = 0;
    for (char *line = out, *end; (end = strchr(line, '\n')) != NULL; line = end + 1, lines++) {
        const mst_json_t *v;
        bool lenient = true;
        assert_int_equal(mst_json_parse(parser, mst_str(line, (size_t)(end - line)), arena, &v, &lenient, NULL),
                         MST_OK);
        assert_false(lenient);
        mst_str_t s;
        assert_true(mst_json_str(mst_json_get(v, "time"), &s) && s.n == 24);
        assert_true(mst_json_str(mst_json_get(v, "level"), &s));
        assert_true(mst_json_str(mst_json_get(v, "message"), &s));
        if (lines == 1)
            assert_true(mst_str_eq_c(s, "odd \"text\" with \\ and\nline break \x1b[31m \xEF\xBF\xBD"));
    }
    assert_int_equal(lines, 3);
    mst_arena_free(&arena);
    mst_json_parser_free(&parser);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clock_monotonic_and_offset),
        cmocka_unit_test(test_clock_iso),
        cmocka_unit_test(test_log_text),
        cmocka_unit_test(test_log_json_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
