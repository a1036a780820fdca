// Sentences as NLTK's Punkt finds them when it has not been trained: a full stop, question or exclamation mark ends a
// sentence unless what follows says otherwise (no white space, a lower-case word behind an initial or a number, dots).
// The trained English model knows abbreviations besides ("Dr."); it is data of its makers and not part of this. On
// the recorded answers of IFEval both give every verdict alike. Linear time. Pure. Thread: any.
#ifndef MST_TEXT_PUNKT_H
#define MST_TEXT_PUNKT_H

#include "common/base/str.h"

typedef struct {
    size_t start, stop;
} mst_span_t;

typedef struct {
    mst_str_t text;
    size_t at;         // where the next mark is looked for
    size_t word, mark; // of the candidate that waits: the word before it, and its mark
    size_t start;      // of the sentence that is being looked for
    size_t realign;    // bytes at its start that went to the one before
    mst_span_t held;   // a sentence that waits for its successor
    bool waiting, holding, ended;
} mst_punkt_t;

void mst_punkt_init(mst_punkt_t *p, mst_str_t text);
// The next sentence, a view of text. False at the end.
bool mst_punkt_next(mst_punkt_t *p, mst_str_t *sentence);

#endif
