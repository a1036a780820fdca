// Tokens as Google's rouge_score makes them: lower case, runs of a-z and 0-9, everything else separates; words longer
// than 3 characters may be stemmed. Pure; allocates nothing. Thread: any.
#ifndef MST_TEXT_ROUGE_TOKENS_H
#define MST_TEXT_ROUGE_TOKENS_H

#include "common/base/str.h"

typedef struct {
    const char *p, *end;
    bool stem;
    size_t line; // of the last token, from 0: newlines before it
} mst_rouge_tokens_t;

static inline mst_rouge_tokens_t
mst_rouge_tokens(mst_str_t text, bool stem)
{
    return (mst_rouge_tokens_t){.p = text.n > 0 ? text.p : "", .end = text.n > 0 ? text.p + text.n : "", .stem = stem};
}

// The next token, written to `to`, or false at the end. All tokens of a text together are no longer than the text.
bool mst_rouge_token(mst_rouge_tokens_t *t, char *to, mst_str_t *out);

#endif
