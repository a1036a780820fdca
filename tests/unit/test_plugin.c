// Scorers outside of Muster: shared objects, good and broken; programs, good and hostile. A hostile program gives a
// typed error in bounded time, the case behind it a fresh program.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/base/clock.h"
#include "worker/plugin/edge.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

typedef struct {
    mst_arena_t *arena;
    mst_run_cfg_t cfg;
    mst_scorer_set_t *set;
    mst_score_t score;
    bool passed;
    int failed;
    mst_err_t err;
} rig_t;

static int
set_up(void **state)
{
    rig_t *r = MST_NEW(rig_t);
    r->arena = mst_arena_new(4 << 20);
    *state = r;
    return 0;
}

static int
tear_down(void **state)
{
    rig_t *r = *state;
    mst_scorer_set_free(&r->set);
    mst_arena_free(&r->arena);
    free(r);
    return 0;
}

static mst_rc
open_scorer(rig_t *r, bool checking, const char *entry)
{
    char text[4096];
    const mst_config_env_t env = {.scorers = mst_scorers_kinds()};
    snprintf(text, sizeof text, "name: x\ndata_source: {source_type: inline, records: [{input: a}]}\nscorers: [%s]\n",
             entry);
    mst_scorer_set_free(&r->set);
    bool ok;
    mst_str_t copy = mst_arena_dup(r->arena, mst_str_c(text), &ok);
    mst_rc rc = mst_run_cfg_load(copy, "c.yaml", &env, r->arena, &r->cfg, &r->err);
    if (rc != MST_OK)
        fail_msg("%s", r->err.message);
    const mst_scorer_outside_t *edge = checking ? mst_plugin_edge_checking() : mst_plugin_edge();
    return mst_scorer_set_new_with(&r->cfg, edge, &r->set, &r->err);
}

static const mst_score_t *
ask(rig_t *r, const char *input, const char *output)
{
    mst_case_t c = {.id = MST_STR("c1"), .input = mst_str_c(input), .metadata = MST_STR("{\"a\":\n1}")};
    mst_completion_t done = {.prompt_tokens = MST_NONE};
    mst_score_in_t in = {.c = &c, .done = &done, .output = mst_str_c(output), .arena = r->arena};
    r->err.message[0] = '\0';
    mst_scorer_set_score(r->set, &in, mst_mono_ns, &r->score, &r->passed, &r->failed, &r->err);
    return &r->score;
}

static void
says(const rig_t *r, const char *text)
{
    if (strstr(r->err.message, text) == NULL)
        fail_msg("\"%s\" is not in \"%s\"", text, r->err.message);
}

#define OBJECT(name, more) "{type: plugin, label: own, path: " MST_TEST_OBJECTS "/" name ".so" more "}"

static void
test_plugin_shared_object_scores(void **state)
{
    rig_t *r = *state;
    assert_int_equal(open_scorer(r, true, OBJECT("word_limit", ", params: {max_words: 2}")), MST_OK);
    assert_true(ask(r, "", "two words")->passed);
    assert_true(mst_str_eq_c(r->score.reason, "2 words, at most 2 allowed"));
    assert_true(mst_str_eq_c(r->score.breakdown, "{\"words\":2}"));
    assert_false(ask(r, "", "one two three four")->passed);
    assert_true(r->score.value >= 0.5 && r->score.value <= 0.5);
}

static void
test_plugin_shared_object_is_refused(void **state)
{
    rig_t *r = *state;
    assert_int_equal(open_scorer(r, false, OBJECT("word_limit", "")), MST_INVAL);
    says(r, "scorer \"own\": plugin word_limit refuses its params: max_words must be a number");
    assert_int_equal(open_scorer(r, false, OBJECT("word_limit", ", params: [1]")), MST_INVAL);
    says(r, "params must be a map");
    assert_int_equal(open_scorer(r, false, OBJECT("gone", "")), MST_NOTFOUND);
    says(r, "gone.so\": No such file or directory");
    assert_int_equal(open_scorer(r, false, OBJECT("wrong_version", "")), MST_UNSUPPORTED);
    says(r, "is made for version 99 of the plugin interface, this is version 1");
    assert_int_equal(open_scorer(r, false, OBJECT("no_symbol", "")), MST_UNSUPPORTED);
    says(r, "has no function muster_scorer_plugin()");
    assert_int_equal(open_scorer(r, false, "{type: plugin, path: " MST_SOURCE_DIR "/README.md}"), MST_UNSUPPORTED);
    says(r, "could not load plugin");
}

static void
test_plugin_shared_object_answers_wrongly(void **state)
{
    static const struct {
        const char *input, *sentence;
    } errors[] = {
        {"nan", "score is not a finite number"}, {"verdict", "verdict 7, which there is not"},
        {"breakdown", "is no JSON object"},      {"list", "is no JSON object"},
        {"silent", "does not say why"},          {"full", "scorer \"own\": eeee"},
    };

    rig_t *r = *state;
    assert_int_equal(open_scorer(r, false, OBJECT("nasty", "")), MST_OK);
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        assert_int_equal(ask(r, errors[i].input, "x")->state, MST_SCORE_ERROR);
        says(r, errors[i].sentence);
    }
    assert_int_equal(ask(r, "missing", "x")->state, MST_SCORE_NOT_MEASURED);
    assert_true(mst_str_eq_c(ask(r, "reason", "x")->reason, "bad \xef\xbf\xbd byte"));
    assert_true(ask(r, "endless", "x")->reason.n <= 1024);
    assert_int_equal(ask(r, "inf", "x")->state, MST_SCORE_ERROR); // a plugin that is wrong must not pass for it
    says(r, "score is not a finite number");
    assert_int_equal(ask(r, "", "x")->state, MST_SCORE_OK);
}

#define PROGRAM(how, more)                                                                                             \
    "{type: exec, label: own, command: [python3, " MST_SOURCE_DIR "/tests/plugins/hostile.py, " how "]" more "}"
#define QUICKLY ", timeout_ms: 300, start_timeout_ms: 5000"

static void
need_python(void)
{
    if (access("/usr/bin/python3", X_OK) != 0 && access("/usr/local/bin/python3", X_OK) != 0)
        skip();
}

static int64_t
pid_in(const mst_score_t *s)
{
    int64_t pid = 0;
    int64_t at = mst_str_find(s->breakdown, MST_STR("\"pid\":"), 0);
    assert_true(at >= 0);
    for (size_t i = (size_t)at + 6; i < s->breakdown.n && s->breakdown.p[i] >= '0' && s->breakdown.p[i] <= '9'; i++)
        pid = pid * 10 + (s->breakdown.p[i] - '0');
    return pid;
}

static void
test_plugin_program_scores_and_stays(void **state)
{
    rig_t *r = *state;
    need_python();
    setenv("MUSTER_TEST_SECRET", "hidden", 1);
    assert_int_equal(open_scorer(r, true, PROGRAM("good", ", params: {word: \"very \"}")), MST_OK);
    assert_true(ask(r, "", "0123456789")->passed);
    assert_true(mst_str_eq_c(r->score.reason, "very ok"));
    assert_true(mst_str_find(r->score.breakdown, MST_STR("\"secret\":\"\""), 0) >= 0);
    int64_t pid = pid_in(&r->score);
    assert_false(ask(r, "", "01234")->passed);
    assert_true(r->score.value >= 0.5 && r->score.value <= 0.5);
    assert_true(pid_in(&r->score) == pid);
    mst_scorer_set_free(&r->set);
    assert_true(kill((pid_t)pid, 0) != 0 && errno == ESRCH);
    assert_int_equal(open_scorer(r, false, PROGRAM("good", ", env: [MUSTER_TEST_SECRET]")), MST_OK);
    assert_true(mst_str_find(ask(r, "", "x")->breakdown, MST_STR("\"secret\":\"hidden\""), 0) >= 0);
    // its own verdicts
    assert_int_equal(open_scorer(r, true, PROGRAM("missing", ", on_missing: skip")), MST_OK);
    assert_int_equal(ask(r, "", "x")->state, MST_SCORE_SKIPPED);
    assert_int_equal(open_scorer(r, true, PROGRAM("error", "")), MST_OK);
    for (int i = 0; i < 7; i++) { // its own errors do not count as its failures
        assert_int_equal(ask(r, "", "x\n")->state, MST_SCORE_ERROR);
        says(r, "scorer \"own\": cannot read \"x \"");
    }
}

static void
test_plugin_program_does_not_start(void **state)
{
    static const struct {
        const char *entry, *sentence;
    } rows[] = {
        {"{type: exec, command: [/no/such/program]}", "could not start program \"/no/such/program\": No such file"},
        {"{type: exec, command: [no-such-program-anywhere]}", "could not start program"},
        {"{type: exec, command: []}", "command is empty"},
        {"{type: exec, command: ['true'], params: 3}", "params must be a map"},
        {"{type: exec, command: ['true']}", "at its start: the program ended with status 0"},
        {PROGRAM("dies", ""), "ended with status 3; its last words: \"something went wrong\""},
        {PROGRAM("refuses", ""), "at its start: no model here"},
        {PROGRAM("early", ""), "the program's first line is not {\"ready\": true}: \"{\"hello\": \"world\"}\""},
        {PROGRAM("mute", ", start_timeout_ms: 200"), "at its start: the program did not answer in time"},
    };

    rig_t *r = *state;
    need_python();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_not_equal(open_scorer(r, true, rows[i].entry), MST_OK);
        says(r, rows[i].sentence);
    }
}

static void
test_plugin_program_is_hostile(void **state)
{
    static const struct {
        const char *entry, *sentence;
    } rows[] = {
        {PROGRAM("hangs", QUICKLY), "did not answer in time"},
        {PROGRAM("stderr", QUICKLY), "did not answer in time; its last words: \""},
        {PROGRAM("garbage", ""), "is no JSON object"},
        {PROGRAM("list", ""), "is no JSON object: \"[1, 2]\""},
        {PROGRAM("wrong_id", ""), "does not have the \"id\" of the request, 1"},
        {PROGRAM("no_score", ""), "has no \"score\""},
        {PROGRAM("text_score", ""), "neither a number nor true or false"},
        {PROGRAM("nan", ""), "\"score\" is not a finite number"},
        {PROGRAM("inf", ""), "\"score\" is not a finite number"},
        {PROGRAM("huge", ""), "a line of more than 1 MiB"},
        {PROGRAM("exits", ""), "ended with status 7"},
        {PROGRAM("killed", ""), "was killed by signal 9"},
        {PROGRAM("forks", ""), "ended with status 5"},
        {PROGRAM("memory", ", memory_mb: 512"), "the program "},
    };

    rig_t *r = *state;
    need_python();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(open_scorer(r, false, rows[i].entry), MST_OK);
        for (int k = 0; k < 2; k++) {
            assert_int_equal(ask(r, "", "x")->state, MST_SCORE_ERROR);
            if (k == 0)
                says(r, rows[i].sentence);
        }
    }
}

static void
test_plugin_program_answers_twice(void **state)
{
    rig_t *r = *state;
    need_python();
    assert_int_equal(open_scorer(r, false, PROGRAM("twice", "")), MST_OK);
    assert_int_equal(ask(r, "", "x")->state, MST_SCORE_OK);
    assert_int_equal(ask(r, "", "x")->state, MST_SCORE_ERROR); // never the second answer for the next case
    says(r, "wrote a line that nobody asked for");
    assert_int_equal(ask(r, "", "x")->state, MST_SCORE_OK);
}

static void
test_plugin_program_is_started_again_and_given_up(void **state)
{
    rig_t *r = *state;
    char mark[] = "/tmp/muster-mark-XXXXXX", entry[1024];
    need_python();
    int fd = mkstemp(mark);
    assert_true(fd >= 0);
    close(fd);
    unlink(mark);
    snprintf(entry, sizeof entry, PROGRAM("crashes_once", ", params: {mark: \"%s\"}"), mark);
    assert_int_equal(open_scorer(r, false, entry), MST_OK);
    assert_int_equal(ask(r, "", "x")->state, MST_SCORE_ERROR);
    assert_int_equal(ask(r, "", "x")->state, MST_SCORE_OK);
    unlink(mark);
    assert_int_equal(open_scorer(r, false, PROGRAM("exits", "")), MST_OK);
    for (int i = 0; i < 6; i++)
        (void)ask(r, "", "x");
    says(r, "given up after 5 failures in a row: the program ended with status 7");
    assert_int_equal(r->score.state, MST_SCORE_ERROR);
}

static void
test_plugin_large_answers_pass(void **state)
{
    rig_t *r = *state;
    size_t n = 3 << 20;
    need_python();
    char *text = malloc(n + 1);
    memset(text, '"', n);
    text[n] = '\0';
    assert_int_equal(open_scorer(r, false, PROGRAM("good", "")), MST_OK);
    assert_int_equal(ask(r, "", text)->state, MST_SCORE_OK);
    assert_true(r->score.value > 300000.0);
    free(text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_plugin_shared_object_scores, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_plugin_shared_object_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_plugin_shared_object_answers_wrongly, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_plugin_program_scores_and_stays, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_plugin_program_does_not_start, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_plugin_program_is_hostile, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_plugin_program_answers_twice, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_plugin_program_is_started_again_and_given_up, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_plugin_large_answers_pass, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("plugin", tests, NULL, NULL);
}
