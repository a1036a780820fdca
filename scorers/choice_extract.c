// What lm-evaluation-harness and BIG-Bench Hard do with answers to multiple choice questions.
#include "scorers/choice_extract.h"

#include "common/base/utf8.h"
#include "common/text/normalise.h"
#include "common/text/python.h"

// What re.findall lists for one match.
static mst_rc
listed(const mst_regex_t *re, const mst_str_t *groups, mst_str_t *out)
{
    uint32_t count = mst_regex_groups(re);
    if (count <= 1) {
        *out = mst_utf8_trim(groups[count]);
        return MST_OK;
    }
    for (uint32_t i = 1; i <= count; i++) {
        if (groups[i].n > 0) {
            *out = mst_utf8_trim(groups[i]);
            return MST_OK;
        }
    }
    return MST_NOTFOUND;
}

mst_rc
mst_choice_regex(mst_regex_t *re, mst_str_t text, bool last, mst_str_t *out, mst_err_t *err)
{
    mst_str_t groups[MST_REGEX_GROUPS_MAX + 1];
    mst_regex_at_t at = {.from = 0};
    mst_rc rc, found = MST_NOTFOUND;
    *out = MST_STR_NULL;
    while ((rc = mst_regex_next(re, text, &at, groups, MST_REGEX_GROUPS_MAX + 1, err)) == MST_OK) {
        found = listed(re, groups, out);
        if (!last)
            return found;
    }
    return rc == MST_NOTFOUND ? found : rc;
}

mst_str_t
mst_choice_answer_is(mst_str_t text)
{
    mst_str_t words = MST_STR("the answer is ");
    int64_t at = mst_str_find(text, words, 0);
    if (at >= 0)
        text = mst_str(text.p + at + words.n, text.n - (size_t)at - words.n);
    const char *nl = text.n > 0 ? memchr(text.p, '\n', text.n) : NULL;
    text.n = nl != NULL ? (size_t)(nl - text.p) : text.n;
    text = mst_utf8_trim(text);
    if (mst_str_ends(text, MST_STR(".")))
        text.n--;
    return text;
}

// Appends text without matches of the patterns to ignore, in lower case and without punctuation if so asked.
static mst_rc
add_form(const mst_choice_multi_t *m, mst_str_t text, mst_buf_t *to, mst_err_t *err)
{
    mst_buf_t *a = m->text, b;
    mst_buf_init(&b, a->max);
    mst_rc rc = MST_OK;
    for (size_t i = 0; i < m->ignore_count && rc == MST_OK; i++) {
        mst_buf_reset(&b);
        rc = mst_regex_delete(m->ignore[i], text, &b, err);
        mst_buf_reset(a);
        if (rc == MST_OK && mst_buf_add_str(a, mst_buf_view(&b)) != MST_OK)
            rc = MST_ERR(err, MST_LIMIT, "a text of %zu bytes is too long", text.n);
        text = mst_buf_view(a);
    }
    if (rc == MST_OK && m->ignore_case && mst_text_lower(text, &b, &text) != MST_OK)
        rc = MST_ERR(err, MST_LIMIT, "a text of %zu bytes is too long", text.n);
    for (size_t i = 0; i < text.n && rc == MST_OK;) {
        uint32_t cp;
        size_t n = mst_utf8_next(mst_str(text.p + i, text.n - i), &cp);
        if (!m->ignore_punctuation || !mst_py_is_punctuation(cp))
            (void)mst_buf_add(to, text.p + i, n);
        i += n;
    }
    mst_buf_deinit(&b);
    if (rc == MST_OK && to->failed)
        rc = MST_ERR(err, MST_LIMIT, "a text of %zu bytes is too long", text.n);
    return rc;
}

// The next match of the choices' alternation at or behind `from`: the leftmost one, and there the longest. Behind the
// last one: false. next[i]: where choice i is next, kept from one call to the following.
static bool
next_choice(mst_str_t text, const mst_choices_t *forms, size_t from, int64_t *next, size_t *out_at, size_t *out_which)
{
    bool found = false;
    for (size_t i = 0; i < forms->count; i++) {
        if (next[i] >= 0 && next[i] < (int64_t)from)
            next[i] = mst_str_find(text, forms->items[i], from);
        if (next[i] < 0)
            continue;
        size_t at = (size_t)next[i];
        if (!found || at < *out_at || (at == *out_at && forms->items[i].n > forms->items[*out_which].n)) {
            *out_at = at;
            *out_which = i;
            found = true;
        }
    }
    return found;
}

// The first or last choice in the text, as it stands there, stripped.
static mst_str_t
find_choice(mst_str_t text, const mst_choices_t *forms, bool last)
{
    int64_t next[MST_CHOICES_MAX];
    mst_str_t got = MST_STR_NULL;
    size_t at = 0, which = 0, from = 0;
    for (size_t i = 0; i < forms->count; i++) {
        next[i] = mst_str_find(text, forms->items[i], 0);
        if (forms->items[i].n == 0 && last)
            return MST_STR_NULL; // the empty choice matches at the very end
    }
    while (next_choice(text, forms, from, next, &at, &which)) {
        got = forms->items[which];
        from = at + got.n;
        if (!last)
            break;
    }
    return mst_utf8_trim(got);
}

// :\s*(A|B|...): the first or last letter.
static char
behind_colon(mst_str_t text, size_t choices, bool last)
{
    char got = '\0';
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] != ':')
            continue;
        size_t at = i + 1;
        uint32_t cp = 0;
        for (size_t n = 0; at < text.n; at += n) {
            n = mst_utf8_next(mst_str(text.p + at, text.n - at), &cp);
            if (!mst_utf8_is_space(cp))
                break;
        }
        if (at >= text.n || cp < 'A' || cp >= 'A' + choices)
            continue;
        got = (char)cp;
        i = at;
        if (!last)
            break;
    }
    return got;
}

static mst_rc
by_choices(const mst_choice_multi_t *m, const mst_choices_t *choices, mst_str_t text, char *letter, mst_str_t *out,
           mst_err_t *err)
{
    mst_choices_t forms = {.count = choices->count};
    size_t ends[MST_CHOICES_MAX];
    mst_buf_reset(m->forms);
    mst_rc rc = add_form(m, text, m->forms, err);
    size_t answer_n = m->forms->n;
    for (size_t i = 0; i < choices->count && rc == MST_OK; i++) {
        rc = add_form(m, mst_utf8_trim(choices->items[i]), m->forms, err);
        ends[i] = m->forms->n;
    }
    if (rc != MST_OK || m->forms->n == 0)
        return rc;
    for (size_t i = 0; i < choices->count; i++) {
        size_t from = i == 0 ? answer_n : ends[i - 1];
        forms.items[i] = mst_str(m->forms->p + from, ends[i] - from);
    }
    *out = find_choice(mst_str(m->forms->p, answer_n), &forms, m->last);
    for (size_t i = 0; i < forms.count && out->n > 0; i++) { // of equal choices the last one counts
        if (mst_str_eq(*out, forms.items[i]))
            *letter = (char)('A' + i);
    }
    return MST_OK;
}

mst_rc
mst_choice_multi(const mst_choice_multi_t *m, const mst_choices_t *choices, mst_str_t text, char letter[3],
                 mst_str_t *out, mst_err_t *err)
{
    char found = '\0';
    mst_rc rc = mst_choice_regex(m->pattern, text, m->last, out, err);
    if (rc != MST_OK && rc != MST_NOTFOUND)
        return rc;
    if (out->n > 0)
        return MST_OK;
    rc = by_choices(m, choices, text, &found, out, err);
    if (rc == MST_OK && out->n == 0)
        found = behind_colon(text, choices->count, m->last);
    if (rc != MST_OK || (out->n > 0 && found == '\0'))
        return rc;
    letter[0] = '(';
    letter[1] = found;
    letter[2] = ')';
    *out = found != '\0' ? mst_str(letter, 3) : MST_STR("[invalid]");
    return MST_OK;
}
