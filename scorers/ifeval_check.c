// The table of IFEval's instructions, their arguments and tools.
#include "scorers/ifeval_check.h"

#include "common/base/limits.h"
#include "common/text/normalise.h"

const mst_if_row_t mst_if_rows[] = {
    {"change_case:capital_word_frequency", mst_if_capital_words},
    {"change_case:english_capital", mst_if_english_capital},
    {"change_case:english_lowercase", mst_if_english_lower},
    {"combination:repeat_prompt", mst_if_repeat},
    {"combination:two_responses", mst_if_two_responses},
    {"detectable_content:number_placeholders", mst_if_placeholders},
    {"detectable_content:postscript", mst_if_postscript},
    {"detectable_format:constrained_response", mst_if_constrained},
    {"detectable_format:json_format", mst_if_json},
    {"detectable_format:multiple_sections", mst_if_sections},
    {"detectable_format:number_bullet_lists", mst_if_bullets},
    {"detectable_format:number_highlighted_sections", mst_if_highlights},
    {"detectable_format:title", mst_if_title},
    {"keywords:existence", mst_if_existence},
    {"keywords:forbidden_words", mst_if_forbidden},
    {"keywords:frequency", mst_if_frequency},
    {"keywords:letter_frequency", mst_if_letter},
    {"language:response_language", mst_if_language},
    {"length_constraints:nth_paragraph_first_word", mst_if_first_word},
    {"length_constraints:number_paragraphs", mst_if_paragraphs},
    {"length_constraints:number_sentences", mst_if_sentences},
    {"length_constraints:number_words", mst_if_words},
    {"punctuation:no_comma", mst_if_no_comma},
    {"startend:end_checker", mst_if_end},
    {"startend:quotation", mst_if_quotation},
    {NULL, NULL},
};

void
mst_if_tools_init(mst_if_tools_t *tools)
{
    mst_buf_init(&tools->lowered, 4 * MST_HTTP_BODY_MAX);
    mst_buf_init(&tools->other, 4 * MST_HTTP_BODY_MAX);
    mst_nltk_words_init(&tools->words, 4 * MST_HTTP_BODY_MAX);
    tools->patterns = mst_regex_cache_new();
}

void
mst_if_tools_deinit(mst_if_tools_t *tools)
{
    mst_buf_deinit(&tools->lowered);
    mst_buf_deinit(&tools->other);
    mst_nltk_words_deinit(&tools->words);
    mst_regex_cache_free(&tools->patterns);
}

static mst_rc
lacks(const mst_if_in_t *in, const char *name, const char *what, mst_err_t *err)
{
    return MST_ERR(err, MST_INVAL, "instruction \"%s\" needs the argument \"%s\": %s", in->id, name, what);
}

mst_rc
mst_if_number(const mst_if_in_t *in, const char *name, double *out, mst_err_t *err)
{
    const mst_json_t *v = mst_json_get(in->kwargs, name);
    if ((!mst_json_is(v, MST_JSON_INT) && !mst_json_is(v, MST_JSON_DOUBLE)) || !mst_json_f64(v, out) || *out != *out)
        return lacks(in, name, "a number", err);
    return MST_OK;
}

mst_rc
mst_if_text(const mst_if_in_t *in, const char *name, mst_str_t *out, mst_err_t *err)
{
    if (!mst_json_str(mst_json_get(in->kwargs, name), out) || out->n == 0)
        return lacks(in, name, "a text", err);
    return MST_OK;
}

mst_rc
mst_if_compare(const mst_if_in_t *in, uint64_t count, const char *relation, const char *number, mst_if_t *out,
               mst_err_t *err)
{
    mst_str_t how;
    double n;
    mst_rc rc = mst_if_text(in, relation, &how, err);
    if (rc == MST_OK)
        rc = mst_if_number(in, number, &n, err);
    if (rc != MST_OK)
        return rc;
    if (mst_str_eq_c(how, "less than"))
        *out = mst_if_of((double)count < n);
    else if (mst_str_eq_c(how, "at least"))
        *out = mst_if_of((double)count >= n);
    else
        return lacks(in, relation, "\"less than\" or \"at least\"", err);
    return MST_OK;
}

mst_rc
mst_if_lower(const mst_if_in_t *in, mst_str_t text, mst_buf_t *to, mst_str_t *out, mst_err_t *err)
{
    if (mst_text_lower(text, to, out) != MST_OK)
        return MST_ERR(err, MST_LIMIT, "a text of %zu bytes is too long for instruction \"%s\"", text.n, in->id);
    return MST_OK;
}
