// How choice takes an answer out of a text. For choice*.c only. Thread: a state belongs to one thread.
#ifndef MST_SCORERS_CHOICE_EXTRACT_H
#define MST_SCORERS_CHOICE_EXTRACT_H

#include "common/text/regex.h"

#define MST_CHOICES_MAX 26 // A to Z

// The choices of one case, in order.
typedef struct {
    mst_str_t items[MST_CHOICES_MAX];
    size_t count; // 0: not known
} mst_choices_t;

// lm-evaluation-harness's RegexFilter: all matches of a pattern, the first or last of them, of its groups the first
// that holds something, stripped. *out empty: nothing was found.
MST_NODISCARD mst_rc mst_choice_regex(mst_regex_t *re, mst_str_t text, bool last, mst_str_t *out, mst_err_t *err);

// lm-evaluation-harness's MultiChoiceRegexFilter.
typedef struct {
    mst_regex_t *pattern;
    mst_regex_t *const *ignore; // their matches are deleted before choices are looked for in the text
    size_t ignore_count;
    bool last, ignore_case, ignore_punctuation;
    mst_buf_t *text, *forms; // scratch
} mst_choice_multi_t;

// "(A)", or what the pattern gave, or "[invalid]". letter: room for the first.
MST_NODISCARD mst_rc mst_choice_multi(const mst_choice_multi_t *m, const mst_choices_t *choices, mst_str_t text,
                                      char letter[3], mst_str_t *out, mst_err_t *err);

// The text behind the first "the answer is ", its first line, stripped, without one final full stop. Without these
// words: of the whole text. This is how BIG-Bench Hard's published accuracies were reached.
mst_str_t mst_choice_answer_is(mst_str_t text);

// Our own: the letter that an answer settles on. '\0': none.
typedef struct mst_choice_letter mst_choice_letter_t;
MST_NODISCARD mst_rc mst_choice_letter_new(mst_choice_letter_t **out, mst_err_t *err);
void mst_choice_letter_free(mst_choice_letter_t **l);
MST_NODISCARD mst_rc mst_choice_letter(mst_choice_letter_t *l, const mst_choices_t *choices, mst_str_t text,
                                       mst_buf_t *scratch, char *out, mst_err_t *err);
// A, (A), A., "a" as a letter alone; '\0': it is none.
char mst_choice_letter_alone(mst_str_t text);

#endif
