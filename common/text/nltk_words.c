// The tokenizer is a list of replacements, one after the other over the whole sentence. Each is a function here that
// copies the text from one buffer to the other, in the same order, for what one does the next one sees.
#include "common/text/nltk_words.h"

#include "common/base/utf8.h"
#include "common/text/python.h"

typedef void (*pass_t)(mst_str_t s, mst_buf_t *out);

static void
put(mst_buf_t *out, mst_str_t s)
{
    (void)mst_buf_add_str(out, s);
}

static void
put_padded(mst_buf_t *out, mst_str_t s)
{
    (void)mst_buf_add_byte(out, ' ');
    put(out, s);
    (void)mst_buf_add_byte(out, ' ');
}

static bool
is_one_of(char c, const char *set)
{
    return c != '\0' && strchr(set, c) != NULL;
}

// Bytes of the first of `marks` (NULL-terminated) that is at s.p + i; 0 when none is.
static size_t
mark_at(mst_str_t s, size_t i, const char *const *marks)
{
    for (; *marks != NULL; marks++) {
        mst_str_t mark = mst_str_c(*marks);
        if (mst_str_starts(mst_str(s.p + i, s.n - i), mark))
            return mark.n;
    }
    return 0;
}

// Blanks around each of marks.
static void
pad(mst_str_t s, const char *const *marks, mst_buf_t *out)
{
    for (size_t i = 0; i < s.n;) {
        size_t n = mark_at(s, i, marks);
        if (n > 0)
            put_padded(out, mst_str(s.p + i, n));
        else
            (void)mst_buf_add_byte(out, s.p[i]);
        i += n > 0 ? n : 1;
    }
}

// Blanks around each ASCII character of set.
static void
pad_set(mst_str_t s, const char *set, mst_buf_t *out)
{
    for (size_t i = 0; i < s.n; i++) {
        if (is_one_of(s.p[i], set))
            put_padded(out, mst_str(s.p + i, 1));
        else
            (void)mst_buf_add_byte(out, s.p[i]);
    }
}

// Blanks around runs of c that are at least `least` long.
static void
pad_runs(mst_str_t s, char c, size_t least, mst_buf_t *out)
{
    for (size_t i = 0, n; i < s.n; i += n) {
        for (n = 0; i + n < s.n && s.p[i + n] == c;)
            n++;
        if (n >= least) {
            put_padded(out, mst_str(s.p + i, n));
        } else {
            n = n > 0 ? n : 1;
            put(out, mst_str(s.p + i, n));
        }
    }
}

static void
opening_marks(mst_str_t s, mst_buf_t *out)
{
    static const char *const marks[] = {"\u00AB", "\u201C", "\u2018", "\u201E", NULL};
    pad(s, marks, out);
}

static void
backticks(mst_str_t s, mst_buf_t *out)
{
    pad_runs(s, '`', 1, out);
}

static void
opening_quote(mst_str_t s, mst_buf_t *out)
{
    if (!mst_str_starts(s, MST_STR("\""))) {
        put(out, s);
        return;
    }
    put(out, MST_STR("``"));
    put(out, mst_str(s.p + 1, s.n - 1));
}

static void
backtick_pairs(mst_str_t s, mst_buf_t *out)
{
    static const char *const marks[] = {"``", NULL};
    pad(s, marks, out);
}

// A quote behind a blank or an opening bracket opens: `` .
static void
quote_behind_opening(mst_str_t s, mst_buf_t *out)
{
    for (size_t i = 0; i < s.n;) {
        size_t quote = 0;
        if (is_one_of(s.p[i], " ([{<") && i + 1 < s.n)
            quote = s.p[i + 1] == '"' ? 1 : mst_str_starts(mst_str(s.p + i + 1, s.n - i - 1), MST_STR("''")) ? 2 : 0;
        (void)mst_buf_add_byte(out, s.p[i++]);
        if (quote > 0)
            put(out, MST_STR(" `` "));
        i += quote;
    }
}

// An apostrophe before a word of one character, other than m, t, s, d, n, stands alone.
static void
apostrophe_before_one(mst_str_t s, mst_buf_t *out)
{
    for (size_t i = 0; i < s.n; i++) {
        (void)mst_buf_add_byte(out, s.p[i]);
        if (s.p[i] != '\'' || i + 1 >= s.n)
            continue;
        uint32_t cp, next = ' ';
        size_t n = mst_utf8_next(mst_str(s.p + i + 1, s.n - i - 1), &cp), behind = i + 1 + n;
        if (!mst_py_is_word(cp) || cp == 0x17F || (cp < 0x80 && is_one_of((char)cp, "mtsdnMTSDN")))
            continue;
        if (behind < s.n)
            mst_utf8_next(mst_str(s.p + behind, s.n - behind), &next);
        if (mst_py_is_word(next))
            continue;
        (void)mst_buf_add_byte(out, ' ');
        put(out, mst_str(s.p + i + 1, n));
        i += n;
    }
}

static size_t
skip_space(mst_str_t s, size_t i)
{
    uint32_t cp;
    while (i < s.n) {
        size_t n = mst_utf8_next(mst_str(s.p + i, s.n - i), &cp);
        if (!mst_utf8_is_space(cp))
            break;
        i += n;
    }
    return i;
}

// A full stop that nothing but closing marks and white space follow, and no full stop precedes, stands alone.
// `before` is what comes behind it, `wide` allows typographic marks and blanks among the closing ones.
static void
final_stop(mst_str_t s, bool wide, const char *before, mst_buf_t *out)
{
    static const char *const narrow_marks[] = {"]", ")", "}", ">", "\"", "'", NULL};
    static const char *const wide_marks[] = {"]", ")", "}", ">", "\"", "'", "\u00BB", "\u201D", "\u2019", " ", NULL};
    const char *stop = s.n > 0 ? memrchr(s.p, '.', s.n) : NULL;
    size_t at = stop != NULL ? (size_t)(stop - s.p) : 0, end = at + 1;
    if (at == 0 || s.p[at - 1] == '.') {
        put(out, s);
        return;
    }
    for (size_t n; end < s.n && (n = mark_at(s, end, wide ? wide_marks : narrow_marks)) > 0;)
        end += n;
    if (skip_space(s, end) < s.n) {
        put(out, s);
        return;
    }
    put(out, mst_str(s.p, at));
    put(out, MST_STR(" ."));
    put(out, mst_str_c(before));
    put(out, mst_str(s.p + at + 1, end - at - 1));
    (void)mst_buf_add_byte(out, ' ');
}

static void
final_stop_wide(mst_str_t s, mst_buf_t *out)
{
    final_stop(s, true, " ", out);
}

static void
final_stop_narrow(mst_str_t s, mst_buf_t *out)
{
    final_stop(s, false, "", out);
}

// A colon or comma that no digit follows stands apart from what is before it, and from what follows.
static void
colon_comma(mst_str_t s, mst_buf_t *out)
{
    for (size_t i = 0; i < s.n; i++) {
        uint32_t cp;
        if ((s.p[i] != ':' && s.p[i] != ',') || i + 1 >= s.n) {
            (void)mst_buf_add_byte(out, s.p[i]);
            continue;
        }
        size_t n = mst_utf8_next(mst_str(s.p + i + 1, s.n - i - 1), &cp);
        if (mst_py_is_digit(cp)) {
            (void)mst_buf_add_byte(out, s.p[i]);
            continue;
        }
        put_padded(out, mst_str(s.p + i, 1));
        put(out, mst_str(s.p + i + 1, n));
        i += n;
    }
}

static void
last_colon_comma(mst_str_t s, mst_buf_t *out)
{
    size_t at = s.n > 1 && s.p[s.n - 1] == '\n' ? s.n - 2 : s.n - 1;
    if (s.n == 0 || (s.p[at] != ':' && s.p[at] != ',')) {
        put(out, s);
        return;
    }
    put(out, mst_str(s.p, at));
    put_padded(out, mst_str(s.p + at, 1));
    put(out, mst_str(s.p + at + 1, s.n - at - 1));
}

static void
dots(mst_str_t s, mst_buf_t *out)
{
    pad_runs(s, '.', 2, out);
}

static void
symbols(mst_str_t s, mst_buf_t *out)
{
    pad_set(s, ";@#$%&", out);
}

static void
question_marks(mst_str_t s, mst_buf_t *out)
{
    pad_set(s, "?!", out);
}

// An apostrophe at the end of a word stands alone.
static void
apostrophe_behind(mst_str_t s, mst_buf_t *out)
{
    for (size_t i = 0; i < s.n; i++) {
        (void)mst_buf_add_byte(out, s.p[i]);
        if (s.p[i] == '\'' || i + 2 >= s.n || s.p[i + 1] != '\'' || s.p[i + 2] != ' ')
            continue;
        put(out, MST_STR(" ' "));
        i += 2;
    }
}

static void
stars_and_brackets(mst_str_t s, mst_buf_t *out)
{
    pad_set(s, "*][(){}<>", out);
}

static void
dashes(mst_str_t s, mst_buf_t *out)
{
    static const char *const marks[] = {"--", NULL};
    (void)mst_buf_add_byte(out, ' ');
    pad(s, marks, out);
    (void)mst_buf_add_byte(out, ' ');
}

static void
closing_marks(mst_str_t s, mst_buf_t *out)
{
    static const char *const marks[] = {"\u00BB", "\u201D", "\u2019", "''", NULL};
    pad(s, marks, out);
}

static void
closing_quotes(mst_str_t s, mst_buf_t *out)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '"')
            put(out, MST_STR(" '' "));
        else
            (void)mst_buf_add_byte(out, s.p[i]);
    }
}

static void
single_blanks(mst_str_t s, mst_buf_t *out)
{
    for (size_t i = 0; i < s.n;) {
        size_t end = skip_space(s, i);
        (void)mst_buf_add_byte(out, end > i ? ' ' : s.p[i]);
        i = end > i ? end : i + 1;
    }
}

// Parts from its word each clitic that a blank follows and neither an apostrophe nor a blank precedes.
static void
clitics(mst_str_t s, const char *const *list, mst_buf_t *out)
{
    for (size_t i = 0; i < s.n; i++) {
        (void)mst_buf_add_byte(out, s.p[i]);
        size_t n = s.p[i] != '\'' && s.p[i] != ' ' && i + 1 < s.n ? mark_at(s, i + 1, list) : 0;
        if (n == 0)
            continue;
        (void)mst_buf_add_byte(out, ' ');
        put(out, mst_str(s.p + i + 1, n));
        i += n;
    }
}

static void
short_clitics(mst_str_t s, mst_buf_t *out)
{
    static const char *const list[] = {"'s ", "'S ", "'m ", "'M ", "'d ", "'D ", "' ", NULL};
    clitics(s, list, out);
}

static void
long_clitics(mst_str_t s, mst_buf_t *out)
{
    static const char *const list[] = {"'ll ", "'LL ", "'re ", "'RE ", "'ve ", "'VE ", "n't ", "N'T ", NULL};
    clitics(s, list, out);
}

typedef struct {
    const char *one, *two;
    bool blank_before; // else: no word character before it
    bool blank_behind; // else: no word character behind it
} pair_t;

static bool
ascii_same(mst_str_t s, size_t i, const char *lower)
{
    size_t n = strlen(lower);
    if (s.n - i < n)
        return false;
    for (size_t k = 0; k < n; k++) {
        char c = s.p[i + k];
        if ((c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c) != lower[k])
            return false;
    }
    return true;
}

static bool
word_at(mst_str_t s, size_t i)
{
    uint32_t cp;
    if (i >= s.n)
        return false;
    mst_utf8_next(mst_str(s.p + i, s.n - i), &cp);
    return mst_py_is_word(cp);
}

static bool
is_pair(mst_str_t s, size_t i, const pair_t *pair)
{
    uint32_t cp;
    size_t one = strlen(pair->one), end = i + one + strlen(pair->two);
    if (!ascii_same(s, i, pair->one) || !ascii_same(s, i + one, pair->two) || word_at(s, end))
        return false;
    if (pair->blank_before)
        return i > 0 && s.p[i - 1] == ' ';
    return mst_py_char_before(s, 0, i, &cp) == 0 || !mst_py_is_word(cp);
}

// Parts two words written as one. By now every blank is a space, and one is at each end.
static void
part(mst_str_t s, const pair_t *pairs, mst_buf_t *out)
{
    for (size_t i = 0; i < s.n;) {
        size_t n = 0;
        for (const pair_t *pair = pairs; pair->one != NULL && n == 0; pair++) {
            size_t one = strlen(pair->one), two = strlen(pair->two), end = i + one + two;
            if (!is_pair(s, i, pair) || (pair->blank_behind && (end >= s.n || s.p[end] != ' ')))
                continue;
            put_padded(out, mst_str(s.p + i, one));
            put_padded(out, mst_str(s.p + i + one, two));
            n = one + two;
        }
        if (n == 0)
            (void)mst_buf_add_byte(out, s.p[i++]);
        i += n;
    }
}

static void
contractions(mst_str_t s, mst_buf_t *out)
{
    static const pair_t pairs[] = {
        {"can", "not", false, false}, {"d", "'ye", false, false},  {"gim", "me", false, false},
        {"gon", "na", false, false},  {"got", "ta", false, false}, {"lem", "me", false, false},
        {"more", "'n", false, false}, {"wan", "na", false, true},  {NULL, NULL, false, false},
    };
    part(s, pairs, out);
}

// In two passes, for the blanks that the first one leaves may begin the second.
static void
tis(mst_str_t s, mst_buf_t *out)
{
    static const pair_t pairs[] = {{"'t", "is", true, false}, {NULL, NULL, false, false}};
    part(s, pairs, out);
}

static void
twas(mst_str_t s, mst_buf_t *out)
{
    static const pair_t pairs[] = {{"'t", "was", true, false}, {NULL, NULL, false, false}};
    part(s, pairs, out);
}

static const pass_t passes[] = {
    opening_marks,
    backticks,
    opening_quote,
    backtick_pairs,
    quote_behind_opening,
    apostrophe_before_one,
    final_stop_wide,
    colon_comma,
    last_colon_comma,
    dots,
    symbols,
    final_stop_narrow,
    question_marks,
    apostrophe_behind,
    stars_and_brackets,
    dashes,
    closing_marks,
    closing_quotes,
    single_blanks,
    short_clitics,
    long_clitics,
    contractions,
    tis,
    twas,
};

void
mst_nltk_words_init(mst_nltk_words_t *w, size_t bytes_max)
{
    mst_buf_init(&w->a, bytes_max);
    mst_buf_init(&w->b, bytes_max);
}

void
mst_nltk_words_deinit(mst_nltk_words_t *w)
{
    mst_buf_deinit(&w->a);
    mst_buf_deinit(&w->b);
}

mst_rc
mst_nltk_words(mst_nltk_words_t *w, mst_str_t sentence, mst_str_t *out)
{
    mst_str_t s = sentence;
    for (size_t i = 0; i < sizeof passes / sizeof *passes; i++) {
        mst_buf_t *to = i % 2 == 0 ? &w->a : &w->b;
        mst_buf_reset(to);
        passes[i](s, to);
        if (to->failed)
            return MST_LIMIT;
        s = mst_buf_view(to);
    }
    *out = s;
    return MST_OK;
}
