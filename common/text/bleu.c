#include "common/text/bleu.h"

#include "common/base/limits.h"
#include "common/base/mem.h"
#include "common/text/vocab.h"

#include <math.h>
#include <stdlib.h>

#define LOG_OF_ZERO (-9999999999.0) // the reference's own

struct mst_bleu {
    mst_bleu_how_t how;
    mst_bleu_tokenizer_t tokenizer;
    mst_vocab_t vocab;
    mst_ngrams_t ngrams;
    mst_buf_t a, b;   // a text as prepared
    mst_buf_t text;   // the references' prepared texts, which the vocabulary borrows
    mst_buf_t tokens; // of all references: uint32_t
    mst_buf_t answer; // tokens of the text: uint32_t
    mst_buf_t ends;   // of each reference in tokens: uint64_t
};

double
mst_bleu_smooth_default(mst_bleu_smooth_t smooth)
{
    return smooth == MST_BLEU_FLOOR ? 0.1 : smooth == MST_BLEU_ADD_K ? 1.0 : 0.0;
}

bool
mst_bleu_smooth_parse(mst_str_t name, mst_bleu_smooth_t *out)
{
    static const char *const names[] = {"exp", "floor", "add-k", "none"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (mst_str_eq_c(name, names[i])) {
            *out = (mst_bleu_smooth_t)i;
            return true;
        }
    }
    return false;
}

mst_bleu_t *
mst_bleu_new(const mst_bleu_how_t *how)
{
    mst_bleu_t *b = MST_NEW(mst_bleu_t);
    MST_ASSERT(how->order >= 1 && how->order <= MST_NGRAMS_ORDER_MAX);
    b->how = *how;
    mst_bleu_tokenizer_init(&b->tokenizer, how->tok);
    mst_vocab_init(&b->vocab);
    mst_ngrams_init(&b->ngrams);
    mst_buf_t *bufs[] = {&b->a, &b->b, &b->text, &b->tokens, &b->answer, &b->ends};
    for (size_t i = 0; i < sizeof bufs / sizeof bufs[0]; i++)
        mst_buf_init(bufs[i], MST_TEXT_SCRATCH_MAX);
    return b;
}

void
mst_bleu_free(mst_bleu_t **b)
{
    if (b == NULL || *b == NULL)
        return;
    mst_vocab_deinit(&(*b)->vocab);
    mst_ngrams_deinit(&(*b)->ngrams);
    mst_buf_deinit(&(*b)->a);
    mst_buf_deinit(&(*b)->b);
    mst_buf_deinit(&(*b)->text);
    mst_buf_deinit(&(*b)->tokens);
    mst_buf_deinit(&(*b)->answer);
    mst_buf_deinit(&(*b)->ends);
    free(*b);
    *b = NULL;
}

// Makes *prepared last: it is a view of the text itself when prepare changed nothing, else it goes to b->text, which
// has room for all references, so that nothing in it moves.
static mst_rc
keep(mst_bleu_t *b, mst_str_t original, mst_str_t *prepared)
{
    if (prepared->n == 0 || (prepared->p >= original.p && prepared->p < original.p + original.n))
        return MST_OK;
    if (prepared->n > b->text.cap - b->text.n)
        return MST_LIMIT;
    char *to = b->text.p + b->text.n;
    memcpy(to, prepared->p, prepared->n);
    b->text.n += prepared->n;
    *prepared = mst_str(to, prepared->n);
    return MST_OK;
}

static mst_rc
read_reference(mst_bleu_t *b, mst_str_t text)
{
    mst_str_t prepared, token;
    if (mst_bleu_prepare(&b->tokenizer, b->how.lower, text, &b->a, &b->b, &prepared) != MST_OK ||
        keep(b, text, &prepared) != MST_OK)
        return MST_LIMIT;
    mst_bleu_tokens_t it = mst_bleu_tokens(&b->tokenizer, prepared);
    uint32_t *to = (uint32_t *)(void *)mst_buf_reserve(&b->tokens, prepared.n * sizeof *to);
    for (; to != NULL && mst_bleu_token(&it, &token); to++) {
        *to = mst_vocab_add(&b->vocab, token);
        if (*to == MST_VOCAB_NONE)
            return MST_LIMIT;
    }
    if (to == NULL)
        return MST_LIMIT;
    b->tokens.n = (size_t)((char *)to - b->tokens.p);
    uint64_t end = b->tokens.n / sizeof(uint32_t);
    return mst_buf_add(&b->ends, &end, sizeof end);
}

static mst_rc
read_references(mst_bleu_t *b, const mst_str_t *references, size_t count)
{
    size_t bytes = 0;
    for (size_t i = 0; i < count && bytes <= MST_TEXT_SCRATCH_MAX; i++)
        bytes += references[i].n;
    mst_vocab_clear(&b->vocab);
    mst_room_trim(&b->tokens);
    mst_room_trim(&b->ends);
    mst_room_trim(&b->text);
    // Lower case is at most half as long again (U+0130, two bytes, becomes three).
    if (mst_room(&b->text, bytes + bytes / 2) == NULL)
        return MST_LIMIT;
    mst_rc rc = MST_OK;
    for (size_t i = 0; i < count && rc == MST_OK; i++)
        rc = read_reference(b, references[i]);
    return rc;
}

// The length that is closest to the text's, the shorter of two that are as close.
static uint64_t
closest(const mst_bleu_t *b, size_t count, uint64_t length)
{
    const uint64_t *ends = (const uint64_t *)(const void *)b->ends.p;
    uint64_t best = ends[0];
    for (size_t i = 1; i < count; i++) {
        uint64_t one = ends[i] - ends[i - 1];
        uint64_t off = one > length ? one - length : length - one;
        uint64_t best_off = best > length ? best - length : length - best;
        if (off < best_off || (off == best_off && one < best))
            best = one;
    }
    return best;
}

static mst_rc
read_answer(mst_bleu_t *b, mst_str_t text)
{
    mst_str_t prepared, token;
    mst_room_trim(&b->answer);
    if (mst_bleu_prepare(&b->tokenizer, b->how.lower, text, &b->a, &b->b, &prepared) != MST_OK)
        return MST_LIMIT;
    mst_bleu_tokens_t it = mst_bleu_tokens(&b->tokenizer, prepared);
    uint32_t *to = mst_room(&b->answer, prepared.n * sizeof *to);
    if (to == NULL)
        return MST_LIMIT;
    while (mst_bleu_token(&it, &token))
        *to++ = mst_vocab_find(&b->vocab, token);
    b->answer.n = (size_t)((char *)to - b->answer.p);
    mst_room_trim(&b->a);
    mst_room_trim(&b->b);
    return MST_OK;
}

mst_rc
mst_bleu_sentence(mst_bleu_t *b, const mst_str_t *references, size_t reference_count, mst_str_t text,
                  mst_bleu_stats_t *out, mst_err_t *err)
{
    if (reference_count == 0)
        return MST_ERR(err, MST_INVAL, "bleu needs a text to compare with");
    *out = (mst_bleu_stats_t){0};
    mst_rc rc = read_references(b, references, reference_count);
    if (rc == MST_OK)
        rc = read_answer(b, text);
    mst_ngrams_in_t in = {.refs = (const uint32_t *)(const void *)b->tokens.p,
                          .ends = (const uint64_t *)(const void *)b->ends.p,
                          .ref_count = reference_count,
                          .kinds = b->vocab.count,
                          .text = (const uint32_t *)(const void *)b->answer.p,
                          .text_count = b->answer.n / sizeof(uint32_t),
                          .order = b->how.order};
    if (rc == MST_OK)
        rc = mst_ngrams_match(&b->ngrams, &in, out->counts);
    if (rc != MST_OK)
        return MST_ERR(err, MST_LIMIT, "texts of %zu and %zu bytes are too long for bleu", references[0].n, text.n);
    out->sys_len = in.text_count;
    out->ref_len = closest(b, reference_count, out->sys_len);
    for (unsigned i = 0; i < b->how.order; i++)
        out->totals[i] = mst_ngrams_total(out->sys_len, i + 1);
    return MST_OK;
}

void
mst_bleu_add(mst_bleu_stats_t *sum, const mst_bleu_stats_t *one)
{
    sum->sys_len += one->sys_len;
    sum->ref_len += one->ref_len;
    for (size_t i = 0; i < MST_NGRAMS_ORDER_MAX; i++) {
        sum->counts[i] += one->counts[i];
        sum->totals[i] += one->totals[i];
    }
}

static double
brevity(const mst_bleu_stats_t *s)
{
    if (s->sys_len >= s->ref_len)
        return 1.0;
    return s->sys_len > 0 ? exp(1.0 - (double)s->ref_len / (double)s->sys_len) : 0.0;
}

// The precision of one order that matches nothing; *divisor is exp's, doubled each time.
static double
smoothed(const mst_bleu_how_t *how, double total, double *divisor)
{
    if (how->smooth == MST_BLEU_FLOOR)
        return 100.0 * how->smooth_value / total;
    if (how->smooth != MST_BLEU_EXP)
        return 0.0;
    *divisor *= 2.0;
    return 100.0 / (*divisor * total);
}

void
mst_bleu_score(const mst_bleu_stats_t *stats, const mst_bleu_how_t *how, mst_bleu_result_t *out)
{
    uint64_t any = 0;
    *out = (mst_bleu_result_t){.bp = brevity(stats)};
    for (size_t i = 0; i < how->order; i++) {
        any += stats->counts[i];
        out->counts[i] = (double)stats->counts[i];
        out->totals[i] = (double)stats->totals[i];
    }
    if (any == 0)
        return;
    double divisor = 1.0, sum = 0.0;
    unsigned used = how->order;
    for (unsigned i = 0; i < how->order; i++) {
        if (how->smooth == MST_BLEU_ADD_K && i > 0) {
            out->counts[i] += how->smooth_value;
            out->totals[i] += how->smooth_value;
        }
        if (out->totals[i] <= 0.0)
            break;
        if (how->effective_order)
            used = i + 1;
        if (out->counts[i] > 0.0)
            out->precisions[i] = 100.0 * out->counts[i] / out->totals[i];
        else
            out->precisions[i] = smoothed(how, out->totals[i], &divisor);
    }
    for (unsigned i = 0; i < used; i++)
        sum += out->precisions[i] > 0.0 ? log(out->precisions[i]) : LOG_OF_ZERO;
    out->score = out->bp * exp(sum / used);
}
