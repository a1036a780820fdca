// BERT's tokenizer over bert-base-uncased's vocabulary: recorded tokens of 7,047 questions, 1,105 texts from every
// corner of Unicode, and the texts in which the fast and the slow rules differ.
#include "conformance/scoring.h"

#include "common/nn/tokenizer.h"
#include "common/nn/wordpiece.h"

typedef struct {
    mst_str_t vocab;
    mst_tokenizer_t *tokenizer;
    mst_json_parser_t *parser;
    mst_arena_t *model, *scratch;
} rig_t;

static mst_rc
read_vocab(void *ud, const char *name, mst_str_t *out, mst_err_t *err)
{
    const rig_t *r = ud;
    *out = r->vocab;
    return strcmp(name, "vocab.txt") == 0 ? MST_OK : MST_ERR(err, MST_NOTFOUND, "there is no \"%s\"", name);
}

static bool
same_ids(const mst_json_t *want, const mst_nn_ids_t *got, size_t from, size_t to)
{
    if (want == NULL || want->count != to - from)
        return false;
    for (uint32_t i = 0; i < want->count; i++) {
        int64_t id = -1;
        if (!mst_json_i64(mst_json_at(want, i), &id) || id != (int64_t)got->ids[from + i])
            return false;
    }
    return true;
}

typedef struct {
    const mst_json_t *want;
    uint32_t at;
    bool same;
} words_t;

static bool
on_word(void *ud, mst_str_t word)
{
    words_t *w = ud;
    mst_str_t want = MST_STR_NULL;
    w->same = w->same && mst_json_str(mst_json_at(w->want, w->at++), &want) && mst_str_eq(want, word);
    return true;
}

static bool
same_basic(const mst_json_t *want, mst_str_t text, bool slow, mst_arena_t *arena)
{
    const mst_bert_text_t rules = {
        .lower = true, .strip_accents = true, .split_cjk = true, .clean = true, .slow = slow};
    words_t w = {.want = want, .same = true};
    mst_err_t err;
    return mst_bert_words(&rules, text, arena, on_word, &w, &err) == MST_OK && w.same && w.at == want->count;
}

static mst_nn_ids_t
encode(const rig_t *r, mst_str_t text, size_t max, bool slow)
{
    const mst_tokenizer_how_t how = {.len_max = max, .slow = slow};
    mst_nn_ids_t ids = {0};
    mst_err_t err;
    if (mst_tokenizer_encode(r->tokenizer, text, &how, r->scratch, &ids, &err) != MST_OK)
        printf("%s\n", err.message);
    return ids;
}

static bool
row_agrees(const rig_t *r, const mst_json_t *row, bool slow)
{
    mst_str_t text = tst_str(row, "text");
    const mst_json_t *basic = mst_json_get(row, "basic"), *cut = mst_json_get(row, "ids_max256");
    mst_arena_reset(r->scratch);
    mst_nn_ids_t ids = encode(r, text, 1u << 20, slow);
    if (ids.count < 2 || !same_ids(mst_json_get(row, "ids"), &ids, 1, ids.count - 1))
        return false;
    if (cut != NULL) {
        mst_nn_ids_t short_ids = encode(r, text, 256, slow);
        if (!same_ids(cut, &short_ids, 0, short_ids.count))
            return false;
    }
    return basic == NULL || same_basic(basic, text, slow, r->scratch);
}

static int
run_table(const rig_t *r, const char *name)
{
    tst_file_t *f = tst_open_data(name);
    size_t rows = 0, agreed = 0;
    if (f == NULL)
        return 77;
    for (const mst_json_t *row; (row = tst_row(f)) != NULL; rows++) {
        bool same = row_agrees(r, row, false) && row_agrees(r, row, true);
        agreed += same;
        if (!same)
            printf("%s:%zu: \"%.*s\"\n", name, f->line, MST_FMT(mst_str_cut(tst_str(row, "text"), 100)));
    }
    tst_close(f);
    return tst_agreed(name, agreed, rows);
}

// The pieces of a list of texts as ids: looked up, inner ones with their prefix, in the vocabulary itself.
static bool
same_pieces(const rig_t *r, const mst_json_t *pieces, const mst_nn_ids_t *ids)
{
    if (ids->count != (size_t)pieces->count + 2)
        return false;
    for (uint32_t i = 0; i < pieces->count; i++) {
        mst_str_t want = MST_STR_NULL, rest = r->vocab;
        (void)mst_json_str(mst_json_at(pieces, i), &want);
        for (uint32_t line = 0; line < ids->ids[i + 1]; line++) {
            const char *lf = memchr(rest.p, '\n', rest.n);
            rest = mst_str(lf + 1, rest.n - (size_t)(lf + 1 - rest.p));
        }
        if (!mst_str_starts(rest, want) || rest.p[want.n] != '\n')
            return false;
    }
    return true;
}

static int
run_divergences(const rig_t *r)
{
    static const char name[] = "fixtures/wordpiece_slow_fast_divergences.jsonl";
    tst_file_t *f = tst_open_data(name);
    size_t rows = 0, agreed = 0;
    if (f == NULL)
        return 77;
    for (const mst_json_t *row; (row = tst_row(f)) != NULL; rows++) {
        mst_str_t text = tst_str(row, "text");
        mst_arena_reset(r->scratch);
        mst_nn_ids_t fast = encode(r, text, 1u << 20, false), slow = encode(r, text, 1u << 20, true);
        bool same = same_basic(mst_json_get(row, "fast_rules_basic"), text, false, r->scratch) &&
                    same_basic(mst_json_get(row, "slow_basic"), text, true, r->scratch) &&
                    same_pieces(r, mst_json_get(row, "fast_rules_wordpiece"), &fast) &&
                    same_pieces(r, mst_json_get(row, "slow_wordpiece"), &slow);
        agreed += same;
        if (!same)
            printf("%s:%zu: \"%.*s\"\n", name, f->line, MST_FMT(text));
    }
    tst_close(f);
    return tst_agreed(name, agreed, rows);
}

int
main(void)
{
    tst_file_t *vocab = tst_open_data("wordpiece/vocab.txt");
    mst_err_t err;
    if (vocab == NULL)
        return 77;
    rig_t r = {.vocab = mst_str(vocab->text, vocab->n), .parser = mst_json_parser_new()};
    r.model = mst_arena_new(64u << 20);
    r.scratch = mst_arena_new(64u << 20);
    const mst_nn_files_t files = {.read = read_vocab, .ud = &r};
    int code = 1;
    if (mst_tokenizer_new(&files, r.parser, r.model, &r.tokenizer, &err) != MST_OK) {
        printf("%s\n", err.message);
    } else {
        int unicode = run_table(&r, "fixtures/wordpiece_unicode.jsonl"), differ = run_divergences(&r);
        int questions = run_table(&r, "wordpiece/squad_dev_questions_tokens.jsonl");
        code = unicode == 77 || questions == 77 || differ == 77 ? 77 : unicode | questions | differ;
    }
    mst_arena_free(&r.model);
    mst_arena_free(&r.scratch);
    mst_json_parser_free(&r.parser);
    tst_close(vocab);
    return code;
}
