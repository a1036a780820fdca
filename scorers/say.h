// Sentences for reasons and small JSON for breakdowns, put together without formatted printing: a rule scorer
// costs about a microsecond, and its sentence must not cost more than its verdict.
// Everything is written to the arena; when that is full the answer is an empty slice, never an error: a verdict
// does not depend on its sentence. Thread: any, one arena at a time.
#ifndef MST_SCORERS_SAY_H
#define MST_SCORERS_SAY_H

#include "common/base/mem.h"
#include "common/base/str.h"
#include "scorers/scorer.h"

#define MST_SAY_EXCERPT 80 // bytes of an answer that a reason shows

typedef enum { MST_SAY_TEXT, MST_SAY_EXCERPT_OF, MST_SAY_INT, MST_SAY_MS, MST_SAY_NUM, MST_SAY_F64 } mst_say_type_t;

typedef struct {
    mst_say_type_t type;
    mst_str_t s; // TEXT as it is; EXCERPT_OF quoted, cut, without control characters
    int64_t i;   // INT; MS: nanoseconds, written as milliseconds with up to six decimals
    double d;    // NUM: finite, six significant digits
} mst_say_t;

#define MST_T(lit)  ((mst_say_t){.type = MST_SAY_TEXT, .s = MST_STR(lit)})
#define MST_TS(str) ((mst_say_t){.type = MST_SAY_TEXT, .s = (str)})
#define MST_X(str)  ((mst_say_t){.type = MST_SAY_EXCERPT_OF, .s = (str)})
#define MST_I(n)    ((mst_say_t){.type = MST_SAY_INT, .i = (int64_t)(n)})
#define MST_COUNT(n) ((n) < 0 ? MST_T("null") : MST_I(n)) // a count that may not be known
#define MST_MS(ns)  ((mst_say_t){.type = MST_SAY_MS, .i = (ns)})
#define MST_N(x)    ((mst_say_t){.type = MST_SAY_NUM, .d = (x)})
#define MST_F(x)    ((mst_say_t){.type = MST_SAY_F64, .d = (x)})

mst_str_t mst_say_all(mst_arena_t *arena, const mst_say_t *parts, size_t count);
// MST_SAY(arena, MST_T("length "), MST_I(n), ...)
#define MST_SAY(arena, ...)                                                                                            \
    mst_say_all((arena), (const mst_say_t[]){__VA_ARGS__}, sizeof((const mst_say_t[]){__VA_ARGS__}) / sizeof(mst_say_t))

// 1 up to the limit, then straight down to 0 at twice the limit. NaN counts as infinitely late.
double mst_score_decay(double value, double limit);

// The answer to compare with: the parameter `expected` when it is set, else the case's. Without one: MST_NOTFOUND,
// and *out says so by state; see "No reference" in scorers/README.md.
MST_NODISCARD mst_rc mst_score_reference(const mst_scorer_cfg_t *cfg, const mst_case_t *c, mst_str_t *ref,
                                         mst_score_t *out, mst_err_t *err);
// What that does when there is none.
MST_NODISCARD mst_rc mst_score_no_reference(const mst_scorer_cfg_t *cfg, mst_score_t *out, mst_err_t *err);

#endif
