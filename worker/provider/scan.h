// A quick look at JSON text for keys with something in them, without building a tree: for has_token, which the I/O
// thread asks of every event until the first token. Strings are walked over as a whole, so a key in a text is none.
// Thread: any; no shared state.
#ifndef MST_WORKER_SCAN_H
#define MST_WORKER_SCAN_H

#include "common/base/str.h"

typedef enum {
    MST_FILLED_TEXT = 1, // a string that is not empty
    MST_FILLED_LIST = 2, // an array that is not empty
    MST_FILLED_MAP = 4,  // an object, empty or not
} mst_filled_t;

typedef struct {
    const char *key;
    unsigned as;       // mst_filled_t, or'ed
    const char *value; // NULL, or the string that it must be
} mst_scan_key_t;

// Does one of the keys (a list that ends with a NULL key) stand in the text, at any depth, with a value as it says?
bool mst_scan_filled(mst_str_t json, const mst_scan_key_t *keys);

#endif
