// What one score costs: each rule scorer on an answer of 300 bytes, passing and failing, and a set of four as a run
// would use them, with the scores' own times taken.
#include "common/base/clock.h"
#include "common/config/yaml.h"
#include "scorers/scorer.h"

#include <stdio.h>
#include <stdlib.h>

#define ROUNDS 1000000

typedef struct {
    const char *name, *yaml; // flow style, one line
    bool in_set;
} row_t;

static const row_t rows[] = {
    {"contains", "{value: harbour}", false},
    {"contains", "{value: nowhere}", false},
    {"exact_match", "{}", true},
    {"exact_match", "{ignore_case: true, ignore_punctuation: true}", false},
    {"keyword", "{expected_keywords: [harbour, Lighthouse, answer], forbidden_keywords: [cannot]}", true},
    {"keyword", "{expected_keywords: [harbour, zzz], case_sensitive: true}", false},
    {"length", "{min_length: 10, max_length: 1000}", true},
    {"length", "{max_length: 10}", false},
    {"numeric", "{}", false},
    {"regex", "{pattern: 'answer is\\s+\\d+'}", true},
    {"regex", "{pattern: '\\bnowhere\\b'}", false},
};

static const char answer[] =
    "The lighthouse stands at the mouth of the harbour. Its lamp turns once in 10 seconds, and 6 flashes make a "
    "minute. "
    "In one hour there are 60 minutes, so the keeper counts 6 times 60 flashes. He writes the number in his book every "
    "evening, and he has never been wrong in all these years. The answer is 360.";

static mst_scorer_cfg_t
configure(const row_t *row, mst_arena_t *arena)
{
    mst_err_t err;
    const mst_ynode_t *root = NULL;
    const mst_scorer_t *s = mst_scorer_find(mst_str_c(row->name));
    mst_scorer_cfg_t cfg = {.kind = &s->kind, .label = mst_str_c(row->name), .threshold = s->kind.threshold};
    if (mst_yaml_parse(mst_str_c(row->yaml), "bench", arena, &root, &err) != MST_OK ||
        mst_params_parse(s->kind.params, root, "bench", NULL, arena, &cfg.params, &err) != MST_OK) {
        fprintf(stderr, "%s: %s\n", row->name, err.message);
        exit(1);
    }
    return cfg;
}

static void
measure(const mst_run_cfg_t *run, const char *label, const char *what)
{
    mst_err_t err;
    mst_scorer_set_t *set = NULL;
    mst_arena_t *arena = mst_arena_new(1 << 20);
    mst_score_t scores[8];
    mst_case_t c = {.has_expected = true, .expected = MST_STR("360"), .actual = mst_str_c(answer)};
    mst_completion_t done = {.text = c.actual};
    mst_score_in_t in = {.c = &c, .done = &done, .output = done.text, .arena = arena};
    bool passed = false;
    int failed = -1;
    if (mst_scorer_set_new(run, &set, &err) != MST_OK) {
        fprintf(stderr, "%s\n", err.message);
        exit(1);
    }
    int64_t start = mst_cpu_ns();
    for (int i = 0; i < ROUNDS; i++) {
        mst_arena_reset(arena);
        mst_scorer_set_score(set, &in, mst_mono_ns, scores, &passed, &failed, &err);
    }
    double ns = (double)(mst_cpu_ns() - start) / ROUNDS;
    printf("%-12s %-6s %7.0f ns  %s\n", label, passed ? "passes" : "fails", ns, what);
    mst_scorer_set_free(&set);
    mst_arena_free(&arena);
}

int
main(void)
{
    enum { COUNT = sizeof rows / sizeof rows[0] };

    mst_arena_t *arena = mst_arena_new(1 << 20);
    mst_scorer_cfg_t all[COUNT], four[COUNT];
    size_t n = 0;
    printf("an answer of %zu bytes, %d rounds\n", sizeof answer - 1, ROUNDS);
    for (size_t i = 0; i < COUNT; i++) {
        all[i] = configure(&rows[i], arena);
        mst_run_cfg_t run = {.scorers = &all[i], .scorer_count = 1};
        measure(&run, rows[i].name, rows[i].yaml);
        if (rows[i].in_set)
            four[n++] = all[i];
    }
    mst_run_cfg_t run = {.scorers = four, .scorer_count = n};
    measure(&run, "four", "exact_match, keyword, length, regex");
    mst_arena_free(&arena);
    return 0;
}
