// What the tests of scorers share: rows of a JSONL file, a parameter table filled from a JSON object, and one call that
// takes a case through the same set of scorers as a run does.
#ifndef MST_TESTS_SCORING_H
#define MST_TESTS_SCORING_H

#include "common/base/clock.h"
#include "common/base/utf8.h"
#include "common/json/json.h"
#include "scorers/recorded.h"
#include "scorers/scorer.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct {
    mst_json_parser_t *parser;
    mst_arena_t *rows; // one row at a time
    char *text;        // the whole file
    size_t n, at, line;
} tst_file_t;

// A file of the shared data, or NULL with the reason printed.
static inline tst_file_t *
tst_open(const char *folder, const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "rb");
    if (f == NULL) {
        printf("skipped: no file %s (set MUSTER_TEST_DATA to the folder of test data)\n", path);
        return NULL;
    }
    tst_file_t *t = MST_NEW(tst_file_t);
    t->parser = mst_json_parser_new();
    t->rows = mst_arena_new(256u << 20);
    fseek(f, 0, SEEK_END);
    long size = ftell(f);
    rewind(f);
    t->text = mst_xalloc((size_t)size + 1);
    t->n = fread(t->text, 1, (size_t)size, f);
    fclose(f);
    return t;
}

static inline tst_file_t *
tst_open_data(const char *name)
{
    const char *folder = getenv("MUSTER_TEST_DATA");
    return tst_open(folder != NULL ? folder : MST_SOURCE_DIR "/../shared/data", name);
}

static inline void
tst_close(tst_file_t *t)
{
    mst_json_parser_free(&t->parser);
    mst_arena_free(&t->rows);
    free(t->text);
    free(t);
}

// The next row, or NULL at the end. The row before is gone.
static inline const mst_json_t *
tst_row(tst_file_t *t)
{
    mst_err_t err;
    const mst_json_t *row = NULL;
    while (t->at < t->n) {
        const char *start = t->text + t->at, *end = memchr(start, '\n', t->n - t->at);
        size_t n = end != NULL ? (size_t)(end - start) : t->n - t->at;
        t->at += n + 1;
        t->line++;
        if (mst_str_trim(mst_str(start, n)).n == 0)
            continue;
        mst_arena_reset(t->rows);
        if (mst_json_parse(t->parser, mst_str(start, n), t->rows, &row, NULL, &err) != MST_OK) {
            fprintf(stderr, "line %zu: %s\n", t->line, err.message);
            abort();
        }
        return row;
    }
    return NULL;
}

static inline mst_str_t
tst_str(const mst_json_t *obj, const char *key)
{
    mst_str_t s = MST_STR_NULL;
    (void)mst_json_str(mst_json_get(obj, key), &s);
    return s;
}

static inline double
tst_num(const mst_json_t *obj, const char *key)
{
    double d = 0.0 / 0.0;
    (void)mst_json_f64(mst_json_get(obj, key), &d);
    return d;
}

static inline bool
tst_bool(const mst_json_t *obj, const char *key)
{
    bool b = false;
    (void)mst_json_bool(mst_json_get(obj, key), &b);
    return b;
}

// The member for one parameter, under its name or an alias.
static inline const mst_json_t *
tst_member(const mst_param_t *p, const mst_json_t *obj)
{
    const mst_json_t *v = mst_json_get(obj, p->name);
    mst_str_t rest = mst_str_c(p->alias);
    while (v == NULL && rest.n > 0) {
        const char *bar = memchr(rest.p, '|', rest.n);
        size_t n = bar != NULL ? (size_t)(bar - rest.p) : rest.n;
        v = mst_json_get_str(obj, mst_str(rest.p, n));
        n += bar != NULL ? 1 : 0;
        rest = mst_str(rest.p + n, rest.n - n);
    }
    return v;
}

static inline void
tst_list(const mst_json_t *v, mst_arena_t *arena, mst_param_value_t *out)
{
    size_t count = v->type == MST_JSON_ARR ? v->count : 1;
    mst_str_t *items = MST_ARENA_ARRAY(arena, mst_str_t, count + 1);
    for (size_t i = 0; i < count; i++)
        (void)mst_json_str(v->type == MST_JSON_ARR ? mst_json_at(v, i) : v, &items[i]);
    out->u.list.items = items;
    out->u.list.count = count;
}

static inline void
tst_value(const mst_param_t *p, const mst_json_t *v, mst_arena_t *arena, mst_param_value_t *out)
{
    bool given = v != NULL && v->type != MST_JSON_NULL;
    mst_str_t dflt = mst_str_c(p->dflt);
    *out = (mst_param_value_t){.set = given || p->dflt != NULL, .given = given};
    if (!out->set)
        return;
    switch (p->type) {
    case MST_P_STR:
    case MST_P_URL:
    case MST_P_ENUM:
    case MST_P_SECRET:
        out->u.s = dflt;
        (void)mst_json_str(v, &out->u.s);
        break;
    case MST_P_BOOL:
        out->u.b = mst_str_eq(dflt, MST_STR("true"));
        (void)mst_json_bool(v, &out->u.b);
        break;
    case MST_P_INT:
        (void)mst_str_to_i64(dflt, &out->u.i);
        (void)mst_json_i64(v, &out->u.i);
        break;
    case MST_P_NUM:
        (void)mst_str_to_f64(dflt, false, &out->u.d);
        (void)mst_json_f64(v, &out->u.d);
        break;
    case MST_P_STRLIST:
        if (given)
            tst_list(v, arena, out);
        break;
    case MST_P_JSON:
        out->u.json = v;
        break;
    }
}

static inline mst_params_t
tst_params(const mst_param_t *table, const mst_json_t *obj, mst_arena_t *arena)
{
    size_t count = 0;
    while (table[count].name != NULL)
        count++;
    mst_param_value_t *values = MST_ARENA_ARRAY(arena, mst_param_value_t, count + 1);
    for (size_t i = 0; i < count; i++)
        tst_value(&table[i], tst_member(&table[i], obj), arena, &values[i]);
    return (mst_params_t){.table = table, .values = values};
}

typedef struct {
    const char *scorer;
    const mst_json_t *params; // object; NULL = defaults
    double threshold;         // < 0: the scorer's default
    mst_on_missing_t on_missing;
    mst_case_t c;
    bool raw; // give the answer as it is, not repaired
    const struct mst_models *models; // for scorers that need one
} tst_ask_t;

typedef struct {
    mst_rc rc;  // of compiling the set
    int failed; // as mst_scorer_set_score
    bool passed;
    mst_score_t score;
    mst_err_t err;
} tst_got_t;

// Scores one case with one scorer of scope case, in a set of its own. Slices of the result live in arena.
static inline tst_got_t
tst_score(const tst_ask_t *ask, mst_json_parser_t *parser, mst_arena_t *arena)
{
    tst_got_t got = {.failed = -1};
    const mst_scorer_t *scorer = mst_scorer_find(mst_str_c(ask->scorer));
    MST_ASSERT(scorer != NULL);
    mst_scorer_cfg_t cfg = {.kind = &scorer->kind,
                            .label = mst_str_c(ask->scorer),
                            .threshold = ask->threshold < 0.0 ? scorer->kind.threshold : ask->threshold,
                            .on_missing = ask->on_missing,
                            .params = tst_params(scorer->kind.params, ask->params, arena)};
    mst_run_cfg_t run = {.scorers = &cfg, .scorer_count = 1};
    mst_scorer_set_t *set = NULL;
    got.rc = mst_scorer_set_new(&run, &set, &got.err);
    if (got.rc != MST_OK)
        return got;
    mst_completion_t done;
    got.rc = mst_completion_from_metadata(&ask->c, parser, arena, &done, &got.err);
    mst_score_in_t in = {
        .c = &ask->c, .done = &done, .output = done.text, .arena = arena, .models = ask->models};
    mst_buf_t fixed;
    mst_buf_init(&fixed, 256u << 20);
    if (!ask->raw && !mst_utf8_valid(done.text) && mst_utf8_repair(done.text, &fixed) == MST_OK)
        in.output = mst_buf_view(&fixed);
    mst_scorer_set_score(set, &in, mst_mono_ns, &got.score, &got.passed, &got.failed, &got.err);
    mst_buf_deinit(&fixed);
    mst_scorer_set_free(&set);
    return got;
}

// Ends a conformance test: the line to look for, and the exit code.
static inline int
tst_agreed(const char *what, size_t agreed, size_t rows)
{
    printf("%s: agreed %zu of %zu\n", what, agreed, rows);
    return rows > 0 && agreed == rows ? 0 : 1;
}

#endif
