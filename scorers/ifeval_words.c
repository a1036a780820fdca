// IFEval: keywords, counts of words, letters and sentences, case and language.
#include "scorers/ifeval_check.h"

#include "common/base/utf8.h"
#include "common/text/language.h"
#include "common/text/normalise.h"
#include "common/text/punkt.h"
#include "common/text/python.h"

// A keyword without letters of meaning to a regular expression, in ASCII.
static bool
is_plain(mst_str_t s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (memchr("\\^$.|?*+()[]{}", s.p[i], 14) != NULL || s.p[i] == '\0' || (unsigned char)s.p[i] >= 0x80)
            return false;
    }
    return s.n > 0;
}

// How often a pattern matches, without regard to case; at most `enough`. A plain keyword in an ASCII answer, which is
// nearly every one, is looked for without a regular expression: the two are the same there.
static mst_rc
count(const mst_if_in_t *in, mst_str_t pattern, uint64_t enough, uint64_t *out, mst_err_t *err)
{
    *out = 0;
    if (is_plain(pattern) && mst_text_is_ascii(in->text)) {
        mst_str_t text, keyword;
        mst_rc rc = mst_if_lower(in, in->text, &in->tools->lowered, &text, err);
        if (rc == MST_OK)
            rc = mst_if_lower(in, pattern, &in->tools->other, &keyword, err);
        for (int64_t at = 0; rc == MST_OK && *out < enough; at += (int64_t)keyword.n) {
            at = mst_str_find(text, keyword, (size_t)at);
            if (at < 0)
                break;
            (*out)++;
        }
        return rc;
    }
    mst_regex_t *re;
    mst_regex_at_t at = {.from = 0};
    mst_rc rc = mst_regex_cached(in->tools->patterns, pattern, MST_REGEX_UCP | MST_REGEX_ICASE, &re, err);
    while (rc == MST_OK && *out < enough) {
        rc = mst_regex_next(re, in->text, &at, NULL, 0, err);
        *out += rc == MST_OK;
    }
    return rc == MST_NOTFOUND ? MST_OK : rc;
}

// The argument `name`: a list of texts, or one.
static mst_rc
list_of(const mst_if_in_t *in, const char *name, const mst_json_t **list, size_t *n, mst_err_t *err)
{
    const mst_json_t *v = mst_json_get(in->kwargs, name);
    bool one = mst_json_is(v, MST_JSON_STR) && v->u.s.n > 0, ok = one || (mst_json_is(v, MST_JSON_ARR) && v->count > 0);
    *list = one ? v : ok ? v->u.items : NULL;
    *n = one ? 1 : ok ? v->count : 0;
    for (size_t i = 0; i < *n; i++)
        ok = ok && (*list)[i].type == MST_JSON_STR;
    return ok ? MST_OK
              : MST_ERR(err, MST_INVAL, "instruction \"%s\" needs the argument \"%s\": a list of texts", in->id, name);
}

mst_rc
mst_if_existence(const mst_if_in_t *in, mst_if_t *out, mst_err_t *err)
{
    const mst_json_t *list;
    size_t n;
    uint64_t found = 1;
    mst_rc rc = list_of(in, "keywords", &list, &n, err);
    for (size_t i = 0; i < n && rc == MST_OK && found > 0; i++)
        rc = count(in, list[i].u.s, 1, &found, err);
    *out = mst_if_of(found > 0);
    return rc;
}

mst_rc
mst_if_frequency(const mst_if_in_t *in, mst_if_t *out, mst_err_t *err)
{
    mst_str_t keyword;
    uint64_t found;
    mst_rc rc = mst_if_text(in, "keyword", &keyword, err);
    if (rc == MST_OK)
        rc = count(in, mst_utf8_trim(keyword), UINT64_MAX, &found, err);
    return rc == MST_OK ? mst_if_compare(in, found, "relation", "frequency", out, err) : rc;
}

// \bWORD\b with WORD as it is: in "a|b" only the ends are bound.
static mst_rc
is_forbidden_here(const mst_if_in_t *in, mst_str_t word, bool *here, mst_err_t *err)
{
    mst_buf_t *pattern = &in->tools->other;
    mst_regex_t *re;
    mst_buf_reset(pattern);
    (void)mst_buf_add_c(pattern, "\\b");
    (void)mst_buf_add_str(pattern, word);
    if (mst_buf_add_c(pattern, "\\b") != MST_OK)
        return MST_ERR(err, MST_LIMIT, "a forbidden word of %zu bytes is too long", word.n);
    mst_rc rc = mst_regex_cached(in->tools->patterns, mst_buf_view(pattern), MST_REGEX_UCP | MST_REGEX_ICASE, &re, err);
    if (rc == MST_OK)
        rc = mst_regex_find(re, in->text, 0, NULL, 0, err);
    *here = rc == MST_OK;
    return rc == MST_NOTFOUND ? MST_OK : rc;
}

mst_rc
mst_if_forbidden(const mst_if_in_t *in, mst_if_t *out, mst_err_t *err)
{
    const mst_json_t *list;
    size_t n;
    bool here = false;
    mst_rc rc = list_of(in, "forbidden_words", &list, &n, err);
    for (size_t i = 0; i < n && rc == MST_OK && !here; i++) {
        uint64_t found = 1;
        if (is_plain(list[i].u.s)) // then no match with bounds without one of the word itself
            rc = count(in, list[i].u.s, 1, &found, err);
        if (rc == MST_OK && found > 0)
            rc = is_forbidden_here(in, list[i].u.s, &here, err);
    }
    *out = mst_if_of(!here);
    return rc;
}

// The reference takes a letter at random in place of one that is not of a to z; here it is counted as it is.
mst_rc
mst_if_letter(const mst_if_in_t *in, mst_if_t *out, mst_err_t *err)
{
    mst_str_t letter, text;
    uint64_t found = 0;
    mst_rc rc = mst_if_text(in, "letter", &letter, err);
    if (rc != MST_OK)
        return rc;
    if (mst_utf8_count(letter) != 1)
        return MST_ERR(err, MST_INVAL, "instruction \"%s\" needs one letter, not \"%.*s\"", in->id,
                       MST_FMT(mst_str_cut(letter, 40)));
    rc = mst_if_lower(in, in->text, &in->tools->lowered, &text, err);
    if (rc == MST_OK)
        rc = mst_if_lower(in, letter, &in->tools->other, &letter, err);
    if (rc != MST_OK)
        return rc;
    for (int64_t at = 0; (at = mst_str_find(text, letter, (size_t)at)) >= 0; at += (int64_t)letter.n)
        found++;
    return mst_if_compare(in, found, "let_relation", "let_frequency", out, err);
}

mst_rc
mst_if_words(const mst_if_in_t *in, mst_if_t *out, mst_err_t *err)
{
    return mst_if_compare(in, mst_py_count_words(in->text), "relation", "num_words", out, err);
}

mst_rc
mst_if_sentences(const mst_if_in_t *in, mst_if_t *out, mst_err_t *err)
{
    mst_punkt_t p;
    mst_str_t sentence;
    uint64_t n = 0;
    mst_punkt_init(&p, in->text);
    while (mst_punkt_next(&p, &sentence))
        n++;
    return mst_if_compare(in, n, "relation", "num_sentences", out, err);
}

mst_rc
mst_if_capital_words(const mst_if_in_t *in, mst_if_t *out, mst_err_t *err)
{
    mst_punkt_t p;
    mst_str_t sentence, words, word;
    uint64_t n = 0;
    mst_punkt_init(&p, in->text);
    while (mst_punkt_next(&p, &sentence)) {
        if (mst_nltk_words(&in->tools->words, sentence, &words) != MST_OK)
            return MST_ERR(err, MST_LIMIT, "a sentence of %zu bytes is too long to be cut into words", sentence.n);
        while (mst_py_split(&words, &word))
            n += mst_py_is_upper(word);
    }
    return mst_if_compare(in, n, "capital_relation", "capital_frequency", out, err);
}

// A text in which the reference's detector finds nothing to go by counts as followed.
static mst_rc
in_language(const mst_if_in_t *in, mst_str_t code, mst_if_t *out, mst_err_t *err)
{
    mst_lang_t lang;
    bool yes;
    if (mst_language_of(in->text, &in->tools->lowered, &lang) != MST_OK)
        return MST_ERR(err, MST_LIMIT, "a text of %zu bytes is too long for instruction \"%s\"", in->text.n, in->id);
    if (lang.sure == MST_LANG_NOTHING)
        *out = MST_IF_YES;
    else
        *out = mst_language_is(&lang, code, &yes) ? mst_if_of(yes) : MST_IF_UNKNOWN;
    return MST_OK;
}

mst_rc
mst_if_language(const mst_if_in_t *in, mst_if_t *out, mst_err_t *err)
{
    mst_str_t code;
    mst_rc rc = mst_if_text(in, "language", &code, err);
    return rc == MST_OK ? in_language(in, code, out, err) : rc;
}

mst_rc
mst_if_english_capital(const mst_if_in_t *in, mst_if_t *out, mst_err_t *err)
{
    *out = MST_IF_NO;
    return mst_py_is_upper(in->text) ? in_language(in, MST_STR("en"), out, err) : MST_OK;
}

mst_rc
mst_if_english_lower(const mst_if_in_t *in, mst_if_t *out, mst_err_t *err)
{
    *out = MST_IF_NO;
    return mst_py_is_lower(in->text) ? in_language(in, MST_STR("en"), out, err) : MST_OK;
}
