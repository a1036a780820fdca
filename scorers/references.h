// The reference answers of a case, for scorers that take several and keep the best.
// Thread: a reader belongs to one thread.
#ifndef MST_SCORERS_REFERENCES_H
#define MST_SCORERS_REFERENCES_H

#include "scorers/scorer.h"

// The parameter that such a scorer has.
#define MST_PARAM_EXPECTED                                                                                             \
    {                                                                                                                  \
        .name = "expected", .alias = "references", .type = MST_P_STRLIST,                                              \
        .help = "answer or answers to compare with, the best counts; default: the case's expected answer, which may "  \
                "be a list"                                                                                            \
    }

typedef struct {
    const mst_str_t *items;
    size_t count; // at least 1
} mst_references_t;

// In this order: the parameter `expected`; the case's expected answer. That one is a list when it is a JSON array of
// strings (a row's ["a", "b"]; an empty array stands for one empty answer, as for questions that have none), or a JSON
// object with such an array as text, normalized_aliases or aliases (rows of SQuAD and TriviaQA). Any other text is the
// one reference. Views and lists live as long as the case and the arena.
// Without one as mst_score_reference: MST_NOTFOUND, and *out says so by state.
MST_NODISCARD mst_rc mst_score_references(const mst_scorer_cfg_t *cfg, const mst_score_in_t *in,
                                          mst_json_parser_t *parser, mst_references_t *refs, mst_score_t *out,
                                          mst_err_t *err);

#endif
