// The references run regular expressions over the text, one after the other, and split at blanks. 13a and zh, on
// ASCII:
//
//   1  ([{-~[-` -&(-+:-@/])  ->  " \1 "      marks stand alone
//   2  ([^0-9])([.,])        ->  "\1 \2 "    a point behind something that is no digit is split off
//   3  ([.,])([^0-9])        ->  " \1 \2"    a point before something that is no digit is split off
//   4  ([0-9])(-)            ->  "\1 \2 "    a hyphen behind a digit stands alone
//
// intl is 2 and 3 with \p{P} for [.,] and \p{N} for [0-9], then " \1 " for \p{S}. Matches do not overlap, and that is
// all there is to them: in pass 2 a point is matched unless a digit is before it, or a point that was matched itself
// (and so is used up), or nothing. A matched point has blanks around it then. A point that was not is split off in
// pass 3 when something other than a digit follows; blanks that pass 2 put there count. So one walk with the class
// of the character before does what the passes do. 13a has a blank before and behind the text, the others do not.
#include "common/text/bleu_tokens.h"

#include "common/base/utf8.h"
#include "common/text/normalise.h"

typedef enum {
    OTHER,
    NUMBER,  // up to here: part of the token that it stands in
    NOTHING, // before the text
    SPACE,
    POINT,
    ALONE,
    HYPHEN,
} class_t;

bool
mst_bleu_tok_parse(mst_str_t name, mst_bleu_tok_t *out)
{
    static const char *const names[] = {"13a", "zh", "intl", "char", "none"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (mst_str_eq_c(name, names[i])) {
            *out = (mst_bleu_tok_t)i;
            return true;
        }
    }
    return false;
}

// Characters that zh puts blanks around. The reference lists ranges of CJK; two of them are written with one hex digit
// too many and so become U+2001 to U+2A6D and U+2F81 to U+2FA1.
static bool
is_chinese(uint32_t cp)
{
    static const uint32_t ranges[][2] = {
        {0x2001, 0x2A6D}, {0x2E80, 0x2EFF}, {0x2F00, 0x2FDF}, {0x2FF0, 0x2FFF}, {0x3000, 0x303F}, {0x3100, 0x312F},
        {0x31A0, 0x31BF}, {0x31C0, 0x31EF}, {0x3200, 0x33FF}, {0x3400, 0x4DB5}, {0x4E00, 0x9FBB}, {0xF900, 0xFA2D},
        {0xFA30, 0xFA6A}, {0xFA70, 0xFAD9}, {0xFE10, 0xFE1F}, {0xFE30, 0xFE4F}, {0xFF00, 0xFFEF},
    };
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++) {
        if (cp >= ranges[i][0] && cp <= ranges[i][1])
            return true;
    }
    return false;
}

static class_t
international(uint32_t cp)
{
    switch (mst_utf8_class(cp)) {
    case MST_UTF8_NUMBER:
        return NUMBER;
    case MST_UTF8_PUNCTUATION:
        return POINT;
    case MST_UTF8_SYMBOL:
        return ALONE;
    case MST_UTF8_LETTER:
    case MST_UTF8_OTHER:
        break;
    }
    return OTHER;
}

static class_t
western(uint32_t cp)
{
    if (cp == '.' || cp == ',')
        return POINT;
    if (cp == '-')
        return HYPHEN;
    if (cp >= '0' && cp <= '9')
        return NUMBER;
    return cp < 0x80 && cp != '\'' && mst_text_is_mark((char)cp) ? ALONE : OTHER;
}

static class_t
class_of(mst_bleu_tok_t tok, uint32_t cp)
{
    if (mst_utf8_is_space(cp))
        return SPACE;
    switch (tok) {
    case MST_BLEU_13A:
        return western(cp);
    case MST_BLEU_ZH:
        return is_chinese(cp) ? ALONE : western(cp);
    case MST_BLEU_INTL:
        return international(cp);
    case MST_BLEU_CHAR:
        return ALONE;
    case MST_BLEU_NONE:
        break;
    }
    return OTHER;
}

void
mst_bleu_tokenizer_init(mst_bleu_tokenizer_t *t, mst_bleu_tok_t tok)
{
    t->tok = tok;
    for (uint32_t cp = 0; cp < 128; cp++)
        t->ascii[cp] = (uint8_t)class_of(tok, cp);
}

// Appends s with every `from` replaced, found from the left without overlap.
static mst_rc
replace(mst_str_t s, mst_str_t from, mst_str_t to, mst_buf_t *out)
{
    size_t at = 0;
    mst_buf_reset(out);
    for (;;) {
        int64_t found = mst_str_find(s, from, at);
        size_t end = found >= 0 ? (size_t)found : s.n;
        mst_rc rc = mst_buf_add(out, s.p + at, end - at);
        if (rc != MST_OK || found < 0)
            return rc;
        rc = mst_buf_add_str(out, to);
        if (rc != MST_OK)
            return rc;
        at = end + from.n;
    }
}

static mst_rc
clean_13a(mst_str_t *text, mst_buf_t *a, mst_buf_t *b)
{
    static const struct {
        mst_str_t from, to;
    } steps[] = {
        {{"<skipped>", 9}, {"", 0}}, {{"-\n", 2}, {"", 0}},   {{"&quot;", 6}, {"\"", 1}},
        {{"&amp;", 5}, {"&", 1}},    {{"&lt;", 4}, {"<", 1}}, {{"&gt;", 4}, {">", 1}},
    };

    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        if (memchr(text->p, steps[i].from.p[0], text->n) == NULL || mst_str_find(*text, steps[i].from, 0) < 0)
            continue;
        mst_buf_t *to = text->p == a->p ? b : a;
        if (replace(*text, steps[i].from, steps[i].to, to) != MST_OK)
            return MST_LIMIT;
        *text = mst_buf_view(to);
        if (text->n == 0)
            break;
    }
    return MST_OK;
}

mst_rc
mst_bleu_prepare(const mst_bleu_tokenizer_t *t, bool lower, mst_str_t text, mst_buf_t *a, mst_buf_t *b, mst_str_t *out)
{
    mst_buf_reset(a);
    mst_buf_reset(b);
    if (lower && mst_text_lower(text, a, &text) != MST_OK)
        return MST_LIMIT;
    text = t->tok == MST_BLEU_ZH ? mst_utf8_trim(text) : mst_utf8_trim_end(text);
    *out = text;
    if (t->tok != MST_BLEU_13A || text.n == 0)
        return MST_OK;
    return clean_13a(out, a, b);
}

mst_bleu_tokens_t
mst_bleu_tokens(const mst_bleu_tokenizer_t *t, mst_str_t prepared)
{
    const char *p = prepared.n > 0 ? prepared.p : "";
    return (mst_bleu_tokens_t){
        .how = t, .p = p, .end = p + prepared.n, .before = t->tok == MST_BLEU_13A ? SPACE : NOTHING};
}

static inline class_t
class_at(const mst_bleu_tokens_t *t, const char *p, size_t *took)
{
    unsigned char c = (unsigned char)*p;
    *took = 1;
    if (c < 0x80)
        return (class_t)t->how->ascii[c];
    uint32_t cp = 0;
    *took = mst_utf8_next(mst_str(p, (size_t)(t->end - p)), &cp);
    return class_of(t->how->tok, cp);
}

// Is a digit, or nothing, behind a point that pass 2 did not match?
static bool
holds_on(const mst_bleu_tokens_t *t, const char *behind)
{
    size_t took;
    if (behind == t->end)
        return t->how->tok != MST_BLEU_13A;
    return class_at(t, behind, &took) == NUMBER;
}

#define EACH(byte) ((byte)*0x0101010101010101ULL)

// How many of eight bytes are ASCII letters and digits before one that is not: the bulk of a text. The upper bit of
// each byte says what a comparison of the lower seven gave.
static inline size_t
plain_run(const char *p)
{
    uint64_t x;
    memcpy(&x, p, 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    x = __builtin_bswap64(x);
#endif
    uint64_t low = x & EACH(0x7FULL), folded = low | EACH(0x20ULL);
    uint64_t letter = (folded + EACH(0x80ULL - 'a')) & ~(folded + EACH(0x7FULL - 'z'));
    uint64_t digit = (low + EACH(0x80ULL - '0')) & ~(low + EACH(0x7FULL - '9'));
    uint64_t other = (~(letter | digit) | x) & EACH(0x80ULL);
    return other != 0 ? (size_t)__builtin_ctzll(other) / 8 : 8;
}

// Letters and digits belong to the token that they stand in, whatever is around.
static inline bool
take_plain(mst_bleu_tokens_t *t)
{
    const char *p = t->p;
    size_t n = 8;
    while (n == 8 && t->end - p >= 8) {
        n = plain_run(p);
        p += n;
    }
    while (n == 8 && p < t->end && (unsigned char)*p < 0x80 && t->how->ascii[(unsigned char)*p] <= NUMBER)
        p++;
    if (p == t->p)
        return false;
    t->before = t->how->ascii[(unsigned char)p[-1]];
    t->before_split = false;
    t->p = p;
    return true;
}

bool
mst_bleu_token(mst_bleu_tokens_t *t, mst_str_t *out)
{
    const char *start = t->p;
    while (t->p < t->end) {
        size_t took;
        if (t->how->tok != MST_BLEU_CHAR && take_plain(t))
            continue;
        class_t c = class_at(t, t->p, &took);
        bool split = c == POINT && t->before != NOTHING && t->before != NUMBER && !t->before_split;
        bool alone = c == ALONE || c == SPACE || split || (c == HYPHEN && t->before == NUMBER) ||
                     (c == POINT && !holds_on(t, t->p + took));
        if (alone && t->p > start)
            break;
        t->p += took;
        t->before = (uint8_t)c;
        t->before_split = split;
        if (c == SPACE)
            start = t->p;
        else if (alone)
            break;
    }
    *out = mst_str(start, (size_t)(t->p - start));
    return out->n > 0;
}
