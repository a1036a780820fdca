// sacreBLEU's tokenizers: 13a (mteval-v13a), zh, intl (mteval-v14 international), char, none. A token is a view of the
// text, since these tokenizers do nothing but put blanks between characters.
// Thread: a tokenizer is read-only once made; any thread.
#ifndef MST_TEXT_BLEU_TOKENS_H
#define MST_TEXT_BLEU_TOKENS_H

#include "common/base/buf.h"

typedef enum { MST_BLEU_13A, MST_BLEU_ZH, MST_BLEU_INTL, MST_BLEU_CHAR, MST_BLEU_NONE } mst_bleu_tok_t;

typedef struct {
    mst_bleu_tok_t tok;
    uint8_t ascii[128]; // class of each ASCII character
} mst_bleu_tokenizer_t;

typedef struct {
    const mst_bleu_tokenizer_t *how;
    const char *p, *end;
    uint8_t before;    // class of the character before p
    bool before_split; // that character is a mark that was split from the one before it
} mst_bleu_tokens_t;

bool mst_bleu_tok_parse(mst_str_t name, mst_bleu_tok_t *out);
void mst_bleu_tokenizer_init(mst_bleu_tokenizer_t *t, mst_bleu_tok_t tok);
// What goes before the tokens: lower case if asked for, white space at the end dropped (zh: at both ends), and for
// 13a "<skipped>" and hyphens at line ends deleted and four HTML entities decoded. *out is text itself when nothing
// changes, else a view of a or b, which are reset. MST_LIMIT.
MST_NODISCARD mst_rc mst_bleu_prepare(const mst_bleu_tokenizer_t *t, bool lower, mst_str_t text, mst_buf_t *a,
                                      mst_buf_t *b, mst_str_t *out);
// The tokens of a prepared text.
mst_bleu_tokens_t mst_bleu_tokens(const mst_bleu_tokenizer_t *t, mst_str_t prepared);
bool mst_bleu_token(mst_bleu_tokens_t *t, mst_str_t *out);

#endif
