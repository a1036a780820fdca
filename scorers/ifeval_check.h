// The 25 instruction checks of IFEval, and what they share. For the files ifeval*.c only.
//
// A check looks at one text (the answer, or a variant of it) and says whether the instruction was followed. It may not
// know: the language of a short text, for instance. Thread: one set of tools belongs to one thread.
#ifndef MST_SCORERS_IFEVAL_CHECK_H
#define MST_SCORERS_IFEVAL_CHECK_H

#include "common/json/json.h"
#include "common/text/nltk_words.h"
#include "common/text/regex_cache.h"

typedef enum { MST_IF_NO = 0, MST_IF_YES = 1, MST_IF_UNKNOWN = 2 } mst_if_t;

typedef struct {
    mst_buf_t lowered, other; // scratch
    mst_nltk_words_t words;
    mst_regex_cache_t *patterns;
} mst_if_tools_t;

typedef struct {
    const char *id;
    mst_str_t text;
    const mst_json_t *kwargs; // object, or NULL
    mst_if_tools_t *tools;
} mst_if_in_t;

// MST_INVAL: an argument is missing or wrong. MST_LIMIT: a pattern took too much work, or the text is too long.
typedef mst_rc (*mst_if_check_t)(const mst_if_in_t *in, mst_if_t *out, mst_err_t *err);

typedef struct {
    const char *id;
    mst_if_check_t check;
} mst_if_row_t;

// Ends with a row whose id is NULL. Sorted by id.
extern const mst_if_row_t mst_if_rows[];

void mst_if_tools_init(mst_if_tools_t *tools);
void mst_if_tools_deinit(mst_if_tools_t *tools);

// Arguments. Null, "" and [] count as missing, as they do in the reference; so does a number that is none.
MST_NODISCARD mst_rc mst_if_number(const mst_if_in_t *in, const char *name, double *out, mst_err_t *err);
MST_NODISCARD mst_rc mst_if_text(const mst_if_in_t *in, const char *name, mst_str_t *out, mst_err_t *err);
// Compares by the argument `relation` ("less than", "at least") with the argument `number`.
MST_NODISCARD mst_rc mst_if_compare(const mst_if_in_t *in, uint64_t count, const char *relation, const char *number,
                                    mst_if_t *out, mst_err_t *err);
// The text in lower case, in tools->lowered.
MST_NODISCARD mst_rc mst_if_lower(const mst_if_in_t *in, mst_str_t text, mst_buf_t *to, mst_str_t *out, mst_err_t *err);

static inline mst_if_t
mst_if_of(bool yes)
{
    return yes ? MST_IF_YES : MST_IF_NO;
}

// ifeval_words.c
mst_rc mst_if_existence(const mst_if_in_t *in, mst_if_t *out, mst_err_t *err);
mst_rc mst_if_frequency(const mst_if_in_t *in, mst_if_t *out, mst_err_t *err);
mst_rc mst_if_forbidden(const mst_if_in_t *in, mst_if_t *out, mst_err_t *err);
mst_rc mst_if_letter(const mst_if_in_t *in, mst_if_t *out, mst_err_t *err);
mst_rc mst_if_words(const mst_if_in_t *in, mst_if_t *out, mst_err_t *err);
mst_rc mst_if_sentences(const mst_if_in_t *in, mst_if_t *out, mst_err_t *err);
mst_rc mst_if_capital_words(const mst_if_in_t *in, mst_if_t *out, mst_err_t *err);
mst_rc mst_if_language(const mst_if_in_t *in, mst_if_t *out, mst_err_t *err);
mst_rc mst_if_english_capital(const mst_if_in_t *in, mst_if_t *out, mst_err_t *err);
mst_rc mst_if_english_lower(const mst_if_in_t *in, mst_if_t *out, mst_err_t *err);
// ifeval_parts.c
mst_rc mst_if_paragraphs(const mst_if_in_t *in, mst_if_t *out, mst_err_t *err);
mst_rc mst_if_first_word(const mst_if_in_t *in, mst_if_t *out, mst_err_t *err);
mst_rc mst_if_sections(const mst_if_in_t *in, mst_if_t *out, mst_err_t *err);
mst_rc mst_if_two_responses(const mst_if_in_t *in, mst_if_t *out, mst_err_t *err);
mst_rc mst_if_bullets(const mst_if_in_t *in, mst_if_t *out, mst_err_t *err);
mst_rc mst_if_postscript(const mst_if_in_t *in, mst_if_t *out, mst_err_t *err);
// ifeval_marks.c
mst_rc mst_if_placeholders(const mst_if_in_t *in, mst_if_t *out, mst_err_t *err);
mst_rc mst_if_highlights(const mst_if_in_t *in, mst_if_t *out, mst_err_t *err);
mst_rc mst_if_title(const mst_if_in_t *in, mst_if_t *out, mst_err_t *err);
mst_rc mst_if_constrained(const mst_if_in_t *in, mst_if_t *out, mst_err_t *err);
mst_rc mst_if_json(const mst_if_in_t *in, mst_if_t *out, mst_err_t *err);
mst_rc mst_if_repeat(const mst_if_in_t *in, mst_if_t *out, mst_err_t *err);
mst_rc mst_if_end(const mst_if_in_t *in, mst_if_t *out, mst_err_t *err);
mst_rc mst_if_quotation(const mst_if_in_t *in, mst_if_t *out, mst_err_t *err);
mst_rc mst_if_no_comma(const mst_if_in_t *in, mst_if_t *out, mst_err_t *err);

#endif
