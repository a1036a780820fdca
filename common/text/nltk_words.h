// Words as NLTK's word tokenizer (NLTKWordTokenizer) cuts one sentence: marks apart, clitics apart ("do n't"),
// quotes rewritten as `` and ''. Pure. Thread: any, one nltk_words at a time.
#ifndef MST_TEXT_NLTK_WORDS_H
#define MST_TEXT_NLTK_WORDS_H

#include "common/base/buf.h"

typedef struct {
    mst_buf_t a, b; // the sentence on its way through the passes
} mst_nltk_words_t;

void mst_nltk_words_init(mst_nltk_words_t *w, size_t bytes_max);
void mst_nltk_words_deinit(mst_nltk_words_t *w);
// The words of sentence, with white space between them: walk them with mst_py_split. A view of w, valid until the
// next call. MST_LIMIT when the sentence is too long.
MST_NODISCARD mst_rc mst_nltk_words(mst_nltk_words_t *w, mst_str_t sentence, mst_str_t *out);

#endif
