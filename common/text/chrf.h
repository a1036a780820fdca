// chrF and chrF++ as sacreBLEU computes them: statistics of a sentence against its best reference, their sum over a
// corpus, and the score of either.
// Thread: an object belongs to one thread; statistics are plain records.
#ifndef MST_TEXT_CHRF_H
#define MST_TEXT_CHRF_H

#include "common/text/ngrams.h"

#define MST_CHRF_ORDERS_MAX (2 * MST_NGRAMS_ORDER_MAX)

typedef struct {
    unsigned char_order; // longest n-gram of characters, 1 to MST_NGRAMS_ORDER_MAX; usually 6
    unsigned word_order; // of words, 0 to MST_NGRAMS_ORDER_MAX; 2 is chrF++
    double beta;         // weight of recall; usually 2
    bool lower, whitespace, eps_smoothing;
} mst_chrf_how_t;

// n-grams of the text, of the reference, and in both; characters first, then words.
typedef struct {
    uint64_t text[MST_CHRF_ORDERS_MAX], reference[MST_CHRF_ORDERS_MAX], both[MST_CHRF_ORDERS_MAX];
} mst_chrf_stats_t;

typedef struct mst_chrf mst_chrf_t;

mst_chrf_t *mst_chrf_new(const mst_chrf_how_t *how);
void mst_chrf_free(mst_chrf_t **c);
// Against the reference with the best score, the first of equals. MST_INVAL without a reference; MST_LIMIT.
MST_NODISCARD mst_rc mst_chrf_sentence(mst_chrf_t *c, const mst_str_t *references, size_t reference_count,
                                       mst_str_t text, mst_chrf_stats_t *out, mst_err_t *err);
void mst_chrf_add(mst_chrf_stats_t *sum, const mst_chrf_stats_t *one);
double mst_chrf_score(const mst_chrf_stats_t *stats, const mst_chrf_how_t *how); // 0 to 100

#endif
