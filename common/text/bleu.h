// BLEU as sacreBLEU computes it: statistics of a sentence against its references, their sum over a corpus, and the
// score of either.
// Thread: an object belongs to one thread; statistics are plain records.
#ifndef MST_TEXT_BLEU_H
#define MST_TEXT_BLEU_H

#include "common/text/bleu_tokens.h"
#include "common/text/ngrams.h"

typedef enum { MST_BLEU_EXP, MST_BLEU_FLOOR, MST_BLEU_ADD_K, MST_BLEU_NO_SMOOTHING } mst_bleu_smooth_t;

typedef struct {
    mst_bleu_tok_t tok;
    bool lower;           // compare in lower case
    unsigned order;       // longest n-gram, 1 to MST_NGRAMS_ORDER_MAX; usually 4
    bool effective_order; // leave out orders that the text is too short for
    mst_bleu_smooth_t smooth;
    double smooth_value; // of floor and add-k
} mst_bleu_how_t;

// The value that sacreBLEU takes when none is given.
double mst_bleu_smooth_default(mst_bleu_smooth_t smooth);
bool mst_bleu_smooth_parse(mst_str_t name, mst_bleu_smooth_t *out); // exp, floor, add-k, none

typedef struct {
    uint64_t sys_len, ref_len; // tokens of the texts and of the closest references
    uint64_t counts[MST_NGRAMS_ORDER_MAX], totals[MST_NGRAMS_ORDER_MAX]; // n-grams that match, and all
} mst_bleu_stats_t;

typedef struct {
    double score; // 0 to 100
    double bp;    // brevity penalty
    // as far as the computation went; add-k: with k in them
    double counts[MST_NGRAMS_ORDER_MAX], totals[MST_NGRAMS_ORDER_MAX], precisions[MST_NGRAMS_ORDER_MAX];
} mst_bleu_result_t;

typedef struct mst_bleu mst_bleu_t;

mst_bleu_t *mst_bleu_new(const mst_bleu_how_t *how);
void mst_bleu_free(mst_bleu_t **b);
// Of one text. MST_INVAL without a reference; MST_LIMIT when the texts are too long.
MST_NODISCARD mst_rc mst_bleu_sentence(mst_bleu_t *b, const mst_str_t *references, size_t reference_count,
                                       mst_str_t text, mst_bleu_stats_t *out, mst_err_t *err);
void mst_bleu_add(mst_bleu_stats_t *sum, const mst_bleu_stats_t *one);
void mst_bleu_score(const mst_bleu_stats_t *stats, const mst_bleu_how_t *how, mst_bleu_result_t *out);

#endif
