#include "common/text/chrf.h"

#include "common/base/limits.h"
#include "common/base/mem.h"
#include "common/text/normalise.h"
#include "common/text/vocab.h"

#include <stdlib.h>

#define EPS 1e-16 // the reference's own

struct mst_chrf {
    mst_chrf_how_t how;
    mst_vocab_t vocab; // characters, later words, of the reference
    mst_ngrams_t ngrams;
    mst_buf_t lower;          // the text in lower case
    mst_buf_t lower_ref;      // a reference in lower case, which the vocabulary borrows
    mst_buf_t tokens, answer; // of a reference and of the text: characters, later words; uint32_t
};

mst_chrf_t *
mst_chrf_new(const mst_chrf_how_t *how)
{
    mst_chrf_t *c = MST_NEW(mst_chrf_t);
    MST_ASSERT(how->char_order >= 1 && how->char_order <= MST_NGRAMS_ORDER_MAX);
    MST_ASSERT(how->word_order <= MST_NGRAMS_ORDER_MAX);
    c->how = *how;
    mst_vocab_init(&c->vocab);
    mst_ngrams_init(&c->ngrams);
    mst_buf_init(&c->lower, MST_TEXT_SCRATCH_MAX);
    mst_buf_init(&c->lower_ref, MST_TEXT_SCRATCH_MAX);
    mst_buf_init(&c->tokens, MST_TEXT_SCRATCH_MAX);
    mst_buf_init(&c->answer, MST_TEXT_SCRATCH_MAX);
    return c;
}

void
mst_chrf_free(mst_chrf_t **c)
{
    if (c == NULL || *c == NULL)
        return;
    mst_vocab_deinit(&(*c)->vocab);
    mst_ngrams_deinit(&(*c)->ngrams);
    mst_buf_deinit(&(*c)->lower);
    mst_buf_deinit(&(*c)->lower_ref);
    mst_buf_deinit(&(*c)->tokens);
    mst_buf_deinit(&(*c)->answer);
    free(*c);
    *c = NULL;
}

// The next character of a text as its bytes, without white space unless it counts.
static inline bool
next_char(const mst_chrf_t *c, mst_str_t *rest, mst_str_t *out)
{
    while (rest->n > 0) {
        uint32_t cp;
        size_t took = mst_text_next(*rest, &cp);
        *out = mst_str(rest->p, took);
        *rest = mst_str(rest->p + took, rest->n - took);
        if (c->how.whitespace || !mst_text_is_space(cp))
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
    uint32_t cp;
    size_t n = 0, first = 0;
    while (w->rest.n > 0) { // white space before the word
        first = mst_text_next(w->rest, &cp);
        if (!mst_text_is_space(cp))
            break;
        w->rest = mst_str(w->rest.p + first, w->rest.n - first);
    }
    if (w->rest.n == 0)
        return false;
    while (n < w->rest.n) {
        size_t took = mst_text_next(mst_str(w->rest.p + n, w->rest.n - n), &cp);
        if (mst_text_is_space(cp))
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

// The characters of a text as numbers of v, which learns new ones when it is the reference's.
static mst_rc
read_chars(const mst_chrf_t *c, mst_vocab_t *v, mst_str_t text, bool learn, mst_buf_t *out)
{
    mst_str_t one;
    mst_room_trim(out);
    uint32_t *to = mst_room(out, text.n * sizeof *to);
    if (to == NULL)
        return MST_LIMIT;
    while (next_char(c, &text, &one)) {
        uint32_t id = one.n == 1 ? mst_vocab_find_byte(v, one.p[0]) : mst_vocab_find(v, one);
        if (learn && id == MST_VOCAB_NONE) {
            id = mst_vocab_add(v, one);
            if (id == MST_VOCAB_NONE)
                return MST_LIMIT;
        }
        *to++ = id;
    }
    out->n = (size_t)((char *)to - out->p);
    return MST_OK;
}

// The same for words, of which there are at most half as many as bytes, and twice that with marks split off.
static mst_rc
read_words(mst_vocab_t *v, mst_str_t text, bool learn, mst_buf_t *out)
{
    words_t words = {.rest = text};
    mst_str_t one;
    mst_room_trim(out);
    uint32_t *to = mst_room(out, (text.n + 1) * sizeof *to);
    if (to == NULL)
        return MST_LIMIT;
    while (next_word(&words, &one)) {
        uint32_t id = learn ? mst_vocab_add(v, one) : mst_vocab_find(v, one);
        if (learn && id == MST_VOCAB_NONE)
            return MST_LIMIT;
        *to++ = id;
    }
    out->n = (size_t)((char *)to - out->p);
    return MST_OK;
}

// Counts what c->tokens and c->answer have in common, from order `at` of s on. Orders that the reference has nothing of
// do not count for the text either.
static mst_rc
note(mst_chrf_t *c, mst_chrf_stats_t *s, unsigned at, unsigned order)
{
    uint64_t end = c->tokens.n / sizeof(uint32_t);
    mst_ngrams_in_t in = {.refs = (const uint32_t *)(const void *)c->tokens.p,
                          .ends = &end,
                          .ref_count = 1,
                          .kinds = c->vocab.count,
                          .text = (const uint32_t *)(const void *)c->answer.p,
                          .text_count = c->answer.n / sizeof(uint32_t),
                          .order = order};
    for (unsigned i = 0; i < order; i++) {
        s->reference[at + i] = mst_ngrams_total(end, i + 1);
        s->text[at + i] = s->reference[at + i] > 0 ? mst_ngrams_total(in.text_count, i + 1) : 0;
    }
    return mst_ngrams_match(&c->ngrams, &in, s->both + at);
}

static mst_rc
against(mst_chrf_t *c, mst_str_t reference, mst_str_t text, mst_chrf_stats_t *out)
{
    *out = (mst_chrf_stats_t){0};
    mst_vocab_clear(&c->vocab);
    if (read_chars(c, &c->vocab, reference, true, &c->tokens) != MST_OK ||
        read_chars(c, &c->vocab, text, false, &c->answer) != MST_OK || note(c, out, 0, c->how.char_order) != MST_OK)
        return MST_LIMIT;
    if (c->how.word_order == 0)
        return MST_OK;
    mst_vocab_clear(&c->vocab);
    if (read_words(&c->vocab, reference, true, &c->tokens) != MST_OK ||
        read_words(&c->vocab, text, false, &c->answer) != MST_OK)
        return MST_LIMIT;
    return note(c, out, c->how.char_order, c->how.word_order);
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
