// A rule is a suffix, what replaces it, and what must hold for the rest of the word. The first rule of a step whose
// suffix fits decides: when its condition does not hold, the step leaves the word as it is.
//
// What NLTK changes: exceptions ("dying", "news", ...); words of up to two letters stay; "ies" and "ied" of a word of
// four letters become "ie" ("dies", "died"), "ied" of a longer one "i"; "*o" holds for a vowel and a consonant alone;
// y becomes i behind a consonant only; "alli" is tried before the table of step 2, which is then gone through with
// the result; bli -> ble, fulli -> ful, and logi -> log with the l counted to the stem.
#include "common/text/porter.h"

#include "common/base/str.h"

typedef struct {
    const char *suffix;
    size_t n;
    const char *to;
    size_t to_n;
} rule_t;

#define R(suffix, to)                                                                                                  \
    {                                                                                                                  \
        suffix, sizeof(suffix) - 1, to, sizeof(to) - 1                                                                 \
    }
#define COUNT(a) (sizeof(a) / sizeof(a)[0])

typedef struct {
    char *p;
    size_t n;
} word_t;

static inline bool
is_vowel_letter(char c)
{
    return c == 'a' || c == 'e' || c == 'i' || c == 'o' || c == 'u';
}

// Is p[i] a consonant, when the letter before it is one (before_consonant)? y is one at the start and behind a vowel.
static inline bool
is_consonant(const char *p, size_t i, bool before_consonant)
{
    return p[i] == 'y' ? i == 0 || !before_consonant : !is_vowel_letter(p[i]);
}

// The paper's m of p[0..n): how often a vowel is followed by a consonant. Counted up to 2, no rule needs more.
static unsigned
measure(const char *p, size_t n)
{
    unsigned m = 0;
    bool before = true;
    for (size_t i = 0; i < n && m < 2; i++) {
        bool consonant = is_consonant(p, i, before);
        m += consonant && !before;
        before = consonant;
    }
    return m;
}

static bool
has_vowel(const char *p, size_t n)
{
    bool before = true;
    for (size_t i = 0; i < n; i++) {
        before = is_consonant(p, i, before);
        if (!before)
            return true;
    }
    return false;
}

static bool
consonant_at(const char *p, size_t at)
{
    size_t first = at;
    while (first > 0 && p[first] == 'y')
        first--;
    bool consonant = is_consonant(p, first, true);
    for (size_t i = first + 1; i <= at; i++)
        consonant = !consonant; // a run of y takes turns
    return consonant;
}

// *o: ends in consonant, vowel, consonant, the last not w, x or y; or is a vowel and a consonant.
static bool
ends_cvc(const char *p, size_t n)
{
    if (n == 2)
        return !consonant_at(p, 0) && consonant_at(p, 1);
    if (n < 3 || !consonant_at(p, n - 3) || consonant_at(p, n - 2) || !consonant_at(p, n - 1))
        return false;
    return p[n - 1] != 'w' && p[n - 1] != 'x' && p[n - 1] != 'y';
}

static inline bool
ends(const word_t *w, const char *suffix, size_t n)
{
    return w->n >= n && w->p[w->n - 1] == suffix[n - 1] && memcmp(w->p + w->n - n, suffix, n) == 0;
}

#define ENDS(w, suffix) ends((w), suffix, sizeof(suffix) - 1)

static void
replace(word_t *w, const rule_t *r)
{
    memcpy(w->p + w->n - r->n, r->to, r->to_n);
    w->n += r->to_n;
    w->n -= r->n;
}

// The first rule whose suffix fits, or NULL.
static const rule_t *
fitting(const word_t *w, const rule_t *rules, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (ends(w, rules[i].suffix, rules[i].n))
            return &rules[i];
    }
    return NULL;
}

static void
step_1a(word_t *w)
{
    if (w->p[w->n - 1] != 's')
        return;
    if (w->n == 4 && ENDS(w, "ies"))
        w->n = 3;
    else if (ENDS(w, "sses") || ENDS(w, "ies"))
        w->n -= 2;
    else if (!ENDS(w, "ss"))
        w->n -= 1;
}

// Behind a removed "ed" or "ing".
static void
mend(word_t *w)
{
    if (ENDS(w, "at") || ENDS(w, "bl") || ENDS(w, "iz")) {
        w->p[w->n++] = 'e';
        return;
    }
    char last = w->p[w->n - 1];
    if (w->n >= 2 && last == w->p[w->n - 2] && consonant_at(w->p, w->n - 1)) {
        if (last != 'l' && last != 's' && last != 'z')
            w->n--;
        return;
    }
    if (measure(w->p, w->n) == 1 && ends_cvc(w->p, w->n))
        w->p[w->n++] = 'e';
}

static void
step_1b(word_t *w)
{
    if (ENDS(w, "ied")) {
        w->n -= w->n == 4 ? 1 : 2;
        return;
    }
    if (ENDS(w, "eed")) {
        if (measure(w->p, w->n - 3) > 0)
            w->n--;
        return;
    }
    size_t cut = ENDS(w, "ed") ? 2 : ENDS(w, "ing") ? 3 : 0;
    if (cut == 0 || !has_vowel(w->p, w->n - cut))
        return;
    w->n -= cut;
    mend(w);
}

static void
step_1c(word_t *w)
{
    if (w->p[w->n - 1] == 'y' && w->n > 2 && consonant_at(w->p, w->n - 2))
        w->p[w->n - 1] = 'i';
}

static void
step_2(word_t *w)
{
    static const rule_t rules[] = {
        R("ational", "ate"), R("tional", "tion"), R("enci", "ence"), R("anci", "ance"), R("izer", "ize"),
        R("bli", "ble"),     R("alli", "al"),     R("entli", "ent"), R("eli", "e"),     R("ousli", "ous"),
        R("ization", "ize"), R("ation", "ate"),   R("ator", "ate"),  R("alism", "al"),  R("iveness", "ive"),
        R("fulness", "ful"), R("ousness", "ous"), R("aliti", "al"),  R("iviti", "ive"), R("biliti", "ble"),
        R("fulli", "ful"),
    };
    if (ENDS(w, "alli") && measure(w->p, w->n - 4) > 0)
        w->n -= 2; // and on with the result, which does not end in "alli"
    char last = w->p[w->n - 1];
    if (last != 'i' && last != 'l' && last != 'n' && last != 's' && last != 'r' && last != 'm')
        return;
    const rule_t *r = fitting(w, rules, COUNT(rules));
    if (r != NULL) {
        if (measure(w->p, w->n - r->n) > 0)
            replace(w, r);
    } else if (ENDS(w, "logi") && measure(w->p, w->n - 3) > 0) {
        w->n--;
    }
}

static void
step_3(word_t *w)
{
    static const rule_t rules[] = {
        R("icate", "ic"), R("ative", ""), R("alize", "al"), R("iciti", "ic"),
        R("ical", "ic"),  R("ful", ""),   R("ness", ""),
    };
    char last = w->p[w->n - 1];
    if (last != 'e' && last != 'i' && last != 'l' && last != 's')
        return;
    const rule_t *r = fitting(w, rules, COUNT(rules));
    if (r != NULL && measure(w->p, w->n - r->n) > 0)
        replace(w, r);
}

static void
step_4(word_t *w)
{
    static const rule_t rules[] = {
        R("al", ""),  R("ance", ""),  R("ence", ""), R("er", ""),  R("ic", ""),  R("able", ""), R("ible", ""),
        R("ant", ""), R("ement", ""), R("ment", ""), R("ent", ""), R("ion", ""), R("ou", ""),   R("ism", ""),
        R("ate", ""), R("iti", ""),   R("ous", ""),  R("ive", ""), R("ize", ""),
    };
    const rule_t *r = fitting(w, rules, COUNT(rules));
    if (r == NULL || measure(w->p, w->n - r->n) < 2)
        return;
    char before = w->p[w->n - r->n - 1]; // there is one: the measure is not 0
    if (r->suffix[0] == 'i' && r->suffix[1] == 'o' && before != 's' && before != 't')
        return;
    w->n -= r->n;
}

static void
step_5(word_t *w)
{
    if (w->p[w->n - 1] == 'e') {
        unsigned m = measure(w->p, w->n - 1);
        if (m > 1 || (m == 1 && !ends_cvc(w->p, w->n - 1)))
            w->n--;
    }
    if (ENDS(w, "ll") && measure(w->p, w->n - 1) > 1)
        w->n--;
}

// Words that the steps would get wrong.
static bool
exception(word_t *w)
{
    static const rule_t list[] = {
        R("sky", "sky"),        R("skies", "sky"),       R("dying", "die"),        R("lying", "lie"),
        R("tying", "tie"),      R("news", "news"),       R("innings", "inning"),   R("inning", "inning"),
        R("outings", "outing"), R("outing", "outing"),   R("cannings", "canning"), R("canning", "canning"),
        R("howe", "howe"),      R("proceed", "proceed"), R("exceed", "exceed"),    R("succeed", "succeed"),
    };
    if (w->n > 8)
        return false;
    for (size_t i = 0; i < COUNT(list); i++) {
        if (list[i].n == w->n && list[i].suffix[0] == w->p[0] && memcmp(list[i].suffix, w->p, w->n) == 0) {
            replace(w, &list[i]);
            return true;
        }
    }
    return false;
}

size_t
mst_porter_stem(char *p, size_t n)
{
    word_t w = {.p = p, .n = n};
    if (n <= 2 || exception(&w))
        return w.n;
    // No step leaves nothing: a removed suffix leaves a stem with a letter in it.
    step_1a(&w);
    step_1b(&w);
    step_1c(&w);
    step_2(&w);
    step_3(&w);
    step_4(&w);
    step_5(&w);
    return w.n;
}
