// Porter's stemmer as NLTK has it by default (NLTK_EXTENSIONS): exceptions first, then steps 1a to 5b with NLTK's
// changes to the paper of 1980. Pure. Thread: any.
#ifndef MST_TEXT_PORTER_H
#define MST_TEXT_PORTER_H

#include <stddef.h>

// Stems p[0..n) in place and returns the new length, never longer. For words of a-z and 0-9; any other byte counts as
// a consonant. Linear in n.
size_t mst_porter_stem(char *p, size_t n);

#endif
