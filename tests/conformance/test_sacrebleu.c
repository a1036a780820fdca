// BLEU and chrF against tables made by sacreBLEU: tokens, counts, lengths, penalties and scores of sentences, scores of
// corpora, and the scorers over the sentences.
#include "conformance/scoring.h"

#include "common/text/bleu.h"
#include "common/text/chrf.h"

#include <math.h>

#define REFERENCES_MAX 64

typedef struct {
    mst_json_parser_t *parser;
    mst_arena_t *arena;
} run_t;

static bool
close_to(double got, double want)
{
    return fabs(got - want) <= 1e-9;
}

static double
num_or(const mst_json_t *obj, const char *key, double dflt)
{
    double d = tst_num(obj, key);
    return isnan(d) ? dflt : d;
}

static mst_bleu_how_t
bleu_how(const mst_json_t *p, bool effective_order)
{
    mst_bleu_how_t how = {.order = (unsigned)num_or(p, "max_ngram_order", 4), .effective_order = effective_order};
    mst_str_t tok = tst_str(p, "tokenize"), smooth = tst_str(p, "smooth_method");
    if ((tok.n > 0 && !mst_bleu_tok_parse(tok, &how.tok)) ||
        (smooth.n > 0 && !mst_bleu_smooth_parse(smooth, &how.smooth)))
        abort();
    how.lower = tst_bool(p, "lowercase");
    (void)mst_json_bool(mst_json_get(p, "effective_order"), &how.effective_order);
    how.smooth_value = num_or(p, "smooth_value", mst_bleu_smooth_default(how.smooth));
    return how;
}

static mst_chrf_how_t
chrf_how(const mst_json_t *p)
{
    return (mst_chrf_how_t){.char_order = (unsigned)num_or(p, "char_order", 6),
                            .word_order = (unsigned)num_or(p, "word_order", 0),
                            .beta = num_or(p, "beta", 2),
                            .lower = tst_bool(p, "lowercase"),
                            .whitespace = tst_bool(p, "whitespace"),
                            .eps_smoothing = tst_bool(p, "eps_smoothing")};
}

static size_t
references_of(const mst_json_t *row, mst_str_t *out)
{
    const mst_json_t *list = mst_json_get(row, "references");
    size_t count = 0;
    for (uint32_t i = 0; i < list->count && i < REFERENCES_MAX; i++)
        count += mst_json_str(mst_json_at(list, i), &out[count]);
    return count;
}

// The next word between white space.
static bool
next_word(mst_str_t *rest, mst_str_t *out)
{
    *rest = mst_utf8_trim(*rest);
    size_t n = 0;
    while (n < rest->n) {
        uint32_t cp;
        size_t took = mst_utf8_next(mst_str(rest->p + n, rest->n - n), &cp);
        if (mst_utf8_is_space(cp))
            break;
        n += took;
    }
    *out = mst_str(rest->p, n);
    *rest = mst_str(rest->p + n, rest->n - n);
    return n > 0;
}

static bool
same_tokens(const mst_bleu_how_t *how, mst_str_t text, mst_str_t want)
{
    mst_bleu_tokenizer_t tokenizer;
    mst_buf_t a, b;
    mst_str_t prepared, token, word;
    mst_buf_init(&a, 64u << 20);
    mst_buf_init(&b, 64u << 20);
    mst_bleu_tokenizer_init(&tokenizer, how->tok);
    bool same = mst_bleu_prepare(&tokenizer, how->lower, text, &a, &b, &prepared) == MST_OK;
    mst_bleu_tokens_t it = mst_bleu_tokens(&tokenizer, prepared);
    while (same && mst_bleu_token(&it, &token))
        same = next_word(&want, &word) && mst_str_eq(token, word);
    same = same && !next_word(&want, &word);
    mst_buf_deinit(&a);
    mst_buf_deinit(&b);
    return same;
}

static bool
same_list(const mst_json_t *row, const char *key, const double *got, unsigned count)
{
    const mst_json_t *list = mst_json_get(row, key);
    bool same = list != NULL && list->count == count;
    for (unsigned i = 0; i < count && same; i++) {
        double want = 0.0;
        same = mst_json_f64(mst_json_at(list, i), &want) && close_to(got[i], want);
    }
    return same;
}

static bool
same_bleu(const mst_json_t *row, const mst_bleu_how_t *how, const mst_bleu_stats_t *stats, const char *score_key)
{
    mst_bleu_result_t got;
    mst_bleu_score(stats, how, &got);
    bool same = close_to(got.score, tst_num(row, score_key)) && close_to(got.bp, tst_num(row, "bp")) &&
                close_to((double)stats->sys_len, tst_num(row, "sys_len")) &&
                close_to((double)stats->ref_len, tst_num(row, "ref_len")) &&
                same_list(row, "counts", got.counts, how->order) && same_list(row, "totals", got.totals, how->order) &&
                same_list(row, "precisions", got.precisions, how->order);
    if (!same)
        printf("%.*s: BLEU %.12g, lengths %llu %llu, expected %.12g\n", MST_FMT(tst_str(row, "id")), got.score,
               (unsigned long long)stats->sys_len, (unsigned long long)stats->ref_len, tst_num(row, score_key));
    return same;
}

static bool
bleu_row(const run_t *t, const mst_json_t *row)
{
    (void)t;
    mst_err_t err;
    mst_str_t refs[REFERENCES_MAX], text = tst_str(row, "hypothesis");
    mst_bleu_stats_t stats;
    mst_bleu_how_t how = bleu_how(mst_json_get(row, "params"), true);
    mst_bleu_t *b = mst_bleu_new(&how);
    bool same = mst_bleu_sentence(b, refs, references_of(row, refs), text, &stats, &err) == MST_OK;
    mst_bleu_free(&b);
    if (!same_tokens(&how, text, tst_str(row, "hyp_tokenized"))) {
        printf("%.*s: other tokens\n", MST_FMT(tst_str(row, "id")));
        same = false;
    }
    return same && same_bleu(row, &how, &stats, "score");
}

static bool
chrf_row(const run_t *t, const mst_json_t *row)
{
    (void)t;
    mst_err_t err;
    mst_str_t refs[REFERENCES_MAX];
    mst_chrf_stats_t stats;
    mst_chrf_how_t how = chrf_how(mst_json_get(row, "params"));
    mst_chrf_t *c = mst_chrf_new(&how);
    bool same =
        mst_chrf_sentence(c, refs, references_of(row, refs), tst_str(row, "hypothesis"), &stats, &err) == MST_OK;
    mst_chrf_free(&c);
    double got = mst_chrf_score(&stats, &how), want = tst_num(row, "score");
    if (!same || !close_to(got, want))
        printf("%.*s: chrF %.12g, expected %.12g\n", MST_FMT(tst_str(row, "id")), got, want);
    return same && close_to(got, want);
}

// The references of one segment: one of each stream, where it is there.
static size_t
segment_references(const mst_json_t *streams, size_t segment, mst_str_t *out)
{
    size_t count = 0;
    for (uint32_t i = 0; i < streams->count && i < REFERENCES_MAX; i++)
        count += mst_json_str(mst_json_at(mst_json_at(streams, i), segment), &out[count]);
    return count;
}

static bool
corpus_row(const run_t *t, const mst_json_t *row)
{
    (void)t;
    mst_err_t err;
    const mst_json_t *texts = mst_json_get(row, "hypotheses"), *streams = mst_json_get(row, "references");
    mst_bleu_how_t bleu = bleu_how(mst_json_get(row, "bleu_params"), false);
    mst_chrf_how_t chrf = chrf_how(mst_json_get(row, "chrf_params"));
    mst_bleu_t *b = mst_bleu_new(&bleu);
    mst_chrf_t *c = mst_chrf_new(&chrf);
    mst_bleu_stats_t bleu_sum = {0}, bleu_one;
    mst_chrf_stats_t chrf_sum = {0}, chrf_one;
    bool same = true;
    for (uint32_t i = 0; i < texts->count && same; i++) {
        mst_str_t refs[REFERENCES_MAX], text = MST_STR_NULL;
        size_t count = segment_references(streams, i, refs);
        same = mst_json_str(mst_json_at(texts, i), &text) &&
               mst_bleu_sentence(b, refs, count, text, &bleu_one, &err) == MST_OK &&
               mst_chrf_sentence(c, refs, count, text, &chrf_one, &err) == MST_OK;
        if (same) {
            mst_bleu_add(&bleu_sum, &bleu_one);
            mst_chrf_add(&chrf_sum, &chrf_one);
        }
    }
    mst_bleu_free(&b);
    mst_chrf_free(&c);
    double got = mst_chrf_score(&chrf_sum, &chrf), want = tst_num(row, "chrf");
    if (!same || !close_to(got, want))
        printf("%.*s: corpus chrF %.12g, expected %.12g\n", MST_FMT(tst_str(row, "id")), got, want);
    return same_bleu(row, &bleu, &bleu_sum, "bleu") && same && close_to(got, want);
}

// The same rows through a scorer, with the references as a row of a dataset would have them.
static bool
by_scorer(const run_t *t, const mst_json_t *row, const char *scorer)
{
    mst_buf_t refs;
    mst_jw_t w;
    mst_buf_init(&refs, 64u << 20);
    mst_jw_init(&w, &refs);
    mst_jw_value(&w, mst_json_get(row, "references"));
    tst_ask_t ask = {.scorer = scorer, .params = mst_json_get(row, "params"), .threshold = -1.0};
    ask.c.actual = tst_str(row, "hypothesis");
    ask.c.has_expected = true;
    ask.c.expected = mst_buf_view(&refs);
    tst_got_t got = tst_score(&ask, t->parser, t->arena);
    double want = tst_num(row, "score");
    bool same = got.rc == MST_OK && got.failed < 0 && close_to(got.score.value * 100.0, want);
    if (!same)
        printf("%.*s: scorer %s gave %.12g, expected %.12g\n", MST_FMT(tst_str(row, "id")), scorer, got.score.value,
               want);
    mst_buf_deinit(&refs);
    return same;
}

static bool
bleu_scorer_row(const run_t *t, const mst_json_t *row)
{
    return by_scorer(t, row, "bleu");
}

static bool
chrf_scorer_row(const run_t *t, const mst_json_t *row)
{
    return by_scorer(t, row, "chrf");
}

static int
each(const run_t *t, const char *what, const char *file, bool (*same)(const run_t *, const mst_json_t *))
{
    tst_file_t *f = tst_open_data(file);
    if (f == NULL)
        return 77;
    size_t rows = 0, agreed = 0;
    for (const mst_json_t *row; (row = tst_row(f)) != NULL; rows++) {
        mst_arena_reset(t->arena);
        agreed += same(t, row);
    }
    tst_close(f);
    return tst_agreed(what, agreed, rows);
}

int
main(void)
{
    static const char *const bleu = "fixtures/sacrebleu_sentence_bleu.jsonl";
    static const char *const chrf = "fixtures/sacrebleu_sentence_chrf.jsonl";
    run_t t = {.parser = mst_json_parser_new(), .arena = mst_arena_new(64u << 20)};
    int rc = each(&t, "sentence BLEU", bleu, bleu_row);
    if (rc != 77) {
        rc |= each(&t, "sentence chrF", chrf, chrf_row);
        rc |= each(&t, "corpus BLEU and chrF", "fixtures/sacrebleu_corpus.jsonl", corpus_row);
        rc |= each(&t, "scorer bleu", bleu, bleu_scorer_row);
        rc |= each(&t, "scorer chrf", chrf, chrf_scorer_row);
    }
    mst_json_parser_free(&t.parser);
    mst_arena_free(&t.arena);
    return rc == 0 || rc == 77 ? rc : 1;
}
