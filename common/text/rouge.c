// The targets' tokens become numbers; the prediction's that no target has become MST_VOCAB_NONE, which is equal to
// nothing. n-grams and subsequences are then compared as numbers.
#include "common/text/rouge.h"

#include "common/base/limits.h"
#include "common/base/mem.h"
#include "common/text/lcs.h"
#include "common/text/ngrams.h"
#include "common/text/rouge_tokens.h"
#include "common/text/vocab.h"

#include <stdlib.h>

// A text as numbers, and the indices where its lines with tokens start; both arrays end where `ends` says.
typedef struct {
    mst_buf_t tokens, lines;
} side_t;

struct mst_rouge {
    mst_rouge_type_t types[MST_ROUGE_TYPES_MAX];
    size_t type_count;
    unsigned order; // of the longest n-gram
    bool stem, lcs_used, lines_used;
    mst_vocab_t vocab;
    mst_ngrams_t ngrams;
    mst_lcs_t lcs;
    mst_buf_t text; // tokens of the targets as text
    mst_buf_t ends; // uint64_t pairs: tokens and lines of the targets up to here
    side_t targets, prediction;
    mst_buf_t left; // Lsum: how often each token may still be hit, uint32_t pairs
};

static const char *const names[] = {"",       "rouge1", "rouge2", "rouge3", "rouge4", "rouge5",
                                    "rouge6", "rouge7", "rouge8", "rouge9", "rougeL", "rougeLsum"};

bool
mst_rouge_type_parse(mst_str_t name, mst_rouge_type_t *out)
{
    for (unsigned i = 1; i < sizeof names / sizeof names[0]; i++) {
        if (mst_str_eq_c(name, names[i])) {
            *out = (mst_rouge_type_t)i;
            return true;
        }
    }
    return false;
}

const char *
mst_rouge_type_name(mst_rouge_type_t type)
{
    return names[type];
}

mst_prf_t
mst_prf(double precision, double recall)
{
    double sum = precision + recall;
    return (mst_prf_t){precision, recall, sum > 0.0 ? 2.0 * precision * recall / sum : 0.0};
}

mst_rouge_t *
mst_rouge_new(const mst_rouge_type_t *types, size_t count, bool stem)
{
    mst_rouge_t *r = MST_NEW(mst_rouge_t);
    MST_ASSERT(count <= MST_ROUGE_TYPES_MAX);
    r->stem = stem;
    for (size_t i = 0; i < count; i++) {
        unsigned n = (unsigned)types[i];
        r->types[r->type_count++] = types[i];
        r->lcs_used = r->lcs_used || n == MST_ROUGE_L;
        r->lines_used = r->lines_used || n == MST_ROUGE_LSUM;
        if (n <= MST_NGRAMS_ORDER_MAX && n > r->order)
            r->order = n;
    }
    mst_vocab_init(&r->vocab);
    mst_ngrams_init(&r->ngrams);
    mst_lcs_init(&r->lcs);
    mst_buf_t *bufs[] = {&r->text,
                         &r->ends,
                         &r->left,
                         &r->targets.tokens,
                         &r->prediction.tokens,
                         &r->targets.lines,
                         &r->prediction.lines};
    for (size_t i = 0; i < sizeof bufs / sizeof bufs[0]; i++)
        mst_buf_init(bufs[i], MST_TEXT_SCRATCH_MAX);
    return r;
}

void
mst_rouge_free(mst_rouge_t **r)
{
    if (r == NULL || *r == NULL)
        return;
    mst_vocab_deinit(&(*r)->vocab);
    mst_ngrams_deinit(&(*r)->ngrams);
    mst_lcs_deinit(&(*r)->lcs);
    mst_buf_deinit(&(*r)->text);
    mst_buf_deinit(&(*r)->ends);
    mst_buf_deinit(&(*r)->left);
    mst_buf_deinit(&(*r)->targets.tokens);
    mst_buf_deinit(&(*r)->targets.lines);
    mst_buf_deinit(&(*r)->prediction.tokens);
    mst_buf_deinit(&(*r)->prediction.lines);
    free(*r);
    *r = NULL;
}

static inline size_t
count_of(const mst_buf_t *b)
{
    return b->n / sizeof(uint32_t);
}

static inline const uint32_t *
numbers(const mst_buf_t *b)
{
    return (const uint32_t *)(const void *)b->p;
}

// Appends the tokens of text to a side. `learn`: new tokens get numbers. room: bytes for all tokens of text.
static mst_rc
read_text(mst_rouge_t *r, side_t *side, mst_str_t text, char *room, bool learn)
{
    mst_rouge_tokens_t it = mst_rouge_tokens(text, r->stem);
    mst_str_t token;
    size_t line = SIZE_MAX;
    while (mst_rouge_token(&it, room, &token)) {
        uint32_t id = learn ? mst_vocab_add(&r->vocab, token) : mst_vocab_find(&r->vocab, token);
        if (learn && id == MST_VOCAB_NONE)
            return MST_LIMIT;
        if (learn)
            room += token.n;
        if (it.line != line) {
            uint32_t start = (uint32_t)count_of(&side->tokens);
            if (mst_buf_add(&side->lines, &start, sizeof start) != MST_OK)
                return MST_LIMIT;
            line = it.line;
        }
        if (mst_buf_add(&side->tokens, &id, sizeof id) != MST_OK)
            return MST_LIMIT;
    }
    return MST_OK;
}

static mst_rc
read_targets(mst_rouge_t *r, const mst_str_t *targets, size_t count)
{
    size_t bytes = 0;
    for (size_t i = 0; i < count && bytes <= MST_TEXT_SCRATCH_MAX; i++)
        bytes += targets[i].n;
    char *room = mst_room(&r->text, bytes);
    mst_rc rc = room != NULL ? MST_OK : MST_LIMIT;
    for (size_t i = 0; i < count && rc == MST_OK; i++) {
        rc = read_text(r, &r->targets, targets[i], room, true);
        room += targets[i].n;
        uint64_t ends[2] = {count_of(&r->targets.tokens), count_of(&r->targets.lines)};
        if (rc == MST_OK)
            rc = mst_buf_add(&r->ends, ends, sizeof ends);
    }
    return rc;
}

static mst_prf_t
of_counts(uint64_t shared, uint64_t predicted, uint64_t wanted)
{
    return mst_prf(predicted > 0 ? (double)shared / (double)predicted : 0.0,
                   wanted > 0 ? (double)shared / (double)wanted : 0.0);
}

// A slice of a side: tokens and starts of lines.
typedef struct {
    const uint32_t *tokens, *lines;
    size_t count, line_count, base; // base: index of tokens[0] on its side
} part_t;

static size_t
line_of(const part_t *p, size_t i, const uint32_t **tokens)
{
    size_t start = p->lines[i] - p->base, end = i + 1 < p->line_count ? p->lines[i + 1] - p->base : p->count;
    *tokens = p->tokens + start;
    return end - start;
}

// Tokens of the marked places that both texts still have left.
static uint64_t
take_hits(const mst_lcs_t *lcs, const uint32_t *tokens, size_t count, uint32_t *left)
{
    uint64_t hits = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t *pair = left + 2 * (size_t)tokens[i];
        if (!mst_lcs_marked(lcs, i) || pair[0] == 0 || pair[1] == 0)
            continue;
        pair[0]--;
        pair[1]--;
        hits++;
    }
    return hits;
}

static uint32_t *
count_tokens(mst_rouge_t *r, const part_t *target, const part_t *prediction)
{
    size_t bytes = 2 * sizeof(uint32_t) * (size_t)r->vocab.count;
    uint32_t *left = mst_room(&r->left, bytes);
    if (left == NULL)
        return NULL;
    memset(left, 0, bytes);
    for (size_t i = 0; i < target->count; i++)
        left[2 * (size_t)target->tokens[i]]++;
    for (size_t i = 0; i < prediction->count; i++) {
        if (prediction->tokens[i] != MST_VOCAB_NONE)
            left[2 * (size_t)prediction->tokens[i] + 1]++;
    }
    return left;
}

static mst_rc
score_lsum(mst_rouge_t *r, const part_t *target, const part_t *prediction, mst_prf_t *out)
{
    uint64_t hits = 0;
    uint32_t *left = count_tokens(r, target, prediction);
    mst_rc rc = left != NULL ? mst_lcs_start(&r->lcs, r->vocab.count) : MST_LIMIT;
    for (size_t i = 0; i < target->line_count && rc == MST_OK; i++) {
        const uint32_t *line, *other;
        size_t count = line_of(target, i, &line);
        rc = mst_lcs_pattern(&r->lcs, line, count);
        for (size_t j = 0; j < prediction->line_count && rc == MST_OK; j++) {
            size_t other_count = line_of(prediction, j, &other);
            rc = mst_lcs_mark(&r->lcs, other, other_count);
        }
        if (rc == MST_OK)
            hits += take_hits(&r->lcs, line, count, left);
    }
    *out = of_counts(hits, prediction->count, target->count);
    return rc;
}

static mst_rc
score_l(mst_rouge_t *r, const part_t *target, const part_t *prediction, mst_prf_t *out)
{
    size_t length = 0;
    mst_rc rc = mst_lcs_start(&r->lcs, r->vocab.count);
    if (rc == MST_OK)
        rc = mst_lcs_pattern(&r->lcs, target->tokens, target->count);
    if (rc == MST_OK)
        rc = mst_lcs_length(&r->lcs, prediction->tokens, prediction->count, &length);
    *out = of_counts(length, prediction->count, target->count);
    return rc;
}

// All types for one target; a type's triple replaces the one in out when it is better, or the first.
static mst_rc
score_target(mst_rouge_t *r, const part_t *target, const part_t *prediction, bool first, mst_prf_t *out)
{
    uint64_t end = target->count, matches[MST_NGRAMS_ORDER_MAX];
    mst_ngrams_in_t in = {.refs = target->tokens,
                          .ends = &end,
                          .ref_count = 1,
                          .kinds = r->vocab.count,
                          .text = prediction->tokens,
                          .text_count = prediction->count,
                          .order = r->order};
    mst_rc rc = r->order > 0 ? mst_ngrams_match(&r->ngrams, &in, matches) : MST_OK;
    for (size_t i = 0; i < r->type_count && rc == MST_OK; i++) {
        mst_prf_t one;
        unsigned n = (unsigned)r->types[i];
        if (n == MST_ROUGE_L)
            rc = score_l(r, target, prediction, &one);
        else if (n == MST_ROUGE_LSUM)
            rc = score_lsum(r, target, prediction, &one);
        else
            one = of_counts(matches[n - 1], mst_ngrams_total(prediction->count, n), mst_ngrams_total(target->count, n));
        if (rc == MST_OK && (first || one.fmeasure > out[i].fmeasure))
            out[i] = one;
    }
    return rc;
}

static void
clear(mst_rouge_t *r)
{
    mst_vocab_clear(&r->vocab);
    mst_buf_t *bufs[] = {&r->text,
                         &r->ends,
                         &r->left,
                         &r->targets.tokens,
                         &r->prediction.tokens,
                         &r->targets.lines,
                         &r->prediction.lines};
    for (size_t i = 0; i < sizeof bufs / sizeof bufs[0]; i++)
        mst_room_trim(bufs[i]);
}

mst_rc
mst_rouge_score(mst_rouge_t *r, const mst_str_t *targets, size_t target_count, mst_str_t prediction, mst_prf_t *out,
                mst_err_t *err)
{
    if (target_count == 0)
        return MST_ERR(err, MST_INVAL, "rouge needs a text to compare with");
    clear(r);
    mst_rc rc = read_targets(r, targets, target_count);
    char *room = NULL;
    if (rc == MST_OK) {
        room = mst_buf_reserve(&r->left, prediction.n + 1); // not in use yet
        rc = room != NULL ? read_text(r, &r->prediction, prediction, room, false) : MST_LIMIT;
    }
    part_t other = {.tokens = numbers(&r->prediction.tokens),
                    .lines = numbers(&r->prediction.lines),
                    .count = count_of(&r->prediction.tokens),
                    .line_count = count_of(&r->prediction.lines)};
    const uint64_t *ends = (const uint64_t *)(const void *)r->ends.p;
    uint64_t from[2] = {0, 0};
    for (size_t i = 0; i < target_count && rc == MST_OK; i++) {
        part_t target = {.base = from[0]};
        target.count = ends[2 * i] - from[0];
        target.line_count = ends[2 * i + 1] - from[1];
        target.tokens = target.count > 0 ? numbers(&r->targets.tokens) + from[0] : NULL;
        target.lines = target.count > 0 ? numbers(&r->targets.lines) + from[1] : NULL;
        rc = score_target(r, &target, &other, i == 0, out);
        memcpy(from, ends + 2 * i, sizeof from);
    }
    if (rc != MST_OK)
        return MST_ERR(err, MST_LIMIT, "texts of %zu and %zu bytes are too long to compare", targets[0].n,
                       prediction.n);
    return MST_OK;
}
