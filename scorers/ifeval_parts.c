// IFEval: checks that cut the answer into parts, lines or paragraphs. The reference's regular expressions stand in the
// comments; they are carried out by hand where a long answer would make them slow.
#include "scorers/ifeval_check.h"

#include "common/base/utf8.h"
#include "common/text/python.h"

// Bytes of the white space character at s.p + i, 0 when there is none.
static size_t
space_at(mst_str_t s, size_t i)
{
    uint32_t cp;
    if (i >= s.n)
        return 0;
    size_t n = mst_utf8_next(mst_str(s.p + i, s.n - i), &cp);
    return mst_utf8_is_space(cp) ? n : 0;
}

// Splits at \s?\*\*\*\s? and counts. An empty part counts only inside, where it is a mistake.
mst_rc
mst_if_paragraphs(const mst_if_in_t *in, mst_if_t *out, mst_err_t *err)
{
    mst_str_t s = in->text;
    double want, got = 0.0;
    bool first = true, ok = true;
    mst_rc rc = mst_if_number(in, "num_paragraphs", &want, err);
    for (size_t from = 0, last = 0; rc == MST_OK && !last; first = false) {
        int64_t mark = mst_str_find(s, MST_STR("***"), from);
        size_t end = mark < 0 ? s.n : (size_t)mark;
        uint32_t cp;
        size_t before = mark < 0 ? 0 : mst_py_char_before(s, from, end, &cp);
        if (before > 0 && !mst_utf8_is_space(cp))
            before = 0;
        last = mark < 0;
        bool blank = mst_py_is_blank(mst_str(s.p + from, end - before - from));
        got += blank ? 0.0 : 1.0;
        ok = ok && (!blank || first || last);
        from = end + 3;
        from += last ? 0 : space_at(s, from);
    }
    *out = mst_if_of(ok && got == want);
    return rc;
}

// The first word of a paragraph: without ' and then " in front, cut at the first mark, each character lowered.
static mst_rc
starts_with_word(const mst_if_in_t *in, mst_str_t paragraph, mst_str_t want, bool *same, mst_err_t *err)
{
    mst_str_t word = MST_STR_NULL;
    mst_buf_t *got = &in->tools->other;
    mst_rc rc = MST_OK;
    (void)mst_py_split(&paragraph, &word);
    while (word.n > 0 && word.p[0] == '\'')
        word = mst_str(word.p + 1, word.n - 1);
    while (word.n > 0 && word.p[0] == '"')
        word = mst_str(word.p + 1, word.n - 1);
    mst_buf_reset(got);
    for (size_t i = 0; i < word.n && rc == MST_OK && memchr(".,?!'\"", word.p[i], 6) == NULL;) {
        uint32_t cp;
        size_t n = mst_utf8_next(mst_str(word.p + i, word.n - i), &cp);
        rc = mst_utf8_lower(mst_str(word.p + i, n), got);
        i += n;
    }
    if (rc != MST_OK)
        return MST_ERR(err, rc, "a word of %zu bytes is too long for instruction \"%s\"", word.n, in->id);
    rc = mst_if_lower(in, want, &in->tools->lowered, &want, err);
    *same = mst_str_eq(mst_buf_view(got), want);
    return rc;
}

mst_rc
mst_if_first_word(const mst_if_in_t *in, mst_if_t *out, mst_err_t *err)
{
    mst_str_t s = in->text, want, nth = MST_STR_NULL;
    double paragraphs, number, index = 0.0, filled = 0.0;
    bool same = false;
    mst_rc rc = mst_if_number(in, "num_paragraphs", &paragraphs, err);
    if (rc == MST_OK)
        rc = mst_if_number(in, "nth_paragraph", &number, err);
    if (rc == MST_OK)
        rc = mst_if_text(in, "first_word", &want, err);
    if (rc != MST_OK)
        return rc;
    for (size_t from = 0; from <= s.n;) {
        int64_t mark = mst_str_find(s, MST_STR("\n\n"), from);
        size_t end = mark < 0 ? s.n : (size_t)mark;
        mst_str_t one = mst_utf8_trim(mst_str(s.p + from, end - from));
        index += 1.0;
        filled += one.n > 0 ? 1.0 : 0.0;
        if (index == number)
            nth = one;
        from = mark < 0 ? s.n + 1 : end + 2;
    }
    if (number <= filled && nth.n > 0)
        rc = starts_with_word(in, nth, want, &same, err);
    *out = mst_if_of(same && filled == paragraphs);
    return rc;
}

// re.split(\s?SPLITTER\s?\d+\s?): the splitter is a pattern, and each of its groups adds a part.
mst_rc
mst_if_sections(const mst_if_in_t *in, mst_if_t *out, mst_err_t *err)
{
    mst_str_t splitter;
    double want, got = 0.0;
    mst_buf_t *pattern = &in->tools->other;
    mst_regex_t *re;
    mst_regex_at_t at = {.from = 0};
    mst_rc rc = mst_if_text(in, "section_spliter", &splitter, err);
    if (rc == MST_OK)
        rc = mst_if_number(in, "num_sections", &want, err);
    if (rc != MST_OK)
        return rc;
    mst_buf_reset(pattern);
    (void)mst_buf_add_c(pattern, "\\s?");
    (void)mst_buf_add_str(pattern, mst_utf8_trim(splitter));
    if (mst_buf_add_c(pattern, "\\s?\\d+\\s?") != MST_OK)
        return MST_ERR(err, MST_LIMIT, "a section splitter of %zu bytes is too long", splitter.n);
    rc = mst_regex_cached(in->tools->patterns, mst_buf_view(pattern), MST_REGEX_UCP, &re, err);
    while (rc == MST_OK) {
        rc = mst_regex_next(re, in->text, &at, NULL, 0, err);
        got += rc == MST_OK ? 1.0 + mst_regex_groups(re) : 0.0;
    }
    *out = mst_if_of(got >= want);
    return rc == MST_NOTFOUND ? MST_OK : rc;
}

// Split at "******": two parts with something in them that differ, and no empty one between.
mst_rc
mst_if_two_responses(const mst_if_in_t *in, mst_if_t *out, mst_err_t *err)
{
    (void)err;
    mst_str_t s = in->text, parts[2] = {MST_STR_NULL, MST_STR_NULL};
    size_t filled = 0, from = 0;
    bool first = true, last = false, ok = true;
    for (; !last && ok; first = false) {
        int64_t mark = mst_str_find(s, MST_STR("******"), from);
        size_t end = mark < 0 ? s.n : (size_t)mark;
        last = mark < 0;
        mst_str_t part = mst_utf8_trim(mst_str(s.p + from, end - from));
        if (part.n == 0)
            ok = first || last;
        else if (filled++ < 2)
            parts[filled - 1] = part;
        from = end + 6;
    }
    *out = mst_if_of(ok && filled == 2 && !mst_str_eq(parts[0], parts[1]));
    return MST_OK;
}

static size_t
line_end(mst_str_t s, size_t i)
{
    const char *nl = i < s.n ? memchr(s.p + i, '\n', s.n - i) : NULL;
    return nl != NULL ? (size_t)(nl - s.p) : s.n;
}

// Matches of ^\s*MARK.*$ in multi-line mode; with other: of ^\s*MARK[^MARK].*$, where the second character may be
// the end of the line, and then the next line belongs to it.
static double
count_bullets(mst_str_t s, char mark, bool other)
{
    double n = 0.0;
    for (size_t line = 0; line < s.n;) {
        size_t at = line, blank, end;
        while ((blank = space_at(s, at)) > 0)
            at += blank;
        if (at >= s.n)
            break;
        bool hit = s.p[at] == mark && (!other || (at + 1 < s.n && s.p[at + 1] != mark));
        end = line_end(s, at + 1);
        if (hit && other && end == at + 1)
            end = line_end(s, at + 2);
        n += hit ? 1.0 : 0.0;
        line = (hit ? end : line_end(s, at)) + 1; // lines of white space alone lead to the same place
    }
    return n;
}

mst_rc
mst_if_bullets(const mst_if_in_t *in, mst_if_t *out, mst_err_t *err)
{
    double want;
    mst_rc rc = mst_if_number(in, "num_bullets", &want, err);
    if (rc == MST_OK)
        *out = mst_if_of(count_bullets(in->text, '*', true) + count_bullets(in->text, '-', false) == want);
    return rc;
}

// One of the parts of a marker at *at, then at most one white space character.
static bool
take_mark(mst_str_t s, size_t *at, const char *mark, bool blank)
{
    size_t n = strlen(mark);
    if (*at > s.n || !mst_str_starts(mst_str(s.p + *at, s.n - *at), mst_str(mark, n)))
        return false;
    *at += n;
    *at += blank ? space_at(s, *at) : 0;
    return true;
}

// p\.\s?s\. or p\.\s?p\.\s?s, anywhere.
static bool
has_postscript(mst_str_t s, bool twice)
{
    int64_t from = 0;
    while ((from = mst_str_find(s, MST_STR("p."), (size_t)from)) >= 0) {
        size_t at = (size_t)from++;
        if (!take_mark(s, &at, "p.", true) || (twice && !take_mark(s, &at, "p.", true)))
            continue;
        if (take_mark(s, &at, twice ? "s" : "s.", false))
            return true;
    }
    return false;
}

mst_rc
mst_if_postscript(const mst_if_in_t *in, mst_if_t *out, mst_err_t *err)
{
    mst_str_t marker, text;
    mst_regex_t *re;
    mst_buf_t *pattern = &in->tools->other;
    mst_rc rc = mst_if_text(in, "postscript_marker", &marker, err);
    if (rc == MST_OK)
        rc = mst_if_lower(in, in->text, &in->tools->lowered, &text, err);
    if (rc != MST_OK)
        return rc;
    marker = mst_utf8_trim(marker);
    if (mst_str_eq_c(marker, "P.P.S") || mst_str_eq_c(marker, "P.S.")) {
        *out = mst_if_of(has_postscript(text, marker.n == 5));
        return MST_OK;
    }
    mst_buf_reset(pattern); // another marker is a pattern itself
    (void)mst_buf_add_c(pattern, "\\s*");
    (void)mst_utf8_lower(marker, pattern);
    if (mst_buf_add_c(pattern, ".*$") != MST_OK)
        return MST_ERR(err, MST_LIMIT, "a postscript marker of %zu bytes is too long", marker.n);
    rc = mst_regex_cached(in->tools->patterns, mst_buf_view(pattern), MST_REGEX_UCP | MST_REGEX_MULTILINE, &re, err);
    if (rc == MST_OK)
        rc = mst_regex_find(re, text, 0, NULL, 0, err);
    *out = mst_if_of(rc == MST_OK);
    return rc == MST_NOTFOUND ? MST_OK : rc;
}
