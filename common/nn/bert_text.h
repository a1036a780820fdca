// BERT's basic tokenizer: cleans, splits at white space, CJK ideographs and punctuation, lower-cases and strips
// accents. Two rule sets exist in the field and differ in what few texts show: `fast` (Rust tokenizers, what
// sentence-transformers uses) and slow (Python BertTokenizer, what bert_score uses).
//
//                  fast                               slow
//   unassigned     kept                               dropped, as all of category C
//   lower case     each code point on its own         by word, final sigma
//   order          NFD, drop Mn, lower                NFC, lower, NFD, drop Mn
//   CJK E range    from U+2B920                       from U+2B820
//
// A word of more than MST_BERT_RUN_MAX code points is taken in parts of that size, which bounds the memory.
// Thread: any; no shared state.
#ifndef MST_NN_BERT_TEXT_H
#define MST_NN_BERT_TEXT_H

#include "common/base/err.h"
#include "common/base/mem.h"

#define MST_BERT_RUN_MAX 32768U // code points between two white spaces

typedef struct {
    bool lower, strip_accents, split_cjk, clean;
    bool slow;
} mst_bert_text_t;

// One basic token; false = no more are wanted. The slice is valid during the call.
typedef bool mst_word_fn(void *ud, mst_str_t word);

// text: any bytes; an invalid byte counts as U+FFFD, which is dropped. Scratch from arena. MST_LIMIT.
MST_NODISCARD mst_rc mst_bert_words(const mst_bert_text_t *t, mst_str_t text, mst_arena_t *arena, mst_word_fn *fn,
                                    void *ud, mst_err_t *err);
// ASCII marks 33-47, 58-64, 91-96, 123-126, or category P.
bool mst_bert_is_punctuation(uint32_t cp);

#endif
