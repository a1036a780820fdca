// The letter that an answer settles on, by rules of our own, in this order: the answer is a letter alone; the last
// \boxed{X}; the last "answer is X", "answer: X", "option X"; a letter with a mark at the very start ("B) ..."); a last
// line of a letter alone; the last "(X)"; the only choice whose text is in the answer. Letters beyond the choices do
// not count, and letters within a text count as capitals alone, for "a" is a word.
#include "scorers/choice_extract.h"

#include "common/base/mem.h"
#include "common/base/utf8.h"
#include "common/text/normalise.h"

#include <stdlib.h>

#define OPEN "[*_\"'`(\\[$]{0,6}"

static const char *const patterns[] = {
    "\\\\boxed\\{\\s*(?:\\\\(?:text|textbf|mathrm|mathbf)\\{)?\\s*\\(?([A-Z])\\)?\\s*\\}",
    "(?i:\\b(?:answer|choice|option)\\b)(?i:[^\\n]{0,40}?(?:\\bis\\b|\\bwould "
    "be\\b|:|=)|)\\s*(?i:(?:option|choice)\\s+)?" OPEN "([A-Z])(?![\\w'\\u2019])",
    "\\A\\s*" OPEN "([A-Z])[*_]{0,2}[)\\].:](?=[\\s*_]|$)",
    "\\(([A-Z])\\)",
};

enum { BOXED, SAID, AT_START, IN_BRACKETS, PATTERNS };

struct mst_choice_letter {
    mst_regex_t *re[PATTERNS];
};

mst_rc
mst_choice_letter_new(mst_choice_letter_t **out, mst_err_t *err)
{
    mst_choice_letter_t *l = MST_NEW(mst_choice_letter_t);
    mst_rc rc = MST_OK;
    for (size_t i = 0; i < PATTERNS && rc == MST_OK; i++)
        rc = mst_regex_new(mst_str_c(patterns[i]), MST_REGEX_UCP, &l->re[i], err);
    if (rc != MST_OK)
        mst_choice_letter_free(&l);
    *out = l;
    return rc;
}

void
mst_choice_letter_free(mst_choice_letter_t **l)
{
    if (l == NULL || *l == NULL)
        return;
    for (size_t i = 0; i < PATTERNS; i++)
        mst_regex_free(&(*l)->re[i]);
    free(*l);
    *l = NULL;
}

static bool
is_dressing(char c)
{
    return c != '\0' && strchr("*_\"'`()[]{}$.:,", c) != NULL;
}

char
mst_choice_letter_alone(mst_str_t text)
{
    text = mst_utf8_trim(text);
    while (text.n > 1 && is_dressing(text.p[0]))
        text = mst_str(text.p + 1, text.n - 1);
    while (text.n > 1 && is_dressing(text.p[text.n - 1]))
        text.n--;
    char c = text.n == 1 ? text.p[0] : '\0';
    if (c >= 'a' && c <= 'z')
        c = (char)(c - 'a' + 'A');
    return c >= 'A' && c <= 'Z' ? c : '\0';
}

static bool
among(const mst_choices_t *choices, char letter)
{
    size_t count = choices->count > 0 ? choices->count : MST_CHOICES_MAX;
    return letter >= 'A' && (size_t)(letter - 'A') < count;
}

// The last letter that a pattern finds and that is a choice.
static mst_rc
last_of(mst_regex_t *re, const mst_choices_t *choices, mst_str_t text, char *out, mst_err_t *err)
{
    mst_str_t groups[2];
    mst_regex_at_t at = {.from = 0};
    mst_rc rc;
    while ((rc = mst_regex_next(re, text, &at, groups, 2, err)) == MST_OK) {
        if (groups[1].n == 1 && among(choices, groups[1].p[0]))
            *out = groups[1].p[0];
    }
    return rc == MST_NOTFOUND ? MST_OK : rc;
}

static char
last_line(const mst_choices_t *choices, mst_str_t text)
{
    text = mst_utf8_trim(text);
    const char *nl = text.n > 0 ? memrchr(text.p, '\n', text.n) : NULL;
    size_t from = nl != NULL ? (size_t)(nl - text.p) + 1 : 0;
    char letter = mst_choice_letter_alone(mst_str(text.p + from, text.n - from));
    return among(choices, letter) ? letter : '\0';
}

// The only choice whose text is in the answer, in whatever case.
static mst_rc
only_choice(const mst_choices_t *choices, mst_str_t text, mst_buf_t *scratch, char *out, mst_err_t *err)
{
    mst_buf_t one;
    mst_str_t form;
    char found = '\0';
    size_t count = 0;
    if (mst_text_lower(text, scratch, &text) != MST_OK)
        return MST_ERR(err, MST_LIMIT, "an answer of %zu bytes is too long to search", text.n);
    mst_buf_init(&one, scratch->max);
    for (size_t i = 0; i < choices->count; i++) {
        mst_str_t item = mst_utf8_trim(choices->items[i]);
        if (item.n == 0 || mst_text_lower(item, &one, &form) != MST_OK || mst_str_find(text, form, 0) < 0)
            continue;
        found = (char)('A' + i);
        count++;
    }
    mst_buf_deinit(&one);
    *out = count == 1 ? found : '\0';
    return MST_OK;
}

mst_rc
mst_choice_letter(mst_choice_letter_t *l, const mst_choices_t *choices, mst_str_t text, mst_buf_t *scratch, char *out,
                  mst_err_t *err)
{
    char letter = mst_choice_letter_alone(text);
    mst_rc rc = MST_OK;
    letter = among(choices, letter) ? letter : '\0';
    if (letter == '\0')
        rc = last_of(l->re[BOXED], choices, text, &letter, err);
    if (rc == MST_OK && letter == '\0')
        rc = last_of(l->re[SAID], choices, text, &letter, err);
    if (rc == MST_OK && letter == '\0')
        rc = last_of(l->re[AT_START], choices, text, &letter, err);
    if (rc == MST_OK && letter == '\0')
        letter = last_line(choices, text);
    if (rc == MST_OK && letter == '\0')
        rc = last_of(l->re[IN_BRACKETS], choices, text, &letter, err);
    if (rc == MST_OK && letter == '\0')
        rc = only_choice(choices, text, scratch, &letter, err);
    *out = letter;
    return rc;
}
