// What configuration does with scorers beside asking them: negate, weight, sets of any and all, names of promptfoo;
// from the text of a configuration to the verdict, and to the spec and back.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/base/clock.h"
#include "scorers/scorer.h"

#include <math.h>
#include <stdio.h>

typedef struct {
    mst_arena_t *arena;
    mst_run_cfg_t cfg;
    mst_scorer_set_t *set;
    mst_score_t scores[8];
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

static const mst_config_env_t *
environment(void)
{
    static mst_config_env_t env;
    env = (mst_config_env_t){.scorers = mst_scorers_kinds(), .aliases = mst_scorers_aliases()};
    return &env;
}

// Reads a configuration with these scorers (YAML's flow style).
static mst_rc
load(rig_t *r, const char *scorers)
{
    char text[4096];
    snprintf(text, sizeof text, "name: x\ndata_source: {source_type: inline, records: [{input: a}]}\nscorers: %s\n",
             scorers);
    bool ok;
    mst_str_t copy = mst_arena_dup(r->arena, mst_str_c(text), &ok);
    r->err.message[0] = '\0';
    return mst_run_cfg_load(copy, "c.yaml", environment(), r->arena, &r->cfg, &r->err);
}

// The same through its spec: what is stored must be read as what was written.
static void
use(rig_t *r, const char *scorers)
{
    if (load(r, scorers) != MST_OK)
        fail_msg("%s", r->err.message);
    mst_str_t spec = r->cfg.spec;
    if (mst_run_cfg_load(spec, "spec", environment(), r->arena, &r->cfg, &r->err) != MST_OK)
        fail_msg("%s", r->err.message);
    assert_true(mst_str_eq(spec, r->cfg.spec));
    mst_scorer_set_free(&r->set);
    if (mst_scorer_set_new(&r->cfg, &r->set, &r->err) != MST_OK)
        fail_msg("%s", r->err.message);
}

static bool
ask(rig_t *r, const char *output, const char *expected)
{
    mst_case_t c = {.expected = mst_str_c(expected), .has_expected = expected != NULL};
    mst_completion_t done = {.prompt_tokens = MST_NONE, .completion_tokens = MST_NONE, .ttft_ns = MST_NONE,
                             .ttfo_ns = MST_NONE, .last_token_ns = MST_NONE};
    mst_score_in_t in = {.c = &c, .done = &done, .output = mst_str_c(output), .arena = r->arena};
    mst_scorer_set_score(r->set, &in, mst_mono_ns, r->scores, &r->passed, &r->failed, &r->err);
    return r->passed;
}

static bool
near(double a, double b)
{
    return fabs(a - b) < 1e-12;
}

static void
test_turns_negate(void **state)
{
    rig_t *r = *state;
    use(r, "[{type: contains, value: cat, negate: true}, {type: not-contains, value: dog}]");
    assert_true(r->cfg.scorers[0].negate && r->cfg.scorers[1].negate);
    assert_true(mst_str_eq_c(r->cfg.scorers[0].label, "not-contains"));
    assert_true(mst_str_eq_c(r->cfg.scorers[1].label, "not-contains#2"));
    assert_true(ask(r, "a bird", NULL));
    assert_true(near(r->scores[0].value, 1.0) && near(r->scores[1].value, 1.0));
    assert_false(ask(r, "a cat", NULL));
    assert_true(near(r->scores[0].value, 0.0) && !r->scores[0].passed && r->scores[1].passed);
    assert_non_null(strstr(r->scores[0].reason.p, "negated: found"));
    // a graded score: 1 less the score, and the verdict turned round
    use(r, "[{type: edit_distance, threshold: 0.6, negate: true}]");
    assert_true(ask(r, "abcd", "abxy"));
    assert_true(near(r->scores[0].value, 0.5) && r->scores[0].passed);
    assert_false(ask(r, "abcd", "abcx"));
    assert_true(near(r->scores[0].value, 0.25) && !r->scores[0].passed);
    // an error and a missing measurement are not turned
    use(r, "[{type: exact_match, negate: true}, {type: ttft, negate: true, on_missing: fail}]");
    assert_false(ask(r, "x", NULL));
    assert_int_equal(r->scores[0].state, MST_SCORE_ERROR);
    assert_true(r->scores[1].state == MST_SCORE_NOT_MEASURED && !r->scores[1].passed);
}

static void
refused(rig_t *r, const char *scorers, const char *sentence)
{
    mst_rc rc = load(r, scorers);
    mst_scorer_set_free(&r->set);
    if (rc == MST_OK)
        rc = mst_scorer_set_new(&r->cfg, &r->set, &r->err);
    assert_int_not_equal(rc, MST_OK);
    if (strstr(r->err.message, sentence) == NULL)
        fail_msg("\"%s\" is not in \"%s\"", sentence, r->err.message);
}

static void
test_turns_weight_zero_decides_nothing(void **state)
{
    rig_t *r = *state;
    use(r, "[{type: contains, value: cat, weight: 0}, {type: length, min: 1, weight: 2.5}]");
    assert_true(r->cfg.scorers[1].weighted && near(r->cfg.scorers[1].weight, 2.5));
    assert_true(ask(r, "dog", NULL));
    assert_false(r->scores[0].passed);
    use(r, "[{type: exact_match, weight: 0}, {type: length, min: 1}]");
    assert_false(r->cfg.scorers[1].weighted);
    assert_true(ask(r, "dog", NULL));
    assert_int_equal(r->failed, -1);
    assert_int_equal(load(r, "[{type: length, weight: -1}]"), MST_INVAL);
    refused(r, "[{type: latency_p99, weight: 2}]", "judges the whole run and has no part in the weighted mean");
    use(r, "[{type: latency_p99, weight: 0}, {type: length}]");
}

static void
test_turns_any_and_all(void **state)
{
    rig_t *r = *state;
    use(r, "[{any: [{type: contains, value: cat}, {type: contains, value: dog, label: d}], label: pet}, "
           "{all: [{type: length, min: 2}, {type: not-contains, value: bird}]}]");
    assert_true(mst_str_eq_c(r->cfg.scorers[0].label, "pet") && mst_str_eq_c(r->cfg.scorers[1].label, "all"));
    assert_true(ask(r, "a dog", NULL));
    assert_true(near(r->scores[0].value, 1.0) && near(r->scores[1].value, 1.0));
    assert_true(mst_str_eq_c(r->scores[0].breakdown,
                             "{\"members\":[{\"scorer\":\"contains\",\"state\":\"ok\",\"score\":0.0,\"passed\":false,"
                             "\"reason\":\"\\\"cat\\\" is not in \\\"a dog\\\"\"},{\"scorer\":\"d\",\"state\":\"ok\","
                             "\"score\":1.0,\"passed\":true,\"reason\":\"found in the answer\"}]}"));
    assert_true(mst_str_eq_c(r->scores[0].reason, "1 of 2 passed; d: found in the answer"));
    assert_false(ask(r, "a bird", NULL));
    assert_true(!r->scores[0].passed && !r->scores[1].passed && near(r->scores[1].value, 0.0));
    // by the members' verdicts, or by a threshold over the largest or smallest score
    use(r, "[{any: [{type: edit_distance, threshold: 0.9}, {type: exact_match}]}, "
           "{any: [{type: edit_distance, threshold: 0.9}, {type: exact_match}], threshold: 0.5}, "
           "{any: [{type: edit_distance, threshold: 0.5}], negate: true}]");
    assert_false(ask(r, "abcd", "abcx"));
    assert_true(!r->scores[0].passed && near(r->scores[0].value, 0.75));
    assert_true(r->scores[1].passed && near(r->scores[1].value, 0.75));
    assert_true(!r->scores[2].passed && near(r->scores[2].value, 0.25));
}

static void
test_turns_sets_and_what_is_missing(void **state)
{
    rig_t *r = *state;
    use(r, "[{any: [{type: ttft}, {type: contains, value: a}]}, {any: [{type: ttft}]}, "
           "{all: [{type: ttft, on_missing: fail}, {type: contains, value: b}]}, "
           "{any: [{type: ttft, on_missing: skip}]}, {any: [{type: exact_match}, {type: contains, value: b}]}]");
    assert_false(ask(r, "b", NULL));
    // passed for want of a measurement proves nothing
    assert_true(r->scores[0].state == MST_SCORE_OK && !r->scores[0].passed);
    assert_true(r->scores[1].state == MST_SCORE_NOT_MEASURED && r->scores[1].passed);
    assert_true(r->scores[2].state == MST_SCORE_OK && !r->scores[2].passed && near(r->scores[2].value, 0.0));
    assert_int_equal(r->scores[3].state, MST_SCORE_SKIPPED);
    assert_int_equal(r->scores[4].state, MST_SCORE_ERROR);
    assert_int_equal(r->failed, 4);
    assert_non_null(strstr(r->err.message, "scorer \"any#4\": scorer \"exact_match\": "));
}

static void
test_turns_refused(void **state)
{
    rig_t *r = *state;
    refused(r, "[{any: []}]", "\"any\" must be a list of at least one scorer, not an empty list");
    refused(r, "[{any: 3}]", "\"any\" must be a list");
    refused(r, "[{any: [{type: length}], all: [{type: length}]}]", "\"any\" and \"all\" in one entry");
    refused(r, "[{any: [{all: [{type: length}]}]}]", "sets have one level");
    refused(r, "[{all: [{type: length, weight: 2}]}]", "a scorer of a set has no \"weight\"");
    refused(r, "[{all: [{type: length}], on_missing: skip}]", "unknown key \"on_missing\" in a set of scorers");
    refused(r, "[{any: [{type: latency_p99, max_p99_ms: 5}]}]", "judges the whole run and cannot be part of a set");
    refused(r, "[{type: not-length, negate: true}]", "say the same; give one of them");
    refused(r, "[{type: not-nothing}]", "c.yaml:3:18: unknown scorer \"not-nothing\"");
    refused(r, "[{type: rouge-n, value: x}]", "scorer \"rouge-n\" is not taken over from promptfoo: it is a recall");
    refused(r, "[{type: not-javascript, value: x}]", "type: exec");
    refused(r, "[{type: contains-any, value: 'a, b'}]", "\"value\" of \"contains-any\" must be a list of texts");
    refused(r, "[{type: icontains, value: a, valeu: b}]", "did you mean \"value\"?");
    refused(r, "[{type: levenshtein, threshold: -1}]", "\"max_distance\"");
}

static void
test_turns_names_of_promptfoo(void **state)
{
    rig_t *r = *state;
    use(r, "[{type: equals, value: 'Yes '}, {type: icontains, value: YES}, {type: contains-any, value: [no, es]}, "
           "{type: contains-all, value: [Y, s]}, {type: icontains-any, value: [N, ES]}, "
           "{type: not-icontains-all, value: [N, ES]}, {type: regex, value: '^Y'}, "
           "{type: levenshtein, value: Yeah, metric: close}]");
    assert_false(ask(r, "Yes", NULL));
    assert_false(r->scores[0].passed); // no white space is forgiven
    for (int i = 1; i < 8; i++)
        assert_true(r->scores[i].passed);
    assert_true(mst_str_eq_c(r->cfg.scorers[7].label, "close"));
    assert_true(ask(r, "Yes ", NULL));
    use(r, "[{type: levenshtein, value: abcdef, threshold: 2}, {type: levenshtein, value: abcdef}]");
    assert_false(ask(r, "abcxyz", NULL));
    assert_true(!r->scores[0].passed && r->scores[1].passed);
    use(r, "[{type: is-json}, {type: is-json, value: {type: array}}, {type: contains-json, value: {type: object}}]");
    assert_true(!ask(r, "{\"a\":1}", NULL) && r->scores[0].passed && !r->scores[1].passed && r->scores[2].passed);
    assert_true(!ask(r, "see {\"a\":1}", NULL) && !r->scores[0].passed && r->scores[2].passed);
}

static void
test_turns_every_name_is_read(void **state)
{
    rig_t *r = *state;
    for (const mst_scorer_alias_t *a = mst_scorers_aliases(); a->name != NULL; a++) {
        char text[256];
        assert_true((a->scorer == NULL) == (a->why != NULL));
        assert_null(mst_scorer_find(mst_str_c(a->name)));
        snprintf(text, sizeof text, "[{type: %s%s}]", a->name, a->list ? ", value: [x]" : "");
        mst_rc rc = load(r, text);
        if (rc != (a->scorer != NULL ? MST_OK : MST_UNSUPPORTED))
            fail_msg("%s: %s", a->name, r->err.message);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_turns_negate, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_turns_weight_zero_decides_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_turns_any_and_all, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_turns_sets_and_what_is_missing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_turns_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_turns_names_of_promptfoo, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_turns_every_name_is_read, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("scorer_turns", tests, NULL, NULL);
}
