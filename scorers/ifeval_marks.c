// IFEval: checks for marks around texts, and for what stands at the ends of the answer.
#include "scorers/ifeval_check.h"

#include "common/base/utf8.h"
#include "common/text/python.h"

static mst_rc
at_least(const mst_if_in_t *in, double got, const char *name, mst_if_t *out, mst_err_t *err)
{
    double want;
    mst_rc rc = mst_if_number(in, name, &want, err);
    *out = mst_if_of(rc == MST_OK && got >= want);
    return rc;
}

// The next of c or "\n" from i on; s.n when there is neither.
static size_t
next_or_line(mst_str_t s, size_t i, char c)
{
    while (i < s.n && s.p[i] != c && s.p[i] != '\n')
        i++;
    return i;
}

// \[.*?\]: of several "[" before one "]" the first one counts.
mst_rc
mst_if_placeholders(const mst_if_in_t *in, mst_if_t *out, mst_err_t *err)
{
    mst_str_t s = in->text;
    double got = 0.0;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] != '[')
            continue;
        i = next_or_line(s, i, ']');
        got += i < s.n && s.p[i] == ']' ? 1.0 : 0.0;
    }
    return at_least(in, got, "num_placeholders", out, err);
}

// \*[^\n\*]*\* with something between.
static double
count_single(mst_str_t s)
{
    double n = 0.0;
    for (size_t i = 0; i < s.n;) {
        if (s.p[i] != '*') {
            i++;
            continue;
        }
        size_t end = next_or_line(s, i + 1, '*');
        bool hit = end < s.n && s.p[end] == '*';
        n += hit && !mst_py_is_blank(mst_str(s.p + i + 1, end - i - 1)) ? 1.0 : 0.0;
        i = hit ? end + 1 : end;
    }
    return n;
}

static bool
two_stars(mst_str_t s, size_t i)
{
    return i + 1 < s.n && s.p[i] == '*' && s.p[i + 1] == '*';
}

// \*\*[^\n\*]*\*\* with something between.
static double
count_double(mst_str_t s)
{
    double n = 0.0;
    for (size_t i = 0; i < s.n;) {
        if (!two_stars(s, i)) {
            i++;
            continue;
        }
        size_t end = next_or_line(s, i + 2, '*');
        bool hit = two_stars(s, end);
        n += hit && !mst_py_is_blank(mst_str(s.p + i + 2, end - i - 2)) ? 1.0 : 0.0;
        i = hit ? end + 2 : i + 1;
    }
    return n;
}

mst_rc
mst_if_highlights(const mst_if_in_t *in, mst_if_t *out, mst_err_t *err)
{
    return at_least(in, count_single(in->text) + count_double(in->text), "num_highlights", out, err);
}

// <<[^\n]+>>, of which something is left without "<" in front, ">" behind and white space. It reaches from the first
// "<<" of a line to its last ">>".
static bool
has_title(mst_str_t line)
{
    int64_t from = mst_str_find(line, MST_STR("<<"), 0);
    size_t end = line.n;
    while (end > 1 && (line.p[end - 1] != '>' || line.p[end - 2] != '>'))
        end--;
    if (from < 0 || end < (size_t)from + 5)
        return false;
    mst_str_t title = mst_str(line.p + from, end - (size_t)from);
    while (title.n > 0 && title.p[0] == '<')
        title = mst_str(title.p + 1, title.n - 1);
    while (title.n > 0 && title.p[title.n - 1] == '>')
        title.n--;
    return !mst_py_is_blank(title);
}

mst_rc
mst_if_title(const mst_if_in_t *in, mst_if_t *out, mst_err_t *err)
{
    (void)err;
    bool found = false;
    for (size_t from = 0; from < in->text.n && !found;) {
        size_t end = next_or_line(in->text, from, '\n');
        found = has_title(mst_str(in->text.p + from, end - from));
        from = end + 1;
    }
    *out = mst_if_of(found);
    return MST_OK;
}

mst_rc
mst_if_constrained(const mst_if_in_t *in, mst_if_t *out, mst_err_t *err)
{
    (void)err;
    static const char *const options[] = {"My answer is yes.", "My answer is no.", "My answer is maybe."};
    *out = MST_IF_NO;
    for (size_t i = 0; i < 3; i++) {
        if (mst_str_find(in->text, mst_str_c(options[i]), 0) >= 0)
            *out = MST_IF_YES;
    }
    return MST_OK;
}

mst_rc
mst_if_json(const mst_if_in_t *in, mst_if_t *out, mst_err_t *err)
{
    (void)err;
    static const char *const fences[] = {"```json", "```Json", "```JSON", "```"};
    mst_str_t s = mst_utf8_trim(in->text);
    for (size_t i = 0; i < 4; i++) {
        size_t n = strlen(fences[i]);
        if (mst_str_starts(s, mst_str(fences[i], n)))
            s = mst_str(s.p + n, s.n - n);
    }
    if (mst_str_ends(s, MST_STR("```")))
        s.n -= 3;
    *out = mst_if_of(mst_json_valid(mst_utf8_trim(s), true));
    return MST_OK;
}

mst_rc
mst_if_repeat(const mst_if_in_t *in, mst_if_t *out, mst_err_t *err)
{
    mst_str_t prompt, text;
    mst_rc rc = mst_if_text(in, "prompt_to_repeat", &prompt, err);
    if (rc == MST_OK)
        rc = mst_if_lower(in, mst_utf8_trim(prompt), &in->tools->other, &prompt, err);
    if (rc == MST_OK)
        rc = mst_if_lower(in, mst_utf8_trim(in->text), &in->tools->lowered, &text, err);
    *out = mst_if_of(rc == MST_OK && mst_str_starts(text, prompt));
    return rc;
}

mst_rc
mst_if_end(const mst_if_in_t *in, mst_if_t *out, mst_err_t *err)
{
    mst_str_t phrase, text = mst_utf8_trim(in->text);
    while (text.n > 0 && text.p[0] == '"')
        text = mst_str(text.p + 1, text.n - 1);
    while (text.n > 0 && text.p[text.n - 1] == '"')
        text.n--;
    mst_rc rc = mst_if_text(in, "end_phrase", &phrase, err);
    if (rc == MST_OK)
        rc = mst_if_lower(in, mst_utf8_trim(phrase), &in->tools->other, &phrase, err);
    if (rc == MST_OK)
        rc = mst_if_lower(in, text, &in->tools->lowered, &text, err);
    *out = mst_if_of(rc == MST_OK && mst_str_ends(text, phrase));
    return rc;
}

mst_rc
mst_if_quotation(const mst_if_in_t *in, mst_if_t *out, mst_err_t *err)
{
    (void)err;
    mst_str_t s = mst_utf8_trim(in->text);
    *out = mst_if_of(s.n > 1 && s.p[0] == '"' && s.p[s.n - 1] == '"');
    return MST_OK;
}

mst_rc
mst_if_no_comma(const mst_if_in_t *in, mst_if_t *out, mst_err_t *err)
{
    (void)err;
    *out = mst_if_of(in->text.n == 0 || memchr(in->text.p, ',', in->text.n) == NULL);
    return MST_OK;
}
