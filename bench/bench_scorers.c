// What one score costs: scorings a second on one core, scorer by scorer, through the same set of scorers as a run has,
// reasons, breakdowns and the scores' own times included. The answers are 2000 pairs of an expected text and an
// answer of about 300 bytes (a third of the words changed, one place moved), made from a fixed seed, each with a small
// JSON object; peers.py measures the Python references on the same pairs.
//
//   bench_scorers [ROUNDS [NAME]]  rounds over all pairs, a multiple of 5, default 100; one scorer alone
//   bench_scorers --pairs FILE     writes the pairs as JSONL
#include "common/base/clock.h"
#include "common/base/prng.h"
#include "common/config/yaml.h"
#include "common/json/json.h"
#include "scorers/scorer.h"

#include <stdio.h>
#include <stdlib.h>

#define PAIRS 2000
#define WORDS 52
#define PARTS 5

typedef struct {
    mst_str_t expected, actual, object;
} pair_t;

// Of which text the answer is made.
typedef enum { TEXT, OBJECT } input_t;

typedef struct {
    const char *name, *yaml; // flow style, one line
    input_t input;
    bool in_set;
} row_t;

#define SCHEMA                                                                                                         \
    "{schema: {type: object, required: [name, age, tags], properties: {name: {type: string, minLength: 1}, age: "      \
    "{type: integer, minimum: 0, maximum: 150}, tags: {type: array, items: {enum: [red, green, blue]}, "               \
    "uniqueItems: true}}, additionalProperties: false}}"

static const row_t rows[] = {
    {"bleu", "{}", TEXT, false},
    {"bleu", "{tokenize: intl, lowercase: true}", TEXT, false},
    {"chrf", "{}", TEXT, false},
    {"chrf", "{word_order: 2}", TEXT, false},
    {"contains", "{value: harbour}", TEXT, false},
    {"edit_distance", "{}", TEXT, false},
    {"edit_distance", "{unit: words}", TEXT, false},
    {"exact_match", "{}", TEXT, true},
    {"exact_match", "{ignore_case: true, ignore_punctuation: true}", TEXT, false},
    {"json_schema", SCHEMA, OBJECT, false},
    {"json_valid", "{}", OBJECT, false},
    {"keyword", "{expected_keywords: [harbour, Lighthouse, answer], forbidden_keywords: [cannot]}", TEXT, true},
    {"length", "{min_length: 10, max_length: 1000}", TEXT, true},
    {"not_contains", "{value: nowhere}", TEXT, false},
    {"numeric", "{}", TEXT, false},
    {"qa_f1", "{}", TEXT, false},
    {"regex", "{pattern: 'answer is\\s+\\d+'}", TEXT, true},
    {"rouge", "{}", TEXT, false},
    {"rouge", "{use_stemmer: false}", TEXT, false},
    {"rouge", "{rouge_types: [rouge1, rouge2, rougeL, rougeLsum]}", TEXT, false},
};

static const char *const words[] = {
    "the",      "a",         "of",       "and",     "to",         "in",       "lighthouse", "keeper",  "harbour",
    "lamp",     "turns",     "once",     "every",   "evening",    "seconds",  "flashes",    "counts",  "writes",
    "number",   "book",      "never",    "wrong",   "years",      "ships",    "storm",      "night",   "coast",
    "sailors",  "distance",  "miles",    "visible", "brightest",  "northern", "traveller",  "hours",   "generally",
    "relation", "carefully", "observed", "don't",   "well-known", "12",       "3.5",        "minutes",
};

// Common words more often than rare ones.
static const char *
some_word(mst_prng_t *r)
{
    enum { COUNT = sizeof words / sizeof words[0] };

    double x = mst_prng_unit(r);
    return words[(size_t)(x * x * COUNT)];
}

static mst_str_t
sentence(const char *const *list, int count, mst_arena_t *arena)
{
    char text[4096];
    size_t n = 0;
    for (int i = 0; i < count; i++) {
        bool first = i % 13 == 0, last = i % 13 == 12 || i + 1 == count;
        int took = snprintf(text + n, sizeof text - n, "%s%s%s", list[i],
                            last         ? "."
                            : i % 7 == 3 ? ","
                                         : "",
                            i + 1 == count       ? " The answer is 360."
                            : last && i % 2 == 0 ? "\n"
                                                 : " ");
        if (first && text[n] >= 'a' && text[n] <= 'z')
            text[n] = (char)(text[n] - 32);
        n += (size_t)took;
    }
    return mst_arena_dup(arena, mst_str(text, n), NULL);
}

static void
make(pair_t *p, mst_prng_t *r, mst_arena_t *arena)
{
    const char *list[WORDS], *other[WORDS];
    for (int i = 0; i < WORDS; i++)
        list[i] = some_word(r);
    p->expected = sentence(list, WORDS, arena);
    size_t from = (size_t)mst_prng_below(r, WORDS);
    for (size_t i = 0; i < WORDS; i++)
        other[i] = mst_prng_below(r, 3) == 0 ? some_word(r) : list[(i + (i > from ? 3 : 0)) % WORDS];
    p->actual = sentence(other, WORDS, arena);
    char object[256];
    int n = snprintf(object, sizeof object, "{\"name\": \"%s %s\", \"age\": %d, \"tags\": [\"red\"%s]}", list[0],
                     list[1], (int)mst_prng_below(r, 160), mst_prng_below(r, 2) == 0 ? ", \"blue\"" : "");
    p->object = mst_arena_dup(arena, mst_str(object, (size_t)n), NULL);
}

static mst_scorer_cfg_t
configure(const mst_scorer_t *s, const row_t *row, mst_arena_t *arena)
{
    mst_err_t err;
    const mst_ynode_t *root = NULL;
    mst_scorer_cfg_t cfg = {.kind = &s->kind, .label = mst_str_c(row->name), .threshold = s->kind.threshold};
    if (mst_yaml_parse(mst_str_c(row->yaml), "bench", arena, &root, &err) != MST_OK ||
        mst_params_parse(s->kind.params, root, "bench", NULL, arena, &cfg.params, &err) != MST_OK) {
        fprintf(stderr, "%s: %s\n", row->name, err.message);
        exit(1);
    }
    return cfg;
}

static void
measure(const mst_run_cfg_t *run, const pair_t *pairs, int rounds, const row_t *row)
{
    mst_err_t err;
    mst_scorer_set_t *set = NULL;
    mst_arena_t *arena = mst_arena_new(4 << 20);
    mst_score_t scores[8];
    bool passed = false;
    int failed = -1, bad = 0;
    if (mst_scorer_set_new(run, &set, &err) != MST_OK) {
        fprintf(stderr, "%s\n", err.message);
        exit(1);
    }
    double sum = 0.0;
    int64_t best = INT64_MAX; // of PARTS parts: other processes on the machine only ever make it slower
    for (int part = 0; part < PARTS; part++) {
        int64_t start = mst_cpu_ns();
        for (int k = 0; k < rounds * PAIRS / PARTS; k++) {
            const pair_t *p = &pairs[k % PAIRS];
            mst_case_t c = {.has_expected = true, .expected = p->expected};
            mst_completion_t done = {.text = row->input == OBJECT ? p->object : p->actual};
            mst_score_in_t in = {.c = &c, .done = &done, .output = done.text, .arena = arena};
            mst_arena_reset(arena);
            mst_scorer_set_score(set, &in, mst_mono_ns, scores, &passed, &failed, &err);
            bad += failed >= 0;
            sum += scores[0].value;
        }
        int64_t ns = mst_cpu_ns() - start;
        best = ns < best ? ns : best;
    }
    size_t n = run->scorer_count;
    double each = (double)best * PARTS / rounds / PAIRS / (double)n;
    printf("%-14s %9.0f scorings/s %8.0f ns  mean %.4f  %s\n", row->name, 1e9 / each, each, sum / rounds / PAIRS,
           row->yaml);
    if (bad > 0) {
        fprintf(stderr, "%s: %d scorings failed: %s\n", row->name, bad, err.message);
        exit(1);
    }
    mst_scorer_set_free(&set);
    mst_arena_free(&arena);
}

static int
write_pairs(const pair_t *pairs, const char *path)
{
    FILE *f = fopen(path, "wb");
    mst_buf_t line;
    mst_buf_init(&line, 1 << 20);
    for (size_t i = 0; i < PAIRS && f != NULL; i++) {
        mst_jw_t w;
        mst_buf_reset(&line);
        mst_jw_init(&w, &line);
        mst_jw_obj(&w);
        mst_jw_key(&w, "expected");
        mst_jw_str(&w, pairs[i].expected);
        mst_jw_key(&w, "actual");
        mst_jw_str(&w, pairs[i].actual);
        mst_jw_key(&w, "object");
        mst_jw_str(&w, pairs[i].object);
        mst_jw_obj_end(&w);
        fprintf(f, "%.*s\n", (int)line.n, line.p);
    }
    mst_buf_deinit(&line);
    if (f == NULL || fclose(f) != 0) {
        fprintf(stderr, "could not write \"%s\"\n", path);
        return 1;
    }
    return 0;
}

static void
measure_all(const pair_t *pairs, int rounds, const char *only, mst_arena_t *arena)
{
    enum { COUNT = sizeof rows / sizeof rows[0] };

    mst_scorer_cfg_t all[COUNT], four[COUNT];
    size_t n = 0;
    printf("%d pairs, an answer of %zu bytes, one core\n", PAIRS, pairs[0].actual.n);
    for (size_t i = 0; i < COUNT; i++) {
        const mst_scorer_t *s = mst_scorer_find(mst_str_c(rows[i].name));
        if (s == NULL || (only != NULL && strcmp(only, rows[i].name) != 0))
            continue;
        all[i] = configure(s, &rows[i], arena);
        mst_run_cfg_t run = {.scorers = &all[i], .scorer_count = 1};
        measure(&run, pairs, rounds, &rows[i]);
        if (rows[i].in_set)
            four[n++] = all[i];
    }
    if (only != NULL)
        return;
    mst_run_cfg_t run = {.scorers = four, .scorer_count = n};
    measure(&run, pairs, rounds, &(row_t){"four", "(exact_match, keyword, length, regex; each)", TEXT, false});
}

int
main(int argc, char **argv)
{
    mst_prng_t r;
    int64_t rounds = 100;
    mst_arena_t *arena = mst_arena_new(64 << 20);
    pair_t *pairs = MST_NEW_ARRAY(pair_t, PAIRS);
    mst_prng_seed(&r, 2024);
    for (size_t i = 0; i < PAIRS; i++)
        make(&pairs[i], &r, arena);
    int rc = 0;
    if (argc == 3 && strcmp(argv[1], "--pairs") == 0)
        rc = write_pairs(pairs, argv[2]);
    else if (argc > 3 || (argc >= 2 && (!mst_str_to_i64(mst_str_c(argv[1]), &rounds) || rounds < 1 ||
                                        rounds % PARTS != 0 || rounds > 100000)))
        rc = 2;
    else
        measure_all(pairs, (int)rounds, argc == 3 ? argv[2] : NULL, arena);
    if (rc == 2)
        fprintf(stderr, "usage: bench_scorers [ROUNDS [NAME] | --pairs FILE]\n");
    free(pairs);
    mst_arena_free(&arena);
    return rc;
}
