// Short answers compared as the metrics of SQuAD v1.1, SQuAD v2.0 and TriviaQA compare them: normalised, exact match
// and F1 over words, the best of several right answers.
// Thread: an object belongs to one thread.
#ifndef MST_TEXT_QA_H
#define MST_TEXT_QA_H

#include "common/base/buf.h"

typedef enum { MST_QA_SQUAD, MST_QA_SQUAD2, MST_QA_TRIVIAQA } mst_qa_rules_t;

bool mst_qa_rules_parse(mst_str_t name, mst_qa_rules_t *out); // squad, squad2, triviaqa

// Lower case, without ASCII punctuation (SQuAD deletes it, TriviaQA puts a blank there, also for three typographic
// quotes), without the words a, an and the, words joined by one blank. Written to out (reset first). MST_LIMIT.
MST_NODISCARD mst_rc mst_qa_normalise(mst_qa_rules_t rules, mst_str_t text, mst_buf_t *scratch, mst_buf_t *out);

typedef struct {
    double em, f1; // each the best over the right answers
} mst_qa_score_t;

typedef struct mst_qa mst_qa_t;

mst_qa_t *mst_qa_new(mst_qa_rules_t rules);
void mst_qa_free(mst_qa_t **q);
// MST_INVAL without a right answer; MST_LIMIT.
MST_NODISCARD mst_rc mst_qa_score(mst_qa_t *q, const mst_str_t *golds, size_t gold_count, mst_str_t answer,
                                  mst_qa_score_t *out, mst_err_t *err);

#endif
