#include "common/text/chrf.h"

#include "common/base/limits.h"
#include "common/base/mem.h"
#include "common/base/utf8.h"
#include "common/text/normalise.h"
#include "common/text/vocab.h"

#include <stdlib.h>

#define EPS 1e-16 // the reference's own

struct mst_chrf {
    mst_chrf_how_t how;
    mst_vocab_t vocab;         // words of the reference
    mst_ngrams_t chars, words; // of the reference
    mst_buf_t lower;           // the text in lower case
    mst_buf_t lower_ref;       // a reference in lower case, which the vocabulary borrows
    mst_buf_t tokens;          // of a reference: characters, later words; uint32_t
};

mst_chrf_t *
mst_chrf_new(const mst_chrf_how_t *how)
{
    mst_chrf_t *c = MST_NEW(mst_chrf_t);
    MST_ASSERT(how->char_order >= 1 && how->char_order <= MST_NGRAMS_ORDER_MAX);
    MST_ASSERT(how->word_order <= MST_NGRAMS_ORDER_MAX);
    c->how = *how;
    mst_vocab_init(&c->vocab);
    mst_ngrams_init(&c->chars);
    mst_ngrams_init(&c->words);
    mst_buf_init(&c->lower, MST_TEXT_SCRATCH_MAX);
    mst_buf_init(&c->lower_ref, MST_TEXT_SCRATCH_MAX);
    mst_buf_init(&c->tokens, MST_TEXT_SCRATCH_MAX);
    return c;
}

void
mst_chrf_free(mst_chrf_t **c)
{
    if (c == NULL || *c == NULL)
        return;
    mst_vocab_deinit(&(*c)->vocab);
    mst_ngrams_deinit(&(*c)->chars);
    mst_ngrams_deinit(&(*c)->words);
    mst_buf_deinit(&(*c)->lower);
    mst_buf_deinit(&(*c)->lower_ref);
    mst_buf_deinit(&(*c)->tokens);
    free(*c);
    *c = NULL;
}

// Characters of a text, without white space unless it counts.
static inline bool
next_char(const mst_chrf_t *c, mst_str_t *rest, uint32_t *cp)
{
    while (rest->n > 0) {
        size_t took = mst_utf8_next(*rest, cp);
        *rest = mst_str(rest->p + took, rest->n - took);
        if (c->how.whitespace || !mst_utf8_is_space(*cp))
            return true;
    }
    return false;
}

// Words between white space. One ASCII mark is split off a word of two characters and more: the last character when it
// is one, else the first. `rest` keeps what was split off for the next call.
typedef struct {
    mst_str_t rest, tail;
} words_t;

static bool
next_word(words_t *w, mst_str_t *out)
{
    *out = w->tail;
    w->tail = MST_STR_NULL;
    if (out->n > 0)
        return true;
    w->rest = mst_utf8_trim(w->rest);
    if (w->rest.n == 0)
        return false;
    uint32_t cp;
    size_t n = 0, first = mst_utf8_next(w->rest, &cp);
    while (n < w->rest.n) {
        size_t took = mst_utf8_next(mst_str(w->rest.p + n, w->rest.n - n), &cp);
        if (mst_utf8_is_space(cp))
            break;
        n += took;
    }
    size_t cut = n;
    if (n > first && mst_text_is_mark(w->rest.p[n - 1]))
        cut = n - 1;
    else if (n > first && mst_text_is_mark(w->rest.p[0]))
        cut = 1;
    *out = mst_str(w->rest.p, cut);
    w->tail = mst_str(w->rest.p + cut, n - cut);
    w->rest = mst_str(w->rest.p + n, w->rest.n - n);
    return true;
}

// The tokens in c->tokens become the reference of g; their number goes to *count.
static mst_rc
take_tokens(mst_chrf_t *c, mst_ngrams_t *g, unsigned order, size_t *count)
{
    *count = c->tokens.n / sizeof(uint32_t);
    mst_rc rc = c->tokens.failed ? MST_LIMIT : mst_ngrams_start(g, order, *count);
    if (rc == MST_OK && *count > 0)
        mst_ngrams_reference(g, (const uint32_t *)(const void *)c->tokens.p, *count);
    return rc;
}

static mst_rc
read_reference(mst_chrf_t *c, mst_str_t reference, size_t *char_count, size_t *word_count)
{
    uint32_t token = 0;
    mst_str_t rest = reference, word;
    mst_room_trim(&c->tokens);
    while (next_char(c, &rest, &token) && mst_buf_add(&c->tokens, &token, sizeof token) == MST_OK)
        ;
    mst_rc rc = take_tokens(c, &c->chars, c->how.char_order, char_count);
    if (rc != MST_OK || c->how.word_order == 0)
        return rc;
    mst_vocab_clear(&c->vocab);
    mst_buf_reset(&c->tokens);
    words_t words = {.rest = reference};
    while (next_word(&words, &word)) {
        token = mst_vocab_add(&c->vocab, word);
        if (token == MST_VOCAB_NONE || mst_buf_add(&c->tokens, &token, sizeof token) != MST_OK)
            return MST_LIMIT;
    }
    return take_tokens(c, &c->words, c->how.word_order, word_count);
}

// Orders that the reference has nothing of do not count for the text either.
static void
note(mst_chrf_stats_t *s, unsigned at, const mst_ngrams_t *g, uint64_t text_count, uint64_t reference_count)
{
    for (unsigned n = 1; n <= g->order; n++, at++) {
        s->reference[at] = mst_ngrams_total(reference_count, n);
        s->text[at] = s->reference[at] > 0 ? mst_ngrams_total(text_count, n) : 0;
        s->both[at] = g->matches[n - 1];
    }
}

static mst_rc
against(mst_chrf_t *c, mst_str_t reference, mst_str_t text, mst_chrf_stats_t *out)
{
    size_t char_count = 0, word_count = 0;
    *out = (mst_chrf_stats_t){0};
    mst_rc rc = read_reference(c, reference, &char_count, &word_count);
    if (rc != MST_OK)
        return rc;
    uint64_t count = 0;
    uint32_t cp = 0;
    mst_str_t rest = text, word;
    mst_ngrams_walk(&c->chars);
    for (; next_char(c, &rest, &cp); count++)
        mst_ngrams_token(&c->chars, cp);
    note(out, 0, &c->chars, count, char_count);
    if (c->how.word_order == 0)
        return MST_OK;
    words_t words = {.rest = text};
    mst_ngrams_walk(&c->words);
    for (count = 0; next_word(&words, &word); count++)
        mst_ngrams_token(&c->words, mst_vocab_find(&c->vocab, word));
    note(out, c->how.char_order, &c->words, count, word_count);
    return MST_OK;
}

mst_rc
mst_chrf_sentence(mst_chrf_t *c, const mst_str_t *references, size_t reference_count, mst_str_t text,
                  mst_chrf_stats_t *out, mst_err_t *err)
{
    if (reference_count == 0)
        return MST_ERR(err, MST_INVAL, "chrf needs a text to compare with");
    size_t bytes = text.n;
    mst_rc rc = c->how.lower ? mst_text_lower(text, &c->lower, &text) : MST_OK;
    double best = -1.0;
    for (size_t i = 0; i < reference_count && rc == MST_OK; i++) {
        mst_chrf_stats_t one;
        mst_str_t reference = references[i];
        if (c->how.lower)
            rc = mst_text_lower(reference, &c->lower_ref, &reference);
        if (rc == MST_OK)
            rc = against(c, reference, text, &one);
        double score = rc == MST_OK ? mst_chrf_score(&one, &c->how) : -1.0;
        if (score > best) {
            best = score;
            *out = one;
        }
    }
    mst_room_trim(&c->lower);
    if (rc != MST_OK)
        return MST_ERR(err, MST_LIMIT, "texts of %zu and %zu bytes are too long for chrf", references[0].n, bytes);
    return MST_OK;
}

void
mst_chrf_add(mst_chrf_stats_t *sum, const mst_chrf_stats_t *one)
{
    for (size_t i = 0; i < MST_CHRF_ORDERS_MAX; i++) {
        sum->text[i] += one->text[i];
        sum->reference[i] += one->reference[i];
        sum->both[i] += one->both[i];
    }
}

double
mst_chrf_score(const mst_chrf_stats_t *s, const mst_chrf_how_t *how)
{
    unsigned orders = how->char_order + how->word_order, effective = 0;
    double factor = how->beta * how->beta, sum = 0.0, precision = 0.0, recall = 0.0;
    for (unsigned i = 0; i < orders; i++) {
        double p = s->text[i] > 0 ? (double)s->both[i] / (double)s->text[i] : EPS;
        double r = s->reference[i] > 0 ? (double)s->both[i] / (double)s->reference[i] : EPS;
        double below = factor * p + r;
        sum += below > 0.0 ? (1.0 + factor) * p * r / below : EPS;
        if (s->text[i] == 0 || s->reference[i] == 0)
            continue;
        precision += p;
        recall += r;
        effective++;
    }
    if (how->eps_smoothing)
        return 100.0 * sum / orders;
    if (precision + recall <= 0.0)
        return 0.0;
    precision /= effective;
    recall /= effective;
    return 100.0 * ((1.0 + factor) * precision * recall / (factor * precision + recall));
}
