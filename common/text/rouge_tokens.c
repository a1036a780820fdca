// The reference lowers the whole text before it looks for [a-z0-9]. Only two characters outside ASCII have such a
// letter in their lower case: U+0130 (dotted I: "i" and a combining dot) and U+212A (Kelvin sign: "k"). With these two
// in the scan no lowered copy is needed.
#include "common/text/rouge_tokens.h"

#include "common/text/porter.h"

#define STEM_ABOVE 3 // characters

static const char letter[256] = {
    0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,
    0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,
    0,   0,   0,   0,   '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 0,   0,   0,   0,   0,   0,   0,   'a',
    'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o', 'p', 'q', 'r', 's', 't', 'u', 'v', 'w',
    'x', 'y', 'z', 0,   0,   0,   0,   0,   0,   'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm',
    'n', 'o', 'p', 'q', 'r', 's', 't', 'u', 'v', 'w', 'x', 'y', 'z', 0,   0,   0,   0,   0,
};

// The letter that the character at p has in lower case, 0 when it has none. *took: its bytes; *ends: the token ends
// behind it, since a combining mark follows.
static inline char
letter_at(const char *p, const char *end, size_t *took, bool *ends)
{
    *took = 1;
    *ends = false;
    char c = letter[(unsigned char)*p];
    if (c != 0)
        return c;
    if (*p == '\xC4' && end - p >= 2 && p[1] == '\xB0') {
        *took = 2;
        *ends = true;
        return 'i';
    }
    if (*p == '\xE2' && end - p >= 3 && p[1] == '\x84' && p[2] == '\xAA') {
        *took = 3;
        return 'k';
    }
    return 0;
}

bool
mst_rouge_token(mst_rouge_tokens_t *t, char *to, mst_str_t *out)
{
    size_t n = 0, took;
    bool ends = false;
    while (t->p < t->end && !ends) {
        char c = letter_at(t->p, t->end, &took, &ends);
        if (c == 0 && n > 0)
            break;
        if (c != 0)
            to[n++] = c;
        else
            t->line += *t->p == '\n';
        t->p += took;
    }
    if (t->stem && n > STEM_ABOVE)
        n = mst_porter_stem(to, n);
    *out = mst_str(to, n);
    return n > 0;
}
