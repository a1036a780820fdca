// A token is about four characters, as with real vocabularies; a made-up word is short enough to be one token.
#include "sim/words.h"

#include "common/base/utf8.h"
#include "sim/plan.h"

enum { TOKEN_CHARS = 4, WORD_COUNT = 64 };

static const char words[WORD_COUNT][6] = {
    " the", " of",   " and", " to",   " in",   " is",  " that", " for",  " it",   " as",   " was",  " with", " be",
    " by",  " on",   " not", " he",   " this", " are", " or",   " his",  " from", " at",   " but",  " have", " an",
    " had", " they", " you", " were", " one",  " all", " we",   " can",  " her",  " has",  " if",   " will", " so",
    " no",  " out",  " up",  " said", " what", " its", " than", " into", " them", " only", " some", " time", " two",
    " may", " then", " do",  " any",  " like", " my",  " now",  " over", " such", " our",  " man",  " me",
};

static bool
is_blank(char c)
{
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

mst_str_t
mst_sim_token(mst_str_t text)
{
    size_t n = text.n > 0 && is_blank(text.p[0]) ? 1 : 0;
    bool blanks = n == 1 && text.n > 1 && is_blank(text.p[1]);
    for (int chars = 0; n < text.n && chars < (blanks ? TOKEN_CHARS - 1 : TOKEN_CHARS); chars++) {
        if (is_blank(text.p[n]) != blanks)
            break;
        uint32_t cp;
        n += (unsigned char)text.p[n] < 0x80 ? 1 : mst_utf8_next(mst_str(text.p + n, text.n - n), &cp);
    }
    return mst_str(text.p, n);
}

uint32_t
mst_sim_token_count(mst_str_t text, uint32_t max)
{
    uint32_t count = 0;
    while (text.n > 0 && count < max) {
        size_t n = mst_sim_token(text).n;
        text = mst_str(text.p + n, text.n - n);
        count++;
    }
    return count;
}

mst_str_t
mst_sim_word(uint64_t n)
{
    return mst_str_c(words[n % WORD_COUNT]);
}

mst_rc
mst_sim_words(uint64_t seed, uint32_t tokens, mst_buf_t *out)
{
    for (uint32_t i = 0; i < tokens; i++) {
        mst_str_t w = mst_sim_word((uint64_t)(mst_sim_unit(seed, i) * WORD_COUNT));
        if (i == 0) // the first has no blank in front
            w = mst_str(w.p + 1, w.n - 1);
        mst_buf_add_str(out, w);
    }
    return out->failed ? MST_LIMIT : MST_OK;
}
