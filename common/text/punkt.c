// Four steps, each taking from the one before: marks that may end a sentence, those that remain when several belong to
// one word, sentences between the ones that do end it, and closing marks given back to the sentence they close.
#include "common/text/punkt.h"

#include "common/base/utf8.h"
#include "common/text/python.h"

static bool
is_one_of(char c, const char *set)
{
    return c != '\0' && strchr(set, c) != NULL;
}

static bool
is_end_mark(char c)
{
    return is_one_of(c, ".?!");
}

// Marks that stand in no word.
static bool
is_non_word(char c)
{
    return is_one_of(c, ")\";}]*:@'({[?!");
}

static size_t
space_at(mst_str_t s, size_t i)
{
    uint32_t cp;
    if (i >= s.n)
        return 0;
    size_t n = mst_utf8_next(mst_str(s.p + i, s.n - i), &cp);
    return mst_utf8_is_space(cp) ? n : 0;
}

static size_t
skip_space(mst_str_t s, size_t i)
{
    for (size_t n; (n = space_at(s, i)) > 0;)
        i += n;
    return i;
}

// "--", "..", or ". . .": marks of several characters.
static bool
multi_at(mst_str_t s, size_t i)
{
    if (i + 1 >= s.n || (s.p[i] != '-' && s.p[i] != '.'))
        return false;
    if (s.p[i + 1] == s.p[i])
        return true;
    size_t n;
    for (int k = 0; k < 2; k++) {
        if (i >= s.n || s.p[i] != '.' || (n = space_at(s, i + 1)) == 0)
            return false;
        i += 1 + n;
    }
    return i < s.n && s.p[i] == '.';
}

static size_t
multi_end(mst_str_t s, size_t i)
{
    char c = s.p[i];
    if (s.p[i + 1] == c) {
        while (i < s.n && s.p[i] == c)
            i++;
        return i;
    }
    size_t n, end = i;
    while (i < s.n && s.p[i] == '.') {
        end = i + 1;
        if ((n = space_at(s, i + 1)) == 0)
            break;
        i += 1 + n;
    }
    return end;
}

// Does a word end before i?
static bool
ends_word(mst_str_t s, size_t i)
{
    if (i >= s.n || space_at(s, i) > 0 || is_non_word(s.p[i]) || multi_at(s, i))
        return true;
    if (s.p[i] != ',')
        return false;
    i++;
    return i >= s.n || space_at(s, i) > 0 || is_non_word(s.p[i]) || multi_at(s, i);
}

// The next token of one line.
static bool
next_token(mst_str_t line, size_t *at, mst_str_t *token)
{
    uint32_t cp;
    size_t i = skip_space(line, *at), start = i;
    if (i >= line.n)
        return false;
    if (multi_at(line, i)) {
        i = multi_end(line, i);
    } else {
        bool word = !is_one_of(line.p[i], "(\"`{[:;&#*@)}]-,");
        do
            i += mst_utf8_next(mst_str(line.p + i, line.n - i), &cp);
        while (word && !ends_word(line, i));
    }
    *token = mst_str(line.p + start, i - start);
    *at = i;
    return true;
}

// -?[.,]?\d[\d,.-]*
static bool
is_number(mst_str_t s)
{
    uint32_t cp;
    size_t i = 0;
    if (i < s.n && s.p[i] == '-')
        i++;
    if (i < s.n && (s.p[i] == '.' || s.p[i] == ','))
        i++;
    for (bool first = true; i < s.n; first = false) {
        i += mst_utf8_next(mst_str(s.p + i, s.n - i), &cp);
        if (!mst_py_is_digit(cp) && (first || (cp != ',' && cp != '.' && cp != '-')))
            return false;
        if (i == s.n)
            return true;
    }
    return false;
}

// One letter (no digit) and a full stop.
static bool
is_initial(mst_str_t s)
{
    uint32_t cp;
    if (s.n < 2 || s.p[s.n - 1] != '.')
        return false;
    return mst_utf8_next(s, &cp) == s.n - 1 && mst_py_is_word(cp) && !mst_py_is_digit(cp);
}

// Does a sentence end between these two tokens?
static bool
breaks(mst_str_t one, mst_str_t two)
{
    if (one.n == 1 && is_end_mark(one.p[0]))
        return true;
    if (!mst_str_ends(one, MST_STR(".")) || mst_str_ends(one, MST_STR("..")))
        return false;
    bool initial = is_initial(one);
    if (!initial && !is_number(one))
        return true;
    uint32_t cp;
    mst_utf8_next(two, &cp);
    if ((two.n == 1 && is_one_of(two.p[0], ";:,.!?")) || mst_py_char_lower(cp))
        return false;
    return !(initial && mst_py_char_upper(cp));
}

// Is there a break with something behind it in this piece of text?
static bool
holds_break(mst_str_t piece)
{
    mst_str_t before = MST_STR_NULL, token;
    while (piece.n > 0) {
        const char *nl = memchr(piece.p, '\n', piece.n);
        mst_str_t line = mst_str(piece.p, nl != NULL ? (size_t)(nl - piece.p) : piece.n);
        size_t at = 0;
        while (next_token(line, &at, &token)) {
            if (before.n > 0 && breaks(before, token))
                return true;
            before = token;
        }
        size_t taken = line.n + (nl != NULL ? 1 : 0);
        piece = mst_str(piece.p + taken, piece.n - taken);
    }
    return false;
}

// The next mark that is followed by another mark, or by white space and something. text.n: none.
static size_t
next_mark(mst_punkt_t *p)
{
    mst_str_t s = p->text;
    for (; p->at < s.n; p->at++) {
        size_t next = p->at + 1;
        if (!is_end_mark(s.p[p->at]) || next >= s.n)
            continue;
        if (is_non_word(s.p[next]) || (space_at(s, next) > 0 && skip_space(s, next) < s.n))
            return p->at++;
    }
    return s.n;
}

// Where the word before a mark begins: behind the last ASCII blank since the mark before.
static size_t
word_before(const mst_punkt_t *p, size_t from, size_t mark)
{
    for (size_t i = mark; i > from + 1; i--) {
        if (is_one_of(p->text.p[i - 1], " \t\n\r\v\f"))
            return i;
    }
    return p->word;
}

// Of marks in one word the last counts. *out: the word and the mark.
static bool
next_candidate(mst_punkt_t *p, mst_span_t *out)
{
    for (size_t mark; (mark = next_mark(p)) < p->text.n;) {
        mst_span_t before = {p->word, p->mark};
        bool yield = p->waiting;
        p->word = word_before(p, p->waiting ? p->mark : 0, mark);
        yield = yield && before.stop <= p->word;
        p->mark = mark;
        p->waiting = true;
        if (yield) {
            *out = before;
            return true;
        }
    }
    if (!p->waiting)
        return false;
    *out = (mst_span_t){p->word, p->mark};
    p->waiting = false;
    return true;
}

static bool
next_slice(mst_punkt_t *p, mst_span_t *out)
{
    mst_str_t s = p->text;
    mst_span_t c;
    while (!p->ended && next_candidate(p, &c)) {
        size_t end = c.stop + 1, next = skip_space(s, end), behind = end;
        if (next == end) {
            behind++;
        } else {
            uint32_t cp;
            for (behind = next; behind < s.n && space_at(s, behind) == 0;)
                behind += mst_utf8_next(mst_str(s.p + behind, s.n - behind), &cp);
        }
        if (!holds_break(mst_str(s.p + c.start, behind - c.start)))
            continue;
        *out = (mst_span_t){p->start, end};
        p->start = next;
        return true;
    }
    if (p->ended)
        return false;
    p->ended = true;
    size_t stop = s.n;
    uint32_t cp;
    for (size_t n; (n = mst_py_char_before(s, 0, stop, &cp)) > 0 && mst_utf8_is_space(cp);)
        stop -= n;
    *out = (mst_span_t){p->start, stop};
    return true;
}

// Closing marks at the front of a sentence that belong to the one before: their bytes, and in *all those of the white
// space behind them too. 0: none.
static size_t
closers(mst_str_t s, mst_span_t at, size_t *all)
{
    size_t stop = at.stop > at.start ? at.stop : at.start, i = at.start;
    mst_str_t part = mst_str(s.p, stop);
    while (i < stop && is_one_of(s.p[i], "\"')]}"))
        i++;
    size_t n = i - at.start, end = skip_space(part, i);
    bool dashes = i + 1 < stop && s.p[i] == '-' && s.p[i + 1] == '-';
    if (n == 0 || (end == i && i < stop && !dashes))
        return 0;
    *all = end - at.start;
    return n;
}

void
mst_punkt_init(mst_punkt_t *p, mst_str_t text)
{
    *p = (mst_punkt_t){.text = text};
}

bool
mst_punkt_next(mst_punkt_t *p, mst_str_t *sentence)
{
    if (!p->holding && !p->ended)
        p->holding = next_slice(p, &p->held);
    while (p->holding) {
        mst_span_t one = p->held;
        size_t all = 0, n = 0;
        one.start += p->realign;
        p->holding = next_slice(p, &p->held);
        if (p->holding)
            n = closers(p->text, p->held, &all);
        p->realign = all;
        if (n > 0)
            one.stop = p->held.start + n;
        if (n > 0 || one.start < one.stop) {
            *sentence = mst_str(p->text.p + one.start, one.stop > one.start ? one.stop - one.start : 0);
            return true;
        }
    }
    return false;
}
