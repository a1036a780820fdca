#include "common/text/language.h"

#include "common/base/utf8.h"
#include "common/text/language_words.h"
#include "common/text/normalise.h"
#include "common/text/python.h"

#define CHARS_MAX 10000 // langdetect reads no more
#define WORDS_MAX 400
#define LANGS     (sizeof lang_words / sizeof *lang_words)

enum {
    LATIN,
    GREEK,
    CYRILLIC,
    HEBREW,
    ARABIC,
    DEVANAGARI,
    BENGALI,
    GURMUKHI,
    GUJARATI,
    TAMIL,
    TELUGU,
    KANNADA,
    MALAYALAM,
    THAI,
    KANA,
    HANGUL,
    HAN,
    SCRIPTS
};

// code: the language of a script that is written in one alone.
static const struct {
    const char *name, *code;
} scripts[SCRIPTS] = {
    {"latin", NULL},      {"greek", "el"},   {"cyrillic", NULL},  {"hebrew", "he"},   {"arabic", NULL},
    {"devanagari", NULL}, {"bengali", "bn"}, {"gurmukhi", "pa"},  {"gujarati", "gu"}, {"tamil", "ta"},
    {"telugu", "te"},     {"kannada", "kn"}, {"malayalam", "ml"}, {"thai", "th"},     {"kana", "ja"},
    {"hangul", "ko"},     {"han", NULL},
};

static const struct {
    uint32_t first, last;
    int script;
} blocks[] = {
    {'A', 'Z', LATIN},        {'a', 'z', LATIN},        {0xC0, 0x24F, LATIN},      {0x370, 0x3FF, GREEK},
    {0x400, 0x52F, CYRILLIC}, {0x590, 0x5FF, HEBREW},   {0x620, 0x6FF, ARABIC},    {0x900, 0x963, DEVANAGARI},
    {0x980, 0x9FF, BENGALI},  {0xA00, 0xA7F, GURMUKHI}, {0xA80, 0xAFF, GUJARATI},  {0xB80, 0xBFF, TAMIL},
    {0xC00, 0xC7F, TELUGU},   {0xC80, 0xCFF, KANNADA},  {0xD00, 0xD7F, MALAYALAM}, {0xE00, 0xE7F, THAI},
    {0x1100, 0x11FF, HANGUL}, {0x1E00, 0x1EFF, LATIN},  {0x1F00, 0x1FFF, GREEK},   {0x3041, 0x30FF, KANA},
    {0x3400, 0x4DBF, HAN},    {0x4E00, 0x9FFF, HAN},    {0xAC00, 0xD7AF, HANGUL},  {0xFB50, 0xFDFF, ARABIC},
    {0xFE70, 0xFEFC, ARABIC},
};

static int
script_of(uint32_t cp)
{
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) {
        if (cp >= blocks[i].first && cp <= blocks[i].last)
            return cp == 0xD7 || cp == 0xF7 ? -1 : blocks[i].script; // the signs for "times" and "divided by"
    }
    return -1;
}

// What a text shows of itself.
typedef struct {
    size_t letters[SCRIPTS], total;
    size_t words, capital_words; // words of two letters and more; those of them all in capitals
} look_t;

static mst_str_t
first_chars(mst_str_t s)
{
    uint32_t cp;
    size_t i = 0;
    for (size_t n = 0; n < CHARS_MAX && i < s.n; n++)
        i += mst_utf8_next(mst_str(s.p + i, s.n - i), &cp);
    return mst_str(s.p, i);
}

// An address of the web or of mail says nothing of the language.
static bool
is_address(mst_str_t word)
{
    return mst_str_find(word, MST_STR("http://"), 0) >= 0 || mst_str_find(word, MST_STR("https://"), 0) >= 0 ||
           (word.n > 2 && mst_str_find(word, MST_STR("@"), 1) > 0);
}

static look_t
look_at(mst_str_t s)
{
    look_t look = {.total = 0};
    mst_str_t word;
    while (mst_py_split(&s, &word)) {
        size_t letters = 0, capitals = 0;
        if (is_address(word))
            continue;
        for (size_t i = 0; i < word.n;) {
            uint32_t cp;
            i += mst_utf8_next(mst_str(word.p + i, word.n - i), &cp);
            int script = script_of(cp);
            if (script < 0)
                continue;
            look.letters[script]++;
            letters++;
            capitals += mst_py_char_upper(cp);
        }
        look.words += letters > 1;
        look.capital_words += letters > 1 && capitals == letters;
    }
    size_t others = 0;
    for (size_t i = LATIN + 1; i < SCRIPTS; i++)
        others += look.letters[i];
    if (look.letters[LATIN] * 2 < others) // quotations in Latin letters, as langdetect sees them
        look.letters[LATIN] = 0;
    look.total = others + look.letters[LATIN];
    return look;
}

static bool
in_list(const char *list, mst_str_t word)
{
    mst_str_t l = mst_str_c(list);
    for (int64_t at = 0; (at = mst_str_find(l, word, (size_t)at)) >= 0; at++) {
        if (l.p[at - (at > 0)] == ' ' && l.p[(size_t)at + word.n] == ' ')
            return true;
    }
    return false;
}

static bool
ends_in(const char *list, mst_str_t word)
{
    mst_str_t rest = mst_str_c(list), ending;
    while (mst_py_split(&rest, &ending)) {
        if (word.n >= ending.n + 2 && mst_str_ends(word, ending))
            return true;
    }
    return false;
}

// Letters beyond those that all languages of the script have: half a point for one of the language's own, two off for
// a foreign one.
static double
letters_of(const mst_lang_words_t *l, mst_str_t word)
{
    double points = 0.0;
    for (size_t i = 0; i < word.n;) {
        uint32_t cp;
        size_t n = mst_utf8_next(mst_str(word.p + i, word.n - i), &cp);
        bool own = cp >= 0x80 && mst_str_find(mst_str_c(l->letters), mst_str(word.p + i, n), 0) >= 0;
        points += own ? 0.5 : cp >= 0xC0 && cp < 0x2000 && script_of(cp) == LATIN ? -2.0 : 0.0;
        i += n;
    }
    return points;
}

static void
add_word(mst_str_t word, const char *script, double points[LANGS])
{
    bool hit[LANGS];
    size_t hits = 0;
    for (size_t i = 0; i < LANGS; i++) {
        hit[i] = strcmp(lang_words[i].script, script) == 0 && in_list(lang_words[i].words, word);
        hits += hit[i];
    }
    for (size_t i = 0; i < LANGS; i++) {
        if (strcmp(lang_words[i].script, script) != 0)
            continue;
        points[i] += letters_of(&lang_words[i], word);
        if (hit[i])
            points[i] += hits == 1 ? 2.0 : 1.0;
        else if (ends_in(lang_words[i].endings, word))
            points[i] += 0.5;
    }
}

// A word without the marks around it.
static mst_str_t
bare(mst_str_t word)
{
    uint32_t cp;
    while (word.n > 0) {
        size_t n = mst_utf8_next(word, &cp);
        if (script_of(cp) >= 0 || cp == '\'')
            break;
        word = mst_str(word.p + n, word.n - n);
    }
    for (size_t n; (n = mst_py_char_before(word, 0, word.n, &cp)) > 0 && script_of(cp) < 0;)
        word.n -= n;
    return word;
}

// Chooses among the languages of one script by their words.
static void
by_words(mst_str_t lowered, const look_t *look, mst_lang_t *out)
{
    double points[LANGS] = {0.0}, best = -1e9, second = -1e9;
    size_t words = 0, at = 0;
    mst_str_t word;
    while (words < WORDS_MAX && mst_py_split(&lowered, &word)) {
        word = is_address(word) ? MST_STR_NULL : bare(word);
        if (word.n == 0 || word.n > 64)
            continue;
        words++;
        add_word(word, out->script, points);
    }
    for (size_t i = 0; i < LANGS; i++) {
        if (strcmp(lang_words[i].script, out->script) != 0)
            continue;
        if (points[i] > best) {
            second = best;
            best = points[i];
            at = i;
        } else if (points[i] > second) {
            second = points[i];
        }
    }
    second = second > 0.0 ? second : 0.0;
    double n = (double)words, ahead = best - second;
    out->code = lang_words[at].code;
    bool sure = words >= 3 && ahead >= 2.0 && ahead >= 0.1 * n && best >= 0.25 * n;
    // Of a word in capitals langdetect sees the first letter alone. It then says English of much that is none, and only
    // of English is it known to be right.
    if (look->capital_words * 2 > look->words)
        sure = sure && words >= 8 && strcmp(out->code, "en") == 0;
    out->sure = sure ? MST_LANG_SURE : MST_LANG_UNSURE;
}

// Chinese by characters that one of its two ways of writing does not have.
static void
chinese(mst_str_t s, mst_lang_t *out)
{
    static const char simple[] = "们这说时来对国过后个为发会学开么样问边还没话长东车书马见门间电现关"
                                 "点经应实体与从动机业级区该务决将报总让认识语请读谁课";
    static const char traditional[] = "們這說時來對國過後個為發會學開麼樣問邊還沒話長東車書馬見門間電現關"
                                      "點經應實體與從動機業級區該務決將報總讓認識語請讀誰課";
    size_t simplified = 0, full = 0;
    for (size_t i = 0; i < s.n;) {
        uint32_t cp;
        size_t n = mst_utf8_next(mst_str(s.p + i, s.n - i), &cp);
        mst_str_t one = mst_str(s.p + i, n);
        bool in_simple = cp >= 0x3400 && mst_str_find(mst_str_c(simple), one, 0) >= 0;
        bool in_full = cp >= 0x3400 && mst_str_find(mst_str_c(traditional), one, 0) >= 0;
        simplified += in_simple && !in_full;
        full += in_full && !in_simple;
        i += n;
    }
    out->code = full > simplified ? "zh-tw" : "zh-cn";
    bool sure = simplified + full >= 5 && (simplified >= 10 * full || full >= 10 * simplified);
    out->sure = sure ? MST_LANG_SURE : MST_LANG_UNSURE;
}

static void
by_script(const look_t *look, mst_lang_t *out, int *main_script)
{
    size_t most = 0, cjk = look->letters[KANA] + look->letters[HAN];
    for (int i = 0; i < SCRIPTS; i++) {
        if (look->letters[i] > most) {
            most = look->letters[i];
            *main_script = i;
        }
    }
    if (cjk * 10 >= look->total * 9 && look->letters[KANA] > 0) { // Japanese is written in both
        out->script = scripts[KANA].name;
        out->code = "ja";
        out->sure = look->letters[KANA] * 5 >= cjk ? MST_LANG_SURE : MST_LANG_UNSURE;
        *main_script = KANA;
        return;
    }
    if (most * 10 < look->total * 9)
        return;
    out->script = scripts[*main_script].name;
    if (scripts[*main_script].code != NULL) {
        out->code = scripts[*main_script].code;
        out->sure = MST_LANG_SURE;
    }
}

mst_rc
mst_language_of(mst_str_t text, mst_buf_t *scratch, mst_lang_t *out)
{
    mst_str_t s = first_chars(text), lowered;
    look_t look = look_at(s);
    int main_script = LATIN;
    *out = (mst_lang_t){.sure = look.total == 0 ? MST_LANG_NOTHING : MST_LANG_UNSURE, .code = ""};
    if (look.total == 0)
        return MST_OK;
    by_script(&look, out, &main_script);
    if (out->script == NULL || scripts[main_script].code != NULL)
        return MST_OK;
    if (main_script == HAN) {
        chinese(s, out);
        return MST_OK;
    }
    mst_rc rc = mst_text_lower(s, scratch, &lowered);
    if (rc == MST_OK)
        by_words(lowered, &look, out);
    return rc;
}

static const char *
script_of_code(mst_str_t code)
{
    for (size_t i = 0; i < LANGS; i++) {
        if (mst_str_eq_c(code, lang_words[i].code))
            return lang_words[i].script;
    }
    for (size_t i = 0; i < SCRIPTS; i++) {
        if (scripts[i].code != NULL && mst_str_eq_c(code, scripts[i].code))
            return scripts[i].name;
    }
    return mst_str_eq_c(code, "zh-cn") || mst_str_eq_c(code, "zh-tw") ? scripts[HAN].name : NULL;
}

bool
mst_language_is(const mst_lang_t *lang, mst_str_t code, bool *yes)
{
    const char *script = script_of_code(code);
    *yes = false;
    if (lang->sure == MST_LANG_NOTHING)
        return false;
    if (script == NULL) // langdetect never says this code
        return true;
    if (lang->sure == MST_LANG_SURE) {
        *yes = mst_str_eq_c(code, lang->code);
        return true;
    }
    return lang->script != NULL && lang->script != script && strcmp(lang->script, script) != 0;
}
