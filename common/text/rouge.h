// ROUGE as Google's rouge_score computes it: rouge1 to rouge9, rougeL, rougeLsum (lines split at "\n").
// Thread: an object belongs to one thread.
#ifndef MST_TEXT_ROUGE_H
#define MST_TEXT_ROUGE_H

#include "common/base/err.h"
#include "common/base/str.h"

// 1 to 9: that n. rouge0, rouge10 and "rougen" are no types.
typedef enum { MST_ROUGE_L = 10, MST_ROUGE_LSUM = 11 } mst_rouge_type_t;

#define MST_ROUGE_TYPES_MAX 11

typedef struct {
    double precision, recall, fmeasure;
} mst_prf_t;

// From the shares of the prediction and of the target that agree.
mst_prf_t mst_prf(double precision, double recall);

typedef struct mst_rouge mst_rouge_t;

bool mst_rouge_type_parse(mst_str_t name, mst_rouge_type_t *out);
const char *mst_rouge_type_name(mst_rouge_type_t type);
// types: at most MST_ROUGE_TYPES_MAX, copied.
mst_rouge_t *mst_rouge_new(const mst_rouge_type_t *types, size_t count, bool stem);
void mst_rouge_free(mst_rouge_t **r);
// One triple for each type. With several targets the one with the greatest F-measure counts, type by type, the
// first of equals. MST_LIMIT when the texts are too long together; MST_INVAL without a target.
MST_NODISCARD mst_rc mst_rouge_score(mst_rouge_t *r, const mst_str_t *targets, size_t target_count,
                                     mst_str_t prediction, mst_prf_t *out, mst_err_t *err);

#endif
